//! A value looked at, wherever it lies: in memory ([`Value`]) or in BSON bytes ([`RawValue`]).
//! Comparing, matching and printing are written once, over this.

use crate::raw::RawFields;
use crate::{Document, Error, RawArray, RawDoc, RawValue, Value};

/// A borrowed value of either origin.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "each variant is the one of the same name in `Value`")]
pub enum View<'a> {
    MinKey,
    Null,
    Bool(bool),
    Int32(i32),
    Int64(i64),
    Double(f64),
    Decimal128([u8; 16]),
    String(&'a str),
    Document(DocView<'a>),
    Array(ArrayView<'a>),
    Binary { subtype: u8, bytes: &'a [u8] },
    ObjectId([u8; 12]),
    Date(i64),
    Regex { pattern: &'a str, options: &'a str },
    Timestamp(u64),
    MaxKey,
}

/// A borrowed document of either origin.
#[derive(Debug, Clone, Copy)]
pub enum DocView<'a> {
    /// In memory.
    Owned(&'a Document),
    /// In BSON bytes.
    Raw(RawDoc<'a>),
}

/// A borrowed array of either origin.
#[derive(Debug, Clone, Copy)]
pub enum ArrayView<'a> {
    /// In memory.
    Owned(&'a [Value]),
    /// In BSON bytes.
    Raw(RawArray<'a>),
}

impl View<'_> {
    /// The kind's name as MongoDB's messages write it: `int`, `string`, `object`, …
    pub fn kind_name(&self) -> &'static str {
        match self {
            View::MinKey => "minKey",
            View::Null => "null",
            View::Bool(_) => "bool",
            View::Int32(_) => "int",
            View::Int64(_) => "long",
            View::Double(_) => "double",
            View::Decimal128(_) => "decimal",
            View::String(_) => "string",
            View::Document(_) => "object",
            View::Array(_) => "array",
            View::Binary { .. } => "binData",
            View::ObjectId(_) => "objectId",
            View::Date(_) => "date",
            View::Regex { .. } => "regex",
            View::Timestamp(_) => "timestamp",
            View::MaxKey => "maxKey",
        }
    }

    /// As [`Value::as_i64`].
    pub fn as_i64(&self) -> Option<i64> {
        match *self {
            View::Int32(number) => Some(i64::from(number)),
            View::Int64(number) => Some(number),
            View::Double(number) => crate::value::whole(number),
            View::Decimal128(bytes) => crate::decimal::to_i64(bytes),
            _ => None,
        }
    }

    /// As [`Value::as_f64`].
    pub fn as_f64(&self) -> Option<f64> {
        match *self {
            View::Int32(number) => Some(f64::from(number)),
            View::Int64(number) => Some(number as f64),
            View::Double(number) => Some(number),
            View::Decimal128(bytes) => Some(crate::decimal::to_f64(bytes)),
            _ => None,
        }
    }

    /// Whether this is a number of any kind.
    pub fn is_number(&self) -> bool {
        matches!(self, View::Int32(_) | View::Int64(_) | View::Double(_) | View::Decimal128(_))
    }

    /// Copies the value out.
    ///
    /// # Errors
    /// Broken BSON bytes; never for values in memory.
    pub fn to_value(&self) -> Result<Value, Error> {
        Ok(match *self {
            View::MinKey => Value::MinKey,
            View::Null => Value::Null,
            View::Bool(flag) => Value::Bool(flag),
            View::Int32(number) => Value::Int32(number),
            View::Int64(number) => Value::Int64(number),
            View::Double(number) => Value::Double(number),
            View::Decimal128(bytes) => Value::Decimal128(bytes),
            View::String(text) => Value::String(text.to_owned()),
            View::Document(DocView::Owned(document)) => Value::Document(document.clone()),
            View::Document(DocView::Raw(document)) => Value::Document(document.to_document()?),
            View::Array(ArrayView::Owned(elements)) => Value::Array(elements.to_vec()),
            View::Array(ArrayView::Raw(array)) => Value::Array(array.to_vec()?),
            View::Binary { subtype, bytes } => Value::Binary { subtype, bytes: bytes.to_vec() },
            View::ObjectId(bytes) => Value::ObjectId(bytes),
            View::Date(ms) => Value::Date(ms),
            View::Regex { pattern, options } => {
                Value::Regex { pattern: pattern.to_owned(), options: options.to_owned() }
            }
            View::Timestamp(number) => Value::Timestamp(number),
            View::MaxKey => Value::MaxKey,
        })
    }
}

impl<'a> DocView<'a> {
    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<View<'a>> {
        match self {
            DocView::Owned(document) => document.get(name).map(View::from),
            DocView::Raw(document) => document.get(name).map(View::from),
        }
    }

    /// Fields in order; an error ends them and only comes from broken bytes.
    pub fn iter(&self) -> impl Iterator<Item = Result<(&'a str, View<'a>), Error>> + use<'a> {
        match *self {
            DocView::Owned(document) => Fields::Owned(document.iter()),
            DocView::Raw(document) => Fields::Raw(document.iter()),
        }
    }
}

impl<'a> ArrayView<'a> {
    /// The element at an index.
    pub fn get(&self, index: usize) -> Option<View<'a>> {
        match self {
            ArrayView::Owned(elements) => elements.get(index).map(View::from),
            ArrayView::Raw(array) => array.get(index).map(View::from),
        }
    }

    /// Elements in order; an error ends them and only comes from broken bytes.
    pub fn iter(&self) -> impl Iterator<Item = Result<View<'a>, Error>> + use<'a> {
        match *self {
            ArrayView::Owned(elements) => Elements::Owned(elements.iter()),
            ArrayView::Raw(array) => Elements::Raw(array.iter()),
        }
    }
}

enum Fields<'a, I> {
    Owned(I),
    Raw(RawFields<'a>),
}

impl<'a, I: Iterator<Item = (&'a str, &'a Value)>> Iterator for Fields<'a, I> {
    type Item = Result<(&'a str, View<'a>), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Fields::Owned(fields) => {
                fields.next().map(|(name, value)| Ok((name, View::from(value))))
            }
            Fields::Raw(fields) => {
                fields.next().map(|field| field.map(|(name, value)| (name, View::from(value))))
            }
        }
    }
}

enum Elements<'a, I> {
    Owned(std::slice::Iter<'a, Value>),
    Raw(I),
}

impl<'a, I: Iterator<Item = Result<RawValue<'a>, Error>>> Iterator for Elements<'a, I> {
    type Item = Result<View<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Elements::Owned(elements) => elements.next().map(|value| Ok(View::from(value))),
            Elements::Raw(elements) => elements.next().map(|value| value.map(View::from)),
        }
    }
}

impl<'a> From<&'a Value> for View<'a> {
    fn from(value: &'a Value) -> View<'a> {
        match value {
            Value::MinKey => View::MinKey,
            Value::Null => View::Null,
            Value::Bool(flag) => View::Bool(*flag),
            Value::Int32(number) => View::Int32(*number),
            Value::Int64(number) => View::Int64(*number),
            Value::Double(number) => View::Double(*number),
            Value::Decimal128(bytes) => View::Decimal128(*bytes),
            Value::String(text) => View::String(text),
            Value::Document(document) => View::Document(DocView::Owned(document)),
            Value::Array(elements) => View::Array(ArrayView::Owned(elements)),
            Value::Binary { subtype, bytes } => View::Binary { subtype: *subtype, bytes },
            Value::ObjectId(bytes) => View::ObjectId(*bytes),
            Value::Date(ms) => View::Date(*ms),
            Value::Regex { pattern, options } => View::Regex { pattern, options },
            Value::Timestamp(number) => View::Timestamp(*number),
            Value::MaxKey => View::MaxKey,
        }
    }
}

impl<'a> From<RawValue<'a>> for View<'a> {
    fn from(value: RawValue<'a>) -> View<'a> {
        match value {
            RawValue::MinKey => View::MinKey,
            RawValue::Null => View::Null,
            RawValue::Bool(flag) => View::Bool(flag),
            RawValue::Int32(number) => View::Int32(number),
            RawValue::Int64(number) => View::Int64(number),
            RawValue::Double(number) => View::Double(number),
            RawValue::Decimal128(bytes) => View::Decimal128(bytes),
            RawValue::String(text) => View::String(text),
            RawValue::Document(document) => View::Document(DocView::Raw(document)),
            RawValue::Array(array) => View::Array(ArrayView::Raw(array)),
            RawValue::Binary { subtype, bytes } => View::Binary { subtype, bytes },
            RawValue::ObjectId(bytes) => View::ObjectId(bytes),
            RawValue::Date(ms) => View::Date(ms),
            RawValue::Regex { pattern, options } => View::Regex { pattern, options },
            RawValue::Timestamp(number) => View::Timestamp(number),
            RawValue::MaxKey => View::MaxKey,
        }
    }
}

impl<'a> From<&'a Document> for DocView<'a> {
    fn from(document: &'a Document) -> DocView<'a> {
        DocView::Owned(document)
    }
}

impl<'a> From<RawDoc<'a>> for DocView<'a> {
    fn from(document: RawDoc<'a>) -> DocView<'a> {
        DocView::Raw(document)
    }
}
