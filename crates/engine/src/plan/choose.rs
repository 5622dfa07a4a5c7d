//! Which of the candidates a query uses. First by what is known without reading: a key of a
//! unique index, a candidate that narrows everything another narrows. Where several remain, a
//! bounded number of keys of each is counted; and where one gives the order and another narrows
//! more, the first documents of the former tell how often it would hit.

use std::collections::BTreeSet;
use std::sync::Arc;

use query::bounds::{Bounds, Interval};
use query::{Filter, Sort};
use store::Snapshot;
use value::{DocView, RawDoc};

use super::walk::{self, Scan};
use super::{Access, Plan, Ranges, access, order};
use crate::catalogue::Collection;
use crate::index::Index;
use crate::{Error, scan};

/// Keys counted of each candidate at first, and of the best one where it matters.
const PROBED_KEYS: usize = 100;
const PROBED_KEYS_DEEP: usize = 2_000;

/// Candidates that are counted.
const PROBED_MAX: usize = 6;

/// Documents looked at to see how often an ordered candidate hits.
const TRIED_DOCUMENTS: usize = 256;

/// What is asked of a collection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) collection: Collection,
    pub(crate) indexes: &'a [Arc<Index>],
    pub(crate) filter: &'a Filter,
    pub(crate) sort: &'a Sort,
    /// How many documents are wanted, skipped ones included.
    pub(crate) wanted: Option<usize>,
}

/// The plan, and what it was preferred to.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) plan: Plan,
    /// Another candidate, and how many of its keys were counted when they were.
    pub(crate) rejected: Vec<(Ranges, Option<usize>)>,
}

/// Chooses a plan.
///
/// # Errors
///
/// What the store reports while keys are counted.
pub(crate) async fn choose(snapshot: &Snapshot, question: &Question<'_>) -> Result<Choice, Error> {
    if let Some(ids) = question.filter.id_points() {
        let mut keys = scan::pinned_keys(question.collection, &ids);
        let by_id = question.sort.fields().next().filter(|(path, _)| *path == "_id");
        if by_id.is_some_and(|(_, is_descending)| is_descending) {
            keys.reverse();
        }
        let is_sorted = by_id.is_some();
        return Ok(alone(Access::Points(keys), is_sorted));
    }
    let bounds = question.filter.bounds();
    let Some(found) = candidates(question, &bounds) else {
        return Ok(alone(Access::Nothing, true));
    };
    let (bounded, ordered): (Vec<Ranges>, Vec<Ranges>) =
        found.into_iter().partition(Ranges::is_bounded);
    if bounded.is_empty() {
        if let Some(union) = union(question, &bounds) {
            return Ok(alone(union, false));
        }
        return Ok(in_order_or_all(question, ordered));
    }
    among(snapshot, question, bounded, ordered).await
}

fn alone(access: Access, is_sorted: bool) -> Choice {
    Choice { plan: Plan { access, is_sorted }, rejected: Vec::new() }
}

fn chosen(ranges: Ranges, rejected: Vec<(Ranges, Option<usize>)>) -> Choice {
    let is_sorted = ranges.order.is_asked;
    Choice { plan: Plan { access: Access::Ranges(ranges), is_sorted }, rejected }
}

/// Every way worth comparing; `None` when no document can match.
pub(crate) fn candidates(question: &Question<'_>, bounds: &Bounds) -> Option<Vec<Ranges>> {
    let primary = Index::primary(question.collection.number);
    let mut found: Vec<Ranges> = Vec::new();
    for index in std::iter::once(&primary).chain(question.indexes) {
        let mut ranges = access::ranges(index, bounds);
        if ranges.ranges.is_empty() {
            return None;
        }
        if !question.sort.is_empty() {
            ranges.order = order::order(&ranges, question.sort).unwrap_or_default();
        }
        if ranges.is_bounded() || ranges.order.is_asked {
            found.push(ranges);
        }
    }
    let is_worse = |at: usize, ranges: &Ranges| {
        found.iter().enumerate().any(|(other_at, other)| {
            other_at != at
                && dominates(other, ranges)
                && !(dominates(ranges, other) && at < other_at)
        })
    };
    let kept: Vec<bool> =
        found.iter().enumerate().map(|(at, ranges)| !is_worse(at, ranges)).collect();
    let mut kept = kept.into_iter();
    found.retain(|_| kept.next().unwrap_or(true));
    Some(found)
}

/// Whether nothing speaks for `other`.
fn dominates(ranges: &Ranges, other: &Ranges) -> bool {
    let narrowed = |ranges: &Ranges| -> BTreeSet<String> {
        let fields = ranges.index.fields.iter().take(ranges.bounds.len());
        fields.map(|field| field.path.clone()).collect()
    };
    let asked = ranges.order.is_asked >= other.order.is_asked;
    asked
        && ranges.is_lookup() >= other.is_lookup()
        && narrowed(ranges).is_superset(&narrowed(other))
}

/// Without any bounds: the order from an index when that saves sorting, else all documents.
fn in_order_or_all(question: &Question<'_>, ordered: Vec<Ranges>) -> Choice {
    let pays = |ranges: &Ranges| ranges.index.is_primary || question.wanted.is_some();
    let mut rest = ordered;
    if let Some(at) = rest.iter().position(pays) {
        let best = rest.remove(at);
        return chosen(best, rest.into_iter().map(|ranges| (ranges, None)).collect());
    }
    let all = access::ranges(&Index::primary(question.collection.number), &Bounds::default());
    chosen(all, rest.into_iter().map(|ranges| (ranges, None)).collect())
}

async fn among(
    snapshot: &Snapshot,
    question: &Question<'_>,
    mut bounded: Vec<Ranges>,
    ordered: Vec<Ranges>,
) -> Result<Choice, Error> {
    bounded.sort_by_key(|ranges| std::cmp::Reverse(strength(ranges)));
    let is_clear = bounded[0].is_lookup()
        || (bounded.len() == 1 && (ordered.is_empty() || question.wanted.is_none()));
    let unprobed = |ranges: Vec<Ranges>| ranges.into_iter().map(|ranges| (ranges, None));
    if is_clear {
        let best = bounded.remove(0);
        return Ok(chosen(best, unprobed(bounded).chain(unprobed(ordered)).collect()));
    }
    let mut probed = Vec::with_capacity(bounded.len());
    for (at, ranges) in bounded.into_iter().enumerate() {
        let keys = match at {
            0..PROBED_MAX => walk::count_keys(snapshot, &ranges, PROBED_KEYS).await?,
            _ => PROBED_KEYS,
        };
        probed.push((ranges, Some(keys)));
    }
    // Stable: of those with as many keys, the strongest.
    probed.sort_by_key(|(_, keys)| *keys);
    let best = probed.remove(0);
    let mut rest = probed;
    rest.extend(unprobed(ordered));
    let needs_sorting = !question.sort.is_empty() && !best.0.order.is_asked;
    let rival = rest.iter().position(|(ranges, _)| ranges.order.is_asked);
    if let (true, Some(rival), Some(wanted), Some(PROBED_KEYS)) =
        (needs_sorting, rival, question.wanted, best.1)
    {
        let keys = walk::count_keys(snapshot, &best.0, PROBED_KEYS_DEEP).await?;
        if hits_within(snapshot, question, &rest[rival].0, wanted, keys).await? {
            let winner = rest.remove(rival);
            rest.insert(0, (best.0, Some(keys)));
            return Ok(chosen(winner.0, rest));
        }
    }
    Ok(chosen(best.0, rest))
}

/// More is better: what is pinned, then what is narrowed, then the order.
fn strength(ranges: &Ranges) -> (bool, usize, usize, bool, bool) {
    let has_short_index = ranges.index.fields.len() == ranges.bounds.len();
    let Ranges { equalities, bounds, order, .. } = ranges;
    (ranges.is_lookup(), *equalities, bounds.len(), order.is_asked, has_short_index)
}

/// Whether an ordered candidate is likely to find what is wanted within so many documents.
async fn hits_within(
    snapshot: &Snapshot,
    question: &Question<'_>,
    ranges: &Ranges,
    wanted: usize,
    documents: usize,
) -> Result<bool, Error> {
    let mut scan = Scan::new(ranges);
    let found = scan.page(snapshot, TRIED_DOCUMENTS).await?;
    let tried = found.len();
    let found = walk::fetch(snapshot, found).await?;
    let mut hits = 0;
    for (_, document) in &found {
        hits += usize::from(question.filter.check(&DocView::Raw(RawDoc::new(document)?))?);
    }
    let expected = wanted.saturating_mul(tried).checked_div(hits);
    Ok(tried < TRIED_DOCUMENTS || expected.is_some_and(|expected| expected <= documents))
}

/// An `$or` as the union of its branches, when each of them has an index.
fn union(question: &Question<'_>, bounds: &Bounds) -> Option<Access> {
    let branches = bounds.unions.iter().find_map(|branches| {
        branches.iter().map(|branch| branch_access(question, branch)).collect::<Option<Vec<_>>>()
    })?;
    Some(Access::Union(branches))
}

fn branch_access(question: &Question<'_>, bounds: &Bounds) -> Option<Access> {
    let unsorted = Sort::default();
    let question = Question { sort: &unsorted, ..*question };
    let Some(found) = candidates(&question, bounds) else { return Some(Access::Nothing) };
    let best = found.into_iter().filter(Ranges::is_bounded).max_by_key(strength);
    match best {
        Some(best) => Some(Access::Ranges(best)),
        None => union(&question, bounds),
    }
}

/// Intervals as explain prints them.
pub(crate) fn printed(intervals: &[Interval]) -> Vec<String> {
    intervals.iter().map(ToString::to_string).collect()
}
