//! Unpacks a zip into a new folder, believing nothing it says.
//!
//! Sizes are counted while bytes come out, never taken from the archive. Refused: paths that leave
//! the folder, links that do, devices, names that come twice, encrypted entries, entries that
//! share bytes, and archives that grow out of proportion.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::{self, Cursor, Read, Seek, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

use super::Zip;
use super::source::{BYTES_MAX, DEPTH_MAX, FILE_BYTES_MAX, FILES_MAX, IGNORED};
use crate::error::Error;

const PATH_BYTES_MAX: usize = 1_024;
const NAME_BYTES_MAX: usize = 255;
/// What no text shrinks by: more than this many bytes out of one byte is a bomb …
const GROWTH_MAX: u64 = 100;
/// … unless all of it is this small.
const GROWTH_FREE_BYTES: u64 = 16 * 1024 * 1024;
const LINK_BYTES_MAX: u64 = 4_096;
/// The kind of file within a Unix mode.
const KIND_MASK: u32 = 0o170_000;
const KIND_FILE: u32 = 0o100_000;
const KIND_FOLDER: u32 = 0o040_000;
const KIND_LINK: u32 = 0o120_000;

/// Unpacks into `to`, which must not exist.
///
/// # Errors
/// [`Error::MendPackage`] says which entry is refused and why. What was written stays in `to`; the
/// caller removes it.
pub(super) fn unpack(function: &str, zip: &Zip, to: &Path) -> Result<(), Error> {
    match zip {
        Zip::Bytes(bytes) => {
            let length = bytes.len() as u64;
            Unpacking::new(function, length, to)?.all(Cursor::new(bytes.as_ref()))
        }
        Zip::File(path) => {
            let file = File::open(path).map_err(Error::disk("open", path))?;
            let length = file.metadata().map_err(Error::disk("read", path))?.len();
            Unpacking::new(function, length, to)?.all(io::BufReader::new(file))
        }
    }
}

/// A folder that may lie around a package: the only one at the top, when the handler's file is not
/// there.
pub(super) fn root_within(unpacked: &Path, has_main: impl Fn(&Path) -> bool) -> PathBuf {
    let entries: Vec<_> = fs::read_dir(unpacked).into_iter().flatten().flatten().collect();
    match &entries[..] {
        [only] if only.path().is_dir() && !has_main(unpacked) => only.path(),
        _ => unpacked.to_owned(),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    File,
    Link,
}

struct Unpacking<'a> {
    function: &'a str,
    to: &'a Path,
    /// All bytes that may come out.
    bytes_max: u64,
    bytes: u64,
    seen: BTreeMap<String, Kind>,
    links: Vec<(String, PathBuf)>,
}

impl<'a> Unpacking<'a> {
    fn new(function: &'a str, archive_bytes: u64, to: &'a Path) -> Result<Self, Error> {
        let grown = archive_bytes.saturating_mul(GROWTH_MAX).saturating_add(GROWTH_FREE_BYTES);
        fs::create_dir(to).map_err(Error::disk("create", to))?;
        let (seen, links) = (BTreeMap::new(), Vec::new());
        Ok(Self { function, to, bytes_max: BYTES_MAX.min(grown), bytes: 0, seen, links })
    }

    fn all(mut self, reader: impl Read + Seek) -> Result<(), Error> {
        let mut archive = ZipArchive::new(reader).map_err(|error| self.unreadable(&error))?;
        if archive.len() > FILES_MAX {
            return Err(super::source::too_large(self.function));
        }
        if archive.has_duplicate_names() {
            return Err(self.wrong("", "two entries have one name", "存在同名条目"));
        }
        if archive.has_overlapping_entries().map_err(|error| self.unreadable(&error))? {
            return Err(self.wrong("", "entries share bytes, as bombs do", "条目数据重叠"));
        }
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).map_err(|error| self.unreadable(&error))?;
            self.one(&mut entry)?;
        }
        // Last, so that no entry is written through one.
        for (path, target) in &self.links {
            let at = self.to.join(path);
            std::os::unix::fs::symlink(target, &at).map_err(Error::disk("link", at))?;
        }
        Ok(())
    }

    fn one<R: Read>(&mut self, entry: &mut ZipFile<'_, R>) -> Result<(), Error> {
        let Some(path) = self.path_of(entry.name_raw())? else { return Ok(()) };
        let mode = entry.unix_mode();
        let kind = match mode.map(|mode| mode & KIND_MASK) {
            None | Some(0 | KIND_FILE | KIND_FOLDER) if entry.is_dir() => Kind::Folder,
            Some(KIND_FOLDER) => Kind::Folder,
            None | Some(0 | KIND_FILE) => Kind::File,
            Some(KIND_LINK) => Kind::Link,
            Some(_) => {
                return Err(self.wrong(
                    &path,
                    "it is neither file nor folder",
                    "不是普通文件或目录",
                ));
            }
        };
        if entry.encrypted() {
            return Err(self.wrong(&path, "it is encrypted", "条目已加密"));
        }
        self.remember(&path, kind)?;
        match kind {
            Kind::Folder => self.folder(&path),
            Kind::File => {
                if let Some((parent, _)) = path.rsplit_once('/') {
                    self.folder(parent)?;
                }
                self.file(&path, entry, mode.is_some_and(|mode| mode & 0o100 != 0))
            }
            Kind::Link => {
                if let Some((parent, _)) = path.rsplit_once('/') {
                    self.folder(parent)?;
                }
                self.link(path, entry)
            }
        }
    }

    /// A path inside the package; nothing for what is not unpacked.
    fn path_of(&self, raw: &[u8]) -> Result<Option<String>, Error> {
        let Ok(name) = std::str::from_utf8(raw) else {
            let name = String::from_utf8_lossy(raw);
            return Err(self.wrong(&name, "the name is not UTF-8", "文件名不是 UTF-8"));
        };
        // Some tools on Windows write their own separators.
        let name = name.replace('\\', "/");
        let leaves = || self.wrong(&name, "the path leaves the package", "路径指向代码包之外");
        let drive = name.as_bytes().get(1) == Some(&b':');
        if name.starts_with('/') || drive || name.contains('\0') {
            return Err(leaves());
        }
        let mut parts = Vec::new();
        for part in name.split('/') {
            match part {
                "" | "." => {}
                ".." => return Err(leaves()),
                part if IGNORED.contains(&part) || part == "__MACOSX" => return Ok(None),
                part => parts.push(part),
            }
        }
        let longest = parts.iter().map(|part| part.len()).max().unwrap_or(0);
        let path = parts.join("/");
        if path.len() > PATH_BYTES_MAX || longest > NAME_BYTES_MAX || parts.len() > DEPTH_MAX {
            return Err(self.wrong(&path, "the path is too long or too deep", "路径过长或过深"));
        }
        Ok((!path.is_empty()).then_some(path))
    }

    /// Folders may be named more than once, anything else once; and nothing lies inside a file.
    fn remember(&mut self, path: &str, kind: Kind) -> Result<(), Error> {
        let twice = |path: &str| self.wrong(path, "it comes twice", "条目重复");
        let mut parent = path;
        while let Some((above, _)) = parent.rsplit_once('/') {
            match self.seen.get(above) {
                Some(Kind::Folder) => break,
                Some(_) => return Err(twice(above)),
                None => parent = above,
            }
        }
        match self.seen.get(path) {
            Some(Kind::Folder) if kind == Kind::Folder => return Ok(()),
            Some(_) => return Err(twice(path)),
            None => {}
        }
        let mut parent = path;
        while let Some((above, _)) = parent.rsplit_once('/') {
            self.seen.insert(above.to_owned(), Kind::Folder);
            parent = above;
        }
        self.seen.insert(path.to_owned(), kind);
        if self.seen.len() > FILES_MAX {
            return Err(super::source::too_large(self.function));
        }
        Ok(())
    }

    fn folder(&self, path: &str) -> Result<(), Error> {
        let at = self.to.join(path);
        fs::create_dir_all(&at).map_err(Error::disk("create", at))
    }

    fn file(&mut self, path: &str, from: &mut impl Read, executable: bool) -> Result<(), Error> {
        let at = self.to.join(path);
        let mut output = File::create_new(&at).map_err(Error::disk("create", &at))?;
        let mut buffer = vec![0; 64 * 1024];
        let mut file_bytes = 0;
        loop {
            let bytes = from.read(&mut buffer).map_err(|error| self.damaged(path, &error))?;
            if bytes == 0 {
                break;
            }
            file_bytes += bytes as u64;
            self.bytes += bytes as u64;
            if file_bytes > FILE_BYTES_MAX {
                return Err(super::source::file_too_large(self.function, path));
            }
            if self.bytes > BYTES_MAX {
                return Err(super::source::too_large(self.function));
            }
            if self.bytes > self.bytes_max {
                return Err(self.wrong(
                    path,
                    "the archive unpacks to a hundred times its size, as bombs do",
                    "解压后体积超过压缩包的一百倍,疑似压缩炸弹",
                ));
            }
            output.write_all(&buffer[..bytes]).map_err(Error::disk("write", &at))?;
        }
        let mode = if executable { 0o755 } else { 0o644 };
        output.set_permissions(Permissions::from_mode(mode)).map_err(Error::disk("share", at))
    }

    /// Links are kept for later; where they really lead is looked at when all is there.
    fn link(&mut self, path: String, from: &mut impl Read) -> Result<(), Error> {
        let mut target = String::new();
        let read = from.take(LINK_BYTES_MAX).read_to_string(&mut target);
        read.map_err(|error| self.damaged(&path, &error))?;
        let mut depth = path.matches('/').count();
        let inside = !target.is_empty()
            && !target.contains('\0')
            && !target.starts_with('/')
            && target.split('/').all(|part| match part {
                "" | "." => true,
                ".." => depth.checked_sub(1).is_some_and(|above| {
                    depth = above;
                    true
                }),
                _ => {
                    depth += 1;
                    true
                }
            });
        if !inside {
            let (english, chinese) =
                ("the symbolic link leaves the package", "符号链接指向代码包之外");
            return Err(self.wrong(&path, english, chinese));
        }
        self.links.push((path, PathBuf::from(target)));
        Ok(())
    }

    fn damaged(&self, path: &str, error: &io::Error) -> Error {
        self.wrong(path, &format!("it cannot be unpacked ({error})"), "无法解压,文件可能已损坏")
    }

    fn unreadable(&self, error: &ZipError) -> Error {
        Error::MendPackage(format!(
            "Function \"{}\": the zip cannot be read: {error}. Make it again, with plain or deflate \
             compression. / 云函数“{}”的 zip 无法读取:{error},请重新打包。",
            self.function, self.function
        ))
    }

    fn wrong(&self, path: &str, english: &str, chinese: &str) -> Error {
        let shown: String = path.chars().take(200).collect();
        Error::MendPackage(format!(
            "Function \"{}\": the zip is refused at \"{shown}\": {english}. / \
             云函数“{}”的 zip 被拒绝(“{shown}”):{chinese}。",
            self.function, self.function
        ))
    }
}
