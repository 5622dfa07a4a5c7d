//! What a well-behaved function's callers feel while another function misbehaves.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::call::event;
use crate::load::{Client, Shot};
use crate::open_loop::{self, Pace};
use crate::platform::{Platform, here};
use crate::{ROUNDS, table};

/// Calls of the neighbour per second.
const RATE: f64 = 50.0;
const LASTING: Duration = Duration::from_secs(6);
/// Callers of the hostile function.
const ATTACKERS: usize = 2;
const HOSTILE: [&str; 6] = ["spin", "heap", "buffers", "forks", "exits", "logs"];

/// Prints the table.
pub async fn run() -> Result<()> {
    table::heading("A neighbour of hostile functions: p99 of 50 calls/s (median of 5 rounds)");
    let platform = Platform::start(&here().join("hostile")).await?;
    let neighbour = platform.call("neighbour", &event());
    open_loop::fire(&neighbour, Pace::even(RATE), Duration::from_secs(2), 0).await;
    table::columns(&["beside", "quiet p99", "p99", "ratio", "failed"]);
    let chosen = std::env::var("DEEDS").unwrap_or_default();
    let is_chosen = |deed: &&str| chosen.is_empty() || chosen.split(',').any(|it| it == *deed);
    for hostile in HOSTILE.into_iter().filter(is_chosen) {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let quiet = open_loop::fire(&neighbour, Pace::even(RATE), LASTING, 0).await;
            let stop = CancellationToken::new();
            let attackers: Vec<_> = (0..ATTACKERS)
                .map(|_| tokio::spawn(attack(platform.call(hostile, &json!({})), stop.clone())))
                .collect();
            let beside = open_loop::fire(&neighbour, Pace::even(RATE), LASTING, 0).await;
            stop.cancel();
            for attacker in attackers {
                attacker.await?;
            }
            rounds.push((quiet.measured.p99, beside.measured.p99, quiet.failed + beside.failed));
        }
        rounds.sort_by_key(|(quiet, beside, _)| beside.as_nanos() / quiet.as_nanos().max(1));
        let (quiet, beside, _) = rounds[ROUNDS / 2];
        let failed: u64 = rounds.iter().map(|(_, _, failed)| failed).sum();
        table::row(&[
            hostile,
            &table::duration(quiet),
            &table::duration(beside),
            &format!("{:.2}", beside.as_secs_f64() / quiet.as_secs_f64()),
            &failed.to_string(),
        ]);
    }
    Ok(())
}

/// Calls again and again; a call that fails is what is expected.
async fn attack(shot: Shot, stop: CancellationToken) {
    let calls = async {
        loop {
            if let Ok(mut client) = Client::connect(&shot.address).await {
                let _ = client.send(&shot).await;
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = calls => {}
    }
}
