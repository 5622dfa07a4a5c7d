//! The newest changes in memory, bounded by their bytes: what the committer judges late upserts
//! and transactions by, and what followers of the change log read without the store. Everything
//! in it is committed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::changes::{Position, Record};

/// A commit itself with the counts of its holders and its place in the ring.
const COMMIT: usize = size_of::<Commit>() + 3 * size_of::<usize>();
/// What a buffer takes beside its bytes: the count of its holders, and what allocators round up.
const BUFFER: usize = 48;

/// The changes of one commit.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) number: u64,
    pub(crate) at_ms: i64,
    pub(crate) records: Vec<Record>,
}

impl Commit {
    /// Memory it holds, about: what was allocated, not only what is used of it. The count of it
    /// decides how many are kept, so what it leaves out would grow beside the limit.
    fn bytes(&self) -> usize {
        let buffer = |buffer: &Bytes| if buffer.is_empty() { 0 } else { BUFFER + buffer.len() };
        let image = |image: &Option<Bytes>| image.as_ref().map_or(0, buffer);
        let of =
            |record: &Record| buffer(&record.key) + image(&record.before) + image(&record.after);
        COMMIT
            + self.records.capacity() * size_of::<Record>()
            + self.records.iter().map(of).sum::<usize>()
    }

    /// Position of the last of its records.
    pub(crate) fn end(&self) -> Position {
        let last = self.records.len().saturating_sub(1);
        Position { commit: self.number, index: u32::try_from(last).unwrap_or(u32::MAX) }
    }
}

/// Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Recent {
    ring: Arc<Mutex<Ring>>,
}

#[derive(Debug)]
struct Ring {
    /// Every change after this commit is here.
    complete_since: u64,
    commits: VecDeque<Arc<Commit>>,
    bytes: usize,
    bytes_max: usize,
}

impl Recent {
    /// Empty; everything up to the commit `number` is unknown.
    pub(crate) fn new(number: u64, bytes_max: usize) -> Recent {
        let commits = VecDeque::new();
        let ring = Ring { complete_since: number, commits, bytes: 0, bytes_max };
        Recent { ring: Arc::new(Mutex::new(ring)) }
    }

    /// Adds what was just committed; the newest commit is kept whatever its size.
    pub(crate) fn add(&self, mut commit: Commit) {
        // Most commits have one record, and a list that grew has room for four.
        commit.records.shrink_to_fit();
        let mut ring = self.lock();
        ring.bytes += commit.bytes();
        ring.commits.push_back(Arc::new(commit));
        while ring.bytes > ring.bytes_max && ring.commits.len() > 1 {
            let Some(oldest) = ring.commits.pop_front() else { break };
            ring.complete_since = oldest.number;
            ring.bytes -= oldest.bytes();
        }
    }

    /// Forgets everything: what lies between is unknown from the commit `number` backwards.
    pub(crate) fn restart(&self, number: u64) {
        let mut ring = self.lock();
        ring.complete_since = number;
        ring.commits.clear();
        ring.bytes = 0;
    }

    /// The commits with changes after the commit `number`; `None` when they are no longer all
    /// here.
    pub(crate) fn after(&self, number: u64) -> Option<Vec<Arc<Commit>>> {
        let ring = self.lock();
        if number < ring.complete_since {
            return None;
        }
        let first = ring.commits.partition_point(|commit| commit.number <= number);
        Some(ring.commits.range(first..).cloned().collect())
    }

    /// Keys of the collection's documents that changed after the commit `since`, each once;
    /// `None` when that is too long ago to know.
    pub(crate) fn keys_of(&self, number: u32, since: u64) -> Option<Vec<Bytes>> {
        let commits = self.after(since)?;
        let records = commits.iter().flat_map(|commit| &commit.records);
        let of = records.filter(|record| record.number == number && !record.key.is_empty());
        let mut keys: Vec<Bytes> = of.map(|record| record.key.clone()).collect();
        keys.sort_unstable();
        keys.dedup();
        Some(keys)
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        // Nothing in here panics half-way.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
