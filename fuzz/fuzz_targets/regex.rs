//! A pattern and a text through the dialect shim: options, a line feed, the pattern, a NUL, the
//! text. It is refused, matches, does not match or gives up; it does not panic, and it ends.
//!
//! libFuzzer's own time limit is what says "it ends"; the runner sets it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use query::Filter;
use value::{DocView, Document, Value};

fuzz_target!(|bytes: &[u8]| {
    let Ok(input) = std::str::from_utf8(bytes) else { return };
    let (options, rest) = input.split_once('\n').unwrap_or(("", input));
    let (pattern, text) = rest.split_once('\0').unwrap_or((rest, "aab"));
    let operators = Document::from_iter([("$regex", pattern), ("$options", options)]);
    let value = Value::Regex { pattern: pattern.to_owned(), options: options.to_owned() };
    let document = Document::from_iter([("a", text)]);
    let by_operator = answer(&Document::from_iter([("a", operators)]), &document);
    let by_value = answer(&Document::from_iter([("a", value)]), &document);
    assert_eq!(by_operator, by_value);
});

/// `None` when the pattern is refused or gives up.
fn answer(filter: &Document, document: &Document) -> Option<bool> {
    match Filter::parse(filter).and_then(|filter| filter.check(&DocView::Owned(document))) {
        Ok(matches) => Some(matches),
        Err(error) => {
            assert!(error.to_string().contains(" / "), "both languages: {error}");
            None
        }
    }
}
