//! Aggregation, as callers may run it: permissions of every collection that is read, then the
//! engine.

use std::collections::BTreeMap;

use bytes::Bytes;
use engine::Aggregation;
use query::{Filter, Pipeline};
use rules::Operation;
use value::Document;

use super::{
    LIMIT_DEFAULT, LIMIT_MAX, check_name, ground::Ground, judge, ownership::fill_openid,
    permission_denied,
};
use crate::caller::Context;
use crate::error::Result;

/// What to compute of a collection.
#[derive(Debug, Default)]
pub struct Aggregate {
    /// The collection's name.
    pub collection: String,
    /// The stages: `{"$match": …}` and so on.
    pub stages: Vec<Document>,
    /// How many results to answer when no stage says `$limit`; [`LIMIT_DEFAULT`] when absent.
    pub limit: Option<u64>,
    /// The transaction to read in.
    pub transaction: Option<String>,
}

/// Runs a pipeline and answers its results as BSON bytes: as many as a stage `$limit` says, at
/// most [`LIMIT_MAX`].
pub async fn aggregate(context: &Context, aggregate: Aggregate) -> Result<Vec<Bytes>> {
    let has_limit = aggregate.stages.iter().any(|stage| stage.contains_key("$limit"));
    let limit = match aggregate.limit {
        _ if has_limit => LIMIT_MAX,
        limit => limit.unwrap_or(LIMIT_DEFAULT).min(LIMIT_MAX),
    };
    run(context, aggregate, Some(limit)).await
}

/// Runs a pipeline and answers everything; only for privileged callers.
pub async fn aggregate_all(context: &Context, aggregate: Aggregate) -> Result<Vec<Bytes>> {
    super::check_privileged(context)?;
    run(context, aggregate, None).await
}

async fn run(context: &Context, aggregate: Aggregate, limit: Option<u64>) -> Result<Vec<Bytes>> {
    let Aggregate { collection, mut stages, transaction, .. } = aggregate;
    if let Some(owner) = context.caller.owner_id() {
        stages.iter_mut().for_each(|stage| fill_openid(stage, owner));
    }
    let pipeline = Pipeline::parse(&stages)?;
    let mut aggregation = Aggregation::new(context.now_ms);
    aggregation.limit = limit;
    aggregation.narrowed = narrowed(context, &collection, &pipeline)?;
    let ground = Ground::of(context, transaction.as_deref()).await?;
    ground.aggregate(&collection, &pipeline, &aggregation).await
}

/// What the caller may read of each collection that the pipeline reads.
fn narrowed(
    context: &Context,
    collection: &str,
    pipeline: &Pipeline,
) -> Result<BTreeMap<String, Filter>> {
    check_name(collection)?;
    let mut narrowed = BTreeMap::new();
    let mut others = pipeline.collections();
    // A collection that is looked up and does not exist is empty for everybody.
    others.retain(|name| context.environment.engine().has_collection(name));
    for name in std::iter::once(collection.to_owned()).chain(others) {
        check_name(&name)?;
        let decision = judge(context, &name, Operation::Read)?;
        let filter = decision.narrow(Filter::all(), &context.caller.identity());
        let filter = filter.ok_or_else(permission_denied)?;
        if !filter.is_all() {
            narrowed.insert(name, filter);
        }
    }
    Ok(narrowed)
}
