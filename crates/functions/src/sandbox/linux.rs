//! The measures themselves, in the order in which they must happen: view of the file system,
//! limits,
//! user, death with the server, Landlock, seccomp. Each later one would forbid an earlier one.

use std::fs;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, NetPort, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope, path_beneath_rules,
};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::{Gid, Uid, getegid, geteuid, getppid, setgid, setgroups, setuid};

use super::{Entry, Mounts};

/// Which measure failed, and what the system said.
pub(super) type Failure = (&'static str, String);

/// What Node needs beyond the memory a function is given: its own code, stacks, buffers of C++.
const MEMORY_HEADROOM_MB: u64 = 192;
/// The vendor gives a function 512 MB of scratch space.
const FILE_BYTES_MAX: u64 = 512 * 1024 * 1024;
const DESCRIPTORS_MAX: u64 = 4096;
/// Processes and threads of one worker, where it has a user of its own.
const TASKS_MAX: u64 = 512;
/// A worker that used a whole day of processor time is stuck, not busy.
const CPU_SECONDS_MAX: u64 = 86_400;

pub(super) fn confine(entry: &Entry) -> Result<(), Failure> {
    let measures = &entry.measures;
    separate_mounts(entry).map_err(|error| ("mounts", error))?;
    if measures.limits {
        limit(entry).map_err(|error| ("limits", error.to_string()))?;
    }
    if measures.landlock || measures.seccomp {
        prctl::set_no_new_privs().map_err(|error| ("privileges", error.to_string()))?;
    }
    if measures.uid {
        become_user(entry).map_err(|error| ("uid", error))?;
    }
    // After the change of user, which would clear it.
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(|error| ("death", error.to_string()))?;
    if getppid().as_raw() != entry.server_pid {
        return Err(("death", "the server is gone already".to_owned()));
    }
    if measures.landlock {
        restrict_files(entry).map_err(|error| ("landlock", error))?;
    }
    if measures.seccomp {
        super::linux_calls::deny().map_err(|error| ("seccomp", error))?;
    }
    Ok(())
}

/// A mount namespace in which `/tmp` is the worker's own scratch folder.
fn separate_mounts(entry: &Entry) -> Result<(), String> {
    let own = CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWIPC;
    match entry.measures.mounts {
        Mounts::Shared => return Ok(()),
        Mounts::Root => unshare(own).map_err(show("unshare"))?,
        Mounts::User => {
            let (uid, gid) = (geteuid(), getegid());
            unshare(own | CloneFlags::CLONE_NEWUSER).map_err(show("unshare"))?;
            write("/proc/self/setgroups", "deny")?;
            write("/proc/self/uid_map", &format!("{uid} {uid} 1"))?;
            write("/proc/self/gid_map", &format!("{gid} {gid} 1"))?;
        }
    }
    let none: Option<&str> = None;
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(none, "/", none, private, none).map_err(show("make mounts private"))?;
    let scratch = entry.slot.join("tmp");
    let shown = [&entry.slot, &entry.runtime];
    // A path below /tmp would vanish behind the scratch folder: it is put back inside it.
    for (path, inside) in
        shown.iter().filter_map(|path| Some((path, path.strip_prefix("/tmp").ok()?)))
    {
        let target = scratch.join(inside);
        fs::create_dir_all(&target).map_err(|error| error.to_string())?;
        bind_read_only(path, &target)?;
    }
    bind(&scratch, Path::new("/tmp"))?;
    for path in shown.iter().filter(|path| !path.starts_with("/tmp")) {
        bind_read_only(path, path)?;
    }
    Ok(())
}

fn bind(from: &Path, to: &Path) -> Result<(), String> {
    let none: Option<&str> = None;
    let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
    mount(Some(from), to, none, flags, none).map_err(show("bind"))
}

/// Code is linked to the package that other workers run: nobody may write to it, its owner
/// included.
fn bind_read_only(from: &Path, to: &Path) -> Result<(), String> {
    bind(from, to)?;
    let kept = statvfs(to).map_err(show("statvfs"))?.flags();
    // What the mount below forbids, an unprivileged user may not allow again.
    let pairs = [
        (FsFlags::ST_NOSUID, MsFlags::MS_NOSUID),
        (FsFlags::ST_NODEV, MsFlags::MS_NODEV),
        (FsFlags::ST_NOEXEC, MsFlags::MS_NOEXEC),
        (FsFlags::ST_NOATIME, MsFlags::MS_NOATIME),
        (FsFlags::ST_NODIRATIME, MsFlags::MS_NODIRATIME),
        (FsFlags::ST_RELATIME, MsFlags::MS_RELATIME),
    ];
    let mut flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    for (_, flag) in pairs.iter().filter(|(has, _)| kept.contains(*has)) {
        flags |= *flag;
    }
    let none: Option<&str> = None;
    mount(none, to, none, flags, none).map_err(show("make read-only"))
}

fn limit(entry: &Entry) -> nix::Result<()> {
    let memory = (entry.memory_mb + MEMORY_HEADROOM_MB) * 1024 * 1024;
    // RLIMIT_AS is not among them: V8 and WebAssembly reserve far more than they use.
    let mut limits = vec![
        (Resource::RLIMIT_DATA, memory),
        (Resource::RLIMIT_NOFILE, DESCRIPTORS_MAX),
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_FSIZE, FILE_BYTES_MAX),
        (Resource::RLIMIT_CPU, CPU_SECONDS_MAX),
    ];
    if entry.measures.uid {
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

fn restrict_files(entry: &Entry) -> Result<(), String> {
    let abi = ABI::V6;
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let run = read | AccessFs::Execute;
    let scratch = [entry.slot.join("tmp"), PathBuf::from("/tmp")];
    let scratch = if entry.measures.mounts == Mounts::Shared { &scratch[..1] } else { &scratch };
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
    "/proc/self",
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

fn write(path: &str, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{path}: {error}"))
}

fn show(action: &'static str) -> impl Fn(nix::Error) -> String {
    move |error| format!("{action}: {error}")
}
