//! The documents as one transaction sees them: its snapshot with its own writes on top. It notes
//! what is read and decides nothing.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;
use query::{Filter, Projection};
use store::Snapshot;
use value::{DocView, RawDoc, Value};

use super::reads::Reads;
use crate::catalogue::{Catalogue, Collection};
use crate::changes::ChangeKind;
use crate::find::{self, Order};
use crate::intent::Target;
use crate::layout::Span;
use crate::reading::Reading;
use crate::{Error, Find, chunk, committer, id};

/// One document that the transaction has written.
#[derive(Debug)]
pub(crate) struct Own {
    pub(crate) target: Target,
    /// As the snapshot has it.
    pub(crate) was: Option<Bytes>,
    pub(crate) now: Option<Bytes>,
    /// How it was written last.
    pub(crate) kind: ChangeKind,
}

#[derive(Debug)]
pub(crate) struct View {
    pub(crate) snapshot: Snapshot,
    catalogue: Catalogue,
    pub(crate) reads: Reads,
    /// Document key → what the transaction made of it.
    pub(crate) own: BTreeMap<Bytes, Own>,
}

/// Key and bytes of a document.
pub(crate) type Found = (Bytes, Bytes);

impl View {
    pub(crate) fn new(snapshot: Snapshot, catalogue: Catalogue) -> View {
        View { snapshot, catalogue, reads: Reads::default(), own: BTreeMap::new() }
    }

    pub(crate) async fn find(
        &mut self,
        collection: Collection,
        find: &Find,
    ) -> Result<Vec<Bytes>, Error> {
        self.reads.note(collection, &find.filter)?;
        if self.own_of(collection).next().is_none() {
            return find::find(&self.reading(collection), find).await;
        }
        let skip = usize::try_from(find.skip).unwrap_or(usize::MAX);
        let wanted = find.limit.map(|limit| find.skip.saturating_add(limit));
        let found = self.merged(collection, find, wanted).await?;
        let found = found.into_iter().skip(skip).map(|(_, document)| document).collect();
        find::project(find, found)
    }

    /// Keys and bytes of the documents that match, in the order of `_id` unless the filter asks
    /// for another.
    pub(crate) async fn matching(
        &mut self,
        collection: Collection,
        filter: &Filter,
        limit: Option<u64>,
    ) -> Result<Vec<Found>, Error> {
        self.reads.note(collection, filter)?;
        let find = Find {
            collection: String::new(),
            filter: filter.clone(),
            sort: query::Sort::default(),
            projection: Projection::none(),
            skip: 0,
            limit,
        };
        self.merged(collection, &find, limit).await
    }

    pub(crate) async fn count(
        &mut self,
        collection: Collection,
        filter: &Filter,
    ) -> Result<u64, Error> {
        self.reads.note(collection, filter)?;
        let mut count = find::count(&self.reading(collection), filter).await?;
        for (_, Own { was, now, .. }) in self.own_of(collection) {
            count += u64::from(matches(filter, now.as_ref())?);
            count = count.saturating_sub(u64::from(matches(filter, was.as_ref())?));
        }
        Ok(count)
    }

    pub(crate) async fn get_many(
        &mut self,
        collection: Collection,
        ids: &[Value],
    ) -> Result<Vec<Option<Bytes>>, Error> {
        let keys: Vec<Option<Bytes>> =
            ids.iter().map(|id| id::document_key(collection, id).ok()).collect();
        self.reads.note_keys(collection, keys.iter().flatten().cloned())?;
        let mut found = find::get_many(&self.snapshot, collection, ids).await?;
        for (found, key) in found.iter_mut().zip(keys) {
            if let Some(own) = key.and_then(|key| self.own.get(&key)) {
                *found = own.now.clone();
            }
        }
        Ok(found)
    }

    /// The first `wanted` matches in the order asked for, cut nowhere and not projected.
    async fn merged(
        &self,
        collection: Collection,
        find: &Find,
        wanted: Option<u64>,
    ) -> Result<Vec<Found>, Error> {
        // Each own write may hide one document of the snapshot.
        let own = self.own_of(collection).count() as u64;
        let limit = wanted.map(|wanted| wanted.saturating_add(own));
        let wide = Find { skip: 0, limit, projection: Projection::none(), ..find.clone() };
        let order = Order::of(&wide);
        let mut ranked = Vec::new();
        for document in find::find(&self.reading(collection), &wide).await? {
            let key = key_of(collection, &document)?;
            if !self.own.contains_key(&key) {
                ranked.push((order.key(&RawDoc::new(&document)?)?, key, document));
            }
        }
        for (key, own) in self.own_of(collection) {
            if let Some(now) = &own.now
                && matches(&find.filter, Some(now))?
            {
                ranked.push((order.key(&RawDoc::new(now)?)?, key.clone(), now.clone()));
            }
        }
        ranked.sort_by(|one, other| one.0.cmp(&other.0).then_with(|| one.1.cmp(&other.1)));
        if let Some(wanted) = wanted {
            ranked.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
        }
        Ok(ranked.into_iter().map(|(_, key, document)| (key, document)).collect())
    }

    /// The collection in the snapshot. Indexes made since are not used, those dropped since
    /// neither.
    fn reading(&self, collection: Collection) -> Reading {
        let indexes = self.catalogue.indexes().of(collection.number);
        Reading::new(self.snapshot.clone(), collection, &indexes)
    }

    /// What the transaction wrote to the collection.
    pub(crate) fn own_of(&self, collection: Collection) -> impl Iterator<Item = (&Bytes, &Own)> {
        let Span { from, to } = Span::documents(collection.number);
        let (from, to) = (Bound::Included(&from[..]), Bound::Excluded(&to[..]));
        self.own.range::<[u8], _>((from, to))
    }
}

pub(crate) fn matches(filter: &Filter, document: Option<&Bytes>) -> Result<bool, Error> {
    let Some(document) = document else { return Ok(false) };
    Ok(filter.check(&DocView::Raw(RawDoc::new(document)?))?)
}

/// Key of a stored document.
fn key_of(collection: Collection, document: &[u8]) -> Result<Bytes, Error> {
    let id = chunk::id_of(document).ok_or_else(|| committer::damaged("a document has no _id"))?;
    id::document_key(collection, &id)
}
