//! Half of the capacity for a long time: does memory grow, is a call lost or run twice, does a
//! process stay behind?
//!
//! Every call carries a number, and its function adds a document of that id: a call that ran twice
//! fails at the second, a call that was answered and never ran has no document.
//!
//! Memory counts after a warm-up: a server fills what it keeps within limits first, and the table
//! says with how much. It goes up and down with the write buffers, so medians of long stretches are
//! compared.

use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use serde_json::{Value as Json, json};

use crate::load::{Client, Shot, fill};
use crate::open_loop::{self, Pace};
use crate::platform::{Platform, here};
use crate::{process, table};

/// How long without `SECONDS`, the warm-up not counted.
const LASTING_S: u64 = 1_800;
/// How often the processes are looked at.
const LOOK: Duration = Duration::from_secs(5);
const HOLD: Duration = Duration::from_secs(20);
/// Documents of the warm-up, added without calls: after as many, write buffers have become tables
/// and those have been merged, and the newest changes in memory are as many as they may be.
const WARM_DOCUMENTS: u64 = 200_000;
const WARM_ADDERS: usize = 32;
/// Calls of the warm-up, and its clients.
const WARM_CALLS: u64 = 60_000;
const WARM_CLIENTS: usize = 8;
/// Their numbers begin where those of no other part do.
const WARM_FIRST: u64 = 1 << 48;
/// How long the pace of the soak is kept before anything counts.
const SETTLING: Duration = Duration::from_secs(60);
/// Points of the curve that is printed.
const POINTS: usize = 15;

/// Prints the table.
pub async fn run() -> Result<()> {
    let seconds = std::env::var("SECONDS").ok().and_then(|text| text.parse().ok());
    let lasting = Duration::from_secs(seconds.unwrap_or(LASTING_S));
    table::heading(&format!("Soak: {} s at half of the capacity", lasting.as_secs()));
    let platform = Platform::start(&here().join("project")).await?;
    let server = platform.process_id().context("the server ended")?;
    let idle_mb = process::resident_mb(server)?;
    let shot = Shot { is_numbered: true, ..platform.call("keep", &json!({ "id": "NUMBER" })) };
    let capacity = open_loop::capacity(&shot, HOLD).await?;
    let rate = capacity / 2.0;
    fill(&platform.adds(), 0, WARM_DOCUMENTS, WARM_ADDERS).await?;
    let warm = warm_up(&shot, rate).await?;
    let warm_mb = process::resident_mb(server)?;
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
    row("memory of the server before the first call, MB", format!("{idle_mb:.1}"));
    row(
        &format!("after a warm-up of {WARM_DOCUMENTS} documents and {warm} calls, MB"),
        format!("{warm_mb:.1}"),
    );
    row("in the first third of the time (median), MB", format!("{:.1}", seen.early_mb));
    row("in the last third, MB", format!("{:.1}", seen.late_mb));
    row("growth", format!("{:+.1} %", (seen.late_mb / seen.early_mb - 1.0) * 100.0));
    row("the curve, MB", seen.curve.join(" "));
    row("zombies seen", seen.zombies.to_string());
    row("processes at the end", seen.processes.to_string());
    Ok(())
}

#[derive(Debug, Default)]
struct Seen {
    early_mb: f64,
    late_mb: f64,
    curve: Vec<String>,
    zombies: usize,
    processes: usize,
}

/// Keeps a pace for a while, too, so that the workers there are at this rate are there. A curve
/// that begins before shows that, not a leak. Answers how many calls that took.
async fn warm_up(shot: &Shot, rate: f64) -> Result<u64> {
    fill(shot, WARM_FIRST, WARM_CALLS, WARM_CLIENTS).await?;
    let first = WARM_FIRST + WARM_CALLS;
    let settled = open_loop::fire(shot, Pace::even(rate), SETTLING, first).await;
    Ok(WARM_CALLS + settled.calls)
}

/// Looks at the processes until `lasting` has passed.
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
    let third = sizes.len() / 3;
    let median = |part: &[f64]| {
        let mut part = part.to_vec();
        part.sort_unstable_by(f64::total_cmp);
        part.get(part.len() / 2).copied().unwrap_or_default()
    };
    seen.early_mb = median(sizes.get(..third).unwrap_or_default());
    seen.late_mb = median(sizes.get(sizes.len() - third..).unwrap_or_default());
    let points = sizes.chunks(sizes.len().div_ceil(POINTS).max(1));
    seen.curve = points.map(|part| format!("{:.0}", median(part))).collect();
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
