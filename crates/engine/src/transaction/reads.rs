//! What a transaction has read, and whether a change touches it. It keeps keys and filters, never
//! documents: a change brings its documents along.

use std::collections::{BTreeSet, HashMap, HashSet};

use bytes::Bytes;
use query::Filter;
use value::{DocView, RawDoc};

use crate::catalogue::Collection;
use crate::changes::{ChangeKind, Record};
use crate::{Error, scan};

/// Queries and documents one transaction may read: what every later change is compared with.
const FILTERS_MAX: usize = 1_000;
const POINTS_MAX: usize = 100_000;

/// Documents by key, queries by filter.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    /// Numbers of the collections.
    collections: BTreeSet<u32>,
    points: HashSet<Bytes>,
    filters: HashMap<u32, Vec<Filter>>,
    filter_count: usize,
}

impl Reads {
    /// Notes that the transaction knows all documents that match.
    pub(crate) fn note(&mut self, collection: Collection, filter: &Filter) -> Result<(), Error> {
        if let Some(ids) = filter.id_points() {
            return self.note_keys(collection, scan::pinned_keys(collection, &ids));
        }
        self.collections.insert(collection.number);
        self.filters.entry(collection.number).or_default().push(filter.clone());
        self.filter_count += 1;
        if self.filter_count > FILTERS_MAX { Err(too_many()) } else { Ok(()) }
    }

    /// Notes that the transaction knows the documents with these keys, absent ones included.
    pub(crate) fn note_keys(
        &mut self,
        collection: Collection,
        keys: impl IntoIterator<Item = Bytes>,
    ) -> Result<(), Error> {
        self.collections.insert(collection.number);
        self.points.extend(keys);
        if self.points.len() > POINTS_MAX { Err(too_many()) } else { Ok(()) }
    }

    /// Whether what was read may be different after the change.
    pub(crate) fn are_touched_by(&self, record: &Record) -> bool {
        match record.kind {
            // The documents of a collection go without records of their own.
            ChangeKind::DropCollection => self.collections.contains(&record.number),
            ChangeKind::CreateCollection => false,
            _ => self.points.contains(&record.key) || self.are_matched_by(record),
        }
    }

    fn are_matched_by(&self, record: &Record) -> bool {
        let Some(filters) = self.filters.get(&record.number) else { return false };
        let images = || record.before.iter().chain(&record.after);
        filters.iter().any(|filter| images().any(|image| may_match(filter, image)))
    }
}

/// A filter that cannot be judged on a document could not be answered with it, either.
fn may_match(filter: &Filter, image: &Bytes) -> bool {
    let matches = RawDoc::new(image).map_err(query::Error::from);
    matches.and_then(|document| filter.check(&DocView::Raw(document))).unwrap_or(true)
}

fn too_many() -> Error {
    Error::TransactionTooLarge { what: "reads", what_zh: "读取" }
}
