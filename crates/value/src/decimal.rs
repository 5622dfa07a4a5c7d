//! IEEE 754-2008 decimal128 as BSON stores it (binary integer decimal): text in, text out, and the
//! exact parts for comparing. Arithmetic is the matter of `query`.

use crate::Error;

/// Exponent of the smallest unit, and what the stored exponent is biased by.
const EXPONENT_MIN: i32 = -6176;
const EXPONENT_MAX: i32 = 6111;
/// Largest coefficient: 34 nines.
const COEFFICIENT_MAX: u128 = 10_u128.pow(34) - 1;
const NAN: u128 = 0b11111 << 122;
const INFINITY: u128 = 0b11110 << 122;
const SIGN: u128 = 1 << 127;

/// A decimal taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decimal {
    /// Not a number.
    Nan,
    /// Beyond every number.
    Infinite {
        /// Below every number.
        negative: bool,
    },
    /// `coefficient × 10^exponent`.
    Finite {
        /// Below zero, or the negative zero.
        negative: bool,
        /// At most 34 digits.
        coefficient: u128,
        /// -6176 to 6111.
        exponent: i32,
    },
}

/// Takes the 16 stored bytes apart; coefficients beyond 34 digits count as zero, as the standard
/// says.
pub fn unpack(bytes: [u8; 16]) -> Decimal {
    let bits = u128::from_le_bytes(bytes);
    let negative = bits & SIGN != 0;
    if bits & NAN == NAN {
        return Decimal::Nan;
    }
    if bits & NAN == INFINITY {
        return Decimal::Infinite { negative };
    }
    let large = (bits >> 125) & 0b11 == 0b11;
    let (shift, mask) = if large { (111, 0) } else { (113, (1 << 113) - 1) };
    let exponent = ((bits >> shift) & 0x3FFF) as i32 + EXPONENT_MIN;
    let coefficient = Some(bits & mask).filter(|digits| *digits <= COEFFICIENT_MAX);
    Decimal::Finite { negative, coefficient: coefficient.unwrap_or(0), exponent }
}

/// Puts the parts together; they must be within the limits of [`Decimal`].
pub fn pack(decimal: Decimal) -> [u8; 16] {
    let sign = |negative| if negative { SIGN } else { 0 };
    let bits = match decimal {
        Decimal::Nan => NAN,
        Decimal::Infinite { negative } => sign(negative) | INFINITY,
        Decimal::Finite { negative, coefficient, exponent } => {
            let biased = (exponent - EXPONENT_MIN).unsigned_abs();
            sign(negative) | (u128::from(biased) << 113) | coefficient
        }
    };
    bits.to_le_bytes()
}

/// Reads what `$numberDecimal` holds: `1.5`, `-1E+3`, `NaN`, `Infinity`.
///
/// # Errors
/// Text that is no number, or one that 34 digits cannot hold exactly.
pub fn parse(text: &str) -> Result<[u8; 16], Error> {
    read(text).map(pack).ok_or_else(|| {
        Error::broken_wrapper("$numberDecimal", "a decimal number of at most 34 digits")
    })
}

fn read(text: &str) -> Option<Decimal> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    match unsigned.to_ascii_lowercase().as_str() {
        "nan" => return Some(Decimal::Nan),
        "inf" | "infinity" => return Some(Decimal::Infinite { negative }),
        _ => {}
    }
    let (mantissa, power) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], unsigned[at + 1..].parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: String = [whole, fraction].concat();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let exponent = power.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    fit(negative, digits.trim_start_matches('0'), exponent)
}

/// Moves zeros between digits and exponent until both are within limits; `None` when digits would
/// be lost.
fn fit(negative: bool, digits: &str, exponent: i32) -> Option<Decimal> {
    if digits.is_empty() {
        let exponent = exponent.clamp(EXPONENT_MIN, EXPONENT_MAX);
        return Some(Decimal::Finite { negative, coefficient: 0, exponent });
    }
    let (mut digits, mut exponent) = (digits, exponent);
    while (digits.len() > 34 || exponent < EXPONENT_MIN) && digits.ends_with('0') {
        digits = &digits[..digits.len() - 1];
        exponent = exponent.checked_add(1)?;
    }
    if digits.len() > 34 || exponent < EXPONENT_MIN {
        return None;
    }
    let mut coefficient: u128 = digits.parse().ok()?;
    while exponent > EXPONENT_MAX {
        coefficient = coefficient.checked_mul(10).filter(|digits| *digits <= COEFFICIENT_MAX)?;
        exponent -= 1;
    }
    Some(Decimal::Finite { negative, coefficient, exponent })
}

/// The text of `$numberDecimal`, in the notation of the BSON decimal128 specification.
pub fn print(bytes: [u8; 16]) -> String {
    let (negative, coefficient, exponent) = match unpack(bytes) {
        Decimal::Nan => return "NaN".to_owned(),
        Decimal::Infinite { negative } => {
            return if negative { "-Infinity" } else { "Infinity" }.to_owned();
        }
        Decimal::Finite { negative, coefficient, exponent } => (negative, coefficient, exponent),
    };
    let sign = if negative { "-" } else { "" };
    let digits = coefficient.to_string();
    let scientific = exponent + digits.len() as i32 - 1;
    if exponent > 0 || scientific < -6 {
        let (lead, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        return format!("{sign}{lead}{point}{rest}E{scientific:+}");
    }
    let decimals = exponent.unsigned_abs() as usize;
    if decimals == 0 {
        return format!("{sign}{digits}");
    }
    let padded = format!("{digits:0>width$}", width = decimals + 1);
    let (whole, fraction) = padded.split_at(padded.len() - decimals);
    format!("{sign}{whole}.{fraction}")
}

/// The nearest double.
pub(crate) fn to_f64(bytes: [u8; 16]) -> f64 {
    match unpack(bytes) {
        Decimal::Nan => f64::NAN,
        Decimal::Infinite { negative: false } => f64::INFINITY,
        Decimal::Infinite { negative: true } => f64::NEG_INFINITY,
        Decimal::Finite { .. } => {
            print(bytes).parse().expect("the standard library reads every printed decimal")
        }
    }
}

/// The whole number this is, when it is one and fits 64 bits.
pub(crate) fn to_i64(bytes: [u8; 16]) -> Option<i64> {
    let Decimal::Finite { negative, coefficient, exponent } = unpack(bytes) else {
        return None;
    };
    if coefficient == 0 {
        return Some(0);
    }
    let power = 10_u128.checked_pow(exponent.unsigned_abs())?;
    let whole = if exponent >= 0 {
        coefficient.checked_mul(power)?
    } else {
        (coefficient % power == 0).then(|| coefficient / power)?
    };
    let whole = i128::try_from(whole).ok()?;
    i64::try_from(if negative { -whole } else { whole }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_survives() {
        for text in [
            "0",
            "-0",
            "1",
            "-1.5",
            "0.001234",
            "1E+3",
            "1.2E-7",
            "NaN",
            "Infinity",
            "-Infinity",
            "9.999999999999999999999999999999999E+6144",
            "1E-6176",
            "0E-6176",
            "123456789.000",
        ] {
            assert_eq!(print(parse(text).unwrap()), text);
        }
        assert_eq!(print(parse("1E+6144").unwrap()), "1.000000000000000000000000000000000E+6144");
    }

    #[test]
    fn refuses_what_does_not_fit() {
        for text in [
            "",
            "-",
            ".",
            "e5",
            "1e",
            "1.2.3",
            "0x1",
            "1E+6145",
            "1E-6177",
            "12345678901234567890123456789012345",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
