//! Takes secrets out of what people read: logs, records, what npm says.

use std::borrow::Cow;
use std::cmp::Reverse;

/// Shorter values would stain too much of what functions print.
const BYTES_MIN: usize = 6;
const REDACTED: &str = "[secret]";

/// The text without these values, also where they stand escaped, as in JSON.
pub fn redact<'a, 'v>(text: &'a str, values: impl IntoIterator<Item = &'v str>) -> Cow<'a, str> {
    let mut redacted = Cow::Borrowed(text);
    let mut values: Vec<_> = values.into_iter().filter(|it| it.len() >= BYTES_MIN).collect();
    // One secret may be a part of another.
    values.sort_unstable_by_key(|value| Reverse(value.len()));
    for value in values {
        for form in [Cow::Borrowed(value), escaped(value)] {
            if redacted.contains(&*form) {
                redacted = Cow::Owned(redacted.replace(&*form, REDACTED));
            }
        }
    }
    redacted
}

/// As it stands between the quotes of JSON: a private key has lines.
fn escaped(value: &str) -> Cow<'_, str> {
    if !value.bytes().any(|byte| byte < b' ' || matches!(byte, b'"' | b'\\')) {
        return Cow::Borrowed(value);
    }
    let quoted = serde_json::Value::from(value).to_string();
    Cow::Owned(quoted[1..quoted.len() - 1].to_owned())
}
