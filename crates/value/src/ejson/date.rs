//! Dates as text: RFC 3339 and what `Date.prototype.toISOString` prints. No calendar library.

use crate::calendar::{date_of_days, days_in_month, days_of_date};

/// Milliseconds since 1970 of a text such as `2026-11-20T09:48:00.123Z`, `2026-11-20T17:48+08:00`
/// or `2026-11-20` (UTC midnight). Digits beyond milliseconds are cut. `None` when it is no date.
pub(super) fn parse(text: &str) -> Option<i64> {
    let mut scan = Scan { rest: text.as_bytes() };
    let year = scan.year()?;
    scan.expect(b'-')?;
    let month = scan.number(2, 1..=12)?;
    scan.expect(b'-')?;
    let day = scan.number(2, 1..=days_in_month(year, month))?;
    let days_ms = days_of_date(year, month, day) * 86_400_000;
    if scan.rest.is_empty() {
        return Some(days_ms);
    }
    scan.any(b"Tt ")?;
    let hour = scan.number(2, 0..=24)?;
    scan.expect(b':')?;
    let minute = scan.number(2, 0..=59)?;
    let second = if scan.any(b":").is_some() { scan.number(2, 0..=60)? } else { 0 };
    let fraction_ms = if scan.any(b".").is_some() { scan.fraction()? } else { 0 };
    let offset_minutes = scan.offset()?;
    let time_ms = ((hour * 60 + minute - offset_minutes) * 60 + second) * 1000 + fraction_ms;
    (scan.rest.is_empty() && (hour < 24 || minute + second + fraction_ms == 0))
        .then_some(days_ms + time_ms)
}

/// `2026-11-20T09:48:00.123Z`; `None` outside the years 0 to 9999, which have other forms.
pub(super) fn print(ms: i64) -> Option<String> {
    let (days, in_day) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    let (year, month, day) = date_of_days(days);
    if !(0..=9999).contains(&year) {
        return None;
    }
    let (hour, minute) = (in_day / 3_600_000, in_day / 60_000 % 60);
    let (second, fraction) = (in_day / 1_000 % 60, in_day % 1_000);
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:03}Z"))
}

/// What is left of the text.
struct Scan<'a> {
    rest: &'a [u8],
}

impl Scan<'_> {
    /// Takes one of these bytes.
    fn any(&mut self, bytes: &[u8]) -> Option<u8> {
        let (first, rest) = self.rest.split_first().filter(|(first, _)| bytes.contains(first))?;
        self.rest = rest;
        Some(*first)
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.any(&[byte]).map(|_| ())
    }

    /// Takes exactly `digits` digits.
    fn number(&mut self, digits: usize, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let taken = self.rest.get(..digits).filter(|taken| taken.iter().all(u8::is_ascii_digit))?;
        let number = taken.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        self.rest = &self.rest[digits..];
        range.contains(&number).then_some(number)
    }

    /// Four digits, or a sign and six as JavaScript prints far years.
    fn year(&mut self) -> Option<i64> {
        match self.any(b"+-") {
            Some(b'-') => self.number(6, 0..=999_999).map(|year| -year),
            Some(_) => self.number(6, 0..=999_999),
            None => self.number(4, 0..=9999),
        }
    }

    /// Any number of digits after the point, as milliseconds.
    fn fraction(&mut self) -> Option<i64> {
        let (mut ms, mut unit) = (0, 100);
        let first = self.any(b"0123456789")?;
        let mut digit = Some(first);
        while let Some(byte) = digit {
            ms += i64::from(byte - b'0') * unit;
            unit /= 10;
            digit = self.any(b"0123456789");
        }
        Some(ms)
    }

    /// `Z`, `+08:00` or `+0800`, in minutes; a time without a zone counts as UTC.
    fn offset(&mut self) -> Option<i64> {
        let sign = match self.any(b"Zz+-") {
            None | Some(b'Z' | b'z') => return Some(0),
            Some(b'-') => -1,
            Some(_) => 1,
        };
        let hours = self.number(2, 0..=23)?;
        self.any(b":");
        let minutes = self.number(2, 0..=59)?;
        Some(sign * (hours * 60 + minutes))
    }
}

#[cfg(test)]
mod tests {
    use super::{parse, print};

    #[test]
    fn what_is_printed_is_read_back() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_827_696_789, "2000-02-29T12:34:56.789Z"),
            (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(print(ms).as_deref(), Some(text));
        }
        for day in (-800_000..3_000_000).step_by(97) {
            if let Some(text) = print(day * 86_400_000) {
                assert_eq!(parse(&text), Some(day * 86_400_000), "{text}");
            }
        }
        assert_eq!(print(253_402_300_800_000), None);
        assert_eq!(print(i64::MIN), None);
    }

    #[test]
    fn reads_dates() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01", Some(0)),
            ("2000-02-29T12:34:56.789Z", Some(951_827_696_789)),
            ("2026-11-20T17:48:00+08:00", Some(1_795_168_080_000)),
            ("2026-11-20T09:48Z", Some(1_795_168_080_000)),
            ("2026-11-20 09:48:00.1239999Z", Some(1_795_168_080_123)),
            ("1969-12-31T23:59:59.999Z", Some(-1)),
            ("0001-01-01T00:00:00Z", Some(-62_135_596_800_000)),
            ("+010000-01-01T00:00:00Z", Some(253_402_300_800_000)),
            ("2023-02-29T00:00:00Z", None),
            ("2026-13-01", None),
            ("2026-11-20T", None),
            ("2026-11-20T25:00:00Z", None),
            ("2026-11-20T09:48:00Zx", None),
            ("2026-11-20T09:48:00.Z", None),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
