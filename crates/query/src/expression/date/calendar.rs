//! The Gregorian calendar, forwards and backwards without end, as plain arithmetic.

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
        let (year, month, day) = civil_of_days(ms.div_euclid(DAY_MS));
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
        let first = days_of_civil(year, months.rem_euclid(12) + 1, 1);
        let days = first.checked_add(self.day.checked_sub(1)?)?;
        let minutes = self.hour.checked_mul(60)?.checked_add(self.minute)?;
        let seconds = minutes.checked_mul(60)?.checked_add(self.second)?;
        let time = seconds.checked_mul(1000)?.checked_add(self.millisecond)?;
        days.checked_mul(DAY_MS)?.checked_add(time)
    }

    /// Days since 1970-01-01.
    pub(super) fn days(&self) -> i64 {
        days_of_civil(self.year, self.month, self.day)
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
        self.days() - days_of_civil(self.year, 1, 1) + 1
    }

    /// Weeks begin on Sundays; days before the first one are in week 0.
    pub(super) fn week(&self) -> i64 {
        (self.day_of_year() + 7 - self.day_of_week()) / 7
    }

    /// Year and week by ISO 8601: weeks begin on Mondays, the first has the first Thursday.
    pub(super) fn iso_week(&self) -> (i64, i64) {
        let thursday = self.days() + 4 - self.iso_day_of_week();
        let year = civil_of_days(thursday).0;
        (year, (thursday - days_of_civil(year, 1, 1)) / 7 + 1)
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
    let fourth = days_of_civil(year, 1, 4);
    let monday = fourth - (fourth + 3).rem_euclid(7);
    monday.checked_add(week.checked_sub(1)?.checked_mul(7)?)?.checked_add(day.checked_sub(1)?)
}

pub(super) fn days_in_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01. Years are counted from March, so that the leap day is their last.
pub(super) fn days_of_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_of_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}
