//! Confinement by re-exec: the binary starts itself as `worker-enter`, limits itself, and becomes
//! Node. Everything happens after the exec of the first and before the exec of the second, in one
//! thread, so none of it needs `unsafe`.
//!
//! It fails closed: a worker applies exactly the measures that were found to work at start, and a
//! measure that fails then ends the worker. Which ones work is found by trying them ([`probe`]).

mod doctor;
mod entry;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod linux_calls;
mod probe;

pub use doctor::doctor;
pub(crate) use doctor::{is_reachable, node_version, reserved_mb, trial_entry, version_of};
pub(crate) use entry::{Entry, FRAMES_DESCRIPTOR};
pub(crate) use probe::{Measures, Mounts, Probed, probe};

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
    if entry.probe {
        return answer_probe(&entry);
    }
    if let Err(problem) = prepare(&entry) {
        tell(&problem);
        return ExitCode::FAILURE;
    }
    let error = Command::new(&entry.node).args(&entry.node_arguments).exec();
    tell(&format!("cannot start {}: {error}", entry.node.display()));
    ExitCode::FAILURE
}

#[cfg(target_os = "linux")]
fn prepare(entry: &Entry) -> Result<(), String> {
    entry::take_descriptors().map_err(|error| format!("cannot take the frames socket: {error}"))?;
    linux::confine(entry).map_err(|(measure, error)| format!("{measure}: {error}"))
}

#[cfg(not(target_os = "linux"))]
fn prepare(_entry: &Entry) -> Result<(), String> {
    entry::take_descriptors().map_err(|error| format!("cannot take the frames socket: {error}"))
}

/// Applies the measures one after the other and prints the first that failed, as JSON.
fn answer_probe(entry: &Entry) -> ExitCode {
    #[cfg(target_os = "linux")]
    let failed = linux::confine(entry).err();
    #[cfg(not(target_os = "linux"))]
    let failed: Option<(&str, String)> = {
        let _ = entry;
        Some(("all", "only Linux offers it".to_owned()))
    };
    let answer =
        serde_json::json!({ "failed": failed.map(|(measure, error)| [measure.to_owned(), error]) });
    use std::io::Write as _;
    match writeln!(std::io::stdout(), "{answer}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Standard error is a pipe to the server, which puts the line into its log.
fn tell(text: &str) {
    use std::io::Write as _;
    // Nobody is left to tell when this fails.
    let _ = writeln!(std::io::stderr(), "{text}");
}
