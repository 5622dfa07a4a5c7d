//! Reads a source folder: which files belong to the package, and a faithful copy of them.
//!
//! Refuses what would leave the folder, what is not a file, and what is too much.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::Error;

/// The vendor's limit for an unpacked package (protocol 02 §5.3).
pub(super) const BYTES_MAX: u64 = 500 * 1024 * 1024;
/// The largest file: a browser fits, a disk image does not.
pub(super) const FILE_BYTES_MAX: u64 = 300 * 1024 * 1024;
pub(super) const FILES_MAX: usize = 100_000;
pub(super) const DEPTH_MAX: usize = 64;
/// What tools leave in folders and no function needs; and where the platform keeps its own.
pub(super) const IGNORED: &[&str] = &[".git", ".svn", ".hg", ".DS_Store", ".yunkai"];

/// The package has more bytes or files than one may have.
pub(super) fn too_large(function: &str) -> Error {
    Error::MendPackage(format!(
        "Function \"{function}\" is larger than 500 MB or 100,000 files. Leave out what it does not \
         need. / 云函数“{function}”超过 500 MB 或 100000 个文件,请移除不需要的内容。"
    ))
}

/// One file is larger than a file may be.
pub(super) fn file_too_large(function: &str, path: &str) -> Error {
    Error::MendPackage(format!(
        "Function \"{function}\": {path} is larger than 300 MB. Keep such files in file storage. / \
         云函数“{function}”的 {path} 超过 300 MB,请改用云存储。"
    ))
}

/// One entry of a package; paths are relative, with `/`.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Item {
    pub path: String,
    kind: Kind,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Folder,
    File {
        bytes: u64,
        executable: bool,
    },
    /// The target, relative to the folder of the link.
    Link(PathBuf),
}

impl Item {
    /// Whether this is a file (or a link) with this path.
    pub(super) fn is_file_at(&self, path: &str) -> bool {
        self.path == path && self.kind != Kind::Folder
    }

    /// Whether this is a regular file.
    pub(super) fn is_regular_file(&self) -> bool {
        matches!(self.kind, Kind::File { .. })
    }
}

/// Lists a folder, sorted by path, folders before their contents.
pub(super) fn list(name: &str, folder: &Path) -> Result<Vec<Item>, Error> {
    let root = fs::canonicalize(folder).ok().filter(|root| root.is_dir()).ok_or_else(|| {
        Error::MendPackage(format!(
            "Function \"{name}\": {} is not a folder. / 云函数“{name}”的目录 {} 不存在。",
            folder.display(),
            folder.display()
        ))
    })?;
    let mut lister = Lister { name, root: &root, items: Vec::new(), bytes: 0 };
    lister.walk(&root, "", 0)?;
    lister.items.sort();
    Ok(lister.items)
}

struct Lister<'a> {
    name: &'a str,
    root: &'a Path,
    items: Vec<Item>,
    bytes: u64,
}

impl Lister<'_> {
    fn walk(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), Error> {
        if depth > DEPTH_MAX {
            return Err(self.wrong(prefix, "folders are nested too deeply", "目录嵌套过深"));
        }
        for entry in fs::read_dir(folder).map_err(Error::disk("list", folder))? {
            let entry = entry.map_err(Error::disk("list", folder))?;
            let file_name = entry.file_name();
            let Some(file_name) = file_name.to_str() else {
                let path = entry.path();
                return Err(self.wrong(
                    &path.to_string_lossy(),
                    "the name is not UTF-8",
                    "文件名不是 UTF-8",
                ));
            };
            if IGNORED.contains(&file_name) {
                continue;
            }
            let path = format!("{prefix}{file_name}");
            let metadata = entry.metadata().map_err(Error::disk("read", entry.path()))?;
            self.add(&entry.path(), path, &metadata, depth)?;
        }
        Ok(())
    }

    fn add(
        &mut self,
        at: &Path,
        path: String,
        metadata: &Metadata,
        depth: usize,
    ) -> Result<(), Error> {
        let kind = if metadata.is_dir() {
            Kind::Folder
        } else if metadata.is_symlink() {
            Kind::Link(self.link_target(at, &path)?)
        } else if metadata.is_file() {
            self.bytes += metadata.len();
            if metadata.len() > FILE_BYTES_MAX {
                return Err(file_too_large(self.name, &path));
            }
            let executable = metadata.permissions().mode() & 0o100 != 0;
            Kind::File { bytes: metadata.len(), executable }
        } else {
            return Err(self.wrong(&path, "it is neither file nor folder", "不是普通文件或目录"));
        };
        if self.bytes > BYTES_MAX || self.items.len() == FILES_MAX {
            return Err(too_large(self.name));
        }
        let is_folder = kind == Kind::Folder;
        let inside = format!("{path}/");
        self.items.push(Item { path, kind });
        if is_folder { self.walk(at, &inside, depth + 1) } else { Ok(()) }
    }

    /// Where a link inside the folder points, relative to itself; links that leave are refused.
    fn link_target(&self, at: &Path, path: &str) -> Result<PathBuf, Error> {
        let leaves = || {
            self.wrong(
                path,
                "the symbolic link leaves the folder or leads nowhere; copy what it points to",
                "符号链接指向目录之外或目标不存在,请改为复制文件",
            )
        };
        let target = fs::canonicalize(at).map_err(|_| leaves())?;
        let target = target.strip_prefix(self.root).map_err(|_| leaves())?;
        let parents = path.matches('/').count();
        let mut relative: PathBuf = std::iter::repeat_n(Component::ParentDir, parents).collect();
        relative.push(target);
        Ok(if relative.as_os_str() == OsStr::new("") { PathBuf::from(".") } else { relative })
    }

    fn wrong(&self, path: &str, english: &str, chinese: &str) -> Error {
        Error::MendPackage(format!(
            "Function \"{}\": {path}: {english}. / 云函数“{}”的 {path}:{chinese}。",
            self.name, self.name
        ))
    }
}

/// The name of a package in the making.
pub(super) struct ContentHash(Sha256);

impl ContentHash {
    /// One more part, told apart from its neighbours.
    pub(super) fn add(&mut self, part: &[u8]) {
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
    }

    pub(super) fn finish(self) -> String {
        hex::encode(self.0.finalize())
    }
}

/// Copies the items to `to`, which must not exist, and hashes what it copied.
pub(super) fn copy(from: &Path, items: &[Item], to: &Path) -> Result<ContentHash, Error> {
    let mut hash = ContentHash(Sha256::new());
    fs::create_dir(to).map_err(Error::disk("create", to))?;
    for item in items {
        hash.add(item.path.as_bytes());
        let target = to.join(&item.path);
        match &item.kind {
            Kind::Folder => fs::create_dir(&target).map_err(Error::disk("create", &target))?,
            Kind::Link(points_to) => {
                hash.add(points_to.as_os_str().as_encoded_bytes());
                std::os::unix::fs::symlink(points_to, &target)
                    .map_err(Error::disk("link", &target))?;
            }
            Kind::File { executable, .. } => {
                hash.add(&[u8::from(*executable)]);
                let content = copy_file(&from.join(&item.path), &target, *executable)
                    .map_err(Error::disk("copy", from.join(&item.path)))?;
                hash.add(&content);
            }
        }
    }
    Ok(hash)
}

/// Copies one file; returns the hash of what was copied.
fn copy_file(from: &Path, to: &Path, executable: bool) -> std::io::Result<[u8; 32]> {
    let (mut input, mut output) = (File::open(from)?, File::create_new(to)?);
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let bytes = input.read(&mut buffer)?;
        if bytes == 0 {
            break;
        }
        hash.update(&buffer[..bytes]);
        output.write_all(&buffer[..bytes])?;
    }
    // Workers have links to this very file; writing to it must at least need an effort.
    let mode = if executable { 0o555 } else { 0o444 };
    output.set_permissions(Permissions::from_mode(mode))?;
    Ok(hash.finalize().into())
}
