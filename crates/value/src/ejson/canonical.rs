//! Canonical extended JSON: every kind keeps its name, so the text can be read back exactly.
//! Written straight from BSON bytes where possible.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::{ArrayView, DocView, Document, Error, RawDoc, Value, View, decimal};

/// A document as canonical text.
pub fn canonical(document: &Document) -> String {
    let mut out = String::with_capacity(256);
    write_document(&DocView::Owned(document), &mut out, write_scalar)
        .expect("values in memory are not broken");
    out
}

/// A value as canonical text.
pub fn canonical_value(value: &Value) -> String {
    let mut out = String::with_capacity(64);
    write(&View::from(value), &mut out, write_scalar).expect("values in memory are not broken");
    out
}

/// BSON bytes as canonical text, without building a document between.
///
/// # Errors
/// Bytes that are no BSON document, as [`Document::from_bytes`].
pub fn canonical_raw(bytes: &[u8]) -> Result<String, Error> {
    let mut out = String::with_capacity(bytes.len() * 2);
    write_document(&DocView::Raw(RawDoc::new(bytes)?), &mut out, write_scalar)?;
    Ok(out)
}

/// Writes what holds no other value: the canonical and the relaxed form differ in this alone.
pub(super) type WriteScalar = fn(&View<'_>, &mut String) -> std::fmt::Result;

pub(super) fn write_document(
    document: &DocView<'_>,
    out: &mut String,
    scalar: WriteScalar,
) -> Result<(), Error> {
    out.push('{');
    for (index, field) in document.iter().enumerate() {
        let (name, value) = field?;
        if index > 0 {
            out.push(',');
        }
        write_text(name, out);
        out.push(':');
        write(&value, out, scalar)?;
    }
    out.push('}');
    Ok(())
}

fn write_array(array: &ArrayView<'_>, out: &mut String, scalar: WriteScalar) -> Result<(), Error> {
    out.push('[');
    for (index, element) in array.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(&element?, out, scalar)?;
    }
    out.push(']');
    Ok(())
}

pub(super) fn write(value: &View<'_>, out: &mut String, scalar: WriteScalar) -> Result<(), Error> {
    match value {
        View::Document(document) => write_document(document, out, scalar)?,
        View::Array(array) => write_array(array, out, scalar)?,
        View::String(text) => write_text(text, out),
        View::Regex { pattern, options } => {
            out.push_str(r#"{"$regularExpression":{"pattern":"#);
            write_text(pattern, out);
            out.push_str(r#","options":"#);
            write_text(options, out);
            out.push_str("}}");
        }
        other => scalar(other, out).expect("writing into a string cannot fail"),
    }
    Ok(())
}

pub(super) fn write_scalar(value: &View<'_>, out: &mut String) -> std::fmt::Result {
    match value {
        View::MinKey => write!(out, r#"{{"$minKey":1}}"#),
        View::MaxKey => write!(out, r#"{{"$maxKey":1}}"#),
        View::Bool(flag) => write!(out, "{flag}"),
        View::Int32(number) => write!(out, r#"{{"$numberInt":"{number}"}}"#),
        View::Int64(number) => write!(out, r#"{{"$numberLong":"{number}"}}"#),
        View::Double(number) => write!(out, r#"{{"$numberDouble":"{}"}}"#, double_text(*number)),
        View::Decimal128(bytes) => {
            write!(out, r#"{{"$numberDecimal":"{}"}}"#, decimal::print(*bytes))
        }
        View::Binary { subtype, bytes } => {
            let base64 = STANDARD.encode(bytes);
            write!(out, r#"{{"$binary":{{"base64":"{base64}","subType":"{subtype:02x}"}}}}"#)
        }
        View::ObjectId(bytes) => write!(out, r#"{{"$oid":"{}"}}"#, hex(*bytes)),
        View::Date(ms) => write!(out, r#"{{"$date":{{"$numberLong":"{ms}"}}}}"#),
        View::Timestamp(number) => {
            let (seconds, counter) = (number >> 32, number & 0xFFFF_FFFF);
            write!(out, r#"{{"$timestamp":{{"t":{seconds},"i":{counter}}}}}"#)
        }
        View::Null | View::String(_) | View::Document(_) | View::Array(_) | View::Regex { .. } => {
            write!(out, "null")
        }
    }
}

/// `1.0`, `1.5`, `1e21`, `NaN`, `-Infinity`: reads back as the same double.
fn double_text(number: f64) -> String {
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else {
        format!("{number:?}")
    }
}

/// An object id as 24 lower-case hexadecimal digits.
pub(super) fn hex(bytes: [u8; 12]) -> String {
    bytes.iter().fold(String::with_capacity(24), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing into a string cannot fail");
        text
    })
}

/// A JSON string literal. Stretches without special characters are copied whole.
pub(super) fn write_text(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\')
    {
        out.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            byte => {
                write!(out, "\\u{byte:04x}").expect("writing into a string cannot fail");
            }
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}
