//! Reading extended JSON of every dialect. An object is a wrapper when its names are exactly those
//! of a wrapper; operators such as `$gt` stay what they are: fields of a document.

use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Number, Value as Json};

use super::{TEXT_BYTES_MAX, date};
use crate::{DEPTH_MAX, Document, Error, Value, decimal};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads a text. Plain integers become the smallest kind that holds them. Server dates become
/// `now_ms` (milliseconds since 1970) plus their offset.
///
/// # Errors
/// Text that is no JSON, wrappers with the wrong content, names that hold NUL, and what is beyond
/// the limits of size and depth.
pub fn parse(text: &str, now_ms: i64) -> Result<Value, Error> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(Error::TooLarge { bytes: text.len() });
    }
    let json: Json = serde_json::from_str(text).map_err(|error| {
        Error::Malformed(format!(
            "This is not JSON ({error}); correct the text. / 不是有效的 JSON({error}),请修改。"
        ))
    })?;
    from_json(&json, now_ms)
}

/// [`parse`] for JSON that is already a tree.
///
/// # Errors
/// As [`parse`].
pub fn from_json(json: &Json, now_ms: i64) -> Result<Value, Error> {
    let value = Reader { now_ms }.value(json, 1)?;
    if let Value::Document(document) = &value {
        document.check_limits()?;
    }
    Ok(value)
}

struct Reader {
    now_ms: i64,
}

impl Reader {
    fn value(&self, json: &Json, level: usize) -> Result<Value, Error> {
        match json {
            Json::Null => Ok(Value::Null),
            Json::Bool(flag) => Ok(Value::Bool(*flag)),
            Json::Number(number) => Ok(plain_number(number)),
            Json::String(text) => Ok(Value::String(text.clone())),
            Json::Array(elements) => {
                check_level(level)?;
                let values = elements.iter().map(|element| self.value(element, level + 1));
                values.collect::<Result<Vec<Value>, Error>>().map(Value::Array)
            }
            Json::Object(fields) => match self.wrapper(fields)? {
                Some(value) => Ok(value),
                None => self.document(fields, level).map(Value::Document),
            },
        }
    }

    fn document(&self, fields: &Map<String, Json>, level: usize) -> Result<Document, Error> {
        check_level(level)?;
        let mut document = Document::with_capacity(fields.len());
        for (name, json) in fields {
            if name.contains('\0') {
                return Err(Error::malformed(
                    "A field name cannot hold the NUL character; rename the field.",
                    "字段名不能包含 NUL 字符,请修改字段名。",
                ));
            }
            document.append(name.clone(), self.value(json, level + 1)?);
        }
        Ok(document)
    }

    /// The value an object stands for, `None` when it is an ordinary document.
    fn wrapper(&self, fields: &Map<String, Json>) -> Result<Option<Value>, Error> {
        let mut names = fields.iter();
        match (names.next(), names.next(), names.next()) {
            (Some((name, inner)), None, _) if name.starts_with('$') => self.single(name, inner),
            (Some(_), Some(_), None) => pair(fields),
            _ => Ok(None),
        }
    }

    fn single(&self, name: &str, inner: &Json) -> Result<Option<Value>, Error> {
        Ok(Some(match name {
            "$numberInt" | "$numberLong" => whole_number(name, inner)?,
            "$numberDouble" => double(inner)?,
            "$numberDecimal" => match inner {
                Json::String(text) => Value::Decimal128(decimal::parse(text)?),
                Json::Number(number) => Value::Decimal128(decimal::parse(&number.to_string())?),
                _ => return Err(Error::broken_wrapper(name, "a number as text / 文本形式的数字")),
            },
            "$oid" => object_id(inner)?,
            "$date" => self.date(inner)?,
            "$tcb_server_date" => Value::Date(self.server_date(inner)?),
            "$regularExpression" => regular_expression(inner)?,
            "$regex" => match inner {
                Json::String(pattern) => regex(pattern, "")?,
                // `{"$regex": {"$regularExpression": …}}` and such are the query language's.
                _ => return Ok(None),
            },
            "$binary" => binary(inner)?,
            "$uuid" => uuid(inner)?,
            "$timestamp" => timestamp(inner)?,
            "$minKey" => Value::MinKey,
            "$maxKey" => Value::MaxKey,
            "$undefined" => Value::Null,
            "$symbol" => match inner {
                Json::String(text) => Value::String(text.clone()),
                _ => return Err(Error::broken_wrapper(name, "text / 文本")),
            },
            "$code" | "$dbPointer" => {
                return Err(Error::Unsupported(format!(
                    "{name} cannot be stored; use text or an object. / 不支持 {name},\
                     请改用文本或对象。"
                )));
            }
            _ => return Ok(None),
        }))
    }

    fn date(&self, inner: &Json) -> Result<Value, Error> {
        let expected = || Error::broken_wrapper("$date", "milliseconds or an ISO 8601 text");
        match inner {
            // What JSON.stringify makes of an invalid Date.
            Json::Null => Ok(Value::Null),
            Json::String(text) => date::parse(text).map(Value::Date).ok_or_else(expected),
            Json::Object(fields) if fields.contains_key("offset") => {
                self.server_date(inner).map(Value::Date)
            }
            _ => whole(inner).map(Value::Date).ok_or_else(expected),
        }
    }

    /// `{"offset": ms}`; the offset may be absent.
    fn server_date(&self, inner: &Json) -> Result<i64, Error> {
        let offset_ms = match inner {
            Json::Object(fields) => fields.get("offset").map_or(Some(0), whole),
            _ => None,
        };
        offset_ms
            .map(|offset_ms| self.now_ms.saturating_add(offset_ms))
            .ok_or_else(|| Error::broken_wrapper("A server date", "{\"offset\": milliseconds}"))
    }
}

fn check_level(level: usize) -> Result<(), Error> {
    if level > DEPTH_MAX { Err(Error::TooDeep) } else { Ok(()) }
}

/// The wrappers that have two names.
fn pair(fields: &Map<String, Json>) -> Result<Option<Value>, Error> {
    if let (Some(Json::String(pattern)), Some(Json::String(options))) =
        (fields.get("$regex"), fields.get("$options"))
    {
        return regex(pattern, options).map(Some);
    }
    if let (Some(Json::String(_)), Some(Json::String(subtype))) =
        (fields.get("$binary"), fields.get("$type"))
    {
        return binary_parts(fields.get("$binary"), Some(subtype)).map(Some);
    }
    if fields.contains_key("$code") && fields.contains_key("$scope") {
        return Err(Error::Unsupported(
            "$code cannot be stored; use text. / 不支持 $code,请改用文本。".to_owned(),
        ));
    }
    Ok(None)
}

/// `Int32` when it fits, else `Int64`, else `Double`; what is written with a fraction is a double.
fn plain_number(number: &Number) -> Value {
    match number.as_i64() {
        Some(whole) => smallest(whole),
        None => Value::Double(number.as_f64().unwrap_or(f64::NAN)),
    }
}

fn smallest(whole: i64) -> Value {
    i32::try_from(whole).map_or(Value::Int64(whole), Value::Int32)
}

/// The kind follows the wrapper, except for an `$numberInt` too large for 32 bits.
fn whole_number(name: &str, inner: &Json) -> Result<Value, Error> {
    let number = match inner {
        Json::String(text) => text.parse().ok(),
        Json::Number(number) => number.as_i64(),
        _ => None,
    };
    let number = number
        .ok_or_else(|| Error::broken_wrapper(name, "a whole number as text / 文本形式的整数"))?;
    Ok(if name == "$numberInt" { smallest(number) } else { Value::Int64(number) })
}

fn double(inner: &Json) -> Result<Value, Error> {
    let number = match inner {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            // The standard library also reads "inf" and "nan", which are not numbers here.
            other if other.ends_with(|last: char| last.is_ascii_digit() || last == '.') => {
                other.parse().ok()
            }
            _ => None,
        },
        _ => None,
    };
    number
        .map(Value::Double)
        .ok_or_else(|| Error::broken_wrapper("$numberDouble", "a number as text / 文本形式的数字"))
}

/// A count of milliseconds in any of the number encodings; fractions are cut.
fn whole(json: &Json) -> Option<i64> {
    let value = match json {
        Json::Number(number) => plain_number(number),
        Json::Object(fields) if fields.len() == 1 => match fields.iter().next()? {
            (name, inner) if name == "$numberInt" || name == "$numberLong" => {
                whole_number(name, inner).ok()?
            }
            (name, inner) if name == "$numberDouble" => double(inner).ok()?,
            _ => return None,
        },
        _ => return None,
    };
    match value {
        Value::Double(number) => Value::Double(number.trunc()).as_i64(),
        other => other.as_i64(),
    }
}

fn object_id(inner: &Json) -> Result<Value, Error> {
    let text = inner.as_str().unwrap_or_default();
    let bytes = hex_bytes(text).and_then(|bytes| bytes.try_into().ok());
    bytes
        .map(Value::ObjectId)
        .ok_or_else(|| Error::broken_wrapper("$oid", "24 hexadecimal digits / 24 位十六进制"))
}

/// `None` unless the text is pairs of hexadecimal digits.
fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

fn uuid(inner: &Json) -> Result<Value, Error> {
    let text = inner.as_str().unwrap_or_default().replace('-', "");
    let bytes = hex_bytes(&text).filter(|bytes| bytes.len() == 16);
    bytes
        .map(|bytes| Value::Binary { subtype: 4, bytes })
        .ok_or_else(|| Error::broken_wrapper("$uuid", "32 hexadecimal digits / 32 位十六进制"))
}

fn regular_expression(inner: &Json) -> Result<Value, Error> {
    match (inner.get("pattern"), inner.get("options")) {
        (Some(Json::String(pattern)), None) => regex(pattern, ""),
        (Some(Json::String(pattern)), Some(Json::String(options))) => regex(pattern, options),
        _ => Err(Error::broken_wrapper(
            "$regularExpression",
            "{\"pattern\": text, \"options\": text}",
        )),
    }
}

fn regex(pattern: &str, options: &str) -> Result<Value, Error> {
    if pattern.contains('\0') || options.contains('\0') {
        return Err(Error::malformed(
            "A regular expression cannot hold the NUL character; write \\x00.",
            "正则表达式不能包含 NUL 字符,请写成 \\x00。",
        ));
    }
    let mut options: Vec<char> = options.chars().collect();
    options.sort_unstable();
    options.dedup();
    Ok(Value::Regex { pattern: pattern.to_owned(), options: options.into_iter().collect() })
}

fn binary(inner: &Json) -> Result<Value, Error> {
    match inner {
        Json::Object(fields) => {
            let subtype = match fields.get("subType") {
                None => None,
                Some(Json::String(subtype)) => Some(subtype.as_str()),
                Some(_) => return Err(broken_binary()),
            };
            binary_parts(fields.get("base64"), subtype)
        }
        text => binary_parts(Some(text), None),
    }
}

fn binary_parts(base64: Option<&Json>, subtype: Option<&str>) -> Result<Value, Error> {
    let text = base64.and_then(Json::as_str).ok_or_else(broken_binary)?;
    let bytes = BASE64.decode(text).map_err(|_| broken_binary())?;
    let subtype = u8::from_str_radix(subtype.unwrap_or("00"), 16).map_err(|_| broken_binary())?;
    Ok(Value::Binary { subtype, bytes })
}

fn broken_binary() -> Error {
    Error::broken_wrapper("$binary", "{\"base64\": text, \"subType\": two hexadecimal digits}")
}

fn timestamp(inner: &Json) -> Result<Value, Error> {
    let part = |name| inner.get(name).and_then(whole).and_then(|part| u32::try_from(part).ok());
    match (part("t"), part("i")) {
        (Some(seconds), Some(counter)) => {
            Ok(Value::Timestamp(u64::from(seconds) << 32 | u64::from(counter)))
        }
        _ => Err(Error::broken_wrapper("$timestamp", "{\"t\": seconds, \"i\": counter}")),
    }
}
