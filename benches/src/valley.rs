//! From no worker at all to a peak within a second: what the callers of that second feel.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use crate::open_loop::{self, Pace};
use crate::platform::{Platform, here};
use crate::{ROUNDS, table};

/// The highest peak, in calls per second.
const PEAK_MAX: f64 = 200.0;
const RAMP: Duration = Duration::from_secs(1);
const LASTING: Duration = Duration::from_secs(5);
/// How long a rate must be held to count as the capacity.
const HOLD: Duration = Duration::from_secs(60);

/// Prints the table. The function burns 5 ms of processor time.
pub async fn run() -> Result<()> {
    table::heading("Valley to peak: a function that burns 5 ms, from zero workers, ramp of 1 s");
    let platform = Platform::start(&here().join("project")).await?;
    let shot = platform.call("burn", &json!({}));
    let capacity = open_loop::capacity(&shot, HOLD).await?;
    let peak = (capacity / 2.0).min(PEAK_MAX);
    table::columns(&["round", "capacity", "peak", "calls", "failed", "p50", "p99"]);
    for round in 1..=ROUNDS {
        platform.no_workers("burn").await?;
        let pace = Pace { rate: peak, ramp: RAMP };
        let outcome = open_loop::fire(&shot, pace, LASTING, 0).await;
        table::row(&[
            &round.to_string(),
            &table::rate(capacity),
            &table::rate(peak),
            &outcome.calls.to_string(),
            &outcome.failed.to_string(),
            &table::duration(outcome.measured.p50),
            &table::duration(outcome.measured.p99),
        ]);
    }
    Ok(())
}
