//! What the targets share: changing an input as the tree it is, and reading it as one.
//!
//! libFuzzer changes bytes. Most such changes of BSON or JSON stop at the first length or bracket
//! and never reach the language behind; so the targets that test the language change trees.

mod dice;
mod dictionary;
mod mutation;

pub use mutation::{mutated_bson, mutated_text};

use value::{Document, Value};

/// Whether a name in the value begins with `$`. Such a document may be taken for a wrapper when it
/// comes back from extended JSON, as it may in MongoDB.
pub fn has_operator_names(value: &Value) -> bool {
    match value {
        Value::Document(document) => {
            document.iter().any(|(name, value)| name.starts_with('$') || has_operator_names(value))
        }
        Value::Array(elements) => elements.iter().any(has_operator_names),
        _ => false,
    }
}

/// The documents below a name of a row: one, or a list of which the others are left out.
pub fn documents<'r>(row: &'r Document, name: &str) -> Vec<&'r Document> {
    match row.get(name) {
        Some(Value::Document(document)) => vec![document],
        Some(Value::Array(elements)) => elements.iter().filter_map(Value::as_document).collect(),
        _ => Vec::new(),
    }
}
