//! Expressions and pipelines as rows: `cases/expression.json` holds a document, an expression and
//! its value (`missing` where there is none); `cases/aggregate.json` holds documents, a pipeline,
//! other collections it reads, and what it must give, in order unless the row says `any_order`.

use std::collections::HashMap;

use bytes::Bytes;
use query::aggregate::{Limits, Request, Run, Step};
use query::expression::{Expression, Surroundings};
use query::{Error, Pipeline};
use serde_json::Value as Json;
use value::{DocView, Document, RawDoc, Value, ejson};

/// What `$$NOW` says in rows: 2026-11-20T12:00:00Z.
const NOW_MS: i64 = 1_795_176_000_000;

fn rows(text: &str) -> Vec<Json> {
    serde_json::from_str(text).expect("rows are JSON")
}

fn value(json: &Json) -> Value {
    ejson::from_json(json, NOW_MS).expect("rows are extended JSON")
}

fn document(json: &Json) -> Document {
    match value(json) {
        Value::Document(document) => document,
        other => panic!("not a document: {other:?}"),
    }
}

fn documents(json: Option<&Json>) -> Vec<Bytes> {
    let none = Vec::new();
    let list = json.and_then(Json::as_array).unwrap_or(&none);
    list.iter().map(|json| document(json).to_bytes().into()).collect()
}

/// Compares what happened with what a row expects.
fn judge(case: &Json, outcome: Result<String, Error>, expected: &str) -> Option<String> {
    let name = &case["name"];
    match (outcome, case.get("error")) {
        (Ok(found), None) if found == expected => None,
        (Err(error), Some(part)) => {
            let message = error.to_string();
            let said = message.contains(part.as_str().expect("text")) && message.contains(" / ");
            (!said).then(|| format!("{name}: said {message}"))
        }
        (Ok(found), _) => Some(format!("{name}:\n  gives   {found}\n  expected {expected}")),
        (Err(error), None) => Some(format!("{name}: fails with {error}, expected {expected}")),
    }
}

#[test]
fn every_expression_row_holds() {
    let cases = rows(include_str!("cases/expression.json"));
    let mut failures = Vec::new();
    for case in &cases {
        let root = case.get("document").map(document).unwrap_or_default();
        let bytes = root.to_bytes();
        let run = |view: &DocView<'_>| {
            let expression = Expression::parse(&value(&case["expression"]))?;
            let found = expression.evaluate(view, &Surroundings::new(NOW_MS, 1))?;
            Ok(found.map_or("missing".to_owned(), |value| ejson::canonical_value(&value)))
        };
        let raw = run(&DocView::Raw(RawDoc::new(&bytes).expect("just written")));
        let owned = run(&DocView::Owned(&root));
        assert_eq!(raw, owned, "{}: bytes and memory disagree", case["name"]);
        let expected = match case.get("value") {
            Some(expected) => ejson::canonical_value(&value(expected)),
            None => "missing".to_owned(),
        };
        failures.extend(judge(case, raw, &expected));
    }
    assert!(failures.is_empty(), "{} fail:\n{}", failures.len(), failures.join("\n"));
    assert!(cases.len() >= 500, "rows were lost: {}", cases.len());
}

/// The documents a request means.
fn read(request: &Request, collections: &HashMap<String, Vec<Bytes>>) -> Vec<Bytes> {
    let name = request.collection.as_deref().unwrap_or_default();
    let none = Vec::new();
    let all = collections.get(name).unwrap_or(&none);
    let passes = |bytes: &&Bytes| request.filter.matches(&RawDoc::new(bytes).expect("written"));
    let mut found: Vec<Bytes> = all.iter().filter(passes).cloned().collect();
    found.sort_by_key(|bytes| request.sort.key(&RawDoc::new(bytes).expect("written")));
    let limit = request.limit.unwrap_or(u64::MAX);
    let skip = usize::try_from(request.skip).expect("small");
    found.into_iter().skip(skip).take(usize::try_from(limit).unwrap_or(usize::MAX)).collect()
}

/// Runs a pipeline over collections in memory, in pages of two documents.
fn aggregate(case: &Json) -> Result<Vec<Bytes>, Error> {
    let mut collections = HashMap::from([(String::new(), documents(case.get("documents")))]);
    for (name, list) in case.get("collections").and_then(Json::as_object).into_iter().flatten() {
        collections.insert(name.clone(), documents(Some(list)));
    }
    let stages: Vec<Document> =
        case["pipeline"].as_array().expect("a list").iter().map(document).collect();
    let pipeline = Pipeline::parse(&stages)?;
    let memory_bytes = case.get("memory_bytes").and_then(Json::as_u64);
    let limits = match memory_bytes {
        Some(bytes) => Limits { memory_bytes: usize::try_from(bytes).expect("small") },
        None => Limits::default(),
    };
    let mut run = Run::new(&pipeline, Surroundings::new(NOW_MS, 1), &limits);
    let mut pages: HashMap<u64, Vec<Bytes>> = HashMap::new();
    let mut results = Vec::new();
    loop {
        match run.step()? {
            Step::Turn => {}
            Step::Read(wanted) => {
                let left =
                    pages.entry(wanted.id).or_insert_with(|| read(&wanted.request, &collections));
                let page: Vec<Bytes> = left.drain(..left.len().min(2)).collect();
                let ended = left.is_empty();
                run.supply(page, ended)?;
            }
            Step::Done => break,
        }
    }
    results.append(&mut run.take()?);
    Ok(results)
}

#[test]
fn every_pipeline_row_holds() {
    let cases = rows(include_str!("cases/aggregate.json"));
    let mut failures = Vec::new();
    for case in &cases {
        let any_order = case.get("any_order").is_some();
        let print = |list: &[Bytes]| {
            let mut texts: Vec<String> = list
                .iter()
                .map(|bytes| ejson::canonical(&Document::from_bytes(bytes).expect("written")))
                .collect();
            if any_order {
                texts.sort();
            }
            texts.join(" ")
        };
        let outcome = aggregate(case).map(|found| print(&found));
        failures.extend(judge(case, outcome, &print(&documents(case.get("gives")))));
    }
    assert!(failures.is_empty(), "{} fail:\n{}", failures.len(), failures.join("\n"));
    assert!(cases.len() >= 200, "rows were lost: {}", cases.len());
}
