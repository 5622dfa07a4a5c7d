//! Finds out which measures work on this machine, by trying them in a process of their own.

use std::path::Path;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use super::{Entry, SMALL_LAUNCHER};

/// How a worker gets its own view of the file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Mounts {
    /// It does not: `/tmp` is refused, `TMPDIR` is its own.
    Shared,
    /// In a mount namespace made by root.
    Root,
    /// In a mount namespace inside a user namespace.
    User,
}

/// The measures a worker applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Measures {
    pub limits: bool,
    pub mounts: Mounts,
    /// `/tmp` has a size: a file system in memory, in the worker's own mount namespace.
    pub tmp: bool,
    /// A process namespace with a `/proc` of its own.
    pub processes: bool,
    /// A network namespace, whose only way out is the server's gate.
    pub network: bool,
    pub uid: bool,
    pub landlock: bool,
    pub seccomp: bool,
}

impl Measures {
    /// Nothing but dying with the server.
    pub(crate) const NONE: Self = Self {
        limits: false,
        mounts: Mounts::Shared,
        tmp: false,
        processes: false,
        network: false,
        uid: false,
        landlock: false,
        seccomp: false,
    };

    fn all(is_root: bool) -> Self {
        let mounts = if is_root { Mounts::Root } else { Mounts::User };
        Self {
            limits: true,
            mounts,
            tmp: true,
            processes: true,
            network: true,
            uid: is_root,
            landlock: true,
            seccomp: true,
        }
    }

    /// Gives up the measure of this name; false when there is none to give up.
    fn without(&mut self, name: &str) -> bool {
        match name {
            "limits" if self.limits => self.limits = false,
            "mounts" if self.mounts == Mounts::Root => self.mounts = Mounts::User,
            "mounts" if self.mounts == Mounts::User => {
                // They live in it.
                (self.mounts, self.tmp) = (Mounts::Shared, false);
                (self.processes, self.network) = (false, false);
            }
            "tmp" if self.tmp => self.tmp = false,
            "network" if self.network => self.network = false,
            "processes" if self.processes => self.processes = false,
            "uid" if self.uid => self.uid = false,
            "landlock" if self.landlock => self.landlock = false,
            "seccomp" if self.seccomp => self.seccomp = false,
            _ => return false,
        }
        true
    }
}

/// What works, and why the rest does not.
#[derive(Debug, Clone)]
pub(crate) struct Probed {
    pub measures: Measures,
    /// Name of the measure and what the system said.
    pub failures: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Answer {
    failed: Option<(String, String)>,
}

/// Starts `launcher worker-enter` with fewer measures each time until all of them work. Without
/// `gate`, workers are not to have a network of their own.
///
/// # Errors
/// When the launcher cannot be started or does not answer.
pub(crate) fn probe(launcher: &Path, entry: &Entry, gate: bool) -> Result<Probed, String> {
    let all = Measures::all(nix::unistd::geteuid().is_root());
    let measures = Measures { network: gate, ..all };
    let mut probed = Probed { measures, failures: Vec::new() };
    loop {
        let entry = Entry { probe: true, measures: probed.measures.clone(), ..entry.clone() };
        match ask(launcher, &entry)? {
            None => return Ok(probed),
            Some((name, reason)) => {
                if !probed.measures.without(&name) {
                    return Err(format!("{name}: {reason}"));
                }
                probed.failures.push((name, reason));
            }
        }
    }
}

fn ask(launcher: &Path, entry: &Entry) -> Result<Option<(String, String)>, String> {
    let argument = serde_json::to_string(entry).map_err(|error| error.to_string())?;
    let output = Command::new(launcher)
        .arg("worker-enter")
        .arg(argument)
        .envs([SMALL_LAUNCHER])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{}: {error}", launcher.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let answer = text.lines().rev().find_map(|line| serde_json::from_str::<Answer>(line).ok());
    match answer {
        Some(answer) => Ok(answer.failed),
        None => Err(format!(
            "{} worker-enter gave no answer ({}): {}",
            launcher.display(),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        )),
    }
}
