//! Aggregation pipelines and expressions over small documents. An input is a row as in
//! `crates/query/tests/cases`. Nothing panics, it ends, results are documents within the limits,
//! and it makes no difference in what pages collections are read.

#![no_main]

use std::collections::HashMap;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use query::Pipeline;
use query::aggregate::{Limits, Request, Run, Step};
use query::expression::{Expression, Surroundings};
use value::{DocView, Document, RawDoc, Value, ejson};

const NOW_MS: i64 = 1_700_000_000_000;

/// Small, so that the limit is met.
const MEMORY_BYTES: usize = 200_000;

/// Steps after which a run is left alone: nested joins multiply.
const STEPS_MAX: usize = 20_000;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(Value::Document(row)) = ejson::parse(text, NOW_MS) else { return };
    if let Some(expression) = row.get("expression")
        && let Some(expression) = spoken(Expression::parse(expression))
    {
        for document in fuzz::documents(&row, "document") {
            let surroundings = Surroundings::new(NOW_MS, 1);
            let in_memory = spoken(expression.evaluate(&DocView::Owned(document), &surroundings));
            let bytes = document.to_bytes();
            let raw = RawDoc::new(&bytes).expect("just written");
            let surroundings = Surroundings::new(NOW_MS, 1);
            let in_place = spoken(expression.evaluate(&DocView::Raw(raw), &surroundings));
            assert_eq!(in_memory, in_place, "bytes and memory disagree");
        }
    }
    let stages: Vec<Document> = fuzz::documents(&row, "pipeline").into_iter().cloned().collect();
    if stages.is_empty() {
        return;
    }
    let Some(pipeline) = spoken(Pipeline::parse(&stages)) else { return };
    let _ = pipeline.collections();
    let whole = run(&pipeline, &row, usize::MAX);
    let single = run(&pipeline, &row, 1);
    // Who holds more at once may meet the limit; chance is drawn in the order of the work.
    let is_chance = ["$sample", "$rand"].iter().any(|name| text.contains(name));
    if let (Some(whole), Some(single)) = (whole, single)
        && !is_chance
    {
        assert_eq!(whole, single, "the pages made a difference");
    }
});

/// What was answered; an error must speak both languages.
fn spoken<T>(answer: Result<T, query::Error>) -> Option<T> {
    if let Err(error) = &answer {
        assert!(error.to_string().contains(" / "), "both languages: {error}");
    }
    answer.ok()
}

fn run(pipeline: &Pipeline, row: &Document, page: usize) -> Option<Vec<Vec<u8>>> {
    let limits = Limits { memory_bytes: MEMORY_BYTES };
    let mut run = Run::new(pipeline, Surroundings::new(NOW_MS, 1), &limits);
    let mut read: HashMap<u64, usize> = HashMap::new();
    let mut results = Vec::new();
    for _ in 0..STEPS_MAX {
        match spoken(run.step())? {
            Step::Turn => {}
            Step::Read(asked) => {
                let found = answer(row, &asked.request)?;
                let place = read.entry(asked.id).or_default();
                let rest = found[(*place).min(found.len())..].to_vec();
                let ended = rest.len() <= page;
                let rest: Vec<_> = rest.into_iter().take(page).collect();
                *place += rest.len();
                spoken(run.supply(rest.into_iter().map(Into::into).collect(), ended))?;
            }
            Step::Done => {
                results.extend(spoken(run.take())?);
                break;
            }
        }
        results.extend(spoken(run.take())?);
    }
    for result in &results {
        Document::from_bytes(result).expect("results are documents");
    }
    Some(results.iter().map(|result| result.to_vec()).collect())
}

/// What the engine would read.
fn answer(row: &Document, request: &Request) -> Option<Vec<Vec<u8>>> {
    let documents = match &request.collection {
        None => fuzz::documents(row, "documents"),
        Some(name) => match row.get("collections") {
            Some(Value::Document(collections)) => fuzz::documents(collections, name),
            _ => Vec::new(),
        },
    };
    let mut found = Vec::new();
    for document in documents {
        let bytes = document.to_bytes();
        let raw = RawDoc::new(&bytes).expect("just written");
        if spoken(request.filter.check(&DocView::Raw(raw)))? {
            found.push((request.sort.key(&raw), bytes));
        }
    }
    if !request.sort.is_empty() {
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
    }
    let skip = usize::try_from(request.skip).unwrap_or(usize::MAX);
    let limit = request.limit.map_or(usize::MAX, |limit| limit.try_into().unwrap_or(usize::MAX));
    Some(found.into_iter().map(|(_, bytes)| bytes).skip(skip).take(limit).collect())
}

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    match fuzz::mutated_text(&data[..size], max_size, seed) {
        Some(changed) => {
            data[..changed.len()].copy_from_slice(&changed);
            changed.len()
        }
        None => fuzzer_mutate(data, size, max_size),
    }
});
