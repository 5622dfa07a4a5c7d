//! What of a pipeline's first stages a read of the collection can do itself, so that indexes serve
//! it: filters, and a sort that has a limit.

use super::Placed;
use super::run::Request;
use super::stage::Stage;
use crate::{Filter, Sort};

/// The variables around a pipeline when it starts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound<'b> {
    pub(crate) names: &'b [String],
    pub(crate) variables: &'b [Option<value::Value>],
    pub(crate) now_ms: i64,
}

impl Bound<'_> {
    /// A filter with its variables in their places.
    pub(crate) fn filter(&self, filter: &Filter) -> Filter {
        filter.clone().bind(self.names, self.variables, self.now_ms)
    }
}

/// The read for these stages, and the stages left to do.
pub(crate) fn request<'s>(
    stages: &'s [Placed],
    collection: Option<&str>,
    bound: &Bound<'_>,
) -> (Request, &'s [Placed]) {
    let mut filter = Filter::all();
    let mut rest = stages;
    if let Some(Placed { stage: Stage::GeoNear(geo_near), .. }) = stages.first() {
        filter = geo_near.filter().clone();
    }
    while let Some((Placed { stage: Stage::Match(next), .. }, after)) = rest.split_first() {
        filter = filter.and(bound.filter(next));
        rest = after;
    }
    let mut request = Request {
        collection: collection.map(str::to_owned),
        filter,
        sort: Sort::none(),
        skip: 0,
        limit: None,
    };
    let (sort, after) = match rest.split_first() {
        Some((Placed { stage: Stage::Sort { sort, .. }, .. }, after)) => (Some(sort), after),
        _ => (None, rest),
    };
    let (skip, after) = match after.split_first() {
        Some((Placed { stage: Stage::Skip(skip), .. }, after)) => (*skip, after),
        _ => (0, after),
    };
    if let Some((Placed { stage: Stage::Limit(limit), .. }, after)) = after.split_first() {
        if let Some(sort) = sort {
            request.sort = sort.clone();
        }
        request.skip = skip;
        request.limit = Some(*limit);
        rest = after;
    }
    (request, rest)
}
