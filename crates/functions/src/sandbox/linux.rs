//! The measures themselves, in the order in which they must happen. The first program makes the
//! namespaces; the second, which is the first process in them, mounts `/proc` and then gives up,
//! one after the other: limits, user, life without the server, Landlock, seccomp. Each later one
//! would forbid an earlier one.

use std::fs;

use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;
use nix::unistd::{Gid, Uid, getppid, setgid, setgroups, setuid};

use super::{Entry, Mounts, linux_calls, linux_files, linux_mounts};

/// Which measure failed, and what the system said.
pub(super) type Failure = (&'static str, String);

/// What Node needs beyond the memory a function is given: its own code, stacks, buffers of C++.
const MEMORY_HEADROOM_MB: u64 = 192;
/// No file of a worker is larger than all of its scratch space.
const FILE_MB_MAX: u64 = 512;
const DESCRIPTORS_MAX: u64 = 4096;
/// Processes and threads of one worker, where it has a user or a user namespace of its own.
const TASKS_MAX: u64 = 512;
/// A process that used a whole day of processor time is stuck, not busy.
const CPU_SECONDS_MAX: u64 = 86_400;

/// What the first program does: what a process inside could not.
pub(super) fn outside(entry: &Entry) -> Result<(), Failure> {
    linux_mounts::separate(entry)?;
    die_with_the_server(entry)
}

/// What the last program before Node does.
pub(super) fn inside(entry: &Entry) -> Result<(), Failure> {
    let measures = &entry.measures;
    if measures.processes {
        linux_mounts::own_proc().map_err(|error| ("processes", error))?;
    }
    if measures.mounts == Mounts::User {
        linux_mounts::lay_down_powers(entry).map_err(|error| ("mounts", error))?;
    }
    if measures.limits {
        limit(entry).map_err(|error| ("limits", error.to_string()))?;
    }
    if measures.landlock || measures.seccomp {
        prctl::set_no_new_privs().map_err(|error| ("privileges", error.to_string()))?;
    }
    if measures.uid {
        become_user(entry).map_err(|error| ("uid", error))?;
    }
    // After the change of user, which clears it.
    die_with_the_server(entry)?;
    if measures.landlock {
        linux_files::restrict(entry).map_err(|error| ("landlock", error))?;
    }
    if measures.seccomp {
        linux_calls::deny().map_err(|error| ("seccomp", error))?;
    }
    Ok(())
}

/// The first process inside dies with the first program, which dies with the server.
fn die_with_the_server(entry: &Entry) -> Result<(), Failure> {
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(|error| ("death", error.to_string()))?;
    // Inside, the parent has no number. A server that died in this very moment has closed the line
    // of frames, and Node ends when it sees that.
    if !entry.inside && getppid().as_raw() != entry.server_pid {
        return Err(("death", "the server is gone already".to_owned()));
    }
    Ok(())
}

fn limit(entry: &Entry) -> nix::Result<()> {
    const MB: u64 = 1024 * 1024;
    // RLIMIT_AS is not among them: V8 and WebAssembly reserve far more than they use.
    let mut limits = vec![
        (Resource::RLIMIT_DATA, (entry.memory_mb + MEMORY_HEADROOM_MB) * MB),
        (Resource::RLIMIT_NOFILE, DESCRIPTORS_MAX),
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_FSIZE, entry.tmp_mb.max(FILE_MB_MAX) * MB),
        (Resource::RLIMIT_CPU, CPU_SECONDS_MAX),
    ];
    // Counted by user, and since Linux 5.14 by user within a user namespace.
    if entry.measures.uid || entry.measures.mounts == Mounts::User {
        limits.push((Resource::RLIMIT_NPROC, TASKS_MAX));
    }
    for (resource, value) in limits {
        let (_, hard) = getrlimit(resource)?;
        let value = value.min(hard);
        setrlimit(resource, value, value)?;
    }
    Ok(())
}

fn become_user(entry: &Entry) -> Result<(), String> {
    setgroups(&[]).map_err(show("setgroups"))?;
    setgid(Gid::from_raw(entry.uid)).map_err(show("setgid"))?;
    setuid(Uid::from_raw(entry.uid)).map_err(show("setuid"))?;
    // Pointless when the new user cannot reach what it has to run.
    for path in [&entry.node, &entry.slot.join("tmp"), &entry.runtime.join("bootstrap.js")] {
        if let Err(error) = fs::metadata(path) {
            let path = path.display();
            return Err(format!("an unprivileged user cannot reach {path}: {error}"));
        }
    }
    Ok(())
}

fn show(action: &'static str) -> impl Fn(nix::Error) -> String {
    move |error| format!("{action}: {error}")
}
