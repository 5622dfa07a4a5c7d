//! `$inc` and `$mul`. Whole numbers stay whole: 32 bits grow into 64, and beyond 64 bits is an
//! error rather than a rounded number. With a decimal the result is one.

use value::Value;

use crate::Error;
use crate::expression::decimal;
use crate::path::Path;
use crate::update::place::quote;

/// What is done to a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Multiply,
}

impl Arithmetic {
    fn name(self) -> &'static str {
        match self {
            Arithmetic::Add => "$inc",
            Arithmetic::Multiply => "$mul",
        }
    }

    /// Refuses amounts that are not numbers, when the update is parsed.
    pub(super) fn check_amount(self, path: &Path, amount: &Value) -> Result<(), Error> {
        if amount.is_number() {
            return Ok(());
        }
        let element = quote(path.text(), amount);
        let verb = if self == Arithmetic::Add { "increment" } else { "multiply" };
        Err(Error::malformed(
            format_args!("Cannot {verb} with non-numeric argument: {element}; use a number."),
            format_args!("{} 的参数必须是数字:{element},请修改。", self.name()),
        ))
    }

    /// What a missing field becomes.
    pub(super) fn of_nothing(self, amount: &Value) -> Value {
        match (self, amount) {
            (Arithmetic::Add, amount) => amount.clone(),
            (Arithmetic::Multiply, Value::Int32(_)) => Value::Int32(0),
            (Arithmetic::Multiply, Value::Int64(_)) => Value::Int64(0),
            (Arithmetic::Multiply, Value::Decimal128(_)) => Value::Decimal128(decimal::from_i64(0)),
            (Arithmetic::Multiply, _) => Value::Double(0.0),
        }
    }

    /// The new value of a field that holds `stored`.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the field holds no number, or the result leaves 64 bits.
    pub(super) fn apply(self, path: &Path, stored: &Value, amount: &Value) -> Result<Value, Error> {
        if !stored.is_number() {
            let element = quote(path.text(), stored);
            let name = self.name();
            return Err(Error::conflict(
                format_args!(
                    "Cannot apply {name} to a value of non-numeric type: {element} has type {}; \
                     set it to a number first.",
                    stored.kind_name()
                ),
                format_args!("{element} 不是数字,无法执行 {name},请先设为数字。"),
            ));
        }
        match (stored, amount) {
            (Value::Int32(a), Value::Int32(b)) => {
                let result = self.whole(i64::from(*a), i64::from(*b));
                let result = result.expect("two 32-bit numbers stay within 64 bits");
                Ok(i32::try_from(result).map_or(Value::Int64(result), Value::Int32))
            }
            (Value::Decimal128(_), _) | (_, Value::Decimal128(_)) => {
                let (a, b) = (as_decimal(stored), as_decimal(amount));
                Ok(Value::Decimal128(match self {
                    Arithmetic::Add => decimal::add(a, b),
                    Arithmetic::Multiply => decimal::multiply(a, b),
                }))
            }
            (Value::Double(_), _) | (_, Value::Double(_)) => {
                let (a, b) = (stored.as_f64(), amount.as_f64());
                let (a, b) = (a.unwrap_or(f64::NAN), b.unwrap_or(f64::NAN));
                Ok(Value::Double(if self == Arithmetic::Add { a + b } else { a * b }))
            }
            _ => {
                let whole = stored.as_i64().zip(amount.as_i64());
                whole
                    .and_then(|(a, b)| self.whole(a, b))
                    .map(Value::Int64)
                    .ok_or_else(|| self.overflow(path, stored))
            }
        }
    }

    fn whole(self, a: i64, b: i64) -> Option<i64> {
        match self {
            Arithmetic::Add => a.checked_add(b),
            Arithmetic::Multiply => a.checked_mul(b),
        }
    }

    fn overflow(self, path: &Path, stored: &Value) -> Error {
        let (name, element) = (self.name(), quote(path.text(), stored));
        Error::conflict(
            format_args!("{name} takes {element} beyond 64 bits; use a smaller amount."),
            format_args!("{name} 使 {element} 超出 64 位整数范围,请减小数值。"),
        )
    }
}

fn as_decimal(value: &Value) -> [u8; 16] {
    match value {
        Value::Decimal128(bytes) => *bytes,
        Value::Double(number) => decimal::from_f64(*number),
        other => decimal::from_i64(other.as_i64().unwrap_or(0)),
    }
}
