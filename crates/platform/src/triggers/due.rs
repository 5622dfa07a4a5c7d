//! Which ticks of a timer are due, as a pure function of how far it has come and what time it is.

use super::cron::Schedule;

/// How late a tick may be and still be run for itself, in ms.
pub(super) const FRESH_MS: i64 = 10_000;

/// What is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing yet: the next tick, `i64::MAX` when there is none.
    Later(i64),
    /// Ticks that are due for a moment only, each to be run for itself.
    Now(Vec<i64>),
    /// Ticks that nobody looked at for too long, as one group.
    Passed {
        /// The first of them.
        first: i64,
        /// The last of them.
        last: i64,
    },
}

/// What is due after the tick `last`, at the time `now_ms`; all in ms since 1970.
pub(super) fn between(schedule: &Schedule, last: i64, now_ms: i64) -> Due {
    let first = match schedule.next_after(last) {
        None => return Due::Later(i64::MAX),
        Some(first) if first > now_ms => return Due::Later(first),
        Some(first) => first,
    };
    if now_ms - first > FRESH_MS {
        return Due::Passed { first, last: schedule.last_until(now_ms).unwrap_or(first) };
    }
    let mut ticks = vec![first];
    let mut tick = first;
    // At most one tick per second.
    while let Some(next) = schedule.next_after(tick).filter(|next| *next <= now_ms) {
        ticks.push(next);
        tick = next;
    }
    Due::Now(ticks)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_795_104_000_000;

    #[test]
    fn fresh_ticks_are_run_one_by_one() {
        let every_second = Schedule::parse("* * * * * * *").unwrap();
        let due = |last, now| between(&every_second, NOW_MS + last, NOW_MS + now);
        assert_eq!(due(0, 999), Due::Later(NOW_MS + 1_000));
        assert_eq!(due(0, 1_000), Due::Now(vec![NOW_MS + 1_000]));
        assert_eq!(due(0, 2_500), Due::Now(vec![NOW_MS + 1_000, NOW_MS + 2_000]));
        // A deployment lies between two seconds.
        assert_eq!(due(300, 999), Due::Later(NOW_MS + 1_000));
        let Due::Now(ticks) = due(0, 10_000) else { panic!() };
        assert_eq!(ticks.len(), 10);
    }

    #[test]
    fn old_ticks_are_one_group_however_many() {
        let every_second = Schedule::parse("* * * * * * *").unwrap();
        let a_year = 365 * 86_400_000;
        assert_eq!(
            between(&every_second, NOW_MS - a_year, NOW_MS + 500),
            Due::Passed { first: NOW_MS - a_year + 1_000, last: NOW_MS }
        );
        let daily = Schedule::parse("0 0 2 * * * *").unwrap();
        let two = NOW_MS + 2 * 3_600_000;
        assert_eq!(
            between(&daily, NOW_MS, two + FRESH_MS + 1),
            Due::Passed { first: two, last: two }
        );
        assert_eq!(between(&daily, NOW_MS, two + FRESH_MS), Due::Now(vec![two]));
    }

    #[test]
    fn a_clock_that_was_set_back_runs_nothing_twice() {
        let every_second = Schedule::parse("* * * * * * *").unwrap();
        assert_eq!(between(&every_second, NOW_MS, NOW_MS - 60_000), Due::Later(NOW_MS + 1_000));
    }

    #[test]
    fn a_timer_may_have_no_ticks_any_more() {
        let past = Schedule::parse("0 0 0 1 1 * 2020").unwrap();
        assert_eq!(between(&past, NOW_MS, NOW_MS), Due::Later(i64::MAX));
    }
}
