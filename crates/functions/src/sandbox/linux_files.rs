//! Which files a worker may see: system software, names and certificates, its own folder. Enforced
//! by Landlock, which also keeps it from listening on TCP and from signalling others.

use std::fs;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, NetPort, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope, path_beneath_rules,
};

use super::{Entry, Mounts};

/// Forbids everything that is not named here, for this process and all that come from it.
pub(super) fn restrict(entry: &Entry) -> Result<(), String> {
    let abi = ABI::V6;
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let run = read | AccessFs::Execute;
    let scratch = [entry.slot.join("tmp"), PathBuf::from("/tmp")];
    let scratch = if entry.measures.mounts == Mounts::Shared { &scratch[..1] } else { &scratch };
    // In a process namespace there is nothing in /proc but what the worker started itself.
    let own_processes: &[&str] =
        if entry.measures.processes { &["/proc"] } else { &["/proc/self"] };
    let show = |error: landlock::RulesetError| error.to_string();
    // Which worker gets the inspected function is not known yet, so all of them may.
    let debugger = entry.inspect_port.map(|port| NetPort::new(port, AccessNet::BindTcp));
    let debugger = debugger.into_iter().map(Ok::<_, landlock::RulesetError>);
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))
        .map_err(show)?
        // Functions reach out; nothing on the network reaches in.
        .handle_access(AccessNet::BindTcp)
        .map_err(show)?
        .scope(Scope::from_all(abi))
        .map_err(show)?
        .create()
        .map_err(show)?
        .add_rules(path_beneath_rules(program_folders(&entry.node), run))
        .map_err(show)?
        .add_rules(path_beneath_rules([&entry.slot], run))
        .map_err(show)?
        .add_rules(path_beneath_rules([&entry.runtime], read))
        .map_err(show)?
        .add_rules(path_beneath_rules(READABLE, read))
        .map_err(show)?
        .add_rules(path_beneath_rules(own_processes, read))
        .map_err(show)?
        .add_rules(path_beneath_rules(WRITABLE, read | AccessFs::WriteFile))
        .map_err(show)?
        .add_rules(path_beneath_rules(scratch, AccessFs::from_all(abi)))
        .map_err(show)?
        .add_rules(debugger)
        .map_err(show)?
        .restrict_self()
        .map_err(show)?;
    match status.ruleset {
        RulesetStatus::NotEnforced => Err("the kernel does not offer it".to_owned()),
        _ => Ok(()),
    }
}

/// System software, and the folder Node was installed to (`PREFIX/bin/node`).
fn program_folders(node: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32", "/nix/store"]
            .map(PathBuf::from)
            .into();
    let node = fs::canonicalize(node).unwrap_or_else(|_| node.to_owned());
    match node.parent() {
        Some(bin) if bin.ends_with("bin") => folders.extend(bin.parent().map(Path::to_owned)),
        Some(folder) => folders.push(folder.to_owned()),
        None => {}
    }
    // A node directly below the root must not open the whole disk.
    folders.retain(|folder| folder.parent().is_some());
    folders
}

/// Names, certificates, time zones, fonts, and what a process may know about itself and the
/// machine.
const READABLE: &[&str] = &[
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/etc/ca-certificates.conf",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/mime.types",
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/run/systemd/resolve",
    "/var/cache/fontconfig",
    "/proc/meminfo",
    "/proc/cpuinfo",
    "/proc/stat",
    "/proc/version",
    "/proc/loadavg",
    "/proc/uptime",
    "/proc/filesystems",
    "/proc/sys/vm/overcommit_memory",
    "/proc/sys/kernel/osrelease",
    "/proc/version_signature",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
    "/dev/urandom",
    "/dev/random",
    "/dev/zero",
];
const WRITABLE: &[&str] = &["/dev/null"];
