//! Transactions: own writes are seen, others' are not; what was read holds at the commit or the
//! commit is refused; all of it takes place or nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use engine::{Aggregation, Clock, Engine, Error, Find, Modify, Options, Position, Transaction};
use query::{Pipeline, Sort};
use store::Store;
use value::Value;

use crate::{
    THINGS, contents, document, documents, engine_with_things, filter, find, kind, number, remove,
    replace, texts, update,
};

on_every_store! {
    a_transaction_behaves_like_a_database_of_its_own;
    what_was_read_holds_or_the_commit_is_refused;
    of_two_that_skew_one_is_refused;
    parallel_transactions_lose_no_update;
    old_transactions_are_judged_by_the_change_log;
    a_rollback_leaves_nothing;
    refused_calls_leave_the_transaction_as_it_was;
    a_transaction_has_limits;
    a_commit_is_one_moment;
}

/// The engine, with documents.
async fn engine_with(store: Store, json: &str) -> Engine {
    let engine = engine_with_things(store).await;
    engine.insert(THINGS, documents(json)).await.unwrap();
    engine
}

fn id(id: &str) -> Value {
    Value::String(id.to_owned())
}

async fn seen(transaction: &Transaction, find: Find) -> String {
    texts(&transaction.find(find).await.unwrap())
}

/// Every step is done in a transaction of one database and right away in another; both must
/// answer the same, before and after the commit.
async fn a_transaction_behaves_like_a_database_of_its_own(store: Store) {
    let start = r#"[{"_id":"a","n":1},{"_id":"b","n":5},{"_id":"c","n":3},{"_id":"d","n":2}]"#;
    let engine = engine_with(store, start).await;
    let model = engine_with(Store::memory(), start).await;
    let before = contents(&engine).await;
    let transaction = engine.begin().await.unwrap();
    let upsert = |modify| Modify { upsert: true, ..modify };
    let multi = |modify| Modify { multi: true, ..modify };
    let modifications = [
        update(r#"{"_id":"a"}"#, r#"{"$inc":{"n":3}}"#),
        update(r#"{"n":{"$gte":4}}"#, r#"{"$set":{"big":true}}"#),
        multi(update(r#"{"n":{"$lt":4}}"#, r#"{"$inc":{"n":10}}"#)),
        multi(update(r#"{"n":{"$gt":11}}"#, r#"{"$inc":{"n":1}}"#)),
        replace(r#"{"_id":"d"}"#, r#"{"n":0}"#),
        upsert(update(r#"{"_id":"e"}"#, r#"{"$set":{"n":4}}"#)),
        upsert(update(r#"{"_id":"e"}"#, r#"{"$set":{"n":6}}"#)),
        upsert(multi(update(r#"{"k":1}"#, r#"{"$set":{"_id":"f"}}"#))),
        update(r#"{"n":99}"#, r#"{"$set":{"n":1}}"#),
        update(r#"{"_id":"e"}"#, r#"{"$set":{"n":6}}"#),
    ];
    for (step, modify) in modifications.into_iter().enumerate() {
        let (one, other) =
            (transaction.modify(modify.clone()).await, model.modify(modify.clone()).await);
        assert_eq!(one.unwrap(), other.unwrap(), "step {step}");
        same_answers(&transaction, &model, &format!("after modification {step}")).await;
        let removal = match step {
            3 => remove(r#"{"_id":"b"}"#, false),
            5 => remove(r#"{"n":{"$lt":5}}"#, false),
            8 => remove(r#"{"n":{"$exists":false}}"#, true),
            _ => continue,
        };
        let (one, other) = (transaction.remove(removal.clone()).await, model.remove(removal).await);
        assert_eq!(one.unwrap(), other.unwrap(), "step {step}");
        if step == 3 {
            // What was removed may come again.
            let again = documents(r#"[{"_id":"b","n":1},{"_id":"g","n":4}]"#);
            transaction.insert(THINGS, again.clone()).await.unwrap();
            model.insert(THINGS, again).await.unwrap();
        }
        same_answers(&transaction, &model, &format!("after removal {step}")).await;
    }
    assert_eq!(contents(&engine).await, before, "nobody else sees it");
    transaction.commit().await.unwrap();
    assert_eq!(contents(&engine).await, contents(&model).await);
    let counted = engine.count(THINGS, &filter("{}")).await.unwrap();
    assert_eq!(counted, model.count(THINGS, &filter("{}")).await.unwrap());
}

async fn same_answers(transaction: &Transaction, model: &Engine, when: &str) {
    for by in ["{}", r#"{"n":{"$gte":4}}"#, r#"{"_id":{"$in":["a","b","e"]}}"#, r#"{"big":true}"#] {
        for sort in ["{}", r#"{"n":-1}"#, r#"{"n":1,"_id":-1}"#] {
            for (skip, limit) in [(0, None), (0, Some(1)), (1, Some(2)), (2, None), (0, Some(0))] {
                let sort = Sort::parse(&document(sort)).unwrap();
                let find = Find { sort, skip, limit, ..find(by) };
                let expected = texts(&model.find(find.clone()).await.unwrap());
                assert_eq!(seen(transaction, find.clone()).await, expected, "{when}: {find:?}");
            }
        }
        let counted = transaction.count(THINGS, &filter(by)).await.unwrap();
        assert_eq!(counted, model.count(THINGS, &filter(by)).await.unwrap(), "{when}: {by}");
    }
    for (by, stages) in [("{}", ""), (r#"{"n":{"$gt":3}}"#, r#",{"$sort":{"n":-1}},{"$limit":2}"#)]
    {
        let pipeline = pipeline(by, stages);
        let aggregation = Aggregation::new(0);
        let expected = model.aggregate(THINGS, &pipeline, &aggregation).await.unwrap();
        let found = transaction.aggregate(THINGS, &pipeline, &aggregation).await.unwrap();
        assert_eq!(texts(&found), texts(&expected), "{when}: {by}");
    }
    let ids = ["a", "b", "e", "z"].map(id);
    let expected = model.get_many(THINGS, &ids).await.unwrap();
    assert_eq!(transaction.get_many(THINGS, &ids).await.unwrap(), expected, "{when}");
}

/// A pipeline that takes what matches and goes on with more stages.
fn pipeline(by: &str, stages: &str) -> Pipeline {
    Pipeline::parse(&documents(&format!(r#"[{{"$match":{by}}}{stages}]"#))).unwrap()
}

/// What a transaction does first | what somebody else does then | whether it may still commit a
/// document of its own. The collection holds a: 1, b: 2, c: 3.
const CONFLICTS: &str = r#"
find {"n":{"$gte":2}}  | insert {"n":2}                     | conflict
find {"n":{"$gte":2}}  | insert {"n":1}                     | fine
find {"n":{"$gte":2}}  | update {"_id":"b"} {"$set":{"m":1}} | conflict
find {"n":{"$gte":2}}  | update {"_id":"a"} {"$set":{"m":1}} | fine
find {"n":{"$gte":2}}  | update {"_id":"a"} {"$set":{"n":2}} | conflict
find {"n":{"$gte":2}}  | update {"_id":"b"} {"$set":{"n":0}} | conflict
find {"n":{"$gte":2}}  | remove {"_id":"c"}                 | conflict
find {"n":{"$gte":2}}  | remove {"_id":"a"}                 | fine
find {"n":9}           | insert {"n":9}                     | conflict
find {"_id":"b"}       | update {"_id":"b"} {"$set":{"n":0}} | conflict
find {"_id":"b"}       | update {"_id":"c"} {"$set":{"n":0}} | fine
find {"_id":"z"}       | insert {"_id":"z"}                 | conflict
find {}                | insert {}                          | conflict
sum {"n":{"$gte":2}}   | insert {"n":2}                     | conflict
sum {"n":{"$gte":2}}   | insert {"n":1}                     | fine
count {}               | insert {}                          | conflict
count {"n":2}          | update {"_id":"b"} {"$inc":{"n":1}} | conflict
count {"n":2}          | update {"_id":"c"} {"$inc":{"n":1}} | fine
get a                  | update {"_id":"a"} {"$inc":{"n":1}} | conflict
get a                  | update {"_id":"a"} {"$set":{"n":1}} | fine
get a                  | remove {"_id":"b"}                 | fine
get z                  | insert {"_id":"z"}                 | conflict
insert {"_id":"z"}     | insert {"_id":"z"}                 | conflict
insert {"_id":"z"}     | insert {"_id":"y"}                 | fine
update {"_id":"a"} {"$inc":{"n":1}} | update {"_id":"a"} {"$inc":{"n":1}} | conflict
update {"n":9} {"$inc":{"n":1}}     | update {"_id":"a"} {"$set":{"n":9}} | conflict
update {"n":1} {"$inc":{"n":1}}     | update {"_id":"b"} {"$inc":{"n":1}} | fine
remove {"_id":"a"}     | update {"_id":"a"} {"$inc":{"n":1}} | conflict
remove {"_id":"z"}     | insert {"_id":"z"}                 | conflict
remove {"n":{"$lt":2}} | insert {"n":0}                     | conflict
find {"n":2}           | drop                               | conflict
get a                  | drop                               | conflict
"#;

async fn what_was_read_holds_or_the_commit_is_refused(store: Store) {
    let engine = engine_with_things(store).await;
    engine.create_collection("results").await.unwrap();
    for row in CONFLICTS.trim().lines() {
        let columns: Vec<&str> = row.split(" | ").map(str::trim).collect();
        let [first, then, expected] = columns[..] else { panic!("{row}") };
        engine.ensure_collection(THINGS).await.unwrap();
        engine.remove(remove("{}", true)).await.unwrap();
        let start = r#"[{"_id":"a","n":1},{"_id":"b","n":2},{"_id":"c","n":3}]"#;
        engine.insert(THINGS, documents(start)).await.unwrap();
        let transaction = engine.begin().await.unwrap();
        let (what, argument) = first.split_once(' ').unwrap();
        match what {
            "find" => drop(transaction.find(find(argument)).await.unwrap()),
            "count" => drop(transaction.count(THINGS, &filter(argument)).await.unwrap()),
            "sum" => {
                let sum = r#",{"$group":{"_id":null,"sum":{"$sum":"$n"}}}"#;
                let (sum, how) = (pipeline(argument, sum), Aggregation::new(0));
                let found = transaction.aggregate(THINGS, &sum, &how).await.unwrap();
                assert_eq!(texts(&found), r#"{"_id":null,"sum":5}"#);
            }
            "get" => drop(transaction.get(THINGS, &id(argument)).await.unwrap()),
            "insert" => drop(transaction.insert(THINGS, vec![document(argument)]).await.unwrap()),
            "remove" => drop(transaction.remove(remove(argument, true)).await.unwrap()),
            _ => drop(transaction.modify(updated(argument)).await.unwrap()),
        }
        match then.split_once(' ').unwrap_or((then, "")) {
            ("insert", argument) => {
                drop(engine.insert(THINGS, vec![document(argument)]).await.unwrap());
            }
            ("remove", argument) => drop(engine.remove(remove(argument, true)).await.unwrap()),
            ("drop", _) => engine.drop_collection(THINGS).await.unwrap(),
            (_, argument) => drop(engine.modify(updated(argument)).await.unwrap()),
        }
        transaction.insert("results", documents("[{}]")).await.unwrap();
        let outcome = match transaction.commit().await {
            Ok(()) => "fine",
            Err(Error::Conflict) => "conflict",
            Err(other) => panic!("{row}: {other}"),
        };
        assert_eq!(outcome, expected, "{row}");
    }
}

/// A filter and an update, written after each other.
fn updated(text: &str) -> Modify {
    let (by, change) = text.split_once("} {").unwrap();
    update(&format!("{by}}}"), &format!("{{{change}"))
}

async fn of_two_that_skew_one_is_refused(store: Store) {
    let engine = engine_with(store, r#"[{"_id":"a","on":true},{"_id":"b","on":true}]"#).await;
    let (one, other) = (engine.begin().await.unwrap(), engine.begin().await.unwrap());
    for (transaction, by) in [(&one, r#"{"_id":"a"}"#), (&other, r#"{"_id":"b"}"#)] {
        assert_eq!(transaction.count(THINGS, &filter(r#"{"on":true}"#)).await.unwrap(), 2);
        transaction.modify(update(by, r#"{"$set":{"on":false}}"#)).await.unwrap();
    }
    // Both at once, so that they may meet in one batch.
    let (one, other) = tokio::join!(one.commit(), other.commit());
    let refused: Vec<Error> = [one, other].into_iter().filter_map(Result::err).collect();
    assert!(matches!(refused[..], [Error::Conflict]), "{refused:?}");
    assert_eq!(engine.count(THINGS, &filter(r#"{"on":true}"#)).await.unwrap(), 1);
    let text = refused[0].to_string();
    assert!(text.contains("again") && text.contains("事务冲突"), "{text}");
}

async fn parallel_transactions_lose_no_update(store: Store) {
    let engine = engine_with(store, r#"[{"_id":"a","n":0}]"#).await;
    let tasks: Vec<_> = (0..20)
        .map(|task| {
            let engine = engine.clone();
            tokio::spawn(async move {
                let mut refused = 0;
                loop {
                    let transaction = engine.begin().await.unwrap();
                    let found = transaction.get(THINGS, &id("a")).await.unwrap().unwrap();
                    let n = value::Document::from_bytes(&found).unwrap();
                    let Some(Value::Int32(n)) = n.get("n") else { panic!("{n:?}") };
                    let change = format!(r#"{{"$set":{{"n":{}}}}}"#, n + 1);
                    transaction.modify(update(r#"{"_id":"a"}"#, &change)).await.unwrap();
                    let log = format!(r#"[{{"_id":"log {task}"}}]"#);
                    transaction.insert(THINGS, documents(&log)).await.unwrap();
                    match transaction.commit().await {
                        Ok(()) => return refused,
                        Err(Error::Conflict) => refused += 1,
                        Err(other) => panic!("{other}"),
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(number(&engine, "a", "n").await, 20);
    assert_eq!(engine.count(THINGS, &filter("{}")).await.unwrap(), 21);
}

async fn old_transactions_are_judged_by_the_change_log(store: Store) {
    // Nothing is kept in memory, and little on disk.
    let options =
        Options { recent_changes_bytes: 0, change_log_bytes: 60_000, ..Options::default() };
    let engine = Engine::open_with(store, Clock::fixed(0), options).await.unwrap();
    engine.create_collection(THINGS).await.unwrap();
    engine.insert(THINGS, documents(r#"[{"_id":"a","n":0}]"#)).await.unwrap();
    let text: String = (0..20).map(|_| engine::new_id(0)).collect();
    for (others, by, expected) in [
        (20, r#"{"_id":"a"}"#, "fine"),
        (20, r#"{"text":{"$exists":true}}"#, "conflict"),
        // So many changes that the log no longer reaches back.
        (200, r#"{"_id":"a"}"#, "conflict"),
    ] {
        let transaction = engine.begin().await.unwrap();
        transaction.find(find(by)).await.unwrap();
        for _ in 0..others {
            let document = value::Document::from_iter([("text", text.clone())]);
            engine.insert(THINGS, vec![document]).await.unwrap();
        }
        transaction.insert(THINGS, documents("[{}]")).await.unwrap();
        let outcome = if transaction.commit().await.is_ok() { "fine" } else { "conflict" };
        assert_eq!(outcome, expected, "{others} {by}");
    }
}

async fn a_rollback_leaves_nothing(store: Store) {
    let engine = engine_with(store, r#"[{"_id":"a","n":0}]"#).await;
    let before = engine.newest_change().await.unwrap();
    for how in 0..3 {
        let transaction = engine.begin().await.unwrap();
        transaction.remove(remove("{}", true)).await.unwrap();
        transaction.insert(THINGS, documents("[{}]")).await.unwrap();
        match how {
            0 => transaction.rollback(),
            1 => drop(transaction),
            _ => {
                // What it did it has undone itself.
                transaction.remove(remove("{}", true)).await.unwrap();
                transaction.insert(THINGS, documents(r#"[{"_id":"a","n":0}]"#)).await.unwrap();
                transaction.commit().await.unwrap();
            }
        }
    }
    // One that only reads is right whatever happens beside it.
    let transaction = engine.begin().await.unwrap();
    let seen_before = seen(&transaction, find("{}")).await;
    assert_eq!(engine.newest_change().await.unwrap(), before, "nothing was committed");
    engine.modify(update(r#"{"_id":"a"}"#, r#"{"$inc":{"n":1}}"#)).await.unwrap();
    assert_eq!(seen(&transaction, find("{}")).await, seen_before);
    transaction.commit().await.unwrap();
    assert_eq!(contents(&engine).await, r#"{"_id":"a","n":1}"#);
}

async fn refused_calls_leave_the_transaction_as_it_was(store: Store) {
    let engine = engine_with(store, r#"[{"_id":"a","n":0},{"_id":"b","n":"text"}]"#).await;
    let transaction = engine.begin().await.unwrap();
    let missing = Find { collection: "missing".to_owned(), ..find("{}") };
    let all_of = |modify| Modify { multi: true, ..modify };
    let refused = [
        (transaction.find(missing).await.map(drop), "CollectionMissing"),
        (transaction.insert("missing", documents("[{}]")).await.map(drop), "CollectionMissing"),
        (
            transaction.insert(THINGS, documents(r#"[{"_id":"x"},{"_id":"a"}]"#)).await.map(drop),
            "DuplicateKey",
        ),
        (
            transaction.insert(THINGS, documents(r#"[{"_id":"x"},{"_id":"x"}]"#)).await.map(drop),
            "DuplicateKey",
        ),
        (transaction.modify(all_of(update("{}", r#"{"$inc":{"n":1}}"#))).await.map(drop), "Query"),
        (
            transaction.modify(replace(r#"{"_id":"a"}"#, r#"{"_id":"b"}"#)).await.map(drop),
            "IdRefused",
        ),
    ];
    for (refused, expected) in refused {
        assert_eq!(kind(&refused.unwrap_err()), expected);
    }
    transaction.modify(update(r#"{"_id":"a"}"#, r#"{"$inc":{"n":1}}"#)).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(contents(&engine).await, r#"{"_id":"a","n":1} {"_id":"b","n":"text"}"#);
}

async fn a_transaction_has_limits(store: Store) {
    let now_ms = Arc::new(AtomicI64::new(0));
    let clock = Arc::clone(&now_ms);
    let clock = Clock::from_fn(move || clock.load(Ordering::Relaxed));
    let options = Options {
        transaction_ms: 1_000,
        transaction_writes: 10,
        transaction_bytes: 2_000,
        ..Options::default()
    };
    let engine = Engine::open_with(store, clock, options).await.unwrap();
    engine.create_collection(THINGS).await.unwrap();
    let transaction = engine.begin().await.unwrap();
    let ten = documents("[{},{},{},{},{},{},{},{},{},{}]");
    transaction.insert(THINGS, ten).await.unwrap();
    let eleventh = transaction.insert(THINGS, documents("[{}]")).await.unwrap_err();
    assert_eq!(kind(&eleventh), "TransactionTooLarge");
    let text = format!(r#"{{"$set":{{"text":"{}"}}}}"#, "x".repeat(2_000));
    let long = transaction.modify(update("{}", &text)).await.unwrap_err();
    assert_eq!(kind(&long), "TransactionTooLarge");
    now_ms.store(1_000, Ordering::Relaxed);
    transaction.commit().await.unwrap();
    assert_eq!(engine.count(THINGS, &filter("{}")).await.unwrap(), 10);

    let transaction = engine.begin().await.unwrap();
    transaction.remove(remove("{}", true)).await.unwrap();
    now_ms.store(2_001, Ordering::Relaxed);
    let expired = transaction.count(THINGS, &filter("{}")).await.unwrap_err();
    assert_eq!(kind(&expired), "TransactionExpired");
    assert!(expired.to_string().contains("1000 ms"), "{expired}");
    assert_eq!(kind(&transaction.commit().await.unwrap_err()), "TransactionExpired");
    assert_eq!(engine.count(THINGS, &filter("{}")).await.unwrap(), 10);
}

async fn a_commit_is_one_moment(store: Store) {
    let engine = engine_with(store, r#"[{"_id":"a","n":1}]"#).await;
    engine.create_collection("others").await.unwrap();
    let before = engine.newest_change().await.unwrap();
    let transaction = engine.begin().await.unwrap();
    transaction.modify(update(r#"{"_id":"a"}"#, r#"{"$inc":{"n":1}}"#)).await.unwrap();
    transaction.insert("others", documents(r#"[{"_id":"b"}]"#)).await.unwrap();
    transaction.modify(update(r#"{"_id":"a"}"#, r#"{"$inc":{"n":1}}"#)).await.unwrap();
    transaction.commit().await.unwrap();
    let page = engine.changes(before, 10).await.unwrap();
    let places: Vec<(Position, String)> =
        page.records.into_iter().map(|record| (record.position, record.collection)).collect();
    let commit = before.commit + 1;
    let expected = [(0, THINGS), (1, "others")]
        .map(|(index, name)| (Position { commit, index }, name.to_owned()));
    assert_eq!(places, expected, "one record per document, in one commit");
    assert_eq!(engine.count("others", &filter("{}")).await.unwrap(), 1);
}
