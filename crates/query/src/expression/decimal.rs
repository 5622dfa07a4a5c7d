//! Arithmetic of decimal128: 34 digits, ties to even. Digits are worked on one by one; decimals are
//! rare and correctness is all that is asked of them.

use value::decimal::{Decimal, pack, unpack};

/// Digits a decimal holds.
const DIGITS_MAX: usize = 34;
const EXPONENT_MIN: i64 = -6176;
const EXPONENT_MAX: i64 = 6111;

/// A finite decimal while it is computed: any number of digits, least significant first.
#[derive(Debug, Clone)]
struct Wide {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

/// A sum or any other operation that is not one of numbers.
fn special(a: Decimal, b: Decimal, both: impl Fn(bool, bool) -> Decimal) -> Option<Decimal> {
    match (a, b) {
        (Decimal::Nan, _) | (_, Decimal::Nan) => Some(Decimal::Nan),
        (Decimal::Infinite { negative: a }, Decimal::Infinite { negative: b }) => Some(both(a, b)),
        _ => None,
    }
}

/// The sum.
pub(crate) fn add(a: [u8; 16], b: [u8; 16]) -> [u8; 16] {
    let (a, b) = (unpack(a), unpack(b));
    let both = |a, b| if a == b { Decimal::Infinite { negative: a } } else { Decimal::Nan };
    if let Some(known) = special(a, b, both) {
        return pack(known);
    }
    match (Wide::of(a), Wide::of(b)) {
        (Some(a), Some(b)) => a.plus(b).finish(),
        (None, _) => pack(a),
        (_, None) => pack(b),
    }
}

/// The same number with the other sign.
pub(crate) fn negate(a: [u8; 16]) -> [u8; 16] {
    pack(match unpack(a) {
        Decimal::Nan => Decimal::Nan,
        Decimal::Infinite { negative } => Decimal::Infinite { negative: !negative },
        Decimal::Finite { negative, coefficient, exponent } => {
            Decimal::Finite { negative: !negative, coefficient, exponent }
        }
    })
}

/// Whether the sign is a minus.
pub(crate) fn is_negative(a: [u8; 16]) -> bool {
    match unpack(a) {
        Decimal::Nan => false,
        Decimal::Infinite { negative } | Decimal::Finite { negative, .. } => negative,
    }
}

/// The product.
pub(crate) fn multiply(a: [u8; 16], b: [u8; 16]) -> [u8; 16] {
    let (a, b) = (unpack(a), unpack(b));
    let both = |a, b| Decimal::Infinite { negative: a != b };
    if let Some(known) = special(a, b, both) {
        return pack(known);
    }
    match (Wide::of(a), Wide::of(b)) {
        (Some(a), Some(b)) => a.times(&b).finish(),
        (Some(finite), None) | (None, Some(finite)) if finite.is_zero() => pack(Decimal::Nan),
        _ => pack(Decimal::Infinite { negative: sign(a) != sign(b) }),
    }
}

/// The quotient; the caller has refused zero as divisor.
pub(crate) fn divide(a: [u8; 16], b: [u8; 16]) -> [u8; 16] {
    let (a, b) = (unpack(a), unpack(b));
    if let Some(known) = special(a, b, |_, _| Decimal::Nan) {
        return pack(known);
    }
    match (Wide::of(a), Wide::of(b)) {
        (Some(_), Some(divisor)) if divisor.is_zero() => pack(Decimal::Nan),
        (Some(a), Some(b)) => a.over(&b).finish(),
        (None, _) => pack(Decimal::Infinite { negative: sign(a) != sign(b) }),
        (_, None) => {
            pack(Decimal::Finite { negative: sign(a) != sign(b), coefficient: 0, exponent: 0 })
        }
    }
}

/// What is left after division, with the sign of the dividend.
pub(crate) fn modulo(a: [u8; 16], b: [u8; 16]) -> [u8; 16] {
    let (dividend, divisor) = (unpack(a), unpack(b));
    match (Wide::of(dividend), Wide::of(divisor)) {
        (Some(_), Some(divisor)) if divisor.is_zero() => pack(Decimal::Nan),
        (Some(dividend), Some(divisor)) => dividend.left_over(&divisor).finish(),
        (Some(_), None) if !matches!(divisor, Decimal::Nan) => a,
        _ => pack(Decimal::Nan),
    }
}

/// How a number is cut to fewer digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// To the nearest, ties to even.
    Round,
    /// Towards zero.
    Truncate,
    Floor,
    Ceil,
}

/// Cuts everything after so many digits behind the point; negative means before it.
pub(crate) fn cut(a: [u8; 16], place: i64, how: Cut) -> [u8; 16] {
    match Wide::of(unpack(a)) {
        None => a,
        Some(mut wide) => {
            wide.cut_at(-place, how);
            wide.finish()
        }
    }
}

/// A whole number.
pub(crate) fn from_i64(number: i64) -> [u8; 16] {
    pack(Decimal::Finite {
        negative: number < 0,
        coefficient: u128::from(number.unsigned_abs()),
        exponent: 0,
    })
}

/// A double to 15 significant digits, as MongoDB converts them.
pub(crate) fn from_f64(number: f64) -> [u8; 16] {
    if number.is_nan() {
        return pack(Decimal::Nan);
    }
    if number.is_infinite() {
        return pack(Decimal::Infinite { negative: number < 0.0 });
    }
    if number == 0.0 {
        let negative = number.is_sign_negative();
        return pack(Decimal::Finite { negative, coefficient: 0, exponent: 0 });
    }
    let text = format!("{number:.14e}");
    value::decimal::parse(&text).unwrap_or_else(|_| pack(Decimal::Nan))
}

/// The whole part, when it fits 64 bits.
pub(crate) fn to_i64(a: [u8; 16]) -> Option<i64> {
    let mut wide = Wide::of(unpack(a))?;
    wide.cut_at(0, Cut::Truncate);
    if wide.digits.len() as i64 + wide.exponent > 19 {
        return if wide.is_zero() { Some(0) } else { None };
    }
    let mut number: i128 = 0;
    for digit in wide.digits.iter().rev() {
        number = number * 10 + i128::from(*digit);
    }
    for _ in 0..wide.exponent {
        number *= 10;
    }
    i64::try_from(if wide.negative { -number } else { number }).ok()
}

/// Whether this is an infinity or no number.
pub(crate) fn is_special(a: [u8; 16]) -> bool {
    !matches!(unpack(a), Decimal::Finite { .. })
}

/// Whether this is zero.
pub(crate) fn is_zero(a: [u8; 16]) -> bool {
    matches!(unpack(a), Decimal::Finite { coefficient: 0, .. })
}

fn sign(decimal: Decimal) -> bool {
    match decimal {
        Decimal::Nan => false,
        Decimal::Infinite { negative } | Decimal::Finite { negative, .. } => negative,
    }
}

impl Wide {
    fn of(decimal: Decimal) -> Option<Wide> {
        let Decimal::Finite { negative, coefficient, exponent } = decimal else {
            return None;
        };
        let mut digits = Vec::new();
        let mut rest = coefficient;
        while rest > 0 {
            digits.push((rest % 10) as u8);
            rest /= 10;
        }
        Some(Wide { negative, digits, exponent: i64::from(exponent) })
    }

    fn is_zero(&self) -> bool {
        self.digits.iter().all(|digit| *digit == 0)
    }

    /// Adds zeros at the end of the digits, keeping the value.
    fn lower_to(&mut self, exponent: i64) {
        let zeros = usize::try_from(self.exponent - exponent).unwrap_or(0);
        self.digits.splice(0..0, std::iter::repeat_n(0, zeros));
        self.exponent -= zeros as i64;
    }

    fn plus(mut self, mut other: Wide) -> Wide {
        // Beyond this distance the lesser number cannot change a digit that is kept.
        let reach = 2 * DIGITS_MAX as i64 + 2;
        for _ in 0..2 {
            if self.exponent > other.exponent + reach && !self.is_zero() {
                self.lower_to(self.exponent - reach);
                if self.exponent > other.exponent {
                    let sticky = u8::from(!other.is_zero());
                    other = Wide { digits: vec![sticky], exponent: self.exponent, ..other };
                }
            }
            std::mem::swap(&mut self, &mut other);
        }
        let exponent = self.exponent.min(other.exponent);
        self.lower_to(exponent);
        other.lower_to(exponent);
        if self.negative == other.negative {
            let digits = add_digits(&self.digits, &other.digits);
            return Wide { negative: self.negative, digits, exponent };
        }
        let (greater, lesser) =
            if less(&self.digits, &other.digits) { (&other, &self) } else { (&self, &other) };
        let digits = subtract_digits(&greater.digits, &lesser.digits);
        let negative = greater.negative && digits.iter().any(|digit| *digit != 0);
        Wide { negative, digits, exponent }
    }

    fn times(&self, other: &Wide) -> Wide {
        let mut digits = vec![0_u32; self.digits.len() + other.digits.len() + 1];
        for (at, a) in self.digits.iter().enumerate() {
            for (to, b) in other.digits.iter().enumerate() {
                digits[at + to] += u32::from(*a) * u32::from(*b);
            }
        }
        let mut carry = 0;
        let digits = digits.iter().map(|digit| {
            let sum = digit + carry;
            carry = sum / 10;
            (sum % 10) as u8
        });
        Wide {
            negative: self.negative != other.negative,
            digits: digits.collect(),
            exponent: self.exponent + other.exponent,
        }
    }

    fn over(mut self, divisor: &Wide) -> Wide {
        let negative = self.negative != divisor.negative;
        let ideal = self.exponent - divisor.exponent;
        // Enough digits that the quotient has all of its own and one to spare.
        let zeros = DIGITS_MAX as i64 + 2 + divisor.digits.len() as i64;
        self.lower_to(self.exponent - zeros);
        let (mut digits, rest) = divide_digits(&self.digits, &divisor.digits);
        let mut exponent = self.exponent - divisor.exponent;
        if rest.iter().any(|digit| *digit != 0) {
            // Something is left: the last digit must not look like a tie or an exact end.
            digits.insert(0, 1);
            exponent -= 1;
        } else {
            while exponent < ideal && digits.first() == Some(&0) {
                digits.remove(0);
                exponent += 1;
            }
        }
        Wide { negative, digits, exponent }
    }

    fn left_over(mut self, divisor: &Wide) -> Wide {
        let mut divisor = divisor.clone();
        let exponent = self.exponent.min(divisor.exponent);
        self.lower_to(exponent);
        divisor.lower_to(exponent);
        let (_, rest) = divide_digits(&self.digits, &divisor.digits);
        Wide { negative: self.negative, digits: rest, exponent }
    }

    /// Cuts the digits below 10^exponent.
    fn cut_at(&mut self, exponent: i64, how: Cut) {
        if self.exponent >= exponent {
            return;
        }
        let gone = usize::try_from(exponent - self.exponent).unwrap_or(usize::MAX);
        let cut: Vec<u8> = self.digits.drain(..gone.min(self.digits.len())).collect();
        let tie_digit = if cut.len() == gone { cut.last().copied().unwrap_or(0) } else { 0 };
        let below = cut.len().saturating_sub(usize::from(cut.len() == gone));
        let more = cut[..below].iter().any(|digit| *digit != 0);
        let anything = cut.iter().any(|digit| *digit != 0);
        let is_odd = self.digits.first().is_some_and(|digit| digit % 2 == 1);
        let up = match how {
            Cut::Truncate => false,
            Cut::Floor => anything && self.negative,
            Cut::Ceil => anything && !self.negative,
            Cut::Round => tie_digit > 5 || (tie_digit == 5 && (more || is_odd)),
        };
        if up {
            self.digits = add_digits(&self.digits, &[1]);
        }
        self.exponent = exponent;
    }

    fn trim(&mut self) {
        while self.digits.last() == Some(&0) {
            self.digits.pop();
        }
    }

    fn finish(mut self) -> [u8; 16] {
        for _ in 0..2 {
            self.trim();
            let excess = self.digits.len().saturating_sub(DIGITS_MAX) as i64;
            self.cut_at((self.exponent + excess).max(EXPONENT_MIN), Cut::Round);
        }
        self.trim();
        let negative = self.negative;
        if self.digits.is_empty() {
            let exponent = self.exponent.clamp(EXPONENT_MIN, EXPONENT_MAX) as i32;
            return pack(Decimal::Finite { negative, coefficient: 0, exponent });
        }
        if self.exponent > EXPONENT_MAX {
            if self.exponent - EXPONENT_MAX + self.digits.len() as i64 > DIGITS_MAX as i64 {
                return pack(Decimal::Infinite { negative });
            }
            self.lower_to(EXPONENT_MAX);
        }
        let coefficient =
            self.digits.iter().rev().fold(0_u128, |sum, digit| sum * 10 + u128::from(*digit));
        pack(Decimal::Finite { negative, coefficient, exponent: self.exponent as i32 })
    }
}

fn add_digits(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut sum = Vec::with_capacity(a.len().max(b.len()) + 1);
    let mut carry = 0;
    for at in 0..a.len().max(b.len()) {
        let digit = a.get(at).unwrap_or(&0) + b.get(at).unwrap_or(&0) + carry;
        sum.push(digit % 10);
        carry = digit / 10;
    }
    sum.push(carry);
    sum
}

/// `a - b`, where `b` is not more than `a`.
fn subtract_digits(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let digits = a.iter().enumerate().map(|(at, digit)| {
        let lower = b.get(at).unwrap_or(&0) + borrow;
        borrow = u8::from(*digit < lower);
        digit + 10 * borrow - lower
    });
    digits.collect()
}

fn less(a: &[u8], b: &[u8]) -> bool {
    (0..a.len().max(b.len()))
        .rev()
        .map(|at| a.get(at).unwrap_or(&0).cmp(b.get(at).unwrap_or(&0)))
        .find(|order| order.is_ne())
        .is_some_and(std::cmp::Ordering::is_lt)
}

/// Quotient and what is left, by long division.
fn divide_digits(a: &[u8], b: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut rest: Vec<u8> = Vec::new();
    let mut quotient = Vec::with_capacity(a.len());
    for digit in a.iter().rev() {
        rest.insert(0, *digit);
        let mut times = 0;
        while !less(&rest, b) {
            rest = subtract_digits(&rest, b);
            times += 1;
        }
        while rest.last() == Some(&0) {
            rest.pop();
        }
        quotient.push(times);
    }
    quotient.reverse();
    (quotient, rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::decimal::{parse, print};

    fn run(operation: fn([u8; 16], [u8; 16]) -> [u8; 16], a: &str, b: &str) -> String {
        print(operation(parse(a).unwrap(), parse(b).unwrap()))
    }

    #[test]
    fn decimals_compute_as_on_paper() {
        assert_eq!(run(add, "0.1", "0.2"), "0.3");
        assert_eq!(run(add, "1.50", "1.5"), "3.00");
        assert_eq!(run(add, "1", "-1"), "0");
        assert_eq!(run(add, "-5", "3"), "-2");
        assert_eq!(run(add, "1E+40", "1"), "1.000000000000000000000000000000000E+40");
        assert_eq!(run(add, "1", "1E-6176"), "1.000000000000000000000000000000000");
        assert_eq!(run(add, "Infinity", "-Infinity"), "NaN");
        assert_eq!(run(multiply, "1.5", "1.5"), "2.25");
        assert_eq!(run(multiply, "9E+6000", "9E+6000"), "Infinity");
        assert_eq!(run(divide, "1", "3"), "0.3333333333333333333333333333333333");
        assert_eq!(run(divide, "2", "3"), "0.6666666666666666666666666666666667");
        assert_eq!(run(divide, "10", "4"), "2.5");
        assert_eq!(run(divide, "100", "10"), "10");
        assert_eq!(run(modulo, "10.5", "3"), "1.5");
        assert_eq!(run(modulo, "-7", "2"), "-1");
    }

    #[test]
    fn digits_are_cut_as_asked() {
        let cut_text = |text: &str, place, how| print(cut(parse(text).unwrap(), place, how));
        assert_eq!(cut_text("2.5", 0, Cut::Round), "2");
        assert_eq!(cut_text("3.5", 0, Cut::Round), "4");
        assert_eq!(cut_text("-2.567", 1, Cut::Truncate), "-2.5");
        assert_eq!(cut_text("1234", -2, Cut::Round), "1.2E+3");
        assert_eq!(cut_text("-2.1", 0, Cut::Floor), "-3");
        assert_eq!(cut_text("2.1", 0, Cut::Ceil), "3");
        assert_eq!(to_i64(parse("123.9").unwrap()), Some(123));
        assert_eq!(to_i64(parse("1E+18").unwrap()), Some(1_000_000_000_000_000_000));
        assert_eq!(to_i64(parse("1E+30").unwrap()), None);
        assert_eq!(print(from_f64(2.5)), "2.50000000000000");
    }
}
