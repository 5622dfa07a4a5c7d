//! The operators that change arrays. A missing field counts as an empty array for those that add,
//! and is left missing by those that take away; any other kind is an error.

use std::collections::HashSet;

use value::{DocView, Document, Value, View, compare, equals, key};

use super::place;
use crate::filter::{Clause, Filter, all_on_leaf, condition, is_logic, is_operators};
use crate::path::Path;
use crate::sort::{Sort, parse_direction};
use crate::{Error, repair};

/// `$push`: add, then sort, then cut.
#[derive(Debug, Clone)]
pub(super) struct Push {
    each: Vec<Value>,
    /// Where to insert; from the end when negative. At the end when absent.
    position: Option<i64>,
    sort: Option<ElementSort>,
    /// How many to keep; the last ones when negative.
    slice: Option<i64>,
}

/// The order of `$push`'s `$sort`.
#[derive(Debug, Clone)]
enum ElementSort {
    Whole { descending: bool },
    Fields(Sort),
}

impl Push {
    pub(super) fn parse(path: &Path, operand: &Value) -> Result<Push, Error> {
        let mut push = Push { each: Vec::new(), position: None, sort: None, slice: None };
        let Value::Document(modifiers) = operand else {
            push.each.push(operand.clone());
            return Ok(push);
        };
        let Some(each) = modifiers.get("$each") else {
            if is_operators(modifiers) {
                return Err(needs("$push", path, "$each next to its modifiers", "同时给出 $each"));
            }
            push.each.push(operand.clone());
            return Ok(push);
        };
        push.each = list("$each", path, each)?;
        for (name, modifier) in modifiers.iter() {
            let whole =
                || modifier.as_i64().ok_or_else(|| needs(name, path, "a whole number", "整数"));
            match name {
                "$each" => {}
                "$position" => push.position = Some(whole()?),
                "$slice" => push.slice = Some(whole()?),
                "$sort" => push.sort = Some(ElementSort::parse(path, modifier)?),
                _ => return Err(Error::unknown_operator(name, path.text())),
            }
        }
        Ok(push)
    }

    pub(super) fn apply(&self, document: &mut Document, path: &Path) -> Result<(), Error> {
        let Some(elements) = existing("$push", document, path)? else {
            let mut elements = Vec::new();
            self.change(&mut elements);
            return place::write(document, path, Value::Array(elements));
        };
        self.change(elements);
        Ok(())
    }

    fn change(&self, elements: &mut Vec<Value>) {
        let length = elements.len();
        let at = self.position.map_or(length, |position| offset(position, length));
        elements.splice(at..at, self.each.iter().cloned());
        match &self.sort {
            None => {}
            Some(ElementSort::Whole { descending: false }) => elements.sort_by(compare),
            Some(ElementSort::Whole { descending: true }) => {
                elements.sort_by(|a, b| compare(b, a));
            }
            Some(ElementSort::Fields(sort)) => {
                let nothing = Document::new();
                elements.sort_by_cached_key(|element| {
                    sort.key_of(&DocView::Owned(element.as_document().unwrap_or(&nothing)))
                });
            }
        }
        if let Some(slice) = self.slice {
            let kept = usize::try_from(slice.unsigned_abs()).unwrap_or(usize::MAX);
            if slice < 0 {
                elements.drain(..elements.len().saturating_sub(kept));
            } else {
                elements.truncate(kept);
            }
        }
    }
}

/// A position counted from the end when negative, within the array either way.
fn offset(position: i64, length: usize) -> usize {
    let distance = usize::try_from(position.unsigned_abs()).unwrap_or(usize::MAX);
    if position < 0 { length.saturating_sub(distance) } else { distance.min(length) }
}

impl ElementSort {
    fn parse(path: &Path, operand: &Value) -> Result<ElementSort, Error> {
        match operand {
            Value::Document(fields) if !fields.is_empty() => {
                Ok(ElementSort::Fields(Sort::parse(fields)?))
            }
            direction => match parse_direction(direction) {
                Some(descending) => Ok(ElementSort::Whole { descending }),
                None => Err(needs("$sort", path, "1, -1 or fields", "1、-1 或字段")),
            },
        }
    }
}

/// `$pop`: the last element, or the first.
#[derive(Debug, Clone)]
pub(super) struct Pop {
    first: bool,
}

impl Pop {
    pub(super) fn parse(path: &Path, operand: &Value) -> Result<Pop, Error> {
        match parse_direction(operand) {
            Some(first) => Ok(Pop { first }),
            None => {
                Err(needs("$pop", path, "1 (the last) or -1 (the first)", "1(末尾)或 -1(开头)"))
            }
        }
    }

    pub(super) fn apply(&self, document: &mut Document, path: &Path) -> Result<(), Error> {
        if let Some(elements) = existing("$pop", document, path)? {
            if self.first && !elements.is_empty() {
                elements.remove(0);
            } else {
                elements.pop();
            }
        }
        Ok(())
    }
}

/// `$pull`: every element that is this value or meets this condition.
#[derive(Debug, Clone)]
pub(super) enum Pull {
    Equal(Value),
    Condition(Vec<Clause>),
    /// Elements that are documents and pass.
    Document(Filter),
}

impl Pull {
    pub(super) fn parse(path: &Path, operand: &Value) -> Result<Pull, Error> {
        match operand {
            Value::Document(document) => match document.first() {
                Some((name, _)) if name.starts_with('$') && !is_logic(name) => {
                    Ok(Pull::Condition(condition(operand, path.text())?))
                }
                _ => Ok(Pull::Document(Filter::parse(document)?)),
            },
            Value::Regex { .. } => Ok(Pull::Condition(condition(operand, path.text())?)),
            other => Ok(Pull::Equal(other.clone())),
        }
    }

    pub(super) fn apply(&self, document: &mut Document, path: &Path) -> Result<(), Error> {
        let Some(elements) = existing("$pull", document, path)? else {
            return Ok(());
        };
        let mut kept = Vec::with_capacity(elements.len());
        for element in elements.drain(..) {
            if !self.takes(&element)? {
                kept.push(element);
            }
        }
        *elements = kept;
        Ok(())
    }

    fn takes(&self, element: &Value) -> Result<bool, Error> {
        match self {
            Pull::Equal(value) => Ok(equals(element, value)),
            Pull::Condition(clauses) => all_on_leaf(clauses, &View::from(element)),
            Pull::Document(filter) => match element {
                Value::Document(document) => filter.check(&DocView::Owned(document)),
                _ => Ok(false),
            },
        }
    }
}

/// `$pullAll`: every element equal to one of these.
#[derive(Debug, Clone)]
pub(super) struct PullAll {
    keys: HashSet<Vec<u8>>,
}

impl PullAll {
    pub(super) fn parse(path: &Path, operand: &Value) -> Result<PullAll, Error> {
        let values = list("$pullAll", path, operand)?;
        Ok(PullAll { keys: values.iter().map(key::encode).collect() })
    }

    pub(super) fn apply(&self, document: &mut Document, path: &Path) -> Result<(), Error> {
        if let Some(elements) = existing("$pullAll", document, path)? {
            elements.retain(|element| !self.keys.contains(&key::encode(element)));
        }
        Ok(())
    }
}

/// `$addToSet`: these values, each unless an equal one is there.
#[derive(Debug, Clone)]
pub(super) struct AddToSet {
    values: Vec<Value>,
}

impl AddToSet {
    pub(super) fn parse(path: &Path, operand: &Value) -> Result<AddToSet, Error> {
        if let Some(values) = repair::each(operand) {
            return Ok(AddToSet { values: values.to_vec() });
        }
        let values = match operand {
            Value::Document(document) if is_operators(document) => match document.get("$each") {
                Some(each) if document.len() == 1 => list("$each", path, each)?,
                _ => {
                    return Err(needs(
                        "$addToSet",
                        path,
                        "a value or $each alone",
                        "值或单独的 $each",
                    ));
                }
            },
            value => vec![value.clone()],
        };
        Ok(AddToSet { values })
    }

    pub(super) fn apply(&self, document: &mut Document, path: &Path) -> Result<(), Error> {
        let Some(elements) = existing("$addToSet", document, path)? else {
            let mut elements = Vec::new();
            self.add(&mut elements);
            return place::write(document, path, Value::Array(elements));
        };
        self.add(elements);
        Ok(())
    }

    fn add(&self, elements: &mut Vec<Value>) {
        let mut known: HashSet<Vec<u8>> = elements.iter().map(key::encode).collect();
        for value in &self.values {
            if known.insert(key::encode(value)) {
                elements.push(value.clone());
            }
        }
    }
}

/// The array at a path, `None` where there is nothing.
fn existing<'d>(
    operator: &str,
    document: &'d mut Document,
    path: &Path,
) -> Result<Option<&'d mut Vec<Value>>, Error> {
    match place::find_mut(document, path) {
        None => Ok(None),
        Some(Value::Array(elements)) => Ok(Some(elements)),
        Some(other) => {
            let (path, kind) = (path.text(), other.kind_name());
            Err(Error::conflict(
                format_args!(
                    "{operator} needs an array, but the field '{path}' must be an array but is of \
                     type {kind}; set it to an array first."
                ),
                format_args!(
                    "字段 '{path}' 的类型是 {kind} 而不是数组,{operator} 无法执行,请先设为数组。"
                ),
            ))
        }
    }
}

fn list(operator: &str, path: &Path, operand: &Value) -> Result<Vec<Value>, Error> {
    match operand {
        Value::Array(values) => Ok(values.clone()),
        _ => Err(needs(operator, path, "a list", "数组")),
    }
}

fn needs(operator: &str, path: &Path, english: &str, chinese: &str) -> Error {
    let path = path.text();
    Error::malformed(
        format_args!("{operator} at '{path}' needs {english}; correct the update."),
        format_args!("'{path}' 处的 {operator} 需要{chinese},请修改。"),
    )
}
