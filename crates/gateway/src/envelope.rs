//! The body of an RPC request: an action and its parameters, read liberally.
//!
//! Both database dialects write queries as objects or as strings of EJSON; both are taken
//! everywhere (protocol 03 §1).

use bytes::Bytes;
use platform::{Code, Error, Result};
use serde_json::{Map, Value as Json};
use value::{Document, Value, ejson};

/// One part of a multipart envelope that is not text.
#[derive(Debug)]
pub struct BinaryPart {
    /// The part's name.
    pub name: String,
    /// Its bytes.
    pub bytes: Bytes,
}

/// A decoded request body.
#[derive(Debug, Default)]
pub struct Envelope {
    /// What to do, e.g. `database.getDocument`.
    pub action: String,
    members: Map<String, Json>,
    /// Binary parts, when the body was multipart.
    pub binary: Vec<BinaryPart>,
    /// The time of the request, for `serverDate`, ms since 1970.
    now_ms: i64,
}

impl Envelope {
    /// Reads a JSON body.
    pub fn from_json(body: &[u8], now_ms: i64) -> Result<Self> {
        Self::from_members(members(body)?, Vec::new(), now_ms)
    }

    /// Takes parameters that were read from somewhere else.
    pub fn from_members(
        members: Map<String, Json>,
        binary: Vec<BinaryPart>,
        now_ms: i64,
    ) -> Result<Self> {
        let Some(Json::String(action)) = members.get("action") else {
            return Err(invalid("action", "a string", "字符串"));
        };
        Ok(Self { action: action.clone(), members, binary, now_ms })
    }

    /// Parameters of a request whose path says what to do.
    pub fn parameters(body: &[u8], now_ms: i64) -> Result<Self> {
        let body = if body.is_empty() { b"{}" } else { body };
        let members = members(body)?;
        Ok(Self { action: String::new(), members, binary: Vec::new(), now_ms })
    }

    /// A string parameter; absent, null and other kinds are `None`.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name).and_then(Json::as_str)
    }

    /// A string parameter that must be there.
    pub fn required_text(&self, name: &str) -> Result<&str> {
        self.text(name).ok_or_else(|| invalid(name, "a string", "字符串"))
    }

    /// A parameter as it came.
    pub fn json(&self, name: &str) -> Option<&Json> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    /// True only for `true`.
    pub fn flag(&self, name: &str) -> bool {
        self.members.get(name).and_then(Json::as_bool).unwrap_or(false)
    }

    /// A count: not negative, not fractional; a number or its text.
    pub fn count(&self, name: &str) -> Result<Option<u64>> {
        let Some(value) = self.json(name) else { return Ok(None) };
        let number = match value {
            Json::String(text) => text.parse().ok(),
            other => other.as_u64().or_else(|| {
                let number = other.as_f64()?;
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                (number >= 0.0 && number.fract() == 0.0 && number < 1e15).then_some(number as u64)
            }),
        };
        number.map(Some).ok_or_else(|| invalid(name, "a whole number ≥ 0", "非负整数"))
    }

    /// A document: EJSON text or an object.
    pub fn document(&self, name: &str) -> Result<Option<Document>> {
        match self.json(name) {
            None => Ok(None),
            Some(value) => self.as_document(name, value).map(Some),
        }
    }

    /// One or several documents: text, object, or an array of either.
    pub fn documents(&self, name: &str) -> Result<Vec<Document>> {
        match self.json(name) {
            Some(Json::Array(items)) => {
                items.iter().map(|item| self.as_document(name, item)).collect()
            }
            Some(value) => Ok(vec![self.as_document(name, value)?]),
            None => Err(invalid(name, "a document", "文档")),
        }
    }

    /// The stages of a pipeline: `[{stageKey, stageValue}]` with values as texts of EJSON or JSON,
    /// or as they are; or `[{"$match": …}]`.
    pub fn stages(&self, name: &str) -> Result<Vec<Document>> {
        let expected = || invalid(name, "a list of stages", "阶段列表");
        let stages = self.json(name).and_then(Json::as_array).ok_or_else(expected)?;
        let stage = |(place, stage): (usize, &Json)| {
            let Some(key) = stage.get("stageKey") else { return self.as_document(name, stage) };
            let key = key.as_str().ok_or_else(expected)?;
            let value = stage.get("stageValue").ok_or_else(expected)?;
            let parsed = match value {
                Json::String(text) => ejson::parse(text, self.now_ms),
                other => ejson::from_json(other, self.now_ms),
            };
            let value = parsed.map_err(|error| {
                Error::with_cause(
                    Code::InvalidParameter,
                    format!(
                        "{name}[{place}].{key}: {error} / {name}[{place}].{key} 不是合法的 EJSON。"
                    ),
                    error,
                )
            })?;
            Ok(std::iter::once((key.to_owned(), value)).collect())
        };
        stages.iter().enumerate().map(stage).collect()
    }

    fn as_document(&self, name: &str, value: &Json) -> Result<Document> {
        let parsed = match value {
            Json::String(text) => ejson::parse(text, self.now_ms),
            other => ejson::from_json(other, self.now_ms),
        };
        match parsed {
            Ok(Value::Document(document)) => Ok(document),
            Ok(_) => Err(invalid(name, "an object", "对象")),
            Err(error) => Err(Error::with_cause(
                Code::InvalidParameter,
                format!(
                    "The parameter '{name}' is not valid EJSON: {error} / 参数「{name}」不是合法的 EJSON。"
                ),
                error,
            )),
        }
    }

    /// `{"a": 1, "b": -1}` as text or object, or `[{field, direction}]`, in order of precedence.
    pub fn order(&self, name: &str) -> Result<Document> {
        let Some(Json::Array(items)) = self.json(name) else {
            return Ok(self.document(name)?.unwrap_or_default());
        };
        items
            .iter()
            .map(|item| {
                let field = item.get("field").and_then(Json::as_str);
                let direction = item.get("direction").and_then(Json::as_str);
                match (field, direction) {
                    (Some(field), Some("desc")) => Ok((field.to_owned(), Value::Int32(-1))),
                    (Some(field), Some("asc")) => Ok((field.to_owned(), Value::Int32(1))),
                    _ => Err(invalid(name, "[{field, direction: asc|desc}]", "排序列表")),
                }
            })
            .collect()
    }
}

fn members(body: &[u8]) -> Result<Map<String, Json>> {
    serde_json::from_slice(body).map_err(|error| {
        let message = format!(
            "The request body is not a JSON object: {error}. / 请求体不是合法的 JSON 对象:{error}"
        );
        Error::with_cause(Code::InvalidParameter, message, error)
    })
}

/// The error for a parameter of the wrong kind.
pub fn invalid(name: &str, expected: &str, expected_zh: &str) -> Error {
    Error::new(
        Code::InvalidParameter,
        format!("The parameter '{name}' must be {expected}. / 参数「{name}」必须是{expected_zh}。"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(text: &str) -> Envelope {
        Envelope::from_json(text.as_bytes(), 1_000).unwrap()
    }

    #[test]
    fn queries_are_text_or_object() {
        for text in [
            r#"{"action":"x","query":"{\"a\":{\"$numberInt\":\"1\"}}"}"#,
            r#"{"action":"x","query":{"a":1}}"#,
        ] {
            let document = envelope(text).document("query").unwrap().unwrap();
            assert_eq!(document.get("a"), Some(&Value::Int32(1)), "{text}");
        }
    }

    #[test]
    fn order_keeps_its_precedence_in_both_dialects() {
        for text in [
            r#"{"action":"x","order":"{\"b\":{\"$numberInt\":\"-1\"},\"a\":1}"}"#,
            r#"{"action":"x","order":[{"field":"b","direction":"desc"},{"field":"a","direction":"asc"}]}"#,
        ] {
            let order = envelope(text).order("order").unwrap();
            assert_eq!(order.keys().collect::<Vec<_>>(), ["b", "a"], "{text}");
            assert_eq!(order.get("b"), Some(&Value::Int32(-1)));
        }
    }

    #[test]
    fn malformed_bodies_and_parameters_are_told() {
        for body in ["", "null", "[1]", "{", r#"{"action":1}"#] {
            assert!(Envelope::from_json(body.as_bytes(), 0).is_err(), "{body}");
        }
        let envelope = envelope(r#"{"action":"x","limit":-1,"query":"{\"a\":"}"#);
        assert!(envelope.count("limit").is_err());
        assert!(envelope.document("query").unwrap_err().message().contains("EJSON"));
    }
}
