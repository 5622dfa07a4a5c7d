//! Resident memory of the idle server, workers apart.

use anyhow::{Result, anyhow};

use crate::platform::{Platform, here};
use crate::table;

/// Prints the table.
pub async fn run() -> Result<()> {
    table::heading("Idle memory of the server process, workers apart");
    let platform = Platform::start(&here().join("project")).await?;
    platform.waiting_worker().await?;
    let id = platform.process_id().ok_or_else(|| anyhow!("the server ended"))?;
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let resident = status
        .lines()
        .find_map(|line| {
            line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<f64>().ok()
        })
        .ok_or_else(|| anyhow!("no VmRSS"))?;
    table::columns(&["process", "resident"]);
    table::row(&["yunkai", &format!("{:.1} MB", resident / 1_024.0)]);
    Ok(())
}
