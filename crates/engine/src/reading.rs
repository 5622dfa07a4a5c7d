//! A collection as of one commit: what every read begins with. It holds what was known when it
//! began; later commits change nothing for it.

use std::ops::Deref;
use std::sync::Arc;

use query::{Filter, Sort};
use store::Snapshot;

use crate::Error;
use crate::catalogue::Collection;
use crate::index::Index;
use crate::plan::{self, Examined, Question, Walk};

/// A collection, its indexes, and the moment both are read as of.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) snapshot: Snapshot,
    pub(crate) collection: Collection,
    /// Those that are complete at this moment.
    pub(crate) indexes: Arc<[Arc<Index>]>,
}

impl Reading {
    pub(crate) fn new(
        snapshot: Snapshot,
        collection: Collection,
        indexes: &Arc<[Arc<Index>]>,
    ) -> Reading {
        let number = snapshot.number();
        let is_ready = |index: &&Arc<Index>| index.is_ready(number);
        let indexes = match indexes.iter().all(|index| is_ready(&index)) {
            true => Arc::clone(indexes),
            false => indexes.iter().filter(is_ready).cloned().collect(),
        };
        Reading { snapshot, collection, indexes }
    }

    /// What is asked of this collection; `wanted` documents at most, when that is known.
    pub(crate) fn question<'a>(
        &'a self,
        filter: &'a Filter,
        sort: &'a Sort,
        wanted: Option<usize>,
    ) -> Question<'a> {
        Question { collection: self.collection, indexes: &self.indexes, filter, sort, wanted }
    }

    /// The documents that match, batch by batch, in no particular order. `wanted` is how many of
    /// them are likely to be used.
    pub(crate) async fn walk<F: Deref<Target = Filter>>(
        &self,
        filter: F,
        wanted: Option<usize>,
    ) -> Result<Walk<F>, Error> {
        let unsorted = Sort::default();
        let question = self.question(&filter, &unsorted, wanted);
        let choice = plan::choose(&self.snapshot, &question).await?;
        Ok(Walk::new(self.snapshot.clone(), filter, choice.plan, wanted))
    }
}

/// Adds up what several walks looked at.
impl std::ops::AddAssign for Examined {
    fn add_assign(&mut self, more: Examined) {
        self.keys += more.keys;
        self.documents += more.documents;
    }
}
