//! The change log: every committed change once, in order, with the documents before and after;
//! readable from every position that is kept and refused from every other.

use engine::{ChangeKind, ChangeRecord, Clock, Engine, Modify, Options, Position};
use store::Store;
use value::{Document, Value};

use crate::{
    THINGS, contents, document, documents, engine_with_things, kind, remove, replace, texts, update,
};

on_every_store! {
    every_change_has_its_record;
    a_collection_can_be_restored_from_its_changes;
    pages_fit_together_from_every_position;
    what_is_too_old_is_removed_and_refused;
    followers_are_woken;
}

/// Options under which nothing is answered from memory.
fn without_memory() -> Options {
    Options { recent_changes_bytes: 0, ..Options::default() }
}

/// All records after a position, in pages of this size.
async fn all(engine: &Engine, after: Position, limit: usize) -> Vec<ChangeRecord> {
    let (mut records, mut next) = (Vec::new(), after);
    loop {
        let page = engine.changes(next, limit).await.unwrap();
        assert!(page.records.len() <= limit && (page.is_end || page.next > next));
        next = page.next;
        records.extend(page.records);
        if page.is_end {
            return records;
        }
    }
}

/// Kind, id, before and after of a record, for tables.
fn line(record: &ChangeRecord) -> String {
    let image = |image: &Option<bytes::Bytes>| match image {
        Some(image) => texts(std::slice::from_ref(image)),
        None => "-".to_owned(),
    };
    let id = match &record.id {
        Value::String(id) => id.clone(),
        other => format!("{other:?}"),
    };
    let (before, after) = (image(&record.before), image(&record.after));
    format!("{:?} {} {id} {before} {after}", record.kind, record.collection)
}

async fn every_change_has_its_record(store: Store) {
    let engine = engine_with_things(store.clone()).await;
    engine.insert(THINGS, documents(r#"[{"_id":"a","n":1},{"_id":"b","n":1}]"#)).await.unwrap();
    let all_of = |modify| Modify { multi: true, ..modify };
    let upsert = |modify| Modify { upsert: true, ..modify };
    engine.modify(all_of(update(r#"{"n":1}"#, r#"{"$inc":{"n":1}}"#))).await.unwrap();
    engine.modify(update(r#"{"_id":"a"}"#, r#"{"$set":{"n":2}}"#)).await.unwrap();
    engine.modify(replace(r#"{"_id":"a"}"#, r#"{"m":[1,"云"]}"#)).await.unwrap();
    engine.modify(upsert(update(r#"{"_id":"c"}"#, r#"{"$set":{"n":3}}"#))).await.unwrap();
    engine.insert(THINGS, documents(r#"[{"_id":"d"},{"_id":"a"}]"#)).await.unwrap_err();
    engine.remove(remove(r#"{"_id":"b"}"#, false)).await.unwrap();
    engine.drop_collection(THINGS).await.unwrap();
    let expected = r#"
        CreateCollection things Null - -
        Insert things a - {"_id":"a","n":1}
        Insert things b - {"_id":"b","n":1}
        Update things a {"_id":"a","n":1} {"_id":"a","n":2}
        Update things b {"_id":"b","n":1} {"_id":"b","n":2}
        Replace things a {"_id":"a","n":2} {"_id":"a","m":[1,"云"]}
        Insert things c - {"_id":"c","n":3}
        Remove things b {"_id":"b","n":2} -
        DropCollection things Null - -"#;
    let expected: Vec<&str> = expected.trim().lines().map(str::trim).collect();
    let other = Engine::open_with(store, Clock::fixed(0), without_memory()).await.unwrap();
    for (from, engine) in [("memory", &engine), ("store", &other)] {
        let records = all(engine, Position::START, 4).await;
        assert_eq!(records.iter().map(line).collect::<Vec<_>>(), expected, "{from}");
        assert!(records.is_sorted_by(|one, next| one.position < next.position));
        assert!(records.iter().all(|record| record.at_ms == 1_700_000_000_000));
        assert_eq!(engine.newest_change().await.unwrap(), records.last().unwrap().position);
    }
}

async fn a_collection_can_be_restored_from_its_changes(store: Store) {
    let engine = engine_with_things(store).await;
    let start = engine.newest_change().await.unwrap();
    let many = (0..300).map(|n| document(&format!(r#"{{"_id":"{:03}","n":{n}}}"#, n % 1_000)));
    engine.insert(THINGS, many.collect()).await.unwrap();
    let tasks: Vec<_> = (0..40)
        .map(|n| {
            let engine = engine.clone();
            tokio::spawn(async move {
                let by = format!(r#"{{"_id":"{n:03}"}}"#);
                engine.modify(update(&by, r#"{"$push":{"tags":"x"}}"#)).await.unwrap();
                let gone = format!(r#"{{"_id":"{:03}"}}"#, n + 100);
                engine.remove(remove(&gone, false)).await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let mut restored = std::collections::BTreeMap::new();
    for record in all(&engine, start, 50).await {
        let Value::String(id) = record.id else { panic!("{record:?}") };
        assert_eq!(restored.get(&id), record.before.as_ref(), "{id}");
        match record.after {
            Some(after) => restored.insert(id, after),
            None => restored.remove(&id),
        };
    }
    let restored: Vec<bytes::Bytes> = restored.into_values().collect();
    assert_eq!(texts(&restored), contents(&engine).await);
}

async fn pages_fit_together_from_every_position(store: Store) {
    let engine = engine_with_things(store.clone()).await;
    for n in 0..5 {
        let many = (0..=n).map(|m| document(&format!(r#"{{"n":{n},"m":{m}}}"#))).collect();
        engine.insert(THINGS, many).await.unwrap();
    }
    let whole = all(&engine, Position::START, 1_000).await;
    assert_eq!(whole.len(), 16);
    let other = Engine::open_with(store, Clock::fixed(0), without_memory()).await.unwrap();
    for engine in [&engine, &other] {
        for (index, record) in whole.iter().enumerate() {
            for limit in [1, 2, 3, 1_000] {
                let rest = all(engine, record.position, limit).await;
                assert_eq!(rest, whole[index + 1..], "after {index} by {limit}");
            }
            let commit = record.position.commit;
            let later: Vec<_> =
                whole.iter().filter(|record| record.position.commit > commit).cloned().collect();
            assert_eq!(all(engine, Position::end_of(commit), 2).await, later);
        }
        let future = engine.changes(Position::end_of(1_000), 5).await.unwrap();
        assert!(future.records.is_empty() && future.is_end);
    }
}

async fn what_is_too_old_is_removed_and_refused(store: Store) {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};
    let now_ms = Arc::new(AtomicI64::new(0));
    let clock = Arc::clone(&now_ms);
    let clock = Clock::from_fn(move || clock.load(Ordering::Relaxed));
    let options = Options {
        change_log_bytes: 40_000,
        change_log_age_ms: 64_000,
        recent_changes_bytes: 2_000,
        ..Options::default()
    };
    let engine = Engine::open_with(store.clone(), clock.clone(), options.clone()).await.unwrap();
    engine.create_collection(THINGS).await.unwrap();
    let text: String = (0..10).map(|_| engine::new_id(0)).collect();
    let write = || async {
        let document = Document::from_iter([("text", text.clone())]);
        engine.insert(THINGS, vec![document]).await.unwrap();
    };
    for _ in 0..300 {
        write().await;
    }
    let oldest = match engine.changes(Position::START, 10).await.unwrap_err() {
        engine::Error::ChangesTooOld { oldest } => oldest,
        other => panic!("{other:?}"),
    };
    let kept = all(&engine, oldest, 50).await;
    assert!((80..130).contains(&kept.len()), "{}", kept.len());
    assert_eq!(kept.last().unwrap().position, engine.newest_change().await.unwrap());
    let before = Position { commit: oldest.commit - 1, ..oldest };
    let refused = engine.changes(before, 10).await.unwrap_err();
    assert_eq!(kind(&refused), "ChangesTooOld");
    let text_of_error = refused.to_string();
    assert!(text_of_error.contains(&oldest.commit.to_string()), "{text_of_error}");

    // By age: what the next commits find too old goes, the newest stays.
    now_ms.store(70_000, Ordering::Relaxed);
    write().await;
    write().await;
    let engine = Engine::open_with(store, clock, options).await.unwrap();
    let engine::Error::ChangesTooOld { oldest } =
        engine.changes(Position::START, 10).await.unwrap_err()
    else {
        panic!("it is too old");
    };
    let kept = all(&engine, oldest, 50).await;
    assert!((1..4).contains(&kept.len()), "{}", kept.len());
    assert!(kept.iter().all(|record| record.kind == ChangeKind::Insert));
}

async fn followers_are_woken(store: Store) {
    let engine = engine_with_things(store.clone()).await;
    let other = Engine::open(store, Clock::fixed(0)).await.unwrap();
    for follower in [&engine, &other] {
        let seen = follower.newest_change().await.unwrap();
        let waiting = {
            let follower = follower.clone();
            tokio::spawn(async move {
                follower.changed_past(seen).await.unwrap();
                follower.changes(seen, 10).await.unwrap()
            })
        };
        engine.insert(THINGS, documents("[{}]")).await.unwrap();
        let page = waiting.await.unwrap();
        assert_eq!(page.records.len(), 1);
        assert_eq!(follower.newest_change().await.unwrap(), page.next);
    }
    let waiting = {
        let engine = engine.clone();
        tokio::spawn(async move { engine.changed_past(Position::end_of(1_000)).await })
    };
    tokio::task::yield_now().await;
    engine.close().await.unwrap();
    assert_eq!(kind(&waiting.await.unwrap().unwrap_err()), "Closed");
}
