//! How large a value is as BSON, so that nothing that is only computed outgrows a document.

use value::{DOCUMENT_BYTES_MAX, Document, Value};

use crate::Error;

/// Bytes of a value, about as BSON counts them.
pub(crate) fn of(value: &Value) -> usize {
    match value {
        Value::MinKey | Value::Null | Value::MaxKey => 1,
        Value::Bool(_) => 2,
        Value::Int32(_) => 5,
        Value::Int64(_) | Value::Double(_) | Value::Date(_) | Value::Timestamp(_) => 9,
        Value::ObjectId(_) => 13,
        Value::Decimal128(_) => 17,
        Value::String(text) => 6 + text.len(),
        Value::Binary { bytes, .. } => 6 + bytes.len(),
        Value::Regex { pattern, options } => 3 + pattern.len() + options.len(),
        Value::Document(document) => of_document(document),
        // Elements are named by their index.
        Value::Array(elements) => 6 + elements.iter().map(|element| 3 + of(element)).sum::<usize>(),
    }
}

/// Bytes of a document, about as BSON counts them.
pub(crate) fn of_document(document: &Document) -> usize {
    6 + document.iter().map(|(name, value)| 1 + name.len() + of(value)).sum::<usize>()
}

/// Refuses a value larger than a document may be.
pub(crate) fn check(value: &Value) -> Result<(), Error> {
    let bytes = match value {
        Value::String(text) => text.len(),
        Value::Document(_) | Value::Array(_) => of(value),
        _ => return Ok(()),
    };
    if bytes > DOCUMENT_BYTES_MAX {
        return Err(Error::Value(value::Error::TooLarge { bytes }));
    }
    Ok(())
}
