//! Values that were read lately, in memory, with the commit from which on they are known to be the
//! newest: reading one again costs no walk through tables. It refuses to guess: a snapshot older
//! than what is known of a key misses, and what was read from an older snapshot than the last
//! write to its neighbourhood is not kept.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// Parts with a lock each. Must be a power of two.
const SHARDS: usize = 64;

/// What an entry takes beside its bytes: two buffers, its place in a table that is half full.
const ENTRY: usize = 2 * size_of::<(Bytes, Entry)>();

/// Longest value that is kept, as a part of a shard's memory: one must not throw out all others.
const SHARD_PART: usize = 8;

pub(crate) struct ValueCache {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
    /// What one generation of a shard may hold, in bytes.
    generation_bytes: usize,
}

/// What is asked for is in `young` or moves there; when that is full it becomes `old`, and what
/// was old and not asked for since is forgotten.
#[derive(Default)]
struct Shard {
    young: HashMap<Bytes, Entry>,
    young_bytes: usize,
    old: HashMap<Bytes, Entry>,
    old_bytes: usize,
    /// Number of the last commit that wrote to any key of this shard.
    last_write: u64,
}

#[derive(Clone)]
struct Entry {
    /// The newest value in every snapshot from this commit on, as long as the entry is here.
    since: u64,
    value: Bytes,
}

impl ValueCache {
    /// Holds up to so many bytes of keys, values and what they need to be found.
    pub(crate) fn new(bytes: usize) -> ValueCache {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        ValueCache { shards, hasher: RandomState::new(), generation_bytes: bytes / SHARDS / 2 }
    }

    /// The value in the snapshot of this number, when it is known.
    pub(crate) fn get(&self, key: &[u8], snapshot: u64) -> Option<Bytes> {
        let mut shard = self.shard(key);
        if let Some(entry) = shard.young.get(key) {
            return (entry.since <= snapshot).then(|| entry.value.clone());
        }
        let (key, entry) = shard.old.remove_entry(key)?;
        shard.old_bytes -= entry.takes(&key);
        let value = (entry.since <= snapshot).then(|| entry.value.clone());
        shard.keep(key, entry, self.generation_bytes);
        value
    }

    /// Keeps what was read from the snapshot of this number, unless something newer may be known.
    pub(crate) fn read(&self, key: &[u8], value: &Bytes, snapshot: u64) {
        if (key.len() + value.len()) * SHARD_PART > self.generation_bytes {
            return;
        }
        let mut shard = self.shard(key);
        if shard.last_write > snapshot || shard.young.contains_key(key) {
            return;
        }
        // Copies: what was read may be a small part of a large block.
        let value = Bytes::copy_from_slice(value);
        let entry = Entry { since: snapshot, value };
        shard.keep(Bytes::copy_from_slice(key), entry, self.generation_bytes);
    }

    /// Forgets a key that the commit of this number writes. To be called after the commit has
    /// succeeded and before anybody can see its snapshot.
    pub(crate) fn written(&self, key: &[u8], number: u64) {
        let mut shard = self.shard(key);
        shard.last_write = number;
        if let Some(entry) = shard.young.remove(key) {
            shard.young_bytes -= entry.takes(key);
        }
        if let Some(entry) = shard.old.remove(key) {
            shard.old_bytes -= entry.takes(key);
        }
    }

    /// What it holds now, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let of = |shard: &Mutex<Shard>| {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.young_bytes + shard.old_bytes
        };
        self.shards.iter().map(of).sum()
    }

    fn shard(&self, key: &[u8]) -> MutexGuard<'_, Shard> {
        let hash = usize::try_from(self.hasher.hash_one(key) & (SHARDS as u64 - 1));
        let shard = &self.shards[hash.unwrap_or_default()];
        // Nothing panics while it is held, and half a change is at worst a value forgotten.
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// What it and its key take, in bytes.
    fn takes(&self, key: &[u8]) -> usize {
        ENTRY + key.len() + self.value.len()
    }
}

impl Shard {
    fn keep(&mut self, key: Bytes, entry: Entry, generation_bytes: usize) {
        self.young_bytes += entry.takes(&key);
        self.young.insert(key, entry);
        if self.young_bytes > generation_bytes {
            self.old = std::mem::take(&mut self.young);
            self.old_bytes = std::mem::take(&mut self.young_bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Bytes {
        Bytes::copy_from_slice(text.as_bytes())
    }

    #[test]
    fn a_snapshot_sees_what_was_the_newest_value_to_it() {
        let cache = ValueCache::new(1 << 20);
        cache.read(b"k", &value("one"), 5);
        assert_eq!(cache.get(b"k", 4), None, "older than what is known");
        assert_eq!(cache.get(b"k", 5), Some(value("one")));
        assert_eq!(cache.get(b"k", 9), Some(value("one")));
        cache.written(b"k", 10);
        assert_eq!(cache.get(b"k", 9), None);
        assert_eq!(cache.get(b"k", 10), None);
    }

    #[test]
    fn a_slow_reader_does_not_bring_an_old_value_back() {
        let cache = ValueCache::new(1 << 20);
        cache.written(b"k", 10);
        cache.read(b"k", &value("of 9"), 9);
        assert_eq!(cache.get(b"k", 10), None);
        cache.read(b"k", &value("of 10"), 10);
        assert_eq!(cache.get(b"k", 12), Some(value("of 10")));
    }

    #[test]
    fn what_is_asked_for_stays_and_the_rest_is_forgotten() {
        let cache = ValueCache::new(SHARDS * 2 * 2_000);
        let kept = |number: u32| cache.get(&number.to_be_bytes(), 1).is_some();
        for number in 0..10_000_u32 {
            cache.read(&number.to_be_bytes(), &value(&"x".repeat(96)), 1);
            cache.get(&0_u32.to_be_bytes(), 1);
        }
        assert!(kept(0) && kept(9_999) && !kept(1));
        let held: usize = cache.shards.iter().map(|shard| shard.lock().unwrap().bytes()).sum();
        assert!(held <= SHARDS * 2 * 2_300, "{held} bytes");
        cache.read(b"large", &value(&"x".repeat(1_900)), 1);
        assert_eq!(cache.get(b"large", 1), None);
    }

    impl Shard {
        fn bytes(&self) -> usize {
            let pairs = self.young.iter().chain(&self.old);
            pairs.map(|(key, entry)| entry.takes(key)).sum()
        }
    }
}
