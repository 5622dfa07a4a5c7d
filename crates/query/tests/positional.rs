//! Paths of updates with places only a document can fill: rows of document, filter, update, array
//! filters and what becomes of it.

use query::{Error, Filter, Update};
use value::{Document, Value, ejson};

fn document(json: &str) -> Document {
    match ejson::parse(json, 0) {
        Ok(Value::Document(document)) => document,
        other => panic!("{json} is no document: {other:?}"),
    }
}

/// What an update makes of a document, or why it does not.
fn update(stored: &str, filter: &str, change: &str, filters: &[&str]) -> Result<String, Error> {
    let filters: Vec<Document> = filters.iter().map(|json| document(json)).collect();
    let update = Update::parse_at(&document(change), &filters, 1_700_000_000_123)?;
    let mut document_now = document(stored);
    update.apply_matching(&mut document_now, &Filter::parse(&document(filter))?)?;
    Ok(ejson::relaxed_value(&Value::Document(document_now)))
}

/// Document, filter, update, result.
const MATCHED: &[(&str, &str, &str, &str)] = &[
    (r#"{"a":[1,2,3]}"#, r#"{"a":2}"#, r#"{"$set":{"a.$":9}}"#, r#"{"a":[1,9,3]}"#),
    (r#"{"a":[1,5,8]}"#, r#"{"a":{"$gt":4}}"#, r#"{"$inc":{"a.$":1}}"#, r#"{"a":[1,6,8]}"#),
    (r#"{"a":[2,2]}"#, r#"{"a":2}"#, r#"{"$unset":{"a.$":""}}"#, r#"{"a":[null,2]}"#),
    (
        r#"{"a":[{"k":1,"n":0},{"k":2,"n":0}]}"#,
        r#"{"a.k":2}"#,
        r#"{"$set":{"a.$.n":7}}"#,
        r#"{"a":[{"k":1,"n":0},{"k":2,"n":7}]}"#,
    ),
    (
        r#"{"a":[{"k":1,"n":1},{"k":1,"n":2}]}"#,
        r#"{"a":{"$elemMatch":{"k":1,"n":2}}}"#,
        r#"{"$set":{"a.$.x":1},"$inc":{"a.$.n":1}}"#,
        r#"{"a":[{"k":1,"n":1},{"k":1,"n":3,"x":1}]}"#,
    ),
    (
        r#"{"a":[1,5,7]}"#,
        r#"{"a":{"$elemMatch":{"$gt":4,"$lt":6}}}"#,
        r#"{"$set":{"a.$":0}}"#,
        r#"{"a":[1,0,7]}"#,
    ),
    (
        r#"{"a":{"b":[{"c":1},{"c":2}]}}"#,
        r#"{"a.b.c":2}"#,
        r#"{"$set":{"a.b.$":"x"}}"#,
        r#"{"a":{"b":[{"c":1},"x"]}}"#,
    ),
    (
        r#"{"a":[{"b":[1]},{"b":[2,3]}]}"#,
        r#"{"a.b":3}"#,
        r#"{"$push":{"a.$.b":4}}"#,
        r#"{"a":[{"b":[1]},{"b":[2,3,4]}]}"#,
    ),
    (
        r#"{"a":[1,2],"b":[3,4]}"#,
        r#"{"a":2,"b":3}"#,
        r#"{"$set":{"b.$":0}}"#,
        r#"{"a":[1,2],"b":[0,4]}"#,
    ),
    (
        r#"{"a":["x","yes"]}"#,
        r#"{"$or":[{"a":"no"},{"a":{"$regex":"^y"}}]}"#,
        r#"{"$set":{"a.$":"!"}}"#,
        r#"{"a":["x","!"]}"#,
    ),
    (
        r#"{"a":[1,2]}"#,
        r#"{"$and":[{"a":{"$in":[2]}},{"a":{"$exists":true}}]}"#,
        r#"{"$set":{"a.$":0}}"#,
        r#"{"a":[0,2]}"#,
    ),
    (
        r#"{"a":[3,4],"_id":1}"#,
        r#"{"_id":1,"a":4}"#,
        r#"{"$mul":{"a.$":2}}"#,
        r#"{"a":[3,8],"_id":1}"#,
    ),
    (r#"{"a":[[1,2],[3]]}"#, r#"{"a":[3]}"#, r#"{"$set":{"a.$":0}}"#, r#"{"a":[[1,2],0]}"#),
    (r#"{"a":[1,null]}"#, r#"{"a":null}"#, r#"{"$set":{"a.$":0}}"#, r#"{"a":[1,0]}"#),
    (
        r#"{"a":[{"k":1},{"k":2}]}"#,
        r#"{"a":{"$all":[{"$elemMatch":{"k":2}}]}}"#,
        r#"{"$set":{"a.$.k":3}}"#,
        r#"{"a":[{"k":1},{"k":3}]}"#,
    ),
];

#[test]
fn the_positional_operator_means_the_matched_element() {
    for (stored, filter, change, expected) in MATCHED {
        let found = update(stored, filter, change, &[]);
        assert_eq!(found.as_deref(), Ok(*expected), "{stored} {filter} {change}");
    }
}

/// Document, update, array filters, result.
const FILLED: &[(&str, &str, &[&str], &str)] = &[
    (r#"{"a":[1,2]}"#, r#"{"$inc":{"a.$[]":10}}"#, &[], r#"{"a":[11,12]}"#),
    (r#"{"a":[]}"#, r#"{"$inc":{"a.$[]":10}}"#, &[], r#"{"a":[]}"#),
    (
        r#"{"a":[{"n":1},{"n":2,"x":0}]}"#,
        r#"{"$set":{"a.$[].x":5}}"#,
        &[],
        r#"{"a":[{"n":1,"x":5},{"n":2,"x":5}]}"#,
    ),
    (
        r#"{"a":[{"b":[1,2]},{"b":[3]}]}"#,
        r#"{"$mul":{"a.$[].b.$[]":2}}"#,
        &[],
        r#"{"a":[{"b":[2,4]},{"b":[6]}]}"#,
    ),
    (
        r#"{"grades":[95,102,90,150]}"#,
        r#"{"$set":{"grades.$[element]":100}}"#,
        &[r#"{"element":{"$gte":100}}"#],
        r#"{"grades":[95,100,90,100]}"#,
    ),
    (
        r#"{"g":[{"grade":80,"mean":75},{"grade":85,"mean":90}]}"#,
        r#"{"$set":{"g.$[elem].mean":100}}"#,
        &[r#"{"elem.grade":{"$gte":85}}"#],
        r#"{"g":[{"grade":80,"mean":75},{"grade":85,"mean":100}]}"#,
    ),
    (
        r#"{"g":[{"q":[8,6]},{"q":[9]}]}"#,
        r#"{"$inc":{"g.$[].q.$[s]":90}}"#,
        &[r#"{"s":{"$gte":8}}"#],
        r#"{"g":[{"q":[98,6]},{"q":[99]}]}"#,
    ),
    (
        r#"{"a":[{"t":"x","n":1},{"t":"y","n":1}]}"#,
        r#"{"$set":{"a.$[e].n":2}}"#,
        &[r#"{"$or":[{"e.t":"y"},{"e.t":"z"}]}"#],
        r#"{"a":[{"t":"x","n":1},{"t":"y","n":2}]}"#,
    ),
    (
        r#"{"a":[1,2,3]}"#,
        r#"{"$set":{"a.$[low]":0,"a.$[high]":9}}"#,
        &[r#"{"low":{"$lt":2}}"#, r#"{"high":{"$gt":2}}"#],
        r#"{"a":[0,2,9]}"#,
    ),
    (
        r#"{"a":[{"b":1,"c":1}]}"#,
        r#"{"$set":{"a.$[x].b":2,"a.$[y].c":3}}"#,
        &[r#"{"x.b":1}"#, r#"{"y.c":1}"#],
        r#"{"a":[{"b":2,"c":3}]}"#,
    ),
    (r#"{"a":[1,2]}"#, r#"{"$unset":{"a.$[]":""}}"#, &[], r#"{"a":[null,null]}"#),
    (r#"{"a":[[1,9],[2]]}"#, r#"{"$pull":{"a.$[]":{"$gt":1}}}"#, &[], r#"{"a":[[1],[]]}"#),
    (
        r#"{"a":1}"#,
        r#"{"$currentDate":{"d":true,"t":{"$type":"timestamp"},"e.f":{"$type":"date"}}}"#,
        &[],
        r#"{"a":1,"d":{"$date":"2023-11-14T22:13:20.123Z"},"e":{"f":{"$date":"2023-11-14T22:13:20.123Z"}},"t":{"$timestamp":{"t":1700000000,"i":1}}}"#,
    ),
];

#[test]
fn array_filters_choose_elements() {
    for (stored, change, filters, expected) in FILLED {
        let found = update(stored, "{}", change, filters);
        assert_eq!(found.as_deref(), Ok(*expected), "{stored} {change}");
    }
}

/// Document, filter, update, array filters, part of the message.
const REFUSED: &[(&str, &str, &str, &[&str], &str)] = &[
    (r#"{"a":[1]}"#, "{}", r#"{"$set":{"a.$":1}}"#, &[], "did not find the match"),
    (
        r#"{"a":[1]}"#,
        r#"{"a":{"$size":1}}"#,
        r#"{"$set":{"a.$":1}}"#,
        &[],
        "did not find the match",
    ),
    (r#"{"a":[1]}"#, r#"{"a":{"$ne":2}}"#, r#"{"$set":{"a.$":1}}"#, &[], "did not find the match"),
    (r#"{"a":[1]}"#, r#"{"a":[1]}"#, r#"{"$set":{"a.$":1}}"#, &[], "did not find the match"),
    (r#"{"a":1}"#, r#"{"a":1}"#, r#"{"$set":{"a.$":1}}"#, &[], "did not find the match"),
    (r#"{"a":[1]}"#, r#"{"a.0":1}"#, r#"{"$set":{"a.$":1}}"#, &[], "did not find the match"),
    ("{}", "{}", r#"{"$set":{"$":1}}"#, &[], "in the first position in path '$'"),
    ("{}", "{}", r#"{"$set":{"$[].a":1}}"#, &[], "in the first position"),
    ("{}", "{}", r#"{"$set":{"a.$.b.$":1}}"#, &[], "Too many positional"),
    ("{}", "{}", r#"{"$set":{"a.$[]":1}}"#, &[], "The path 'a' must exist"),
    (r#"{"a":[{}]}"#, "{}", r#"{"$set":{"a.$[].b.$[]":1}}"#, &[], "The path 'a.0.b' must exist"),
    (r#"{"a":5}"#, "{}", r#"{"$set":{"a.$[]":1}}"#, &[], "non-array element {a: 5}"),
    (r#"{"a":[5]}"#, "{}", r#"{"$set":{"a.$[].b":1}}"#, &[], "Cannot create field 'b'"),
    (
        r#"{"a":[5]}"#,
        "{}",
        r#"{"$set":{"a.$[x]":1}}"#,
        &[],
        "No array filter found for identifier 'x'",
    ),
    (r#"{"a":[5]}"#, "{}", r#"{"$set":{"a":1}}"#, &[r#"{"x":1}"#], "'x' was not used"),
    (
        r#"{"a":[5]}"#,
        "{}",
        r#"{"$set":{"a.$[x]":1}}"#,
        &[r#"{"x":1}"#, r#"{"x":2}"#],
        "multiple array filters",
    ),
    (
        r#"{"a":[5]}"#,
        "{}",
        r#"{"$set":{"a.$[x]":1}}"#,
        &[r#"{"x":1,"y":2}"#],
        "begin with one name",
    ),
    (r#"{"a":[5]}"#, "{}", r#"{"$set":{"a.$[x]":1}}"#, &["{}"], "begin with one name"),
    (
        r#"{"a":[5]}"#,
        "{}",
        r#"{"$set":{"a.$[X]":1}}"#,
        &[r#"{"X":1}"#],
        "begin with a small letter",
    ),
    (r#"{"a":[5]}"#, "{}", r#"{"$set":{"a.$[x]":1}}"#, &[r#"{"x":{"$foo":1}}"#], "$foo at 'x'"),
    (r#"{"a":[5]}"#, "{}", r#"{"$set":{"a.$[]":1,"a.0":2}}"#, &[], "conflict at 'a.0'"),
    (
        r#"{"a":[5]}"#,
        "{}",
        r#"{"$set":{"a.$[x]":1,"a.$[y]":2}}"#,
        &[r#"{"x":5}"#, r#"{"y":{"$gt":1}}"#],
        "conflict at 'a.0'",
    ),
    (r#"{"a":[5]}"#, "{}", r#"{"$rename":{"a.$[]":"b"}}"#, &[], "may not be dynamic: 'a.$[]'"),
    (r#"{"a":[5]}"#, r#"{"a":5}"#, r#"{"$rename":{"b":"a.$"}}"#, &[], "may not be dynamic: 'a.$'"),
    (r#"{"_id":[5]}"#, "{}", r#"{"$set":{"_id.$[]":1}}"#, &[], "_id cannot be changed"),
    ("{}", "{}", r#"{"$currentDate":{"a":1}}"#, &[], "$currentDate at 'a' needs true"),
    ("{}", "{}", r#"{"$currentDate":{"a":{"$type":"x"}}}"#, &[], "$currentDate at 'a' needs true"),
];

#[test]
fn what_cannot_be_filled_is_refused() {
    for (stored, filter, change, filters, expected) in REFUSED {
        let error = update(stored, filter, change, filters).expect_err(change).to_string();
        assert!(error.contains(expected) && error.contains(" / "), "{change}: {error}");
    }
}

#[test]
fn a_clock_is_a_parameter() {
    let update = document(r#"{"$currentDate":{"a":true}}"#);
    let error = Update::parse(&update).expect_err("there is no clock").to_string();
    assert!(error.contains("no clock"), "{error}");
}

#[test]
fn an_upsert_has_no_matched_element() {
    let update = Update::parse(&document(r#"{"$set":{"a.$":1}}"#)).expect("an update");
    let mut seed = Document::new();
    assert!(update.apply_on_insert(&mut seed).is_err());
    assert!(seed.is_empty());
}
