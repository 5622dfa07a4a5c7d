//! Filters, updates, projections and sorts over small documents. An input is a row as in
//! `crates/query/tests/cases`: documents and what is done with them. Nothing panics; a filter sees
//! bytes and memory alike; an update is applied whole or not at all, keeps `_id` and stays within
//! the limits.

#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use query::{Filter, Projection, Sort, Update};
use value::{DocView, Document, RawDoc, Value, ejson, equals};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(Value::Document(row)) = ejson::parse(text, 1_700_000_000_000) else { return };
    let mut documents = fuzz::documents(&row, "document");
    documents.extend(fuzz::documents(&row, "documents"));
    let stored: Vec<Vec<u8>> = documents.iter().map(|document| document.to_bytes()).collect();
    let raw: Vec<RawDoc<'_>> =
        stored.iter().map(|bytes| RawDoc::new(bytes).expect("just written")).collect();
    for filter in fuzz::documents(&row, "filter") {
        filtered(filter, &documents, &raw);
    }
    let array_filters: Vec<Document> =
        fuzz::documents(&row, "arrayFilters").into_iter().cloned().collect();
    let filters = fuzz::documents(&row, "filter");
    let filter = filters.first().and_then(|filter| Filter::parse(filter).ok());
    for update in fuzz::documents(&row, "update") {
        updated(update, &array_filters, filter.as_ref(), &documents);
    }
    for projection in fuzz::documents(&row, "projection") {
        if let Some(projection) = spoken(Projection::parse(projection)) {
            for raw in &raw {
                spoken(projection.apply(raw)).map(|projected| projected.to_bytes());
            }
        }
    }
    for sort in fuzz::documents(&row, "sort") {
        if let Some(sort) = spoken(Sort::parse(sort)) {
            let mut keys: Vec<_> = raw.iter().map(|raw| sort.key(raw)).collect();
            keys.sort();
        }
    }
});

/// What was answered; an error must speak both languages.
fn spoken<T>(answer: Result<T, query::Error>) -> Option<T> {
    if let Err(error) = &answer {
        assert!(error.to_string().contains(" / "), "both languages: {error}");
    }
    answer.ok()
}

fn filtered(filter: &Document, documents: &[&Document], raw: &[RawDoc<'_>]) {
    let Some(filter) = spoken(Filter::parse(filter)) else { return };
    let _ = filter.id_points();
    let _ = filter.seed().to_bytes();
    for (document, raw) in documents.iter().zip(raw) {
        let in_memory = spoken(filter.check(&DocView::Owned(document)));
        let in_place = spoken(filter.check(&DocView::Raw(*raw)));
        assert_eq!(in_memory, in_place, "bytes and memory disagree");
    }
}

fn updated(
    update: &Document,
    array_filters: &[Document],
    filter: Option<&Filter>,
    documents: &[&Document],
) {
    let Some(update) = spoken(Update::parse_with(update, array_filters)) else { return };
    for before in documents {
        let mut after = (*before).clone();
        let applied = update.apply(&mut after);
        keeps_its_promises(applied, before, &after);
        let mut after = (*before).clone();
        let applied = update.apply_on_insert(&mut after);
        keeps_its_promises(applied, before, &after);
        if let Some(filter) = filter {
            let mut after = (*before).clone();
            let applied = update.apply_matching(&mut after, filter);
            keeps_its_promises(applied, before, &after);
        }
    }
}

fn keeps_its_promises(applied: Result<bool, query::Error>, before: &Document, after: &Document) {
    if spoken(applied) != Some(true) {
        assert_eq!(before, after, "refused or no change, yet changed");
        return;
    }
    after.check_limits().expect("an update stays within the limits");
    let bytes = after.to_bytes();
    assert_eq!(&Document::from_bytes(&bytes).expect("just written"), after);
    if let (Some(before), Some(after)) = (before.get("_id"), after.get("_id")) {
        assert!(equals(before, after), "_id changed");
    }
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
