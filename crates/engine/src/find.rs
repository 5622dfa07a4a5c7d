//! Reading: find, count, get. Everything comes from one snapshot and stays raw bytes; a sort with
//! a limit keeps only the documents that can still be in the answer.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::ops::ControlFlow;

use bytes::Bytes;
use query::{Filter, Near, Sort, SortKey};
use store::Snapshot;
use value::{DocView, RawDoc, Value};

use crate::catalogue::Collection;
use crate::{Error, Find, id, layout, scan};

/// The documents that match, sorted, cut and projected.
pub(crate) async fn find(
    snapshot: &Snapshot,
    collection: Collection,
    find: &Find,
) -> Result<Vec<Bytes>, Error> {
    let skip = usize::try_from(find.skip).unwrap_or(usize::MAX);
    let limit = find.limit.map_or(usize::MAX, |limit| limit.try_into().unwrap_or(usize::MAX));
    if limit == 0 {
        return Ok(Vec::new());
    }
    let wanted = skip.saturating_add(limit);
    let order = Order::of(find);
    let found = if matches!(order, Order::Id) {
        first_of(snapshot, collection, &find.filter, skip, wanted).await?
    } else {
        let mut best = best_of(snapshot, collection, &find.filter, &order, wanted).await?;
        best.drain(..skip.min(best.len()));
        best
    };
    project(find, found)
}

/// The fields asked for.
pub(crate) fn project(find: &Find, found: Vec<Bytes>) -> Result<Vec<Bytes>, Error> {
    if find.projection.is_empty() {
        return Ok(found);
    }
    found
        .into_iter()
        .map(|document| {
            let document = RawDoc::new(&document)?;
            let projected = find.projection.apply_matching(&document, &find.filter)?;
            Ok(Bytes::from(projected.to_bytes()))
        })
        .collect()
}

/// In which order documents are answered.
pub(crate) enum Order<'a> {
    Id,
    Sort(&'a Sort),
    /// Nearest first: what a near filter means unless a sort is given.
    Near(&'a Near),
}

impl<'a> Order<'a> {
    pub(crate) fn of(find: &'a Find) -> Order<'a> {
        match find.filter.near() {
            _ if !find.sort.is_empty() => Order::Sort(&find.sort),
            Some(near) => Order::Near(near),
            None => Order::Id,
        }
    }

    pub(crate) fn key(&self, document: &RawDoc<'_>) -> Result<SortKey, Error> {
        match self {
            Order::Id => Ok(Sort::default().key(document)),
            Order::Sort(sort) => Ok(sort.key(document)),
            Order::Near(near) => Ok(near.key(&DocView::Raw(*document))?),
        }
    }
}

/// The matches from `skip` to `wanted`, in the order of `_id`.
async fn first_of(
    snapshot: &Snapshot,
    collection: Collection,
    filter: &Filter,
    skip: usize,
    wanted: usize,
) -> Result<Vec<Bytes>, Error> {
    let mut found = Vec::new();
    let mut seen = 0;
    scan::matching(snapshot, collection, filter, |_, document| {
        seen += 1;
        if seen > skip {
            found.push(document.clone());
        }
        Ok(if seen == wanted { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })
    .await?;
    Ok(found)
}

/// The first `wanted` matches in an order; equal ones in the order of `_id`.
async fn best_of(
    snapshot: &Snapshot,
    collection: Collection,
    filter: &Filter,
    order: &Order<'_>,
    wanted: usize,
) -> Result<Vec<Bytes>, Error> {
    // The greatest on top: it is the one that leaves.
    let mut heap: BinaryHeap<Ranked> = BinaryHeap::new();
    let mut arrival = 0;
    scan::matching(snapshot, collection, filter, |_, document| {
        let key = order.key(&RawDoc::new(document)?)?;
        arrival += 1;
        if heap.len() < wanted {
            heap.push(Ranked { key, arrival, document: document.clone() });
        } else if let Some(mut worst) = heap.peek_mut()
            && key < worst.key
        {
            *worst = Ranked { key, arrival, document: document.clone() };
        }
        Ok(ControlFlow::Continue(()))
    })
    .await?;
    Ok(heap.into_sorted_vec().into_iter().map(|ranked| ranked.document).collect())
}

/// A document in the order of its sort key, then of its arrival.
struct Ranked {
    key: SortKey,
    arrival: u64,
    document: Bytes,
}

impl Ord for Ranked {
    fn cmp(&self, other: &Ranked) -> Ordering {
        self.key.cmp(&other.key).then(self.arrival.cmp(&other.arrival))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Ranked) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Ranked) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ranked {}

/// How many documents match.
pub(crate) async fn count(
    snapshot: &Snapshot,
    collection: Collection,
    filter: &Filter,
) -> Result<u64, Error> {
    if filter.is_all() {
        return stored_count(snapshot, collection).await;
    }
    let mut count = 0;
    scan::matching(snapshot, collection, filter, |_, _| {
        count += 1;
        Ok(ControlFlow::Continue(()))
    })
    .await?;
    Ok(count)
}

/// The count kept beside the documents.
pub(crate) async fn stored_count(
    snapshot: &Snapshot,
    collection: Collection,
) -> Result<u64, Error> {
    let found = snapshot.get_many(&[&layout::count_key(collection.number)]).await?;
    Ok(found.into_iter().next().flatten().and_then(|bytes| layout::parse_u64(&bytes)).unwrap_or(0))
}

/// The documents with these `_id`s, in their order.
pub(crate) async fn get_many(
    snapshot: &Snapshot,
    collection: Collection,
    ids: &[Value],
) -> Result<Vec<Option<Bytes>>, Error> {
    let keys: Vec<Option<Bytes>> =
        ids.iter().map(|id| id::document_key(collection, id).ok()).collect();
    let wanted: Vec<&[u8]> = keys.iter().flatten().map(|key| &key[..]).collect();
    let mut found = snapshot.get_many(&wanted).await?.into_iter();
    Ok(keys.iter().map(|key| key.as_ref().and_then(|_| found.next().flatten())).collect())
}
