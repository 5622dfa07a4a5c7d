//! The document language as rows: `cases/*.json` hold documents, an operation and what it must
//! give.
//! Documents are extended JSON; expected documents must agree in every kind and in field order.
//! Rows that say `"only": "pure"` mean what no stored document shows: an `_id` that is refused or
//! stands elsewhere than first, and changes that callers may write without operators.

use serde_json::Value as Json;

use query::{Filter, Projection, Sort, Update};
use value::{Document, RawDoc, Value, ejson};

const FILES: [(&str, &str, Run); 4] = [
    ("filter", include_str!("cases/filter.json"), run_filter),
    ("update", include_str!("cases/update.json"), run_update),
    ("projection", include_str!("cases/projection.json"), run_projection),
    ("sort", include_str!("cases/sort.json"), run_sort),
];

/// How a row of a file is run.
type Run = fn(&Json) -> Outcome;

/// What happened against what the row expects, both as text; an error is its message.
type Outcome = (Result<String, String>, String);

#[test]
fn every_row_holds() {
    let mut failures = Vec::new();
    let mut rows = 0;
    for (file, text, run) in FILES {
        let cases: Vec<Json> = serde_json::from_str(text).expect(file);
        for case in &cases {
            rows += 1;
            let (outcome, expected) = run(case);
            let holds = match (&outcome, case.get("error")) {
                (Ok(found), None) => *found == expected,
                (Err(message), Some(part)) => {
                    message.contains(part.as_str().unwrap()) && message.contains(" / ")
                }
                _ => false,
            };
            if !holds {
                let name = &case["name"];
                failures.push(format!("{file} {name}: {outcome:?}, expected {expected}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(rows >= 300, "rows were lost: {rows}");
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
    let outcome = Update::parse(&document(&case["update"])).and_then(|update| {
        if case.get("insert").is_some() {
            update.apply_on_insert(&mut after)
        } else {
            update.apply(&mut after)
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
    let outcome = Projection::parse(&document(&case["projection"]))
        .and_then(|projection| projection.apply(&raw(&bytes)))
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
