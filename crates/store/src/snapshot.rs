//! A moment of the store, as a cheap value. Reading through it never sees later commits and
//! never blocks a writer; it refuses to write.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;

use crate::fjall_adapter::FjallSnapshot;
use crate::memory_adapter::MemorySnapshot;
use crate::postgres_adapter::PostgresSnapshot;
use crate::simulated_disk::SimulatedSnapshot;
use crate::{Error, PAGE_BYTES_MAX};

/// Keys and values of one page, in the order asked for.
pub type Page = Vec<(Bytes, Bytes)>;

/// The first key above the store's own.
const LOWEST_KEY: &[u8] = &[crate::RESERVED_PREFIX + 1];

/// The contents of the store at one moment.
#[derive(Clone)]
pub struct Snapshot {
    view: View,
}

#[derive(Clone)]
enum View {
    Memory(MemorySnapshot),
    Fjall(Arc<FjallSnapshot>),
    Simulated(SimulatedSnapshot),
    Postgres(PostgresSnapshot),
}

impl Snapshot {
    pub(crate) fn memory(snapshot: MemorySnapshot) -> Snapshot {
        Snapshot { view: View::Memory(snapshot) }
    }

    pub(crate) fn fjall(snapshot: Arc<FjallSnapshot>) -> Snapshot {
        Snapshot { view: View::Fjall(snapshot) }
    }

    pub(crate) fn simulated(snapshot: SimulatedSnapshot) -> Snapshot {
        Snapshot { view: View::Simulated(snapshot) }
    }

    pub(crate) fn postgres(snapshot: PostgresSnapshot) -> Snapshot {
        Snapshot { view: View::Postgres(snapshot) }
    }

    /// What it is to the adapter for PostgreSQL, which alone asks.
    pub(crate) fn as_postgres(&self) -> Option<&PostgresSnapshot> {
        match &self.view {
            View::Postgres(snapshot) => Some(snapshot),
            _ => None,
        }
    }

    /// Number of the commit it shows; 0 is the empty store.
    pub fn number(&self) -> u64 {
        match &self.view {
            View::Memory(snapshot) => snapshot.number(),
            View::Fjall(snapshot) => snapshot.number(),
            View::Simulated(snapshot) => snapshot.number(),
            View::Postgres(snapshot) => snapshot.number(),
        }
    }

    /// The values of `keys`, in their order, `None` where there is none.
    ///
    /// # Errors
    ///
    /// [`Error::StoreDamaged`] when stored bytes fail their checksum, [`Error::SnapshotTooOld`]
    /// when others have reclaimed its versions, or what the disk or the database reports.
    pub async fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Bytes>>, Error> {
        match &self.view {
            View::Memory(snapshot) => Ok(snapshot.get_many(keys)),
            View::Fjall(snapshot) => snapshot.get_many(keys),
            View::Simulated(snapshot) => {
                snapshot.pause().await;
                snapshot.get_many(keys)
            }
            View::Postgres(snapshot) => snapshot.get_many(keys).await,
        }
    }

    /// At most `limit` pairs whose keys lie between the bounds, ascending or, with `reverse`,
    /// descending. Ask for the next page with the last key as an excluded bound. A page also ends
    /// once it carries [`crate::PAGE_BYTES_MAX`] bytes.
    ///
    /// # Errors
    ///
    /// As [`Snapshot::get_many`].
    pub async fn range(
        &self,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        reverse: bool,
        limit: usize,
    ) -> Result<Page, Error> {
        // The store's own keys lie below everything a caller may see.
        let from = match from {
            Bound::Included(key) | Bound::Excluded(key) if key >= LOWEST_KEY => from,
            _ => Bound::Included(LOWEST_KEY),
        };
        if is_empty_range(from, to) {
            return Ok(Page::new());
        }
        match &self.view {
            View::Memory(snapshot) => snapshot.range(from, to, reverse, limit),
            View::Fjall(snapshot) => snapshot.range(from, to, reverse, limit),
            View::Simulated(snapshot) => {
                snapshot.pause().await;
                snapshot.range(from, to, reverse, limit)
            }
            View::Postgres(snapshot) => snapshot.range(from, to, reverse, limit).await,
        }
    }
}

/// Takes pairs until the page has `limit` of them or enough bytes.
pub(crate) fn fill_page(
    pairs: impl Iterator<Item = Result<(Bytes, Bytes), Error>>,
    limit: usize,
) -> Result<Page, Error> {
    let mut page = Page::new();
    let mut bytes = 0;
    for pair in pairs.take(limit) {
        let (key, value) = pair?;
        bytes += key.len() + value.len();
        page.push((key, value));
        if bytes >= PAGE_BYTES_MAX {
            break;
        }
    }
    Ok(page)
}

/// Ranges that end before they begin are empty here, while the adapters' own maps panic on them.
fn is_empty_range(from: Bound<&[u8]>, to: Bound<&[u8]>) -> bool {
    match (from, to) {
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Excluded(from) | Bound::Included(from), Bound::Excluded(to))
        | (Bound::Excluded(from), Bound::Included(to)) => from >= to,
        _ => false,
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("number", &self.number()).finish_non_exhaustive()
    }
}
