//! `$unwind`: a document for each element of an array, put out in portions.

use std::sync::Arc;

use value::{Document, Value};

use super::document::Doc;
use super::shape::Shape;
use super::work::{Context, Io, PORTION, Progress, Work};
use crate::Error;
use crate::expression::operator::wrong;
use crate::expression::parse::{raw_members, segments};

/// Bytes put out before the stages behind get their turn.
const PORTION_BYTES: usize = 1 << 20;

#[derive(Debug, Clone)]
pub(crate) struct Unwind {
    path: Vec<String>,
    index: Option<Vec<String>>,
    keeps_empty: bool,
}

impl Unwind {
    /// `"$path"` or `{path, includeArrayIndex, preserveNullAndEmptyArrays}`.
    pub(crate) fn parse(operand: &Value) -> Result<Unwind, Error> {
        let known = ["path", "includeArrayIndex", "preserveNullAndEmptyArrays"];
        let parts = match operand {
            Value::String(_) => vec![Some(operand), None, None],
            other => raw_members("$unwind", other, &known, 1)?,
        };
        let path = match parts[0] {
            Some(Value::String(path)) if path.starts_with('$') && !path.starts_with("$$") => {
                segments(&path[1..])?
            }
            _ => return Err(wrong("$unwind", "a path such as \"$tags\"", "路径,如 \"$tags\"")),
        };
        let index = match parts[1] {
            None => None,
            Some(Value::String(name)) if !name.is_empty() => Some(segments(name)?),
            Some(_) => {
                return Err(wrong(
                    "$unwind",
                    "a name as includeArrayIndex",
                    "名称作为 includeArrayIndex",
                ));
            }
        };
        let keeps_empty = match parts[2] {
            None => false,
            Some(Value::Bool(keeps)) => *keeps,
            Some(_) => {
                return Err(wrong(
                    "$unwind",
                    "true or false as preserveNullAndEmptyArrays",
                    "布尔值作为 preserveNullAndEmptyArrays",
                ));
            }
        };
        Ok(Unwind { path, index, keeps_empty })
    }
}

/// A document whose array is being put out.
struct Open {
    /// The document with null in the place of the array.
    rest: Document,
    rest_bytes: usize,
    elements: std::iter::Enumerate<std::vec::IntoIter<Value>>,
}

pub(crate) struct Unwinding {
    unwind: Arc<Unwind>,
    open: Option<Open>,
}

impl Unwinding {
    pub(crate) fn new(unwind: Arc<Unwind>) -> Unwinding {
        Unwinding { unwind, open: None }
    }

    /// Begins with a document; puts it out at once when there is no array to unwind.
    fn begin(&mut self, document: Doc, io: &mut Io<'_>) -> Result<(), Error> {
        let mut document = document.into_document()?;
        let found = place(&mut document, &self.unwind.path);
        let index = match found.map(|value| std::mem::replace(value, Value::Null)) {
            Some(Value::Array(elements)) if !elements.is_empty() => {
                let rest_bytes = crate::expression::size::of_document(&document);
                let elements = elements.into_iter().enumerate();
                self.open = Some(Open { rest: document, rest_bytes, elements });
                return Ok(());
            }
            // An empty array counts as missing.
            Some(Value::Array(_)) if self.unwind.keeps_empty => {
                remove(&mut document, &self.unwind.path);
                Value::Null
            }
            Some(Value::Null) | None if self.unwind.keeps_empty => Value::Null,
            None | Some(Value::Null | Value::Array(_)) => return Ok(()),
            // Any other value counts as an array of one, without an index.
            Some(single) => {
                if let Some(value) = place(&mut document, &self.unwind.path) {
                    *value = single;
                }
                Value::Null
            }
        };
        if let Some(path) = &self.unwind.index {
            Shape::set_path(&mut document, path, index);
        }
        io.out.push_back(Doc::Made(document));
        Ok(())
    }

    /// Puts out the next element; false when there is none.
    fn next(&mut self, io: &mut Io<'_>) -> bool {
        let Some(open) = &mut self.open else { return false };
        let Some((index, element)) = open.elements.next() else {
            self.open = None;
            return false;
        };
        let is_last = open.elements.len() == 0;
        let mut document = if is_last { std::mem::take(&mut open.rest) } else { open.rest.clone() };
        if let Some(value) = place(&mut document, &self.unwind.path) {
            *value = element;
        }
        if let Some(path) = &self.unwind.index {
            let index = Value::Int64(i64::try_from(index).unwrap_or(i64::MAX));
            Shape::set_path(&mut document, path, index);
        }
        io.out.push_back(Doc::Made(document));
        true
    }
}

/// The value at a path through documents; arrays on the way lead nowhere.
fn place<'d>(document: &'d mut Document, path: &[String]) -> Option<&'d mut Value> {
    let (first, rest) = path.split_first()?;
    let value = document.get_mut(first)?;
    if rest.is_empty() {
        return Some(value);
    }
    match value {
        Value::Document(inner) => place(inner, rest),
        _ => None,
    }
}

fn remove(document: &mut Document, path: &[String]) {
    match path {
        [] => {}
        [only] => {
            document.remove(only);
        }
        [first, rest @ ..] => {
            if let Some(Value::Document(inner)) = document.get_mut(first) {
                remove(inner, rest);
            }
        }
    }
}

impl Work for Unwinding {
    fn work(&mut self, io: &mut Io<'_>, _: &mut Context<'_>) -> Result<Progress, Error> {
        let (before, mut bytes) = (io.out.len(), 0);
        while io.out.len() < PORTION && bytes < PORTION_BYTES {
            bytes += self.open.as_ref().map_or(0, |open| open.rest_bytes);
            if self.next(io) {
                continue;
            }
            match io.inbox.pop_front() {
                Some(document) => self.begin(document, io)?,
                None => return Ok(io.through(io.out.len() > before)),
            }
        }
        Ok(Progress::Worked)
    }
}
