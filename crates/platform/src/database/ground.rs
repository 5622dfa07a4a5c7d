//! Where an operation on documents takes place: on the newest commit, or inside a transaction.

use bytes::Bytes;
use engine::{Aggregation, Engine, Find, Modified, Modify, Remove};
use query::{Filter, Pipeline};
use value::{Document, Value};

use crate::caller::Context;
use crate::error::Result;
use crate::transactions::{self, Open};

/// See the module.
pub(super) struct Ground<'a> {
    context: &'a Context,
    engine: &'a Engine,
    transaction: Option<(&'a str, Open)>,
}

impl<'a> Ground<'a> {
    /// The transaction of this id, or the newest commit without one.
    pub(super) async fn of(context: &'a Context, transaction: Option<&'a str>) -> Result<Self> {
        let transaction = match transaction {
            None => None,
            Some(id) => Some((id, transactions::enter(context, id).await?)),
        };
        Ok(Self { context, engine: context.environment.engine(), transaction })
    }

    pub(super) async fn find(self, find: Find) -> Result<Vec<Bytes>> {
        match &self.transaction {
            None => Ok(self.engine.find(find).await?),
            Some((id, open)) => transactions::settled(self.context, id, open.find(find).await),
        }
    }

    pub(super) async fn count(self, collection: &str, filter: &Filter) -> Result<u64> {
        match &self.transaction {
            None => Ok(self.engine.count(collection, filter).await?),
            Some((id, open)) => {
                transactions::settled(self.context, id, open.count(collection, filter).await)
            }
        }
    }

    pub(super) async fn aggregate(
        self,
        collection: &str,
        pipeline: &Pipeline,
        aggregation: &Aggregation,
    ) -> Result<Vec<Bytes>> {
        match &self.transaction {
            None => Ok(self.engine.aggregate(collection, pipeline, aggregation).await?),
            Some((id, open)) => {
                let outcome = open.aggregate(collection, pipeline, aggregation).await;
                transactions::settled(self.context, id, outcome)
            }
        }
    }

    pub(super) async fn insert(
        self,
        collection: &str,
        documents: Vec<Document>,
    ) -> Result<Vec<Value>> {
        match &self.transaction {
            None => Ok(self.engine.insert(collection, documents).await?),
            Some((id, open)) => {
                transactions::settled(self.context, id, open.insert(collection, documents).await)
            }
        }
    }

    /// The engine's own error, for callers that tell some apart.
    pub(super) async fn modify(
        self,
        modify: Modify,
    ) -> std::result::Result<Modified, engine::Error> {
        match &self.transaction {
            None => self.engine.modify(modify).await,
            Some((id, open)) => {
                let outcome = open.modify(modify).await;
                transactions::forget_if_over(self.context, id, &outcome);
                outcome
            }
        }
    }

    pub(super) async fn remove(self, remove: Remove) -> Result<u64> {
        match &self.transaction {
            None => Ok(self.engine.remove(remove).await?),
            Some((id, open)) => transactions::settled(self.context, id, open.remove(remove).await),
        }
    }
}
