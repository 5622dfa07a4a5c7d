//! Making, joining and measuring arrays.

use value::{ArrayView, Document, Value, View, compare_views};

use super::form::elements;
use super::operator::{ANY, Operator, named, plain, whole, wrong, wrong_kind};
use super::scope::{Found, Surroundings};
use crate::Error;

pub(crate) const OPERATORS: &[Operator] = &[
    plain("$arrayToObject", 1, 1, |operands, _| array_to_object(&operands[0])),
    plain("$concatArrays", 0, ANY, |operands, _| concat(operands)),
    plain("$in", 2, 2, |operands, _| {
        let Some(View::Array(array)) = operands[1].view() else {
            return Err(wrong_kind(
                "$in",
                "an array as second operand",
                "数组作为第二个参数",
                &operands[1],
            ));
        };
        let Some(wanted) = operands[0].view() else {
            return Ok(Found::made(false));
        };
        for element in array.iter() {
            if compare_views(&element?, &wanted).is_eq() {
                return Ok(Found::made(true));
            }
        }
        Ok(Found::made(false))
    }),
    plain("$indexOfArray", 2, 4, |operands, _| index_of(operands)),
    plain("$isArray", 1, 1, |operands, _| {
        Ok(Found::made(matches!(operands[0].view(), Some(View::Array(_)))))
    }),
    plain("$range", 2, 3, range),
    plain("$reverseArray", 1, 1, |operands, _| {
        let Some(array) = elements("$reverseArray", &operands[0])? else {
            return Ok(Found::NULL);
        };
        let mut reversed = to_vec(&array)?;
        reversed.reverse();
        Ok(Found::Made(Value::Array(reversed)))
    }),
    plain("$size", 1, 1, |operands, _| match operands[0].view() {
        Some(View::Array(array)) => {
            Ok(Found::Made(Value::Int32(i32::try_from(array.iter().count()).unwrap_or(i32::MAX))))
        }
        _ => Err(wrong_kind("$size", "an array", "数组", &operands[0])),
    }),
    plain("$slice", 2, 3, |operands, _| slice(operands)),
    named("$zip", &["inputs", "useLongestLength", "defaults"], 1, |operands, surroundings| {
        zip(operands, surroundings)
    }),
];

pub(super) fn to_vec(array: &ArrayView<'_>) -> Result<Vec<Value>, Error> {
    array.iter().map(|element| Ok(element?.to_value()?)).collect()
}

fn concat<'s>(operands: &[Found<'_>]) -> Result<Found<'s>, Error> {
    let mut all = Vec::new();
    for operand in operands {
        match elements("$concatArrays", operand)? {
            None => return Ok(Found::NULL),
            Some(array) => all.append(&mut to_vec(&array)?),
        }
    }
    Ok(Found::Made(Value::Array(all)))
}

/// A document from `[[name, value], …]` or `[{k, v}, …]`.
fn array_to_object<'s>(operand: &Found<'_>) -> Result<Found<'s>, Error> {
    let broken = || {
        wrong(
            "$arrayToObject",
            "a list of [name, value] or of {k, v}, all alike, with names as text",
            "由 [名称, 值] 或 {k, v} 组成的数组,名称须为文本",
        )
    };
    let Some(array) = elements("$arrayToObject", operand)? else {
        return Ok(Found::NULL);
    };
    let mut document = Document::new();
    for element in array.iter() {
        let (name, value) = match element? {
            View::Array(pair) => match <[Value; 2]>::try_from(to_vec(&pair)?) {
                Ok([name, value]) => (name, value),
                Err(_) => return Err(broken()),
            },
            View::Document(pair) => match (pair.get("k"), pair.get("v"), pair.iter().count()) {
                (Some(name), Some(value), 2) => (name.to_value()?, value.to_value()?),
                _ => return Err(broken()),
            },
            _ => return Err(broken()),
        };
        match name {
            Value::String(name) if !name.contains('\0') => {
                document.insert(name, value);
            }
            _ => return Err(broken()),
        }
    }
    Ok(Found::Made(Value::Document(document)))
}

/// The first place of a value between two places.
fn index_of<'s>(operands: &[Found<'_>]) -> Result<Found<'s>, Error> {
    let Some(array) = elements("$indexOfArray", &operands[0])? else {
        return Ok(Found::NULL);
    };
    let bound = |at: usize, default: usize| match operands.get(at) {
        None => Ok(default),
        Some(found) => usize::try_from(whole("$indexOfArray", "a place", found)?)
            .map_err(|_| wrong("$indexOfArray", "places of at least 0", "不小于 0 的位置")),
    };
    let (from, to) = (bound(2, 0)?, bound(3, usize::MAX)?);
    let wanted = &operands[1];
    for (at, element) in array.iter().enumerate().skip(from) {
        if at >= to {
            break;
        }
        if wanted.view().is_some_and(|wanted| {
            element.as_ref().is_ok_and(|element| compare_views(element, &wanted).is_eq())
        }) {
            return Ok(Found::Made(Value::Int32(i32::try_from(at).unwrap_or(i32::MAX))));
        }
    }
    Ok(Found::Made(Value::Int32(-1)))
}

/// Whole numbers from a start to an end, the end excluded.
fn range<'s>(operands: &mut [Found<'s>], around: &Surroundings) -> Result<Found<'s>, Error> {
    let part = |at: usize, what: &str| match operands.get(at) {
        None => Ok(1),
        Some(found) => i32::try_from(whole("$range", what, found)?)
            .map_err(|_| wrong("$range", "numbers of 32 bits", "32 位整数")),
    };
    let (start, end, step) = (part(0, "start")?, part(1, "end")?, part(2, "step")?);
    if step == 0 {
        return Err(wrong("$range", "a step other than 0", "不为 0 的步长"));
    }
    let mut numbers = Vec::new();
    let mut next = i64::from(start);
    while if step > 0 { next < i64::from(end) } else { next > i64::from(end) } {
        around.spend(1)?;
        numbers.push(Value::Int32(next as i32));
        next += i64::from(step);
    }
    Ok(Found::Made(Value::Array(numbers)))
}

/// `[array, n]` or `[array, position, n]`; negative counts from the end.
fn slice<'s>(operands: &[Found<'_>]) -> Result<Found<'s>, Error> {
    let Some(array) = elements("$slice", &operands[0])? else {
        return Ok(Found::NULL);
    };
    if operands[1..].iter().any(Found::is_nullish) {
        return Ok(Found::NULL);
    }
    let first = whole("$slice", "position or count", &operands[1])?;
    let mut values = to_vec(&array)?;
    let length = values.len();
    // Not negated: the smallest number has no contrary.
    let from_end = |back: i64| {
        length.saturating_sub(usize::try_from(back.unsigned_abs()).unwrap_or(usize::MAX))
    };
    let (start, count) = match operands.get(2) {
        None if first < 0 => (from_end(first), length),
        None => (0, usize::try_from(first).unwrap_or(usize::MAX)),
        Some(count) => {
            let count = usize::try_from(whole("$slice", "count", count)?)
                .ok()
                .filter(|count| *count > 0)
                .ok_or_else(|| {
                    wrong("$slice", "a count above 0 after a position", "大于 0 的数量")
                })?;
            let start = usize::try_from(first).unwrap_or_else(|_| from_end(first));
            (start, count)
        }
    };
    values.truncate(start.saturating_add(count));
    values.drain(..start.min(values.len()));
    Ok(Found::Made(Value::Array(values)))
}

/// The arrays' elements side by side.
fn zip<'s>(operands: &[Found<'_>], around: &Surroundings) -> Result<Found<'s>, Error> {
    let [inputs, longest, defaults] = operands else {
        return Err(wrong("$zip", "inputs", "inputs"));
    };
    let longest = match longest.view() {
        None => false,
        Some(View::Bool(longest)) => longest,
        Some(_) => {
            return Err(wrong_kind(
                "$zip",
                "true or false as useLongestLength",
                "布尔值作为 useLongestLength",
                longest,
            ));
        }
    };
    let defaults = match elements("$zip", defaults)? {
        None => Vec::new(),
        Some(_) if !longest => {
            return Err(wrong(
                "$zip",
                "useLongestLength: true beside defaults",
                "使用 defaults 时 useLongestLength 为 true",
            ));
        }
        Some(defaults) => to_vec(&defaults)?,
    };
    let Some(inputs) = elements("$zip", inputs)? else {
        return Err(wrong("$zip", "a list of arrays as inputs", "数组列表作为 inputs"));
    };
    let mut arrays = Vec::new();
    for input in inputs.iter() {
        match input? {
            View::Null => return Ok(Found::NULL),
            View::Array(array) => arrays.push(to_vec(&array)?),
            _ => return Err(wrong("$zip", "a list of arrays as inputs", "数组列表作为 inputs")),
        }
    }
    if arrays.is_empty() || (!defaults.is_empty() && defaults.len() != arrays.len()) {
        return Err(wrong(
            "$zip",
            "inputs, and as many defaults as inputs",
            "inputs 以及数量相同的 defaults",
        ));
    }
    let lengths = arrays.iter().map(Vec::len);
    let length = if longest { lengths.max() } else { lengths.min() }.unwrap_or(0);
    around.spend(length.saturating_mul(arrays.len()))?;
    let row = |at: usize| {
        let cells = arrays.iter().enumerate().map(|(column, array)| {
            array.get(at).or_else(|| defaults.get(column)).cloned().unwrap_or(Value::Null)
        });
        Value::Array(cells.collect())
    };
    Ok(Found::Made(Value::Array((0..length).map(row).collect())))
}
