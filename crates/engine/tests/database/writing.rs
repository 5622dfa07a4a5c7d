//! Insert, modify and remove, one caller at a time: what changes, what is reported, what is
//! refused and then leaves nothing.

use engine::Modify;
use store::Store;
use value::{Document, Value};

use crate::{
    THINGS, contents, document, documents, engine_with_things, filter, kind, remove, replace,
    update,
};

on_every_store! {
    inserts_all_or_none;
    ids_are_made_and_come_first;
    changes_what_matches;
    refused_changes_leave_nothing;
    removes_what_matches;
    changes_many_in_portions;
}

async fn inserts_all_or_none(store: Store) {
    let engine = engine_with_things(store).await;
    let large = "x".repeat(engine::DOCUMENT_BYTES_MAX);
    engine.insert(THINGS, documents(r#"[{"_id":"a"},{"_id":1}]"#)).await.unwrap();
    let rows: &[(&str, &str)] = &[
        (r#"[{"_id":"b"},{"_id":"a"}]"#, "DuplicateKey"),
        (r#"[{"_id":"b"},{"_id":1.0}]"#, "DuplicateKey"),
        (r#"[{"_id":"b"},{"_id":"c"},{"_id":"b"}]"#, "DuplicateKey"),
        (r#"[{"_id":"b"},{"_id":null}]"#, "IdRefused"),
        (r#"[{"_id":"b"},{"_id":true}]"#, "IdRefused"),
        (r#"[{"_id":"b"},{"_id":{"x":1}}]"#, "IdRefused"),
        (r#"[{"_id":"b"},{"_id":["x"]}]"#, "IdRefused"),
    ];
    let before = contents(&engine).await;
    for (json, expected) in rows {
        let refused = engine.insert(THINGS, documents(json)).await.unwrap_err();
        assert_eq!(kind(&refused), *expected, "{json}");
        assert_eq!(contents(&engine).await, before, "{json}");
    }
    let too_large = Document::from_iter([("_id", "b"), ("text", &large)]);
    let refused = engine.insert(THINGS, vec![document("{}"), too_large]).await.unwrap_err();
    assert_eq!(kind(&refused), "DocumentTooLarge");
    let too_long = Document::from_iter([("_id", "i".repeat(2_000))]);
    let refused = engine.insert(THINGS, vec![too_long]).await.unwrap_err();
    assert_eq!(kind(&refused), "IdRefused");
    let quarter = &large[..engine::DOCUMENT_BYTES_MAX - 100];
    let many = (0..5).map(|_| Document::from_iter([("text", quarter)])).collect();
    assert_eq!(kind(&engine.insert(THINGS, many).await.unwrap_err()), "WriteTooLarge");
    assert_eq!(contents(&engine).await, before);
    assert_eq!(engine.count(THINGS, &filter("{}")).await.unwrap(), 2);
    assert_eq!(engine.insert(THINGS, vec![]).await.unwrap(), []);

    let refused = engine.insert(THINGS, documents(r#"[{"_id":"a"}]"#)).await.unwrap_err();
    let text = refused.to_string();
    let parts = ["duplicate key error", "collection: things", "\"a\"", "已存在"];
    assert!(parts.iter().all(|part| text.contains(part)), "{text}");
}

async fn ids_are_made_and_come_first(store: Store) {
    let engine = engine_with_things(store).await;
    let ids = engine.insert(THINGS, documents(r#"[{"n":1},{"n":2,"_id":"own"}]"#)).await.unwrap();
    let Value::String(made) = &ids[0] else { panic!("{ids:?}") };
    assert!(made.len() == 32 && made.starts_with("6553f100"), "{made}");
    assert_eq!(
        contents(&engine).await,
        format!(r#"{{"_id":"{made}","n":1}} {{"_id":"own","n":2}}"#)
    );
}

/// How | filter | change | matched, modified, upserted id | contents afterwards, where `A`, `B`
/// and `C` are the documents as they were.
const CHANGES: &str = r#"
update        | {"_id":"a"} | {"$inc":{"n":5}} | 1 1 - | {"_id":"a","n":6} B C
update        | {"_id":"a"} | {"$set":{"n":1}} | 1 0 - | A B C
update        | {"_id":"z"} | {"$set":{"n":1}} | 0 0 - | A B C
update        | {"_id":"a","n":7} | {"$set":{"n":1}} | 0 0 - | A B C
update        | {"n":2} | {"$set":{"n":9}} | 1 1 - | A {"_id":"b","n":9} C
update multi  | {"n":2} | {"$set":{"n":9}} | 2 2 - | A {"_id":"b","n":9} {"_id":"c","n":9}
update multi  | {"_id":{"$in":["c","a"]}} | {"$set":{"n":1}} | 2 1 - | A B {"_id":"c","n":1}
update        | {"_id":{"$in":["c","a"]}} | {"$set":{"n":3}} | 1 1 - | {"_id":"a","n":3} B C
replace       | {"n":2} | {"m":1} | 1 1 - | A {"_id":"b","m":1} C
replace       | {"_id":"a"} | {"n":1,"_id":"a"} | 1 0 - | A B C
replace upsert | {"_id":"d"} | {"n":4} | 0 0 d | A B C {"_id":"d","n":4}
replace upsert | {"_id":"a"} | {"n":4} | 1 1 - | {"_id":"a","n":4} B C
replace upsert | {"n":7} | {"n":4,"_id":"d"} | 0 0 d | A B C {"_id":"d","n":4}
update upsert | {"_id":"d","k":1} | {"$inc":{"n":4}} | 0 0 d | A B C {"_id":"d","k":1,"n":4}
update upsert | {"k":1} | {"$set":{"_id":"e"}} | 0 0 e | A B C {"_id":"e","k":1}
update upsert multi | {"n":1} | {"$inc":{"n":1}} | 1 1 - | {"_id":"a","n":2} B C
update upsert multi | {"_id":"d"} | {"$inc":{"n":1}} | 0 0 d | A B C {"_id":"d","n":1}
"#;

async fn changes_what_matches(store: Store) {
    let engine = engine_with_things(store).await;
    let before = [r#"{"_id":"a","n":1}"#, r#"{"_id":"b","n":2}"#, r#"{"_id":"c","n":2}"#];
    let [a, b, c] = before;
    for row in CHANGES.trim().lines() {
        let columns: Vec<&str> = row.split(" | ").map(str::trim).collect();
        let [how, filter_json, change, expected, after] = columns[..] else { panic!("{row}") };
        let after = after.replace('A', a).replace('B', b).replace('C', c);
        engine.remove(remove("{}", true)).await.unwrap();
        engine.insert(THINGS, documents(&format!("[{}]", before.join(",")))).await.unwrap();

        let is_update = how.starts_with("update");
        let modify = if is_update { update } else { replace }(filter_json, change);
        let (multi, upsert) = (how.contains("multi"), how.contains("upsert"));
        let done = engine.modify(Modify { multi, upsert, ..modify }).await.unwrap();

        let upserted = match &done.upserted_id {
            None => "-",
            Some(Value::String(id)) => id,
            Some(other) => panic!("{other:?}"),
        };
        assert_eq!(format!("{} {} {upserted}", done.matched, done.modified), expected, "{row}");
        assert_eq!(contents(&engine).await, after, "{row}");
        let is_touched = done.matched > 0 || done.upserted_id.is_some();
        assert_eq!(done.document.is_some(), is_touched && !multi, "{row}");
        if let Some(bytes) = done.document {
            let text = crate::texts(&[bytes]);
            assert!(after.contains(&text), "{row}: {text}");
        }
        let counted = engine.count(THINGS, &filter("{}")).await.unwrap();
        assert_eq!(counted, after.matches("\"_id\"").count() as u64, "{row}");
    }
}

async fn refused_changes_leave_nothing(store: Store) {
    let engine = engine_with_things(store).await;
    let start = r#"[{"_id":"a","n":1},{"_id":"b","n":"text"},{"_id":"c","n":1}]"#;
    engine.insert(THINGS, documents(start)).await.unwrap();
    let before = contents(&engine).await;
    let multi = |modify| Modify { multi: true, ..modify };
    let upsert = |modify| Modify { upsert: true, ..modify };
    let rows: Vec<(Modify, &str)> = vec![
        (update(r#"{"_id":"b"}"#, r#"{"$inc":{"n":1}}"#), "Query"),
        (multi(update("{}", r#"{"$inc":{"n":1}}"#)), "Query"),
        (replace(r#"{"_id":"a"}"#, r#"{"_id":"b"}"#), "IdRefused"),
        (update(r#"{"_id":"a"}"#, r#"{"$set":{"_id":"b"}}"#), "Query"),
        (upsert(replace(r#"{"n":7}"#, r#"{"_id":"b"}"#)), "DuplicateKey"),
        (upsert(update(r#"{"_id":"b","n":7}"#, r#"{"$set":{"k":1}}"#)), "DuplicateKey"),
        (upsert(update(r#"{"_id":null}"#, r#"{"$set":{"k":1}}"#)), "IdRefused"),
    ];
    for (row, (modify, expected)) in rows.into_iter().enumerate() {
        let refused = engine.modify(modify).await.unwrap_err();
        assert_eq!(kind(&refused), expected, "row {row}: {refused}");
        assert_eq!(contents(&engine).await, before, "row {row}");
    }
    let text = "x".repeat(9 << 20);
    let grow =
        |field: &str| update(r#"{"_id":"a"}"#, &format!(r#"{{"$set":{{"{field}":"{text}"}}}}"#));
    engine.modify(grow("first")).await.unwrap();
    assert_eq!(kind(&engine.modify(grow("second")).await.unwrap_err()), "DocumentTooLarge");
}

async fn removes_what_matches(store: Store) {
    let engine = engine_with_things(store).await;
    let rows = [
        (r#"{"_id":"a"}"#, false, 1, "b c"),
        (r#"{"_id":"a"}"#, true, 1, "b c"),
        (r#"{"_id":"zz"}"#, true, 0, "a b c"),
        (r#"{"_id":{"$in":["c","a"]}}"#, true, 2, "b"),
        (r#"{"_id":{"$in":["c","a"]}}"#, false, 1, "b c"),
        (r#"{"n":2}"#, false, 1, "a c"),
        (r#"{"n":2}"#, true, 2, "a"),
        (r#"{"n":3}"#, false, 0, "a b c"),
        ("{}", true, 3, ""),
    ];
    for (filter_json, multi, removed, left) in rows {
        engine.remove(remove("{}", true)).await.unwrap();
        let all = r#"[{"_id":"a","n":1},{"_id":"b","n":2},{"_id":"c","n":2}]"#;
        engine.insert(THINGS, documents(all)).await.unwrap();
        assert_eq!(engine.remove(remove(filter_json, multi)).await.unwrap(), removed);
        let found = contents(&engine).await;
        let ids: Vec<&str> = left.split_whitespace().collect();
        assert!(ids.iter().all(|id| found.contains(&format!("\"_id\":\"{id}\""))), "{found}");
        let counted = engine.count(THINGS, &filter("{}")).await.unwrap();
        assert_eq!(counted, ids.len() as u64, "{filter_json} multi={multi}");
    }
}

async fn changes_many_in_portions(store: Store) {
    let engine = engine_with_things(store).await;
    let all = (0..1_000).map(|n| document(&format!(r#"{{"_id":{n},"n":{n}}}"#))).collect();
    engine.insert(THINGS, all).await.unwrap();
    let shift = update(r#"{"n":{"$gte":100}}"#, r#"{"$inc":{"n":1000}}"#);
    let done = engine.modify(Modify { multi: true, ..shift }).await.unwrap();
    assert_eq!((done.matched, done.modified), (900, 900));
    assert_eq!(engine.count(THINGS, &filter(r#"{"n":{"$gte":1100}}"#)).await.unwrap(), 900);
    let ids = (0..600).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let removed = engine.remove(remove(&format!(r#"{{"_id":{{"$in":[{ids}]}}}}"#), true)).await;
    assert_eq!(removed.unwrap(), 600);
    assert_eq!(engine.count(THINGS, &filter("{}")).await.unwrap(), 400);
    assert_eq!(engine.remove(remove(r#"{"n":{"$exists":true}}"#, true)).await.unwrap(), 400);
    assert_eq!(contents(&engine).await, "");
}
