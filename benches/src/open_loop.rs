//! The other load generator: calls go out when they are due, whether earlier answers came or not,
//! and a latency counts from the moment the call was due. So a server that stalls cannot hide it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::load::{self, Client, Measured, Shot};

/// A rate is held when 99 of 100 answers come within this.
const HELD_P99: Duration = Duration::from_millis(200);
/// The parts of the closed loop's rate that are tried as the capacity, in per cent.
const TRIED: [u32; 8] = [95, 85, 75, 65, 55, 45, 35, 25];

/// When calls are due: `rate` per second, reached evenly over `ramp`.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Calls per second at the end of the ramp and after it.
    pub rate: f64,
    /// How long it takes to get there; zero for an even pace.
    pub ramp: Duration,
}

impl Pace {
    /// The same rate all the time.
    pub fn even(rate: f64) -> Self {
        Self { rate, ramp: Duration::ZERO }
    }

    /// When the call of this number is due.
    fn due(self, number: u64) -> Duration {
        #[expect(clippy::cast_precision_loss, reason = "a count of calls")]
        let number = number as f64;
        let ramp = self.ramp.as_secs_f64();
        // A rate that rises evenly has sent rate · t² / 2 ramp calls at t.
        let seconds = if number < self.rate * ramp / 2.0 {
            (2.0 * number * ramp / self.rate).sqrt()
        } else {
            ramp / 2.0 + number / self.rate
        };
        Duration::from_secs_f64(seconds)
    }
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Calls that were due.
    pub calls: u64,
    /// Rate and latencies of the answers.
    pub measured: Measured,
    /// Calls without a good answer.
    pub failed: u64,
    /// What the first of them said.
    pub first_failure: Option<String>,
}

#[derive(Debug, Default)]
struct Kept {
    latencies: Vec<Duration>,
    failed: u64,
    first_failure: Option<String>,
}

/// Fires at this pace for `lasting`, and waits for the last answer. Call n sends body n.
pub async fn fire(shot: &Shot, pace: Pace, lasting: Duration, first: u64) -> Outcome {
    let idle: Arc<Mutex<Vec<Client>>> = Arc::default();
    let kept: Arc<Mutex<Kept>> = Arc::default();
    let mut calls = JoinSet::new();
    let began = Instant::now();
    let mut number = 0;
    while pace.due(number) < lasting {
        let due = began + pace.due(number);
        tokio::time::sleep_until(due).await;
        let (shot, idle, kept) = (shot.clone(), Arc::clone(&idle), Arc::clone(&kept));
        let body = first + number;
        calls.spawn(async move {
            let outcome = one(&shot, &idle, body).await;
            let latency = due.elapsed();
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            match outcome {
                Ok(()) => kept.latencies.push(latency),
                Err(error) => {
                    kept.failed += 1;
                    kept.first_failure.get_or_insert_with(|| format!("{error:#}"));
                }
            }
        });
        while calls.try_join_next().is_some() {}
        number += 1;
    }
    calls.join_all().await;
    let elapsed = began.elapsed();
    let kept = std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner));
    Outcome {
        calls: number,
        measured: load::measured(kept.latencies, elapsed),
        failed: kept.failed,
        first_failure: kept.first_failure,
    }
}

async fn one(shot: &Shot, idle: &Mutex<Vec<Client>>, body: u64) -> Result<()> {
    // The server closes connections that nobody uses; the one used last is the freshest.
    let free = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let mut client = match free.filter(|client| !client.is_closed()) {
        Some(client) => client,
        None => Client::connect(&shot.address).await?,
    };
    client.send_one(shot, body).await?;
    idle.lock().unwrap_or_else(PoisonError::into_inner).push(client);
    Ok(())
}

/// The highest rate of those tried that is held for `hold` without an error, p99 under 200 ms.
pub async fn capacity(shot: &Shot, hold: Duration) -> Result<f64> {
    let most = load::fire(shot, 32, Duration::from_secs(5)).await?.per_second;
    for part in TRIED {
        let rate = most * f64::from(part) / 100.0;
        let outcome = fire(shot, Pace::even(rate), hold, u64::from(part) << 32).await;
        if outcome.failed == 0 && outcome.measured.p99 < HELD_P99 {
            return Ok(rate);
        }
    }
    anyhow::bail!("no rate is held: even a quarter of {most:.0}/s is too much")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_sends_half_of_what_the_same_time_at_full_rate_would() {
        let pace = Pace { rate: 200.0, ramp: Duration::from_secs(1) };
        assert_eq!(pace.due(0), Duration::ZERO);
        assert_eq!(pace.due(100), Duration::from_secs(1));
        assert_eq!(pace.due(300), Duration::from_secs(2));
        assert_eq!(Pace::even(10.0).due(5), Duration::from_millis(500));
    }
}
