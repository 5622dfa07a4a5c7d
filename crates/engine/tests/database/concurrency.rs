//! Many callers at once: nothing is lost, nothing happens twice, nothing is sold that is not
//! there.

use std::future::Future;

use engine::{Clock, Engine, Error, Modified, Modify};
use store::Store;

use crate::{
    THINGS, contents, document, documents, engine_with_things, filter, find, kind, number, remove,
    update,
};

on_every_store! {
    parallel_increments_all_count;
    parallel_additions_to_a_set_add_once;
    conditional_updates_never_oversell;
    parallel_claims_take_each_document_once;
    parallel_upserts_insert_one;
    parallel_inserts_of_one_id_let_one_through;
    a_failing_write_fails_alone;
    engines_are_wholly_apart;
    closing_answers_everybody;
}

/// Starts `count` tasks and collects what they return.
async fn together<T, F>(engine: &Engine, count: usize, task: impl Fn(Engine, usize) -> F) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let tasks: Vec<_> = (0..count).map(|n| tokio::spawn(task(engine.clone(), n))).collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

async fn parallel_increments_all_count(store: Store) {
    let engine = engine_with_things(store).await;
    engine.insert(THINGS, documents(r#"[{"_id":"a","n":0}]"#)).await.unwrap();
    for (by, count) in [(r#"{"_id":"a"}"#, 20), (r#"{"n":{"$gte":0}}"#, 20), ("{}", 200)] {
        let before = number(&engine, "a", "n").await;
        let results = together(&engine, count, move |engine, _| async move {
            engine.modify(update(by, r#"{"$inc":{"n":1}}"#)).await
        });
        for done in results.await {
            assert_eq!(done.unwrap().modified, 1, "{by}");
        }
        assert_eq!(number(&engine, "a", "n").await, before + count as i64, "{by}");
    }
}

async fn parallel_additions_to_a_set_add_once(store: Store) {
    let engine = engine_with_things(store).await;
    engine.insert(THINGS, documents(r#"[{"_id":"a"}]"#)).await.unwrap();
    let results = together(&engine, 20, |engine, _| async move {
        engine.modify(update(r#"{"_id":"a"}"#, r#"{"$addToSet":{"likes":"me"}}"#)).await
    });
    let modified: u64 = results.await.into_iter().map(|done| done.unwrap().modified).sum();
    assert_eq!(modified, 1);
    assert_eq!(contents(&engine).await, r#"{"_id":"a","likes":["me"]}"#);
}

async fn conditional_updates_never_oversell(store: Store) {
    let engine = engine_with_things(store).await;
    let rows = [
        (r#"{"_id":"a","stock":{"$gt":0}}"#, false),
        (r#"{"stock":{"$gt":0}}"#, false),
        (r#"{"stock":{"$gt":0}}"#, true),
    ];
    for (by, multi) in rows {
        engine.remove(remove("{}", true)).await.unwrap();
        engine.insert(THINGS, documents(r#"[{"_id":"a","stock":7}]"#)).await.unwrap();
        let results = together(&engine, 40, move |engine, _| async move {
            let buy = update(by, r#"{"$inc":{"stock":-1}}"#);
            engine.modify(Modify { multi, ..buy }).await
        });
        let sold: u64 = results.await.into_iter().map(|done| done.unwrap().modified).sum();
        assert_eq!((sold, number(&engine, "a", "stock").await), (7, 0), "{by} multi={multi}");
    }
}

async fn parallel_claims_take_each_document_once(store: Store) {
    let engine = engine_with_things(store).await;
    let all = (0..50).map(|n| document(&format!(r#"{{"_id":{n},"owner":-1}}"#))).collect();
    engine.insert(THINGS, all).await.unwrap();
    let results = together(&engine, 60, |engine, n| async move {
        let claim = format!(r#"{{"$set":{{"owner":{n}}}}}"#);
        engine.modify(update(r#"{"owner":-1}"#, &claim)).await
    });
    let claimed = results.await.into_iter().filter(|done| done.as_ref().unwrap().modified == 1);
    assert_eq!(claimed.count(), 50);
    assert_eq!(engine.count(THINGS, &filter(r#"{"owner":-1}"#)).await.unwrap(), 0);
}

async fn parallel_upserts_insert_one(store: Store) {
    let engine = engine_with_things(store).await;
    for (round, by) in [r#"{"_id":"a"}"#, r#"{"k":1}"#, r#"{"k":{"$in":[2]}}"#].iter().enumerate() {
        let results = together(&engine, 30, move |engine, n| async move {
            // Others write beside it, so that the search of an upsert is always out of date.
            if n % 2 == 0 {
                engine.insert(THINGS, documents(r#"[{"beside":1}]"#)).await.unwrap();
                return Modified::default();
            }
            let count = update(by, r#"{"$inc":{"n":1}}"#);
            engine.modify(Modify { upsert: true, ..count }).await.unwrap()
        });
        let results = results.await;
        let upserted = results.iter().filter(|done| done.upserted_id.is_some()).count();
        let modified: u64 = results.iter().map(|done| done.modified).sum();
        assert_eq!((upserted, modified), (1, 14), "{by}");
        let found = engine.find(find(by)).await.unwrap();
        assert_eq!(found.len(), 1, "{by}");
        assert_eq!(engine.count(THINGS, &filter(r#"{"n":15}"#)).await.unwrap(), round as u64 + 1);
    }
}

async fn parallel_inserts_of_one_id_let_one_through(store: Store) {
    let engine = engine_with_things(store).await;
    let results = together(&engine, 20, |engine, n| async move {
        let pair = format!(r#"[{{"_id":"own {n}"}},{{"_id":"shared"}}]"#);
        engine.insert(THINGS, documents(&pair)).await
    });
    let results = results.await;
    let refused: Vec<&Error> = results.iter().filter_map(|done| done.as_ref().err()).collect();
    assert_eq!(refused.len(), 19);
    assert!(refused.iter().all(|error| kind(error) == "DuplicateKey"), "{refused:?}");
    assert_eq!(engine.count(THINGS, &filter("{}")).await.unwrap(), 2);
}

async fn a_failing_write_fails_alone(store: Store) {
    let engine = engine_with_things(store).await;
    engine.insert(THINGS, documents(r#"[{"_id":"a","n":0,"text":"x"}]"#)).await.unwrap();
    let results = together(&engine, 60, |engine, n| async move {
        let change = [r#"{"$inc":{"n":1}}"#, r#"{"$inc":{"n":1,"text":1}}"#][n % 2];
        engine.modify(update(r#"{"_id":"a"}"#, change)).await.is_ok()
    });
    let fine = results.await.into_iter().filter(|is_fine| *is_fine).count();
    assert_eq!(fine, 30);
    assert_eq!(number(&engine, "a", "n").await, 30);
}

async fn engines_are_wholly_apart(store: Store) {
    let one = engine_with_things(store).await;
    let other = Engine::open(Store::memory(), Clock::fixed(0)).await.unwrap();
    one.insert(THINGS, documents(r#"[{"_id":"a","n":1}]"#)).await.unwrap();
    assert!(!other.has_collection(THINGS));
    let missing = other.find(find("{}")).await.unwrap_err();
    assert_eq!(kind(&missing), "CollectionMissing");
    other.create_collection(THINGS).await.unwrap();
    assert_eq!(contents(&other).await, "");
    other.insert(THINGS, documents(r#"[{"_id":"a","n":2}]"#)).await.unwrap();
    other.remove(remove("{}", true)).await.unwrap();
    other.drop_collection(THINGS).await.unwrap();
    other.close().await.unwrap();
    assert_eq!(contents(&one).await, r#"{"_id":"a","n":1}"#);
}

async fn closing_answers_everybody(store: Store) {
    let engine = engine_with_things(store).await;
    let results = together(&engine, 40, |engine, n| async move {
        if n == 20 {
            engine.close().await.unwrap();
            return None;
        }
        Some(engine.insert(THINGS, documents("[{}]")).await.map_err(|error| kind(&error)))
    });
    for result in results.await.into_iter().flatten() {
        assert!(matches!(result, Ok(_) | Err("Closed")), "{result:?}");
    }
    engine.close().await.unwrap();
    assert_eq!(kind(&engine.find(find("{}")).await.unwrap_err()), "Closed");
    assert_eq!(kind(&engine.create_collection("more").await.unwrap_err()), "Closed");
}
