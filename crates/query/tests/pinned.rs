//! What a filter tells about itself before any document is read: pinned ids, equalities, the seed
//! of an upsert. Rows of filter and answers.

use query::Filter;
use value::{Document, Value, ejson};

fn filter(text: &str) -> Filter {
    let parsed = ejson::parse(text, 0).expect("rows are extended JSON");
    Filter::parse(parsed.as_document().expect("a document")).expect("rows are filters")
}

#[test]
fn ids_are_pinned() {
    for (text, expected) in [
        (r#"{"_id":"x"}"#, Some(r#"["x"]"#)),
        (r#"{"_id":{"$eq":"x"},"a":1}"#, Some(r#"["x"]"#)),
        (r#"{"_id":{"$in":["y","x","y"]}}"#, Some(r#"["x","y"]"#)),
        (r#"{"_id":{"$in":[]}}"#, Some("[]")),
        (r#"{"$and":[{"a":1},{"$and":[{"_id":5}]}]}"#, Some("[5]")),
        (r#"{"$or":[{"_id":5}]}"#, Some("[5]")),
        (r#"{"_id":{"$in":["x","y"]},"$and":[{"_id":"y"}]}"#, Some(r#"["y"]"#)),
        (r#"{"_id":{"$in":["x",{"$regex":"^y"}]}}"#, None),
        (r#"{"_id":{"$regex":"^y"}}"#, None),
        (r#"{"_id":{"$gt":"x"}}"#, None),
        (r#"{"_id":{"$not":{"$eq":"x"}}}"#, None),
        (r#"{"$or":[{"_id":"x"},{"a":1}]}"#, None),
        (r#"{"$nor":[{"_id":"x"}]}"#, None),
        (r#"{"a":1}"#, None),
        ("{}", None),
    ] {
        let expected = expected.map(|list| match ejson::parse(list, 0).unwrap() {
            Value::Array(points) => points,
            other => panic!("not a list: {other:?}"),
        });
        assert_eq!(filter(text).id_points(), expected, "{text}");
    }
}

#[test]
fn equalities_are_known() {
    for (text, expected) in [
        (r#"{"a.b":1}"#, Some("1")),
        (r#"{"a.b":{"$eq":1,"$gt":0}}"#, Some("1")),
        (r#"{"$and":[{"x":1},{"a.b":null}]}"#, Some("null")),
        (r#"{"a.b":{"$in":["x"]}}"#, Some(r#""x""#)),
        (r#"{"a.b":{"$in":["x","y"]}}"#, None),
        (r#"{"a":{"b":1}}"#, None),
        (r#"{"a.b":{"$gt":1}}"#, None),
        (r#"{"a.b":{"$ne":1}}"#, None),
        (r#"{"$or":[{"a.b":1},{"a.b":2}]}"#, None),
    ] {
        let expected = expected.map(|value| ejson::parse(value, 0).unwrap());
        assert_eq!(filter(text).equality("a.b"), expected.as_ref(), "{text}");
    }
}

#[test]
fn seeds_hold_the_equalities() {
    for (text, expected) in [
        ("{}", "{}"),
        (r#"{"_id":"x","a":{"$gt":1}}"#, r#"{"_id":"x"}"#),
        (r#"{"a.b":1,"a.c":{"$eq":2},"d":{"e":3}}"#, r#"{"a":{"b":1,"c":2},"d":{"e":3}}"#),
        (r#"{"a":1,"a.b":2}"#, r#"{"a":1}"#),
        (r#"{"$and":[{"a":1},{"a":2}],"b":{"$in":[7]}}"#, r#"{"a":1,"b":7}"#),
        (r#"{"$or":[{"a":1},{"a":2}],"b":{"$regex":"x"}}"#, "{}"),
    ] {
        let expected: Document = match ejson::parse(expected, 0).unwrap() {
            Value::Document(document) => document,
            other => panic!("not a document: {other:?}"),
        };
        assert_eq!(filter(text).seed(), expected, "{text}");
    }
}

#[test]
fn a_regular_expression_that_gives_up_does_not_match() {
    let text = r#"{"a":{"$not":{"$regex":"^(a|a)+\\1$"}}}"#;
    let document = Document::from_iter([("a", "a".repeat(40) + "!")]);
    let filter = filter(text);
    assert!(!filter.matches_document(&document));
    assert!(filter.check(&(&document).into()).is_err());
}
