//! Creating and dropping indexes: what is refused, what unique means, what is told.

use engine::{Error, IndexSpec, IndexState};
use store::Store;

use crate::{THINGS, documents, engine_with_things, find, ids, index, removal, unique, update};

#[tokio::test]
async fn indexes_are_listed_with_the_one_over_id_first() {
    let engine = engine_with_things(Store::memory()).await;
    let name = engine.create_index(THINGS, index(r#"{"a":1,"b":-1}"#)).await.unwrap();
    assert_eq!(name, "a_1_b_-1");
    let named = IndexSpec { name: "mine".to_owned(), ..index(r#"{"c.d":1}"#) };
    assert_eq!(engine.create_index(THINGS, named).await.unwrap(), "mine");
    let listed = engine.indexes(THINGS).await.unwrap();
    let names: Vec<&str> = listed.iter().map(|info| info.spec.name.as_str()).collect();
    assert_eq!(names, ["_id_", "a_1_b_-1", "mine"]);
    assert!(listed.iter().all(|info| info.state == IndexState::Ready && !info.is_multikey));
    engine.insert(THINGS, documents(r#"[{"c":[{"d":1}]}]"#)).await.unwrap();
    let listed = engine.indexes(THINGS).await.unwrap();
    let multikey: Vec<bool> = listed.iter().map(|info| info.is_multikey).collect();
    assert_eq!(multikey, [false, false, true]);
    engine.drop_index(THINGS, "mine").await.unwrap();
    assert_eq!(engine.indexes(THINGS).await.unwrap().len(), 2);
}

#[tokio::test]
async fn the_same_index_twice_is_one() {
    let engine = engine_with_things(Store::memory()).await;
    for _ in 0..2 {
        engine.create_index(THINGS, index(r#"{"a":1}"#)).await.unwrap();
    }
    assert_eq!(engine.indexes(THINGS).await.unwrap().len(), 2);
    for other in [unique(r#"{"a":1}"#), IndexSpec { name: "a_1".into(), ..index(r#"{"b":1}"#) }] {
        let refused = engine.create_index(THINGS, other).await.unwrap_err();
        assert!(matches!(refused, Error::IndexExists { ref name } if name == "a_1"), "{refused}");
    }
}

#[tokio::test]
async fn wrong_indexes_are_refused_with_a_reason() {
    let engine = engine_with_things(Store::memory()).await;
    let expiring =
        |keys: &str, seconds: u64| IndexSpec { expire_after_seconds: Some(seconds), ..index(keys) };
    let named = |name: &str| IndexSpec { name: name.to_owned(), ..index(r#"{"a":1}"#) };
    let rows = [
        (index("{}"), "1 to 32 fields"),
        (index(r#"{"_id":1}"#), "over _id already"),
        (index(r#"{"a..b":1}"#), "'a..b' is no field"),
        (index(r#"{"a.$b":1}"#), "'a.$b' is no field"),
        (index(r#"{"a":"2dsphere","b":"2dsphere"}"#), "one 2dsphere field"),
        (unique(r#"{"a":"2dsphere"}"#), "cannot be unique"),
        (expiring(r#"{"a":1,"b":1}"#, 1), "over one date field"),
        (expiring(r#"{"a":1}"#, 1 << 40), "over one date field"),
        (named("a$b"), "its name"),
        (named("_id_"), "over _id already"),
        (named(&"n".repeat(128)), "its name"),
    ];
    for (spec, reason) in rows {
        let refused = engine.create_index(THINGS, spec.clone()).await.unwrap_err();
        assert!(matches!(refused, Error::IndexRefused { .. }), "{spec:?}: {refused}");
        assert!(refused.to_string().contains(reason), "{spec:?}: {refused}");
        assert!(refused.to_string().contains(" / "), "{refused}");
    }
    let keys = crate::document(r#"{"a":2}"#);
    assert!(matches!(IndexSpec::parse_keys(&keys), Err(Error::IndexRefused { .. })));
    let missing = engine.drop_index(THINGS, "nope").await.unwrap_err();
    assert!(matches!(missing, Error::IndexMissing { .. }));
    let primary = engine.drop_index(THINGS, "_id_").await.unwrap_err();
    assert!(matches!(primary, Error::IndexRefused { .. }));
    let missing = engine.create_index("nope", index(r#"{"a":1}"#)).await.unwrap_err();
    assert!(matches!(missing, Error::CollectionMissing { .. }));
}

#[tokio::test]
async fn a_collection_has_64_indexes_at_most() {
    let engine = engine_with_things(Store::memory()).await;
    for number in 1..engine::INDEXES_MAX {
        engine.create_index(THINGS, index(&format!(r#"{{"f{number}":1}}"#))).await.unwrap();
    }
    let refused = engine.create_index(THINGS, index(r#"{"more":1}"#)).await.unwrap_err();
    assert!(matches!(refused, Error::TooManyIndexes), "{refused}");
}

/// What is there, the unique index, what is inserted, the index's key in the error.
const DUPLICATES: &[(&str, &str, &str, Option<&str>)] = &[
    (r#"[{"a":1}]"#, r#"{"a":1}"#, r#"[{"a":1.0}]"#, Some("{ a: ")),
    (r#"[{"a":1}]"#, r#"{"a":1}"#, r#"[{"a":2},{"a":3}]"#, None),
    (r#"[{"a":1}]"#, r#"{"a":1}"#, r#"[{"a":2},{"a":2}]"#, Some("{ a: ")),
    (r#"[{"b":1}]"#, r#"{"a":1}"#, r#"[{"b":2}]"#, Some("{ a: null }")),
    (r#"[{"b":1}]"#, r#"{"a":1}"#, r#"[{"a":null}]"#, Some("{ a: null }")),
    (r#"[{"a":[1,2]}]"#, r#"{"a":1}"#, r#"[{"a":2}]"#, Some("{ a: ")),
    (r#"[{"a":[1,1]}]"#, r#"{"a":1}"#, r#"[{"a":[3,3]}]"#, None),
    (r#"[{"a":[]}]"#, r#"{"a":1}"#, r#"[{"a":[]}]"#, Some("{ a: [] }")),
    (r#"[{"a":[]}]"#, r#"{"a":1}"#, r#"[{"a":null}]"#, None),
    (r#"[{"a":1,"b":1}]"#, r#"{"a":1,"b":-1}"#, r#"[{"a":1,"b":2},{"a":2,"b":1}]"#, None),
    (r#"[{"a":1,"b":1}]"#, r#"{"a":1,"b":-1}"#, r#"[{"a":1,"b":1}]"#, Some("{ a: ")),
    (r#"[{"a":1}]"#, r#"{"a":1,"b":1}"#, r#"[{"a":1}]"#, Some("b: null }")),
];

#[tokio::test]
async fn a_unique_index_holds_each_key_once() {
    for (before, keys, inserted, expected) in DUPLICATES {
        let row = format!("{before} {keys} {inserted}");
        let engine = engine_with_things(Store::memory()).await;
        engine.insert(THINGS, documents(before)).await.unwrap();
        let name = engine.create_index(THINGS, unique(keys)).await.unwrap();
        let inserted = engine.insert(THINGS, documents(inserted)).await;
        match (inserted, expected) {
            (Ok(_), None) => {}
            (Err(Error::DuplicateKey { index, key, .. }), Some(expected)) => {
                assert_eq!(index, name, "{row}");
                assert!(key.contains(expected), "{row}: {key}");
                assert_eq!(engine.count(THINGS, &crate::filter("{}")).await.unwrap(), 1, "{row}");
            }
            (other, _) => panic!("{row}: {other:?}"),
        }
        assert_eq!(engine.check_indexes(THINGS).await.unwrap(), [""; 0], "{row}");
    }
}

#[tokio::test]
async fn updates_keep_unique_keys_and_free_them() {
    let engine = engine_with_things(Store::memory()).await;
    engine.create_index(THINGS, unique(r#"{"a":1}"#)).await.unwrap();
    engine.insert(THINGS, documents(r#"[{"_id":"x","a":1},{"_id":"y","a":2}]"#)).await.unwrap();
    let taken = update(r#"{"_id":"x"}"#, r#"{"$set":{"a":2}}"#, false);
    let refused = engine.modify(taken).await.unwrap_err();
    let message = refused.to_string();
    assert!(
        message.contains("E11000 duplicate key error collection: things index: a_1 dup key: {")
    );
    // The key of a document that moved away, or was removed, is free.
    engine.modify(update(r#"{"_id":"y"}"#, r#"{"$set":{"a":3}}"#, false)).await.unwrap();
    engine.modify(update(r#"{"_id":"x"}"#, r#"{"$set":{"a":2}}"#, false)).await.unwrap();
    engine.remove(removal(r#"{"_id":"y"}"#)).await.unwrap();
    engine.insert(THINGS, documents(r#"[{"_id":"z","a":3},{"_id":"w","a":1}]"#)).await.unwrap();
    assert_eq!(ids(&engine, find("{}", r#"{"a":1}"#)).await, ["w", "x", "z"]);
    // All move by one, from the last on: nobody is ever in the way.
    let all = update("{}", r#"{"$inc":{"a":10}}"#, true);
    assert_eq!(engine.modify(all).await.unwrap().modified, 3);
    assert_eq!(engine.check_indexes(THINGS).await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn what_documents_do_not_allow_leaves_nothing_behind() {
    let engine = engine_with_things(Store::memory()).await;
    let before = r#"[{"_id":1,"a":1,"b":[1],"c":[2]},{"_id":2,"a":2},{"_id":3,"a":1}]"#;
    engine.insert(THINGS, documents(before)).await.unwrap();
    let refused = engine.create_index(THINGS, unique(r#"{"a":1}"#)).await.unwrap_err();
    assert!(matches!(refused, Error::DuplicateKey { ref index, .. } if index == "a_1"));
    let refused = engine.create_index(THINGS, index(r#"{"b":1,"c":1}"#)).await.unwrap_err();
    assert!(matches!(refused, Error::ParallelArrays { .. }), "{refused}");
    assert_eq!(engine.indexes(THINGS).await.unwrap().len(), 1);
    // Afterwards everything is as if nobody had tried.
    engine.insert(THINGS, documents(r#"[{"a":1,"b":[1],"c":[1]}]"#)).await.unwrap();
    engine.remove(removal(r#"{"a":1}"#)).await.unwrap();
    engine.create_index(THINGS, unique(r#"{"a":1}"#)).await.unwrap();
    assert_eq!(engine.check_indexes(THINGS).await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn documents_with_parallel_arrays_are_refused() {
    let engine = engine_with_things(Store::memory()).await;
    engine.create_index(THINGS, index(r#"{"a":1,"b.c":1}"#)).await.unwrap();
    let rows = [
        (r#"[{"a":[1],"b":[{"c":1}]}]"#, false),
        (r#"[{"a":[1],"b":{"c":1}}]"#, true),
        (r#"[{"a":1,"b":[{"c":[1,2]}]}]"#, true),
        (r#"[{"a":[],"b":[]}]"#, false),
    ];
    for (inserted, is_fine) in rows {
        let result = engine.insert(THINGS, documents(inserted)).await;
        match result {
            Ok(_) => assert!(is_fine, "{inserted}"),
            Err(Error::ParallelArrays { .. }) => assert!(!is_fine, "{inserted}"),
            Err(error) => panic!("{inserted}: {error}"),
        }
    }
    assert_eq!(engine.check_indexes(THINGS).await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_dropped_collection_takes_its_indexes_with_it() {
    let engine = engine_with_things(Store::memory()).await;
    engine.insert(THINGS, documents(r#"[{"a":1},{"a":2}]"#)).await.unwrap();
    engine.create_index(THINGS, unique(r#"{"a":1}"#)).await.unwrap();
    engine.drop_collection(THINGS).await.unwrap();
    engine.create_collection(THINGS).await.unwrap();
    assert_eq!(engine.indexes(THINGS).await.unwrap().len(), 1);
    engine.insert(THINGS, documents(r#"[{"a":1},{"a":1}]"#)).await.unwrap();
}
