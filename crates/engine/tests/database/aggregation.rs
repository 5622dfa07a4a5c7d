//! Pipelines over stored collections: pages, other collections, permissions, limits.

use std::collections::BTreeMap;

use engine::Aggregation;
use query::Pipeline;

use super::*;

on_every_store! {
    a_pipeline_reads_many_pages;
    collections_are_narrowed_wherever_they_are_read;
    a_missing_collection_is_an_error_and_a_missing_foreign_one_is_empty;
    a_pipeline_that_holds_too_much_names_its_stage;
    results_end_at_the_callers_limit;
}

fn pipeline(json: &str) -> Pipeline {
    Pipeline::parse(&documents(json)).unwrap()
}

async fn aggregate(engine: &Engine, json: &str, how: &Aggregation) -> String {
    texts(&engine.aggregate(THINGS, &pipeline(json), how).await.unwrap())
}

fn numbered(count: i32) -> Vec<Document> {
    (0..count).map(|n| Document::from_iter([("_id", n), ("k", n % 3), ("n", n)])).collect()
}

async fn a_pipeline_reads_many_pages(store: Store) {
    let engine = engine_with_things(store).await;
    engine.insert(THINGS, numbered(700)).await.unwrap();
    let found = aggregate(
        &engine,
        r#"[{"$match": {"_id": {"$gte": 1}}}, {"$group": {"_id": "$k", "s": {"$sum": "$n"}, "c":
            {"$sum": 1}}}, {"$sort": {"_id": 1}}]"#,
        &Aggregation::new(0),
    )
    .await;
    let sums = |k: i64| (1..700).filter(move |n| n % 3 == k);
    let computed: Vec<String> = (0..3)
        .map(|k| {
            let (sum, count) = (sums(k).sum::<i64>(), sums(k).count());
            format!("{{\"_id\":{k},\"s\":{sum},\"c\":{count}}}")
        })
        .collect();
    assert_eq!(found, computed.join(" "));
    let joined = aggregate(
        &engine,
        r#"[{"$lookup": {"from": "things", "localField": "n", "foreignField": "_id", "as": "same"}},
            {"$match": {"same": {"$size": 1}}}, {"$count": "n"}]"#,
        &Aggregation::new(0),
    )
    .await;
    assert_eq!(joined, r#"{"n":700}"#);
}

async fn collections_are_narrowed_wherever_they_are_read(store: Store) {
    let engine = engine_with_things(store).await;
    engine.create_collection("notes").await.unwrap();
    engine.insert(THINGS, documents(r#"[{"_id":1,"o":"me"},{"_id":2,"o":"you"}]"#)).await.unwrap();
    let notes = r#"[{"_id":"a","o":"me","t":1},{"_id":"b","o":"you","t":1}]"#;
    engine.insert("notes", documents(notes)).await.unwrap();
    let mine = || filter(r#"{"o":"me"}"#);
    let narrowed = BTreeMap::from([(THINGS.to_owned(), mine()), ("notes".to_owned(), mine())]);
    let how = Aggregation { narrowed, ..Aggregation::new(0) };
    let rows = [
        (r#"[{"$project":{"o":1}}]"#, r#"{"_id":1,"o":"me"}"#),
        (
            r#"[{"$lookup":{"from":"notes","localField":"_id","foreignField":"t","as":"n"}},
                {"$project":{"n._id":1}}]"#,
            r#"{"_id":1,"n":[{"_id":"a"}]}"#,
        ),
        (
            r#"[{"$lookup":{"from":"notes","pipeline":[{"$count":"c"}],"as":"n"}},
                {"$project":{"n":1}}]"#,
            r#"{"_id":1,"n":[{"c":1}]}"#,
        ),
        (r#"[{"$unionWith":"notes"},{"$count":"c"}]"#, r#"{"c":2}"#),
        (
            r#"[{"$graphLookup":{"from":"notes","startWith":"$_id","connectFromField":"t",
                "connectToField":"t","as":"n"}},{"$project":{"n._id":1}}]"#,
            r#"{"_id":1,"n":[{"_id":"a"}]}"#,
        ),
        (r#"[{"$facet":{"f":[{"$unionWith":"notes"},{"$count":"c"}]}}]"#, r#"{"f":[{"c":2}]}"#),
    ];
    for (json, expected) in rows {
        assert_eq!(aggregate(&engine, json, &how).await, expected, "{json}");
    }
}

async fn a_missing_collection_is_an_error_and_a_missing_foreign_one_is_empty(store: Store) {
    let engine = engine_with_things(store).await;
    engine.insert(THINGS, numbered(1)).await.unwrap();
    let how = Aggregation::new(0);
    let error = engine.aggregate("nope", &pipeline("[]"), &how).await.unwrap_err();
    assert_eq!(kind(&error), "CollectionMissing");
    let lookup = r#"[{"$lookup":{"from":"nope","localField":"n","foreignField":"n","as":"r"}},
        {"$project":{"r":1}}]"#;
    assert_eq!(aggregate(&engine, lookup, &how).await, r#"{"_id":0,"r":[]}"#);
}

async fn a_pipeline_that_holds_too_much_names_its_stage(store: Store) {
    let engine = engine_with_things(store).await;
    engine.insert(THINGS, numbered(500)).await.unwrap();
    let how = Aggregation { memory_bytes: 10_000, ..Aggregation::new(0) };
    for stage in [
        r#"{"$sort":{"n":-1}}"#,
        r#"{"$group":{"_id":"$_id"}}"#,
        r#"{"$group":{"_id":null,"l":{"$push":"$$ROOT"}}}"#,
        r#"{"$facet":{"l":[]}}"#,
        r#"{"$lookup":{"from":"things","pipeline":[],"as":"l"}}"#,
    ] {
        let json = format!("[{{\"$match\":{{}}}},{stage}]");
        let error = engine.aggregate(THINGS, &pipeline(&json), &how).await.unwrap_err();
        let message = error.to_string();
        assert!(message.starts_with("pipeline[1] $") && message.contains("MB"), "{message}");
    }
    let small = r#"[{"$sort":{"n":-1}},{"$limit":1},{"$project":{"n":1}}]"#;
    assert_eq!(aggregate(&engine, small, &how).await, r#"{"_id":499,"n":499}"#);
}

async fn results_end_at_the_callers_limit(store: Store) {
    let engine = engine_with_things(store).await;
    engine.insert(THINGS, numbered(600)).await.unwrap();
    let how = Aggregation { limit: Some(2), ..Aggregation::new(0) };
    // A document of a later page would divide by zero.
    let json = r#"[{"$project":{"q":{"$divide":[1,{"$subtract":["$n",300]}]}}},
        {"$project":{"_id":1}}]"#;
    assert_eq!(aggregate(&engine, json, &how).await, r#"{"_id":0} {"_id":1}"#);
}
