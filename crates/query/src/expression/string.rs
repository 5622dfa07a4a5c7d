//! Text: joining, cutting at separators, trimming, replacing, case. Case is that of ASCII, as in
//! MongoDB.

use value::{Value, View};

use super::convert::text_of;
use super::operator::{ANY, Operator, named, plain, wrong, wrong_kind};
use super::scope::{Found, Surroundings};
use crate::Error;

pub(crate) const OPERATORS: &[Operator] = &[
    plain("$concat", 0, ANY, |operands, _| {
        let mut text = String::new();
        for operand in operands.iter() {
            match operand.view() {
                None | Some(View::Null) => return Ok(Found::NULL),
                Some(View::String(part)) => text.push_str(part),
                Some(_) => return Err(wrong_kind("$concat", "text", "文本", operand)),
            }
        }
        Ok(Found::made(text))
    }),
    plain("$split", 2, 2, |operands, around| split(operands, around)),
    plain("$strcasecmp", 2, 2, |operands, _| {
        let (a, b) = (coerced("$strcasecmp", &operands[0])?, coerced("$strcasecmp", &operands[1])?);
        let order = a.to_ascii_lowercase().cmp(&b.to_ascii_lowercase());
        Ok(Found::Made(Value::Int32(order as i32)))
    }),
    plain("$toLower", 1, 1, |operands, _| {
        Ok(Found::made(coerced("$toLower", &operands[0])?.to_ascii_lowercase()))
    }),
    plain("$toUpper", 1, 1, |operands, _| {
        Ok(Found::made(coerced("$toUpper", &operands[0])?.to_ascii_uppercase()))
    }),
    named("$trim", &["input", "chars"], 1, |operands, _| trim("$trim", operands, true, true)),
    named("$ltrim", &["input", "chars"], 1, |operands, _| trim("$ltrim", operands, true, false)),
    named("$rtrim", &["input", "chars"], 1, |operands, _| trim("$rtrim", operands, false, true)),
    named("$replaceOne", &["input", "find", "replacement"], 3, |operands, _| {
        replace("$replaceOne", operands, |input, find, with| input.replacen(find, with, 1))
    }),
    named("$replaceAll", &["input", "find", "replacement"], 3, |operands, _| {
        replace("$replaceAll", operands, |input, find, with| input.replace(find, with))
    }),
];

/// The text of an operand, the empty one for null; numbers and dates are printed.
pub(super) fn coerced(operator: &str, found: &Found<'_>) -> Result<String, Error> {
    match found.view() {
        None | Some(View::Null) => Ok(String::new()),
        Some(View::String(text)) => Ok(text.to_owned()),
        Some(
            view @ (View::Int32(_)
            | View::Int64(_)
            | View::Double(_)
            | View::Decimal128(_)
            | View::Date(_)
            | View::Timestamp(_)),
        ) => text_of(&view).ok_or_else(|| {
            wrong_kind(operator, "text, a number or a date", "文本、数字或日期", found)
        }),
        Some(_) => Err(wrong_kind(operator, "text, a number or a date", "文本、数字或日期", found)),
    }
}

/// The text of an operand that must be text; `None` for null.
pub(super) fn text<'f>(
    operator: &str,
    what: &str,
    found: &'f Found<'_>,
) -> Result<Option<&'f str>, Error> {
    match found.view() {
        None | Some(View::Null) => Ok(None),
        Some(View::String(text)) => Ok(Some(text)),
        Some(_) => {
            let (english, chinese) = (format!("text as {what}"), format!("文本作为 {what}"));
            Err(wrong_kind(operator, &english, &chinese, found))
        }
    }
}

fn split<'s>(operands: &[Found<'_>], around: &Surroundings) -> Result<Found<'s>, Error> {
    let (Some(input), Some(separator)) = (
        text("$split", "first operand", &operands[0])?,
        text("$split", "separator", &operands[1])?,
    ) else {
        return Ok(Found::NULL);
    };
    if separator.is_empty() {
        return Err(wrong("$split", "a separator that is not empty", "非空的分隔符"));
    }
    let parts: Vec<Value> = input.split(separator).map(Value::from).collect();
    around.spend(parts.len())?;
    Ok(Found::Made(Value::Array(parts)))
}

fn trim<'s>(
    operator: &str,
    operands: &[Found<'_>],
    start: bool,
    end: bool,
) -> Result<Found<'s>, Error> {
    let Some(input) = text(operator, "input", &operands[0])? else {
        return Ok(Found::NULL);
    };
    let chars = match &operands[1] {
        Found::Missing => None,
        given => match text(operator, "chars", given)? {
            Some(chars) => Some(chars),
            None => return Ok(Found::NULL),
        },
    };
    let goes = |letter: char| match chars {
        Some(chars) => chars.contains(letter),
        None => letter == '\0' || letter.is_whitespace(),
    };
    let mut trimmed = input;
    if start {
        trimmed = trimmed.trim_start_matches(goes);
    }
    if end {
        trimmed = trimmed.trim_end_matches(goes);
    }
    Ok(Found::made(trimmed))
}

fn replace<'s>(
    operator: &str,
    operands: &[Found<'_>],
    change: fn(&str, &str, &str) -> String,
) -> Result<Found<'s>, Error> {
    let (Some(input), Some(find), Some(with)) = (
        text(operator, "input", &operands[0])?,
        text(operator, "find", &operands[1])?,
        text(operator, "replacement", &operands[2])?,
    ) else {
        return Ok(Found::NULL);
    };
    let times = input.len() / find.len().max(1) + 1;
    if times.saturating_mul(with.len()) > 4 * value::DOCUMENT_BYTES_MAX {
        return Err(Error::Value(value::Error::TooLarge { bytes: times * with.len() }));
    }
    Ok(Found::made(change(input, find, with)))
}
