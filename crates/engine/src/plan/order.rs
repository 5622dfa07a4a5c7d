//! Whether reading an index gives the order a query asks for. Nothing is read here.

use query::Sort;
use query::bounds::Interval;

use super::{Order, Ranges};
use crate::index::IndexKind;

/// Most ranges read side by side: each of them costs a page of its own.
const MERGED_MAX: usize = 32;

/// How to read the ranges so that the documents come in the order of `sort`; `None` when no way
/// of reading them gives it.
pub(crate) fn order(ranges: &Ranges, sort: &Sort) -> Option<Order> {
    let index = &ranges.index;
    if index.flags.is_cut {
        return None;
    }
    let mut asked = sort.fields().peekable();
    let mut is_reverse = None;
    let mut is_merged = false;
    for (at, field) in index.fields.iter().enumerate() {
        while asked.next_if(|(path, _)| is_constant(ranges, path)).is_some() {}
        let Some((path, is_descending)) = asked.peek().copied() else { break };
        let points = ranges.bounds[..ranges.pinned_fields].get(at);
        if path == field.path && !index.is_multikey(at) && field.kind != IndexKind::Geo {
            // Side by side the ranges are compared behind what they pin.
            if is_merged && points.is_some() {
                return None;
            }
            let reverse = is_descending != field.is_descending();
            if *is_reverse.get_or_insert(reverse) != reverse {
                return None;
            }
            asked.next();
        } else if points.is_some_and(|points| points.len() == 1) {
            // The same in all keys: what follows decides.
        } else if points.is_some() && is_reverse.is_none() {
            is_merged = true;
        } else {
            return None;
        }
    }
    while asked.next_if(|(path, _)| is_constant(ranges, path)).is_some() {}
    let is_given = asked.peek().is_none() && !(is_merged && ranges.ranges.len() > MERGED_MAX);
    is_given.then_some(Order { is_reverse: is_reverse.unwrap_or(false), is_merged, is_asked: true })
}

/// Whether all documents found have the same value there.
fn is_constant(ranges: &Ranges, path: &str) -> bool {
    ranges.index.fields.iter().zip(&ranges.bounds).enumerate().any(|(at, (field, points))| {
        field.path == path
            && points.len() == 1
            && all_points(points)
            && !ranges.index.is_multikey(at)
    })
}

fn all_points(intervals: &[Interval]) -> bool {
    intervals.iter().all(Interval::is_point)
}
