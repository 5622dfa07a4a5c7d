//! Time zones: offsets such as `+08:00`, and names such as `Asia/Shanghai` from the table that is
//! part of the program. The machine's own zones are never asked.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use value::View;

use crate::Error;
use crate::expression::operator::{wrong, wrong_kind};
use crate::expression::scope::Found;

/// A time zone.
#[derive(Debug, Clone)]
pub(super) enum Zone {
    /// Milliseconds ahead of UTC.
    Fixed(i64),
    Named(TimeZone),
}

impl Zone {
    pub(super) const UTC: Zone = Zone::Fixed(0);

    /// The zone of an operand: UTC when there is none; `None` when it is null.
    pub(super) fn of(operator: &str, found: &Found<'_>) -> Result<Option<Zone>, Error> {
        match found.view() {
            None if matches!(found, Found::Missing) => Ok(Some(Zone::UTC)),
            None | Some(View::Null) => Ok(None),
            Some(View::String(name)) => Zone::parse(name).map(Some).ok_or_else(|| {
                wrong(
                    operator,
                    &format!("a time zone such as +08:00 or Asia/Shanghai, not '{name}'"),
                    &format!("时区,如 +08:00 或 Asia/Shanghai,而不是 '{name}'"),
                )
            }),
            Some(_) => Err(wrong_kind(operator, "text as timezone", "文本作为 timezone", found)),
        }
    }

    pub(super) fn parse(name: &str) -> Option<Zone> {
        if matches!(name, "UTC" | "GMT" | "Z" | "z" | "utc") {
            return Some(Zone::UTC);
        }
        if name.starts_with(['+', '-']) {
            return parse_offset(name).map(Zone::Fixed);
        }
        TimeZone::get(name).ok().map(Zone::Named)
    }

    pub(super) fn is_utc(&self) -> bool {
        matches!(self, Zone::Fixed(0))
    }

    /// Milliseconds ahead of UTC at a moment.
    pub(super) fn offset_ms(&self, ms: i64) -> i64 {
        match self {
            Zone::Fixed(offset) => *offset,
            Zone::Named(zone) => {
                let least = Timestamp::MIN.as_millisecond();
                let most = Timestamp::MAX.as_millisecond();
                let moment = Timestamp::from_millisecond(ms.clamp(least, most));
                moment.map_or(0, |moment| i64::from(zone.to_offset(moment).seconds()) * 1000)
            }
        }
    }

    /// What the clocks show at a moment.
    pub(super) fn local(&self, ms: i64) -> i64 {
        ms.saturating_add(self.offset_ms(ms))
    }

    /// The moment at which clocks show this; the first of two, and after a gap as much later as it
    /// is long.
    pub(super) fn moment(&self, local: i64) -> i64 {
        let before = self.offset_ms(local.saturating_sub(super::calendar::DAY_MS));
        let after = self.offset_ms(local.saturating_add(super::calendar::DAY_MS));
        let early = local.saturating_sub(before);
        let late = local.saturating_sub(after);
        if before == after || self.offset_ms(early) == before {
            early
        } else if self.offset_ms(late) == after {
            late
        } else {
            early
        }
    }
}

/// `+08:00`, `+0800` or `+08`, in milliseconds.
pub(super) fn parse_offset(text: &str) -> Option<i64> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let digits: String = rest.chars().filter(|letter| *letter != ':').collect();
    let fine = matches!(digits.len(), 2 | 4) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !fine || !matches!(rest.len(), 2 | 4 | 5) {
        return None;
    }
    let hours: i64 = digits[..2].parse().ok()?;
    let minutes: i64 = if digits.len() == 4 { digits[2..].parse().ok()? } else { 0 };
    (minutes < 60).then_some(sign * (hours * 60 + minutes) * 60_000)
}
