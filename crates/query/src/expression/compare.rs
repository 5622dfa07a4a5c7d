//! Comparing any two values by MongoDB's order across kinds, and truth. A missing operand is less
//! than null, and never equal to it.

use std::cmp::Ordering;

use value::{Value, View, compare_views};

use super::operator::{Operator, plain, wrong_kind};
use super::scope::Found;

pub(crate) const OPERATORS: &[Operator] = &[
    plain("$cmp", 2, 2, |operands, _| {
        Ok(Found::Made(Value::Int32(order(&operands[0], &operands[1]) as i32)))
    }),
    plain("$eq", 2, 2, |operands, _| Ok(Found::made(order(&operands[0], &operands[1]).is_eq()))),
    plain("$gt", 2, 2, |operands, _| Ok(Found::made(order(&operands[0], &operands[1]).is_gt()))),
    plain("$gte", 2, 2, |operands, _| Ok(Found::made(order(&operands[0], &operands[1]).is_ge()))),
    plain("$lt", 2, 2, |operands, _| Ok(Found::made(order(&operands[0], &operands[1]).is_lt()))),
    plain("$lte", 2, 2, |operands, _| Ok(Found::made(order(&operands[0], &operands[1]).is_le()))),
    plain("$ne", 2, 2, |operands, _| Ok(Found::made(order(&operands[0], &operands[1]).is_ne()))),
    plain("$not", 1, 1, |operands, _| Ok(Found::made(!operands[0].is_true()))),
    plain("$isNumber", 1, 1, |operands, _| {
        let is_number = operands[0].view().is_some_and(|view| {
            matches!(view, View::Int32(_) | View::Int64(_) | View::Double(_) | View::Decimal128(_))
        });
        Ok(Found::made(is_number))
    }),
    plain("$allElementsTrue", 1, 1, |operands, _| {
        let Some(View::Array(array)) = operands[0].view() else {
            return Err(wrong_kind("$allElementsTrue", "an array", "数组", &operands[0]));
        };
        for element in array.iter() {
            if !Found::Seen(element?).is_true() {
                return Ok(Found::made(false));
            }
        }
        Ok(Found::made(true))
    }),
    plain("$anyElementTrue", 1, 1, |operands, _| {
        let Some(View::Array(array)) = operands[0].view() else {
            return Err(wrong_kind("$anyElementTrue", "an array", "数组", &operands[0]));
        };
        for element in array.iter() {
            if Found::Seen(element?).is_true() {
                return Ok(Found::made(true));
            }
        }
        Ok(Found::made(false))
    }),
];

/// MongoDB's order, with nothing between MinKey and null.
pub(crate) fn order(a: &Found<'_>, b: &Found<'_>) -> Ordering {
    match (a.view(), b.view()) {
        (None, None) => Ordering::Equal,
        (None, Some(View::MinKey)) => Ordering::Greater,
        (Some(View::MinKey), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(a), Some(b)) => compare_views(&a, &b),
    }
}
