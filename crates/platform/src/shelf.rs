//! A shelf: the documents of one system collection, reached by their `_id` and seen as JSON. For
//! small records that the platform itself keeps; users' documents go through `database`.

use engine::{Change, Engine, Modify, Remove};
use query::Filter;
use serde_json::Value as Json;
use value::{Document, RawDoc, Value, ejson};

use crate::error::{Code, Error, Result};

/// One system collection.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    engine: Engine,
    collection: &'static str,
}

impl Shelf {
    /// Opens the shelf; its collection is created at first use.
    pub(crate) async fn open(engine: &Engine, collection: &'static str) -> Result<Self> {
        engine.ensure_collection(collection).await?;
        Ok(Self { engine: engine.clone(), collection })
    }

    /// The record of this id, without the id.
    pub(crate) async fn get(&self, id: &str) -> Result<Option<Json>> {
        let id = Value::String(id.to_owned());
        let Some(bytes) = self.engine.get(self.collection, &id).await? else { return Ok(None) };
        let document = RawDoc::new(&bytes).and_then(|raw| raw.to_document()).map_err(damaged)?;
        let mut json = ejson::plain(&document);
        if let Json::Object(members) = &mut json {
            members.shift_remove("_id");
        }
        Ok(Some(json))
    }

    /// Adds a record, durably; false when there is one of this id already.
    pub(crate) async fn add(&self, id: &str, record: &Json) -> Result<bool> {
        let mut document = document(record)?;
        document.insert_first("_id".to_owned(), Value::String(id.to_owned()));
        match self.engine.insert(self.collection, vec![document]).await {
            Ok(_) => Ok(true),
            Err(engine::Error::DuplicateKey { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Adds or replaces a record, durably.
    pub(crate) async fn put(&self, id: &str, record: &Json) -> Result<()> {
        let change = Change::Replace(document(record)?);
        let collection = self.collection.to_owned();
        let filter = of_id(id)?;
        let modify = Modify { collection, filter, change, multi: false, upsert: true };
        self.engine.modify(modify).await?;
        Ok(())
    }

    /// Removes a record, if there is one.
    pub(crate) async fn remove(&self, id: &str) -> Result<()> {
        self.remove_where(of_id(id)?).await.map(drop)
    }

    /// Removes every record whose `member` is a number below `limit`, and says how many.
    pub(crate) async fn remove_below(&self, member: &str, limit: i64) -> Result<u64> {
        let condition = serde_json::json!({ member: { "$lt": limit } });
        self.remove_where(Filter::parse(&document(&condition)?)?).await
    }

    async fn remove_where(&self, filter: Filter) -> Result<u64> {
        let collection = self.collection.to_owned();
        Ok(self.engine.remove(Remove { collection, filter, multi: true }).await?)
    }
}

fn of_id(id: &str) -> Result<Filter> {
    let key: Document = [("_id".to_owned(), Value::String(id.to_owned()))].into_iter().collect();
    Ok(Filter::parse(&key)?)
}

fn document(record: &Json) -> Result<Document> {
    match ejson::from_json(record, 0) {
        Ok(Value::Document(document)) => Ok(document),
        Ok(_) => Err(damaged("not an object")),
        Err(error) => Err(damaged(error)),
    }
}

fn damaged(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::with_cause(Code::StoreFailed, "A damaged record. / 数据记录已损坏。", cause)
}
