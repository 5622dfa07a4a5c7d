//! Moving dates, counting between them, and cutting them to units.

use value::{Value, View};

use super::calendar::{Civil, DAY_MS};
use super::moment_of;
use super::zone::Zone;
use crate::Error;
use crate::expression::operator::{Operator, named, whole, wrong};
use crate::expression::scope::Found;

pub(super) const ADD: Operator =
    named("$dateAdd", &["startDate", "unit", "amount", "timezone"], 3, |operands, _| {
        shift("$dateAdd", operands, 1)
    });

pub(super) const SUBTRACT: Operator =
    named("$dateSubtract", &["startDate", "unit", "amount", "timezone"], 3, |operands, _| {
        shift("$dateSubtract", operands, -1)
    });

pub(super) const DIFFERENCE: Operator = named(
    "$dateDiff",
    &["startDate", "endDate", "unit", "timezone", "startOfWeek"],
    3,
    |operands, _| difference(operands),
);

pub(super) const TRUNCATE: Operator = named(
    "$dateTrunc",
    &["date", "unit", "binSize", "timezone", "startOfWeek"],
    2,
    |operands, _| truncate(operands),
);

/// Units of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// So many months.
    Months(i64),
    Week,
    Day,
    /// So many milliseconds.
    Ms(i64),
}

fn unit(operator: &str, found: &Found<'_>) -> Result<Unit, Error> {
    let name = match found.view() {
        Some(View::String(name)) => name,
        _ => "",
    };
    Ok(match name {
        "year" => Unit::Months(12),
        "quarter" => Unit::Months(3),
        "month" => Unit::Months(1),
        "week" => Unit::Week,
        "day" => Unit::Day,
        "hour" => Unit::Ms(3_600_000),
        "minute" => Unit::Ms(60_000),
        "second" => Unit::Ms(1000),
        "millisecond" => Unit::Ms(1),
        _ => {
            return Err(wrong(
                operator,
                "a unit: year, quarter, month, week, day, hour, minute, second or millisecond",
                "unit:year、quarter、month、week、day、hour、minute、second 或 millisecond",
            ));
        }
    })
}

fn out_of_range(operator: &str) -> Error {
    wrong(operator, "a result within the range of dates", "日期范围内的结果")
}

fn shift<'s>(operator: &str, operands: &[Found<'_>], sign: i64) -> Result<Found<'s>, Error> {
    let zone = Zone::of(operator, &operands[3])?;
    let (Some(zone), false) = (zone, operands[..3].iter().any(Found::is_nullish)) else {
        return Ok(Found::NULL);
    };
    let start = moment_of(operator, &operands[0])?;
    let unit = unit(operator, &operands[1])?;
    let amount = whole(operator, "amount", &operands[2])?.checked_mul(sign);
    let amount = amount.ok_or_else(|| out_of_range(operator))?;
    let local = zone.local(start);
    let moved = match unit {
        Unit::Months(months) => amount
            .checked_mul(months)
            .and_then(|months| Civil::of(local).plus_months(months)?.ms())
            .map(|local| zone.moment(local)),
        Unit::Week | Unit::Day => amount
            .checked_mul(if unit == Unit::Week { 7 * DAY_MS } else { DAY_MS })
            .and_then(|by| local.checked_add(by))
            .map(|local| zone.moment(local)),
        Unit::Ms(ms) => amount.checked_mul(ms).and_then(|by| start.checked_add(by)),
    };
    moved.map(|ms| Found::Made(Value::Date(ms))).ok_or_else(|| out_of_range(operator))
}

/// The day weeks begin with: 0 is Monday.
fn week_start(operator: &str, found: &Found<'_>) -> Result<i64, Error> {
    let name = match found.view() {
        None => "sunday".to_owned(),
        Some(View::String(name)) => name.to_ascii_lowercase(),
        Some(_) => String::new(),
    };
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let full = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let at = full.iter().position(|day| *day == name);
    at.or_else(|| days.iter().position(|day| *day == name)).map(|at| at as i64).ok_or_else(|| {
        wrong(operator, "a day such as monday as startOfWeek", "星期名作为 startOfWeek")
    })
}

/// Weeks since one that began at the given day, around 1970. Day 0 was a Thursday.
fn week_number(days: i64, start: i64) -> i64 {
    (days + 3 - start).div_euclid(7)
}

fn difference<'s>(operands: &[Found<'_>]) -> Result<Found<'s>, Error> {
    let operator = "$dateDiff";
    let zone = Zone::of(operator, &operands[3])?;
    let (Some(zone), false) = (zone, operands[..3].iter().any(Found::is_nullish)) else {
        return Ok(Found::NULL);
    };
    let (start, end) = (moment_of(operator, &operands[0])?, moment_of(operator, &operands[1])?);
    let unit = unit(operator, &operands[2])?;
    let (a, b) = (Civil::of(zone.local(start)), Civil::of(zone.local(end)));
    let months = |civil: &Civil| civil.year * 12 + civil.month - 1;
    let count = match unit {
        Unit::Months(size) => months(&b).div_euclid(size) - months(&a).div_euclid(size),
        Unit::Week => {
            let first = week_start(operator, &operands[4])?;
            week_number(b.days(), first) - week_number(a.days(), first)
        }
        Unit::Day => b.days() - a.days(),
        Unit::Ms(size) => {
            // Both are seen with the offset of the start: what counts is the time that passes.
            let offset = zone.offset_ms(start);
            let of = |ms: i64| ms.saturating_add(offset).div_euclid(size);
            of(end) - of(start)
        }
    };
    Ok(Found::Made(Value::Int64(count)))
}

fn truncate<'s>(operands: &[Found<'_>]) -> Result<Found<'s>, Error> {
    let operator = "$dateTrunc";
    let zone = Zone::of(operator, &operands[3])?;
    let (Some(zone), false) = (zone, operands[..2].iter().any(Found::is_nullish)) else {
        return Ok(Found::NULL);
    };
    let ms = moment_of(operator, &operands[0])?;
    let unit = unit(operator, &operands[1])?;
    let size = match &operands[2] {
        Found::Missing => 1,
        found if found.is_nullish() => return Ok(Found::NULL),
        found => whole(operator, "binSize", found)?,
    };
    if size < 1 {
        return Err(wrong(operator, "a binSize of at least 1", "至少为 1 的 binSize"));
    }
    let local = zone.local(ms);
    let cut = |number: i64, from: i64, size: i64| {
        Some(from + (number - from).div_euclid(size).checked_mul(size)?)
    };
    // Bins are counted from the beginning of 2000.
    let reference = Civil { year: 2000, month: 1, day: 1, ..Civil::of(0) };
    let found = match unit {
        Unit::Months(months) => {
            let civil = Civil::of(local);
            let number = civil.year * 12 + civil.month - 1;
            size.checked_mul(months).and_then(|size| cut(number, 24_000, size)).and_then(|number| {
                Civil { year: number.div_euclid(12), month: number.rem_euclid(12) + 1, ..reference }
                    .ms()
            })
        }
        Unit::Week => {
            let first = week_start(operator, &operands[4])?;
            // The first such day of 2000.
            let from = reference.days() + (first - reference.days() - 3).rem_euclid(7);
            let size = size.checked_mul(7);
            let days = size.and_then(|size| cut(local.div_euclid(DAY_MS), from, size));
            days.and_then(|days| days.checked_mul(DAY_MS))
        }
        Unit::Day => cut(local.div_euclid(DAY_MS), reference.days(), size)
            .and_then(|days| days.checked_mul(DAY_MS)),
        Unit::Ms(unit) => {
            let offset = zone.offset_ms(ms);
            let from = reference.days() * DAY_MS;
            let bin = size.checked_mul(unit).and_then(|size| cut(local, from, size));
            return bin
                .map(|local| Found::Made(Value::Date(local - offset)))
                .ok_or_else(|| out_of_range(operator));
        }
    };
    found
        .map(|local| Found::Made(Value::Date(zone.moment(local))))
        .ok_or_else(|| out_of_range(operator))
}
