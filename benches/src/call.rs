//! Calls of functions: warm throughput and cold latency against the peers.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value as Json, json};

use crate::ROUNDS;
use crate::load::{self, Client, Measured};
use crate::peers::{self, Peer};
use crate::platform::{Platform, here};
use crate::table;

const LASTING: Duration = Duration::from_secs(2);
const CLIENTS: [usize; 3] = [1, 16, 64];
const PEERS: [Peer; 3] = [Peer::FunctionsFramework, Peer::NodeHttp, Peer::Workerd];
/// workerd cannot load the SDK.
const COLD_PEERS: [Peer; 2] = [Peer::FunctionsFramework, Peer::NodeHttp];

/// The event of every call: about 330 bytes, like a photo's details.
pub fn event() -> Json {
    json!({
        "action": "detail",
        "photo": { "_id": "photo-1", "album": "a1b2c3d4", "width": 4032, "height": 3024,
                   "tags": ["sea", "evening", "family"], "note": "海边的傍晚,孩子们在沙滩上跑。" },
        "page": { "skip": 0, "limit": 20 },
        "client": { "system": "iOS 19.1", "version": "8.0.60", "language": "zh_CN" },
    })
}

/// Prints the tables.
pub async fn run() -> Result<()> {
    peers::install().await?;
    warm().await?;
    cold().await
}

async fn warm() -> Result<()> {
    table::heading(
        "Warm call: echo of a 330-byte event (median of 5 rounds; processor time per call)",
    );
    let platform = Platform::start(&here().join("project")).await?;
    let mut running = Vec::new();
    for peer in PEERS {
        running.push((peer, peers::start(peer, "echo").await?));
    }
    let ours = platform.call("echo", &event());
    let server = platform.process_id().context("the server ended")?;
    load::fire(&ours, 16, LASTING).await?;
    table::columns(&["clients", "server", "calls/s", "p50", "p99", "CPU", "ours ÷ peer"]);
    for clients in CLIENTS {
        let mut rounds: Vec<Vec<Measured>> = vec![Vec::new(); PEERS.len() + 1];
        for _ in 0..ROUNDS {
            rounds[0].push(load::fire_at(server, &ours, clients, LASTING).await?);
            for (index, (_, peer)) in running.iter().enumerate() {
                let shot = peers::shot(&peer.address);
                let id = peer.process_id()?;
                rounds[index + 1].push(load::fire_at(id, &shot, clients, LASTING).await?);
            }
        }
        let medians: Vec<Measured> = rounds.into_iter().map(load::median).collect();
        for (index, measured) in medians.iter().enumerate() {
            let name = if index == 0 { "yunkai" } else { PEERS[index - 1].name() };
            let ratio = format!("{:.2}", medians[0].per_second / measured.per_second);
            table::row(&[
                &clients.to_string(),
                name,
                &table::rate(measured.per_second),
                &table::duration(measured.p50),
                &table::duration(measured.p99),
                &table::duration(measured.cpu),
                if index == 0 { "" } else { &ratio },
            ]);
        }
    }
    Ok(())
}

/// A cold call finds no worker of its function, but one generic worker waiting.
async fn cold() -> Result<()> {
    table::heading("Cold call: first call of a function that requires wx-server-sdk");
    let folder = tempfile::tempdir()?;
    let count = ROUNDS * 4;
    project_of_cold_functions(folder.path(), count)?;
    let platform = Platform::start(folder.path()).await?;
    let mut client = Client::connect(&platform.address).await?;
    let mut ours = Vec::new();
    for number in 0..count {
        platform.waiting_worker().await?;
        let shot = platform.call(&format!("cold{number}"), &event());
        let sent = Instant::now();
        client.send(&shot).await?;
        ours.push(sent.elapsed());
    }
    drop(platform);
    let mut without = Vec::new();
    let platform = Platform::start_without_waiting(folder.path()).await?;
    let mut client = Client::connect(&platform.address).await?;
    for number in 0..count {
        let shot = platform.call(&format!("cold{number}"), &event());
        let sent = Instant::now();
        client.send(&shot).await?;
        without.push(sent.elapsed());
    }
    drop(platform);
    without.sort_unstable();
    table::columns(&["server", "median", "worst", "peer ÷ ours"]);
    ours.sort_unstable();
    let our_median = ours[ours.len() / 2];
    let worst = ours.last().copied().unwrap_or_default();
    let (median_text, worst_text) = (table::duration(our_median), table::duration(worst));
    table::row(&["yunkai, waiting worker", &median_text, &worst_text, ""]);
    let median_without = without.get(without.len() / 2).copied().unwrap_or_default();
    let worst_without = without.last().copied().unwrap_or_default();
    table::row(&[
        "yunkai, no worker waits",
        &table::duration(median_without),
        &table::duration(worst_without),
        "",
    ]);
    for peer in COLD_PEERS {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            times.push(peers::start(peer, "cold").await?.started_in);
        }
        times.sort_unstable();
        let median = times[times.len() / 2];
        let ratio = format!("{:.1}", median.as_secs_f64() / our_median.as_secs_f64());
        let worst = table::duration(times.last().copied().unwrap_or_default());
        table::row(&[peer.name(), &table::duration(median), &worst, &ratio]);
    }
    Ok(())
}

fn project_of_cold_functions(folder: &std::path::Path, count: usize) -> Result<()> {
    std::fs::write(
        folder.join("project.config.json"),
        r#"{"cloudfunctionRoot":"cloudfunctions/"}"#,
    )?;
    let source = here().join("peers/functions/cold");
    for number in 0..count {
        let target = folder.join(format!("cloudfunctions/cold{number}"));
        std::fs::create_dir_all(&target)?;
        let code = std::fs::read_to_string(source.join("index.js"))?;
        // Different content, so that nothing of one function's package serves another.
        std::fs::write(target.join("index.js"), format!("{code}\n// {number}\n"))?;
        std::fs::copy(source.join("package.json"), target.join("package.json"))?;
    }
    Ok(())
}
