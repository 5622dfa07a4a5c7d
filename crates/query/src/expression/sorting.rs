//! `$sortArray`: a sort of the elements themselves or of the documents among them.

use value::{DocView, Document, Value, View, compare, key};

use super::form::elements;
use super::node::Node;
use super::operator::wrong;
use super::parse::{parse, raw_members};
use super::scope::{Found, Names, Scope};
use crate::Error;
use crate::sort::{Sort, SortKey};

#[derive(Debug, Clone)]
pub(crate) struct SortArray {
    pub(super) input: Node,
    by: By,
}

#[derive(Debug, Clone)]
enum By {
    /// The elements themselves.
    Whole { descending: bool },
    /// Fields of the elements.
    Fields(Sort),
}

impl SortArray {
    pub(crate) fn parse(operand: &Value, names: &mut Names) -> Result<SortArray, Error> {
        let parts = raw_members("$sortArray", operand, &["input", "sortBy"], 2)?;
        let input = parse(parts[0].unwrap_or(&Value::Null), names)?;
        let by = match parts[1] {
            Some(Value::Document(fields)) if !fields.is_empty() => By::Fields(Sort::parse(fields)?),
            Some(direction) if direction.as_i64() == Some(1) => By::Whole { descending: false },
            Some(direction) if direction.as_i64() == Some(-1) => By::Whole { descending: true },
            _ => {
                return Err(wrong(
                    "$sortArray",
                    "1, -1 or fields as sortBy",
                    "1、-1 或字段作为 sortBy",
                ));
            }
        };
        Ok(SortArray { input, by })
    }

    pub(crate) fn eval<'s>(&self, scope: &Scope<'_>) -> Result<Found<'s>, Error> {
        let input = self.input.eval(scope)?;
        let Some(array) = elements("$sortArray", &input)? else {
            return Ok(Found::NULL);
        };
        let mut values = super::array::to_vec(&array)?;
        scope.surroundings.spend(values.len())?;
        match &self.by {
            By::Whole { descending: false } => values.sort_by(compare),
            By::Whole { descending: true } => values.sort_by(|a, b| compare(b, a)),
            By::Fields(sort) => values.sort_by_cached_key(|value| place(sort, value)),
        }
        Ok(Found::Made(Value::Array(values)))
    }
}

/// An element that is no document has none of the fields; such elements keep their own order.
fn place(sort: &Sort, value: &Value) -> (SortKey, Vec<u8>) {
    match View::from(value) {
        View::Document(document) => (sort.key_of(&document), Vec::new()),
        _ => (sort.key_of(&DocView::Owned(&Document::new())), key::encode(value)),
    }
}
