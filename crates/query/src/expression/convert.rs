//! From one kind to another: `$convert`, its short forms, `$type`.

use value::{Value, View, decimal as decimal_text};

use super::date::{parse_text, print_iso};
use super::decimal;
use super::number::Number;
use super::operator::{Operator, kind_name, named, plain, wrong_kind};
use super::scope::Found;
use super::size;
use crate::Error;

pub(crate) const OPERATORS: &[Operator] = &[
    named("$convert", &["input", "to", "onError", "onNull"], 2, |operands, _| {
        let given = |found: &Found<'_>| !matches!(found, Found::Missing);
        if operands[0].is_nullish() {
            let on_null = std::mem::take(&mut operands[3]);
            return Ok(if given(&on_null) { on_null } else { Found::NULL });
        }
        let to = match operands[1].view() {
            None | Some(View::Null) => return Ok(Found::NULL),
            Some(view) => Kind::of(&view).ok_or_else(|| {
                wrong_kind("$convert", "the name of a kind as 'to'", "类型名作为 to", &operands[1])
            })?,
        };
        match convert(&operands[0], to) {
            Err(_) if given(&operands[2]) => Ok(std::mem::take(&mut operands[2])),
            other => other,
        }
    }),
    plain("$toBool", 1, 1, |operands, _| short(&operands[0], Kind::Bool)),
    plain("$toDate", 1, 1, |operands, _| short(&operands[0], Kind::Date)),
    plain("$toDecimal", 1, 1, |operands, _| short(&operands[0], Kind::Decimal)),
    plain("$toDouble", 1, 1, |operands, _| short(&operands[0], Kind::Double)),
    plain("$toInt", 1, 1, |operands, _| short(&operands[0], Kind::Int)),
    plain("$toLong", 1, 1, |operands, _| short(&operands[0], Kind::Long)),
    plain("$toObjectId", 1, 1, |operands, _| short(&operands[0], Kind::ObjectId)),
    plain("$toString", 1, 1, |operands, _| short(&operands[0], Kind::String)),
    plain("$type", 1, 1, |operands, _| Ok(Found::made(kind_name(operands[0].view().as_ref())))),
    plain("$binarySize", 1, 1, |operands, _| match operands[0].view() {
        None | Some(View::Null) => Ok(Found::NULL),
        Some(View::String(text)) => Ok(Found::Made(int(text.len()))),
        Some(View::Binary { bytes, .. }) => Ok(Found::Made(int(bytes.len()))),
        Some(_) => Err(wrong_kind("$binarySize", "text or binary", "文本或二进制", &operands[0])),
    }),
    plain("$bsonSize", 1, 1, |operands, _| match operands[0].view() {
        None | Some(View::Null) => Ok(Found::NULL),
        Some(view @ View::Document(_)) => match view.to_value()? {
            Value::Document(document) => Ok(Found::Made(int(document.to_bytes().len()))),
            other => Ok(Found::Made(int(size::of(&other)))),
        },
        Some(_) => Err(wrong_kind("$bsonSize", "an object", "对象", &operands[0])),
    }),
];

fn int(number: usize) -> Value {
    i32::try_from(number).map_or(Value::Int64(number as i64), Value::Int32)
}

/// What can be converted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Date,
    Decimal,
    Double,
    Int,
    Long,
    ObjectId,
    String,
}

impl Kind {
    /// By name or by BSON's number.
    fn of(view: &View<'_>) -> Option<Kind> {
        let name = match view {
            View::String(name) => *name,
            view => match super::operator::whole_of(view)? {
                1 => "double",
                2 => "string",
                7 => "objectId",
                8 => "bool",
                9 => "date",
                16 => "int",
                18 => "long",
                19 => "decimal",
                _ => return None,
            },
        };
        Some(match name {
            "bool" => Kind::Bool,
            "date" => Kind::Date,
            "decimal" => Kind::Decimal,
            "double" => Kind::Double,
            "int" => Kind::Int,
            "long" => Kind::Long,
            "objectId" => Kind::ObjectId,
            "string" => Kind::String,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Kind::Bool => "bool",
            Kind::Date => "date",
            Kind::Decimal => "decimal",
            Kind::Double => "double",
            Kind::Int => "int",
            Kind::Long => "long",
            Kind::ObjectId => "objectId",
            Kind::String => "string",
        }
    }
}

fn short<'s>(found: &Found<'s>, to: Kind) -> Result<Found<'s>, Error> {
    if found.is_nullish() { Ok(Found::NULL) } else { convert(found, to) }
}

fn convert<'s>(found: &Found<'s>, to: Kind) -> Result<Found<'s>, Error> {
    let view = found.view_or_null();
    let converted = match to {
        Kind::Bool => to_bool(&view),
        Kind::Int => to_whole(&view).and_then(|n| i32::try_from(n).ok()).map(Value::Int32),
        Kind::Long => match view {
            View::Date(ms) => Some(Value::Int64(ms)),
            _ => to_whole(&view).map(Value::Int64),
        },
        Kind::Double => to_double(&view).map(Value::Double),
        Kind::Decimal => to_decimal(&view).map(Value::Decimal128),
        Kind::String => text_of(&view).map(Value::String),
        Kind::Date => to_date(&view).map(Value::Date),
        Kind::ObjectId => to_object_id(&view).map(Value::ObjectId),
    };
    converted.map(Found::Made).ok_or_else(|| {
        let (from, to) = (kind_name(Some(&view)), to.name());
        let what = match view {
            View::String(text) => {
                format!("'{}'", text.chars().take(60).collect::<String>())
            }
            _ => from.to_owned(),
        };
        Error::malformed(
            format_args!(
                "Failed to convert {what} from {from} to {to} in $convert with no onError value; \
                 add onError or correct the value."
            ),
            format_args!("$convert 无法将 {what} 从 {from} 转换为 {to},请添加 onError 或修改值。"),
        )
    })
}

fn to_bool(view: &View<'_>) -> Option<Value> {
    Some(Value::Bool(match view {
        View::Document(_) | View::Array(_) | View::Regex { .. } => return None,
        View::MinKey | View::MaxKey | View::Binary { .. } => return None,
        View::Bool(flag) => *flag,
        view => match Number::of(view) {
            Some(number) => !number.is_zero(),
            None => true,
        },
    }))
}

/// A whole number; fractions are cut, texts must be whole.
fn to_whole(view: &View<'_>) -> Option<i64> {
    match *view {
        View::Bool(flag) => Some(i64::from(flag)),
        View::Int32(number) => Some(i64::from(number)),
        View::Int64(number) => Some(number),
        View::Double(number) => Value::Double(number.trunc()).as_i64(),
        View::Decimal128(bytes) => decimal::to_i64(bytes),
        View::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn to_double(view: &View<'_>) -> Option<f64> {
    match *view {
        View::Bool(flag) => Some(f64::from(u8::from(flag))),
        View::Date(ms) => Some(ms as f64),
        View::String(text) => number_text(text)?.parse().ok(),
        view => {
            let number = Number::of(&view)?;
            let double = number.as_f64();
            // A decimal beyond every double is refused.
            (double.is_finite() || !number.is_decimal() || decimal::is_special(number.as_decimal()))
                .then_some(double)
        }
    }
}

/// What the standard library reads beyond numbers, it must not read here.
fn number_text(text: &str) -> Option<&str> {
    let fine = |letter: char| letter.is_ascii_digit() || "+-.eE".contains(letter);
    let special = ["NaN", "Infinity", "-Infinity"].contains(&text);
    (special || (!text.is_empty() && text.chars().all(fine))).then_some(text)
}

fn to_decimal(view: &View<'_>) -> Option<[u8; 16]> {
    match *view {
        View::Bool(flag) => Some(decimal::from_i64(i64::from(flag))),
        View::Date(ms) => Some(decimal::from_i64(ms)),
        View::String(text) => decimal_text::parse(text).ok(),
        view => Number::of(&view).map(Number::as_decimal),
    }
}

/// The text of a value; `None` for kinds that have none.
pub(super) fn text_of(view: &View<'_>) -> Option<String> {
    Some(match *view {
        View::Bool(flag) => flag.to_string(),
        View::Int32(number) => number.to_string(),
        View::Int64(number) => number.to_string(),
        View::Double(number) => print_double(number),
        View::Decimal128(bytes) => decimal_text::print(bytes),
        View::String(text) => text.to_owned(),
        View::ObjectId(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        View::Date(ms) => print_iso(ms),
        View::Timestamp(stamp) => print_iso(i64::try_from((stamp >> 32) * 1000).ok()?),
        _ => return None,
    })
}

/// The shortest text that names the number, in the notation of C's `%g`.
fn print_double(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-5..17).contains(&exponent) && number != 0.0 => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{mantissa}e{sign}{:02}", exponent.abs())
        }
        _ => number.to_string(),
    }
}

fn to_date(view: &View<'_>) -> Option<i64> {
    match *view {
        View::Date(ms) | View::Int64(ms) => Some(ms),
        View::Double(ms) => Value::Double(ms.trunc()).as_i64(),
        View::Decimal128(bytes) => decimal::to_i64(bytes),
        View::String(text) => parse_text(text),
        View::ObjectId(bytes) => Some(object_id_ms(bytes)),
        View::Timestamp(stamp) => i64::try_from((stamp >> 32) * 1000).ok(),
        _ => None,
    }
}

/// The moment an object id was made.
pub(super) fn object_id_ms(bytes: [u8; 12]) -> i64 {
    let seconds = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    i64::from(seconds) * 1000
}

fn to_object_id(view: &View<'_>) -> Option<[u8; 12]> {
    match *view {
        View::ObjectId(bytes) => Some(bytes),
        View::String(text) if text.len() == 24 && text.bytes().all(|b| b.is_ascii_hexdigit()) => {
            let mut bytes = [0; 12];
            for (at, byte) in bytes.iter_mut().enumerate() {
                *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
            }
            Some(bytes)
        }
        _ => None,
    }
}
