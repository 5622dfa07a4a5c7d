//! Blobs on the local disk: immutable bytes named by their SHA-256.
//!
//! ```text
//! DIR/blobs/ab/cdef…      64 hex digits, the first two are a directory
//! DIR/variants/ab/cdef…/  what was made from that blob, see `variants`
//! DIR/doubts/abcdef…      empty: a write touching this blob was under way, look at it at start
//! DIR/temp/               uploads and variants under way; emptied at start
//! ```
//!
//! A blob appears under its name whole and synced, or not at all. This module never decides whether
//! a blob is still needed; `ledger` does.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use md5::Md5;
use rand::RngExt as _;
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;

use crate::{Error, content_type::HEAD_BYTES};

/// Bytes gathered from the network before one trip to a blocking thread hashes and writes them.
const GATHER_BYTES: usize = 256 * 1024;

/// The folders of one environment's files.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    root: PathBuf,
}

impl Folders {
    /// Creates what is missing and throws away what a dead process left half done.
    pub(crate) fn open(root: PathBuf) -> Result<Self, Error> {
        let folders = Self { root };
        for name in ["blobs", "variants", "doubts", "temp"] {
            fs::create_dir_all(folders.root.join(name))?;
        }
        let mut swept = 0_u32;
        for entry in fs::read_dir(folders.root.join("temp"))? {
            fs::remove_file(entry?.path())?;
            swept += 1;
        }
        if swept > 0 {
            tracing::info!(swept, "unfinished uploads of the last run were removed");
        }
        Ok(folders)
    }

    pub(crate) fn blob(&self, blob: &str) -> PathBuf {
        let (first, rest) = split(blob);
        self.root.join("blobs").join(first).join(rest)
    }

    pub(crate) fn variants(&self, blob: &str) -> PathBuf {
        let (first, rest) = split(blob);
        self.root.join("variants").join(first).join(rest)
    }

    /// Writes down that the references of a blob are about to change.
    ///
    /// On a full disk this may fail, and deleting must work there of all places: without the
    /// marker, a crash in the next moment leaves bytes behind that nobody needs, nothing worse.
    pub(crate) fn doubt(&self, blob: &str) {
        if let Err(error) = fs::write(self.root.join("doubts").join(blob), b"") {
            tracing::debug!(blob, %error, "going on without a marker");
        }
    }

    /// The references of this blob are settled again.
    pub(crate) fn settle(&self, blob: &str) {
        // A marker that stays only means one look more at the next start.
        let _ = fs::remove_file(self.root.join("doubts").join(blob));
    }

    /// Blobs whose references were changing when the last process died.
    pub(crate) fn doubts(&self) -> io::Result<Vec<String>> {
        let mut blobs = Vec::new();
        for entry in fs::read_dir(self.root.join("doubts"))? {
            if let Ok(name) = entry?.file_name().into_string() {
                blobs.push(name);
            }
        }
        Ok(blobs)
    }

    /// A new, empty file that disappears unless it is moved into place.
    pub(crate) fn temp(&self) -> io::Result<Temp> {
        let name = hex::encode(rand::rng().random::<[u8; 16]>());
        let path = self.root.join("temp").join(name);
        let file = fs::File::options().write(true).create_new(true).open(&path)?;
        Ok(Temp { path, file })
    }

    /// Removes a blob and everything made from it. What is gone already is fine.
    pub(crate) fn remove(&self, blob: &str) -> io::Result<()> {
        for result in [fs::remove_file(self.blob(blob)), fs::remove_dir_all(self.variants(blob))] {
            match result {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Blob names come from the ledger, which only holds hex digests.
fn split(blob: &str) -> (&str, &str) {
    blob.split_at_checked(2).unwrap_or(("", blob))
}

/// A file under way. Dropping it removes it; nothing half written survives an error.
pub(crate) struct Temp {
    path: PathBuf,
    pub(crate) file: fs::File,
}

impl Temp {
    /// Syncs the bytes and moves them to `target`, replacing what is there, then syncs the folder.
    pub(crate) fn place(self, target: &Path) -> io::Result<()> {
        self.file.sync_data()?;
        let folder = target.parent().expect("a target lies in a folder");
        if !folder.is_dir() {
            fs::create_dir_all(folder)?;
            sync_folder(folder.parent().expect("folders lie below the root"))?;
        }
        // After the rename the old name is gone, so dropping `self` removes nothing.
        fs::rename(&self.path, target)?;
        sync_folder(folder)
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        // Gone already when it was placed; otherwise the next start sweeps what stays.
        let _ = fs::remove_file(&self.path);
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

/// Uploaded bytes that are hashed and written but have no name yet.
pub(crate) struct Received {
    pub(crate) temp: Temp,
    pub(crate) blob: String,
    pub(crate) md5: String,
    pub(crate) size: u64,
    pub(crate) head: Vec<u8>,
}

/// Reads a body to its end. Memory use is bounded by [`GATHER_BYTES`] and one chunk of the body.
pub(crate) async fn receive(
    folders: &Folders,
    body: impl Stream<Item = io::Result<Bytes>> + Send,
    max_bytes: u64,
) -> Result<Received, Error> {
    let folders = folders.clone();
    let mut intake = spawn_blocking(move || Intake::new(&folders)).await??;
    let mut body = std::pin::pin!(body);
    let mut size = 0_u64;
    let mut gathered = Vec::new();
    let mut gathered_bytes = 0;
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(Error::Interrupted)?;
        size = size.saturating_add(chunk.len() as u64);
        if size > max_bytes {
            return Err(Error::TooLarge { max_bytes });
        }
        gathered_bytes += chunk.len();
        gathered.push(chunk);
        if gathered_bytes >= GATHER_BYTES {
            gathered_bytes = 0;
            let chunks = std::mem::take(&mut gathered);
            intake = spawn_blocking(move || intake.absorb(&chunks)).await??;
        }
    }
    spawn_blocking(move || intake.absorb(&gathered)?.finish(size)).await?
}

struct Intake {
    temp: Temp,
    sha256: Sha256,
    md5: Md5,
    head: Vec<u8>,
}

impl Intake {
    fn new(folders: &Folders) -> Result<Self, Error> {
        let temp = folders.temp()?;
        Ok(Self { temp, sha256: Sha256::new(), md5: Md5::new(), head: Vec::new() })
    }

    fn absorb(mut self, chunks: &[Bytes]) -> Result<Self, Error> {
        for chunk in chunks {
            let missing = HEAD_BYTES.saturating_sub(self.head.len()).min(chunk.len());
            self.head.extend_from_slice(&chunk[..missing]);
            self.sha256.update(chunk);
            self.md5.update(chunk);
            self.temp.file.write_all(chunk)?;
        }
        Ok(self)
    }

    fn finish(self, size: u64) -> Result<Received, Error> {
        // Synced here, outside every lock; placing it later only has the rename left to sync.
        self.temp.file.sync_data()?;
        Ok(Received {
            temp: self.temp,
            blob: hex::encode(self.sha256.finalize()),
            md5: hex::encode(self.md5.finalize()),
            size,
            head: self.head,
        })
    }
}
