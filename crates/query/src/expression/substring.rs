//! Parts and places in text, counted in bytes or in characters.

use value::{Value, View};

use super::operator::{Operator, plain, whole, wrong, wrong_kind};
use super::scope::Found;
use super::string::{coerced, text};
use crate::Error;

pub(crate) const OPERATORS: &[Operator] = &[
    plain("$indexOfBytes", 2, 4, |operands, _| index_of("$indexOfBytes", operands, false)),
    plain("$indexOfCP", 2, 4, |operands, _| index_of("$indexOfCP", operands, true)),
    plain("$strLenBytes", 1, 1, |operands, _| length("$strLenBytes", &operands[0], str::len)),
    plain("$strLenCP", 1, 1, |operands, _| {
        length("$strLenCP", &operands[0], |text| text.chars().count())
    }),
    plain("$substr", 3, 3, |operands, _| of_bytes("$substr", operands)),
    plain("$substrBytes", 3, 3, |operands, _| of_bytes("$substrBytes", operands)),
    plain("$substrCP", 3, 3, |operands, _| of_characters(operands)),
];

fn length<'s>(
    operator: &str,
    operand: &Found<'_>,
    measure: fn(&str) -> usize,
) -> Result<Found<'s>, Error> {
    match operand.view() {
        Some(View::String(text)) => Ok(Found::Made(int(measure(text)))),
        _ => Err(wrong_kind(operator, "text", "文本", operand)),
    }
}

fn int(number: usize) -> Value {
    i32::try_from(number).map_or(Value::Int64(number as i64), Value::Int32)
}

/// The first place of a text in another one, between two places.
fn index_of<'s>(
    operator: &str,
    operands: &[Found<'_>],
    characters: bool,
) -> Result<Found<'s>, Error> {
    let Some(input) = text(operator, "first operand", &operands[0])? else {
        return Ok(Found::NULL);
    };
    let Some(View::String(wanted)) = operands[1].view() else {
        return Err(wrong_kind(operator, "text to look for", "要查找的文本", &operands[1]));
    };
    let mut bounds = [0, usize::MAX];
    for (bound, operand) in bounds.iter_mut().zip(&operands[2..]) {
        *bound = usize::try_from(whole(operator, "a place", operand)?)
            .map_err(|_| wrong(operator, "places of at least 0", "不小于 0 的位置"))?;
    }
    // Places in bytes, whichever way they were given.
    let byte_of = |place: usize| match characters {
        true => input.char_indices().nth(place).map_or(input.len(), |(at, _)| at),
        false => place.min(input.len()),
    };
    let length = if characters { input.chars().count() } else { input.len() };
    let none = Ok(Found::Made(Value::Int32(-1)));
    if bounds[0] > length || bounds[0] > bounds[1] {
        return none;
    }
    let (from, to) = (byte_of(bounds[0]), byte_of(bounds[1]));
    let found = input.as_bytes()[from..to]
        .windows(wanted.len().max(1))
        .position(|window| window.starts_with(wanted.as_bytes()));
    let found = if wanted.is_empty() { Some(0) } else { found };
    match found {
        None => none,
        Some(at) if characters => Ok(Found::Made(int(input[..from + at].chars().count()))),
        Some(at) => Ok(Found::Made(int(from + at))),
    }
}

fn of_bytes<'s>(operator: &str, operands: &[Found<'_>]) -> Result<Found<'s>, Error> {
    let input = coerced(operator, &operands[0])?;
    let (start, count) = (truncated(operator, &operands[1])?, truncated(operator, &operands[2])?);
    let Ok(start) = usize::try_from(start) else {
        return Ok(Found::made(""));
    };
    if start >= input.len() {
        return Ok(Found::made(""));
    }
    let end = match usize::try_from(count) {
        Ok(count) => start.saturating_add(count).min(input.len()),
        // A negative count means the rest.
        Err(_) => input.len(),
    };
    match input.get(start..end) {
        Some(part) => Ok(Found::made(part)),
        None => Err(wrong(
            operator,
            "places between characters; use $substrCP",
            "字符边界上的位置,建议改用 $substrCP",
        )),
    }
}

/// A number cut to a whole one.
fn truncated(operator: &str, found: &Found<'_>) -> Result<i64, Error> {
    match found.view() {
        Some(View::Double(number)) => Ok(number as i64),
        _ => whole(operator, "start and count", found),
    }
}

fn of_characters<'s>(operands: &[Found<'_>]) -> Result<Found<'s>, Error> {
    let input = coerced("$substrCP", &operands[0])?;
    let part = |at: usize| {
        usize::try_from(truncated("$substrCP", &operands[at])?).map_err(|_| {
            wrong("$substrCP", "start and count of at least 0", "不小于 0 的起点与数量")
        })
    };
    let (start, count) = (part(1)?, part(2)?);
    Ok(Found::made(input.chars().skip(start).take(count).collect::<String>()))
}
