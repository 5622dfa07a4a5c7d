//! A shelf: the documents of one `system.` collection, seen as one type. For what the platform
//! itself keeps; users' documents go through `database`. Filters and updates are written as JSON;
//! nothing of a user ever stands where an operator could.

use std::marker::PhantomData;

use engine::{Change, Engine, Find, IndexKind, IndexSpec, Modify, Remove, Transaction};
use query::{Filter, Projection, Sort, Update};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use value::{Document, Value, ejson};

use crate::error::{Code, Error, Result};

/// A collection whose documents are all `T`s.
pub(crate) struct Shelf<T> {
    name: &'static str,
    kind: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned> Shelf<T> {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { name, kind: PhantomData }
    }

    /// Creates the collection unless it is there.
    pub(crate) async fn open(&self, engine: &Engine) -> Result<()> {
        Ok(engine.ensure_collection(self.name).await?)
    }

    /// Creates the collection unless it is there, with an index over each of these fields, and
    /// lets documents go once their `expiresAt` has passed.
    pub(crate) async fn prepare(&self, engine: &Engine, indexed: &[&str]) -> Result<()> {
        self.open(engine).await?;
        let expiry = ("expiresAt", Some(0));
        for (field, expire_after_seconds) in
            indexed.iter().map(|field| (*field, None)).chain([expiry])
        {
            let spec = IndexSpec {
                name: String::new(),
                keys: vec![(field.to_owned(), IndexKind::Ascending)],
                unique: false,
                expire_after_seconds,
            };
            engine.create_index(self.name, spec).await?;
        }
        Ok(())
    }

    pub(crate) async fn get(&self, engine: &Engine, id: &str) -> Result<Option<T>> {
        let found = engine.get(self.name, &Value::from(id)).await?;
        found.map(|bytes| self.read(&bytes)).transpose()
    }

    /// [`Shelf::get`] within a transaction.
    pub(crate) async fn get_in(&self, transaction: &Transaction, id: &str) -> Result<Option<T>> {
        let found = transaction.get(self.name, &Value::from(id)).await?;
        found.map(|bytes| self.read(&bytes)).transpose()
    }

    /// The matching documents in the order of a field, ascending, or descending with `-field`.
    pub(crate) async fn find(
        &self,
        engine: &Engine,
        filter: &Json,
        order: &str,
        limit: u64,
    ) -> Result<Vec<T>> {
        self.ask(engine, filter, order, Some(limit)).await
    }

    /// Every document, in the order of `_id`.
    pub(crate) async fn all(&self, engine: &Engine) -> Result<Vec<T>> {
        self.ask(engine, &serde_json::json!({}), "_id", None).await
    }

    async fn ask(
        &self,
        engine: &Engine,
        filter: &Json,
        order: &str,
        limit: Option<u64>,
    ) -> Result<Vec<T>> {
        let (field, direction) = match order.strip_prefix('-') {
            Some(field) => (field, -1),
            None => (order, 1),
        };
        let find = Find {
            collection: self.name.to_owned(),
            filter: Filter::parse(&document(filter)?)?,
            sort: Sort::parse(&[(field, Value::Int32(direction))].into_iter().collect())?,
            projection: Projection::parse(&Document::new())?,
            skip: 0,
            limit,
        };
        let found = engine.find(find).await?;
        found.iter().map(|bytes| self.read(bytes)).collect()
    }

    pub(crate) async fn count(&self, engine: &Engine, filter: &Json) -> Result<u64> {
        Ok(engine.count(self.name, &Filter::parse(&document(filter)?)?).await?)
    }

    pub(crate) async fn insert(&self, engine: &Engine, it: &T) -> Result<()> {
        engine.insert(self.name, vec![self.written(it)?]).await?;
        Ok(())
    }

    /// Adds a document; false when there is one of its `_id` already.
    pub(crate) async fn add(&self, engine: &Engine, it: &T) -> Result<bool> {
        match engine.insert(self.name, vec![self.written(it)?]).await {
            Ok(_) => Ok(true),
            Err(engine::Error::DuplicateKey { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Adds a document, or puts it in the place of the one of its `_id`.
    pub(crate) async fn replace(&self, engine: &Engine, it: &T) -> Result<()> {
        let content = self.written(it)?;
        let id = content.get("_id").cloned().unwrap_or(Value::Null);
        let modify = Modify {
            collection: self.name.to_owned(),
            filter: Filter::parse(&[("_id".to_owned(), id)].into_iter().collect())?,
            change: Change::Replace(content),
            multi: false,
            upsert: true,
        };
        engine.modify(modify).await?;
        Ok(())
    }

    /// [`Shelf::insert`] within a transaction.
    pub(crate) async fn insert_in(&self, transaction: &Transaction, it: &T) -> Result<()> {
        transaction.insert(self.name, vec![self.written(it)?]).await?;
        Ok(())
    }

    /// Changes the one document that matches; the document as it is now, or none.
    pub(crate) async fn change(
        &self,
        engine: &Engine,
        filter: &Json,
        update: &Json,
    ) -> Result<Option<T>> {
        let done = engine.modify(self.modify(filter, update, false)?).await?;
        done.document.filter(|_| done.matched > 0).map(|bytes| self.read(&bytes)).transpose()
    }

    /// [`Shelf::change`] within a transaction: whether a document matched.
    pub(crate) async fn change_in(
        &self,
        transaction: &Transaction,
        filter: &Json,
        update: &Json,
    ) -> Result<bool> {
        Ok(transaction.modify(self.modify(filter, update, false)?).await?.matched > 0)
    }

    /// Changes the document with this `_id`, or makes it.
    pub(crate) async fn put(&self, engine: &Engine, id: &str, update: &Json) -> Result<()> {
        engine.modify(self.modify(&serde_json::json!({ "_id": id }), update, true)?).await?;
        Ok(())
    }

    /// Removes the matching documents and says how many.
    pub(crate) async fn remove(&self, engine: &Engine, filter: &Json) -> Result<u64> {
        Ok(engine.remove(self.removal(filter)?).await?)
    }

    /// [`Shelf::remove`] within a transaction.
    pub(crate) async fn remove_in(&self, transaction: &Transaction, filter: &Json) -> Result<u64> {
        Ok(transaction.remove(self.removal(filter)?).await?)
    }

    fn removal(&self, filter: &Json) -> Result<Remove> {
        let filter = Filter::parse(&document(filter)?)?;
        Ok(Remove { collection: self.name.to_owned(), filter, multi: true })
    }

    fn modify(&self, filter: &Json, update: &Json, upsert: bool) -> Result<Modify> {
        Ok(Modify {
            collection: self.name.to_owned(),
            filter: Filter::parse(&document(filter)?)?,
            change: Change::Operators(Update::parse(&document(update)?)?),
            multi: false,
            upsert,
        })
    }

    fn written(&self, it: &T) -> Result<Document> {
        document(&serde_json::to_value(it).map_err(|error| self.damaged(&error.to_string()))?)
    }

    fn read(&self, bytes: &[u8]) -> Result<T> {
        let document =
            Document::from_bytes(bytes).map_err(|error| self.damaged(&error.to_string()))?;
        serde_json::from_value(ejson::plain(&document))
            .map_err(|error| self.damaged(&error.to_string()))
    }

    fn damaged(&self, cause: &str) -> Error {
        Error::new(
            Code::StoreFailed,
            format!("A document of {0} does not read: {cause}. / {0} 中的文档已损坏。", self.name),
        )
    }
}

fn document(json: &Json) -> Result<Document> {
    match ejson::from_json(json, 0) {
        Ok(Value::Document(document)) => Ok(document),
        Ok(_) => Err(Error::new(Code::Internal, "Not an object. / 不是对象。")),
        Err(error) => Err(Error::from_room(Code::Internal, error)),
    }
}

/// A date in a filter or an update.
pub(crate) fn date(ms: i64) -> Json {
    serde_json::json!({ "$date": ms })
}
