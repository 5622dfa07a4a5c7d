//! The store in a directory, on fjall. One key space, one batch per commit, one `fdatasync` per
//! batch. What fjall alone would let pass is refused here: see `last_commit` and `chain`.
//!
//! ```text
//! lock          held while the store is open
//! last-commit   the commit number outside the journal
//! tables/       fjall's own
//! ```
//!
//! A new `tables` is built beside and renamed, so a crash during the first start leaves nothing
//! half-made. After a failed write fjall refuses all further writes; reads go on.

use std::fs::{self, File, TryLockError};
use std::io;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use fjall::compaction::Leveled;
use fjall::config::PartitioningPolicy;
use fjall::{AbstractTree, Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable};

use crate::last_commit::{self, LastCommit};
use crate::snapshot::fill_page;
use crate::value_cache::ValueCache;
use crate::{Batch, Error, InMemory, Page, chain};

const TABLES: &str = "tables";
const TABLES_NEW: &str = "tables.new";
const KEYSPACE: &str = "data";

/// Sealed memtables and level-0 tables from which on a commit waits for the background work.
/// fjall waits by itself a little later, but without end when that work has failed.
const SEALED_MEMTABLES_MAX: usize = 3;
const LEVEL_0_TABLES_MAX: usize = 24;

/// How an embedded store uses the machine.
#[derive(Clone, Copy, Debug)]
pub struct FjallOptions {
    /// Memory for blocks read from tables, in bytes. Default 64 MiB: more costs memory and gains
    /// little, because the operating system caches the same files.
    pub cache_bytes: u64,
    /// Memory for values read by their keys, in bytes. Default 96 MiB, reached only when that much
    /// is read.
    pub value_cache_bytes: usize,
    /// Writes that are not in tables yet, in bytes. Default 8 MiB. They take about twice that, and
    /// what was written out stays until the next is full, because an old snapshot might need it.
    pub memtable_bytes: u64,
    /// Journal kept on disk before tables are forced out, in bytes; at least 64 MiB, the
    /// default. The journal is replayed at open, so small means a fast open.
    pub journal_bytes: u64,
    /// Threads that write and merge tables. Default 2.
    pub worker_threads: usize,
}

impl Default for FjallOptions {
    fn default() -> FjallOptions {
        FjallOptions {
            cache_bytes: 64 << 20,
            value_cache_bytes: 96 << 20,
            memtable_bytes: 8 << 20,
            journal_bytes: JOURNAL_BYTES_MIN,
            worker_threads: 2,
        }
    }
}

/// Table files kept open. A process has one store per environment and often 1,024 files.
const OPEN_FILES_MAX: usize = 128;

/// Where a merge begins the next table. It keeps something of each key until a table is finished,
/// so that this bounds its memory.
const TABLE_BYTES: u64 = 16 << 20;

/// fjall's own lower limit.
const JOURNAL_BYTES_MIN: u64 = 64 << 20;

pub(crate) struct FjallAdapter {
    directory: PathBuf,
    database: Database,
    keyspace: Keyspace,
    /// Held from checking the commit number until the batch that carries it is in.
    writing: Mutex<Writing>,
    /// The contents with their number, replaced after every commit: so both always agree, and
    /// taking a snapshot costs one count. The lock is held for no longer than that.
    newest: RwLock<Arc<FjallSnapshot>>,
    values: Arc<ValueCache>,
    disk_full: AtomicBool,
    last_commit: LastCommit,
    _lock: File,
}

#[derive(Default)]
struct Writing {
    closed: bool,
}

impl FjallAdapter {
    pub(crate) fn open(directory: &Path, options: &FjallOptions) -> Result<FjallAdapter, Error> {
        fs::create_dir_all(directory).map_err(|error| Error::from_io(error, directory))?;
        let lock = lock(directory)?;
        let noted = last_commit::read(directory)?;
        let (database, keyspace) = guarded(|| open_tables(directory, options, noted > 0))?;
        let number = recovered_number(&database, &keyspace, directory)?;
        if number < noted {
            let detail =
                format!("it ends at commit {number}, but {noted} commits were acknowledged");
            return Err(Error::StoreDamaged { detail });
        }
        let last_commit =
            LastCommit::start(directory).map_err(|error| Error::from_io(error, directory))?;
        let values = Arc::new(ValueCache::new(options.value_cache_bytes));
        let newest = Arc::new(FjallSnapshot {
            number,
            snapshot: database.snapshot(),
            keyspace: keyspace.clone(),
            values: Arc::clone(&values),
            directory: directory.to_path_buf(),
        });
        Ok(FjallAdapter {
            directory: directory.to_path_buf(),
            database,
            keyspace,
            writing: Mutex::default(),
            newest: RwLock::new(newest),
            values,
            disk_full: AtomicBool::new(false),
            last_commit,
            _lock: lock,
        })
    }

    pub(crate) fn snapshot(&self) -> Arc<FjallSnapshot> {
        Arc::clone(&self.newest.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn number(&self) -> u64 {
        self.snapshot().number
    }

    /// What is in memory now.
    pub(crate) fn in_memory(&self) -> InMemory {
        let tree = &self.keyspace.tree;
        InMemory {
            blocks: self.database.cache_size(),
            pinned: (tree.pinned_filter_size() + tree.pinned_block_index_size()) as u64,
            values: self.values.bytes() as u64,
            writes: tree.version_memtable_size_sum(),
        }
    }

    /// Applies what was judged for the commit `number`.
    pub(crate) fn commit(&self, batch: Batch, number: u64, is_durable: bool) -> Result<(), Error> {
        let mode = if is_durable { PersistMode::SyncData } else { PersistMode::Buffer };
        self.write(batch, number, mode)?;
        if is_durable {
            self.last_commit.note(number);
        }
        Ok(())
    }

    pub(crate) fn close(&self) -> Result<(), Error> {
        let mut writing = self.writing();
        if std::mem::replace(&mut writing.closed, true) {
            return Ok(());
        }
        self.database.persist(PersistMode::SyncAll).map_err(|error| self.explain(error))?;
        self.last_commit
            .finish(self.number())
            .map_err(|error| Error::from_io(error, &self.directory))
    }

    fn write(&self, batch: Batch, number: u64, mode: PersistMode) -> Result<(), Error> {
        let writing = self.writing();
        if writing.closed {
            return Err(Error::Closed);
        }
        if self.number() + 1 != number {
            return Err(Error::Outdated);
        }
        self.wait_for_background_work()?;
        let mut writes = self.database.batch().durability(Some(mode));
        let written: Vec<Bytes> = batch.writes.iter().map(|(key, _)| key.clone()).collect();
        for (key, value) in batch.writes {
            match value {
                Some(value) => writes.insert(&self.keyspace, key, value),
                None => writes.remove(&self.keyspace, key),
            }
        }
        let stamp = Bytes::copy_from_slice(&number.to_be_bytes());
        writes.insert(&self.keyspace, &chain::NEWEST_KEY[..], stamp.clone());
        writes.insert(&self.keyspace, &chain::slot_key(number)[..], stamp);
        writes.commit().map_err(|error| self.explain(error))?;
        for key in &written {
            self.values.written(key, number);
        }
        let newest = Arc::new(FjallSnapshot {
            number,
            snapshot: self.database.snapshot(),
            keyspace: self.keyspace.clone(),
            values: Arc::clone(&self.values),
            directory: self.directory.clone(),
        });
        let mut place = self.newest.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *place, newest);
        drop(place);
        // Perhaps its last holder: let go of outside of the lock.
        drop(before);
        Ok(())
    }

    /// Lets tables be written before more is put into memory, and gives up when that has failed.
    fn wait_for_background_work(&self) -> Result<(), Error> {
        while self.keyspace.sealed_memtable_count() >= SEALED_MEMTABLES_MAX
            || self.keyspace.l0_table_count() >= LEVEL_0_TABLES_MAX
        {
            // A cheap call that fails once fjall has given up.
            self.database.persist(PersistMode::Buffer).map_err(|error| self.explain(error))?;
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// As [`Error::from_fjall`], remembering that the disk was full: fjall itself only says, from
    /// then on, that it takes no more writes.
    fn explain(&self, error: fjall::Error) -> Error {
        let error = Error::from_fjall(error, &self.directory);
        if matches!(error, Error::DiskFull) {
            self.disk_full.store(true, Ordering::Release);
        }
        if matches!(error, Error::RestartNeeded) && self.disk_full.load(Ordering::Acquire) {
            return Error::DiskFull;
        }
        error
    }

    fn writing(&self) -> MutexGuard<'_, Writing> {
        // The number is stored last, so a panic in between leaves nothing half-changed.
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long to wait for the lock: a process that just died, and a child that it was about to
/// start, let go of it within moments.
const LOCK_ATTEMPTS: usize = 10;
const LOCK_PAUSE: Duration = Duration::from_millis(30);

/// Takes the directory for this handle, until the file is closed.
fn lock(directory: &Path) -> Result<File, Error> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(directory.join("lock"))
        .map_err(|error| Error::from_io(error, directory))?;
    for _ in 0..LOCK_ATTEMPTS {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(error)) => return Err(Error::from_io(error, directory)),
        }
    }
    Err(Error::StoreLocked { path: directory.to_path_buf() })
}

/// fjall panics on some damaged files; here that is an answer like any other.
fn guarded<T>(open: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(open)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason");
        Err(Error::StoreDamaged { detail: text.to_owned() })
    })
}

fn open_tables(
    directory: &Path,
    options: &FjallOptions,
    must_exist: bool,
) -> Result<(Database, Keyspace), Error> {
    let tables = directory.join(TABLES);
    let exists = tables.try_exists().map_err(|error| Error::from_io(error, directory))?;
    if !exists && must_exist {
        return Err(Error::StoreDamaged { detail: format!("the folder {TABLES} is missing") });
    }
    if !exists {
        create_tables(directory, options)?;
    }
    let explain = |error| Error::from_fjall(error, directory);
    let database = builder(&tables, options).open().map_err(explain)?;
    if !database.keyspace_exists(KEYSPACE) {
        return Err(Error::StoreDamaged { detail: "its tables are not listed".to_owned() });
    }
    let keyspace = database.keyspace(KEYSPACE, || keyspace_options(options)).map_err(explain)?;
    Ok((database, keyspace))
}

fn create_tables(directory: &Path, options: &FjallOptions) -> Result<(), Error> {
    let new = directory.join(TABLES_NEW);
    let explain = |error| Error::from_io(error, directory);
    match fs::remove_dir_all(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(explain(error)),
        _ => {}
    }
    let database =
        builder(&new, options).open().map_err(|error| Error::from_fjall(error, directory))?;
    let keyspace = database
        .keyspace(KEYSPACE, || keyspace_options(options))
        .and_then(|keyspace| database.persist(PersistMode::SyncAll).map(|()| keyspace))
        .map_err(|error| Error::from_fjall(error, directory))?;
    drop((keyspace, database));
    fs::rename(&new, directory.join(TABLES)).map_err(explain)?;
    File::open(directory).and_then(|file| file.sync_all()).map_err(explain)
}

fn builder(path: &Path, options: &FjallOptions) -> fjall::DatabaseBuilder<Database> {
    Database::builder(path)
        .cache_size(options.cache_bytes)
        .max_cached_files(Some(OPEN_FILES_MAX))
        .max_journaling_size(options.journal_bytes.max(JOURNAL_BYTES_MIN))
        .worker_threads(options.worker_threads.max(1))
}

/// What a keyspace is made with; it remembers all but the size of its memtables.
///
/// Filters come in pieces from the first merge on, so that a look-up brings a piece into the cache:
/// whole, each merge made new ones of megabytes, and the cache filled with those of tables that
/// are gone.
fn keyspace_options(options: &FjallOptions) -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default()
        .max_memtable_size(options.memtable_bytes)
        .filter_block_partitioning_policy(PartitioningPolicy::new([false, true]))
        .compaction_strategy(Arc::new(Leveled::default().with_table_target_size(TABLE_BYTES)))
}

/// The number of the newest recovered commit, after checking that none before it is missing.
fn recovered_number(
    database: &Database,
    keyspace: &Keyspace,
    directory: &Path,
) -> Result<u64, Error> {
    let explain = |error| Error::from_fjall(error, directory);
    let snapshot = database.snapshot();
    let newest = match snapshot.get(keyspace, chain::NEWEST_KEY).map_err(explain)? {
        None => 0,
        Some(bytes) => chain::parse_number(&bytes).ok_or_else(|| Error::StoreDamaged {
            detail: "the commit number does not read".to_owned(),
        })?,
    };
    let mut audit = chain::Audit::new(newest);
    for guard in snapshot.range(keyspace, chain::FIRST_SLOT_KEY..=chain::LAST_SLOT_KEY) {
        let (slot, number) = guard.into_inner().map_err(explain)?;
        audit.see(&slot, &number);
    }
    match audit.missing() {
        0 => Ok(newest),
        missing => {
            let detail = format!("{missing} of the commits before number {newest} are missing");
            Err(Error::StoreDamaged { detail })
        }
    }
}

pub(crate) struct FjallSnapshot {
    number: u64,
    snapshot: fjall::Snapshot,
    keyspace: Keyspace,
    values: Arc<ValueCache>,
    directory: PathBuf,
}

impl FjallSnapshot {
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Bytes>>, Error> {
        keys.iter().map(|key| self.get(key)).collect()
    }

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        if let Some(value) = self.values.get(key, self.number) {
            return Ok(Some(value));
        }
        let value = self.snapshot.get(&self.keyspace, key).map_err(|error| self.explain(error))?;
        let value = value.map(Bytes::from);
        if let Some(value) = &value {
            self.values.read(key, value, self.number);
        }
        Ok(value)
    }

    pub(crate) fn range(
        &self,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        reverse: bool,
        limit: usize,
    ) -> Result<Page, Error> {
        let guards = self.snapshot.range::<&[u8], _>(&self.keyspace, (from, to));
        let pair = |guard: fjall::Guard| {
            let (key, value) = guard.into_inner().map_err(|error| self.explain(error))?;
            Ok((Bytes::from(key), Bytes::from(value)))
        };
        if reverse {
            fill_page(guards.rev().map(pair), limit)
        } else {
            fill_page(guards.map(pair), limit)
        }
    }

    fn explain(&self, error: fjall::Error) -> Error {
        Error::from_fjall(error, &self.directory)
    }
}
