//! What the server tells `worker-enter`, and the descriptors it hands over.

use std::os::fd::AsFd;
use std::path::PathBuf;

use nix::fcntl::{FcntlArg, fcntl};
use serde::{Deserialize, Serialize};

use super::{Measures, Scale};

/// The descriptor of the frames line in every worker.
pub(crate) const FRAMES_DESCRIPTOR: i32 = 3;

/// Given to the launcher and taken from Node. The allocator of the binary lays hands on a gigabyte
/// of addresses at once, which a limit on data counts, unless told not to.
pub(crate) const SMALL_LAUNCHER: (&str, &str) = ("MIMALLOC_ARENA_EAGER_COMMIT", "0");

/// The argument of `worker-enter`, as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Try the measures and report instead of becoming Node.
    pub probe: bool,
    /// The second program: the first process of the namespaces that the first program made.
    pub inside: bool,
    pub measures: Measures,
    pub node: PathBuf,
    pub node_arguments: Vec<String>,
    /// The worker's own folder: `code/`, `tmp/` and the socket.
    pub slot: PathBuf,
    /// The folder of the bootstrap and the carried SDKs.
    pub runtime: PathBuf,
    pub memory_mb: u64,
    /// Size of its scratch space.
    pub tmp_mb: u64,
    /// Whose death ends this process.
    pub server_pid: i32,
    /// User and group of the server.
    pub server_uid: u32,
    pub server_gid: u32,
    /// Nobody waits for it yet: it starts weighed down.
    pub low: Option<Scale>,
    /// It starts while a function ends one worker after the other: it leaves a processor free.
    pub aside: bool,
    /// User and group to become, when started as root.
    pub uid: u32,
    /// The port its debugger may listen on.
    pub inspect_port: Option<u16>,
}

/// Moves the socket that came as standard input to descriptor 3 and closes everything else the
/// server may have inherited from its own parent (a build tool's pipes, for one).
pub(crate) fn take_descriptors() -> Result<(), String> {
    let show = |error: nix::Error| error.to_string();
    close_inherited();
    let frames = fcntl(std::io::stdin(), FcntlArg::F_DUPFD(FRAMES_DESCRIPTOR)).map_err(show)?;
    if frames != FRAMES_DESCRIPTOR {
        return Err(format!("descriptor {FRAMES_DESCRIPTOR} is taken"));
    }
    let nothing = std::fs::File::open("/dev/null").map_err(|error| error.to_string())?;
    nix::unistd::dup2_stdin(nothing.as_fd()).map_err(show)
}

fn close_inherited() {
    let folder = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let open: Vec<i32> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|descriptor| *descriptor >= FRAMES_DESCRIPTOR)
        .collect();
    for descriptor in open {
        // One of them was the folder itself and is closed already.
        let _ = nix::unistd::close(descriptor);
    }
}
