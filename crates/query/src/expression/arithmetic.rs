//! Arithmetic: null and missing operands give null, other kinds are refused.

use value::{Value, View};

use super::decimal::{self, Cut};
use super::number::Number;
use super::operator::{ANY, Operator, plain, wrong, wrong_kind};
use super::scope::Found;
use crate::Error;

pub(crate) const OPERATORS: &[Operator] = &[
    plain("$abs", 1, 1, |operands, _| unary("$abs", &operands[0], abs)),
    plain("$add", 0, ANY, |operands, _| add(operands)),
    plain("$ceil", 1, 1, |operands, _| unary("$ceil", &operands[0], |n| Ok(cut(n, 0, Cut::Ceil)))),
    plain("$divide", 2, 2, |operands, _| {
        binary("$divide", operands, |a, b| {
            nonzero("$divide", b)?;
            Ok(a.over(b))
        })
    }),
    plain("$exp", 1, 1, |operands, _| {
        unary("$exp", &operands[0], |number| Ok(double(number, number.as_f64().exp())))
    }),
    plain("$floor", 1, 1, |operands, _| {
        unary("$floor", &operands[0], |number| Ok(cut(number, 0, Cut::Floor)))
    }),
    plain("$ln", 1, 1, |operands, _| {
        unary("$ln", &operands[0], |number| logarithm("$ln", number, f64::ln))
    }),
    plain("$log", 2, 2, |operands, _| binary("$log", operands, log)),
    plain("$log10", 1, 1, |operands, _| {
        unary("$log10", &operands[0], |number| logarithm("$log10", number, f64::log10))
    }),
    plain("$mod", 2, 2, |operands, _| {
        binary("$mod", operands, |a, b| {
            nonzero("$mod", b)?;
            Ok(a.modulo(b))
        })
    }),
    plain("$multiply", 0, ANY, |operands, _| multiply(operands)),
    plain("$pow", 2, 2, |operands, _| binary("$pow", operands, pow)),
    plain("$round", 1, 2, |operands, _| place("$round", operands, Cut::Round)),
    plain("$sqrt", 1, 1, |operands, _| {
        unary("$sqrt", &operands[0], |number| {
            if number.as_f64() < 0.0 {
                return Err(wrong("$sqrt", "a number of at least 0", "不小于 0 的数字"));
            }
            Ok(double(number, number.as_f64().sqrt()))
        })
    }),
    plain("$subtract", 2, 2, |operands, _| subtract(operands)),
    plain("$trunc", 1, 2, |operands, _| place("$trunc", operands, Cut::Truncate)),
];

/// A result that is a decimal for decimals, else a double.
pub(super) fn double(like: Number, result: f64) -> Number {
    if like.is_decimal() {
        return Number::Decimal(decimal::from_f64(result));
    }
    Number::Double(result)
}

pub(super) fn number(operator: &str, found: &Found<'_>) -> Result<Number, Error> {
    found
        .view()
        .and_then(|view| Number::of(&view))
        .ok_or_else(|| wrong_kind(operator, "numbers", "数字", found))
}

pub(super) fn unary<'s>(
    operator: &str,
    operand: &Found<'s>,
    compute: impl Fn(Number) -> Result<Number, Error>,
) -> Result<Found<'s>, Error> {
    if operand.is_nullish() {
        return Ok(Found::NULL);
    }
    Ok(Found::Made(compute(number(operator, operand)?)?.value()))
}

pub(super) fn binary<'s>(
    operator: &str,
    operands: &[Found<'s>],
    compute: impl Fn(Number, Number) -> Result<Number, Error>,
) -> Result<Found<'s>, Error> {
    if operands.iter().any(Found::is_nullish) {
        return Ok(Found::NULL);
    }
    let (a, b) = (number(operator, &operands[0])?, number(operator, &operands[1])?);
    Ok(Found::Made(compute(a, b)?.value()))
}

fn nonzero(operator: &str, divisor: Number) -> Result<(), Error> {
    if !divisor.is_zero() {
        return Ok(());
    }
    Err(Error::malformed(
        format_args!("can't {operator} by zero; test the divisor first, for example with $cond."),
        format_args!("{operator} 的除数不能为 0,请先判断,例如使用 $cond。"),
    ))
}

fn abs(number: Number) -> Result<Number, Error> {
    Ok(match number {
        Number::Int(number) => {
            number.checked_abs().map_or(Number::Long(i64::from(number).abs()), Number::Int)
        }
        Number::Long(number) => Number::Long(
            number
                .checked_abs()
                .ok_or_else(|| wrong("$abs", "a number above -2^63", "大于 -2^63 的数字"))?,
        ),
        Number::Double(number) => Number::Double(number.abs()),
        Number::Decimal(bytes) if decimal::is_negative(bytes) => {
            Number::Decimal(decimal::negate(bytes))
        }
        decimal => decimal,
    })
}

/// A sum of numbers and at most one date.
fn add<'s>(operands: &[Found<'s>]) -> Result<Found<'s>, Error> {
    let (mut sum, mut date) = (Number::Int(0), None);
    for operand in operands {
        match operand.view() {
            None | Some(View::Null) => return Ok(Found::NULL),
            Some(View::Date(ms)) if date.is_none() => date = Some(ms),
            Some(View::Date(_)) => {
                return Err(wrong("$add", "at most one date", "最多一个日期"));
            }
            Some(view) => match Number::of(&view) {
                Some(number) => sum = sum.plus(number),
                None => return Err(wrong_kind("$add", "numbers or dates", "数字或日期", operand)),
            },
        }
    }
    match date {
        None => Ok(Found::Made(sum.value())),
        Some(ms) => moved("$add", ms, sum),
    }
}

/// A date later by a number of milliseconds, rounded.
fn moved<'s>(operator: &str, ms: i64, by: Number) -> Result<Found<'s>, Error> {
    let by = match by {
        Number::Int(by) => Some(i64::from(by)),
        Number::Long(by) => Some(by),
        Number::Double(by) => Value::Double(by.round_ties_even()).as_i64(),
        Number::Decimal(by) => decimal::to_i64(decimal::cut(by, 0, Cut::Round)),
    };
    by.and_then(|by| ms.checked_add(by))
        .map(|ms| Found::Made(Value::Date(ms)))
        .ok_or_else(|| wrong(operator, "a result within the range of dates", "日期范围内的结果"))
}

fn subtract<'s>(operands: &[Found<'s>]) -> Result<Found<'s>, Error> {
    let (Some(a), Some(b)) = (operands[0].view(), operands[1].view()) else {
        return Ok(Found::NULL);
    };
    match (&a, &b) {
        (View::Null, _) | (_, View::Null) => Ok(Found::NULL),
        (View::Date(a), View::Date(b)) => a
            .checked_sub(*b)
            .map(|ms| Found::Made(Value::Int64(ms)))
            .ok_or_else(|| wrong("$subtract", "dates closer to each other", "相距更近的日期")),
        (View::Date(ms), _) => {
            let by = number("$subtract", &operands[1])?;
            moved("$subtract", *ms, Number::Long(0).minus(by))
        }
        _ => {
            let (a, b) = (number("$subtract", &operands[0])?, number("$subtract", &operands[1])?);
            Ok(Found::Made(a.minus(b).value()))
        }
    }
}

fn multiply<'s>(operands: &[Found<'s>]) -> Result<Found<'s>, Error> {
    let mut product = Number::Int(1);
    for operand in operands {
        if operand.is_nullish() {
            return Ok(Found::NULL);
        }
        product = product.times(number("$multiply", operand)?);
    }
    Ok(Found::Made(product.value()))
}

fn logarithm(operator: &str, number: Number, of: fn(f64) -> f64) -> Result<Number, Error> {
    if number.as_f64() <= 0.0 {
        return Err(wrong(operator, "a number above 0", "大于 0 的数字"));
    }
    Ok(double(number, of(number.as_f64())))
}

fn log(number: Number, base: Number) -> Result<Number, Error> {
    if number.as_f64() <= 0.0 {
        return Err(wrong("$log", "a number above 0", "大于 0 的数字"));
    }
    if base.as_f64() <= 0.0 || base.as_f64() == 1.0 {
        return Err(wrong("$log", "a base above 0 that is not 1", "大于 0 且不为 1 的底数"));
    }
    let like = if base.is_decimal() { base } else { number };
    let (number, base) = (number.as_f64(), base.as_f64());
    // The two exact ones are exact here, too.
    let result = match base {
        2.0 => number.log2(),
        10.0 => number.log10(),
        _ => number.ln() / base.ln(),
    };
    Ok(double(like, result))
}

fn pow(base: Number, exponent: Number) -> Result<Number, Error> {
    if base.is_zero() && exponent.as_f64() < 0.0 {
        return Err(wrong(
            "$pow",
            "a base other than 0 for a negative exponent",
            "指数为负时底数不为 0",
        ));
    }
    let whole = match (base, exponent) {
        (Number::Int(_) | Number::Long(_), Number::Int(_) | Number::Long(_)) => {
            whole_pow(base, exponent)
        }
        _ => None,
    };
    let like = if exponent.is_decimal() { exponent } else { base };
    Ok(whole.unwrap_or_else(|| double(like, base.as_f64().powf(exponent.as_f64()))))
}

/// The power of whole numbers, when 64 bits hold it.
fn whole_pow(base: Number, exponent: Number) -> Option<Number> {
    let narrow = matches!((base, exponent), (Number::Int(_), Number::Int(_)));
    let (base, exponent) = (base.as_whole_i64()?, exponent.as_whole_i64()?);
    let power = match (base, exponent) {
        (1, _) => 1,
        (-1, exponent) => {
            if exponent % 2 == 0 {
                1
            } else {
                -1
            }
        }
        (base, exponent) => base.checked_pow(u32::try_from(exponent).ok()?)?,
    };
    match i32::try_from(power) {
        Ok(power) if narrow => Some(Number::Int(power)),
        _ => Some(Number::Long(power)),
    }
}

/// `$round` and `$trunc`: to so many digits behind the point.
fn place<'s>(operator: &str, operands: &[Found<'s>], how: Cut) -> Result<Found<'s>, Error> {
    if operands.iter().any(Found::is_nullish) {
        return Ok(Found::NULL);
    }
    let places = match operands.get(1) {
        None => 0,
        Some(places) => super::operator::whole(operator, "place", places)?,
    };
    if !(-20..=100).contains(&places) {
        return Err(wrong(operator, "a place between -20 and 100", "-20 到 100 之间的位数"));
    }
    unary(operator, &operands[0], |number| Ok(cut(number, places, how)))
}

/// Cuts a number after so many digits behind the point; the kind stays unless it gets too small.
pub(super) fn cut(number: Number, places: i64, how: Cut) -> Number {
    match number {
        Number::Decimal(bytes) => Number::Decimal(decimal::cut(bytes, places, how)),
        Number::Double(number) if !number.is_finite() => Number::Double(number),
        Number::Double(number) if places == 0 => Number::Double(match how {
            Cut::Round => number.round_ties_even(),
            Cut::Truncate => number.trunc(),
            Cut::Floor => number.floor(),
            Cut::Ceil => number.ceil(),
        }),
        Number::Double(number) => Number::Double(cut_digits(number, places, how)),
        whole if places >= 0 => whole,
        whole => {
            let cut = decimal::to_i64(decimal::cut(whole.as_decimal(), places, how));
            match (cut, whole) {
                (Some(cut), Number::Int(_)) => {
                    i32::try_from(cut).map_or(Number::Long(cut), Number::Int)
                }
                (Some(cut), _) => Number::Long(cut),
                (None, whole) => Number::Double(cut_digits(whole.as_f64(), places, how)),
            }
        }
    }
}

/// Cuts the shortest decimal digits that name a double: 2.675 is meant as written.
fn cut_digits(number: f64, places: i64, how: Cut) -> f64 {
    match value::decimal::parse(&format!("{number:e}")) {
        Ok(digits) => {
            let cut = Value::Decimal128(decimal::cut(digits, places, how)).as_f64();
            cut.unwrap_or(number)
        }
        Err(_) => number,
    }
}
