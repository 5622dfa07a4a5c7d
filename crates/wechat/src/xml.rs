//! The small XML of WeChat's messages and payments: elements with text or CDATA inside, no
//! attributes that matter. It refuses document types and entities of one's own, deep nesting and
//! anything it cannot read to the end: nothing is expanded, nothing is fetched.

use serde_json::{Map, Value};

/// How deep elements may lie in one another.
const DEPTH_MAX: usize = 16;

/// Reads `<xml>…</xml>` into a JSON object: texts become strings, elements objects, elements that
/// come again under one name an array. `None` when it is not such a text.
pub(crate) fn read(text: &str) -> Option<Map<String, Value>> {
    let mut reader = Reader { rest: text.trim_start_matches('\u{feff}').trim() };
    if reader.rest.starts_with("<?") {
        let end = reader.rest.find("?>")?;
        reader.rest = reader.rest[end + 2..].trim_start();
    }
    let name = reader.opening()?;
    let value = reader.content(&name, DEPTH_MAX)?;
    let is_whole = reader.rest.trim().is_empty();
    match value {
        Value::Object(members) if is_whole => Some(members),
        Value::String(text) if is_whole && text.trim().is_empty() => Some(Map::new()),
        _ => None,
    }
}

/// Writes `<xml>…</xml>`: numbers bare, other values as CDATA, objects as elements.
pub(crate) fn write<'a>(members: impl IntoIterator<Item = (&'a str, &'a Value)>) -> String {
    let mut text = String::from("<xml>");
    for (name, value) in members {
        element(&mut text, name, value);
    }
    text.push_str("</xml>");
    text
}

fn element(text: &mut String, name: &str, value: &Value) {
    if let Value::Array(items) = value {
        items.iter().for_each(|item| element(text, name, item));
        return;
    }
    text.push_str(&format!("<{name}>"));
    match value {
        Value::Object(members) => members.iter().for_each(|(name, it)| element(text, name, it)),
        Value::Number(number) => text.push_str(&number.to_string()),
        Value::String(value) => cdata(text, value),
        other => cdata(text, &other.to_string()),
    }
    text.push_str(&format!("</{name}>"));
}

/// `]]>` inside a text ends one section and begins another.
fn cdata(text: &mut String, value: &str) {
    text.push_str("<![CDATA[");
    text.push_str(&value.replace("]]>", "]]]]><![CDATA[>"));
    text.push_str("]]>");
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    /// The name of the element that opens here; attributes are passed over.
    fn opening(&mut self) -> Option<String> {
        let rest = self.rest.strip_prefix('<')?;
        let end = rest.find('>')?;
        let name = rest[..end].split_ascii_whitespace().next()?;
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') || !name.chars().all(fits) {
            return None;
        }
        self.rest = &rest[end + 1..];
        Some(name.to_owned())
    }

    /// Everything up to the end tag of `name`, which is passed.
    fn content(&mut self, name: &str, depth: usize) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        let mut text = String::new();
        let mut members = Map::new();
        loop {
            let at = self.rest.find('<')?;
            text.push_str(&unescaped(&self.rest[..at])?);
            self.rest = &self.rest[at..];
            if let Some(rest) = self.rest.strip_prefix("<![CDATA[") {
                let end = rest.find("]]>")?;
                text.push_str(&rest[..end]);
                self.rest = &rest[end + 3..];
            } else if let Some(rest) = self.rest.strip_prefix("<!--") {
                self.rest = &rest[rest.find("-->")? + 3..];
            } else if let Some(rest) = self.rest.strip_prefix("</") {
                let end = rest.find('>')?;
                if rest[..end].trim_end() != name {
                    return None;
                }
                self.rest = &rest[end + 1..];
                let is_text = members.is_empty();
                return Some(if is_text { Value::String(text) } else { Value::Object(members) });
            } else {
                self.member(&mut members, depth)?;
            }
        }
    }

    fn member(&mut self, members: &mut Map<String, Value>, depth: usize) -> Option<()> {
        let is_empty = self.rest[..self.rest.find('>')?].ends_with('/');
        let name = if is_empty {
            let end = self.rest.find("/>")?;
            let name = self.rest[1..end].trim().to_owned();
            self.rest = &self.rest[end + 2..];
            name
        } else {
            self.opening()?
        };
        let value =
            if is_empty { Value::String(String::new()) } else { self.content(&name, depth)? };
        match members.get_mut(&name) {
            None => drop(members.insert(name, value)),
            Some(Value::Array(items)) => items.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
        Some(())
    }
}

/// The five entities of XML and numbers; another one makes the text unreadable.
fn unescaped(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        let end = rest[at..].find(';')? + at;
        let number = |digits: &str, radix| char::from_u32(u32::from_str_radix(digits, radix).ok()?);
        plain.push(match &rest[at + 1..end] {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            entity => match entity.strip_prefix("#x") {
                Some(digits) => number(digits, 16)?,
                None => number(entity.strip_prefix('#')?, 10)?,
            },
        });
        rest = &rest[end + 1..];
    }
    plain.push_str(rest);
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_elements_and_lists_become_json() {
        let rows = [
            ("<xml><a>1</a><b><![CDATA[x<y]]></b></xml>", json!({ "a": "1", "b": "x<y" })),
            (
                "<?xml version=\"1.0\"?>\n<xml>\n <a>&lt;&#20113;&#x4e91;</a>\n</xml>",
                json!({ "a": "<云云" }),
            ),
            (
                "<xml><l><i>1</i></l><l><i>2</i></l></xml>",
                json!({ "l": [{ "i": "1" }, { "i": "2" }] }),
            ),
            ("<xml><a/><b></b><!-- no --></xml>", json!({ "a": "", "b": "" })),
            ("<xml></xml>", json!({})),
        ];
        for (text, expected) in rows {
            assert_eq!(read(text).map(Value::Object), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_plain_xml_is_refused() {
        let deep = format!("<xml>{}{}</xml>", "<a>".repeat(40), "</a>".repeat(40));
        for text in [
            "",
            "text",
            "<xml>",
            "<xml><a></xml>",
            "<xml><a>1</b></xml>",
            "<xml><a>&own;</a></xml>",
            "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><xml><a>&e;</a></xml>",
            "<xml><a>1</a></xml><xml></xml>",
            "<xml><![CDATA[open</xml>",
            "<xml><a>&",
            deep.as_str(),
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let value = json!({ "a": "1 < 2 ]]> & 云", "n": 3, "o": { "x": "y" }, "l": ["1", "2"] });
        let members = value.as_object().unwrap();
        let text = write(members.iter().map(|(name, value)| (name.as_str(), value)));
        let mut again = value.clone();
        again["n"] = "3".into();
        assert_eq!(read(&text).map(Value::Object), Some(again), "{text}");
    }
}
