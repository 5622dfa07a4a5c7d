//! Places in a document named by a path: looking, writing with missing parents made, removing.

use value::{Document, Value, ejson};

use crate::Error;
use crate::path::{Path, Segment};

/// Most nulls a write far behind the end of an array may add; MongoDB's limit.
const PADDING_MAX: usize = 1_500_000;
/// Longest stored value quoted in a message, in characters.
const QUOTE_CHARS_MAX: usize = 80;

/// The value at a path, to be changed in place. Arrays are entered by index only.
pub(super) fn find_mut<'d>(document: &'d mut Document, path: &Path) -> Option<&'d mut Value> {
    let (first, rest) = path.segments().split_first()?;
    let mut value = document.get_mut(&first.name)?;
    for segment in rest {
        value = match value {
            Value::Document(inner) => inner.get_mut(&segment.name)?,
            Value::Array(elements) => elements.get_mut(segment.index?)?,
            _ => return None,
        };
    }
    Some(value)
}

/// Puts a value at a path. Missing parents become objects; an index behind the end of an array
/// fills the gap with nulls.
///
/// # Errors
/// [`Error::Conflict`] when a parent is neither object nor array, or an array is given a name.
pub(crate) fn write(document: &mut Document, path: &Path, value: Value) -> Result<(), Error> {
    write_document(document, path.segments(), value)
}

fn write_document(
    document: &mut Document,
    segments: &[Segment],
    value: Value,
) -> Result<(), Error> {
    let Some((first, rest)) = segments.split_first() else {
        return Ok(());
    };
    match document.get_mut(&first.name) {
        Some(slot) => write_slot(slot, &first.name, rest, value),
        None => {
            document.insert(first.name.as_str(), build(rest, value));
            Ok(())
        }
    }
}

/// Writes into or below an existing value, which is called `name`.
fn write_slot(
    slot: &mut Value,
    name: &str,
    segments: &[Segment],
    value: Value,
) -> Result<(), Error> {
    let Some((first, rest)) = segments.split_first() else {
        *slot = value;
        return Ok(());
    };
    match (slot, first.index) {
        (Value::Document(inner), _) => write_document(inner, segments, value),
        (Value::Array(elements), Some(index)) => {
            if let Some(element) = elements.get_mut(index) {
                return write_slot(element, &first.name, rest, value);
            }
            if index - elements.len() > PADDING_MAX {
                return Err(too_far(name, index));
            }
            elements.resize(index, Value::Null);
            elements.push(build(rest, value));
            Ok(())
        }
        (other, _) => Err(cannot_create(&first.name, name, other)),
    }
}

/// The value within the objects its remaining path asks for.
fn build(segments: &[Segment], value: Value) -> Value {
    segments.iter().rev().fold(value, |inner, segment| {
        Value::Document(Document::from_iter([(segment.name.as_str(), inner)]))
    })
}

/// Takes the value at a path away. In an array it leaves a null, so that indexes stay.
pub(super) fn remove(document: &mut Document, path: &Path) -> Option<Value> {
    let (last, parents) = path.segments().split_last()?;
    let Some((first, between)) = parents.split_first() else {
        return document.remove(&last.name);
    };
    let mut parent = document.get_mut(&first.name)?;
    for segment in between {
        parent = match parent {
            Value::Document(inner) => inner.get_mut(&segment.name)?,
            Value::Array(elements) => elements.get_mut(segment.index?)?,
            _ => return None,
        };
    }
    match parent {
        Value::Document(inner) => inner.remove(&last.name),
        Value::Array(elements) => {
            elements.get_mut(last.index?).map(|slot| std::mem::replace(slot, Value::Null))
        }
        _ => None,
    }
}

/// The first array a path would have to pass through, by its own path.
pub(super) fn array_on_the_way(document: &Document, path: &Path) -> Option<String> {
    let (_, parents) = path.segments().split_last()?;
    let mut document = document;
    let mut way = String::new();
    for segment in parents {
        way.push_str(if way.is_empty() { "" } else { "." });
        way.push_str(&segment.name);
        match document.get(&segment.name)? {
            Value::Document(inner) => document = inner,
            Value::Array(_) => return Some(way),
            _ => return None,
        }
    }
    None
}

/// `{a: null}`: a field as messages quote it, cut when long.
pub(super) fn quote(name: &str, value: &Value) -> String {
    let text = ejson::plain_value(value).to_string();
    let mut short: String = text.chars().take(QUOTE_CHARS_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{{{name}: {short}}}")
}

fn cannot_create(field: &str, name: &str, value: &Value) -> Error {
    let element = quote(name, value);
    Error::conflict(
        format_args!(
            "Cannot create field '{field}' in element {element}; set '{name}' to an object first."
        ),
        format_args!("无法在 {element} 中创建字段 '{field}',请先把 '{name}' 设为对象。"),
    )
}

fn too_far(name: &str, index: usize) -> Error {
    Error::conflict(
        format_args!("Index {index} is too far behind the end of the array '{name}'; use $push."),
        format_args!("下标 {index} 超出数组 '{name}' 末尾过多,请使用 $push。"),
    )
}
