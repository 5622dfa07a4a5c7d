//! Dates: their parts, as text, moved and compared. A date is milliseconds since 1970; object ids
//! and timestamps count as the moment they hold.

mod calendar;
mod change;
mod text;
mod zone;

use value::{Document, Value, View};

use super::convert::object_id_ms;
use super::operator::{Operator, Shape, named, whole, wrong, wrong_kind};
use super::scope::Found;
use crate::Error;
use calendar::Civil;
use text::{Broken, parse_by, parse_free, print};
pub(super) use text::{parse_text, print_iso};
use zone::Zone;

/// The operator of one part.
macro_rules! part {
    ($name:literal, $of:expr) => {
        Operator {
            name: $name,
            shape: Shape::NamedOrOne(&["date", "timezone"], 1),
            run: |operands, _| part($name, operands, $of),
        }
    };
}

pub(crate) const OPERATORS: &[Operator] = &[
    part!("$year", |civil| Value::Int32(civil.year as i32)),
    part!("$month", |civil| Value::Int32(civil.month as i32)),
    part!("$dayOfMonth", |civil| Value::Int32(civil.day as i32)),
    part!("$dayOfWeek", |civil| Value::Int32(civil.day_of_week() as i32)),
    part!("$dayOfYear", |civil| Value::Int32(civil.day_of_year() as i32)),
    part!("$hour", |civil| Value::Int32(civil.hour as i32)),
    part!("$minute", |civil| Value::Int32(civil.minute as i32)),
    part!("$second", |civil| Value::Int32(civil.second as i32)),
    part!("$millisecond", |civil| Value::Int32(civil.millisecond as i32)),
    part!("$week", |civil| Value::Int32(civil.week() as i32)),
    part!("$isoDayOfWeek", |civil| Value::Int32(civil.iso_day_of_week() as i32)),
    part!("$isoWeek", |civil| Value::Int32(civil.iso_week().1 as i32)),
    part!("$isoWeekYear", |civil| Value::Int64(civil.iso_week().0)),
    named("$dateToParts", &["date", "timezone", "iso8601"], 1, |operands, _| to_parts(operands)),
    named(
        "$dateFromParts",
        &[
            "year",
            "month",
            "day",
            "isoWeekYear",
            "isoWeek",
            "isoDayOfWeek",
            "hour",
            "minute",
            "second",
            "millisecond",
            "timezone",
        ],
        0,
        |operands, _| from_parts(operands),
    ),
    named("$dateToString", &["date", "format", "timezone", "onNull"], 1, |operands, _| {
        to_string(operands)
    }),
    named(
        "$dateFromString",
        &["dateString", "format", "timezone", "onError", "onNull"],
        1,
        |operands, _| from_string(operands),
    ),
    change::ADD,
    change::SUBTRACT,
    change::DIFFERENCE,
    change::TRUNCATE,
];

/// The moment of a date, an object id or a timestamp.
fn moment_of(operator: &str, found: &Found<'_>) -> Result<i64, Error> {
    match found.view() {
        Some(View::Date(ms)) => Ok(ms),
        Some(View::ObjectId(bytes)) => Ok(object_id_ms(bytes)),
        Some(View::Timestamp(stamp)) => Ok((stamp >> 32) as i64 * 1000),
        _ => Err(wrong_kind(operator, "a date", "日期", found)),
    }
}

fn part<'s>(
    operator: &str,
    operands: &[Found<'_>],
    of: fn(&Civil) -> Value,
) -> Result<Found<'s>, Error> {
    if operands[0].is_nullish() {
        return Ok(Found::NULL);
    }
    let ms = moment_of(operator, &operands[0])?;
    let Some(zone) = Zone::of(operator, &operands[1])? else {
        return Ok(Found::NULL);
    };
    Ok(Found::Made(of(&Civil::of(zone.local(ms)))))
}

fn to_parts<'s>(operands: &[Found<'_>]) -> Result<Found<'s>, Error> {
    let operator = "$dateToParts";
    let zone = Zone::of(operator, &operands[1])?;
    let (Some(zone), false) = (zone, operands[0].is_nullish()) else {
        return Ok(Found::NULL);
    };
    let iso = match operands[2].view() {
        None => false,
        Some(View::Null) => return Ok(Found::NULL),
        Some(View::Bool(iso)) => iso,
        Some(_) => {
            let found = &operands[2];
            return Err(wrong_kind(
                operator,
                "true or false as iso8601",
                "布尔值作为 iso8601",
                found,
            ));
        }
    };
    let civil = Civil::of(zone.local(moment_of(operator, &operands[0])?));
    let days = if iso {
        let (year, week) = civil.iso_week();
        let day = civil.iso_day_of_week();
        [("isoWeekYear", year), ("isoWeek", week), ("isoDayOfWeek", day)]
    } else {
        [("year", civil.year), ("month", civil.month), ("day", civil.day)]
    };
    let time = [
        ("hour", civil.hour),
        ("minute", civil.minute),
        ("second", civil.second),
        ("millisecond", civil.millisecond),
    ];
    let all = days.into_iter().chain(time);
    let fields = all.map(|(name, number)| (name, Value::Int32(number as i32)));
    Ok(Found::Made(Value::Document(Document::from_iter(fields))))
}

fn from_parts<'s>(operands: &[Found<'_>]) -> Result<Found<'s>, Error> {
    let operator = "$dateFromParts";
    let given = |at: usize| !matches!(operands[at], Found::Missing);
    let iso = given(3);
    if iso == given(0) || (iso && (given(1) || given(2))) || (!iso && (given(4) || given(5))) {
        return Err(wrong(
            operator,
            "year with month and day, or isoWeekYear with isoWeek and isoDayOfWeek",
            "year、month、day,或 isoWeekYear、isoWeek、isoDayOfWeek",
        ));
    }
    let Some(zone) = Zone::of(operator, &operands[10])? else {
        return Ok(Found::NULL);
    };
    let mut numbers = [0, 1, 1, 0, 1, 1, 0, 0, 0, 0];
    for (at, number) in numbers.iter_mut().enumerate() {
        if !given(at) {
            continue;
        }
        if operands[at].is_nullish() {
            return Ok(Found::NULL);
        }
        *number = whole(operator, "a part", &operands[at])?;
    }
    let [year, month, day, iso_year, week, week_day, hour, minute, second, millisecond] = numbers;
    let (year, month, day) = if iso {
        let days = calendar::days_of_iso_week(iso_year, week, week_day);
        (1970, 1, days.map_or(i64::MAX, |days| days + 1))
    } else {
        (year, month, day)
    };
    if !iso && !(1..=9999).contains(&year) {
        return Err(wrong(operator, "a year from 1 to 9999", "1 到 9999 之间的年份"));
    }
    let local = Civil { year, month, day, hour, minute, second, millisecond }.ms();
    local
        .map(|local| Found::Made(Value::Date(zone.moment(local))))
        .ok_or_else(|| wrong(operator, "a result within the range of dates", "日期范围内的结果"))
}

fn to_string<'s>(operands: &mut [Found<'s>]) -> Result<Found<'s>, Error> {
    let operator = "$dateToString";
    if operands[0].is_nullish() {
        let on_null = std::mem::take(&mut operands[3]);
        return Ok(if matches!(on_null, Found::Missing) { Found::NULL } else { on_null });
    }
    let Some(zone) = Zone::of(operator, &operands[2])? else {
        return Ok(Found::NULL);
    };
    let format = match operands[1].view() {
        None if zone.is_utc() => "%Y-%m-%dT%H:%M:%S.%LZ",
        None => "%Y-%m-%dT%H:%M:%S.%L",
        Some(View::Null) => return Ok(Found::NULL),
        Some(View::String(format)) => format,
        Some(_) => {
            return Err(wrong_kind(operator, "text as format", "文本作为 format", &operands[1]));
        }
    };
    let ms = moment_of(operator, &operands[0])?;
    if !(0..=9999).contains(&Civil::of(zone.local(ms)).year) {
        return Err(wrong(
            operator,
            "a date between the years 0 and 9999",
            "0 到 9999 年之间的日期",
        ));
    }
    print(format, ms, &zone).map(Found::made).ok_or_else(|| broken_format(operator, format))
}

fn broken_format(operator: &str, format: &str) -> Error {
    wrong(
        operator,
        &format!("a format of known specifiers such as %Y-%m-%d, not '{format}'"),
        &format!("由已知占位符组成的 format(如 %Y-%m-%d),而不是 '{format}'"),
    )
}

fn from_string<'s>(operands: &mut [Found<'s>]) -> Result<Found<'s>, Error> {
    let operator = "$dateFromString";
    let text = match operands[0].view() {
        None | Some(View::Null) => {
            let on_null = std::mem::take(&mut operands[4]);
            return Ok(if matches!(on_null, Found::Missing) { Found::NULL } else { on_null });
        }
        Some(View::String(text)) => Ok(text.to_owned()),
        Some(_) => {
            Err(wrong_kind(operator, "text as dateString", "文本作为 dateString", &operands[0]))
        }
    };
    let Some(zone) = Zone::of(operator, &operands[2])? else {
        return Ok(Found::NULL);
    };
    let zone = (!matches!(operands[2], Found::Missing)).then_some(zone);
    let parsed = text.and_then(|text| {
        let found = match operands[1].view() {
            None => parse_free(&text, zone.as_ref()),
            Some(View::String(format)) => parse_by(format, &text, zone.as_ref()),
            Some(_) => {
                return Err(wrong_kind(
                    operator,
                    "text as format",
                    "文本作为 format",
                    &operands[1],
                ));
            }
        };
        found.map_err(|why| match why {
            Broken::Format => broken_format(operator, "format"),
            Broken::Text => wrong(
                operator,
                &format!("a date as text, not '{text}'"),
                &format!("日期文本,而不是 '{text}'"),
            ),
            Broken::TwoZones => {
                wrong(operator, "one time zone, not one in the text, too", "只在一处指定时区")
            }
        })
    });
    match parsed {
        Ok(ms) => Ok(Found::Made(Value::Date(ms))),
        Err(_) if !matches!(operands[3], Found::Missing) => Ok(std::mem::take(&mut operands[3])),
        Err(error) => Err(error),
    }
}
