//! The document language as rows: `cases/*.json` hold documents, an operation and what it must
//! give (`cases/README.md`). Expected documents must agree in every kind and in field order.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;

use serde_json::Value as Json;

use query::{Filter, Projection, Sort, Update};
use value::{Document, RawDoc, Value, ejson};

/// How a row is run, by the member that says what it is about; the first that is there counts.
/// Rows of other kinds have runners of their own.
const KINDS: [(&str, Run); 4] = [
    ("update", run_update),
    ("projection", run_projection),
    ("sort", run_sort),
    ("filter", run_filter),
];

/// How a row of a file is run.
type Run = fn(&Json) -> Outcome;

/// What happened against what the row expects, both as text; an error is its message.
type Outcome = (Result<String, String>, String);

#[test]
fn every_row_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut failures = Vec::new();
    let mut rows = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let cases: Vec<Json> = serde_json::from_str(&text).unwrap();
        for case in &cases {
            let is = |kind: &&(&str, Run)| case.get(kind.0).is_some();
            let Some((kind, run)) = KINDS.iter().find(is) else { continue };
            rows += 1;
            if let Some(failure) = fails(case, *run) {
                failures.push(format!("{kind} {}: {failure}", case["name"]));
            }
        }
    }
    assert!(failures.is_empty(), "{} rows fail\n{}", failures.len(), failures.join("\n"));
    assert!(rows >= 1200, "rows were lost: {rows}");
}

fn fails(case: &Json, run: Run) -> Option<String> {
    let (outcome, expected) = run(case);
    let holds = match (&outcome, case.get("error")) {
        (Ok(found), None) => *found == expected,
        (Err(message), Some(part)) => {
            message.contains(part.as_str().unwrap()) && message.contains(" / ")
        }
        _ => false,
    };
    (!holds).then(|| format!("{outcome:?}, expected {expected}"))
}

fn document(json: &Json) -> Document {
    match ejson::from_json(json, 0).expect("rows are extended JSON") {
        Value::Document(document) => document,
        other => panic!("not a document: {other:?}"),
    }
}

fn raw(bytes: &[u8]) -> RawDoc<'_> {
    RawDoc::new(bytes).expect("just written")
}

fn documents(case: &Json) -> Vec<Vec<u8>> {
    let none = Vec::new();
    let list = case.get("documents").and_then(Json::as_array).unwrap_or(&none);
    list.iter().map(|json| document(json).to_bytes()).collect()
}

fn run_filter(case: &Json) -> Outcome {
    let outcome = Filter::parse(&document(&case["filter"])).map(|filter| {
        let documents = documents(case);
        let matching: Vec<usize> = (0..documents.len())
            .filter(|index| {
                let bytes = &documents[*index];
                let matches = filter.matches(&raw(bytes));
                let decoded = Document::from_bytes(bytes).expect("just written");
                assert_eq!(matches, filter.matches_document(&decoded), "{}", case["name"]);
                matches
            })
            .collect();
        Json::from(matching).to_string()
    });
    (outcome.map_err(|error| error.to_string()), case["matches"].to_string())
}

fn run_update(case: &Json) -> Outcome {
    let before = document(&case["document"]);
    let mut after = before.clone();
    let none = Vec::new();
    let filters = case.get("arrayFilters").and_then(Json::as_array).unwrap_or(&none);
    let filters: Vec<Document> = filters.iter().map(document).collect();
    let filter = case.get("filter").map_or_else(Document::new, document);
    let outcome = Update::parse_at(&document(&case["update"]), &filters, 0).and_then(|update| {
        if case.get("insert").is_some() {
            update.apply_on_insert(&mut after)
        } else {
            update.apply_matching(&mut after, &Filter::parse(&filter)?)
        }
    });
    if outcome.is_err() {
        assert_eq!(before, after, "{}: a failed update changed the document", case["name"]);
    }
    let expected = match case.get("becomes") {
        Some(Json::String(same)) if same == "same" => (false, before),
        Some(becomes) => (true, document(becomes)),
        None => (false, before),
    };
    let describe = |changed: bool, document: &Document| {
        format!("changed {changed}, {}", ejson::canonical(document))
    };
    let outcome = outcome.map(|changed| describe(changed, &after));
    (outcome.map_err(|error| error.to_string()), describe(expected.0, &expected.1))
}

fn run_projection(case: &Json) -> Outcome {
    let bytes = document(&case["document"]).to_bytes();
    let filter = case.get("filter").map_or_else(Document::new, document);
    let filter = Filter::parse(&filter).expect("rows have filters");
    let outcome = Projection::parse(&document(&case["projection"]))
        .and_then(|projection| projection.apply_matching(&raw(&bytes), &filter))
        .map(|projected| ejson::canonical(&projected));
    let expected =
        case.get("becomes").map_or(String::new(), |json| ejson::canonical(&document(json)));
    (outcome.map_err(|error| error.to_string()), expected)
}

fn run_sort(case: &Json) -> Outcome {
    let documents = documents(case);
    let outcome = Sort::parse(&document(&case["sort"])).map(|sort| {
        let mut order: Vec<usize> = (0..documents.len()).collect();
        order.sort_by_key(|index| sort.key(&raw(&documents[*index])));
        Json::from(order).to_string()
    });
    (outcome.map_err(|error| error.to_string()), case["order"].to_string())
}
