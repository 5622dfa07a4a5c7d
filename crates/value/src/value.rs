//! One value of a field, owned. Equality here is strict: same kind and same bytes.

use crate::{Document, View};

/// What a field can hold. Every variant is a BSON kind.
///
/// `==` is strict: `Int32(1) != Double(1.0)`, `Double(0.0) != Double(-0.0)`, and NaN equals the
/// same NaN; two values are equal when their BSON bytes are. [`crate::equals`] compares by meaning.
#[derive(Debug, Clone)]
pub enum Value {
    /// Less than everything else.
    MinKey,
    /// Nothing; BSON's deprecated `undefined` is read as this too.
    Null,
    /// True or false.
    Bool(bool),
    /// Whole number of 32 bits.
    Int32(i32),
    /// Whole number of 64 bits.
    Int64(i64),
    /// IEEE 754 binary64.
    Double(f64),
    /// IEEE 754-2008 decimal128 (BID), little endian as in BSON.
    Decimal128([u8; 16]),
    /// UTF-8 text.
    String(String),
    /// Nested document.
    Document(Document),
    /// Ordered list.
    Array(Vec<Value>),
    /// Bytes with BSON's subtype number.
    Binary {
        /// BSON subtype: 0 generic, 4 UUID, …
        subtype: u8,
        /// The bytes themselves.
        bytes: Vec<u8>,
    },
    /// Twelve bytes, shown as 24 hexadecimal digits.
    ObjectId([u8; 12]),
    /// Milliseconds since 1970-01-01T00:00:00Z; may be negative.
    Date(i64),
    /// Regular expression as a value; options are letters in alphabetical order.
    Regex {
        /// Source of the expression, without slashes.
        pattern: String,
        /// Letters such as `i`, `m`, `s`, `x`.
        options: String,
    },
    /// MongoDB's internal timestamp: seconds in the upper half, a counter in the lower.
    Timestamp(u64),
    /// Greater than everything else.
    MaxKey,
}

impl Value {
    /// The kind's name as MongoDB's messages write it: `int`, `string`, `object`, …
    pub fn kind_name(&self) -> &'static str {
        View::from(self).kind_name()
    }

    /// The text, when this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The nested document, when this is one.
    pub fn as_document(&self) -> Option<&Document> {
        match self {
            Value::Document(document) => Some(document),
            _ => None,
        }
    }

    /// The elements, when this is an array.
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Value::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// The truth value, when this is a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The number as a whole number: any numeric kind, when nothing is lost.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Int32(number) => Some(i64::from(*number)),
            Value::Int64(number) => Some(*number),
            Value::Double(number) => whole(*number),
            Value::Decimal128(bytes) => crate::decimal::to_i64(*bytes),
            _ => None,
        }
    }

    /// The number as a double, rounded to the nearest when needed; `None` for other kinds.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Int32(number) => Some(f64::from(*number)),
            Value::Int64(number) => Some(*number as f64),
            Value::Double(number) => Some(*number),
            Value::Decimal128(bytes) => Some(crate::decimal::to_f64(*bytes)),
            _ => None,
        }
    }

    /// Whether this is a number of any kind.
    pub fn is_number(&self) -> bool {
        matches!(self, Value::Int32(_) | Value::Int64(_) | Value::Double(_) | Value::Decimal128(_))
    }
}

/// A double as a whole number, when it is one and fits 64 bits.
pub(crate) fn whole(number: f64) -> Option<i64> {
    // 2^63 itself does not fit; every double below it and at least -2^63 does.
    let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number);
    (fits && number.fract() == 0.0).then_some(number as i64)
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::MinKey, Value::MinKey)
            | (Value::Null, Value::Null)
            | (Value::MaxKey, Value::MaxKey) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int32(a), Value::Int32(b)) => a == b,
            (Value::Int64(a), Value::Int64(b)) | (Value::Date(a), Value::Date(b)) => a == b,
            (Value::Double(a), Value::Double(b)) => a.to_bits() == b.to_bits(),
            (Value::Decimal128(a), Value::Decimal128(b)) => a == b,
            (Value::String(a), Value::String(b)) => a == b,
            (Value::Document(a), Value::Document(b)) => a == b,
            (Value::Array(a), Value::Array(b)) => a == b,
            (
                Value::Binary { subtype: a, bytes: a_bytes },
                Value::Binary { subtype: b, bytes: b_bytes },
            ) => a == b && a_bytes == b_bytes,
            (Value::ObjectId(a), Value::ObjectId(b)) => a == b,
            (
                Value::Regex { pattern: a, options: a_options },
                Value::Regex { pattern: b, options: b_options },
            ) => a == b && a_options == b_options,
            (Value::Timestamp(a), Value::Timestamp(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value {}

macro_rules! value_from {
    ($($source:ty => $variant:ident),* $(,)?) => {
        $(impl From<$source> for Value {
            fn from(inner: $source) -> Value {
                Value::$variant(inner.into())
            }
        })*
    };
}

value_from! {
    bool => Bool, i32 => Int32, i64 => Int64, f64 => Double, &str => String, String => String,
    Document => Document, [u8; 12] => ObjectId,
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(elements: Vec<T>) -> Value {
        Value::Array(elements.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(inner: Option<T>) -> Value {
        inner.map_or(Value::Null, Into::into)
    }
}
