//! Walking through a collection piece by piece, all of it as of one moment. It holds a snapshot
//! and a place, and nothing of what was handed out.

use std::ops::ControlFlow;

use bytes::Bytes;
use query::Filter;
use store::Snapshot;

use crate::catalogue::Collection;
use crate::{Engine, Error, scan};

/// A place in a collection, as of the moment it was opened.
#[derive(Debug)]
pub struct Cursor {
    snapshot: Snapshot,
    collection: Collection,
    filter: Filter,
    last: Option<Bytes>,
    is_end: bool,
}

impl Engine {
    /// Opens a walk through the documents that match, in the order of `_id`.
    ///
    /// # Errors
    ///
    /// [`Error::CollectionMissing`], or what the store reports.
    pub async fn cursor(&self, collection: &str, filter: Filter) -> Result<Cursor, Error> {
        let (snapshot, collection) = self.inner.snapshot_of(collection).await?;
        Ok(Cursor { snapshot, collection, filter, last: None, is_end: false })
    }
}

impl Cursor {
    /// The next documents (BSON), at most `limit`, and not many more than `bytes`; empty at the
    /// end.
    ///
    /// # Errors
    ///
    /// What the store or the query reports.
    pub async fn next(&mut self, limit: usize, bytes: usize) -> Result<Vec<Bytes>, Error> {
        let mut found: Vec<Bytes> = Vec::new();
        if self.is_end || limit == 0 {
            return Ok(found);
        }
        let mut size = 0;
        let (mut last, mut is_end) = (None, true);
        let after = self.last.clone();
        scan::matching_after(
            &self.snapshot,
            self.collection,
            &self.filter,
            after,
            |key, document| {
                last = Some(key.clone());
                size += document.len();
                found.push(document.clone());
                is_end = found.len() < limit && size < bytes;
                Ok(if is_end { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
            },
        )
        .await?;
        self.last = last;
        self.is_end = is_end;
        Ok(found)
    }
}
