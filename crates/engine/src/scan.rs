//! Walking a span of the store page by page, and the keys of documents whose `_id`s are known. It
//! never writes; which spans answer a query is `plan`'s business.

use std::ops::{Bound, ControlFlow};

use bytes::Bytes;
use query::Filter;
use store::{Page, Snapshot};
use value::{DocView, RawDoc, Value};

use crate::catalogue::Collection;
use crate::layout::Span;
use crate::{Error, id};

/// Documents per page.
const PAGE_DOCUMENTS: usize = 256;

/// Calls `visit` with key and bytes of every document that matches, in the order of `_id`, from
/// the key `after` on, until it breaks. No index but that of `_id` helps.
pub(crate) async fn matching_after(
    snapshot: &Snapshot,
    collection: Collection,
    filter: &Filter,
    after: Option<Bytes>,
    mut visit: impl FnMut(&Bytes, &Bytes) -> Result<ControlFlow<()>, Error>,
) -> Result<(), Error> {
    let mut judge = |key: &Bytes, document: &Bytes| {
        if filter.check(&DocView::Raw(RawDoc::new(document)?))? {
            visit(key, document)
        } else {
            Ok(ControlFlow::Continue(()))
        }
    };
    if let Some(ids) = filter.id_points() {
        let mut keys = pinned_keys(collection, &ids);
        keys.retain(|key| after.as_ref().is_none_or(|after| key > after));
        for keys in keys.chunks(PAGE_DOCUMENTS) {
            let wanted: Vec<&[u8]> = keys.iter().map(|key| &key[..]).collect();
            let found = snapshot.get_many(&wanted).await?;
            for (key, document) in keys.iter().zip(found) {
                if let Some(document) = document
                    && judge(key, &document)?.is_break()
                {
                    return Ok(());
                }
            }
            tokio::task::yield_now().await;
        }
        return Ok(());
    }
    let mut pages = Pages::new(Span::documents(collection.number), PAGE_DOCUMENTS);
    pages.last = after;
    while let Some(page) = pages.next(snapshot).await? {
        for (key, document) in &page {
            if judge(key, document)?.is_break() {
                return Ok(());
            }
        }
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Keys of the documents with these `_id`s, sorted, each once. What cannot be an `_id` has no
/// document and so no key.
pub(crate) fn pinned_keys(collection: Collection, ids: &[Value]) -> Vec<Bytes> {
    let mut keys: Vec<Bytes> =
        ids.iter().filter_map(|id| id::document_key(collection, id).ok()).collect();
    keys.sort();
    keys.dedup();
    keys
}

/// Walks a span page by page. Every page may come from another snapshot.
#[derive(Clone, Debug)]
pub(crate) struct Pages {
    span: Span,
    last: Option<Bytes>,
    limit: usize,
    done: bool,
}

impl Pages {
    pub(crate) fn new(span: Span, limit: usize) -> Pages {
        Pages { span, last: None, limit, done: false }
    }

    /// As [`Pages::new`], beginning after a key.
    pub(crate) fn after(span: Span, last: Option<Bytes>, limit: usize) -> Pages {
        Pages { last, ..Pages::new(span, limit) }
    }

    /// Whether the last page was the last one.
    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// The next page; `None` after the last one.
    pub(crate) async fn next(&mut self, snapshot: &Snapshot) -> Result<Option<Page>, Error> {
        if self.done {
            return Ok(None);
        }
        let from = match &self.last {
            None => Bound::Included(&self.span.from[..]),
            Some(last) => Bound::Excluded(&last[..]),
        };
        let to = Bound::Excluded(&self.span.to[..]);
        let page = snapshot.range(from, to, false, self.limit).await?;
        // A page shorter than asked is the last one, unless it was cut because of its bytes.
        let bytes: usize = page.iter().map(|(key, value)| key.len() + value.len()).sum();
        self.done = page.len() < self.limit && bytes < store::PAGE_BYTES_MAX;
        let Some((key, _)) = page.last() else { return Ok(None) };
        self.last = Some(key.clone());
        Ok(Some(page))
    }
}
