//! `$bit`: and, or, xor of whole numbers.

use value::Value;

use crate::Error;
use crate::path::Path;
use crate::update::place::quote;

/// Operations in the order they were written.
#[derive(Debug, Clone)]
pub(super) struct Bitwise(Vec<(Operation, Value)>);

#[derive(Debug, Clone, Copy)]
enum Operation {
    And,
    Or,
    Xor,
}

impl Bitwise {
    pub(super) fn parse(path: &Path, operand: &Value) -> Result<Bitwise, Error> {
        let path = path.text();
        let Value::Document(operations) = operand else {
            return Err(needs(path));
        };
        let mut read = Vec::with_capacity(operations.len());
        for (name, number) in operations.iter() {
            let operation = match name {
                "and" => Operation::And,
                "or" => Operation::Or,
                "xor" => Operation::Xor,
                _ => return Err(needs(path)),
            };
            if !is_whole(number) {
                let element = quote(name, number);
                return Err(Error::malformed(
                    format_args!(
                        "The $bit modifier field must be an Integer(32/64 bit); a '{}' is not \
                         supported here: {element} at '{path}'.",
                        number.kind_name()
                    ),
                    format_args!("'{path}' 处 $bit 的参数必须是 32 或 64 位整数:{element}。"),
                ));
            }
            read.push((operation, number.clone()));
        }
        if read.is_empty() { Err(needs(path)) } else { Ok(Bitwise(read)) }
    }

    /// The new value; a missing field counts as 0.
    pub(super) fn apply(&self, path: &Path, stored: Option<&Value>) -> Result<Value, Error> {
        let mut value = stored.cloned().unwrap_or(Value::Int32(0));
        if !is_whole(&value) {
            let element = quote(path.text(), &value);
            return Err(Error::conflict(
                format_args!(
                    "Cannot apply $bit to a value of non-integral type: {element} has type {}; set \
                     it to an integer first.",
                    value.kind_name()
                ),
                format_args!("{element} 不是整数,无法执行 $bit,请先设为整数。"),
            ));
        }
        for (operation, operand) in &self.0 {
            value = match (&value, operand) {
                (Value::Int32(a), Value::Int32(b)) => {
                    let result = operation.of(i64::from(*a), i64::from(*b));
                    // Both fit 32 bits, so does every combination of them.
                    i32::try_from(result).map_or(Value::Int64(result), Value::Int32)
                }
                (a, b) => {
                    let (a, b) = (a.as_i64().unwrap_or(0), b.as_i64().unwrap_or(0));
                    Value::Int64(operation.of(a, b))
                }
            };
        }
        Ok(value)
    }
}

impl Operation {
    fn of(self, a: i64, b: i64) -> i64 {
        match self {
            Operation::And => a & b,
            Operation::Or => a | b,
            Operation::Xor => a ^ b,
        }
    }
}

fn is_whole(value: &Value) -> bool {
    matches!(value, Value::Int32(_) | Value::Int64(_))
}

fn needs(path: &str) -> Error {
    Error::malformed(
        format_args!("$bit at '{path}' needs {{and | or | xor: integer}}; correct the update."),
        format_args!("'{path}' 处的 $bit 需要 {{and | or | xor: 整数}},请修改。"),
    )
}
