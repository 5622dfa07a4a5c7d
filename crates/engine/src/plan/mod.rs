//! Plans: how the documents of a query are found. A pure part turns (bounds of the filter, sort,
//! indexes) into candidates; `choose` compares them, looking at a bounded number of keys when
//! figures alone do not tell; `walk` carries the chosen one out. A plan may only leave out
//! documents that cannot match: everything it finds is checked against the filter again.

mod access;
mod choose;
mod explain;
mod order;
mod walk;

use std::sync::Arc;

use bytes::Bytes;
use query::Sort;
use query::bounds::Interval;

use crate::index::{Index, extract};

pub(crate) use access::ranges;
pub(crate) use choose::{Question, choose};
pub(crate) use explain::explain;
pub use explain::{Bound, Explanation, IndexUse, Rejected};
pub(crate) use walk::{Examined, Walk, count_keys};

/// How the documents are found.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) access: Access,
    /// The documents come in the order of the sort that was asked for.
    pub(crate) is_sorted: bool,
}

/// Where to look.
#[derive(Clone, Debug)]
pub(crate) enum Access {
    /// No document can match.
    Nothing,
    /// Documents with these keys, in this order.
    Points(Vec<Bytes>),
    /// Ranges of one index.
    Ranges(Ranges),
    /// All of these; a document found twice counts once.
    Union(Vec<Access>),
}

/// What a plan reads of one index.
#[derive(Clone, Debug)]
pub(crate) struct Ranges {
    pub(crate) index: Arc<Index>,
    /// Ascending, without overlaps.
    pub(crate) ranges: Vec<KeyRange>,
    /// Intervals of the leading fields, to be shown.
    pub(crate) bounds: Vec<Vec<Interval>>,
    /// How many leading fields are pinned to one value each.
    pub(crate) equalities: usize,
    /// How many leading fields every range pins to some value.
    pub(crate) pinned_fields: usize,
    /// Whether the filter is true exactly for what the keys lead to.
    pub(crate) is_exact: bool,
    pub(crate) order: Order,
}

/// Keys `from <= key < to` of an index, without what all its keys begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyRange {
    pub(crate) from: Vec<u8>,
    pub(crate) to: Vec<u8>,
    /// Leading bytes that are the same in all its keys: the pinned fields.
    pub(crate) pinned: usize,
}

/// In which order to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) is_reverse: bool,
    /// Read all ranges side by side, in the order of what follows their pinned fields.
    pub(crate) is_merged: bool,
    /// This gives the order that was asked for.
    pub(crate) is_asked: bool,
}

impl Plan {
    /// The ranges whose keys are as many as the documents that match.
    pub(crate) fn countable(&self) -> Option<&Ranges> {
        match &self.access {
            // The documents themselves come with their keys: counting those saves nothing.
            Access::Ranges(ranges) if ranges.is_exact && ranges.is_bounded() => Some(ranges),
            _ => None,
        }
    }
}

impl Ranges {
    /// Whether some field is narrowed.
    pub(crate) fn is_bounded(&self) -> bool {
        !self.bounds.is_empty()
    }

    /// Whether each range is one key of a unique index.
    pub(crate) fn is_lookup(&self) -> bool {
        let is_point = |intervals: &Vec<Interval>| intervals.iter().all(Interval::is_point);
        self.index.spec.unique
            && self.bounds.len() == self.index.fields.len()
            && self.bounds.iter().all(is_point)
            && self.pinned_fields == self.bounds.len()
            && self.ranges.iter().all(|range| range.from.len() < extract::KEY_BYTES_KEPT)
    }
}

/// Whether a sort says nothing or the plan gives it.
pub(crate) fn needs_sorting(plan: &Plan, sort: &Sort) -> bool {
    !sort.is_empty() && !plan.is_sorted
}
