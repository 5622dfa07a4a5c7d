//! The indexes of all collections as of one commit: read from the store at open, changed by the
//! committer, published to readers. Plain bookkeeping; entries are other modules' business.

use std::collections::BTreeMap;
use std::sync::Arc;

use store::{Batch, Snapshot};
use value::Document;

use super::{Flags, Index, entry};
use crate::Error;
use crate::committer::damaged;
use crate::scan::Pages;

const PAGE_KEYS: usize = 1_024;

/// Builds that failed, remembered for whoever waits for them.
const FAILURES_MAX: usize = 64;

/// All indexes but the primary ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Indexes {
    by_collection: BTreeMap<u32, Arc<[Arc<Index>]>>,
    /// Number of the index → why it was given up.
    failures: BTreeMap<u32, Error>,
}

/// How a build stands.
#[derive(Clone, Debug)]
pub(crate) enum Build {
    UnderWay,
    Done,
    /// Given up, or the index was dropped.
    Failed(Option<Error>),
}

impl Indexes {
    /// Reads the catalogue entries.
    pub(crate) async fn load(snapshot: &Snapshot) -> Result<Indexes, Error> {
        let mut indexes = Indexes::default();
        let mut pages = Pages::new(entry::catalogue_span(), PAGE_KEYS);
        while let Some(page) = pages.next(snapshot).await? {
            for (key, bytes) in page {
                let index = entry::parse_catalogue_key(&key).and_then(|(collection, number)| {
                    let document = Document::from_bytes(&bytes).ok()?;
                    Index::from_document(collection, number, &document)
                });
                let index = index
                    .ok_or_else(|| damaged("the catalogue entry of an index does not read"))?;
                indexes.put(Arc::new(index));
            }
        }
        Ok(indexes)
    }

    /// Those of a collection, in the order of their creation.
    pub(crate) fn of(&self, collection: u32) -> Arc<[Arc<Index>]> {
        self.by_collection.get(&collection).cloned().unwrap_or_default()
    }

    /// Whether a collection has any.
    pub(crate) fn has(&self, collection: u32) -> bool {
        self.by_collection.contains_key(&collection)
    }

    /// The first that is being filled.
    pub(crate) fn building(&self) -> Option<&Arc<Index>> {
        self.all().find(|index| index.ready_at.is_none())
    }

    /// Those that remove documents by age.
    pub(crate) fn expiring(&self) -> Vec<Arc<Index>> {
        let expires = |index: &&Arc<Index>| {
            index.spec.expire_after_seconds.is_some() && index.ready_at.is_some()
        };
        self.all().filter(expires).cloned().collect()
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Index>> {
        self.by_collection.values().flat_map(|indexes| indexes.iter())
    }

    /// How the build of an index stands.
    pub(crate) fn build(&self, number: u32) -> Build {
        match self.all().find(|index| index.number == number) {
            Some(index) if index.ready_at.is_some() => Build::Done,
            Some(_) => Build::UnderWay,
            None => Build::Failed(self.failures.get(&number).cloned()),
        }
    }

    /// Adds an index, or takes another state of it over.
    pub(crate) fn put(&mut self, index: Arc<Index>) {
        let slot = self.by_collection.entry(index.collection).or_default();
        let mut indexes: Vec<Arc<Index>> = slot.to_vec();
        match indexes.iter_mut().find(|known| known.number == index.number) {
            Some(known) => *known = index,
            None => indexes.push(index),
        }
        *slot = indexes.into();
    }

    /// Forgets an index.
    pub(crate) fn remove(&mut self, index: &Index) {
        let rest = self.of(index.collection);
        let rest: Vec<Arc<Index>> =
            rest.iter().filter(|known| known.number != index.number).cloned().collect();
        if rest.is_empty() {
            self.by_collection.remove(&index.collection);
        } else {
            self.by_collection.insert(index.collection, rest.into());
        }
    }

    /// Remembers why a build was given up.
    pub(crate) fn fail(&mut self, number: u32, error: Error) {
        self.failures.insert(number, error);
        while self.failures.len() > FAILURES_MAX {
            self.failures.pop_first();
        }
    }

    /// Notes flags that documents of this batch need, in the same batch; whether there were any.
    pub(crate) fn raise(&mut self, index: &Index, flags: Flags, batch: &mut Batch) -> bool {
        let known = self.of(index.collection);
        let Some(known) = known.iter().find(|known| known.number == index.number) else {
            return false;
        };
        let raised = known.flags.with(flags);
        if raised == known.flags {
            return false;
        }
        let index = Index { flags: raised, ..(**known).clone() };
        write(&index, batch);
        self.put(Arc::new(index));
        true
    }
}

/// Writes an index's catalogue entry.
pub(crate) fn write(index: &Index, batch: &mut Batch) {
    let key = entry::catalogue_key(index.collection, index.number);
    batch.put(key, index.to_document().to_bytes());
}
