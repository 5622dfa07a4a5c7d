//! A package as one stream of bytes, so that it can travel to another node: what was found out
//! about it and its code, compressed. What arrives must bear its seal.
//!
//! ```text
//! lz4 frame of entries: kind (1 byte) · path · content
//! path, content: length (8 bytes, little endian) and bytes; a link's content is where it leads
//! ```

use std::fs::{self, File, Permissions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use lz4_flex::frame::{FrameDecoder, FrameEncoder};

use super::Workshop;
use super::kept::{CODE, NOTE, Note};
use super::seal::is_compiled_code;
use crate::error::Error;

const FOLDER: u8 = 1;
const FILE: u8 = 2;
const PROGRAM: u8 = 3;
const LINK: u8 = 4;
const PATH_BYTES_MAX: u64 = 4_096;

/// A parcel on the disk; its file goes when this is dropped.
#[derive(Debug)]
pub struct Parcel {
    path: PathBuf,
}

impl Parcel {
    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        // What stays behind goes at the next start.
        let _ = fs::remove_file(&self.path);
    }
}

impl Workshop {
    /// Whether the package of this hash is here, and whole.
    pub(crate) fn has(&self, hash: &str) -> bool {
        // A tree that nobody uses would be removed when it is dropped.
        self.note(hash).is_ok()
    }

    /// An empty parcel, to be filled by whoever receives one.
    pub(crate) fn parcel(&self) -> Parcel {
        Parcel { path: self.unfinished(&self.packages).into_path() }
    }

    /// Makes a parcel of a package.
    ///
    /// # Errors
    /// [`Error::Disk`].
    pub(crate) fn pack(&self, hash: &str) -> Result<Parcel, Error> {
        let (parcel, folder) = (self.parcel(), self.packages.join(hash));
        let packed = (|| {
            let file = BufWriter::new(File::create_new(&parcel.path)?);
            let mut writer = FrameEncoder::new(file);
            entry(&mut writer, FILE, Path::new(NOTE), &folder.join(NOTE))?;
            tree(&mut writer, &folder, Path::new(CODE))?;
            writer.finish().map_err(io::Error::other)?.flush()
        })();
        packed.map_err(Error::disk("pack", &folder))?;
        Ok(parcel)
    }

    /// Unpacks a parcel and keeps the package, if it is whole.
    ///
    /// # Errors
    /// [`Error::Disk`]; also for a parcel that does not bear its seal.
    pub(crate) fn unpack(&self, hash: &str, parcel: &Parcel) -> Result<(), Error> {
        let folder = self.unfinished(&self.packages);
        let unpacked = (|| {
            fs::create_dir(&folder.0)?;
            let file = BufReader::new(File::open(&parcel.path)?);
            unpack(&mut FrameDecoder::new(file), &folder.0)?;
            let note: Note = serde_json::from_slice(&fs::read(folder.0.join(NOTE))?)?;
            let is_whole = note.seal == Some(super::seal::of(&folder.code())?);
            if is_whole { Ok(note) } else { Err(io::Error::other("the parcel is damaged")) }
        })();
        let note = unpacked.map_err(Error::disk("unpack", &folder.0))?;
        // It stays until somebody looks for it, or tidies.
        self.finish(&folder, hash, note).map(|(tree, _)| tree.keep())
    }
}

fn tree(writer: &mut impl Write, root: &Path, path: &Path) -> io::Result<()> {
    entry(writer, FOLDER, path, Path::new(""))?;
    for item in fs::read_dir(root.join(path))? {
        let item = item?;
        let (path, kind) = (path.join(item.file_name()), item.file_type()?);
        if kind.is_dir() {
            tree(writer, root, &path)?;
        } else if kind.is_symlink() {
            entry(writer, LINK, &path, &item.path())?;
        } else if !is_compiled_code(&path) {
            let is_program = item.metadata()?.permissions().mode() & 0o100 != 0;
            entry(writer, if is_program { PROGRAM } else { FILE }, &path, &item.path())?;
        }
    }
    Ok(())
}

fn entry(writer: &mut impl Write, kind: u8, path: &Path, from: &Path) -> io::Result<()> {
    writer.write_all(&[kind])?;
    text(writer, path)?;
    match kind {
        FOLDER => Ok(()),
        LINK => text(writer, &fs::read_link(from)?),
        _ => {
            let file = File::open(from)?;
            let bytes = file.metadata()?.len();
            writer.write_all(&bytes.to_le_bytes())?;
            let copied = io::copy(&mut file.take(bytes), writer)?;
            if copied == bytes { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
        }
    }
}

fn text(writer: &mut impl Write, path: &Path) -> io::Result<()> {
    let bytes = path.as_os_str().as_encoded_bytes();
    writer.write_all(&(bytes.len() as u64).to_le_bytes())?;
    writer.write_all(bytes)
}

fn unpack(reader: &mut impl Read, folder: &Path) -> io::Result<()> {
    let mut links = Vec::new();
    let mut kind = [0];
    while reader.read(&mut kind)? == 1 {
        let path = read_text(reader)?;
        let is_inside = path.components().all(|part| matches!(part, Component::Normal(_)));
        if !is_inside {
            return Err(io::Error::other("a path of the parcel leads out of it"));
        }
        let path = folder.join(path);
        match kind[0] {
            FOLDER => {
                fs::create_dir(&path)?;
                fs::set_permissions(&path, Permissions::from_mode(0o755))?;
            }
            // Made last, so that nothing is written through one.
            LINK => links.push((path, read_text(reader)?)),
            FILE | PROGRAM => {
                let length = read_length(reader)?;
                let mut bytes = reader.by_ref().take(length);
                let mut file = File::create_new(&path)?;
                io::copy(&mut bytes, &mut file)?;
                if bytes.limit() > 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                let mode = if kind[0] == PROGRAM { 0o555 } else { 0o444 };
                file.set_permissions(Permissions::from_mode(mode))?;
            }
            _ => return Err(io::Error::other("an entry of the parcel is of no known kind")),
        }
    }
    links.into_iter().try_for_each(|(path, target)| std::os::unix::fs::symlink(target, path))
}

fn read_length(reader: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    reader.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

fn read_text(reader: &mut impl Read) -> io::Result<PathBuf> {
    let length = read_length(reader)?;
    if length > PATH_BYTES_MAX {
        return Err(io::Error::other("a path of the parcel is too long"));
    }
    let mut bytes = Vec::new();
    reader.by_ref().take(length).read_to_end(&mut bytes)?;
    let text = String::from_utf8(bytes).map_err(io::Error::other)?;
    Ok(PathBuf::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_comes_out_as_it_went_in() {
        let root = tempfile::tempdir().unwrap();
        let (from, to) = (root.path().join("from"), root.path().join("to"));
        fs::create_dir_all(from.join("code/lib")).unwrap();
        fs::create_dir(&to).unwrap();
        fs::write(from.join("code/index.js"), "one").unwrap();
        fs::write(from.join("code/lib/run"), "#!/bin/sh").unwrap();
        let program = Permissions::from_mode(0o555);
        fs::set_permissions(from.join("code/lib/run"), program).unwrap();
        std::os::unix::fs::symlink("lib/run", from.join("code/link")).unwrap();
        let mut bytes = Vec::new();
        tree(&mut bytes, &from, Path::new("code")).unwrap();
        unpack(&mut &bytes[..], &to).unwrap();
        assert_eq!(fs::read_to_string(to.join("code/index.js")).unwrap(), "one");
        let mode = |path| to.join(path).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("code/index.js"), mode("code/link")), (0o444, 0o555));
        assert_eq!(fs::read_link(to.join("code/link")).unwrap(), Path::new("lib/run"));
        assert!(unpack(&mut &bytes[..bytes.len() - 3], &root.path().join("half")).is_err());
        for path in ["../out", "/out"] {
            let mut bytes = vec![FOLDER];
            text(&mut bytes, Path::new(path)).unwrap();
            assert!(unpack(&mut &bytes[..], &to).is_err(), "{path}");
        }
    }
}
