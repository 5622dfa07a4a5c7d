//! Two small processes around Node where a worker has a process namespace of its own.
//!
//! The server's child ([`keep`]) stands outside and ends as Node ended. The first process inside
//! ([`run`]) is confined as Node is, collects the processes that Node's children leave behind, and
//! takes everything with it when Node ends: the kernel kills whatever is left in the namespace.

use std::process::{Command, ExitCode};

use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{Signal, raise};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

use super::{Entry, FRAMES_DESCRIPTOR, tell};

/// As shells do: a program ended by signal N is told on as exit code 128 + N.
const ENDED_BY_SIGNAL: i32 = 128;

/// Starts the second program as the first process of the namespace, and ends as it does.
pub(super) fn keep(entry: &Entry) -> ExitCode {
    let inside = Entry { inside: true, ..entry.clone() };
    let started =
        serde_json::to_string(&inside).map_err(std::io::Error::other).and_then(|argument| {
            Command::new("/proc/self/exe").arg("worker-enter").arg(argument).spawn()
        });
    let mut child = match started {
        Ok(child) => child,
        Err(error) => {
            tell(&format!("cannot start the second program: {error}"));
            return ExitCode::FAILURE;
        }
    };
    close_frames(entry);
    match child.wait().map(|status| status.code()) {
        Ok(Some(code)) => end_as(code),
        // Only the server kills the first process inside.
        Ok(None) => end_as(ENDED_BY_SIGNAL + Signal::SIGKILL as i32),
        Err(_) => ExitCode::FAILURE,
    }
}

/// Starts Node and lives as long as it does.
pub(super) fn run(entry: &Entry) -> ExitCode {
    let node = match super::node(entry).spawn() {
        Ok(child) => Pid::from_raw(child.id().cast_signed()),
        Err(error) => {
            tell(&format!("cannot start {}: {error}", entry.node.display()));
            return ExitCode::FAILURE;
        }
    };
    close_frames(entry);
    loop {
        let code = match waitpid(None, None) {
            Ok(WaitStatus::Exited(pid, code)) if pid == node => code,
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == node => {
                ENDED_BY_SIGNAL + signal as i32
            }
            Ok(_) | Err(nix::Error::EINTR) => continue,
            Err(_) => return ExitCode::FAILURE,
        };
        return ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX));
    }
}

/// Node alone holds its end of the line, so that the server sees when it closes.
fn close_frames(entry: &Entry) {
    if !entry.probe {
        // It was moved there by this program; nothing else uses it.
        let _ = nix::unistd::close(FRAMES_DESCRIPTOR);
    }
}

fn end_as(code: i32) -> ExitCode {
    if let Ok(signal) = Signal::try_from(code - ENDED_BY_SIGNAL) {
        // The memory of this small process is of no interest to anybody.
        let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
        let _ = raise(signal);
    }
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}
