//! What the document language refuses because of its size, and what it must not.

use query::{Error, Filter, Projection, Sort, Update};
use value::{DEPTH_MAX, Document, RawDoc, Value};

fn one(name: impl Into<String>, value: impl Into<Value>) -> Document {
    Document::from_iter([(name.into(), value.into())])
}

/// `{"f0": 1, "f1": 1, …}`
fn fields(count: usize) -> Document {
    let mut document = Document::new();
    (0..count).for_each(|index| document.append(format!("f{index}"), Value::Int32(1)));
    document
}

#[test]
fn counts_are_limited() {
    assert!(Projection::parse(&fields(1000)).is_ok());
    assert!(Projection::parse(&fields(1001)).is_err());
    assert!(Projection::parse(&one("a", fields(1001))).is_err());
    assert!(Sort::parse(&fields(32)).is_ok());
    assert!(Sort::parse(&fields(33)).is_err());
    assert!(Update::parse(&one("$set", fields(10_000))).is_ok());
    assert!(Update::parse(&one("$set", fields(10_001))).is_err());
}

#[test]
fn paths_are_as_deep_as_documents() {
    let path = |segments: usize| vec!["a"; segments].join(".");
    assert!(Filter::parse(&one(path(DEPTH_MAX), 1)).is_ok());
    assert!(Filter::parse(&one(path(DEPTH_MAX + 1), 1)).is_err());
    assert!(Update::parse(&one("$set", one(path(DEPTH_MAX + 1), 1))).is_err());
}

/// `{"$and": [{"$and": […{"a": 1}…]}]}`
fn nested(levels: usize) -> Document {
    (0..levels).fold(one("a", 1), |inner, _| one("$and", vec![inner]))
}

#[test]
fn queries_are_limited() {
    assert!(Filter::parse(&nested(DEPTH_MAX)).is_ok());
    let error = Filter::parse(&nested(DEPTH_MAX + 1)).expect_err("one level too many");
    assert!(error.to_string().contains("nested deeper than 100 levels"), "{error}");
    let within = |count: usize| one("a", one("$in", vec![1; count]));
    assert!(Filter::parse(&within(100_000)).is_ok());
    let error = Filter::parse(&within(100_001)).expect_err("one value too many");
    assert!(error.to_string().contains("$in at 'a' takes at most 100000 values"), "{error}");
    assert!(Filter::parse(&one("$or", vec![one("a", 1); 20_000 - 1])).is_ok());
    assert!(Filter::parse(&one("$or", vec![one("a", 1); 20_000])).is_err());
    let pattern = |bytes: usize| one("a", one("$regex", "x".repeat(bytes)));
    assert!(Filter::parse(&pattern(32_764)).is_ok());
    assert!(Filter::parse(&pattern(32_765)).is_err());
}

#[test]
fn results_stay_within_the_limits_of_documents() {
    let deep = Update::parse(&one("$set", one(vec!["a"; DEPTH_MAX].join("."), Document::new())));
    let large = Update::parse(&one("$push", one("a", "x".repeat(9 * 1024 * 1024))));
    let mut document = Document::new();
    assert_eq!(deep.unwrap().apply(&mut document), Err(Error::Value(value::Error::TooDeep)));
    assert_eq!(document, Document::new());
    let large = large.unwrap();
    assert_eq!(large.apply(&mut document), Ok(true));
    let before = document.clone();
    assert!(matches!(large.apply(&mut document), Err(Error::Value(value::Error::TooLarge { .. }))));
    assert!(document == before, "a refused update changed the document");
}

/// Looking for every field it copies would make a projection quadratic in the fields of a document.
#[test]
fn many_fields_are_copied_in_one_pass() {
    let bytes = fields(500_000).to_bytes();
    let projection = Projection::parse(&one("_id", 0)).unwrap();
    let kept = projection.apply(&RawDoc::new(&bytes).unwrap()).unwrap();
    assert_eq!(kept.len(), 500_000);
}
