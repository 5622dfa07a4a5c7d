//! Variants: pictures made from a blob, made on first read and kept beside it.
//!
//! A variant is named by a digest of blob, processing and [`PIPELINE`]; it never changes. Each is
//! made once even when many ask at the same time, on a blocking thread, with a bound on how many
//! pixels are in memory at a time over all of them. A blob keeps at most [`KEPT_PER_BLOB_MAX`]
//! variants, the oldest give way: links sign the file, not the processing, so whoever holds a link
//! can ask for any number of sizes.

use std::{
    fs, io,
    io::{BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    thread::available_parallelism,
    time::SystemTime,
};

use sha2::{Digest, Sha256};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
};

use crate::{
    Error, FileRecord, Processing,
    blobs::{Folders, Temp},
    content_type::{self, HEAD_BYTES},
    locks::Locks,
    picture,
};

/// Raised when the same processing begins to give other bytes.
const PIPELINE: &str = "1";

/// The most variants of one blob.
const KEPT_PER_BLOB_MAX: usize = 64;

/// The largest original that is looked at, in bytes; decoders read it into memory.
const SOURCE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How many million pixels may be decoded at the same time.
const MEGAPIXELS_AT_ONCE: u32 = 64;

/// A picture made of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Where it lies on the disk.
    pub path: PathBuf,
    /// Its media type.
    pub content_type: String,
    /// Bytes.
    pub size: u64,
    /// Its entity tag, quoted.
    pub etag: String,
}

pub(crate) struct Variants {
    flights: Locks,
    megapixels: Arc<Semaphore>,
    /// The least a job takes, so that there are never more jobs than processors.
    megapixels_min: u32,
}

impl Variants {
    pub(crate) fn new() -> Self {
        let processors = available_parallelism().map_or(1, |count| count.get());
        let processors = u32::try_from(processors).unwrap_or(u32::MAX);
        Self {
            flights: Locks::new(),
            megapixels: Arc::new(Semaphore::new(MEGAPIXELS_AT_ONCE as usize)),
            megapixels_min: (MEGAPIXELS_AT_ONCE / processors).max(1),
        }
    }

    pub(crate) async fn get(
        &self,
        folders: &Folders,
        blob_locks: &Locks,
        record: &FileRecord,
        processing: &Processing,
    ) -> Result<Variant, Error> {
        let key = key(record, processing);
        let target = folders.variants(&record.blob).join(&key);
        if let Some(variant) = existing(&target, &key).await? {
            return Ok(variant);
        }
        let _flight = self.flights.lock(&key).await;
        if let Some(variant) = existing(&target, &key).await? {
            return Ok(variant);
        }
        match self.make(folders, blob_locks, record, processing, &target).await {
            Ok(()) => existing(&target, &key).await?.ok_or_else(|| gone(record)),
            Err(error @ Error::NotFound(_)) => Err(error),
            Err(error) if processing.ignores_errors() => {
                tracing::debug!(path = record.path, %error, "the original takes the place");
                Ok(original(folders, record))
            }
            Err(error) => Err(error),
        }
    }

    async fn make(
        &self,
        folders: &Folders,
        blob_locks: &Locks,
        record: &FileRecord,
        processing: &Processing,
        target: &Path,
    ) -> Result<(), Error> {
        if record.size > SOURCE_BYTES_MAX {
            let reason = format!("more than {SOURCE_BYTES_MAX} bytes");
            return Err(Error::NotAPicture(reason));
        }
        let source = {
            let (path, record) = (folders.blob(&record.blob), record.clone());
            spawn_blocking(move || picture::Source::open(open(&path, &record)?)).await??
        };
        let permit = self.reserve(source.pixels()).await;
        let temp = {
            let (folders, processing, md5) =
                (folders.clone(), processing.clone(), record.md5.clone());
            let made = spawn_blocking(move || -> Result<Temp, Error> {
                // Lives as long as the pixels do, even when nobody waits any more.
                let _permit = permit;
                let bytes = picture::process(source, &processing, &md5)?;
                let mut temp = folders.temp()?;
                temp.file.write_all(&bytes)?;
                Ok(temp)
            });
            // A decoder that panics over a picture has said that it cannot be read.
            made.await.map_err(|error| Error::NotAPicture(error.to_string()))??
        };
        // Under the lock of the blob: its variants go when it goes, and none comes after.
        let _blob = blob_locks.lock(&record.blob).await;
        let (source, target, record) =
            (folders.blob(&record.blob), target.to_owned(), record.clone());
        spawn_blocking(move || {
            if !source.try_exists()? {
                return Err(gone(&record));
            }
            make_room(target.parent().expect("a variant lies in the folder of its blob"))?;
            Ok(temp.place(&target)?)
        })
        .await?
    }

    async fn reserve(&self, pixels: u64) -> OwnedSemaphorePermit {
        let megapixels = u32::try_from(pixels / 1_000_000 + 1).unwrap_or(u32::MAX);
        let share = megapixels.clamp(self.megapixels_min, MEGAPIXELS_AT_ONCE);
        let permit = Arc::clone(&self.megapixels).acquire_many_owned(share).await;
        permit.expect("the semaphore is never closed")
    }
}

fn key(record: &FileRecord, processing: &Processing) -> String {
    let mut digest = Sha256::new();
    // The derived Debug text of a parsed chain is canonical: equal chains print equally.
    digest.update(format!("{PIPELINE}\n{}\n{processing:?}", record.blob));
    hex::encode(&digest.finalize()[..16])
}

fn open(path: &Path, record: &FileRecord) -> Result<BufReader<fs::File>, Error> {
    match fs::File::open(path) {
        Ok(file) => Ok(BufReader::new(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(gone(record)),
        Err(error) => Err(error.into()),
    }
}

fn gone(record: &FileRecord) -> Error {
    Error::NotFound(record.path.clone())
}

fn original(folders: &Folders, record: &FileRecord) -> Variant {
    Variant {
        path: folders.blob(&record.blob),
        content_type: record.content_type.clone(),
        size: record.size,
        etag: record.etag(),
    }
}

/// The variant on the disk. Its media type is read off its first bytes; only descriptions are
/// none of the formats that can be written.
async fn existing(target: &Path, key: &str) -> Result<Option<Variant>, Error> {
    let (path, etag) = (target.to_owned(), format!("\"{key}\""));
    let look = move || -> io::Result<Option<Variant>> {
        let file = match fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut head = Vec::with_capacity(HEAD_BYTES);
        (&file).take(HEAD_BYTES as u64).read_to_end(&mut head)?;
        let content_type = content_type::sniff(&head).unwrap_or("application/json").to_owned();
        Ok(Some(Variant { size: file.metadata()?.len(), path, content_type, etag }))
    };
    Ok(spawn_blocking(look).await??)
}

/// Removes the oldest variants of a blob until one more fits.
fn make_room(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut kept: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in entries {
        let entry = entry?;
        kept.push((entry.metadata()?.modified()?, entry.path()));
    }
    kept.sort();
    let surplus = (kept.len() + 1).saturating_sub(KEPT_PER_BLOB_MAX);
    for (_, path) in kept.iter().take(surplus) {
        fs::remove_file(path)?;
    }
    Ok(())
}
