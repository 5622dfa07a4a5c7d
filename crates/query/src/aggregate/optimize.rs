//! Moves filters towards the source where that changes nothing, and tells a sort how many of its
//! documents are wanted.

use super::sorting::roots;
use super::stage::{Placed, Stage};

/// The same pipeline, better ordered.
pub(crate) fn optimize(mut stages: Vec<Placed>) -> Vec<Placed> {
    for at in 1..stages.len() {
        let mut place = at;
        while place > 0 && may_swap(&stages[place - 1].stage, &stages[place].stage) {
            stages.swap(place - 1, place);
            place -= 1;
        }
    }
    limit_sorts(&mut stages);
    stages
}

/// Whether the second stage is a filter that may come before the first.
fn may_swap(first: &Stage, second: &Stage) -> bool {
    let Stage::Match(filter) = second else { return false };
    match first {
        Stage::Sort { .. } => true,
        Stage::Shape(shape) => {
            roots(filter).is_some_and(|roots| roots.iter().all(|root| shape.leaves(root)))
        }
        Stage::Lookup(lookup) => {
            roots(filter).is_some_and(|roots| roots.iter().all(|root| lookup.leaves(root)))
        }
        _ => false,
    }
}

/// A sort before a limit keeps no more than the limit and what is skipped before it.
fn limit_sorts(stages: &mut [Placed]) {
    for at in 0..stages.len() {
        let mut wanted: u64 = 0;
        for next in at + 1..stages.len() {
            match &stages[next].stage {
                Stage::Skip(skip) => wanted = wanted.saturating_add(*skip),
                Stage::Limit(limit) => {
                    wanted = wanted.saturating_add(*limit);
                    if let Stage::Sort { limit, .. } = &mut stages[at].stage {
                        *limit = Some(wanted);
                    }
                    break;
                }
                _ => break,
            }
        }
    }
}
