//! `$bitsAllSet` and its family: bits of whole numbers (two's complement, the sign goes on for
//! ever) and of bytes (the lowest bit of the first byte is bit 0).

use value::{Value, View};

use super::operand::wrong;
use crate::Error;

/// Most positions a list may name.
const POSITIONS_MAX: usize = 10_000;

/// A test of some bits.
#[derive(Debug, Clone)]
pub(crate) struct Bits {
    positions: Vec<u32>,
    /// The bits wanted: set or clear.
    set: bool,
    /// All of them or any.
    all: bool,
}

impl Bits {
    /// Reads a mask: a number of at least 0, bytes, or a list of positions.
    pub(super) fn parse(name: &str, operand: &Value, path: &str) -> Result<Bits, Error> {
        let positions = match operand {
            Value::Array(list) => positions(list),
            Value::Binary { bytes, .. } if bytes.len() <= POSITIONS_MAX / 8 => {
                Some(of_bytes(bytes))
            }
            number => {
                number.as_i64().filter(|mask| *mask >= 0).map(|mask| of_bytes(&mask.to_le_bytes()))
            }
        };
        let positions = positions.ok_or_else(|| {
            wrong(
                name,
                path,
                "a whole number of at least 0, bytes, or a list of bit positions",
                "非负整数、二进制数据或位序号数组",
            )
        })?;
        Ok(Bits { positions, set: name.ends_with("Set"), all: name.starts_with("$bitsAll") })
    }

    pub(super) fn check(&self, view: &View<'_>) -> bool {
        let whole;
        let bytes: &[u8] = match view {
            View::Binary { bytes, .. } => bytes,
            number => match number.as_i64() {
                Some(number) => {
                    whole = i128::from(number).to_le_bytes();
                    &whole
                }
                None => return false,
            },
        };
        let is_number = !matches!(view, View::Binary { .. });
        let bit = |position: &u32| {
            let (byte, bit) = ((position / 8) as usize, position % 8);
            let beyond = || if is_number { bytes.last().map_or(0, |last| *last) } else { 0 };
            bytes.get(byte).copied().unwrap_or_else(beyond) >> bit & 1 == 1
        };
        let mut wanted = self.positions.iter().map(|position| bit(position) == self.set);
        if self.all { wanted.all(|is| is) } else { wanted.any(|is| is) }
    }
}

fn of_bytes(bytes: &[u8]) -> Vec<u32> {
    (0_u32..)
        .zip(bytes.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1)))
        .filter_map(|(position, bit)| (bit == 1).then_some(position))
        .collect()
}

fn positions(list: &[Value]) -> Option<Vec<u32>> {
    if list.len() > POSITIONS_MAX {
        return None;
    }
    let position = |value: &Value| {
        let position = value.as_i64().and_then(|position| i32::try_from(position).ok());
        position.and_then(|position| u32::try_from(position).ok())
    };
    list.iter().map(position).collect()
}
