//! What the committer knows without reading: collections, their counts and the ends of the change
//! log, as of one commit. A batch is made on a copy, which takes the place of the original once the
//! batch is committed; what other nodes committed is caught up from the change log.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use store::{Batch, Snapshot};

use crate::catalogue::{Collection, Names};
use crate::changes::{self, ChangeKind, ChangeLog, Position, Stretch};
use crate::committer::damaged;
use crate::index::build::{self, End, Wish};
use crate::index::known::{self, Indexes};
use crate::index::{Flags, Index, IndexSpec, entry};
use crate::layout::{self, Span};
use crate::recent::{Commit, Recent};
use crate::scan::Pages;
use crate::{Error, Options};

/// Keys of what was dropped removed per batch.
const SWEPT_KEYS: usize = 512;

/// What is left to remove.
type Sweep = VecDeque<Pages>;

const PAGE_KEYS: usize = 1_024;

/// Chunks of foreign changes read at once, and how often: who is further behind starts again.
const FOREIGN_CHUNKS: usize = 256;
const FOREIGN_PAGES: usize = 16;

/// Copies are cheap: they share everything until one of them changes.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// The commit all this is true of.
    number: u64,
    /// The commit that last changed the catalogue.
    catalogue_version: u64,
    names: Arc<Names>,
    indexes: Arc<Indexes>,
    next_number: u32,
    dropped: Arc<BTreeSet<u32>>,
    /// How far the removal of the first of them has come.
    sweeping: Option<Sweep>,
    counts: Arc<HashMap<u32, u64>>,
    log: ChangeLog,
}

impl State {
    pub(crate) async fn load(snapshot: &Snapshot) -> Result<State, Error> {
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
        let (next_number, catalogue_version, indexes, counts, log) = tokio::try_join!(
            next_number(snapshot),
            catalogue_version(snapshot),
            Indexes::load(snapshot),
            counts(snapshot, &names),
            ChangeLog::load(snapshot)
        )?;
        Ok(State {
            number: snapshot.number(),
            catalogue_version,
            names: Arc::new(names),
            indexes: Arc::new(indexes),
            next_number,
            dropped: Arc::new(dropped),
            sweeping: None,
            counts: Arc::new(counts),
            log,
        })
    }

    /// The commit all this is true of.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn names(&self) -> &Arc<Names> {
        &self.names
    }

    pub(crate) fn log(&self) -> &ChangeLog {
        &self.log
    }

    /// Notes that the batch for this number is committed.
    pub(crate) fn set_number(&mut self, number: u64) {
        self.number = number;
    }

    /// Learns what other nodes committed up to the snapshot and adds it to the recent changes.
    pub(crate) async fn catch_up(
        &mut self,
        snapshot: &Snapshot,
        recent: &Recent,
    ) -> Result<(), Error> {
        if snapshot.number() == self.number {
            return Ok(());
        }
        let (version, foreign) =
            tokio::try_join!(catalogue_version(snapshot), self.foreign(snapshot))?;
        match &foreign {
            Some(foreign) if version == self.catalogue_version => {
                self.adjust(snapshot, foreign).await?;
            }
            _ => *self = State::load(snapshot).await?,
        }
        self.number = snapshot.number();
        match foreign {
            Some(foreign) => foreign.into_iter().for_each(|commit| recent.add(commit)),
            None => recent.restart(self.number),
        }
        Ok(())
    }

    /// The changes since this state; `None` when they are too many or no longer in the log.
    async fn foreign(&self, snapshot: &Snapshot) -> Result<Option<Vec<Commit>>, Error> {
        let mut commits: Vec<Commit> = Vec::new();
        let mut after = Position::end_of(self.number);
        for _ in 0..FOREIGN_PAGES {
            let read = changes::read(snapshot, after, FOREIGN_CHUNKS).await;
            let (stretches, is_end) = match read {
                Ok(read) => read,
                Err(Error::ChangesTooOld { .. }) => return Ok(None),
                Err(error) => return Err(error),
            };
            for Stretch { commit: number, at_ms, records, .. } in stretches {
                match commits.last_mut() {
                    Some(last) if last.number == number => last.records.extend(records),
                    _ => commits.push(Commit { number, at_ms, records }),
                }
            }
            let Some(last) = commits.last() else { return Ok(Some(commits)) };
            if is_end {
                return Ok(Some(commits));
            }
            after = last.end();
        }
        Ok(None)
    }

    /// Counts documents and finds the ends of the log after foreign changes.
    async fn adjust(&mut self, snapshot: &Snapshot, foreign: &[Commit]) -> Result<(), Error> {
        // What may fail comes first: nothing may be counted twice.
        self.log = ChangeLog::load(snapshot).await?;
        // Another node may have swept or trimmed without changing any document.
        self.sweeping = None;
        for record in foreign.iter().flat_map(|commit| &commit.records) {
            match record.kind {
                ChangeKind::Insert => self.count(record.number, 1),
                ChangeKind::Remove => self.count(record.number, -1),
                _ => {}
            }
        }
        Ok(())
    }

    pub(crate) fn indexes(&self) -> &Arc<Indexes> {
        &self.indexes
    }

    /// Whether there are documents or entries to remove, or indexes to fill.
    pub(crate) fn has_work(&self) -> bool {
        !self.dropped.is_empty() || self.indexes.building().is_some()
    }

    /// `None` when it exists and may.
    pub(crate) fn create_collection(
        &mut self,
        name: &str,
        may_exist: bool,
        batch: &mut Batch,
    ) -> Result<Option<Collection>, Error> {
        if self.names.contains_key(name) {
            let error = Error::CollectionExists { name: name.to_owned() };
            return if may_exist { Ok(None) } else { Err(error) };
        }
        let number = self.take_number(batch);
        Arc::make_mut(&mut self.names).insert(name.to_owned(), Collection { number });
        Arc::make_mut(&mut self.counts).insert(number, 0);
        batch.put(layout::collection_key(name), number.to_be_bytes().to_vec());
        Ok(Some(Collection { number }))
    }

    /// Forgets the collection and notes that its documents are to be removed.
    pub(crate) fn drop_collection(
        &mut self,
        name: &str,
        batch: &mut Batch,
    ) -> Result<Collection, Error> {
        let missing = || Error::CollectionMissing { name: name.to_owned() };
        let collection = *self.names.get(name).ok_or_else(missing)?;
        Arc::make_mut(&mut self.names).remove(name);
        Arc::make_mut(&mut self.counts).remove(&collection.number);
        batch.delete(layout::collection_key(name));
        batch.delete(layout::count_key(collection.number));
        self.abandon(collection.number, batch);
        for index in self.indexes.of(collection.number).iter() {
            self.forget_index(index, batch);
        }
        Ok(collection)
    }

    /// A number for a collection or an index.
    fn take_number(&mut self, batch: &mut Batch) -> u32 {
        let number = self.next_number;
        self.next_number = number.checked_add(1).expect("nobody creates 2^32 collections");
        batch.put(layout::NEXT_NUMBER_KEY, self.next_number.to_be_bytes().to_vec());
        number
    }

    /// Notes that all that is stored under a number is to be removed.
    fn abandon(&mut self, number: u32, batch: &mut Batch) {
        Arc::make_mut(&mut self.dropped).insert(number);
        batch.put(layout::dropped_key(number), Bytes::new());
    }

    /// Creates an index, to be filled by later batches; the number of the one there is when it
    /// exists already.
    pub(crate) fn create_index(
        &mut self,
        collection: Collection,
        spec: &IndexSpec,
        batch: &mut Batch,
    ) -> Result<u32, Error> {
        let others = self.indexes.of(collection.number);
        if let Wish::Exists(number) = build::may_create(&others, spec)? {
            return Ok(number);
        }
        let number = self.take_number(batch);
        let index = Index::new(collection.number, number, spec.clone());
        known::write(&index, batch);
        Arc::make_mut(&mut self.indexes).put(Arc::new(index));
        Ok(number)
    }

    /// Forgets an index and notes that its entries are to be removed.
    pub(crate) fn drop_index(
        &mut self,
        collection: Collection,
        name: &str,
        batch: &mut Batch,
    ) -> Result<(), Error> {
        let index = build::find_by_name(&self.indexes.of(collection.number), name)?;
        self.forget_index(&index, batch);
        Ok(())
    }

    fn forget_index(&mut self, index: &Index, batch: &mut Batch) {
        Arc::make_mut(&mut self.indexes).remove(index);
        batch.delete(entry::catalogue_key(index.collection, index.number));
        batch.delete(entry::progress_key(index.number));
        self.abandon(index.number, batch);
    }

    /// Notes flags of indexes that the batch needs; whether any was new.
    pub(crate) fn raise(&mut self, flags: &[(Arc<Index>, Flags)], batch: &mut Batch) -> bool {
        let mut is_new = false;
        for (index, flags) in flags {
            is_new |= Arc::make_mut(&mut self.indexes).raise(index, *flags, batch);
        }
        is_new
    }

    /// Fills a page of an index; the entries of unique ones are returned. The batch for `number`
    /// changes the catalogue when the second is true.
    pub(crate) async fn fill(
        &mut self,
        snapshot: &Snapshot,
        number: u64,
        batch: &mut Batch,
    ) -> Result<(Vec<(Bytes, Bytes)>, bool), Error> {
        let Some(index) = self.indexes.building().cloned() else {
            return Ok((Vec::new(), false));
        };
        let named = self.names.iter().find(|(_, known)| known.number == index.collection);
        let name = named.map_or_else(String::new, |(name, _)| name.clone());
        let mut indexes = Arc::clone(&self.indexes);
        let known = Arc::make_mut(&mut indexes);
        let mut entries = Batch::new();
        let filled = build::fill(known, &name, &index, snapshot, &mut entries).await?;
        if let End::Failed(error) = filled.end {
            self.forget_index(&index, batch);
            Arc::make_mut(&mut self.indexes).fail(index.number, error);
            return Ok((Vec::new(), true));
        }
        batch.append(entries);
        let of = known.of(index.collection);
        let raised = of.iter().find(|known| known.number == index.number);
        let mut changes = raised.is_some_and(|raised| raised.flags != index.flags);
        if let (End::Complete, Some(raised)) = (&filled.end, raised) {
            let ready = Index { ready_at: Some(number), ..(**raised).clone() };
            known::write(&ready, batch);
            batch.delete(entry::progress_key(index.number));
            known.put(Arc::new(ready));
            changes = true;
        }
        self.indexes = indexes;
        Ok((filled.unique, changes))
    }

    /// Removes some of what a collection or an index that was dropped in an earlier batch left.
    pub(crate) async fn sweep(
        &mut self,
        snapshot: &Snapshot,
        batch: &mut Batch,
    ) -> Result<(), Error> {
        let Some(&number) = self.dropped.first() else { return Ok(()) };
        let whole = || entry::spans_of(number).map(|span| Pages::new(span, SWEPT_KEYS)).into();
        let sweep: &mut Sweep = self.sweeping.get_or_insert_with(whole);
        while let Some(pages) = sweep.front_mut() {
            if let Some(page) = pages.next(snapshot).await? {
                page.into_iter().for_each(|(key, _)| batch.delete(key));
                return Ok(());
            }
            sweep.pop_front();
        }
        self.sweeping = None;
        Arc::make_mut(&mut self.dropped).remove(&number);
        batch.delete(layout::dropped_key(number));
        Ok(())
    }

    /// Adjusts a collection's count; the batch gets it with [`State::write_counts`].
    pub(crate) fn count(&mut self, number: u32, more: i64) {
        if let Some(count) = Arc::make_mut(&mut self.counts).get_mut(&number) {
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

    /// Notes in the batch for this number that it changes the catalogue.
    pub(crate) fn change_catalogue(&mut self, number: u64, batch: &mut Batch) {
        self.catalogue_version = number;
        batch.put(layout::CATALOGUE_KEY, number.to_be_bytes().to_vec());
    }

    /// Writes the change records of a commit, and removes some of the oldest when there are too
    /// many.
    pub(crate) async fn write_log(
        &mut self,
        commit: &Commit,
        snapshot: &Snapshot,
        options: &Options,
        batch: &mut Batch,
    ) -> Result<(), Error> {
        self.log.append(commit, batch);
        if self.log.is_excessive(options, commit.at_ms) {
            self.log.trim(snapshot, options, commit.at_ms, batch).await?;
        }
        Ok(())
    }
}

/// The commit that last changed the catalogue.
async fn catalogue_version(snapshot: &Snapshot) -> Result<u64, Error> {
    let found = snapshot.get_many(&[layout::CATALOGUE_KEY]).await?;
    match found.into_iter().next().flatten() {
        None => Ok(0),
        Some(bytes) => layout::parse_u64(&bytes)
            .ok_or_else(|| damaged("the version of the catalogue does not read")),
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
