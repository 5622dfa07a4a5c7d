//! The plain dialect (Family A): JSON as JavaScript would print it, dates as `{"$date":ms}`, object
//! ids as their text. Kinds JSON has no place for keep their wrapper; number kinds are not told
//! apart, so this form is for reading, not for keeping.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value as Json, json};

use super::canonical::hex;
use crate::{Document, Value, decimal};

/// A document as plain JSON.
pub fn plain(document: &Document) -> Json {
    Json::Object(plain_fields(document))
}

fn plain_fields(document: &Document) -> Map<String, Json> {
    document.iter().map(|(name, value)| (name.to_owned(), plain_value(value))).collect()
}

/// A value as plain JSON.
pub fn plain_value(value: &Value) -> Json {
    match value {
        Value::MinKey => json!({"$minKey": 1}),
        Value::Null => Json::Null,
        Value::Bool(flag) => Json::Bool(*flag),
        Value::Int32(number) => Json::from(*number),
        Value::Int64(number) => Json::from(*number),
        Value::Double(number) => plain_double(*number),
        Value::Decimal128(bytes) => json!({"$numberDecimal": decimal::print(*bytes)}),
        Value::String(text) => Json::String(text.clone()),
        Value::Document(document) => plain(document),
        Value::Array(elements) => Json::Array(elements.iter().map(plain_value).collect()),
        Value::Binary { subtype, bytes } => {
            let subtype = format!("{subtype:02x}");
            json!({"$binary": {"base64": STANDARD.encode(bytes), "subType": subtype}})
        }
        Value::ObjectId(bytes) => Json::String(hex(*bytes)),
        Value::Date(ms) => json!({"$date": ms}),
        Value::Regex { pattern, options } => json!({"$regex": pattern, "$options": options}),
        Value::Timestamp(number) => {
            json!({"$timestamp": {"t": number >> 32, "i": number & 0xFFFF_FFFF}})
        }
        Value::MaxKey => json!({"$maxKey": 1}),
    }
}

/// As `JSON.stringify`: `1` for 1.0, `0` for −0, `null` for NaN and the infinities.
fn plain_double(number: f64) -> Json {
    if let Some(whole) = Value::Double(number).as_i64() {
        return Json::from(whole);
    }
    Number::from_f64(number).map_or(Json::Null, Json::Number)
}
