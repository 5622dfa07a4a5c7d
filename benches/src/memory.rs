//! Memory: the idle server, a worker that waits, a worker that has worked.

use anyhow::{Result, anyhow};

use crate::call::event;
use crate::load;
use crate::platform::{Platform, here};
use crate::{process, table};

/// Prints the tables.
pub async fn run() -> Result<()> {
    table::heading("Memory: the server and its workers (resident; for workers their share)");
    let platform = Platform::start(&here().join("project")).await?;
    platform.waiting_worker().await?;
    let id = platform.process_id().ok_or_else(|| anyhow!("the server ended"))?;
    table::columns(&["process", "MB"]);
    let show = |name: &str, value: f64| table::row(&[name, &format!("{value:.1}")]);
    show("yunkai, idle", process::resident_mb(id)?);
    show("a waiting worker", workers(id)?.1);
    load::fire(&platform.call("echo", &event()), 1, std::time::Duration::from_secs(2)).await?;
    platform.waiting_worker().await?;
    let (count, total) = workers(id)?;
    show(&format!("{count} workers after 2 s of calls, together"), total);
    show("yunkai after these calls", process::resident_mb(id)?);
    Ok(())
}

/// How many Node processes the server has, and their memory together.
fn workers(server: u32) -> Result<(usize, f64)> {
    let nodes = process::tree(server)?.into_iter().skip(1);
    let sizes: Vec<f64> = nodes
        .filter(|process| process.command_line().contains("bootstrap.js"))
        .filter_map(|process| process.memory_mb())
        .collect();
    Ok((sizes.len(), sizes.iter().sum()))
}
