//! Relaxed extended JSON as files hold it: numbers and dates as people read them, wrappers only
//! where the plain form would be read back as another kind. So the text is exact *and* readable.

use std::fmt::Write;

use super::canonical::{write, write_document, write_scalar};
use super::date;
use crate::{DocView, Error, RawDoc, Value, View};

/// BSON bytes as relaxed text that [`super::parse`] reads back exactly.
///
/// # Errors
/// Bytes that are no BSON document, as [`crate::Document::from_bytes`].
pub fn relaxed_raw(bytes: &[u8]) -> Result<String, Error> {
    let mut out = String::with_capacity(bytes.len() + bytes.len() / 4);
    write_document(&DocView::Raw(RawDoc::new(bytes)?), &mut out, write_number_or_date)?;
    Ok(out)
}

/// A value as relaxed text that [`super::parse`] reads back exactly.
pub fn relaxed_value(value: &Value) -> String {
    let mut out = String::with_capacity(64);
    write(&View::from(value), &mut out, write_number_or_date)
        .expect("values in memory are not broken");
    out
}

fn write_number_or_date(value: &View<'_>, out: &mut String) -> std::fmt::Result {
    match value {
        View::Int32(number) => write!(out, "{number}"),
        // Within 32 bits a plain number would come back as the smaller kind.
        View::Int64(number) if i32::try_from(*number).is_err() => write!(out, "{number}"),
        // Always with a point or an exponent, so that it comes back as a double.
        View::Double(number) if number.is_finite() => write!(out, "{number:?}"),
        View::Date(ms) => match date::print(*ms) {
            Some(text) => write!(out, r#"{{"$date":"{text}"}}"#),
            None => write_scalar(value, out),
        },
        other => write_scalar(other, out),
    }
}
