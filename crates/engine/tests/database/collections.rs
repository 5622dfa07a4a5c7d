//! Creating, dropping and naming collections; a missing one is an error everywhere.

use engine::{Clock, Engine, Remove};
use store::Store;
use value::Value;

use crate::{THINGS, contents, documents, engine_with_things, filter, find, kind, remove, update};

on_every_store! {
    collections_are_created_once_and_listed;
    a_missing_collection_is_an_error_everywhere;
    a_dropped_collection_is_gone_and_comes_back_empty;
}

async fn collections_are_created_once_and_listed(store: Store) {
    let engine = engine_with_things(store).await;
    engine.ensure_collection("system.files").await.unwrap();
    engine.ensure_collection("system.files").await.unwrap();
    engine.create_collection("相册").await.unwrap();
    assert_eq!(engine.collections().await, ["system.files", "things", "相册"]);
    let rows = [
        (THINGS, "CollectionExists"),
        ("相册", "CollectionExists"),
        ("", "CollectionNameRefused"),
        ("a$b", "CollectionNameRefused"),
    ];
    for (name, expected) in rows {
        let refused = engine.create_collection(name).await.unwrap_err();
        assert_eq!(kind(&refused), expected, "{name:?}");
    }
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let engine = engine.clone();
            tokio::spawn(async move { engine.create_collection("raced").await.is_ok() })
        })
        .collect();
    let mut created = 0;
    for task in tasks {
        created += usize::from(task.await.unwrap());
    }
    assert_eq!(created, 1);
}

async fn a_missing_collection_is_an_error_everywhere(store: Store) {
    let engine = Engine::open(store, Clock::fixed(0)).await.unwrap();
    let all = Remove { multi: true, ..remove("{}", true) };
    let errors = [
        engine.find(find("{}")).await.unwrap_err(),
        engine.count(THINGS, &filter("{}")).await.unwrap_err(),
        engine.get(THINGS, &Value::Int32(1)).await.unwrap_err(),
        engine.insert(THINGS, documents("[{}]")).await.unwrap_err(),
        engine.insert(THINGS, vec![]).await.unwrap_err(),
        engine.modify(update("{}", r#"{"$set":{"n":1}}"#)).await.unwrap_err(),
        engine.remove(all).await.unwrap_err(),
        engine.drop_collection(THINGS).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(kind(&error), "CollectionMissing");
        let text = error.to_string();
        assert!(
            text.contains("Db or Table not exist: things") && text.contains("不存在"),
            "{text}"
        );
    }
}

async fn a_dropped_collection_is_gone_and_comes_back_empty(store: Store) {
    let engine = engine_with_things(store.clone()).await;
    engine.create_collection("beside").await.unwrap();
    engine.insert("beside", documents(r#"[{"_id":"kept"}]"#)).await.unwrap();
    engine.insert(THINGS, (0..3_000).map(|_| Default::default()).collect()).await.unwrap();
    engine.drop_collection(THINGS).await.unwrap();
    assert!(!engine.has_collection(THINGS));
    engine.create_collection(THINGS).await.unwrap();
    assert_eq!(contents(&engine).await, "");
    assert_eq!(engine.count(THINGS, &filter("{}")).await.unwrap(), 0);
    engine.insert(THINGS, documents(r#"[{"_id":"new"}]"#)).await.unwrap();
    assert_eq!(contents(&engine).await, r#"{"_id":"new"}"#);

    // The old documents leave the store in the background. Every turn of the committer takes
    // some of them, so after a few writes they are gone.
    for _ in 0..20 {
        engine.modify(update(r#"{"_id":"new"}"#, r#"{"$inc":{"n":1}}"#)).await.unwrap();
    }
    let (from, to) = (std::ops::Bound::Included(&b"d"[..]), std::ops::Bound::Excluded(&b"e"[..]));
    let left = store.snapshot().await.unwrap().range(from, to, false, 100).await.unwrap();
    assert_eq!(left.len(), 2, "the documents of both living collections");
}
