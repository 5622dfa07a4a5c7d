//! Numbers of four kinds: the result of an operation has the widest kind of its operands, and whole
//! numbers grow (32 → 64 bits → double) rather than wrap.

use value::{Value, View};

use super::decimal;

/// A number, ordered by how wide its kind is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Number {
    Int(i32),
    Long(i64),
    Double(f64),
    Decimal([u8; 16]),
}

impl Number {
    pub(crate) fn of(view: &View<'_>) -> Option<Number> {
        match *view {
            View::Int32(number) => Some(Number::Int(number)),
            View::Int64(number) => Some(Number::Long(number)),
            View::Double(number) => Some(Number::Double(number)),
            View::Decimal128(bytes) => Some(Number::Decimal(bytes)),
            _ => None,
        }
    }

    pub(crate) fn value(self) -> Value {
        match self {
            Number::Int(number) => Value::Int32(number),
            Number::Long(number) => Value::Int64(number),
            Number::Double(number) => Value::Double(number),
            Number::Decimal(bytes) => Value::Decimal128(bytes),
        }
    }

    pub(crate) fn as_f64(self) -> f64 {
        match self {
            Number::Int(number) => f64::from(number),
            Number::Long(number) => number as f64,
            Number::Double(number) => number,
            Number::Decimal(bytes) => Value::Decimal128(bytes).as_f64().unwrap_or(f64::NAN),
        }
    }

    pub(crate) fn as_decimal(self) -> [u8; 16] {
        match self {
            Number::Int(number) => decimal::from_i64(i64::from(number)),
            Number::Long(number) => decimal::from_i64(number),
            Number::Double(number) => decimal::from_f64(number),
            Number::Decimal(bytes) => bytes,
        }
    }

    /// The whole number, of the two kinds that are whole.
    pub(crate) fn as_whole_i64(self) -> Option<i64> {
        match self {
            Number::Int(number) => Some(i64::from(number)),
            Number::Long(number) => Some(number),
            _ => None,
        }
    }

    pub(crate) fn is_decimal(self) -> bool {
        matches!(self, Number::Decimal(_))
    }

    pub(crate) fn is_zero(self) -> bool {
        match self {
            Number::Decimal(bytes) => decimal::is_zero(bytes),
            other => other.as_f64() == 0.0,
        }
    }

    /// A whole result: 32 bits when both operands had them and it fits, else 64, else a double.
    fn grown(a: Number, b: Number, exact: i128) -> Number {
        let both_int = matches!((a, b), (Number::Int(_), Number::Int(_)));
        match (i32::try_from(exact), i64::try_from(exact)) {
            (Ok(number), _) if both_int => Number::Int(number),
            (_, Ok(number)) => Number::Long(number),
            _ => Number::Double(exact as f64),
        }
    }

    fn combine(
        self,
        other: Number,
        whole: fn(i128, i128) -> i128,
        double: fn(f64, f64) -> f64,
        decimal: fn([u8; 16], [u8; 16]) -> [u8; 16],
    ) -> Number {
        if self.is_decimal() || other.is_decimal() {
            return Number::Decimal(decimal(self.as_decimal(), other.as_decimal()));
        }
        match (self.as_whole_i64(), other.as_whole_i64()) {
            (Some(a), Some(b)) => Number::grown(self, other, whole(i128::from(a), i128::from(b))),
            _ => Number::Double(double(self.as_f64(), other.as_f64())),
        }
    }

    pub(crate) fn plus(self, other: Number) -> Number {
        self.combine(other, |a, b| a + b, |a, b| a + b, decimal::add)
    }

    pub(crate) fn minus(self, other: Number) -> Number {
        let difference = |a, b| decimal::add(a, decimal::negate(b));
        self.combine(other, |a, b| a - b, |a, b| a - b, difference)
    }

    pub(crate) fn times(self, other: Number) -> Number {
        self.combine(other, |a, b| a * b, |a, b| a * b, decimal::multiply)
    }

    /// Always a double or a decimal; the caller has refused zero.
    pub(crate) fn over(self, other: Number) -> Number {
        if self.is_decimal() || other.is_decimal() {
            return Number::Decimal(decimal::divide(self.as_decimal(), other.as_decimal()));
        }
        Number::Double(self.as_f64() / other.as_f64())
    }

    /// What is left, with the sign of the dividend; the caller has refused zero.
    pub(crate) fn modulo(self, other: Number) -> Number {
        self.combine(other, |a, b| a % b, |a, b| a % b, decimal::modulo)
    }
}
