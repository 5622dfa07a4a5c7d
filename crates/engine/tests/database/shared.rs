//! Several engines on one store, as several nodes have it: what one commits, all see at once; they
//! judge each other's changes as their own.

use std::collections::BTreeSet;

use engine::{Change, ChangeRecord, Clock, Engine, Error, Modify, Position};
use query::Update;
use store::Store;
use value::Value;

use crate::{THINGS, document, documents, filter, find, kind, number, remove, texts, update};

/// Four engines: on one handle in memory, on a handle each in PostgreSQL.
macro_rules! on_four_nodes {
    ($($name:ident;)*) => {
        mod memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let store = store::Store::memory();
                super::$name(super::nodes(vec![store; 4]).await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let address = throwaway_postgres::fresh_address();
                let options = store::PostgresOptions::parse(&address).unwrap();
                let mut stores = Vec::new();
                for _ in 0..4 {
                    stores.push(store::Store::postgres(options.clone()).await.unwrap());
                }
                super::$name(super::nodes(stores).await).await;
            })*
        }
    };
}

on_four_nodes! {
    what_one_commits_all_see_at_once;
    a_collection_that_comes_again_elsewhere_is_found;
    no_increment_of_any_node_is_lost;
    upserts_and_ids_are_unique_across_nodes;
    transactions_of_different_nodes_conflict;
    all_nodes_follow_one_change_log;
}

async fn nodes(stores: Vec<Store>) -> Vec<Engine> {
    let mut engines = Vec::new();
    for store in stores {
        engines.push(Engine::open(store, Clock::fixed(1_700_000_000_000)).await.unwrap());
    }
    engines[0].create_collection(THINGS).await.unwrap();
    engines
}

async fn what_one_commits_all_see_at_once(nodes: Vec<Engine>) {
    for round in 0..12 {
        let (writer, reader) = (&nodes[round % 4], &nodes[(round * 3 + 1) % 4]);
        let name = format!("collection {round}");
        writer.create_collection(&name).await.unwrap();
        reader.insert(&name, documents(r#"[{"_id":"a"},{"_id":"b"}]"#)).await.unwrap();
        assert_eq!(writer.count(&name, &filter("{}")).await.unwrap(), 2);
        let found = writer.get(&name, &Value::String("a".to_owned())).await.unwrap();
        assert!(found.is_some());
        let remove_one =
            engine::Remove { collection: name.clone(), ..remove(r#"{"_id":"a"}"#, true) };
        assert_eq!(writer.remove(remove_one).await.unwrap(), 1);
        assert_eq!(reader.count(&name, &filter("{}")).await.unwrap(), 1);
        assert!(reader.collections().await.contains(&name));
        reader.drop_collection(&name).await.unwrap();
        let missing = writer.count(&name, &filter("{}")).await.unwrap_err();
        assert_eq!(kind(&missing), "CollectionMissing");
        let missing = writer.insert(&name, documents("[{}]")).await.unwrap_err();
        assert_eq!(kind(&missing), "CollectionMissing");
    }
}

async fn a_collection_that_comes_again_elsewhere_is_found(nodes: Vec<Engine>) {
    for round in 0..6 {
        let (owner, other) = (&nodes[0], &nodes[1 + round % 3]);
        owner.drop_collection(THINGS).await.unwrap();
        owner.create_collection(THINGS).await.unwrap();
        let modify = Modify { upsert: true, ..update(r#"{"_id":"m"}"#, r#"{"$inc":{"n":1}}"#) };
        match round % 3 {
            0 => drop(other.insert(THINGS, documents(r#"[{"_id":"m"}]"#)).await.unwrap()),
            1 => drop(other.modify(modify).await.unwrap()),
            _ => assert_eq!(other.remove(remove("{}", true)).await.unwrap(), 0),
        }
        let expected = u64::from(round % 3 < 2);
        assert_eq!(owner.count(THINGS, &filter("{}")).await.unwrap(), expected, "round {round}");
    }
}

async fn no_increment_of_any_node_is_lost(nodes: Vec<Engine>) {
    nodes[1].insert(THINGS, documents(r#"[{"_id":"a","n":0}]"#)).await.unwrap();
    let mut tasks = Vec::new();
    for node in nodes.iter().cycle().take(16) {
        let node = node.clone();
        tasks.push(tokio::spawn(async move {
            for _ in 0..10 {
                node.modify(update(r#"{"_id":"a"}"#, r#"{"$inc":{"n":1}}"#)).await.unwrap();
                node.insert(THINGS, documents("[{}]")).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    for node in &nodes {
        assert_eq!(number(node, "a", "n").await, 160);
        assert_eq!(node.count(THINGS, &filter("{}")).await.unwrap(), 161, "the count kept");
        let all = node.find(find(r#"{"_id":{"$exists":true}}"#)).await.unwrap();
        assert_eq!(all.len(), 161);
    }
}

async fn upserts_and_ids_are_unique_across_nodes(nodes: Vec<Engine>) {
    let mut tasks = Vec::new();
    for (n, node) in nodes.iter().cycle().take(16).cloned().enumerate() {
        tasks.push(tokio::spawn(async move {
            let count = update(r#"{"k":1}"#, r#"{"$inc":{"n":1}}"#);
            let done = node.modify(Modify { upsert: true, ..count }).await.unwrap();
            let pair = format!(r#"[{{"_id":"own {n}"}},{{"_id":"shared"}}]"#);
            (done.upserted_id.is_some(), node.insert(THINGS, documents(&pair)).await.is_ok())
        }));
    }
    let (mut upserted, mut inserted) = (0, 0);
    for task in tasks {
        let (has_upserted, has_inserted) = task.await.unwrap();
        upserted += usize::from(has_upserted);
        inserted += usize::from(has_inserted);
    }
    assert_eq!((upserted, inserted), (1, 1));
    let found = nodes[2].find(find(r#"{"k":1,"n":16}"#)).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(nodes[3].count(THINGS, &filter("{}")).await.unwrap(), 3);
}

async fn transactions_of_different_nodes_conflict(nodes: Vec<Engine>) {
    let start = r#"[{"_id":"a","on":true,"n":0},{"_id":"b","on":true}]"#;
    nodes[0].insert(THINGS, documents(start)).await.unwrap();
    let (one, other) = (nodes[0].begin().await.unwrap(), nodes[1].begin().await.unwrap());
    for (transaction, by) in [(&one, r#"{"_id":"a"}"#), (&other, r#"{"_id":"b"}"#)] {
        assert_eq!(transaction.count(THINGS, &filter(r#"{"on":true}"#)).await.unwrap(), 2);
        transaction.modify(update(by, r#"{"$set":{"on":false}}"#)).await.unwrap();
    }
    let (one, other) = tokio::join!(one.commit(), other.commit());
    let refused: Vec<Error> = [one, other].into_iter().filter_map(Result::err).collect();
    assert!(matches!(refused[..], [Error::Conflict]), "{refused:?}");

    let mut tasks = Vec::new();
    for node in nodes.iter().cycle().take(8) {
        let node = node.clone();
        tasks.push(tokio::spawn(async move {
            loop {
                let transaction = node.begin().await.unwrap();
                let id = Value::String("a".to_owned());
                let found = transaction.get(THINGS, &id).await.unwrap().unwrap();
                let n = value::Document::from_bytes(&found).unwrap();
                let Some(Value::Int32(n)) = n.get("n") else { panic!("{n:?}") };
                let change = document(&format!(r#"{{"$set":{{"n":{}}}}}"#, n + 1));
                let change = Change::Operators(Update::parse(&change).unwrap());
                let modify = Modify { change, ..update(r#"{"_id":"a"}"#, r#"{"$inc":{"n":1}}"#) };
                transaction.modify(modify).await.unwrap();
                match transaction.commit().await {
                    Ok(()) => return,
                    Err(Error::Conflict) => {}
                    Err(other) => panic!("{other}"),
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(number(&nodes[2], "a", "n").await, 8);
}

async fn all_nodes_follow_one_change_log(nodes: Vec<Engine>) {
    let start = nodes[3].newest_change().await.unwrap();
    let followers: Vec<_> =
        nodes.iter().cloned().map(|node| tokio::spawn(follow(node, start, 41))).collect();
    let mut tasks = Vec::new();
    for (n, node) in nodes.iter().cycle().take(8).cloned().enumerate() {
        tasks.push(tokio::spawn(async move {
            for m in 0..5 {
                let one = format!(r#"[{{"_id":"{n} {m}"}}]"#);
                node.insert(THINGS, documents(&one)).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    nodes[1].drop_collection(THINGS).await.unwrap();
    let mut logs = Vec::new();
    for follower in followers {
        logs.push(follower.await.unwrap());
    }
    assert!(logs[0].is_sorted_by(|one, next| one.position < next.position));
    let ids: BTreeSet<String> = logs[0]
        .iter()
        .filter_map(|record| record.after.clone())
        .map(|after| texts(&[after]))
        .collect();
    assert_eq!(ids.len(), 40);
    for log in &logs {
        assert_eq!(*log, logs[0]);
    }
}

/// The next `count` changes, as they come.
async fn follow(node: Engine, mut after: Position, count: usize) -> Vec<ChangeRecord> {
    let mut records = Vec::new();
    while records.len() < count {
        node.changed_past(after).await.unwrap();
        let page = node.changes(after, 7).await.unwrap();
        after = page.next;
        records.extend(page.records);
    }
    records
}
