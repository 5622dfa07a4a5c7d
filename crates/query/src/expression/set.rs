//! Arrays as sets: order and repetition do not count. Unions and intersections come sorted.

use std::collections::BTreeMap;

use value::{ArrayView, Value, key};

use super::form::elements;
use super::operator::{ANY, Operator, plain, wrong_kind};
use super::scope::Found;
use crate::Error;

pub(crate) const OPERATORS: &[Operator] = &[
    plain("$setDifference", 2, 2, |operands, _| {
        let (Some(a), Some(b)) =
            (elements("$setDifference", &operands[0])?, elements("$setDifference", &operands[1])?)
        else {
            return Ok(Found::NULL);
        };
        let (mut seen, mut left) = (set(&b)?, Vec::new());
        for element in a.iter() {
            let value = element?.to_value()?;
            if seen.insert(key::encode(&value), Value::Null).is_none() {
                left.push(value);
            }
        }
        Ok(Found::Made(Value::Array(left)))
    }),
    plain("$setEquals", 2, ANY, |operands, _| {
        let first = array_set("$setEquals", &operands[0])?;
        for operand in &operands[1..] {
            if !array_set("$setEquals", operand)?.keys().eq(first.keys()) {
                return Ok(Found::made(false));
            }
        }
        Ok(Found::made(true))
    }),
    plain("$setIntersection", 0, ANY, |operands, _| {
        let mut common: Option<Set> = None;
        for operand in operands.iter() {
            let Some(array) = elements("$setIntersection", operand)? else {
                return Ok(Found::NULL);
            };
            let next = set(&array)?;
            common = Some(match common {
                None => next,
                Some(mut common) => {
                    common.retain(|key, _| next.contains_key(key));
                    common
                }
            });
        }
        Ok(listed(common.unwrap_or_default()))
    }),
    plain("$setIsSubset", 2, 2, |operands, _| {
        let (a, b) =
            (array_set("$setIsSubset", &operands[0])?, array_set("$setIsSubset", &operands[1])?);
        Ok(Found::made(a.keys().all(|key| b.contains_key(key))))
    }),
    plain("$setUnion", 0, ANY, |operands, _| {
        let mut all = Set::new();
        for operand in operands.iter() {
            let Some(array) = elements("$setUnion", operand)? else {
                return Ok(Found::NULL);
            };
            for (key, value) in set(&array)? {
                all.entry(key).or_insert(value);
            }
        }
        Ok(listed(all))
    }),
];

/// Values by their keys, each once.
type Set = BTreeMap<Vec<u8>, Value>;

fn set(array: &ArrayView<'_>) -> Result<Set, Error> {
    let mut set = Set::new();
    for element in array.iter() {
        let value = element?.to_value()?;
        set.entry(key::encode(&value)).or_insert(value);
    }
    Ok(set)
}

/// The set of an operand that must be an array.
fn array_set(operator: &str, found: &Found<'_>) -> Result<Set, Error> {
    match elements(operator, found)? {
        Some(array) => set(&array),
        None => Err(wrong_kind(operator, "arrays", "数组", found)),
    }
}

fn listed<'s>(set: Set) -> Found<'s> {
    Found::Made(Value::Array(set.into_values().collect()))
}
