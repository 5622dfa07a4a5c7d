//! What the committer knows without reading: collections, their counts, the ends of the change
//! log, and which documents changed lately. It mirrors the store and runs ahead of it only while
//! a batch is being made; after a failed commit it is thrown away and loaded again.

use std::collections::{BTreeSet, HashMap, VecDeque};

use bytes::Bytes;
use store::{Batch, Snapshot};

use crate::Error;
use crate::catalogue::{Collection, Names};
use crate::changes::{ChangeLog, Kind, Record};
use crate::committer::damaged;
use crate::layout::{self, Span};
use crate::scan::Pages;

/// Changes remembered for upserts whose search began before them.
const RECENT_CHANGES_MAX: usize = 8_192;

/// Documents of dropped collections removed per batch.
const SWEPT_DOCUMENTS: usize = 512;

const PAGE_KEYS: usize = 1_024;

#[derive(Debug)]
pub(crate) struct State {
    names: Names,
    next_number: u32,
    dropped: BTreeSet<u32>,
    /// How far the removal of the first of them has come.
    sweeping: Option<Pages>,
    counts: HashMap<u32, u64>,
    log: ChangeLog,
    recent: Recent,
}

impl State {
    pub(crate) async fn load(snapshot: &Snapshot) -> Result<State, Error> {
        let number = snapshot.number();
        let mut names = Names::new();
        let mut pages = Pages::new(Span::collections(), PAGE_KEYS);
        while let Some(page) = pages.next(snapshot).await? {
            for (key, value) in page {
                let entry = layout::parse_collection_key(&key).zip(layout::parse_u32(&value));
                let (name, number) =
                    entry.ok_or_else(|| damaged("a catalogue entry does not read"))?;
                names.insert(name.to_owned(), Collection { number });
            }
        }
        let mut dropped = BTreeSet::new();
        let mut pages = Pages::new(Span::dropped(), PAGE_KEYS);
        while let Some(page) = pages.next(snapshot).await? {
            dropped.extend(page.iter().filter_map(|(key, _)| layout::parse_dropped_key(key)));
        }
        Ok(State {
            next_number: next_number(snapshot).await?,
            counts: counts(snapshot, &names).await?,
            log: ChangeLog::load(snapshot).await?,
            recent: Recent { complete_since: number, changes: VecDeque::new() },
            names,
            dropped,
            sweeping: None,
        })
    }

    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// Whether there are documents of dropped collections to remove.
    pub(crate) fn has_dropped(&self) -> bool {
        !self.dropped.is_empty()
    }

    pub(crate) fn create_collection(
        &mut self,
        name: &str,
        may_exist: bool,
        batch: &mut Batch,
    ) -> Result<(), Error> {
        if self.names.contains_key(name) {
            let error = Error::CollectionExists { name: name.to_owned() };
            return if may_exist { Ok(()) } else { Err(error) };
        }
        let number = self.next_number;
        self.next_number = number.checked_add(1).expect("nobody creates 2^32 collections");
        self.names.insert(name.to_owned(), Collection { number });
        self.counts.insert(number, 0);
        batch.put(layout::collection_key(name), number.to_be_bytes().to_vec());
        batch.put(layout::NEXT_NUMBER_KEY, self.next_number.to_be_bytes().to_vec());
        Ok(())
    }

    /// Forgets the collection and notes that its documents are to be removed.
    pub(crate) fn drop_collection(
        &mut self,
        name: &str,
        batch: &mut Batch,
    ) -> Result<Collection, Error> {
        let missing = || Error::CollectionMissing { name: name.to_owned() };
        let collection = self.names.remove(name).ok_or_else(missing)?;
        self.counts.remove(&collection.number);
        self.dropped.insert(collection.number);
        batch.delete(layout::collection_key(name));
        batch.delete(layout::count_key(collection.number));
        batch.put(layout::dropped_key(collection.number), Bytes::new());
        Ok(collection)
    }

    /// Removes some documents of a collection dropped in an earlier batch.
    pub(crate) async fn sweep(
        &mut self,
        snapshot: &Snapshot,
        batch: &mut Batch,
    ) -> Result<(), Error> {
        let Some(&number) = self.dropped.first() else { return Ok(()) };
        let whole = || Pages::new(Span::documents(number), SWEPT_DOCUMENTS);
        match self.sweeping.get_or_insert_with(whole).next(snapshot).await? {
            Some(page) => page.into_iter().for_each(|(key, _)| batch.delete(key)),
            None => {
                self.sweeping = None;
                self.dropped.remove(&number);
                batch.delete(layout::dropped_key(number));
            }
        }
        Ok(())
    }

    /// Adjusts a collection's count; the batch gets it with [`State::write_counts`].
    pub(crate) fn count(&mut self, number: u32, more: i64) {
        if let Some(count) = self.counts.get_mut(&number) {
            *count = count.checked_add_signed(more).expect("only counted documents are removed");
        }
    }

    /// Writes the counts of these collections, unless they were dropped.
    pub(crate) fn write_counts(&self, numbers: &BTreeSet<u32>, batch: &mut Batch) {
        for number in numbers {
            if let Some(count) = self.counts.get(number) {
                batch.put(layout::count_key(*number), count.to_be_bytes().to_vec());
            }
        }
    }

    /// Writes the change records of a commit and remembers them for upserts.
    pub(crate) async fn log(
        &mut self,
        number: u64,
        records: &[Record],
        snapshot: &Snapshot,
        batch: &mut Batch,
    ) -> Result<(), Error> {
        self.log.append(number, records, batch);
        self.recent.add(number, records);
        self.log.trim(snapshot, batch).await
    }

    /// Keys of the collection's documents that changed after the commit `since`; `None` when
    /// that is too long ago to know.
    pub(crate) fn changed_since(&self, number: u32, since: u64) -> Option<Vec<Bytes>> {
        self.recent.of(number, since)
    }
}

async fn next_number(snapshot: &Snapshot) -> Result<u32, Error> {
    let found = snapshot.get_many(&[layout::NEXT_NUMBER_KEY]).await?;
    match found.into_iter().next().flatten() {
        None => Ok(1),
        Some(bytes) => layout::parse_u32(&bytes)
            .ok_or_else(|| damaged("the number of the next collection does not read")),
    }
}

async fn counts(snapshot: &Snapshot, names: &Names) -> Result<HashMap<u32, u64>, Error> {
    let numbers: Vec<u32> = names.values().map(|collection| collection.number).collect();
    let keys: Vec<Bytes> = numbers.iter().map(|number| layout::count_key(*number)).collect();
    let keys: Vec<&[u8]> = keys.iter().map(|key| &key[..]).collect();
    let found = snapshot.get_many(&keys).await?;
    // A collection without documents so far has no count.
    let count = |bytes: Option<Bytes>| bytes.map_or(Some(0), |bytes| layout::parse_u64(&bytes));
    numbers
        .into_iter()
        .zip(found)
        .map(|(number, bytes)| {
            let count = count(bytes).ok_or_else(|| damaged("a count does not read"))?;
            Ok((number, count))
        })
        .collect()
}

/// The latest changes, in the order of their commits.
#[derive(Debug)]
struct Recent {
    /// Every change after this commit is here.
    complete_since: u64,
    changes: VecDeque<(u64, u32, Bytes)>,
}

impl Recent {
    fn add(&mut self, number: u64, records: &[Record]) {
        let changed = records.iter().filter(|record| record.kind != Kind::DropCollection);
        for record in changed {
            self.changes.push_back((number, record.number, record.document_key.clone()));
        }
        while self.changes.len() > RECENT_CHANGES_MAX {
            if let Some((number, ..)) = self.changes.pop_front() {
                self.complete_since = number;
            }
        }
    }

    fn of(&self, number: u32, since: u64) -> Option<Vec<Bytes>> {
        if since < self.complete_since {
            return None;
        }
        let newer = self.changes.partition_point(|(commit, ..)| *commit <= since);
        let newer = self.changes.range(newer..).filter(|(_, of, _)| *of == number);
        let mut keys: Vec<Bytes> = newer.map(|(_, _, key)| key.clone()).collect();
        keys.sort();
        keys.dedup();
        Some(keys)
    }
}
