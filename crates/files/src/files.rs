//! The files of one environment: write, look up, list, copy, delete, sign.

use std::{io, path::PathBuf, sync::Arc};

use bytes::Bytes;
use engine::Engine;
use futures_util::Stream;
use tokio::task::spawn_blocking;

use crate::{
    Error, FileId, FileRecord, LinkError, Processing, UploadTicket, Variant,
    blobs::{self, Folders, Received, Temp},
    check_path, content_type,
    ledger::Ledger,
    links::LinkKey,
    locks::Locks,
    variants::Variants,
};

/// What an upload says about itself.
#[derive(Clone, Debug, Default)]
pub struct Upload {
    /// Where the file goes; an existing file there is overwritten.
    pub path: String,
    /// Who owns it: openid or uid; `None` for an administrator.
    pub owner: Option<String>,
    /// Its media type; without one the path, then the bytes tell.
    pub content_type: Option<String>,
}

/// The files of one environment. Cheap to clone; all clones are the same files.
///
/// Only one process may have a directory open; the data directory's lock sees to that. Nothing
/// here judges whether a caller may do something: `platform` asks `rules` first.
#[derive(Clone)]
pub struct Files {
    inner: Arc<Inner>,
}

struct Inner {
    env_id: String,
    bucket: String,
    folders: Folders,
    ledger: Ledger,
    links: LinkKey,
    /// Held while the record of a path changes; taken before a lock of `blob_locks`.
    path_locks: Locks,
    /// Held while references of a blob change or its bytes come or go.
    blob_locks: Locks,
    variants: Variants,
}

impl Files {
    /// Opens the files in `dir`, creating the folders that are missing and removing what an
    /// earlier process left unfinished.
    ///
    /// `link_key` signs links and tickets: keep it secret, and the same over restarts, or links
    /// handed out before become void. Fails with [`Error::ReadOnly`], [`Error::DiskFull`],
    /// [`Error::Disk`] or [`Error::Engine`].
    pub async fn open(
        dir: PathBuf,
        engine: Engine,
        link_key: [u8; 32],
        env_id: impl Into<String>,
        bucket: impl Into<String>,
    ) -> Result<Self, Error> {
        let env_id = env_id.into();
        let inner = Inner {
            folders: spawn_blocking(move || Folders::open(dir)).await??,
            ledger: Ledger::new(engine),
            links: LinkKey::new(link_key, env_id.clone()),
            path_locks: Locks::new(),
            blob_locks: Locks::new(),
            variants: Variants::new(),
            env_id,
            bucket: bucket.into(),
        };
        inner.ledger.prepare().await?;
        inner.settle_doubts().await?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The bucket of this environment.
    pub fn bucket(&self) -> &str {
        &self.inner.bucket
    }

    /// The id of a path in this environment, bucket included.
    pub fn file_id(&self, path: &str) -> FileId {
        let Inner { env_id, bucket, .. } = &*self.inner;
        FileId { env_id: env_id.clone(), bucket: Some(bucket.clone()), path: path.to_owned() }
    }

    /// Writes a file, whole or not at all. When this returns, bytes and record are on the disk.
    ///
    /// Memory use does not grow with the size. Fails with [`Error::InvalidPath`],
    /// [`Error::TooLarge`] when the body has more than `max_bytes`, [`Error::Interrupted`] when
    /// the body fails, [`Error::DiskFull`], [`Error::ReadOnly`], [`Error::Disk`] or
    /// [`Error::Engine`]; an existing file at the path is then as it was.
    pub async fn write(
        &self,
        upload: Upload,
        body: impl Stream<Item = io::Result<Bytes>> + Send,
        max_bytes: u64,
    ) -> Result<FileRecord, Error> {
        check_path(&upload.path)?;
        let received = blobs::receive(&self.inner.folders, body, max_bytes).await?;
        let inner = Arc::clone(&self.inner);
        // In a task of its own: a sender who hangs up now must not stop it half way.
        tokio::spawn(async move { inner.keep(upload, received).await }).await?
    }

    /// The record of a path.
    pub async fn record(&self, path: &str) -> Result<Option<FileRecord>, Error> {
        self.inner.ledger.record(path).await
    }

    /// At most `limit` records whose path begins with `prefix` and comes after `after`, in the
    /// order of the bytes of the path.
    pub async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<FileRecord>, Error> {
        self.inner.ledger.list(prefix, after, limit).await
    }

    /// Deletes a file; whether there was one. Its bytes go when no other path needs them.
    pub async fn delete(&self, path: &str) -> Result<bool, Error> {
        let inner = Arc::clone(&self.inner);
        let path = path.to_owned();
        tokio::spawn(async move { inner.delete(&path).await }).await?
    }

    /// Makes `target` a file with the bytes of `source`, owned by `owner`, overwriting what is
    /// there. No bytes are copied. Fails with [`Error::NotFound`] without a source.
    pub async fn copy(
        &self,
        source: &str,
        target: &str,
        owner: Option<String>,
    ) -> Result<FileRecord, Error> {
        check_path(target)?;
        let inner = Arc::clone(&self.inner);
        let (source, target) = (source.to_owned(), target.to_owned());
        tokio::spawn(async move { inner.copy(&source, target, owner).await }).await?
    }

    /// Where the bytes of a file lie. They never change; they may be gone when the file is.
    pub fn blob_path(&self, record: &FileRecord) -> PathBuf {
        self.inner.folders.blob(&record.blob)
    }

    /// Opens the bytes of a file for reading; once open they stay readable to the end.
    ///
    /// Fails with [`Error::NotFound`] when the file was deleted or overwritten since the record
    /// was read: read the record again.
    pub async fn open_blob(&self, record: &FileRecord) -> Result<tokio::fs::File, Error> {
        tokio::fs::File::open(self.blob_path(record)).await.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::NotFound(record.path.clone()),
            _ => error.into(),
        })
    }

    /// The picture made of a file, made now or found from before.
    ///
    /// Fails with [`Error::NotAPicture`], [`Error::PictureTooLarge`], [`Error::NotFound`], or a
    /// disk error. With `ignore-error/1` in the processing the original takes the place of every
    /// failure but [`Error::NotFound`].
    pub async fn variant(
        &self,
        record: &FileRecord,
        processing: &Processing,
    ) -> Result<Variant, Error> {
        let Inner { folders, variants, blob_locks, .. } = &*self.inner;
        variants.get(folders, blob_locks, record, processing).await
    }

    /// Signs a download of `path` for `max_age_s` seconds from `now_s` (Unix seconds). Returns the
    /// query `sign=…&t=<expiry>`, to be put behind the percent-encoded path.
    pub fn sign_download(&self, path: &str, max_age_s: u64, now_s: u64) -> String {
        self.inner.links.sign_download(path, max_age_s, now_s)
    }

    /// Verifies the query of a download of the decoded `path`. Valid up to and including the
    /// second of expiry; parameters behind the signature are not its business.
    pub fn verify_download(&self, path: &str, query: &str, now_s: u64) -> Result<(), LinkError> {
        self.inner.links.verify_download(path, query, now_s)
    }

    /// Signs a permission to upload. The token is URL-safe text without spaces.
    pub fn sign_upload(&self, ticket: &UploadTicket) -> String {
        self.inner.links.sign_upload(ticket)
    }

    /// Verifies an upload token and returns what it allows.
    pub fn verify_upload(&self, token: &str, now_s: u64) -> Result<UploadTicket, LinkError> {
        self.inner.links.verify_upload(token, now_s)
    }
}

impl Inner {
    /// Looks at the blobs whose references were changing when the last process died.
    async fn settle_doubts(&self) -> Result<(), Error> {
        for blob in self.folders.doubts()? {
            let _lock = self.blob_locks.lock(&blob).await;
            self.remove_unless_needed(&blob).await?;
            self.folders.settle(&blob);
        }
        Ok(())
    }

    async fn keep(&self, upload: Upload, received: Received) -> Result<FileRecord, Error> {
        let _path = self.path_locks.lock(&upload.path).await;
        let old = self.ledger.record(&upload.path).await?;
        let now_ms = self.ledger.now_ms();
        let given = upload.content_type.as_deref();
        let record = FileRecord {
            content_type: content_type::choose(given, &upload.path, &received.head),
            path: upload.path,
            blob: received.blob,
            size: received.size,
            md5: received.md5,
            owner: upload.owner,
            created_at_ms: old.as_ref().map_or(now_ms, |old| old.created_at_ms),
            updated_at_ms: now_ms,
        };
        self.replace(old, record, Some(received.temp)).await
    }

    async fn copy(
        &self,
        source: &str,
        target: String,
        owner: Option<String>,
    ) -> Result<FileRecord, Error> {
        let _path = self.path_locks.lock(&target).await;
        let old = self.ledger.record(&target).await?;
        let mut vanished = None;
        loop {
            let missing = || Error::NotFound(source.to_owned());
            let found = self.ledger.record(source).await?.ok_or_else(missing)?;
            if source == target {
                return Ok(found);
            }
            if vanished.replace(found.blob.clone()).as_ref() == Some(&found.blob) {
                return Err(missing());
            }
            let now_ms = self.ledger.now_ms();
            let record = FileRecord {
                path: target.clone(),
                owner: owner.clone(),
                created_at_ms: old.as_ref().map_or(now_ms, |old| old.created_at_ms),
                updated_at_ms: now_ms,
                ..found
            };
            match self.replace(old.clone(), record, None).await {
                // The source was overwritten or deleted in between: look at it again.
                Err(Error::NotFound(_)) => {}
                other => return other,
            }
        }
    }

    /// Points the path of `record` to its blob, whose bytes are in `temp` or lie there already,
    /// and lets go of the blob that the path pointed to before. The lock of the path is held.
    async fn replace(
        &self,
        old: Option<FileRecord>,
        record: FileRecord,
        temp: Option<Temp>,
    ) -> Result<FileRecord, Error> {
        let old = old.filter(|old| old.blob != record.blob);
        if let Some(old) = &old {
            self.folders.doubt(&old.blob);
        }
        {
            let _blob = self.blob_locks.lock(&record.blob).await;
            self.folders.doubt(&record.blob);
            if let Err(error) = self.link(&record, temp).await {
                // The bytes may be there already without a path that needs them.
                self.clean_up(&record.blob).await;
                return Err(error);
            }
            self.folders.settle(&record.blob);
        }
        if let Some(old) = &old {
            self.release(&old.blob, &record.path).await;
        }
        Ok(record)
    }

    async fn link(&self, record: &FileRecord, temp: Option<Temp>) -> Result<(), Error> {
        let target = self.folders.blob(&record.blob);
        let size = record.size;
        let present = {
            let target = target.clone();
            move || std::fs::metadata(target).is_ok_and(|metadata| metadata.len() == size)
        };
        let Some(temp) = temp else {
            if !spawn_blocking(present).await? {
                return Err(Error::NotFound(record.path.clone()));
            }
            self.ledger.refer(&record.blob, &record.path).await?;
            return self.ledger.put(record).await;
        };
        self.ledger.refer(&record.blob, &record.path).await?;
        spawn_blocking(move || if present() { Ok(()) } else { temp.place(&target) }).await??;
        self.ledger.put(record).await
    }

    async fn delete(&self, path: &str) -> Result<bool, Error> {
        let _path = self.path_locks.lock(path).await;
        let Some(record) = self.ledger.record(path).await? else { return Ok(false) };
        self.folders.doubt(&record.blob);
        let removed = self.ledger.remove(path).await?;
        self.release(&record.blob, path).await;
        Ok(removed)
    }

    /// Lets go of a blob that `path` does not point to any more.
    async fn release(&self, blob: &str, path: &str) {
        let _lock = self.blob_locks.lock(blob).await;
        if let Err(error) = self.ledger.forget(blob, path).await {
            tracing::warn!(blob, %error, "a blob could not be released; the next start will");
            return;
        }
        self.clean_up(blob).await;
    }

    /// What was asked for has happened or failed already; trouble here only costs disk space
    /// until the next start, for which the doubt stays.
    async fn clean_up(&self, blob: &str) {
        match self.remove_unless_needed(blob).await {
            Ok(()) => self.folders.settle(blob),
            Err(error) => {
                tracing::warn!(blob, %error, "a blob could not be removed; the next start will");
            }
        }
    }

    /// The lock of the blob is held.
    async fn remove_unless_needed(&self, blob: &str) -> Result<(), Error> {
        if self.ledger.is_needed(blob).await? {
            return Ok(());
        }
        let (folders, blob) = (self.folders.clone(), blob.to_owned());
        Ok(spawn_blocking(move || folders.remove(&blob)).await??)
    }
}
