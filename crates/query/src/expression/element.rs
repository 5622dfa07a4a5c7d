//! Picking elements out of arrays.

use value::{ArrayView, Value, View, compare_views};

use super::array::to_vec;
use super::form::elements;
use super::operator::{Operator, named, plain, whole, wrong, wrong_kind};
use super::scope::Found;
use crate::Error;

pub(crate) const OPERATORS: &[Operator] = &[
    plain("$arrayElemAt", 2, 2, |operands, _| at("$arrayElemAt", operands)),
    plain("$first", 1, 1, |operands, _| end("$first", operands, 0)),
    plain("$last", 1, 1, |operands, _| end("$last", operands, -1)),
    named("$firstN", &["n", "input"], 2, |operands, _| {
        some("$firstN", operands, |values, n| values.truncate(n))
    }),
    named("$lastN", &["n", "input"], 2, |operands, _| {
        some("$lastN", operands, |values, n| {
            values.drain(..values.len().saturating_sub(n));
        })
    }),
    named("$maxN", &["n", "input"], 2, |operands, _| {
        some("$maxN", operands, |values, n| {
            values.retain(|value| *value != Value::Null);
            values.sort_by(|a, b| compare_views(&View::from(b), &View::from(a)));
            values.truncate(n);
        })
    }),
    named("$minN", &["n", "input"], 2, |operands, _| {
        some("$minN", operands, |values, n| {
            values.retain(|value| *value != Value::Null);
            values.sort_by(value::compare);
            values.truncate(n);
        })
    }),
];

/// The element at a place; negative counts from the end; nothing beyond.
fn pick<'a>(array: &ArrayView<'a>, place: i64) -> Option<View<'a>> {
    match usize::try_from(place) {
        Ok(place) => array.get(place),
        Err(_) => {
            let back = usize::try_from(place.unsigned_abs()).unwrap_or(usize::MAX);
            let length = array.iter().count();
            array.get(length.checked_sub(back)?)
        }
    }
}

/// Picks without copying where the array lies in the document.
fn picked<'s>(operator: &str, found: &mut Found<'s>, place: i64) -> Result<Found<'s>, Error> {
    match std::mem::take(found) {
        Found::Missing | Found::Seen(View::Null) | Found::Made(Value::Null) => Ok(Found::NULL),
        Found::Seen(View::Array(array)) => Ok(pick(&array, place).into()),
        Found::Made(Value::Array(mut values)) => {
            let length = values.len();
            let at = match usize::try_from(place) {
                Ok(at) => Some(at),
                Err(_) => usize::try_from(place.unsigned_abs())
                    .ok()
                    .and_then(|back| length.checked_sub(back)),
            };
            Ok(match at.filter(|at| *at < length) {
                Some(at) => Found::Made(values.swap_remove(at)),
                None => Found::Missing,
            })
        }
        other => Err(wrong_kind(operator, "an array", "数组", &other)),
    }
}

fn at<'s>(operator: &str, operands: &mut [Found<'s>]) -> Result<Found<'s>, Error> {
    if operands.iter().any(Found::is_nullish) {
        return Ok(Found::NULL);
    }
    let place = whole(operator, "a place", &operands[1])?;
    picked(operator, &mut operands[0], place)
}

fn end<'s>(operator: &str, operands: &mut [Found<'s>], place: i64) -> Result<Found<'s>, Error> {
    picked(operator, &mut operands[0], place)
}

fn some<'s>(
    operator: &str,
    operands: &[Found<'s>],
    choose: impl Fn(&mut Vec<Value>, usize),
) -> Result<Found<'s>, Error> {
    let n = count(operator, &operands[0])?;
    let Some(array) = elements(operator, &operands[1])? else {
        return Err(wrong_kind(operator, "an array as input", "数组作为 input", &operands[1]));
    };
    let mut values = to_vec(&array)?;
    choose(&mut values, n);
    Ok(Found::Made(Value::Array(values)))
}

/// The `n` of `$firstN` and its like: a whole number above 0.
pub(crate) fn count(operator: &str, found: &Found<'_>) -> Result<usize, Error> {
    usize::try_from(whole(operator, "n", found)?)
        .ok()
        .filter(|n| *n > 0)
        .ok_or_else(|| wrong(operator, "an n above 0", "大于 0 的 n"))
}
