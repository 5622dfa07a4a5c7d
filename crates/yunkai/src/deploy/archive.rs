//! A folder as a zip in memory, and the hash that says whether a server has it already.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::glob;

/// What tools leave in folders and no server needs.
const IGNORED: &[&str] = &[".git", ".svn", ".hg", ".DS_Store"];
/// The largest folder, in bytes before it is packed.
const BYTES_MAX: u64 = 500 * 1024 * 1024;

enum Entry {
    File { executable: bool },
    Link(PathBuf),
}

/// What of a folder is sent.
pub struct Selection {
    folder: PathBuf,
    entries: BTreeMap<String, Entry>,
}

impl Selection {
    /// Everything in a folder that no glob leaves out.
    pub fn of(folder: &Path, ignored: &[String]) -> Result<Self> {
        let mut selection = Self { folder: folder.to_owned(), entries: BTreeMap::new() };
        let mut bytes = 0;
        selection.walk(folder, "", ignored, &mut bytes)?;
        Ok(selection)
    }

    fn walk(
        &mut self,
        folder: &Path,
        prefix: &str,
        ignored: &[String],
        bytes: &mut u64,
    ) -> Result<()> {
        let unreadable = || format!("{0} cannot be read. / 无法读取 {0}。", folder.display());
        for entry in fs::read_dir(folder).with_context(unreadable)? {
            let entry = entry.with_context(unreadable)?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                bail!(
                    "{0}: the name is not UTF-8. / {0}:文件名不是 UTF-8。",
                    entry.path().display()
                );
            };
            let path = format!("{prefix}{name}");
            if IGNORED.contains(&name) || ignored.iter().any(|it| glob::matches(it, &path)) {
                continue;
            }
            let metadata = entry.metadata().with_context(unreadable)?;
            if metadata.is_dir() {
                self.walk(&entry.path(), &format!("{path}/"), ignored, bytes)?;
            } else if metadata.is_symlink() {
                self.entries.insert(path, Entry::Link(fs::read_link(entry.path())?));
            } else {
                *bytes += metadata.len();
                if *bytes > BYTES_MAX {
                    bail!("{0} is larger than 500 MB. / {0} 超过 500 MB。", self.folder.display());
                }
                let executable = metadata.permissions().mode() & 0o100 != 0;
                self.entries.insert(path, Entry::File { executable });
            }
        }
        Ok(())
    }

    /// 64 hex digits that change when a path, a mode or a content does.
    pub fn hash(&self) -> Result<String> {
        let mut hash = Sha256::new();
        let mut add = |part: &[u8]| {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        };
        for (path, entry) in &self.entries {
            add(path.as_bytes());
            match entry {
                Entry::File { executable } => {
                    add(&[u8::from(*executable)]);
                    add(&self.read(path)?);
                }
                Entry::Link(target) => add(target.as_os_str().as_encoded_bytes()),
            }
        }
        Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The zip.
    pub fn zip(&self) -> Result<Vec<u8>> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (path, entry) in &self.entries {
            // Without times, so that the same folder makes the same zip.
            let options =
                SimpleFileOptions::DEFAULT.compression_method(CompressionMethod::Deflated);
            match entry {
                Entry::File { executable } => {
                    let mode = if *executable { 0o755 } else { 0o644 };
                    writer.start_file(path.as_str(), options.unix_permissions(mode))?;
                    writer.write_all(&self.read(path)?)?;
                }
                Entry::Link(target) => {
                    let target = target.to_string_lossy().into_owned();
                    writer.add_symlink(path.as_str(), target, options)?;
                }
            }
        }
        Ok(writer.finish()?.into_inner())
    }

    fn read(&self, path: &str) -> Result<Vec<u8>> {
        let at = self.folder.join(path);
        fs::read(&at).with_context(|| format!("{0} cannot be read. / 无法读取 {0}。", at.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_follows_the_content_and_what_is_ignored_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("index.js", "1");
        let ignored = ["node_modules/**".to_owned()];
        let hash = || Selection::of(folder.path(), &ignored).unwrap().hash().unwrap();
        let first = hash();
        write("node_modules/a/index.js", "1");
        write(".git/HEAD", "1");
        assert_eq!(hash(), first);
        write("lib/more.js", "1");
        assert_ne!(hash(), first);
        let selection = Selection::of(folder.path(), &ignored).unwrap();
        assert_eq!(selection.zip().unwrap(), selection.zip().unwrap());
        assert_eq!(selection.entries.len(), 2);
    }
}
