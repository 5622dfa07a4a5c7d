//! The store in memory: every key keeps the versions that open snapshots may still see.
//! It writes nothing anywhere and refuses writes after it was closed.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;

use crate::snapshot::fill_page;
use crate::{Batch, Error, Page};

/// Key → its versions, oldest first; `None` marks a removal.
type Versions = BTreeMap<Bytes, Vec<(u64, Option<Bytes>)>>;

#[derive(Default)]
struct Contents {
    versions: Versions,
    /// Number of the newest commit.
    number: u64,
    /// Commit number → how many open snapshots look at it.
    open: BTreeMap<u64, usize>,
    closed: bool,
}

pub(crate) struct MemoryAdapter {
    contents: Arc<RwLock<Contents>>,
}

impl MemoryAdapter {
    pub(crate) fn new() -> MemoryAdapter {
        MemoryAdapter { contents: Arc::default() }
    }

    /// A store that begins with these contents, of this commit.
    pub(crate) fn holding(pairs: &BTreeMap<Bytes, Bytes>, number: u64) -> MemoryAdapter {
        let version = |value: &Bytes| vec![(number, Some(value.clone()))];
        let versions = pairs.iter().map(|(key, value)| (key.clone(), version(value))).collect();
        let contents = Contents { versions, number, ..Contents::default() };
        MemoryAdapter { contents: Arc::new(RwLock::new(contents)) }
    }

    pub(crate) fn snapshot(&self) -> MemorySnapshot {
        let mut contents = write(&self.contents);
        let number = contents.number;
        *contents.open.entry(number).or_default() += 1;
        drop(contents);
        let hold = Hold { contents: Arc::clone(&self.contents), number };
        MemorySnapshot { hold: Arc::new(hold) }
    }

    /// Applies what was judged for the commit `number`.
    pub(crate) fn commit(&self, batch: Batch, number: u64) -> Result<(), Error> {
        let mut guard = write(&self.contents);
        let contents = &mut *guard;
        if contents.closed {
            return Err(Error::Closed);
        }
        if contents.number + 1 != number {
            return Err(Error::Outdated);
        }
        contents.number = number;
        let oldest_open = contents.open.keys().next().copied().unwrap_or(number);
        for (key, value) in batch.writes {
            let versions = contents.versions.entry(key.clone()).or_default();
            if versions.last().is_some_and(|(last, _)| *last == number) {
                versions.pop();
            }
            versions.push((number, value));
            // Everything before the newest version that the oldest snapshot sees is invisible.
            let seen = versions.iter().rposition(|(at, _)| *at <= oldest_open).unwrap_or(0);
            versions.drain(..seen);
            if matches!(versions.as_slice(), [(_, None)]) {
                contents.versions.remove(&key);
            }
        }
        Ok(())
    }

    pub(crate) fn number(&self) -> u64 {
        read(&self.contents).number
    }

    pub(crate) fn close(&self) {
        write(&self.contents).closed = true;
    }
}

/// Counts as one open snapshot for as long as it lives.
struct Hold {
    contents: Arc<RwLock<Contents>>,
    number: u64,
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut contents = write(&self.contents);
        if let Some(count) = contents.open.get_mut(&self.number) {
            *count -= 1;
            if *count == 0 {
                contents.open.remove(&self.number);
            }
        }
    }
}

#[derive(Clone)]
pub(crate) struct MemorySnapshot {
    hold: Arc<Hold>,
}

impl MemorySnapshot {
    pub(crate) fn number(&self) -> u64 {
        self.hold.number
    }

    pub(crate) fn get_many(&self, keys: &[&[u8]]) -> Vec<Option<Bytes>> {
        let contents = read(&self.hold.contents);
        keys.iter()
            .map(|key| contents.versions.get(*key).and_then(|versions| self.visible(versions)))
            .collect()
    }

    pub(crate) fn range(
        &self,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        reverse: bool,
        limit: usize,
    ) -> Result<Page, Error> {
        let contents = read(&self.hold.contents);
        let pairs = contents.versions.range::<[u8], _>((from, to));
        let visible = |(key, versions): (&Bytes, &Vec<(u64, Option<Bytes>)>)| {
            Some(Ok((key.clone(), self.visible(versions)?)))
        };
        if reverse {
            fill_page(pairs.rev().filter_map(visible), limit)
        } else {
            fill_page(pairs.filter_map(visible), limit)
        }
    }

    fn visible(&self, versions: &[(u64, Option<Bytes>)]) -> Option<Bytes> {
        let (_, value) = versions.iter().rev().find(|(at, _)| *at <= self.hold.number)?;
        value.clone()
    }
}

// No code can panic while it holds the lock in a half-changed state, so a poisoned lock is
// still good to use.
fn read(contents: &RwLock<Contents>) -> RwLockReadGuard<'_, Contents> {
    contents.read().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn write(contents: &RwLock<Contents>) -> RwLockWriteGuard<'_, Contents> {
    contents.write().unwrap_or_else(std::sync::PoisonError::into_inner)
}
