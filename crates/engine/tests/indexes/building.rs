//! Filling an index while writes go on, and across restarts.

use engine::{Clock, Engine, Error, IndexState};
use store::{FjallOptions, SimulatedDisk, Store};
use value::Document;

use crate::{
    NOW_MS, THINGS, engine_with_things, filter, find, ids, index, removal, unique, update,
};

fn numbered(n: usize) -> Document {
    let mut document = Document::new();
    document.insert("_id", format!("{n:05}"));
    document.insert("n", i32::try_from(n).unwrap());
    document.insert("tags", vec![(n % 7) as i32, (n % 5) as i32]);
    document
}

async fn writes_go_on(store: Store) {
    let engine = engine_with_things(store).await;
    let documents: Vec<Document> = (0..3_000).map(numbered).collect();
    engine.insert(THINGS, documents).await.unwrap();
    let mut writers = Vec::new();
    for writer in 0..4 {
        let engine = engine.clone();
        writers.push(tokio::spawn(async move {
            for turn in 0..60 {
                let n = (writer * 731 + turn * 47) % 3_000;
                let by_id = format!(r#"{{"_id":"{n:05}"}}"#);
                let change = format!(r#"{{"$inc":{{"n":10000}},"$push":{{"tags":{turn}}}}}"#);
                engine.modify(update(&by_id, &change, false)).await.unwrap();
                let id = 10_000 + writer * 100 + turn;
                engine.insert(THINGS, vec![numbered(id)]).await.unwrap();
                if turn % 5 == 0 {
                    let n = (n + 1) % 3_000;
                    engine.remove(removal(&format!(r#"{{"_id":"{n:05}"}}"#))).await.unwrap();
                }
            }
        }));
    }
    let (plain, tagged, sole) = tokio::join!(
        engine.create_index(THINGS, index(r#"{"n":1}"#)),
        engine.create_index(THINGS, index(r#"{"tags":1,"n":-1}"#)),
        engine.create_index(THINGS, unique(r#"{"_id":1,"n":1}"#)),
    );
    assert!(plain.is_ok() && tagged.is_ok() && sole.is_ok());
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(engine.check_indexes(THINGS).await.unwrap(), [""; 0]);
    let changed = engine.count(THINGS, &filter(r#"{"n":{"$gte":10000}}"#)).await.unwrap();
    let listed = ids(&engine, find(r#"{"n":{"$gte":10000}}"#, r#"{"n":1}"#)).await;
    assert_eq!(changed, listed.len() as u64);
    engine.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_go_on_in_memory() {
    writes_go_on(Store::memory()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_go_on_in_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    writes_go_on(Store::fjall(directory.path(), FjallOptions::default()).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_with_one_key_one_succeeds() {
    let engine = engine_with_things(Store::memory()).await;
    engine.create_index(THINGS, unique(r#"{"k":1}"#)).await.unwrap();
    let mut writers = Vec::new();
    for writer in 0..16 {
        let engine = engine.clone();
        writers.push(tokio::spawn(async move {
            let mut won = 0;
            for key in 0..20 {
                let mut document = Document::new();
                document.insert("_id", format!("{writer}-{key}"));
                document.insert("k", key);
                match engine.insert(THINGS, vec![document]).await {
                    Ok(_) => won += 1,
                    Err(Error::DuplicateKey { index, .. }) => assert_eq!(index, "k_1"),
                    Err(error) => panic!("{error}"),
                }
            }
            won
        }));
    }
    let mut won = 0;
    for writer in writers {
        won += writer.await.unwrap();
    }
    assert_eq!(won, 20);
    assert_eq!(engine.check_indexes(THINGS).await.unwrap(), [""; 0]);
}

/// The power fails after so many calls of the store; whatever was reached, the index is whole
/// once the build, resumed or begun again, has ended.
#[tokio::test]
async fn a_build_survives_crashes() {
    for calls in (1..60).step_by(3) {
        let disk = SimulatedDisk::new(calls);
        let clock = Clock::fixed(NOW_MS);
        let engine = Engine::open(Store::simulated(&disk), clock.clone()).await.unwrap();
        engine.create_collection(THINGS).await.unwrap();
        let documents: Vec<Document> = (0..3_000).map(numbered).collect();
        engine.insert(THINGS, documents).await.unwrap();
        disk.crash_after(calls);
        let created = engine.create_index(THINGS, index(r#"{"tags":1,"n":1}"#)).await;
        drop(engine);
        disk.crash();
        let engine = Engine::open(Store::simulated(&disk), clock).await.unwrap();
        if created.is_ok() {
            let states = engine.indexes(THINGS).await.unwrap();
            assert_eq!(states[1].state, IndexState::Ready, "{calls}");
        }
        engine.create_index(THINGS, index(r#"{"tags":1,"n":1}"#)).await.unwrap();
        assert_eq!(engine.check_indexes(THINGS).await.unwrap(), [""; 0], "{calls}");
        assert_eq!(engine.indexes(THINGS).await.unwrap().len(), 2, "{calls}");
        engine.close().await.unwrap();
    }
}
