//! The Gregorian calendar, forwards and backwards without end, as plain arithmetic.

use value::calendar::{date_of_days, days_in_month, days_of_date};

/// Milliseconds of a day.
pub(super) const DAY_MS: i64 = 86_400_000;

/// A moment taken apart; which zone it is in is the caller's matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Civil {
    pub(super) year: i64,
    /// 1 to 12.
    pub(super) month: i64,
    /// 1 to 31.
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) millisecond: i64,
}

impl Civil {
    /// The moment so many milliseconds after 1970.
    pub(super) fn of(ms: i64) -> Civil {
        let (year, month, day) = date_of_days(ms.div_euclid(DAY_MS));
        let time = ms.rem_euclid(DAY_MS);
        Civil {
            year,
            month,
            day,
            hour: time / 3_600_000,
            minute: time / 60_000 % 60,
            second: time / 1000 % 60,
            millisecond: time % 1000,
        }
    }

    /// Milliseconds since 1970; parts beyond their range carry over. `None` beyond 64 bits.
    pub(super) fn ms(&self) -> Option<i64> {
        let months = self.month.checked_sub(1)?;
        let year = self.year.checked_add(months.div_euclid(12))?;
        if year.abs() > 200_000_000 {
            return None;
        }
        let first = days_of_date(year, months.rem_euclid(12) + 1, 1);
        let days = first.checked_add(self.day.checked_sub(1)?)?;
        let minutes = self.hour.checked_mul(60)?.checked_add(self.minute)?;
        let seconds = minutes.checked_mul(60)?.checked_add(self.second)?;
        let time = seconds.checked_mul(1000)?.checked_add(self.millisecond)?;
        days.checked_mul(DAY_MS)?.checked_add(time)
    }

    /// Days since 1970-01-01.
    pub(super) fn days(&self) -> i64 {
        days_of_date(self.year, self.month, self.day)
    }

    /// 1 is Sunday.
    pub(super) fn day_of_week(&self) -> i64 {
        (self.days() + 4).rem_euclid(7) + 1
    }

    /// 1 is Monday.
    pub(super) fn iso_day_of_week(&self) -> i64 {
        (self.days() + 3).rem_euclid(7) + 1
    }

    /// 1 is the first of January.
    pub(super) fn day_of_year(&self) -> i64 {
        self.days() - days_of_date(self.year, 1, 1) + 1
    }

    /// Weeks begin on Sundays; days before the first one are in week 0.
    pub(super) fn week(&self) -> i64 {
        (self.day_of_year() + 7 - self.day_of_week()) / 7
    }

    /// Year and week by ISO 8601: weeks begin on Mondays, the first has the first Thursday.
    pub(super) fn iso_week(&self) -> (i64, i64) {
        let thursday = self.days() + 4 - self.iso_day_of_week();
        let year = date_of_days(thursday).0;
        (year, (thursday - days_of_date(year, 1, 1)) / 7 + 1)
    }

    /// A quarter later is three months later; a day that the month has not becomes its last.
    pub(super) fn plus_months(&self, months: i64) -> Option<Civil> {
        let total = self.year.checked_mul(12)?.checked_add(self.month - 1)?.checked_add(months)?;
        let (year, month) = (total.div_euclid(12), total.rem_euclid(12) + 1);
        Some(Civil { year, month, day: self.day.min(days_in_month(year, month)), ..*self })
    }
}

/// Days since 1970-01-01 of a day of an ISO week.
pub(super) fn days_of_iso_week(year: i64, week: i64, day: i64) -> Option<i64> {
    if year.abs() > 200_000_000 {
        return None;
    }
    let fourth = days_of_date(year, 1, 4);
    let monday = fourth - (fourth + 3).rem_euclid(7);
    monday.checked_add(week.checked_sub(1)?.checked_mul(7)?)?.checked_add(day.checked_sub(1)?)
}
