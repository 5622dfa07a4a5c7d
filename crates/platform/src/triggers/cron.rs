//! Cron as the vendor reads it: *second minute hour day month weekday year*, in UTC+8.
//!
//! Five fields mean no seconds and any year, six no year. Weekday 0 (and 7) is Sunday; where both
//! a day and a weekday are said, either is enough. Nothing here reads a clock.

use croner::Cron;
use croner::parser::CronParser;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

/// The fields in their order, as errors name them, with what may stand in them.
const FIELDS: [(&str, &str, &str); 7] = [
    ("second", "秒", "0-59"),
    ("minute", "分", "0-59"),
    ("hour", "时", "0-23"),
    ("day", "日", "1-31"),
    ("month", "月", "1-12, JAN-DEC"),
    ("weekday", "星期", "0-7, SUN-SAT"),
    ("year", "年", "2026"),
];

/// When a timer is due.
#[derive(Debug, Clone)]
pub struct Schedule {
    cron: Cron,
}

impl Schedule {
    /// Reads an expression of five, six or seven fields.
    ///
    /// # Errors
    /// A sentence in both languages that names the field that is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let first = match fields.len() {
            5 => 1,
            6 | 7 => 0,
            count => {
                return Err(format!(
                    "a cron expression has 5, 6 or 7 fields (second minute hour day month weekday \
                     year), not {count} / cron 表达式须为 5、6 或 7 段(秒 分 时 日 月 星期 年),\
                     当前为 {count} 段"
                ));
            }
        };
        for (field, place) in fields.iter().zip(first..) {
            check_field(field, place)?;
        }
        let schedule = parse(text).map_err(|error| format!("{error} / cron 表达式有误"))?;
        Ok(Self { cron: schedule })
    }

    /// The first tick after this moment, in ms since 1970; none when there is none any more.
    #[must_use]
    pub fn next_after(&self, moment_ms: i64) -> Option<i64> {
        // Ticks are whole seconds: the first one after x.9 s is the first one after x s.
        let from = zoned(moment_ms.div_euclid(1_000))?;
        let next = self.cron.find_next_occurrence(&from, false).ok()?;
        Some(next.timestamp().as_second() * 1_000)
    }

    /// The last tick at this moment or before it, in ms since 1970.
    #[must_use]
    pub fn last_until(&self, moment_ms: i64) -> Option<i64> {
        let until = zoned(moment_ms.div_euclid(1_000))?;
        let last = self.cron.find_previous_occurrence(&until, true).ok()?;
        Some(last.timestamp().as_second() * 1_000)
    }
}

/// A moment on the clocks of Beijing.
fn zoned(second: i64) -> Option<Zoned> {
    let timestamp = Timestamp::from_second(second).ok()?;
    Some(timestamp.to_zoned(TimeZone::fixed(Offset::constant(8))))
}

/// `2024-01-01T02:00:00Z`, as events say it.
#[must_use]
pub fn iso(moment_ms: i64) -> String {
    Timestamp::from_second(moment_ms.div_euclid(1_000))
        .map_or_else(|_| moment_ms.to_string(), |timestamp| timestamp.to_string())
}

/// `0/10` and a weekday beside a day mean what they mean to the vendor.
fn parse(text: &str) -> Result<Cron, croner::errors::CronError> {
    CronParser::builder().sloppy_ranges(true).dom_and_dow(false).build().parse(text)
}

/// One field, alone among stars, so that an error can say which it is.
fn check_field(field: &str, place: usize) -> Result<(), String> {
    let (name, name_zh, values) = FIELDS[place];
    let mut alone = ["*"; 7];
    alone[place] = field;
    let reason = if field.contains('?') && place != 3 && place != 5 {
        "? stands only for a day or a weekday".to_owned()
    } else if field.contains('@') || field.starts_with('+') {
        "@ and + are not known here".to_owned()
    } else {
        match parse(&alone.join(" ")) {
            Ok(_) => return Ok(()),
            Err(_) => format!("write {values}, or * and lists, ranges and steps (1,5 1-5 0/10)"),
        }
    };
    Err(format!(
        "the field '{name}' of the cron expression is wrong: '{field}': {reason} / cron 表达式的\
         「{name_zh}」字段有误:'{field}',可写 {values}、* 或 1,5、1-5、0/10 等形式"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-20 00:00:00 UTC+8, a Friday.
    const FRIDAY_MS: i64 = 1_795_104_000_000;
    const HOUR_MS: i64 = 3_600_000;
    const DAY_MS: i64 = 24 * HOUR_MS;

    fn nexts(text: &str, count: usize) -> Vec<i64> {
        let schedule = Schedule::parse(text).unwrap();
        let mut moment = FRIDAY_MS - 1;
        let mut found = Vec::new();
        for _ in 0..count {
            moment = schedule.next_after(moment).unwrap();
            found.push(moment - FRIDAY_MS);
        }
        found
    }

    #[test]
    fn expressions_of_real_projects_mean_what_they_mean_to_the_vendor() {
        const S: i64 = 1_000;
        const M: i64 = 60 * S;
        const H: i64 = HOUR_MS;
        const D: i64 = DAY_MS;
        for (text, expected) in [
            ("*/5 * * * * * *", vec![0, 5 * S, 10 * S]),
            ("1/5 * * * * * *", vec![S, 6 * S, 11 * S]),
            ("* * * * * * *", vec![0, S, 2 * S]),
            ("0 */30 * * * * *", vec![0, 30 * M, H]),
            ("0 */59 * * * * *", vec![0, 59 * M, H, H + 59 * M]),
            ("0 0 10,14,16,23 * * * *", vec![10 * H, 14 * H, 16 * H, 23 * H, D + 10 * H]),
            ("0 30 9 * * ? *", vec![9 * H + 30 * M, D + 9 * H + 30 * M]),
            ("0 30 */1 * * * *", vec![30 * M, H + 30 * M]),
            ("0 0 */7 * * * *", vec![0, 7 * H, 14 * H, 21 * H, D]),
            // Five fields: no seconds. Six: no year.
            ("0 2 * * *", vec![2 * H, D + 2 * H]),
            ("0 0 */2 * * *", vec![0, 2 * H]),
            ("3 0 15 * * MON-FRI *", vec![15 * H + 3 * S, 3 * D + 15 * H + 3 * S]),
            // Weekday 0 is Sunday, 1 Monday; a day or a weekday is enough.
            ("0 0 9 * * 1 *", vec![3 * D + 9 * H]),
            ("0 0 9 * * 0 *", vec![2 * D + 9 * H]),
            ("0 0 9 22 * 1 *", vec![2 * D + 9 * H, 3 * D + 9 * H, 10 * D + 9 * H]),
            ("0 0 0 1 JAN,DEC * *", vec![11 * D]),
        ] {
            assert_eq!(nexts(text, expected.len()), expected, "{text}");
        }
    }

    #[test]
    fn the_last_tick_is_found_and_years_end() {
        let schedule = Schedule::parse("0 0 2 * * * 2026").unwrap();
        assert_eq!(schedule.last_until(FRIDAY_MS), Some(FRIDAY_MS - 22 * HOUR_MS));
        assert_eq!(
            schedule.last_until(FRIDAY_MS + 2 * HOUR_MS),
            Some(FRIDAY_MS + 2 * HOUR_MS),
            "a tick at this very moment counts"
        );
        assert_eq!(schedule.next_after(FRIDAY_MS + 60 * DAY_MS), None);
        assert_eq!(iso(FRIDAY_MS), "2026-11-19T16:00:00Z");
    }

    #[test]
    fn a_malformed_expression_names_its_field() {
        for (text, field) in [
            ("60 * * * * * *", "second"),
            ("0 61 * * * * *", "minute"),
            ("0 0 24 * * * *", "hour"),
            ("25 * * *", "5, 6 or 7"),
            ("* 25 * * *", "hour"),
            ("0 0 0 32 * * *", "day"),
            ("0 0 0 * 13 * *", "month"),
            ("0 0 0 * FOO * *", "month"),
            ("0 0 0 * * 8 *", "weekday"),
            ("0 0 0 * * * x", "year"),
            ("0 0 0 */0 * * *", "day"),
            ("? 0 0 * * * *", "second"),
            ("", "5, 6 or 7"),
            ("@daily", "5, 6 or 7"),
        ] {
            let error = Schedule::parse(text).unwrap_err();
            assert!(error.contains(field), "{text}: {error}");
            assert!(error.contains(" / "), "{text}: {error}");
        }
    }
}
