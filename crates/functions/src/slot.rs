//! The folder of one worker: `code/` (the package, hard-linked), `tmp/` (its scratch space) and `s`
//! (its private socket). Made before the worker starts, filled when it gets a function, removed
//! when it is gone. Nothing else of the disk is ever shown to it.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

use crate::error::Error;

/// Longest path of a Unix socket, without the closing zero (the smallest of the systems we know).
const SOCKET_PATH_BYTES_MAX: usize = 103;
/// Users 62,000 to 64,999: inside what containers map, outside what distributions hand to people.
pub(crate) const FIRST_UID: u32 = 62_000;
const UIDS: u64 = 3_000;

/// The folder; removed when dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    pub path: PathBuf,
    pub uid: u32,
    own_user: bool,
}

impl Slot {
    /// Makes the folder and its socket. `own_user`: the worker will run as [`Self::uid`].
    pub(crate) fn create(
        run_dir: &Path,
        number: u64,
        own_user: bool,
    ) -> Result<(Self, UnixListener), Error> {
        let path = run_dir.join(number.to_string());
        let offset = u32::try_from(number % UIDS).expect("smaller than the number of users");
        let slot = Self { path, uid: FIRST_UID + offset, own_user };
        slot.make_folders().map_err(Error::disk("create", &slot.path))?;
        let socket = slot.socket();
        if socket.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
            return Err(too_long(run_dir));
        }
        let listener = UnixListener::bind(&socket).map_err(Error::disk("bind", &socket))?;
        slot.give(&socket, 0o600).map_err(Error::disk("share", &socket))?;
        Ok((slot, listener))
    }

    fn make_folders(&self) -> io::Result<()> {
        fs::create_dir(&self.path)?;
        fs::create_dir(self.tmp())?;
        self.give(&self.tmp(), 0o700)?;
        if self.own_user {
            // Owned by root, so that the worker can pass through and change nothing.
            chown(&self.path, None, Some(self.uid))?;
            fs::set_permissions(&self.path, Permissions::from_mode(0o710))
        } else {
            fs::set_permissions(&self.path, Permissions::from_mode(0o700))
        }
    }

    fn give(&self, path: &Path, mode: u32) -> io::Result<()> {
        fs::set_permissions(path, Permissions::from_mode(mode))?;
        if self.own_user { chown(path, Some(self.uid), Some(self.uid)) } else { Ok(()) }
    }

    /// The root of the function's code.
    pub(crate) fn code(&self) -> PathBuf {
        self.path.join("code")
    }

    /// The scratch folder.
    pub(crate) fn tmp(&self) -> PathBuf {
        self.path.join("tmp")
    }

    /// The private socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.path.join("s")
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.path.display(), %error, "a worker's folder stays behind");
        }
    }
}

/// Puts a package into a slot, as its `code` folder.
pub(crate) fn fill(package: &Path, code: &Path) -> Result<(), Error> {
    link_tree(package, code).map_err(Error::disk("link", code))
}

/// Refuses a folder in which sockets could not be bound.
pub(crate) fn check_run_dir(run_dir: &Path) -> Result<(), Error> {
    // Room for "/", a number of any length we will reach, and "/s".
    if run_dir.as_os_str().len() + 14 > SOCKET_PATH_BYTES_MAX {
        return Err(too_long(run_dir));
    }
    Ok(())
}

fn too_long(run_dir: &Path) -> Error {
    Error::MendSetup(format!(
        "The run folder {} has too long a path for sockets; choose one of at most {} bytes. / \
         运行目录路径过长,请换一个更短的目录。",
        run_dir.display(),
        SOCKET_PATH_BYTES_MAX - 14
    ))
}

/// Copies a tree by hard links; by bytes where links are not possible. Symbolic links are kept.
pub(crate) fn link_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    // Whatever the umask of the server is, the worker's user must get through.
    fs::set_permissions(to, Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            link_tree(&source, &target)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&source)?, &target)?;
        } else if fs::hard_link(&source, &target).is_err() {
            fs::copy(&source, &target)?;
        }
    }
    Ok(())
}
