//! The seal of a package: what its folder held when it was complete, as one hash, so that a package
//! that a loss of power or a stray hand has torn is noticed before it is run.
//!
//! Of what npm installed only names and lengths are looked at: a start must not read all of it.
//! What the platform compiles later is left out.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::bundle;
use super::kept::{SYNC_FILES_MAX, make_durable};

/// Installed code; only its shape is sealed.
const MODULES: &str = "node_modules";
/// What compiled code beside a bundle begins with.
const COMPILED: &str = "code ";

/// The seal of a folder of code.
///
/// # Errors
/// A file or folder that cannot be read.
pub(super) fn of(code: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    add(&mut hash, code, true)?;
    Ok(hex::encode(hash.finalize()))
}

fn add(hash: &mut Sha256, folder: &Path, reads: bool) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (name, path) = (entry.file_name(), entry.path());
        let name = name.as_encoded_bytes();
        if is_compiled_code(&path) {
            continue;
        }
        part(hash, name);
        let metadata = path.symlink_metadata()?;
        if metadata.is_symlink() {
            part(hash, fs::read_link(&path)?.as_os_str().as_encoded_bytes());
        } else if metadata.is_dir() {
            part(hash, b"(");
            add(hash, &path, reads && name != MODULES.as_bytes())?;
            part(hash, b")");
        } else {
            hash.update(metadata.len().to_le_bytes());
            if reads {
                read(hash, &mut File::open(&path)?)?;
            }
        }
    }
    Ok(())
}

/// Whether a file is what Node.js made of a bundle; it can be made again at any time.
pub(super) fn is_compiled_code(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let is_ours = path.parent().is_some_and(|folder| folder.ends_with(bundle::FOLDER));
    is_ours && name.starts_with(COMPILED.as_bytes())
}

fn read(hash: &mut Sha256, file: &mut File) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(()),
            bytes => hash.update(&buffer[..bytes]),
        }
    }
}

fn part(hash: &mut Sha256, part: &[u8]) {
    hash.update((part.len() as u64).to_le_bytes());
    hash.update(part);
}

/// All of a folder outlives a loss of power: few files are synced one by one, many with everything
/// that the disk has waiting.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    let mut paths = Vec::new();
    list(folder, &mut paths)?;
    if paths.len() > SYNC_FILES_MAX {
        return make_durable(folder);
    }
    paths.iter().try_for_each(|path| File::open(path)?.sync_all())
}

/// The files and folders, itself included, until there are more than are synced one by one.
fn list(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    paths.push(folder.to_owned());
    for entry in fs::read_dir(folder)? {
        if paths.len() > SYNC_FILES_MAX {
            return Ok(());
        }
        let (entry, kind) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))?;
        if kind.is_dir() {
            list(&entry, paths)?;
        } else if kind.is_file() {
            paths.push(entry);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_breaks_when_something_is_missing_short_or_other() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        for made in ["lib", "node_modules/a", bundle::FOLDER] {
            fs::create_dir_all(at(made)).unwrap();
        }
        fs::write(at("index.js"), "one").unwrap();
        fs::write(at("lib/x.js"), "two").unwrap();
        fs::write(at("node_modules/a/index.js"), "three").unwrap();
        std::os::unix::fs::symlink("index.js", at("link.js")).unwrap();
        let seal = of(folder.path()).unwrap();
        fs::write(at(bundle::FOLDER).join("code v22.1.0"), "compiled").unwrap();
        assert_eq!(of(folder.path()).unwrap(), seal);
        let broken = |path: &str, text: Option<&str>| {
            let before = fs::read(at(path)).unwrap();
            match text {
                Some(text) => fs::write(at(path), text).unwrap(),
                None => fs::remove_file(at(path)).unwrap(),
            }
            assert_ne!(of(folder.path()).unwrap(), seal, "{path}");
            fs::write(at(path), before).unwrap();
            assert_eq!(of(folder.path()).unwrap(), seal, "{path}");
        };
        broken("index.js", Some("ono"));
        broken("index.js", None);
        broken("lib/x.js", Some(""));
        broken("node_modules/a/index.js", Some("thr"));
        broken("node_modules/a/index.js", None);
        sync(folder.path()).unwrap();
    }
}
