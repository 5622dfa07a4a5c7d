//! Reading: find, count, get. Everything comes from one snapshot and stays raw bytes; a sort with
//! a limit keeps only the documents that can still be in the answer.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use bytes::Bytes;
use query::{Filter, Near, Sort, SortKey};
use store::Snapshot;
use value::{DocView, RawDoc, Value};

use crate::catalogue::Collection;
use crate::near;
use crate::plan::{self, Examined, Plan, Question, Walk};
use crate::reading::Reading;
use crate::{Error, Find, id, layout};

/// Bytes that documents waiting to be sorted may take; MongoDB's limit.
const SORT_BYTES_MAX: usize = 100 * 1024 * 1024;

/// The documents that match, sorted, cut and projected.
pub(crate) async fn find(reading: &Reading, find: &Find) -> Result<Vec<Bytes>, Error> {
    let question = question(reading, find);
    if question.wanted == Some(0) {
        return Ok(Vec::new());
    }
    if let Some(nearest) = near::nearest(reading, find).await? {
        return project(find, nearest.documents);
    }
    let plan = plan::choose(&reading.snapshot, &question).await?.plan;
    Ok(run(&reading.snapshot, plan, find).await?.0)
}

/// What a find asks of the planner.
pub(crate) fn question<'a>(reading: &'a Reading, find: &'a Find) -> Question<'a> {
    // Nearest first: the limit says nothing about how many must be looked at.
    let is_near = find.sort.is_empty() && find.filter.near().is_some();
    let wanted = find
        .limit
        .filter(|_| !is_near)
        .map(|limit| usize::try_from(limit.saturating_add(find.skip)).unwrap_or(usize::MAX));
    let wanted = if find.limit == Some(0) { Some(0) } else { wanted };
    reading.question(&find.filter, &find.sort, wanted)
}

/// Carries a plan out; also says what was looked at.
pub(crate) async fn run(
    snapshot: &Snapshot,
    plan: Plan,
    find: &Find,
) -> Result<(Vec<Bytes>, Examined), Error> {
    let skip = usize::try_from(find.skip).unwrap_or(usize::MAX);
    let limit = find.limit.map_or(usize::MAX, |limit| limit.try_into().unwrap_or(usize::MAX));
    let wanted = skip.saturating_add(limit);
    let order = match Order::of(find) {
        Order::Sort(_) if !plan::needs_sorting(&plan, &find.sort) => None,
        Order::Id => None,
        order => Some(order),
    };
    let is_sorting = order.is_some();
    let hint = (!is_sorting && wanted != usize::MAX).then_some(wanted);
    let mut walk = Walk::new(snapshot.clone(), &find.filter, plan, hint);
    let found = match order {
        None => first_of(&mut walk, skip, wanted).await?,
        Some(order) => {
            let mut best = best_of(&mut walk, &order, wanted).await?;
            best.drain(..skip.min(best.len()));
            best
        }
    };
    Ok((project(find, found)?, walk.examined))
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

/// The matches from `skip` to `wanted`, in the order of the walk.
async fn first_of(
    walk: &mut Walk<&Filter>,
    skip: usize,
    wanted: usize,
) -> Result<Vec<Bytes>, Error> {
    let mut found = Vec::new();
    let mut seen = 0;
    while seen < wanted
        && let Some(batch) = walk.next().await?
    {
        for (_, document) in batch.into_iter().take(wanted - seen) {
            seen += 1;
            if seen > skip {
                found.push(document);
            }
        }
    }
    Ok(found)
}

/// The first `wanted` matches in an order; equal ones in the order of the walk.
async fn best_of(
    walk: &mut Walk<&Filter>,
    order: &Order<'_>,
    wanted: usize,
) -> Result<Vec<Bytes>, Error> {
    // The greatest on top: it is the one that leaves.
    let mut heap: BinaryHeap<Ranked> = BinaryHeap::new();
    let (mut arrival, mut bytes) = (0, 0);
    while let Some(batch) = walk.next().await? {
        for (_, document) in batch {
            let key = order.key(&RawDoc::new(&document)?)?;
            arrival += 1;
            if heap.len() < wanted {
                bytes += document.len();
                heap.push(Ranked { key, arrival, document });
            } else if let Some(mut worst) = heap.peek_mut()
                && key < worst.key
            {
                bytes = bytes - worst.document.len() + document.len();
                *worst = Ranked { key, arrival, document };
            }
            if bytes > SORT_BYTES_MAX {
                return Err(Error::SortTooLarge);
            }
        }
    }
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

/// How many documents match: from index keys alone where they tell, else from the documents.
pub(crate) async fn count(reading: &Reading, filter: &Filter) -> Result<u64, Error> {
    if filter.is_all() {
        return stored_count(&reading.snapshot, reading.collection).await;
    }
    let unsorted = Sort::default();
    let question = reading.question(filter, &unsorted, None);
    let plan = plan::choose(&reading.snapshot, &question).await?.plan;
    if let Some(ranges) = plan.countable() {
        return Ok(plan::count_keys(&reading.snapshot, ranges, usize::MAX).await? as u64);
    }
    let mut walk = Walk::new(reading.snapshot.clone(), filter, plan, None);
    let mut count = 0;
    while let Some(batch) = walk.next().await? {
        count += batch.len() as u64;
    }
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
