//! Writing BSON, and the kind bytes both directions share. Reading is in `raw`.
//!
//! A document is `length:i32 (field)* 0x00`, a field is `kind:u8 name:cstring value`; all numbers
//! are little endian; arrays are documents named "0", "1", … (specification 1.1, bsonspec.org).

use std::io::Write;

use crate::{DEPTH_MAX, Document, Error, Value};

pub(crate) const DOUBLE: u8 = 0x01;
pub(crate) const STRING: u8 = 0x02;
pub(crate) const DOCUMENT: u8 = 0x03;
pub(crate) const ARRAY: u8 = 0x04;
pub(crate) const BINARY: u8 = 0x05;
pub(crate) const UNDEFINED: u8 = 0x06;
pub(crate) const OBJECT_ID: u8 = 0x07;
pub(crate) const BOOL: u8 = 0x08;
pub(crate) const DATE: u8 = 0x09;
pub(crate) const NULL: u8 = 0x0A;
pub(crate) const REGEX: u8 = 0x0B;
pub(crate) const INT32: u8 = 0x10;
pub(crate) const TIMESTAMP: u8 = 0x11;
pub(crate) const INT64: u8 = 0x12;
pub(crate) const DECIMAL128: u8 = 0x13;
pub(crate) const MAX_KEY: u8 = 0x7F;
pub(crate) const MIN_KEY: u8 = 0xFF;

/// Binary subtype whose payload repeats its own length; only old drivers write it.
pub(crate) const BINARY_OLD: u8 = 0x02;

/// Appends a whole document.
pub(crate) fn write_document(document: &Document, out: &mut Vec<u8>) {
    let start = open(out);
    for (name, value) in document.iter() {
        out.push(kind(value));
        write_cstring(name, out);
        write_payload(value, out);
    }
    close(start, out);
}

fn write_array(elements: &[Value], out: &mut Vec<u8>) {
    let start = open(out);
    for (index, value) in elements.iter().enumerate() {
        out.push(kind(value));
        write!(out, "{index}").expect("writing into a vector cannot fail");
        out.push(0);
        write_payload(value, out);
    }
    close(start, out);
}

/// Leaves room for the length that only [`close`] knows.
fn open(out: &mut Vec<u8>) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    start
}

fn close(start: usize, out: &mut Vec<u8>) {
    out.push(0);
    let length = length_prefix(out.len() - start);
    out[start..start + 4].copy_from_slice(&length);
}

/// Lengths beyond 2 GiB cannot be written; readers refuse anything beyond 16 MiB anyway.
fn length_prefix(length: usize) -> [u8; 4] {
    i32::try_from(length).unwrap_or(i32::MAX).to_le_bytes()
}

/// NUL ends a cstring, so it cannot be inside one.
fn write_cstring(text: &str, out: &mut Vec<u8>) {
    out.extend(text.bytes().filter(|byte| *byte != 0));
    out.push(0);
}

fn kind(value: &Value) -> u8 {
    match value {
        Value::MinKey => MIN_KEY,
        Value::Null => NULL,
        Value::Bool(_) => BOOL,
        Value::Int32(_) => INT32,
        Value::Int64(_) => INT64,
        Value::Double(_) => DOUBLE,
        Value::Decimal128(_) => DECIMAL128,
        Value::String(_) => STRING,
        Value::Document(_) => DOCUMENT,
        Value::Array(_) => ARRAY,
        Value::Binary { .. } => BINARY,
        Value::ObjectId(_) => OBJECT_ID,
        Value::Date(_) => DATE,
        Value::Regex { .. } => REGEX,
        Value::Timestamp(_) => TIMESTAMP,
        Value::MaxKey => MAX_KEY,
    }
}

fn write_payload(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::MinKey | Value::Null | Value::MaxKey => {}
        Value::Bool(flag) => out.push(u8::from(*flag)),
        Value::Int32(number) => out.extend_from_slice(&number.to_le_bytes()),
        Value::Int64(number) | Value::Date(number) => out.extend_from_slice(&number.to_le_bytes()),
        Value::Double(number) => out.extend_from_slice(&number.to_bits().to_le_bytes()),
        Value::Decimal128(bytes) => out.extend_from_slice(bytes),
        Value::String(text) => {
            out.extend_from_slice(&length_prefix(text.len() + 1));
            out.extend_from_slice(text.as_bytes());
            out.push(0);
        }
        Value::Document(document) => write_document(document, out),
        Value::Array(elements) => write_array(elements, out),
        Value::Binary { subtype, bytes } => {
            let old = *subtype == BINARY_OLD;
            out.extend_from_slice(&length_prefix(bytes.len() + if old { 4 } else { 0 }));
            out.push(*subtype);
            if old {
                out.extend_from_slice(&length_prefix(bytes.len()));
            }
            out.extend_from_slice(bytes);
        }
        Value::ObjectId(bytes) => out.extend_from_slice(bytes),
        Value::Regex { pattern, options } => {
            write_cstring(pattern, out);
            write_cstring(options, out);
        }
        Value::Timestamp(number) => out.extend_from_slice(&number.to_le_bytes()),
    }
}

/// Bytes a document takes as BSON, without writing it; `level` counts from 1.
pub(crate) fn measure_document(document: &Document, level: usize) -> Result<usize, Error> {
    if level > DEPTH_MAX {
        return Err(Error::TooDeep);
    }
    document
        .iter()
        .try_fold(5, |sum, (name, value)| Ok(sum + 2 + name.len() + measure(value, level)?))
}

fn measure_array(elements: &[Value], level: usize) -> Result<usize, Error> {
    if level > DEPTH_MAX {
        return Err(Error::TooDeep);
    }
    elements.iter().enumerate().try_fold(5, |sum, (index, value)| {
        let digits = index.checked_ilog10().unwrap_or(0) as usize + 1;
        Ok(sum + 2 + digits + measure(value, level)?)
    })
}

fn measure(value: &Value, level: usize) -> Result<usize, Error> {
    Ok(match value {
        Value::MinKey | Value::Null | Value::MaxKey => 0,
        Value::Bool(_) => 1,
        Value::Int32(_) => 4,
        Value::Int64(_) | Value::Date(_) | Value::Double(_) | Value::Timestamp(_) => 8,
        Value::ObjectId(_) => 12,
        Value::Decimal128(_) => 16,
        Value::String(text) => text.len() + 5,
        Value::Document(document) => measure_document(document, level + 1)?,
        Value::Array(elements) => measure_array(elements, level + 1)?,
        Value::Binary { subtype, bytes } => {
            bytes.len() + if *subtype == BINARY_OLD { 9 } else { 5 }
        }
        Value::Regex { pattern, options } => pattern.len() + options.len() + 2,
    })
}
