//! A value as bytes whose `memcmp` order is [`crate::compare`]. Keys are prefix-free, so they can
//! be put one after another (compound indexes, sort keys) and complemented byte by byte
//! (descending).
//!
//! This is an on-disk format. Kind byte, then:
//!
//! | kind | byte | payload |
//! |---|---|---|
//! | MinKey | 08 | |
//! | an empty array as index key | 0C | see [`UNDEFINED`] |
//! | null | 10 | |
//! | number | 18 | see `number.rs`: 9 bytes, more only for numbers no double holds |
//! | string | 20 | bytes with 00 → 00 FF, end 00 00 |
//! | document | 28 | per field: kind byte, name as a string, payload; end 00 |
//! | array | 30 | per element: kind byte, payload; end 00 |
//! | binary | 38 | length u64, subtype, bytes |
//! | object id | 40 | 12 bytes |
//! | boolean | 48 | 00 or 01 |
//! | date | 50 | i64 with its sign bit flipped |
//! | timestamp | 58 | u64 |
//! | regular expression | 60 | pattern and options, each as a string |
//! | MaxKey | F0 | |
//!
//! All numbers are big endian.

use crate::{Value, View, number};

/// Sorts between MinKey and null: MongoDB's place for an empty array in a sort or an index, where
/// an array stands for its elements. No [`Value`] encodes to it.
pub const UNDEFINED: u8 = 0x0C;

/// Ends a document or an array; lower than every kind byte.
const END: u8 = 0x00;

/// The key of a value.
pub fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(16);
    push(value, &mut out);
    out
}

/// Appends the key of a value.
pub fn push(value: &Value, out: &mut Vec<u8>) {
    push_view(&View::from(value), out);
}

/// Appends the key of a value without owning it. Broken BSON bytes end a document or array early.
pub fn push_view(value: &View<'_>, out: &mut Vec<u8>) {
    out.push(kind_byte(value));
    push_payload(value, out);
}

fn push_payload(value: &View<'_>, out: &mut Vec<u8>) {
    match value {
        View::MinKey | View::Null | View::MaxKey => {}
        View::Bool(flag) => out.push(u8::from(*flag)),
        View::Int32(_) | View::Int64(_) | View::Double(_) | View::Decimal128(_) => {
            number::push(value, out);
        }
        View::String(text) => push_text(text, out),
        View::Document(document) => {
            for (name, value) in document.iter().map_while(Result::ok) {
                out.push(kind_byte(&value));
                push_text(name, out);
                push_payload(&value, out);
            }
            out.push(END);
        }
        View::Array(array) => {
            for element in array.iter().map_while(Result::ok) {
                push_view(&element, out);
            }
            out.push(END);
        }
        View::Binary { subtype, bytes } => {
            out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
            out.push(*subtype);
            out.extend_from_slice(bytes);
        }
        View::ObjectId(bytes) => out.extend_from_slice(bytes),
        View::Date(ms) => out.extend_from_slice(&(ms ^ i64::MIN).to_be_bytes()),
        View::Regex { pattern, options } => {
            push_text(pattern, out);
            push_text(options, out);
        }
        View::Timestamp(number) => out.extend_from_slice(&number.to_be_bytes()),
    }
}

fn push_text(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        out.push(byte);
        if byte == 0 {
            out.push(0xFF);
        }
    }
    out.extend_from_slice(&[0, 0]);
}

/// The kind's place in the order; all numbers share one.
pub(crate) fn kind_byte(value: &View<'_>) -> u8 {
    match value {
        View::MinKey => 0x08,
        View::Null => 0x10,
        View::Int32(_) | View::Int64(_) | View::Double(_) | View::Decimal128(_) => 0x18,
        View::String(_) => 0x20,
        View::Document(_) => 0x28,
        View::Array(_) => 0x30,
        View::Binary { .. } => 0x38,
        View::ObjectId(_) => 0x40,
        View::Bool(_) => 0x48,
        View::Date(_) => 0x50,
        View::Timestamp(_) => 0x58,
        View::Regex { .. } => 0x60,
        View::MaxKey => 0xF0,
    }
}
