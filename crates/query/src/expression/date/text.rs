//! Dates as text: printing and reading by a format, and reading the usual forms without one.

use value::calendar::days_in_month;

use super::calendar::{Civil, days_of_iso_week};
use super::zone::{Zone, parse_offset};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A moment as ISO 8601 with milliseconds.
pub(in crate::expression) fn print_iso(ms: i64) -> String {
    print("%Y-%m-%dT%H:%M:%S.%LZ", ms, &Zone::UTC).unwrap_or_default()
}

/// A moment by a format; `None` when the format has an unknown specifier.
pub(super) fn print(format: &str, ms: i64, zone: &Zone) -> Option<String> {
    let civil = Civil::of(zone.local(ms));
    let mut out = String::with_capacity(format.len() + 16);
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            out.push(letter);
            continue;
        }
        let part = match letters.next()? {
            'Y' => format!("{:04}", civil.year),
            'm' => format!("{:02}", civil.month),
            'd' => format!("{:02}", civil.day),
            'H' => format!("{:02}", civil.hour),
            'M' => format!("{:02}", civil.minute),
            'S' => format!("{:02}", civil.second),
            'L' => format!("{:03}", civil.millisecond),
            'j' => format!("{:03}", civil.day_of_year()),
            'w' => civil.day_of_week().to_string(),
            'u' => civil.iso_day_of_week().to_string(),
            'U' => format!("{:02}", civil.week()),
            'V' => format!("{:02}", civil.iso_week().1),
            'G' => format!("{:04}", civil.iso_week().0),
            'b' => month(&civil)[..3].to_owned(),
            'B' => month(&civil).to_owned(),
            'z' => offset(zone.offset_ms(ms)),
            'Z' => (zone.offset_ms(ms) / 60_000).to_string(),
            '%' => "%".to_owned(),
            _ => return None,
        };
        out.push_str(&part);
    }
    Some(out)
}

fn month(civil: &Civil) -> &'static str {
    usize::try_from(civil.month - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or("???")
}

fn offset(ms: i64) -> String {
    let sign = if ms < 0 { '-' } else { '+' };
    let minutes = ms.abs() / 60_000;
    format!("{sign}{:02}{:02}", minutes / 60, minutes % 60)
}

/// What a text holds of a date.
#[derive(Debug, Default)]
struct Parts {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    iso_year: Option<i64>,
    iso_week: Option<i64>,
    iso_day: Option<i64>,
    time: [i64; 4],
    offset: Option<i64>,
}

impl Parts {
    /// The moment; a zone in the text wins over the one around it only when that one is UTC.
    fn moment(&self, zone: &Zone) -> Option<i64> {
        let [hour, minute, second, millisecond] = self.time;
        if hour > 24 || minute > 59 || second > 60 {
            return None;
        }
        let (year, month, day) = match (self.iso_year, self.day_of_year) {
            (Some(year), _) => {
                let week = self.iso_week.unwrap_or(1);
                let days = days_of_iso_week(year, week, self.iso_day.unwrap_or(1))?;
                (1970, 1, days + 1)
            }
            (None, Some(day)) => (self.year?, 1, day),
            (None, None) => {
                let (year, month, day) = (self.year?, self.month?, self.day?);
                let fits =
                    (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
                if !fits {
                    return None;
                }
                (year, month, day)
            }
        };
        let local = Civil { year, month, day, hour, minute, second, millisecond }.ms()?;
        match self.offset {
            Some(offset) => local.checked_sub(offset),
            None => Some(zone.moment(local)),
        }
    }
}

/// Why a text is no date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    Format,
    Text,
    /// Both the text and the call name a zone.
    TwoZones,
}

/// Reads a text by a format.
pub(super) fn parse_by(format: &str, text: &str, zone: Option<&Zone>) -> Result<i64, Broken> {
    let (mut parts, mut rest) = (Parts::default(), text);
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            rest = rest.strip_prefix(letter).ok_or(Broken::Text)?;
            continue;
        }
        let specifier = letters.next().ok_or(Broken::Format)?;
        rest = read(specifier, rest, &mut parts)?;
    }
    if !rest.is_empty() {
        return Err(Broken::Text);
    }
    if parts.offset.is_some() && zone.is_some() {
        return Err(Broken::TwoZones);
    }
    parts.moment(zone.unwrap_or(&Zone::UTC)).ok_or(Broken::Text)
}

/// Reads one specifier and gives what is left.
fn read<'t>(specifier: char, text: &'t str, parts: &mut Parts) -> Result<&'t str, Broken> {
    let number = |least, most| digits(text, least, most).ok_or(Broken::Text);
    let keep = |place: &mut Option<i64>, least, most| {
        let (found, rest) = number(least, most)?;
        *place = Some(found);
        Ok(rest)
    };
    match specifier {
        'Y' => keep(&mut parts.year, 4, 4),
        'm' => keep(&mut parts.month, 1, 2),
        'd' => keep(&mut parts.day, 1, 2),
        'j' => keep(&mut parts.day_of_year, 1, 3),
        'G' => keep(&mut parts.iso_year, 4, 4),
        'V' => keep(&mut parts.iso_week, 1, 2),
        'u' => keep(&mut parts.iso_day, 1, 1),
        'H' | 'M' | 'S' | 'L' => {
            let (found, rest) = number(1, if specifier == 'L' { 3 } else { 2 })?;
            let at = "HMSL".find(specifier).unwrap_or(0);
            parts.time[at] = found;
            Ok(rest)
        }
        'b' | 'B' => {
            let fits = |name: &str| {
                let name = if specifier == 'b' { &name[..3] } else { name };
                text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
            };
            let at = MONTHS.iter().position(|name| fits(name)).ok_or(Broken::Text)?;
            parts.month = Some(at as i64 + 1);
            Ok(&text[if specifier == 'b' { 3 } else { MONTHS[at].len() }..])
        }
        'z' => {
            let (offset, rest) = zone_offset(text).ok_or(Broken::Text)?;
            parts.offset = Some(offset);
            Ok(rest)
        }
        'Z' => {
            let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
            let (minutes, rest) = digits(unsigned, 1, 4).ok_or(Broken::Text)?;
            let sign = if text.starts_with('-') { -1 } else { 1 };
            parts.offset = Some(sign * minutes * 60_000);
            Ok(rest)
        }
        '%' => text.strip_prefix('%').ok_or(Broken::Text),
        _ => Err(Broken::Format),
    }
}

/// Between so many digits, as many as there are.
fn digits(text: &str, least: usize, most: usize) -> Option<(i64, &str)> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if count < least {
        return None;
    }
    Some((text[..count].parse().ok()?, &text[count..]))
}

/// `Z`, `UTC`, `GMT`, `+08:00` and its short forms, in milliseconds.
fn zone_offset(text: &str) -> Option<(i64, &str)> {
    for name in ["UTC", "GMT", "Z", "z"] {
        if let Some(rest) = text.strip_prefix(name) {
            return Some((0, rest));
        }
    }
    [6, 5, 3].into_iter().find_map(|length| {
        let offset = parse_offset(text.get(..length)?)?;
        Some((offset, &text[length..]))
    })
}

/// Reads the usual forms in UTC; `None` when it is none of them.
pub(in crate::expression) fn parse_text(text: &str) -> Option<i64> {
    parse_free(text, None).ok()
}

/// Reads `2026-11-20`, `2026-11-20T17:48:00.123+08:00`, `2026/11/20 17:48` and `11/20/2026`.
pub(super) fn parse_free(text: &str, zone: Option<&Zone>) -> Result<i64, Broken> {
    let (parts, rest) = free_date(text.trim()).ok_or(Broken::Text)?;
    let parts = free_time(parts, rest).ok_or(Broken::Text)?;
    if parts.offset.is_some() && zone.is_some() {
        return Err(Broken::TwoZones);
    }
    parts.moment(zone.unwrap_or(&Zone::UTC)).ok_or(Broken::Text)
}

fn free_date(text: &str) -> Option<(Parts, &str)> {
    let (first, rest) = digits(text, 1, 4)?;
    let separator = rest.chars().next().filter(|letter| "-/".contains(*letter))?;
    let (second, rest) = digits(&rest[1..], 1, 2)?;
    let (third, rest) = digits(rest.strip_prefix(separator)?, 1, 4)?;
    let year_first = text.len() - rest.len() >= 8 && first > 31;
    let (year, month, day) = match (year_first, separator) {
        (true, _) => (first, second, third),
        (false, '/') if third > 31 => (third, first, second),
        _ => return None,
    };
    Some((Parts { year: Some(year), month: Some(month), day: Some(day), ..Parts::default() }, rest))
}

fn free_time(mut parts: Parts, text: &str) -> Option<Parts> {
    let Some(rest) = text.strip_prefix(['T', 't', ' ']) else {
        if text.is_empty() {
            return Some(parts);
        }
        let (offset, rest) = zone_offset(text)?;
        parts.offset = Some(offset);
        return rest.is_empty().then_some(parts);
    };
    let (hour, rest) = digits(rest, 1, 2)?;
    let (minute, mut rest) = digits(rest.strip_prefix(':')?, 2, 2)?;
    parts.time = [hour, minute, 0, 0];
    if let Some(seconds) = rest.strip_prefix(':') {
        (parts.time[2], rest) = digits(seconds, 2, 2)?;
        if let Some(fraction) = rest.strip_prefix(['.', ',']) {
            let count = fraction.bytes().take_while(u8::is_ascii_digit).count();
            let padded: String = fraction[..count].chars().chain("000".chars()).take(3).collect();
            parts.time[3] = if count == 0 { return None } else { padded.parse().ok()? };
            rest = &fraction[count..];
        }
    }
    let rest = rest.trim_start();
    if rest.is_empty() {
        return Some(parts);
    }
    match zone_offset(rest) {
        Some((offset, "")) => parts.offset = Some(offset),
        _ => {
            // A name: the offset at the moment the clocks there show this.
            let zone = Zone::parse(rest)?;
            let local = parts.moment(&Zone::UTC)?;
            parts.offset = Some(local - zone.moment(local));
        }
    }
    Some(parts)
}
