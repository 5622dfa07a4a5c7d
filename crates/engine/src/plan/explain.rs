//! What a query did, in words for whoever wonders why it is slow: it is run, and counted.

use std::sync::Arc;

use query::Sort;
use query::bounds::{Bounds, Interval};

use super::choose::{self, Choice, Question};
use super::{Access, Examined, Ranges, needs_sorting};
use crate::index::{Index, IndexKind};
use crate::reading::Reading;
use crate::{Clock, Error, Find, find, near};

/// How a find was carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The indexes used, `_id_` for the documents themselves; empty when the filter contradicts
    /// itself and nothing was read.
    pub used: Vec<IndexUse>,
    /// Index keys looked at.
    pub keys_examined: u64,
    /// Documents looked at.
    pub documents_examined: u64,
    /// Documents returned.
    pub returned: u64,
    /// Whether the documents were sorted in memory because no index gave the order.
    pub sorted_in_memory: bool,
    /// Candidates that were not chosen.
    pub rejected: Vec<Rejected>,
    /// Keys of an index that would help; `None` when the one used serves well.
    pub suggestion: Option<Vec<(String, IndexKind)>>,
    /// Time it took, in milliseconds of the engine's clock.
    pub milliseconds: i64,
}

/// An index as a query uses it.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexUse {
    /// Name of the index.
    pub index: String,
    /// The intervals its leading fields are read in; none means all of it.
    pub bounds: Vec<Bound>,
    /// Whether it is read from its end.
    pub is_reverse: bool,
}

/// Intervals of one field.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// Dotted path.
    pub path: String,
    /// As in `[1, 5)`.
    pub intervals: Vec<String>,
}

/// A candidate that was not chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejected {
    /// Name of the index.
    pub index: String,
    /// Keys counted before another was preferred; `None` when that was clear without counting.
    pub keys_counted: Option<u64>,
}

/// Runs a find and says how.
pub(crate) async fn explain(
    reading: &Reading,
    question: &Question<'_>,
    find: &Find,
    clock: &Clock,
) -> Result<Explanation, Error> {
    let begun = clock.now_ms();
    if let Some(nearest) = near::nearest(reading, find).await? {
        let index = nearest.index.spec.name.clone();
        return Ok(Explanation {
            used: vec![IndexUse { index, bounds: Vec::new(), is_reverse: false }],
            keys_examined: nearest.examined.keys,
            documents_examined: nearest.examined.documents,
            returned: nearest.documents.len() as u64,
            sorted_in_memory: false,
            rejected: Vec::new(),
            suggestion: None,
            milliseconds: clock.now_ms() - begun,
        });
    }
    let snapshot = &reading.snapshot;
    let Choice { plan, rejected } = choose::choose(snapshot, question).await?;
    let sorted_in_memory = needs_sorting(&plan, question.sort);
    let used = uses(&plan.access);
    let (found, examined) = find::run(snapshot, plan, find).await?;
    let Examined { keys, documents } = examined;
    let returned = found.len() as u64;
    let wasted = documents > 2 * (returned + find.skip) + 10;
    let suggestion = (sorted_in_memory || wasted)
        .then(|| suggestion(&question.filter.bounds(), question.sort, question.indexes))
        .flatten();
    let rejected = rejected.into_iter().map(|(ranges, keys)| Rejected {
        index: ranges.index.spec.name.clone(),
        keys_counted: keys.map(|keys| keys as u64),
    });
    Ok(Explanation {
        used,
        keys_examined: keys,
        documents_examined: documents,
        returned,
        sorted_in_memory,
        rejected: rejected.collect(),
        suggestion,
        milliseconds: clock.now_ms() - begun,
    })
}

fn uses(access: &Access) -> Vec<IndexUse> {
    match access {
        Access::Nothing => Vec::new(),
        Access::Union(branches) => branches.iter().flat_map(uses).collect(),
        Access::Points(keys) => {
            let intervals = vec![format!("{} ids", keys.len())];
            let bounds = vec![Bound { path: "_id".to_owned(), intervals }];
            let index = crate::index::PRIMARY_NAME.to_owned();
            vec![IndexUse { index, bounds, is_reverse: false }]
        }
        Access::Ranges(ranges) => vec![use_of(ranges)],
    }
}

fn use_of(ranges: &Ranges) -> IndexUse {
    let bounds = ranges.index.fields.iter().zip(&ranges.bounds);
    let bounds = bounds.map(|(field, intervals)| Bound {
        path: field.path.clone(),
        intervals: choose::printed(intervals),
    });
    IndexUse {
        index: ranges.index.spec.name.clone(),
        bounds: bounds.collect(),
        is_reverse: ranges.order.is_reverse,
    }
}

/// Fields pinned by equality, then the order, then what is narrowed otherwise: the index such a
/// query reads least of. `None` when nothing is known, or it exists.
pub(crate) fn suggestion(
    bounds: &Bounds,
    sort: &Sort,
    indexes: &[Arc<Index>],
) -> Option<Vec<(String, IndexKind)>> {
    let is_pinned = |intervals: &[Interval]| intervals.iter().all(Interval::is_point);
    let (pinned, narrowed): (Vec<_>, Vec<_>) =
        bounds.clauses.iter().partition(|clause| is_pinned(&clause.intervals));
    let ascending = |path: &str| (path.to_owned(), IndexKind::Ascending);
    let sorted = sort.fields().map(|(path, is_descending)| match is_descending {
        true => (path.to_owned(), IndexKind::Descending),
        false => (path.to_owned(), IndexKind::Ascending),
    });
    let mut keys: Vec<(String, IndexKind)> = Vec::new();
    let all = pinned.iter().map(|clause| ascending(&clause.path));
    let ranged = narrowed.iter().map(|clause| match clause.is_geo {
        true => (clause.path.clone(), IndexKind::Geo),
        false => ascending(&clause.path),
    });
    let all = all.chain(sorted).chain(ranged);
    for (path, kind) in all {
        if path != "_id" && keys.iter().all(|(known, _)| *known != path) {
            keys.push((path, kind));
        }
    }
    let exists = indexes.iter().any(|index| index.spec.keys.starts_with(&keys));
    (!keys.is_empty() && !exists).then_some(keys)
}
