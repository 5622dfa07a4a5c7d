//! The arguments of a simulated call, read once, and how an event shows them: bounded, files as
//! their size only.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::Refusal;
use crate::error::code;
use crate::open_api::OpenApiCall;

/// A text in an event is cut after this many characters.
const SHOWN_CHARS_MAX: usize = 300;

/// The arguments of a call.
pub(super) struct Arguments {
    values: Map<String, Value>,
    /// The first file of the call.
    pub(super) file: Option<Bytes>,
}

impl Arguments {
    pub(super) fn read(call: &OpenApiCall) -> Result<Self, Refusal> {
        let mut values = Map::new();
        for field in call.fields.iter().filter(|field| !field.is_media()) {
            let value = serde_json::from_slice(&field.value).map_err(|error| {
                Refusal::new(code::DATA_FORMAT, format!("data format error: {error}"))
            })?;
            values.insert(field.key.clone(), value);
        }
        Ok(Self { values, file: call.files().next().map(|field| field.value.clone()) })
    }

    /// The argument, unless it is missing or `null`.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name).filter(|value| !value.is_null())
    }

    /// The argument as a text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// The argument as a text, refused with `errcode` when missing, empty or no text.
    pub(super) fn required_text(&self, name: &str, errcode: i64) -> Result<&str, Refusal> {
        self.text(name)
            .filter(|text| !text.is_empty())
            .ok_or_else(|| Refusal::new(errcode, format!("invalid {name}: a text is required")))
    }

    /// The argument as a whole number; numbers written as texts count, as WeChat takes them.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        match self.get(name)? {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_i64(),
        }
    }
}

/// The arguments as an event shows them.
pub(super) fn shown(call: &OpenApiCall) -> Value {
    let mut all = Map::new();
    for field in &call.fields {
        let value = if field.is_media() {
            json!({ "file": field.file_name(), "bytes": field.value.len() })
        } else {
            cut(serde_json::from_slice(&field.value).unwrap_or(Value::Null))
        };
        all.insert(field.key.clone(), value);
    }
    Value::Object(all)
}

fn cut(value: Value) -> Value {
    match value {
        Value::String(text) if text.chars().count() > SHOWN_CHARS_MAX => {
            let start: String = text.chars().take(SHOWN_CHARS_MAX).collect();
            Value::String(start + "…")
        }
        Value::Array(items) => items.into_iter().map(cut).collect(),
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(name, value)| (name, cut(value))).collect())
        }
        other => other,
    }
}
