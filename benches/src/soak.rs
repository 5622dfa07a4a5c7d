//! Half of the capacity for a long time: does memory grow, is a call lost or run twice, does a
//! process stay behind?
//!
//! Every call carries a number, and its function adds a document of that id: a call that ran twice
//! fails at the second, a call that was answered and never ran has no document.

use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use serde_json::{Value as Json, json};

use crate::load::{Client, Shot};
use crate::open_loop::{self, Pace};
use crate::platform::{Platform, here};
use crate::{process, table};

/// How long without `SECONDS`.
const LASTING_S: u64 = 1_800;
/// How often the processes are looked at.
const LOOK: Duration = Duration::from_secs(10);
const HOLD: Duration = Duration::from_secs(20);

/// Prints the table.
pub async fn run() -> Result<()> {
    let seconds = std::env::var("SECONDS").ok().and_then(|text| text.parse().ok());
    let lasting = Duration::from_secs(seconds.unwrap_or(LASTING_S));
    table::heading(&format!("Soak: {} s at half of the capacity", lasting.as_secs()));
    let platform = Platform::start(&here().join("project")).await?;
    let server = platform.process_id().context("the server ended")?;
    let shot = Shot { is_numbered: true, ..platform.call("keep", &json!({ "id": "NUMBER" })) };
    let capacity = open_loop::capacity(&shot, HOLD).await?;
    let rate = capacity / 2.0;
    let before = count(&platform).await?;
    let watch = tokio::spawn(look(server, lasting));
    let outcome = open_loop::fire(&shot, Pace::even(rate), lasting, 0).await;
    let seen = watch.await?;
    let there = count(&platform).await? - before;
    let answered = outcome.calls - outcome.failed;
    table::columns(&["what", "figure"]);
    let row = |what: &str, figure: String| table::row(&[what, &figure]);
    row("capacity, calls/s", table::rate(capacity));
    row("rate, calls/s", table::rate(rate));
    row("calls", outcome.calls.to_string());
    row("failed (a call that ran twice fails)", outcome.failed.to_string());
    if let Some(failure) = outcome.first_failure {
        row("the first failure", failure);
    }
    row("answered and without a document (lost)", answered.saturating_sub(there).to_string());
    row(
        "p50, p99",
        format!(
            "{}, {}",
            table::duration(outcome.measured.p50),
            table::duration(outcome.measured.p99)
        ),
    );
    row("memory of the server after a fifth of the time, MB", format!("{:.1}", seen.early_mb));
    row("at the end, MB", format!("{:.1}", seen.late_mb));
    row("growth", format!("{:+.1} %", (seen.late_mb / seen.early_mb - 1.0) * 100.0));
    row("zombies seen", seen.zombies.to_string());
    row("processes at the end", seen.processes.to_string());
    Ok(())
}

#[derive(Debug, Default)]
struct Seen {
    early_mb: f64,
    late_mb: f64,
    zombies: usize,
    processes: usize,
}

/// Looks at the processes until `lasting` has passed. Memory: medians of the second and of the last
/// fifth of the time, because a server fills its caches first.
async fn look(server: u32, lasting: Duration) -> Seen {
    let (began, mut sizes, mut seen) = (tokio::time::Instant::now(), Vec::new(), Seen::default());
    let mut last_zombies: Vec<u32> = Vec::new();
    while began.elapsed() + LOOK < lasting {
        tokio::time::sleep(LOOK).await;
        let Ok(tree) = process::tree(server) else { break };
        sizes.extend(process::resident_mb(server));
        seen.processes = tree.len();
        // A process that ended this very moment is none: it must still be there at the next look.
        let zombies: Vec<u32> = tree.iter().filter(|it| it.state == 'Z').map(|it| it.id).collect();
        seen.zombies += zombies.iter().filter(|id| last_zombies.contains(id)).count();
        last_zombies = zombies;
    }
    let fifth = sizes.len() / 5;
    let median = |part: &[f64]| {
        let mut part = part.to_vec();
        part.sort_unstable_by(f64::total_cmp);
        part.get(part.len() / 2).copied().unwrap_or_default()
    };
    seen.early_mb = median(sizes.get(fifth..fifth * 2).unwrap_or_default());
    seen.late_mb = median(sizes.get(fifth * 4..).unwrap_or_default());
    seen
}

async fn count(platform: &Platform) -> Result<u64> {
    let shot = platform.admin(&json!({
        "action": "database.countDocument",
        "collectionName": "kept",
        "query": {},
        "envName": "bench",
    }));
    let body: Bytes = Client::connect(&shot.address).await?.send(&shot).await?;
    let answer: Json = serde_json::from_slice(&body)?;
    answer["data"]["total"].as_u64().context("a count without a total")
}
