//! The members of a body as they are signed: by lower-case name, texts decoded, everything else as
//! the characters that were sent.

use std::borrow::Cow;
use std::collections::HashMap;
use std::marker::PhantomData;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Body, SignatureError};

/// What JavaScript's `encodeURIComponent` leaves as it is, without `!'()*`, which the SDKs encode
/// too.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Percent-encodes a text as the SDKs do.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, COMPONENT).to_string()
}

/// One member's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Member<'a> {
    /// A text, decoded.
    Text(Cow<'a, str>),
    /// JSON `null`.
    Null,
    /// Any other JSON value, exactly as sent.
    Json(&'a str),
    /// A file or bytes of a form.
    Binary(&'a [u8]),
}

/// The members of a body by encoded lower-case name.
///
/// Names that differ only in case are refused: one could be what was signed and the other what is
/// read later.
pub(super) fn read<'a>(body: &Body<'a>) -> Result<HashMap<String, Member<'a>>, SignatureError> {
    match *body {
        Body::Json(text) => read_json(text),
        Body::Raw(_) => Ok(HashMap::new()),
        Body::Multipart(parts) => {
            let mut members = HashMap::with_capacity(parts.len());
            for part in parts {
                let text = if part.is_binary { None } else { str::from_utf8(part.value).ok() };
                let member = match text {
                    Some(text) => Member::Text(Cow::Borrowed(text)),
                    None => Member::Binary(part.value),
                };
                if members.insert(name_of(part.name), member).is_some() {
                    return Err(SignatureError::Malformed("body"));
                }
            }
            Ok(members)
        }
    }
}

fn name_of(name: &str) -> String {
    encode(trim(&name.to_lowercase()))
}

fn read_json(text: &str) -> Result<HashMap<String, Member<'_>>, SignatureError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let members = reader
        .deserialize_map(Members(PhantomData))
        .map_err(|_| SignatureError::Malformed("body"))?;
    reader.end().map_err(|_| SignatureError::Malformed("body"))?;
    Ok(members)
}

/// Collects the members of one JSON object without touching their text.
struct Members<'a>(PhantomData<&'a str>);

impl<'de> Visitor<'de> for Members<'de> {
    type Value = HashMap<String, Member<'de>>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = HashMap::new();
        while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
            let raw = value.get();
            let member = match raw.as_bytes().first() {
                Some(b'"') => {
                    let text: String =
                        serde_json::from_str(raw).map_err(serde::de::Error::custom)?;
                    Member::Text(Cow::Owned(text))
                }
                Some(b'n') => Member::Null,
                _ => Member::Json(raw),
            };
            if members.insert(name_of(&name), member).is_some() {
                return Err(serde::de::Error::custom("two members of one name"));
            }
        }
        Ok(members)
    }
}

/// Trims what JavaScript's `trim` trims: Unicode white space and the byte order mark, not U+0085.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_the_characters_that_were_sent() {
        let body = r#" { "A b":"é\"\\", "n" : 1.50 , "list":[1, 2 ],"no":null,"o":{ "x":1e3} } "#;
        let members = read(&Body::Json(body)).unwrap();
        let expected = [
            ("a%20b", Member::Text("é\"\\".into())),
            ("n", Member::Json("1.50")),
            ("o", Member::Json(r#"{ "x":1e3}"#)),
            ("list", Member::Json("[1, 2 ]")),
            ("no", Member::Null),
        ];
        assert_eq!(members, expected.map(|(name, member)| (name.to_owned(), member)).into());
    }

    #[test]
    fn what_is_no_object_is_malformed() {
        for body in
            ["", "[]", "\"x\"", "{\"a\":1", "{} {}", "{\"a\":1,\"A\":1}", "{\"a\":\"\\ud800\"}"]
        {
            let refused = read(&Body::Json(body)).unwrap_err();
            assert_eq!(refused, SignatureError::Malformed("body"), "{body}");
        }
    }
}
