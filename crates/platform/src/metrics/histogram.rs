//! How long things took: counts in buckets that grow with the value, eight to a doubling, so a
//! quantile read from them is off by at most an eighth. Noting a value is one atomic addition in
//! each of two places; nothing is locked or allocated.

use std::sync::atomic::{AtomicU64, Ordering};

/// Eight buckets up to 2³ µs, then eight to a doubling up to 2³⁷ µs (38 hours).
const BUCKETS: usize = (MAX_EXPONENT as usize - 1) * 8;
const MAX_EXPONENT: u32 = 36;
/// Quantiles tell of the last five to ten minutes.
const WINDOW_MS: i64 = 300_000;

/// Counts since the start.
#[derive(Debug)]
struct Counts {
    buckets: Box<[AtomicU64]>,
}

impl Default for Counts {
    fn default() -> Self {
        Self { buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect() }
    }
}

impl Counts {
    fn clear(&self) {
        self.buckets.iter().for_each(|count| count.store(0, Ordering::Relaxed));
    }

    fn read(&self) -> impl Iterator<Item = u64> {
        self.buckets.iter().map(|count| count.load(Ordering::Relaxed))
    }
}

/// A distribution of durations in µs: since the start, and lately.
#[derive(Debug, Default)]
pub struct Histogram {
    total: Counts,
    sum_us: AtomicU64,
    /// The window at work and the one before it, in turns.
    windows: [Counts; 2],
    /// The number of the window at work.
    epoch: AtomicU64,
}

/// Quantiles of the last minutes, in µs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quantiles {
    /// How many values they tell of.
    pub count: u64,
    /// Half took no longer.
    pub p50: u64,
    /// 95 of 100 took no longer.
    pub p95: u64,
    /// 99 of 100 took no longer.
    pub p99: u64,
}

impl Histogram {
    /// Notes a value.
    pub fn note(&self, value_us: u64, now_ms: i64) {
        let epoch = self.turn(now_ms);
        let bucket = bucket_of(value_us);
        self.total.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.windows[usize::from(epoch % 2 == 1)].buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(value_us, Ordering::Relaxed);
    }

    /// Quantiles of the last minutes.
    pub fn quantiles(&self, now_ms: i64) -> Quantiles {
        self.turn(now_ms);
        let counts: Vec<u64> =
            self.windows[0].read().zip(self.windows[1].read()).map(|(a, b)| a + b).collect();
        let count: u64 = counts.iter().sum();
        let at = |percent: u64| {
            // The smallest bucket with so many at or below it.
            let rank = (count * percent).div_ceil(100).max(1);
            let mut seen = 0;
            let bucket = counts.iter().position(|count| {
                seen += count;
                seen >= rank
            });
            bucket.map_or(0, upper_bound)
        };
        Quantiles { count, p50: at(50), p95: at(95), p99: at(99) }
    }

    /// How many values since the start, and their sum in µs.
    pub fn count_and_sum(&self) -> (u64, u64) {
        (self.total.read().sum(), self.sum_us.load(Ordering::Relaxed))
    }

    /// How many values since the start were below 2^`exponent` µs; exponents from 3.
    pub fn below(&self, exponent: u32) -> u64 {
        self.total.read().take((exponent as usize - 2) * 8).sum()
    }

    /// The number of the window of now; a new one begins empty.
    fn turn(&self, now_ms: i64) -> u64 {
        let now = u64::try_from(now_ms / WINDOW_MS).unwrap_or(0);
        let before = self.epoch.load(Ordering::Relaxed);
        if before >= now {
            return before;
        }
        // Whoever is first clears; a value noted at that very moment may be lost to the window.
        let turned =
            self.epoch.compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if turned {
            self.windows[usize::from(now % 2 == 1)].clear();
            if now - before > 1 {
                self.windows[usize::from(now % 2 == 0)].clear();
            }
        }
        now
    }
}

fn bucket_of(value_us: u64) -> usize {
    let value = value_us.min((1 << (MAX_EXPONENT + 1)) - 1);
    if value < 8 {
        return usize::try_from(value).unwrap_or(0);
    }
    let exponent = value.ilog2();
    let within = usize::try_from(value >> (exponent - 3)).unwrap_or(0) & 7;
    (exponent as usize - 2) * 8 + within
}

/// The highest value of a bucket.
fn upper_bound(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 8 {
        return bucket;
    }
    let shift = bucket / 8 - 1;
    ((bucket % 8 + 8 + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket_within_an_eighth() {
        let mut last = 0;
        for exponent in 0..=MAX_EXPONENT {
            for step in 0..16 {
                let value = (1_u64 << exponent) + ((step << exponent) / 16);
                let bucket = bucket_of(value);
                assert!(bucket < BUCKETS && bucket >= last, "{value}");
                last = bucket;
                let bound = upper_bound(bucket);
                assert!(bound >= value && bound - value <= value / 8, "{value}: {bound}");
            }
        }
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_tell_of_the_last_minutes_and_totals_of_all() {
        let histogram = Histogram::default();
        assert_eq!(histogram.quantiles(0), Quantiles::default());
        for value in 1..=1_000_u64 {
            histogram.note(value * 1_000, 0);
        }
        let lately = histogram.quantiles(WINDOW_MS);
        let near = |found: u64, wanted: u64| found >= wanted && found - wanted <= wanted / 8;
        assert!(near(lately.p50, 500_000) && near(lately.p95, 950_000), "{lately:?}");
        assert!(near(lately.p99, 990_000) && lately.count == 1_000, "{lately:?}");
        histogram.note(7, WINDOW_MS);
        assert_eq!(histogram.quantiles(2 * WINDOW_MS).p99, 7);
        assert_eq!(histogram.quantiles(9 * WINDOW_MS).count, 0);
        assert_eq!(histogram.count_and_sum(), (1_001, 500_500_007));
        // 2¹⁰ µs is 1.024 ms: the value of 1 ms and that of 7 µs.
        assert_eq!(histogram.below(10), 2);
        assert_eq!(histogram.below(30), 1_001);
    }
}
