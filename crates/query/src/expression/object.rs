//! Documents as values: their fields as a list, one field by name.

use value::{Document, Value, View};

use super::operator::{Operator, named, plain, wrong_kind};
use super::scope::Found;

pub(crate) const OPERATORS: &[Operator] = &[
    plain("$objectToArray", 1, 1, |operands, _| match operands[0].view() {
        None | Some(View::Null) => Ok(Found::NULL),
        Some(View::Document(document)) => {
            let mut pairs = Vec::new();
            for field in document.iter() {
                let (name, value) = field?;
                let pair = [("k", Value::from(name)), ("v", value.to_value()?)];
                pairs.push(Value::Document(Document::from_iter(pair)));
            }
            Ok(Found::Made(Value::Array(pairs)))
        }
        Some(_) => Err(wrong_kind("$objectToArray", "an object", "对象", &operands[0])),
    }),
    named("$getField", &["field", "input"], 2, |operands, _| {
        let field = operands[0].view();
        let Some(View::String(name)) = field else {
            return Err(wrong_kind("$getField", "text as field", "文本作为 field", &operands[0]));
        };
        match &operands[1] {
            Found::Seen(View::Document(document)) => Ok(document.get(name).into()),
            Found::Made(Value::Document(document)) => {
                Ok(document.get(name).cloned().map_or(Found::Missing, Found::Made))
            }
            other if other.is_nullish() && other.view().is_some() => Ok(Found::NULL),
            _ => Ok(Found::Missing),
        }
    }),
    named("$setField", &["field", "input", "value"], 3, |operands, _| {
        let value = std::mem::take(&mut operands[2]).into_value()?;
        let Some(View::String(name)) = operands[0].view() else {
            return Err(wrong_kind("$setField", "text as field", "文本作为 field", &operands[0]));
        };
        match operands[1].view() {
            None | Some(View::Null) => Ok(Found::NULL),
            Some(View::Document(input)) => {
                let Value::Document(mut document) = View::Document(input).to_value()? else {
                    return Ok(Found::NULL);
                };
                match value {
                    Some(value) => document.insert(name, value),
                    None => document.remove(name),
                };
                Ok(Found::Made(Value::Document(document)))
            }
            Some(_) => {
                Err(wrong_kind("$setField", "an object as input", "对象作为 input", &operands[1]))
            }
        }
    }),
];
