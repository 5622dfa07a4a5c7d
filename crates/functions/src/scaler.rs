//! How many workers a function should have, and who gives way when there is no room.
//!
//! The policy, for one function:
//!
//! * The first call that finds no worker gets one at once.
//! * *Queue*: when the calls in line would take longer than [`PATIENCE`] to begin, as many workers
//!   are added as would bring that back, never more than calls wait. Before anybody knows how long
//!   a call takes, one is added each time a call has waited that long.
//! * *Rate*: ten times a second the arrivals of the next moment are foreseen (a ramp goes on as it
//!   began); rate × time of a call, half as much again, is how many workers are busy then.
//! * Calls under [`QUICK`], and those seen to wait for nothing, use a processor all the time, so
//!   their function gets no more workers than there are processors, not counting those that are
//!   held up: by a call that takes much longer than its fellows and waits for something.
//!   [`max_instances`](crate::Settings::max_instances) is never passed.
//! * A worker that had no call for the idle time leaves, but not the last `min_instances`. The
//!   one used last is used first, so what is too many becomes idle.
//!
//! For the server: workers in service stay within `workers_max` and the sum of their memory
//! settings within `memory_budget_mb`; settings and not measurements, because a limit that holds
//! only until everybody works at once is none. When there is no room, an idle worker goes: of the
//! function with the most idle ones, and among equals the longest idle. When nobody idles, a
//! function without any worker stands first in line, and the function with the most workers gives
//! one up after its call. After [`STUCK`] it gets one beyond the limit: those who hold the
//! workers may be waiting for its answer.
//!
//! Everything here is arithmetic; it refuses to know processes, locks and clocks.

use std::time::{Duration, Instant};

/// How long a call should wait for a worker at most while others run.
pub(crate) const PATIENCE: Duration = Duration::from_millis(10);
/// Calls that take less than this on average are all work and no waiting.
pub(crate) const QUICK: Duration = Duration::from_millis(2);
/// A function without a worker gets one beyond the limits after this time.
pub(crate) const STUCK: Duration = Duration::from_secs(1);
/// Workers of one function that may be starting at once while nobody knows how long a call takes.
const STARTING_UNKNOWN_MAX: usize = 2;
/// Arrivals are counted over this time.
const WINDOW: Duration = Duration::from_millis(100);
/// Workers for the foreseen rate, beyond those that would be busy on average.
const HEADROOM: f64 = 1.5;
/// Calls that wait for less than the rest of their time are all work.
const ALL_WORK: f64 = 0.8;
/// So many times as long as the others.
const UNLIKE: u32 = 4;
/// Claims of the last while for which one more worker waits.
const CLAIMS_PER_WAITING: usize = 2;

/// What is known of one function at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Calls in line.
    pub queued: usize,
    /// How long the first of them waits.
    pub oldest: Duration,
    /// Workers, starting ones included.
    pub workers: usize,
    pub starting: usize,
    /// How long a call takes; unknown before the first.
    pub mean: Option<Duration>,
    /// Which part of that time a worker is at work.
    pub busy: f64,
    /// Workers whose call waits for something, unlike its fellows.
    pub held_up: usize,
    /// Foreseen calls per second.
    pub rate: f64,
    /// Its `max_instances`.
    pub most: usize,
    pub processors: usize,
}

/// How many workers a function needs beyond those it has or has asked for.
pub(crate) fn missing(load: &Load) -> usize {
    if load.workers == 0 {
        return usize::from(load.queued > 0 && load.most > 0);
    }
    let (for_queue, for_rate) = match load.mean {
        Some(mean) => (for_queue(load, mean), for_rate(load.rate, mean)),
        None => (0, 0),
    };
    let starting_max = match load.mean {
        Some(_) => load.processors * 2,
        None => STARTING_UNKNOWN_MAX,
    };
    let impatient = usize::from(load.queued > 0 && load.oldest >= PATIENCE);
    let wanted = for_queue.saturating_sub(load.starting).max(for_rate.saturating_sub(load.workers));
    let wanted = wanted.max(impatient).min(starting_max.saturating_sub(load.starting));
    let all_work = load.mean.is_some_and(|mean| mean < QUICK) || is_all_work(load.busy);
    let most = if all_work { load.most.min(load.processors + load.held_up) } else { load.most };
    wanted.min(most.saturating_sub(load.workers))
}

/// Whether calls use a processor all the time: beyond the number of processors, more workers only
/// take turns. The time of a call does not tell, because it grows when others are at work.
pub(crate) fn is_all_work(busy: f64) -> bool {
    busy >= ALL_WORK
}

/// A call that takes so long is unlike the others.
pub(crate) fn unlike(mean: Duration) -> Duration {
    PATIENCE.max(mean * UNLIKE)
}

/// Workers without which the line would take longer than [`PATIENCE`].
fn for_queue(load: &Load, mean: Duration) -> usize {
    let patient = mean.as_nanos() * load.queued as u128 / PATIENCE.as_nanos();
    usize::try_from(patient).unwrap_or(usize::MAX).min(load.queued)
}

/// Workers that the foreseen calls keep busy, with room to spare.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rounded positive number; beyond the range it saturates"
)]
fn for_rate(rate: f64, mean: Duration) -> usize {
    (rate * mean.as_secs_f64() * HEADROOM).round() as usize
}

/// Counts arrivals and foresees them.
#[derive(Debug)]
pub(crate) struct Arrivals {
    since: Instant,
    count: u32,
    last: f64,
    /// Calls per second in the next moment.
    pub forecast: f64,
}

impl Arrivals {
    pub(crate) fn new(now: Instant) -> Self {
        Self { since: now, count: 0, last: 0.0, forecast: 0.0 }
    }

    /// One call arrives. True when there is a new forecast.
    pub(crate) fn note(&mut self, now: Instant) -> bool {
        self.count += 1;
        let elapsed = now.duration_since(self.since);
        if elapsed < WINDOW {
            return false;
        }
        let rate = f64::from(self.count) / elapsed.as_secs_f64();
        // What grew goes on growing, at most to twice as much; what shrank is believed at once.
        self.forecast = rate + (rate - self.last).clamp(0.0, rate);
        (self.since, self.count, self.last) = (now, 0, rate);
        true
    }
}

/// What workers in service may use together, or do use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub workers: usize,
    pub memory_mb: u64,
}

/// Whether one more worker of this size stays within the limits.
pub(crate) fn fits(used: Usage, limits: Usage, memory_mb: u64) -> bool {
    used.workers < limits.workers && used.memory_mb.saturating_add(memory_mb) <= limits.memory_mb
}

/// What another function holds when somebody needs room.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Holding {
    pub workers: usize,
    /// Idle workers it need not keep.
    pub spare: usize,
    /// Since when the least used one idles.
    pub idle_since: Option<Instant>,
}

/// Whose idle worker goes: who has the most of them, then the longest idle.
pub(crate) fn gives_idle(holdings: &[Holding]) -> Option<usize> {
    let spare = holdings.iter().enumerate().filter(|(_, holding)| holding.spare > 0);
    spare
        .max_by(|(_, a), (_, b)| {
            a.spare.cmp(&b.spare).then_with(|| b.idle_since.cmp(&a.idle_since))
        })
        .map(|(at, _)| at)
}

/// Who gives up a busy worker, after its call, for a function that has none.
pub(crate) fn gives_busy(holdings: &[Holding]) -> Option<usize> {
    let many = holdings.iter().enumerate().filter(|(_, holding)| holding.workers > 1);
    many.max_by_key(|(_, holding)| holding.workers).map(|(at, _)| at)
}

/// How many workers should wait: those that were asked for, and more while many are claimed.
pub(crate) fn waiting_wanted(asked_for: usize, claimed_lately: usize, processors: usize) -> usize {
    if asked_for == 0 {
        return 0;
    }
    let most = asked_for.max(processors * 2);
    asked_for.max(claimed_lately.div_ceil(CLAIMS_PER_WAITING)).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    const QUIET: Load = Load {
        queued: 0,
        oldest: Duration::ZERO,
        workers: 1,
        starting: 0,
        mean: None,
        busy: 0.0,
        held_up: 0,
        rate: 0.0,
        most: 100,
        processors: 4,
    };

    #[test]
    fn workers_are_added_by_the_table() {
        let busy = |queued, mean| Load { queued, mean: Some(ms(mean)), ..QUIET };
        let rows = [
            (QUIET, 0, "nothing waits"),
            (Load { workers: 0, queued: 1, ..QUIET }, 1, "the first call gets a worker"),
            (Load { workers: 0, queued: 9, ..QUIET }, 1, "one until somebody knows more"),
            (Load { workers: 0, queued: 1, most: 0, ..QUIET }, 0, "none is allowed"),
            (Load { queued: 9, oldest: ms(9), ..QUIET }, 0, "patient, time of a call unknown"),
            (Load { queued: 9, oldest: ms(10), ..QUIET }, 1, "impatient"),
            (Load { queued: 9, oldest: ms(99), starting: 2, ..QUIET }, 0, "two are on their way"),
            (busy(1, 5), 0, "gone in 5 ms"),
            (busy(2, 5), 1, "two would take 10 ms"),
            (busy(6, 100), 6, "a worker each for slow calls"),
            (busy(60, 100), 8, "two starts per processor at once"),
            (Load { starting: 4, workers: 5, ..busy(6, 100) }, 2, "four of six are on their way"),
            (Load { most: 3, ..busy(6, 100) }, 2, "its own limit"),
            (Load { workers: 4, oldest: ms(50), ..busy(90, 1) }, 0, "quick: one per processor"),
            (Load { workers: 2, oldest: ms(50), ..busy(90, 1) }, 2, "quick: up to the processors"),
            (Load { workers: 4, held_up: 1, ..busy(90, 1) }, 1, "quick: one is held up"),
            (Load { workers: 5, held_up: 1, ..busy(90, 1) }, 0, "another one helps already"),
            (Load { busy: 0.9, ..busy(90, 50) }, 3, "all work: up to the processors"),
            (Load { rate: 150.0, mean: Some(ms(6)), ..QUIET }, 0, "0.9 busy, 1.35 wanted"),
            (Load { rate: 300.0, mean: Some(ms(6)), ..QUIET }, 2, "1.8 busy, 2.7 wanted"),
        ];
        for (load, expected, why) in rows {
            assert_eq!(missing(&load), expected, "{why}: {load:?}");
        }
    }

    #[test]
    fn a_ramp_is_foreseen_and_its_end_is_seen() {
        let start = Instant::now();
        let mut arrivals = Arrivals::new(start);
        let mut forecasts = Vec::new();
        for (window, calls) in [(0, 10), (1, 20), (2, 20), (3, 5)] {
            for call in 1..=calls {
                let now = start + ms(window * 100) + ms(100) * call / calls;
                if arrivals.note(now) {
                    forecasts.push(arrivals.forecast.round());
                }
            }
        }
        assert_eq!(forecasts, [200.0, 300.0, 200.0, 50.0]);
    }

    #[test]
    fn both_limits_count() {
        let limits = Usage { workers: 4, memory_mb: 1024 };
        assert!(fits(Usage { workers: 3, memory_mb: 768 }, limits, 256));
        assert!(!fits(Usage { workers: 4, memory_mb: 0 }, limits, 256));
        assert!(!fits(Usage { workers: 1, memory_mb: 800 }, limits, 256));
        assert!(!fits(Usage { workers: 1, memory_mb: 800 }, limits, u64::MAX));
    }

    #[test]
    fn who_holds_most_gives_way() {
        let (old, new) = (Instant::now(), Instant::now() + ms(5));
        let holding = |workers, spare, idle_since| Holding { workers, spare, idle_since };
        let rows: [(&[Holding], Option<usize>, Option<usize>); 5] = [
            (&[], None, None),
            (&[holding(1, 0, None)], None, None),
            (&[holding(2, 1, Some(old)), holding(5, 3, Some(new))], Some(1), Some(1)),
            (&[holding(1, 1, Some(new)), holding(1, 1, Some(old))], Some(1), None),
            (&[holding(3, 0, None), holding(1, 1, Some(old))], Some(1), Some(0)),
        ];
        for (holdings, idle, busy) in rows {
            assert_eq!(gives_idle(holdings), idle, "{holdings:?}");
            assert_eq!(gives_busy(holdings), busy, "{holdings:?}");
        }
    }

    #[test]
    fn more_workers_wait_while_many_are_claimed() {
        let rows =
            [((0, 9, 2), 0), ((1, 0, 2), 1), ((1, 5, 2), 3), ((1, 99, 2), 4), ((6, 99, 2), 6)];
        for ((asked_for, claimed, processors), expected) in rows {
            assert_eq!(waiting_wanted(asked_for, claimed, processors), expected);
        }
    }
}
