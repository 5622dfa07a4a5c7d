//! Documents through `/admin`: durable adds and point reads, against a bare group-commit writer
//! (append, fdatasync) with as many producers on the same disk.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use crate::ROUNDS;
use crate::load::{self, Measured};
use crate::platform::{Platform, here};
use crate::{log_writer, table};

const LASTING: Duration = Duration::from_secs(2);
const CLIENTS: [usize; 3] = [1, 16, 64];

/// Prints the tables.
pub async fn run() -> Result<()> {
    let platform = Platform::start(&here().join("project")).await?;
    platform.create_collection("photos").await?;
    adds(&platform).await?;
    reads(&platform).await?;
    increments(&platform).await
}

fn document() -> String {
    json!({
        "album": "a1b2c3d4", "file": "cloud://bench.6265-bench/albums/a1b2c3d4/0001.jpg",
        "width": { "$numberInt": "4032" }, "height": { "$numberInt": "3024" },
        "tags": ["sea", "evening", "family"], "note": "海边的傍晚,孩子们在沙滩上跑。",
        "createdAt": { "$date": { "$numberLong": "1795161345703" } },
    })
    .to_string()
}

async fn adds(platform: &Platform) -> Result<()> {
    table::heading("Durable adds through /admin (median of 5 alternating rounds)");
    let shot = platform.admin(&json!({
        "action": "database.insertDocument", "collectionName": "photos", "data": [document()],
    }));
    table::columns(&["clients", "writer", "adds/s", "p50", "p99", "ours ÷ bare"]);
    for clients in CLIENTS {
        let (mut ours, mut bare): (Vec<Measured>, Vec<Measured>) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(load::fire(&shot, clients, LASTING).await?);
            bare.push(log_writer::fire(&platform.data, clients, LASTING)?);
        }
        let (ours, bare) = (load::median(ours), load::median(bare));
        let ratio = format!("{:.2}", ours.per_second / bare.per_second);
        for (name, measured, ratio) in [("yunkai", ours, ratio.as_str()), ("bare log", bare, "")] {
            table::row(&[
                &clients.to_string(),
                name,
                &table::rate(measured.per_second),
                &table::duration(measured.p50),
                &table::duration(measured.p99),
                ratio,
            ]);
        }
    }
    Ok(())
}

async fn reads(platform: &Platform) -> Result<()> {
    let add = platform.admin(&json!({
        "action": "database.insertDocument", "collectionName": "photos",
        "data": [document().replacen('{', "{\"_id\":\"photo-1\",", 1)],
    }));
    load::Client::connect(&platform.address).await?.send(&add).await?;
    let shot = platform.admin(&json!({
        "action": "database.getDocument", "collectionName": "photos",
        "queryType": "DOC", "query": "{\"_id\":\"photo-1\"}", "multi": false,
    }));
    rates("Point reads through /admin", &shot).await
}

async fn increments(platform: &Platform) -> Result<()> {
    let shot = platform.admin(&json!({
        "action": "database.modifyDocument", "collectionName": "photos", "queryType": "DOC",
        "query": "{\"_id\":\"photo-1\"}", "data": "{\"$inc\":{\"likes\":{\"$numberInt\":\"1\"}}}",
        "multi": false, "merge": true, "upsert": false,
    }));
    rates("Durable increments of one hot document through /admin", &shot).await
}

async fn rates(title: &str, shot: &load::Shot) -> Result<()> {
    table::heading(&format!("{title} (median of 5 rounds)"));
    table::columns(&["clients", "answers/s", "p50", "p99"]);
    for clients in CLIENTS {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            rounds.push(load::fire(shot, clients, LASTING).await?);
        }
        let measured = load::median(rounds);
        table::row(&[
            &clients.to_string(),
            &table::rate(measured.per_second),
            &table::duration(measured.p50),
            &table::duration(measured.p99),
        ]);
    }
    Ok(())
}
