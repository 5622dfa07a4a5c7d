//! Confinement by re-exec: the binary starts itself as `worker-enter`, limits itself, and becomes
//! Node. Everything happens after the exec of the first and before the exec of the second, in one
//! thread, so none of it needs `unsafe`. Where a worker has a process namespace of its own, the
//! binary starts itself once more to be the first process in it.
//!
//! It fails closed: a worker applies exactly the measures that were found to work at start, and a
//! measure that fails then ends the worker. Which ones work is found by trying them ([`probe`]).

mod doctor;
mod entry;
#[cfg(target_os = "linux")]
mod gate;
#[cfg(not(target_os = "linux"))]
#[path = "gate_elsewhere.rs"]
mod gate;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod linux_calls;
#[cfg(target_os = "linux")]
mod linux_files;
#[cfg(target_os = "linux")]
mod linux_init;
#[cfg(target_os = "linux")]
mod linux_mounts;
#[cfg(target_os = "linux")]
mod linux_net;
#[cfg(target_os = "linux")]
mod names;
mod network;
mod probe;
#[cfg(target_os = "linux")]
mod processors;
#[cfg(not(target_os = "linux"))]
#[path = "processors_elsewhere.rs"]
mod processors;
mod usage;
mod watch;
mod weight;

pub use doctor::doctor;
pub(crate) use doctor::{is_reachable, node_version, reserved_mb, trial_entry, version_of};
pub(crate) use entry::{Entry, FRAMES_DESCRIPTOR, SMALL_LAUNCHER};
pub(crate) use gate::Gate;
pub(crate) use probe::{Measures, Mounts, Probed, probe};
pub(crate) use watch::{Verdict, Watched, Watcher};
pub(crate) use weight::{Begins, Scale, Standing};

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

/// The body of `yunkai worker-enter ARGUMENT`: limits this process and becomes Node.
///
/// `arguments` are those after `worker-enter`. Must be called before any thread is started.
/// Returns only when it failed, or after a probe; what went wrong is then on standard error.
#[must_use]
pub fn enter(arguments: &[String]) -> ExitCode {
    let entry: Entry = match arguments.first().map(|text| serde_json::from_str(text)) {
        Some(Ok(entry)) => entry,
        _ => {
            tell(
                "worker-enter is started by the server itself. / worker-enter 仅供服务器内部使用。",
            );
            return ExitCode::FAILURE;
        }
    };
    match arrange(&entry) {
        Ok(Step::Keep) => keep(&entry),
        Ok(Step::Become) if entry.probe => answer(None),
        Ok(Step::Become) => become_node(&entry),
        Err(failure) if entry.probe => answer(Some(&failure)),
        Err((measure, error)) => {
            tell(&format!("{measure}: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// What follows when this program has done its part.
enum Step {
    /// Another one does the rest, in the namespace made for it.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "it has no namespaces"))]
    Keep,
    /// This one becomes Node, or starts it.
    Become,
}

fn arrange(entry: &Entry) -> Result<Step, (&'static str, String)> {
    if !entry.inside {
        // A session of its own: it is killed as one group, and shares the processor as one.
        nix::unistd::setsid().map_err(|error| ("session", error.to_string()))?;
        if let Some(scale) = entry.low {
            scale.begin_low();
        }
        if entry.aside {
            processors::Processors::step_aside();
        }
        if !entry.probe {
            entry::take_descriptors().map_err(|error| ("frames", error))?;
        }
    }
    confine(entry)
}

#[cfg(target_os = "linux")]
fn confine(entry: &Entry) -> Result<Step, (&'static str, String)> {
    if !entry.inside {
        linux::outside(entry)?;
        if entry.measures.processes {
            return Ok(Step::Keep);
        }
    }
    linux::inside(entry).map(|()| Step::Become)
}

#[cfg(not(target_os = "linux"))]
fn confine(entry: &Entry) -> Result<Step, (&'static str, String)> {
    if entry.probe && entry.measures != Measures::NONE {
        return Err(("all", "only Linux offers it".to_owned()));
    }
    Ok(Step::Become)
}

#[cfg(target_os = "linux")]
fn keep(entry: &Entry) -> ExitCode {
    linux_init::keep(entry)
}

#[cfg(not(target_os = "linux"))]
fn keep(entry: &Entry) -> ExitCode {
    become_node(entry)
}

fn become_node(entry: &Entry) -> ExitCode {
    #[cfg(target_os = "linux")]
    if entry.inside {
        return linux_init::run(entry);
    }
    let error = node(entry).exec();
    tell(&format!("cannot start {}: {error}", entry.node.display()));
    ExitCode::FAILURE
}

fn node(entry: &Entry) -> Command {
    let mut command = Command::new(&entry.node);
    command.args(&entry.node_arguments).env_remove(SMALL_LAUNCHER.0);
    command
}

/// The outcome of a probe, as JSON: nothing failed, or which measure did.
fn answer(failed: Option<&(&str, String)>) -> ExitCode {
    use std::io::Write as _;
    let answer = serde_json::json!({ "failed": failed });
    match writeln!(std::io::stdout(), "{answer}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Whether a process is the Node of a worker, not a program that Node started.
pub(crate) fn is_node(pid: i32, worker: nix::unistd::Pid, measures: &Measures) -> bool {
    if !measures.processes {
        return pid == worker.as_raw();
    }
    // In its namespace the first process has number 1, and starts nothing but Node.
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    numbers.and_then(|numbers| numbers.split_whitespace().last()) == Some("2")
}

/// Standard error is a pipe to the server, which puts the line into its log.
fn tell(text: &str) {
    use std::io::Write as _;
    // Nobody is left to tell when this fails.
    let _ = writeln!(std::io::stderr(), "{text}");
}
