//! Laws of pipelines over generated documents: what the first stages do equals what a find does,
//! sums are folds, and unwinding undoes pushing.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use query::aggregate::{Limits, Run, Step};
use query::expression::Surroundings;
use query::{Error, Filter, Pipeline, Sort};
use value::{Document, RawDoc, Value, ejson};

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        (-3_i32..4).prop_map(Value::Int32),
        (-3_i64..4).prop_map(Value::Int64),
        "[ab]{0,2}".prop_map(Value::String),
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
    ]
}

fn document() -> impl Strategy<Value = Document> {
    vec(("[abc]", scalar()), 0..4).prop_map(|fields| fields.into_iter().collect())
}

/// Documents with an `_id` each.
fn documents() -> impl Strategy<Value = Vec<Document>> {
    vec(document(), 0..12).prop_map(|list| {
        let number = |(at, mut document): (usize, Document)| {
            document.insert_first("_id", i32::try_from(at).expect("few"));
            document
        };
        list.into_iter().enumerate().map(number).collect()
    })
}

fn read(json: &str) -> Document {
    match ejson::parse(json, 0).expect("JSON") {
        Value::Document(document) => document,
        other => panic!("{other:?} is no document"),
    }
}

/// Runs a pipeline and ignores what a read could do itself: every document is offered, and the
/// request's filter, sort and limit are applied here, as a store without indexes would.
fn run(stages: &[Document], documents: &[Document]) -> Result<Vec<Document>, Error> {
    let pipeline = Pipeline::parse(stages)?;
    let mut run = Run::new(&pipeline, Surroundings::new(0, 7), &Limits::default());
    let mut found = Vec::new();
    loop {
        match run.step()? {
            Step::Turn => {}
            Step::Read(read) => {
                let bytes = documents.iter().map(|document| Bytes::from(document.to_bytes()));
                let request = &read.request;
                let raw = |bytes: &Bytes| request.filter.matches(&RawDoc::new(bytes).expect("raw"));
                let mut page: Vec<Bytes> = bytes.filter(raw).collect();
                page.sort_by_key(|bytes| request.sort.key(&RawDoc::new(bytes).expect("raw")));
                let skip = usize::try_from(request.skip).expect("small");
                let limit =
                    request.limit.map_or(usize::MAX, |n| usize::try_from(n).expect("small"));
                run.supply(page.into_iter().skip(skip).take(limit).collect(), true)?;
            }
            Step::Done => break,
        }
        for bytes in run.take()? {
            found.push(Document::from_bytes(&bytes).expect("just written"));
        }
    }
    for bytes in run.take()? {
        found.push(Document::from_bytes(&bytes).expect("just written"));
    }
    Ok(found)
}

/// A stage that changes nothing and that no read can do, so that those after it are done here.
fn barrier() -> Document {
    read(r#"{"$addFields": {"zz": "$$REMOVE"}}"#)
}

fn many() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) }
}

proptest! {
    #![proptest_config(many())]

    #[test]
    fn a_match_selects_what_a_filter_does(
        documents in documents(),
        value in scalar(),
        at in 0..3_usize,
    ) {
        let name = ["a", "b", "c"][at];
        let condition = Document::from_iter([(name, value)]);
        let filter = Filter::parse(&condition).expect("a filter");
        let passes = |document: &&Document| filter.matches_document(document);
        let expected: Vec<Document> = documents.iter().filter(passes).cloned().collect();
        let stage = Document::from_iter([("$match", condition)]);
        prop_assert_eq!(&run(std::slice::from_ref(&stage), &documents).expect("runs"), &expected);
        prop_assert_eq!(&run(&[barrier(), stage], &documents).expect("runs"), &expected);
    }

    #[test]
    fn a_sort_with_a_limit_is_a_sort_then_a_cut(
        documents in documents(),
        limit in 1_i32..6,
        down in any::<bool>(),
    ) {
        let direction = if down { -1 } else { 1 };
        let order = Document::from_iter([("a", direction), ("_id", 1)]);
        let sort = Sort::parse(&order).expect("a sort");
        let mut expected = documents.clone();
        expected.sort_by_key(|document| sort.key_of(&document.into()));
        expected.truncate(usize::try_from(limit).expect("small"));
        let stages =
            [Document::from_iter([("$sort", order)]), Document::from_iter([("$limit", limit)])];
        prop_assert_eq!(&run(&stages, &documents).expect("runs"), &expected);
        let apart = [barrier(), stages[0].clone(), stages[1].clone()];
        prop_assert_eq!(&run(&apart, &documents).expect("runs"), &expected);
    }

    #[test]
    fn a_group_sums_as_a_fold_does(documents in documents()) {
        let stage = read(r#"{"$group": {"_id": "$b", "s": {"$sum": "$a"}, "n": {"$sum": 1}}}"#);
        let found = run(&[stage], &documents).expect("runs");
        let number = |document: &Document, name: &str| {
            document.get(name).and_then(Value::as_i64).unwrap_or(0)
        };
        for group in &found {
            let key = group.get("_id").expect("a key");
            let members = documents.iter().filter(|document| {
                value::equals(document.get("b").unwrap_or(&Value::Null), key)
            });
            let (sum, count) = members
                .fold((0, 0), |(sum, count), member| (sum + number(member, "a"), count + 1));
            prop_assert_eq!((number(group, "s"), number(group, "n")), (sum, count));
        }
        let total: i64 = found.iter().map(|group| number(group, "n")).sum();
        prop_assert_eq!(total, i64::try_from(documents.len()).expect("few"));
    }

    #[test]
    fn unwinding_undoes_pushing(lists in vec(vec(scalar(), 1..4), 0..6)) {
        let document = |(at, list): (usize, Vec<Value>)| {
            let id = Value::Int32(i32::try_from(at).expect("few"));
            Document::from_iter([("_id", id), ("l", Value::Array(list))])
        };
        let documents: Vec<Document> = lists.into_iter().enumerate().map(document).collect();
        let stages = [
            read(r#"{"$unwind": "$l"}"#),
            read(r#"{"$group": {"_id": "$_id", "l": {"$push": "$l"}}}"#),
            read(r#"{"$sort": {"_id": 1}}"#),
        ];
        prop_assert_eq!(run(&stages, &documents).expect("runs"), documents);
    }
}
