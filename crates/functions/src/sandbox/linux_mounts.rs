//! The worker's own view: namespaces, a `/tmp` of its own with a size, a `/proc` that shows nobody
//! else.
//!
//! Without root, the first user namespace calls this user "root", so that the second program may
//! still mount `/proc`; a second one inside it ([`lay_down_powers`]) gives the usual number back
//! and keeps nothing.

use std::fs;
use std::path::Path;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::{getegid, geteuid, sethostname};

use super::linux::Failure;
use super::{Entry, Mounts, linux_net};

/// How many files a worker's `/tmp` holds: without a limit they could fill the memory by number.
pub(super) const TMP_FILES_MAX: u64 = 131_072;

/// Makes the namespaces and everything in them but `/proc`, which needs a process inside.
pub(super) fn separate(entry: &Entry) -> Result<(), Failure> {
    let measures = &entry.measures;
    let mounts = |error| ("mounts", error);
    let own = CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWIPC | CloneFlags::CLONE_NEWUTS;
    match measures.mounts {
        Mounts::Shared => return Ok(()),
        Mounts::Root => unshare(own).map_err(show("unshare")).map_err(mounts)?,
        Mounts::User => {
            let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
            unshare(own | CloneFlags::CLONE_NEWUSER).map_err(show("unshare")).map_err(mounts)?;
            map_users((0, uid), (0, gid)).map_err(mounts)?;
        }
    }
    if measures.network {
        linux_net::furnish(entry).map_err(|error| ("network", error))?;
    }
    if measures.processes {
        let alone = unshare(CloneFlags::CLONE_NEWPID).map_err(show("unshare"));
        alone.map_err(|error| ("processes", error))?;
    }
    // A name tells where a worker runs.
    sethostname("worker").map_err(show("sethostname")).map_err(mounts)?;
    let none: Option<&str> = None;
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(none, "/", none, private, none).map_err(show("make private")).map_err(mounts)?;
    if measures.tmp {
        bounded_scratch(entry).map_err(|error| ("tmp", error))?;
    }
    show_own_folders(entry).map_err(mounts)
}

/// The scratch folder becomes a file system in memory: it has a size, and goes with the worker.
fn bounded_scratch(entry: &Entry) -> Result<(), String> {
    let owner = match entry.measures.mounts {
        Mounts::Root if entry.measures.uid => entry.uid,
        _ => 0,
    };
    let size = entry.tmp_mb;
    let options =
        format!("size={size}m,nr_inodes={TMP_FILES_MAX},mode=0700,uid={owner},gid={owner}");
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    let scratch = entry.slot.join("tmp");
    mount(Some("tmpfs"), &scratch, Some("tmpfs"), flags, Some(options.as_str()))
        .map_err(show("mount tmpfs"))
}

fn show_own_folders(entry: &Entry) -> Result<(), String> {
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

/// The `/proc` of the worker's own process namespace, mounted by its first process.
pub(super) fn own_proc() -> Result<(), String> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let none: Option<&str> = None;
    mount(Some("proc"), "/proc", Some("proc"), flags, none).map_err(show("mount /proc"))
}

/// Ends being "root" of the first user namespace.
pub(super) fn lay_down_powers(entry: &Entry) -> Result<(), String> {
    unshare(CloneFlags::CLONE_NEWUSER).map_err(show("unshare"))?;
    map_users((entry.server_uid, 0), (entry.server_gid, 0))
}

/// Maps one user and one group: (inside, outside).
fn map_users(user: (u32, u32), group: (u32, u32)) -> Result<(), String> {
    write("/proc/self/setgroups", "deny")?;
    write("/proc/self/uid_map", &format!("{} {} 1", user.0, user.1))?;
    write("/proc/self/gid_map", &format!("{} {} 1", group.0, group.1))
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

fn write(path: &str, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{path}: {error}"))
}

fn show(action: &'static str) -> impl Fn(nix::Error) -> String {
    move |error| format!("{action}: {error}")
}
