//! BSON bytes read in place: a field is found and decoded without touching the others.
//!
//! Nothing is trusted: every length is checked where it is used, nesting is bounded by a level that
//! each borrowed document carries, and broken bytes are an error, never a panic.

use crate::bson::{
    ARRAY, BINARY, BINARY_OLD, BOOL, DATE, DECIMAL128, DOCUMENT, DOUBLE, INT32, INT64, MAX_KEY,
    MIN_KEY, NULL, OBJECT_ID, REGEX, STRING, TIMESTAMP, UNDEFINED,
};
use crate::{DEPTH_MAX, DOCUMENT_BYTES_MAX, Document, Error, Value};

/// A borrowed BSON document.
#[derive(Debug, Clone, Copy)]
pub struct RawDoc<'a> {
    bytes: &'a [u8],
    /// 1 for a whole document, one more for each container around this one.
    level: usize,
}

/// A borrowed BSON array.
#[derive(Debug, Clone, Copy)]
pub struct RawArray<'a>(RawDoc<'a>);

/// One value inside BSON bytes; containers and text still borrow them.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "each variant is the one of the same name in `Value`")]
pub enum RawValue<'a> {
    MinKey,
    Null,
    Bool(bool),
    Int32(i32),
    Int64(i64),
    Double(f64),
    Decimal128([u8; 16]),
    String(&'a str),
    Document(RawDoc<'a>),
    Array(RawArray<'a>),
    Binary { subtype: u8, bytes: &'a [u8] },
    ObjectId([u8; 12]),
    Date(i64),
    Regex { pattern: &'a str, options: &'a str },
    Timestamp(u64),
    MaxKey,
}

impl<'a> RawDoc<'a> {
    /// Borrows bytes as a document. Only the frame is checked here (length, end, size limit);
    /// fields are checked when they are reached.
    ///
    /// # Errors
    /// [`Error::Malformed`] when the frame is broken, [`Error::TooLarge`] beyond the limit.
    pub fn new(bytes: &'a [u8]) -> Result<RawDoc<'a>, Error> {
        RawDoc::at_level(bytes, 1)
    }

    fn at_level(bytes: &'a [u8], level: usize) -> Result<RawDoc<'a>, Error> {
        if level > DEPTH_MAX {
            return Err(Error::TooDeep);
        }
        if bytes.len() > DOCUMENT_BYTES_MAX {
            return Err(Error::TooLarge { bytes: bytes.len() });
        }
        if bytes.len() < 5 || read_length(bytes, 0)? != bytes.len() {
            return Err(Error::broken_bson("length"));
        }
        if bytes.last() != Some(&0) {
            return Err(Error::broken_bson("missing end"));
        }
        Ok(RawDoc { bytes, level })
    }

    /// The BSON bytes of this document.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The value of a field, `None` when it is absent or the bytes before or in it are broken.
    pub fn get(&self, name: &str) -> Option<RawValue<'a>> {
        let mut slots = Slots::new(*self);
        while let Some(slot) = slots.next().transpose().ok()? {
            if slot.name == name.as_bytes() {
                return slot.decode().ok();
            }
        }
        None
    }

    /// Fields in order; ends after the first error.
    pub fn iter(&self) -> RawFields<'a> {
        RawFields { slots: Slots::new(*self) }
    }

    /// Decodes everything.
    ///
    /// # Errors
    /// As [`Document::from_bytes`].
    pub fn to_document(&self) -> Result<Document, Error> {
        let mut document = Document::new();
        for field in self.iter() {
            let (name, value) = field?;
            document.append(name.to_owned(), value.to_value()?);
        }
        Ok(document)
    }
}

impl<'a> RawArray<'a> {
    /// The BSON bytes of this array: a document named by index.
    pub fn bytes(&self) -> &'a [u8] {
        self.0.bytes
    }

    /// Elements in order, whatever their names say; ends after the first error.
    pub fn iter(&self) -> impl Iterator<Item = Result<RawValue<'a>, Error>> + use<'a> {
        Slots::new(self.0).map(|slot| slot?.decode())
    }

    /// The element at an index, `None` when there is none or the bytes are broken.
    pub fn get(&self, index: usize) -> Option<RawValue<'a>> {
        Slots::new(self.0).nth(index)?.ok()?.decode().ok()
    }

    /// Decodes every element.
    ///
    /// # Errors
    /// As [`Document::from_bytes`].
    pub fn to_vec(&self) -> Result<Vec<Value>, Error> {
        self.iter().map(|element| element?.to_value()).collect()
    }
}

impl RawValue<'_> {
    /// Decodes this value and everything in it.
    ///
    /// # Errors
    /// As [`Document::from_bytes`].
    pub fn to_value(&self) -> Result<Value, Error> {
        Ok(match *self {
            RawValue::MinKey => Value::MinKey,
            RawValue::Null => Value::Null,
            RawValue::Bool(flag) => Value::Bool(flag),
            RawValue::Int32(number) => Value::Int32(number),
            RawValue::Int64(number) => Value::Int64(number),
            RawValue::Double(number) => Value::Double(number),
            RawValue::Decimal128(bytes) => Value::Decimal128(bytes),
            RawValue::String(text) => Value::String(text.to_owned()),
            RawValue::Document(document) => Value::Document(document.to_document()?),
            RawValue::Array(array) => Value::Array(array.to_vec()?),
            RawValue::Binary { subtype, bytes } => Value::Binary { subtype, bytes: bytes.to_vec() },
            RawValue::ObjectId(bytes) => Value::ObjectId(bytes),
            RawValue::Date(ms) => Value::Date(ms),
            RawValue::Regex { pattern, options } => {
                Value::Regex { pattern: pattern.to_owned(), options: options.to_owned() }
            }
            RawValue::Timestamp(number) => Value::Timestamp(number),
            RawValue::MaxKey => Value::MaxKey,
        })
    }
}

/// Fields of a [`RawDoc`].
#[derive(Debug, Clone)]
pub struct RawFields<'a> {
    slots: Slots<'a>,
}

impl<'a> Iterator for RawFields<'a> {
    type Item = Result<(&'a str, RawValue<'a>), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let slot = match self.slots.next()? {
            Ok(slot) => slot,
            Err(error) => return Some(Err(error)),
        };
        Some(slot.name().and_then(|name| Ok((name, slot.decode()?))))
    }
}

/// A field as found: where its value lies is known, what it holds is not yet looked at.
#[derive(Debug, Clone, Copy)]
struct Slot<'a> {
    kind: u8,
    name: &'a [u8],
    value: &'a [u8],
    level: usize,
}

/// Walks from field to field by their lengths.
#[derive(Debug, Clone)]
struct Slots<'a> {
    /// Everything between the length and the final zero.
    body: &'a [u8],
    at: usize,
    level: usize,
}

impl<'a> Slots<'a> {
    fn new(document: RawDoc<'a>) -> Slots<'a> {
        let body = &document.bytes[4..document.bytes.len() - 1];
        Slots { body, at: 0, level: document.level }
    }

    fn read(&mut self) -> Result<Slot<'a>, Error> {
        let kind = self.body[self.at];
        let rest = &self.body[self.at + 1..];
        let name = cstring(rest)?;
        let rest = &rest[name.len() + 1..];
        let value = rest.get(..value_length(kind, rest)?).ok_or_else(too_short)?;
        self.at += 2 + name.len() + value.len();
        Ok(Slot { kind, name, value, level: self.level })
    }
}

impl<'a> Iterator for Slots<'a> {
    type Item = Result<Slot<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.body.len() {
            return None;
        }
        let slot = self.read();
        if slot.is_err() {
            self.at = self.body.len();
        }
        Some(slot)
    }
}

impl<'a> Slot<'a> {
    fn name(&self) -> Result<&'a str, Error> {
        text(self.name)
    }

    fn decode(&self) -> Result<RawValue<'a>, Error> {
        let value = self.value;
        Ok(match self.kind {
            DOUBLE => RawValue::Double(f64::from_bits(u64::from_le_bytes(fixed(value)?))),
            STRING => RawValue::String(string(value)?),
            DOCUMENT => RawValue::Document(RawDoc::at_level(value, self.level + 1)?),
            ARRAY => RawValue::Array(RawArray(RawDoc::at_level(value, self.level + 1)?)),
            BINARY => binary(value)?,
            OBJECT_ID => RawValue::ObjectId(fixed(value)?),
            BOOL => match value {
                [0] => RawValue::Bool(false),
                [1] => RawValue::Bool(true),
                _ => return Err(Error::broken_bson("boolean")),
            },
            DATE => RawValue::Date(i64::from_le_bytes(fixed(value)?)),
            NULL | UNDEFINED => RawValue::Null,
            REGEX => regex(value)?,
            INT32 => RawValue::Int32(i32::from_le_bytes(fixed(value)?)),
            TIMESTAMP => RawValue::Timestamp(u64::from_le_bytes(fixed(value)?)),
            INT64 => RawValue::Int64(i64::from_le_bytes(fixed(value)?)),
            DECIMAL128 => RawValue::Decimal128(fixed(value)?),
            MIN_KEY => RawValue::MinKey,
            MAX_KEY => RawValue::MaxKey,
            other => return Err(unknown_kind(other)),
        })
    }
}

/// How many of the following bytes belong to a value of this kind.
fn value_length(kind: u8, rest: &[u8]) -> Result<usize, Error> {
    Ok(match kind {
        MIN_KEY | MAX_KEY | NULL | UNDEFINED => 0,
        BOOL => 1,
        INT32 => 4,
        DOUBLE | DATE | TIMESTAMP | INT64 => 8,
        OBJECT_ID => 12,
        DECIMAL128 => 16,
        STRING => read_length(rest, 0)?.saturating_add(4),
        DOCUMENT | ARRAY => read_length(rest, 0)?,
        BINARY => read_length(rest, 0)?.saturating_add(5),
        REGEX => {
            let pattern = cstring(rest)?.len() + 1;
            pattern + cstring(&rest[pattern..])?.len() + 1
        }
        other => return Err(unknown_kind(other)),
    })
}

fn read_length(bytes: &[u8], at: usize) -> Result<usize, Error> {
    let prefix = bytes.get(at..at + 4).ok_or_else(too_short)?;
    usize::try_from(i32::from_le_bytes(fixed(prefix)?)).map_err(|_| Error::broken_bson("length"))
}

/// Bytes up to the next NUL, which must exist.
fn cstring(bytes: &[u8]) -> Result<&[u8], Error> {
    let end = bytes.iter().position(|byte| *byte == 0).ok_or_else(too_short)?;
    Ok(&bytes[..end])
}

fn string(value: &[u8]) -> Result<&str, Error> {
    match value.get(4..) {
        Some([body @ .., 0]) => text(body),
        _ => Err(Error::broken_bson("string")),
    }
}

fn binary(value: &[u8]) -> Result<RawValue<'_>, Error> {
    let subtype = *value.get(4).ok_or_else(too_short)?;
    let mut bytes = &value[5..];
    if subtype == BINARY_OLD {
        if read_length(bytes, 0)? + 4 != bytes.len() {
            return Err(Error::broken_bson("binary"));
        }
        bytes = &bytes[4..];
    }
    Ok(RawValue::Binary { subtype, bytes })
}

fn regex(value: &[u8]) -> Result<RawValue<'_>, Error> {
    let pattern = cstring(value)?;
    let options = cstring(&value[pattern.len() + 1..])?;
    Ok(RawValue::Regex { pattern: text(pattern)?, options: text(options)? })
}

fn text(bytes: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(bytes).map_err(|_| Error::broken_bson("UTF-8"))
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Error> {
    bytes.try_into().map_err(|_| too_short())
}

fn too_short() -> Error {
    Error::broken_bson("too short")
}

fn unknown_kind(kind: u8) -> Error {
    Error::Unsupported(format!(
        "BSON kind 0x{kind:02x} (code, symbol or pointer) cannot be stored; use a string or an \
         object. / 不支持 BSON 类型 0x{kind:02x},请改用字符串或对象。"
    ))
}
