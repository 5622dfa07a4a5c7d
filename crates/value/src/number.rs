//! Numbers of four kinds on one line, exactly: 2^53 + 1 as an integer lies between its two
//! neighbouring doubles, and decimals lie where they are, not where rounding would put them.
//!
//! A number's key is: the nearest double as 8 ordered bytes (NaN is all zeros, below −∞; −0 is 0),
//! then `0x80` when the number *is* that double. Otherwise `0x7F` (it is less) or `0x81` (it is
//! more), followed by its exact decimal digits: exponent of the first digit as a biased `u16`, each
//! digit plus one, `0x00`; all of that complemented for negative numbers.

use std::cmp::Ordering;

use crate::View;
use crate::decimal::{self, Decimal};

const LESS: u8 = 0x7F;
const EXACT: u8 = 0x80;
const MORE: u8 = 0x81;

/// Compares two numbers by value; `None` when one of them is not a number.
pub(crate) fn compare(a: &View<'_>, b: &View<'_>) -> Option<Ordering> {
    Some(match (as_plain(a)?, as_plain(b)?) {
        (Plain::Whole(a), Plain::Whole(b)) => a.cmp(&b),
        (Plain::Double(a), Plain::Double(b)) => compare_doubles(a, b),
        (Plain::Whole(a), Plain::Double(b)) => compare_whole(a, b),
        (Plain::Double(a), Plain::Whole(b)) => compare_whole(b, a).reverse(),
        (Plain::Decimal, _) | (_, Plain::Decimal) => key(a).cmp(&key(b)),
    })
}

fn key(number: &View<'_>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(48);
    push(number, &mut bytes);
    bytes
}

/// Appends the key of a number; appends nothing for other kinds.
pub(crate) fn push(number: &View<'_>, out: &mut Vec<u8>) {
    match *number {
        View::Int32(number) => push_exact(f64::from(number), out),
        View::Double(number) => push_exact(number, out),
        View::Int64(number) => {
            let nearest = number as f64;
            push_near(nearest, compare_whole(number, nearest), || Exact::from_i64(number), out);
        }
        View::Decimal128(bytes) => push_decimal(bytes, out),
        _ => {}
    }
}

fn push_decimal(bytes: [u8; 16], out: &mut Vec<u8>) {
    let nearest = decimal::to_f64(bytes);
    match Exact::from_decimal(bytes) {
        None => push_exact(nearest, out),
        Some(exact) => {
            let side = exact.compare_double(nearest);
            push_near(nearest, side, || exact, out);
        }
    }
}

fn push_exact(number: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(&ordered_bits(number).to_be_bytes());
    out.push(EXACT);
}

fn push_near(nearest: f64, side: Ordering, exact: impl FnOnce() -> Exact, out: &mut Vec<u8>) {
    if side == Ordering::Equal {
        return push_exact(nearest, out);
    }
    out.extend_from_slice(&ordered_bits(nearest).to_be_bytes());
    out.push(if side == Ordering::Less { LESS } else { MORE });
    exact().push(out);
}

/// Bits that order as unsigned numbers the way doubles order.
fn ordered_bits(number: f64) -> u64 {
    if number.is_nan() {
        return 0;
    }
    // Adding zero turns −0 into 0.
    let bits = (number + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// NaN is the lowest number and equal to itself.
fn compare_doubles(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

fn compare_whole(whole: i64, double: f64) -> Ordering {
    let rough = compare_doubles(whole as f64, double);
    // Equal after rounding: the double is a whole number of at most 2^63, which i128 holds.
    rough.then_with(|| i128::from(whole).cmp(&(double as i128)))
}

enum Plain {
    Whole(i64),
    Double(f64),
    Decimal,
}

fn as_plain(number: &View<'_>) -> Option<Plain> {
    match *number {
        View::Int32(number) => Some(Plain::Whole(i64::from(number))),
        View::Int64(number) => Some(Plain::Whole(number)),
        View::Double(number) => Some(Plain::Double(number)),
        View::Decimal128(_) => Some(Plain::Decimal),
        _ => None,
    }
}

/// A finite number other than zero as decimal digits: `0.d1 d2 d3… × 10^exponent`-like, with
/// `exponent` that of the first digit and no zeros at either end.
struct Exact {
    negative: bool,
    exponent: i32,
    digits: Vec<u8>,
}

impl Exact {
    fn new(negative: bool, digits: &str, last_exponent: i32) -> Exact {
        let exponent = last_exponent + digits.len() as i32 - 1;
        let digits = digits.trim_end_matches('0').bytes().map(|byte| byte - b'0').collect();
        Exact { negative, exponent, digits }
    }

    fn from_i64(number: i64) -> Exact {
        Exact::new(number < 0, &number.unsigned_abs().to_string(), 0)
    }

    /// `None` for zero, NaN and the infinities, which doubles hold exactly.
    fn from_decimal(bytes: [u8; 16]) -> Option<Exact> {
        match decimal::unpack(bytes) {
            Decimal::Finite { negative, coefficient, exponent } if coefficient != 0 => {
                Some(Exact::new(negative, &coefficient.to_string(), exponent))
            }
            _ => None,
        }
    }

    /// A finite double other than zero; 767 digits hold every one exactly.
    fn from_double(number: f64) -> Exact {
        let text = format!("{:.766e}", number.abs());
        let (mantissa, exponent) = text.split_once('e').expect("scientific notation has an e");
        let digits = mantissa.replace('.', "");
        let exponent: i32 = exponent.parse().expect("a printed exponent is a number");
        Exact::new(number < 0.0, &digits, exponent + 1 - digits.len() as i32)
    }

    /// Where this lies, seen from the double nearest to it.
    fn compare_double(&self, nearest: f64) -> Ordering {
        let away_from_zero = if nearest == 0.0 {
            Ordering::Greater
        } else if nearest.is_infinite() {
            Ordering::Less
        } else {
            let double = Exact::from_double(nearest);
            (self.exponent, &self.digits).cmp(&(double.exponent, &double.digits))
        };
        if self.negative { away_from_zero.reverse() } else { away_from_zero }
    }

    fn push(&self, out: &mut Vec<u8>) {
        let start = out.len();
        let biased = (self.exponent + 0x8000).clamp(0, 0xFFFF) as u16;
        out.extend_from_slice(&biased.to_be_bytes());
        out.extend(self.digits.iter().map(|digit| digit + 1));
        out.push(0);
        if self.negative {
            out[start..].iter_mut().for_each(|byte| *byte = !*byte);
        }
    }
}
