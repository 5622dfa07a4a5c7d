//! The peer below many platforms: PostgreSQL with documents in a `jsonb` column, durable, driven by
//! its own `pgbench` or asked once by `psql`.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use throwaway_postgres::{Cluster, Disk};

use crate::load::{Measured, measured};

/// A server of its own; gone when dropped.
pub struct Postgres {
    _cluster: Cluster,
    /// The folder of its socket.
    pub folder: String,
}

impl Postgres {
    /// Starts a server that syncs its commits.
    pub fn start() -> Self {
        let cluster = Cluster::start(Disk::Durable);
        let address = cluster.address();
        let folder = address.split("host=").nth(1).unwrap_or_default().replace("%2F", "/");
        Self { _cluster: cluster, folder }
    }

    /// Runs SQL, or psql's own commands, and answers what it printed.
    pub fn run(&self, sql: &str) -> Result<String> {
        let mut psql = self.command("psql");
        psql.args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only"]);
        psql.args(["--set=ON_ERROR_STOP=1", "--command", sql]);
        let output = psql.arg("postgres").output().context("psql")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "psql: {said}");
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs a script again and again from `clients` connections, prepared beforehand.
    pub fn fire(&self, script: &str, clients: usize, lasting: Duration) -> Result<Measured> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("script.sql");
        std::fs::write(&file, script)?;
        let mut pgbench = self.command("pgbench");
        pgbench.args(["--no-vacuum", "--protocol=prepared", "--log", "--log-prefix=log"]);
        pgbench.arg(format!("--client={clients}")).arg(format!("--jobs={}", clients.min(2)));
        pgbench.arg(format!("--time={}", lasting.as_secs())).arg("--file").arg(&file);
        let output = pgbench.arg("postgres").current_dir(folder.path()).output();
        let output = output.context("pgbench")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "pgbench: {said}");
        Ok(measured(latencies(folder.path())?, lasting))
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(path_of(program));
        command.args(["--host", &self.folder, "--username=yunkai"]);
        command
    }
}

/// The third field of every line of every log: microseconds.
fn latencies(folder: &std::path::Path) -> Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            continue;
        }
        let text = std::fs::read_to_string(path)?;
        let micros = text.lines().filter_map(|line| line.split(' ').nth(2)?.parse().ok());
        latencies.extend(micros.map(Duration::from_micros));
    }
    Ok(latencies)
}

/// Debian keeps the programs of each version in a folder of its own, outside of `PATH`.
fn path_of(program: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions
        .map(|version| version.path().join("bin").join(program))
        .filter(|path| path.is_file())
        .collect();
    found.sort();
    found.pop().unwrap_or_else(|| program.into())
}
