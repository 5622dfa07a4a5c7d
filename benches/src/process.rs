//! What a process and everything it started cost: processor time and memory, as Linux counts them.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// Linux shows processor time in hundredths of a second on every architecture.
const TICKS_PER_SECOND: u64 = 100;

/// One living process.
#[derive(Debug, Clone)]
pub struct Process {
    /// Its id.
    pub id: u32,
    /// `R`, `S`, `Z` …
    pub state: char,
    parent: u32,
    /// Own time and that of the children it has waited for.
    time: Duration,
}

impl Process {
    fn read(id: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name stands in brackets and may hold anything.
        let mut fields = text.get(text.rfind(')')? + 2..)?.split(' ');
        let state = fields.next()?.chars().next()?;
        let parent = fields.next()?.parse().ok()?;
        // Fields 14 to 17; the iterator stands before field 5.
        let ticks: u64 = fields.skip(9).take(4).filter_map(|it| it.parse::<u64>().ok()).sum();
        let time = Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND);
        Some(Self { id, state, parent, time })
    }

    /// Its share of memory in MB: what only it has, and its part of what it shares.
    pub fn memory_mb(&self) -> Option<f64> {
        let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.id)).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        Some(line.trim().strip_suffix(" kB")?.parse::<f64>().ok()? / 1_024.0)
    }

    /// What it was started as.
    pub fn command_line(&self) -> String {
        fs::read_to_string(format!("/proc/{}/cmdline", self.id)).unwrap_or_default()
    }
}

/// A process and its descendants, the process itself first.
pub fn tree(root: u32) -> Result<Vec<Process>> {
    let mut by_parent: HashMap<u32, Vec<Process>> = HashMap::new();
    for entry in fs::read_dir("/proc")? {
        let id = entry?.file_name().to_str().and_then(|name| name.parse().ok());
        if let Some(process) = id.and_then(Process::read) {
            by_parent.entry(process.parent).or_default().push(process);
        }
    }
    let first = Process::read(root).context("the process is gone")?;
    let (mut found, mut seen) = (vec![first], HashSet::from([root]));
    let mut next = 0;
    while let Some(id) = found.get(next).map(|process| process.id) {
        for child in by_parent.remove(&id).unwrap_or_default() {
            if seen.insert(child.id) {
                found.push(child);
            }
        }
        next += 1;
    }
    Ok(found)
}

/// Processor time that a process and its descendants have used, ended ones included.
pub fn time(root: u32) -> Result<Duration> {
    Ok(tree(root)?.iter().map(|process| process.time).sum())
}

/// Resident memory of one process in MB.
pub fn resident_mb(id: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kilobytes = line.trim().strip_suffix(" kB").context("VmRSS")?.parse::<f64>()?;
    Ok(kilobytes / 1_024.0)
}
