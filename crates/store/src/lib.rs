//! Ordered bytes: snapshots, ranges and atomic, durable batches.
//!
//! [`Store`] is one ordered key space. [`Store::snapshot`] gives a cheap value through which many
//! keys or a page of keys are read as they were at one moment. A [`Turn`] is one attempt to
//! commit: [`Turn::commit`] applies a [`Batch`] wholly or not at all, only when nothing was
//! committed since the turn's snapshot, and is durable when it returns. Every commit has a
//! number, one higher than the one before.
//!
//! Callers hold this concrete handle; which adapter is below (memory, fjall in a directory, or a
//! schema of PostgreSQL) is private. What the adapters share is promised by one suite,
//! `tests/conformance.rs`.
//!
//! This crate refuses to know what the bytes mean, to retry, and to open a directory whose
//! contents are older than what was once promised to be durable.

mod batch;
mod chain;
mod error;
mod fjall_adapter;
mod last_commit;
mod memory_adapter;
mod postgres_adapter;
mod simulated_disk;
mod snapshot;
mod turn;
mod value_cache;

use std::path::Path;
use std::sync::Arc;

use tokio::sync::{Mutex, watch};

pub use batch::Batch;
pub use bytes::Bytes;
pub use error::Error;
pub use fjall_adapter::FjallOptions;
pub use postgres_adapter::PostgresOptions;
pub use simulated_disk::SimulatedDisk;
pub use snapshot::{Page, Snapshot};
pub use turn::Turn;

use fjall_adapter::FjallAdapter;
use memory_adapter::MemoryAdapter;
use postgres_adapter::PostgresAdapter;
use simulated_disk::SimulatedAdapter;
use turn::Alone;

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
    inner: Arc<Inner>,
}

struct Inner {
    adapter: Adapter,
    /// Held while a commit of this process is made, and by a turn that is alone.
    writing: Arc<Mutex<()>>,
    /// The newest commit this handle knows of; wakes those who wait for one.
    head: watch::Sender<Head>,
}

#[derive(Clone, Copy)]
struct Head {
    number: u64,
    is_closed: bool,
}

enum Adapter {
    Memory(MemoryAdapter),
    Fjall(FjallAdapter),
    Simulated(SimulatedAdapter),
    Postgres(PostgresAdapter),
}

/// What an embedded store keeps in memory, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InMemory {
    /// Blocks read from tables; at most [`FjallOptions::cache_bytes`].
    pub blocks: u64,
    /// Indexes and filters that are kept for as long as their tables.
    pub pinned: u64,
    /// Values read by their keys; at most [`FjallOptions::value_cache_bytes`].
    pub values: u64,
    /// Writes that are not in tables yet, and those that an old snapshot might still need.
    pub writes: u64,
}

impl Store {
    /// An empty store that lives as long as its handles. Durable in no sense; for tests.
    pub fn memory() -> Store {
        Store::over(Adapter::Memory(MemoryAdapter::new()), 0)
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
        let number = adapter.number();
        Ok(Store::over(Adapter::Fjall(adapter), number))
    }

    /// Opens the store on a simulated disk, which keeps what was committed when this handle is
    /// gone. A handle opened before loses its power. For simulations.
    pub fn simulated(disk: &SimulatedDisk) -> Store {
        let adapter = disk.open();
        let number = adapter.newest();
        let store = Store::over(Adapter::Simulated(adapter), number);
        disk.watch(store.inner.head.clone());
        store
    }

    /// Opens, or creates, the store in a schema of a PostgreSQL database. Any number of nodes may
    /// have it open. The store works for as long as the tokio runtime does in which it was opened.
    ///
    /// # Errors
    ///
    /// [`Error::StoreUnreachable`], [`Error::DatabaseRefused`], [`Error::ServerTooOld`], and
    /// [`Error::FormatUnknown`] when a newer version made the tables.
    pub async fn postgres(options: PostgresOptions) -> Result<Store, Error> {
        let (mut adapter, number) = PostgresAdapter::open(options).await?;
        let (head, _) = watch::channel(Head { number, is_closed: false });
        adapter.start(head.clone());
        Ok(Store::watched(Adapter::Postgres(adapter), head))
    }

    /// Whether other nodes may have the store open, too.
    pub fn is_shared(&self) -> bool {
        matches!(self.inner.adapter, Adapter::Postgres(_))
    }

    fn over(adapter: Adapter, number: u64) -> Store {
        let (head, _) = watch::channel(Head { number, is_closed: false });
        Store::watched(adapter, head)
    }

    fn watched(adapter: Adapter, head: watch::Sender<Head>) -> Store {
        Store { inner: Arc::new(Inner { adapter, writing: Arc::default(), head }) }
    }

    /// The contents as of the newest commit, also of other nodes. Cheap where the store is
    /// embedded; holds back only the reclaiming of old versions.
    ///
    /// # Errors
    ///
    /// What a database on the network reports; an embedded store always answers.
    pub async fn snapshot(&self) -> Result<Snapshot, Error> {
        Ok(match &self.inner.adapter {
            Adapter::Memory(adapter) => Snapshot::memory(adapter.snapshot()),
            Adapter::Fjall(adapter) => Snapshot::fjall(adapter.snapshot()),
            Adapter::Simulated(adapter) => {
                adapter.pause().await;
                Snapshot::simulated(adapter.snapshot()?)
            }
            Adapter::Postgres(adapter) => Snapshot::postgres(adapter.snapshot().await?),
        })
    }

    /// Begins an attempt to commit. Its [`Turn::commit`] answers [`Error::Outdated`] when somebody
    /// else committed meanwhile.
    ///
    /// # Errors
    ///
    /// As [`Store::snapshot`].
    pub async fn turn(&self) -> Result<Turn, Error> {
        self.begin_turn(None).await
    }

    /// Begins an attempt to commit that nobody outruns: until the turn ends, nobody else commits,
    /// neither here nor on another node. For an attempt that was [`Error::Outdated`] before.
    ///
    /// # Errors
    ///
    /// As [`Store::snapshot`].
    pub async fn turn_alone(&self) -> Result<Turn, Error> {
        let writing = Arc::clone(&self.inner.writing).lock_owned().await;
        if let Adapter::Postgres(adapter) = &self.inner.adapter {
            let (snapshot, head) = adapter.hold_head(writing).await?;
            let alone = Some(Alone::Everywhere(Box::new(head)));
            return Ok(Turn::new(self.clone(), Snapshot::postgres(snapshot), alone));
        }
        self.begin_turn(Some(Alone::Here(writing))).await
    }

    async fn begin_turn(&self, alone: Option<Alone>) -> Result<Turn, Error> {
        if let Adapter::Simulated(adapter) = &self.inner.adapter {
            adapter.begin_turn()?;
        }
        Ok(Turn::new(self.clone(), self.snapshot().await?, alone))
    }

    /// Number of the newest commit, also of other nodes; 0 in a new store.
    ///
    /// # Errors
    ///
    /// As [`Store::snapshot`].
    pub async fn newest(&self) -> Result<u64, Error> {
        Ok(match &self.inner.adapter {
            Adapter::Memory(adapter) => adapter.number(),
            Adapter::Fjall(adapter) => adapter.number(),
            Adapter::Simulated(adapter) => adapter.number()?,
            Adapter::Postgres(adapter) => adapter.snapshot().await?.number(),
        })
    }

    /// What it keeps in memory beside its contents; nothing where the store is not embedded.
    pub fn in_memory(&self) -> InMemory {
        match &self.inner.adapter {
            Adapter::Fjall(adapter) => adapter.in_memory(),
            Adapter::Memory(_) | Adapter::Simulated(_) | Adapter::Postgres(_) => {
                InMemory::default()
            }
        }
    }

    /// Waits until something after the commit `number` is committed, here or on another node,
    /// and returns the newest commit's number.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] when the store is closed before that.
    pub async fn committed_past(&self, number: u64) -> Result<u64, Error> {
        let mut head = self.inner.head.subscribe();
        let head = head.wait_for(|head| head.number > number || head.is_closed).await;
        match head.map(|head| *head) {
            Ok(head) if head.number > number => Ok(head.number),
            _ => Err(Error::Closed),
        }
    }

    /// Commits what was judged on the snapshot.
    async fn write(
        &self,
        batch: Batch,
        snapshot: Snapshot,
        is_durable: bool,
        alone: Option<Alone>,
    ) -> Result<u64, Error> {
        let number = snapshot.number() + 1;
        let writing = match alone {
            Some(Alone::Here(writing)) => Err(writing),
            Some(Alone::Everywhere(head)) => Ok(*head),
            None => Err(Arc::clone(&self.inner.writing).lock_owned().await),
        };
        if let (Adapter::Postgres(adapter), Some(snapshot)) =
            (&self.inner.adapter, snapshot.as_postgres())
        {
            adapter.commit(batch, snapshot, is_durable, writing).await?;
            self.raise_head(number);
            return Ok(number);
        }
        // The versions that only the turn sees may go with this very commit.
        drop(snapshot);
        match &self.inner.adapter {
            Adapter::Memory(adapter) => adapter.commit(batch, number)?,
            Adapter::Fjall(adapter) => adapter.commit(batch, number, is_durable)?,
            Adapter::Simulated(adapter) => {
                adapter.pause().await;
                adapter.commit(batch, number, is_durable)?;
            }
            Adapter::Postgres(_) => unreachable!("its snapshots are its own"),
        }
        self.raise_head(number);
        if let Adapter::Simulated(adapter) = &self.inner.adapter {
            // Committed, and nobody knows yet.
            adapter.pause().await;
        }
        Ok(number)
    }

    fn raise_head(&self, number: u64) {
        self.inner.head.send_modify(|head| head.number = head.number.max(number));
    }

    /// Makes everything durable and notes the commit number outside the journal. Afterwards
    /// writes are refused with [`Error::Closed`]; the directory is free for another process
    /// once the last handle, snapshot and turn are gone. Closing twice is no error. On PostgreSQL
    /// it waits for a turn that is alone to end.
    ///
    /// # Errors
    ///
    /// What the disk reports; the acknowledged commits are safe nevertheless.
    pub async fn close(&self) -> Result<(), Error> {
        let closed = match &self.inner.adapter {
            Adapter::Memory(adapter) => {
                adapter.close();
                Ok(())
            }
            Adapter::Fjall(adapter) => adapter.close(),
            Adapter::Simulated(adapter) => adapter.close(),
            Adapter::Postgres(adapter) => {
                let _writing = self.inner.writing.lock().await;
                adapter.close().await
            }
        };
        self.inner.head.send_modify(|head| head.is_closed = true);
        closed
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let adapter = match &self.inner.adapter {
            Adapter::Memory(_) => "memory",
            Adapter::Fjall(_) => "fjall",
            Adapter::Simulated(_) => "simulated",
            Adapter::Postgres(_) => "postgres",
        };
        f.debug_struct("Store").field("adapter", &adapter).finish_non_exhaustive()
    }
}
