//! Ordered bytes: snapshots, ranges and atomic, durable batches.
//!
//! [`Store`] is one ordered key space. [`Store::snapshot`] gives a cheap value through which many
//! keys or a page of keys are read as they were at one moment; [`Store::commit`] applies a
//! [`Batch`] wholly or not at all and is durable when it returns. Every commit has a number,
//! one higher than the one before.
//!
//! Callers hold this concrete handle; which adapter is below (memory, or fjall in a directory)
//! is private. What the adapters share is promised by one suite, `tests/conformance.rs`.
//!
//! This crate refuses to know what the bytes mean, to retry, and to open a directory whose
//! contents are older than what was once promised to be durable.

mod batch;
mod chain;
mod error;
mod fjall_adapter;
mod last_commit;
mod memory_adapter;
mod snapshot;

use std::path::Path;
use std::sync::Arc;

pub use batch::Batch;
pub use bytes::Bytes;
pub use error::Error;
pub use fjall_adapter::FjallOptions;
pub use snapshot::{Page, Snapshot};

use fjall_adapter::FjallAdapter;
use memory_adapter::MemoryAdapter;

/// Longest key in bytes. What every adapter, PostgreSQL's index pages included, can hold.
pub const KEY_BYTES_MAX: usize = 2_048;

/// A page ends early once its keys and values reach this many bytes, so that large values cannot
/// make it large without bound. A page below this size and below its limit is the last one.
pub const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Keys beginning with this byte belong to the store itself.
pub const RESERVED_PREFIX: u8 = 0;

/// Handle to one ordered key space; clones share it.
#[derive(Clone)]
pub struct Store {
    adapter: Arc<Adapter>,
}

enum Adapter {
    Memory(MemoryAdapter),
    Fjall(FjallAdapter),
}

impl Store {
    /// An empty store that lives as long as its handles. Durable in no sense; for tests.
    pub fn memory() -> Store {
        Store { adapter: Arc::new(Adapter::Memory(MemoryAdapter::new())) }
    }

    /// Opens, or creates, the store in the directory `path`.
    ///
    /// # Errors
    ///
    /// [`Error::StoreLocked`] when another process has it open, [`Error::StoreReadOnly`],
    /// [`Error::DiskFull`], and [`Error::StoreDamaged`] when the contents fail their checksums or
    /// are older than what was acknowledged.
    pub fn fjall(path: impl AsRef<Path>, options: FjallOptions) -> Result<Store, Error> {
        let adapter = FjallAdapter::open(path.as_ref(), &options)?;
        Ok(Store { adapter: Arc::new(Adapter::Fjall(adapter)) })
    }

    /// The contents as of now. Cheap; holds back only the reclaiming of old versions.
    pub fn snapshot(&self) -> Snapshot {
        match &*self.adapter {
            Adapter::Memory(adapter) => Snapshot::memory(adapter.snapshot()),
            Adapter::Fjall(adapter) => Snapshot::fjall(adapter.snapshot()),
        }
    }

    /// Applies the batch atomically and returns its commit number once it is durable
    /// (embedded: one `fdatasync`). An empty batch is a commit too.
    ///
    /// The embedded adapter does the work on the thread that polls the future: call it from a
    /// committer of its own, never from many tasks at once.
    ///
    /// # Errors
    ///
    /// On any error nothing of the batch is visible and nothing may be acknowledged. After
    /// [`Error::DiskFull`] or [`Error::Io`] the store takes no more writes
    /// ([`Error::RestartNeeded`]) while reads go on.
    pub async fn commit(&self, batch: Batch) -> Result<u64, Error> {
        batch.check()?;
        match &*self.adapter {
            Adapter::Memory(adapter) => adapter.commit(batch),
            Adapter::Fjall(adapter) => adapter.commit(batch),
        }
    }

    /// Applies the batch atomically without waiting for the disk: after a crash it may be gone,
    /// wholly. Later commits make it durable. For bulk loads and for journal-like data.
    ///
    /// # Errors
    ///
    /// As [`Store::commit`].
    pub async fn load(&self, batch: Batch) -> Result<u64, Error> {
        batch.check()?;
        match &*self.adapter {
            Adapter::Memory(adapter) => adapter.commit(batch),
            Adapter::Fjall(adapter) => adapter.load(batch),
        }
    }

    /// Number of the newest commit; 0 in a new store.
    pub fn commit_number(&self) -> u64 {
        match &*self.adapter {
            Adapter::Memory(adapter) => adapter.commit_number(),
            Adapter::Fjall(adapter) => adapter.commit_number(),
        }
    }

    /// Makes everything durable and notes the commit number outside the journal. Afterwards
    /// writes are refused with [`Error::Closed`]; the directory is free for another process
    /// once the last handle and snapshot are gone. Closing twice is no error.
    ///
    /// # Errors
    ///
    /// What the disk reports; the acknowledged commits are safe nevertheless.
    pub async fn close(&self) -> Result<(), Error> {
        match &*self.adapter {
            Adapter::Memory(adapter) => {
                adapter.close();
                Ok(())
            }
            Adapter::Fjall(adapter) => adapter.close(),
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let adapter = match &*self.adapter {
            Adapter::Memory(_) => "memory",
            Adapter::Fjall(_) => "fjall",
        };
        f.debug_struct("Store").field("adapter", &adapter).finish_non_exhaustive()
    }
}
