//! Pipelines inside a transaction: read page by page through its view, noted as what they read.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use bytes::Bytes;
use query::Pipeline;

use super::view::{self, View};
use super::{Transaction, explain};
use crate::aggregate::{self, Aggregation, Reader};
use crate::catalogue::Collection;
use crate::{Error, Find, Inner, scan};

/// Documents per page.
const PAGE_DOCUMENTS: usize = 256;

/// Bytes per page, about.
const PAGE_BYTES: usize = 4 << 20;

impl Transaction {
    /// As [`crate::Engine::aggregate`], own writes included.
    ///
    /// # Errors
    ///
    /// As [`crate::Engine::aggregate`] and [`Transaction::find`].
    pub async fn aggregate(
        &self,
        collection: &str,
        pipeline: &Pipeline,
        aggregation: &Aggregation,
    ) -> Result<Vec<Bytes>, Error> {
        let mut view = self.view().await?;
        self.inner.collection(collection).await?;
        let mut reader = ViewReader { inner: &self.inner, view: &mut view };
        aggregate::drive(&mut reader, collection, pipeline, aggregation).await.map_err(explain)
    }
}

struct ViewReader<'t> {
    inner: &'t Inner,
    view: &'t mut View,
}

/// Where a read goes on.
struct Place {
    collection: Collection,
    find: Find,
    last: Option<Bytes>,
}

impl Reader for ViewReader<'_> {
    type Place = Place;

    async fn open(&mut self, find: Find) -> Result<Option<Place>, Error> {
        let Some(collection) = self.inner.catalogue.get(&find.collection) else { return Ok(None) };
        self.view.reads.note(collection, &find.filter)?;
        Ok(Some(Place { collection, find, last: None }))
    }

    async fn next(&mut self, place: &mut Place) -> Result<(Vec<Bytes>, bool), Error> {
        let (collection, filter) = (place.collection, &place.find.filter);
        if place.find.limit.is_some() {
            return Ok((self.view.find(collection, &place.find).await?, true));
        }
        let (mut page, mut bytes, mut last) = (BTreeMap::new(), 0, None);
        let before = place.last.take();
        let after = before.clone();
        let View { snapshot, own, .. } = &*self.view;
        scan::matching_after(snapshot, collection, filter, after, |key, document| {
            if !own.contains_key(key) {
                bytes += document.len();
                page.insert(key.clone(), document.clone());
            }
            let is_full = page.len() >= PAGE_DOCUMENTS || bytes >= PAGE_BYTES;
            last = is_full.then(|| key.clone());
            Ok(if is_full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })
        .await?;
        for (key, own) in self.view.own_of(collection) {
            let is_here = before.as_ref().is_none_or(|before| key > before)
                && last.as_ref().is_none_or(|last| key <= last);
            if let Some(now) = &own.now
                && is_here
                && view::matches(filter, Some(now))?
            {
                page.insert(key.clone(), now.clone());
            }
        }
        let is_end = last.is_none();
        place.last = last;
        Ok((page.into_values().collect(), is_end))
    }
}
