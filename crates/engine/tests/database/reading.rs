//! Find, count and get: what comes back, in which order, cut how.

use query::{Projection, Sort};
use store::Store;
use value::Value;

use crate::{THINGS, document, documents, engine_with_things, filter, find, texts};

on_every_store! {
    finds_sorts_and_cuts;
    gets_by_id_of_every_kind;
    reads_more_than_a_page;
}

async fn finds_sorts_and_cuts(store: Store) {
    let engine = engine_with_things(store).await;
    let all = documents(
        r#"[{"_id":"c","n":3,"k":"x"},{"_id":"a","n":1,"k":"y"},{"_id":"e","n":5},
            {"_id":"d","n":3,"k":"y"},{"_id":"b","n":2,"k":"x"}]"#,
    );
    engine.insert(THINGS, all).await.unwrap();
    // filter, sort, skip, limit, ids
    let rows: &[(&str, &str, u64, Option<u64>, &str)] = &[
        ("{}", "{}", 0, None, "a b c d e"),
        ("{}", "{}", 2, Some(2), "c d"),
        ("{}", "{}", 9, Some(2), ""),
        ("{}", "{}", 0, Some(0), ""),
        ("{}", "{}", u64::MAX, Some(u64::MAX), ""),
        ("{}", r#"{"n":-1}"#, 0, None, "e c d b a"),
        ("{}", r#"{"n":-1}"#, 0, Some(2), "e c"),
        ("{}", r#"{"n":-1}"#, 1, Some(2), "c d"),
        ("{}", r#"{"n":-1}"#, 4, Some(9), "a"),
        ("{}", r#"{"n":1}"#, 0, Some(3), "a b c"),
        ("{}", r#"{"k":1,"n":-1}"#, 0, None, "e c b d a"),
        (r#"{"n":{"$gte":3}}"#, "{}", 0, None, "c d e"),
        (r#"{"n":3,"k":"y"}"#, "{}", 0, None, "d"),
        (r#"{"_id":"b"}"#, "{}", 0, None, "b"),
        (r#"{"_id":"b","n":9}"#, "{}", 0, None, ""),
        (r#"{"_id":{"$in":["e","a","zz","a"]}}"#, "{}", 0, None, "a e"),
        (r#"{"_id":{"$in":["e","a","c"]}}"#, r#"{"n":-1}"#, 1, Some(1), "c"),
        (r#"{"_id":{"$in":[]}}"#, "{}", 0, None, ""),
        (r#"{"k":"nothing"}"#, r#"{"n":1}"#, 0, None, ""),
    ];
    for row in rows {
        let (filter_json, sort, skip, limit, ids) = *row;
        let mut request = find(filter_json);
        request.sort = Sort::parse(&document(sort)).unwrap();
        request.projection = Projection::parse(&document(r#"{"_id":1}"#)).unwrap();
        (request.skip, request.limit) = (skip, limit);
        let expected: Vec<_> =
            ids.split_whitespace().map(|id| format!("{{\"_id\":\"{id}\"}}")).collect();
        assert_eq!(texts(&engine.find(request).await.unwrap()), expected.join(" "), "{row:?}");
        if skip == 0 && limit.is_none() {
            let count = engine.count(THINGS, &filter(filter_json)).await.unwrap();
            assert_eq!(count, expected.len() as u64, "{row:?}");
        }
    }
}

async fn gets_by_id_of_every_kind(store: Store) {
    let engine = engine_with_things(store).await;
    let all = documents(
        r#"[{"_id":"text"},{"_id":7},{"_id":{"$oid":"0123456789abcdef01234567"}},{"_id":"文"}]"#,
    );
    let ids = engine.insert(THINGS, all).await.unwrap();
    for id in &ids {
        assert!(engine.get(THINGS, id).await.unwrap().is_some(), "{id:?}");
    }
    let rows = [
        (Value::Double(7.0), true),
        (Value::Int64(7), true),
        (Value::String("7".to_owned()), false),
        (Value::Null, false),
        (Value::Bool(true), false),
    ];
    for (id, exists) in &rows {
        assert_eq!(engine.get(THINGS, id).await.unwrap().is_some(), *exists, "{id:?}");
    }
    let asked: Vec<Value> = [&rows[2].0, &ids[0], &rows[3].0, &ids[3]].map(Value::clone).into();
    let found = engine.get_many(THINGS, &asked).await.unwrap();
    let found: Vec<bool> = found.iter().map(Option::is_some).collect();
    assert_eq!(found, [false, true, false, true]);
}

async fn reads_more_than_a_page(store: Store) {
    let engine = engine_with_things(store).await;
    for portion in 0..5 {
        let numbers = (portion * 200)..(portion * 200 + 200);
        let all = numbers.map(|n| document(&format!(r#"{{"_id":{n},"even":{}}}"#, n % 2 == 0)));
        engine.insert(THINGS, all.collect()).await.unwrap();
    }
    assert_eq!(engine.find(find("{}")).await.unwrap().len(), 1_000);
    assert_eq!(engine.count(THINGS, &filter("{}")).await.unwrap(), 1_000);
    assert_eq!(engine.count(THINGS, &filter(r#"{"even":true}"#)).await.unwrap(), 500);
    let mut request = find(r#"{"even":true}"#);
    (request.skip, request.limit) = (498, Some(10));
    assert_eq!(
        texts(&engine.find(request).await.unwrap()),
        r#"{"_id":996,"even":true} {"_id":998,"even":true}"#
    );
}
