//! Which permission mode a collection and the file storage of an environment have.
//!
//! Kept as documents of `system.access` and in memory; judging itself is the business of `rules`.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use engine::{Change, Engine, Find, Modify};
use query::{Filter, Projection, Sort};
use rules::Acl;
use value::{Document, RawDoc, Value};

use crate::error::{Code, Error, Result};

pub(crate) const COLLECTION: &str = "system.access";
const STORAGE_ID: &str = "storage";

/// Permission modes of one environment.
#[derive(Debug)]
pub struct Access {
    engine: Engine,
    modes: RwLock<HashMap<String, Acl>>,
}

impl Access {
    /// Reads what was set before.
    pub async fn open(engine: Engine) -> Result<Self> {
        engine.ensure_collection(COLLECTION).await?;
        let access = Self { engine, modes: RwLock::default() };
        access.reload().await?;
        Ok(access)
    }

    /// Reads again what is set, for what other nodes set.
    pub(crate) async fn reload(&self) -> Result<()> {
        let find = Find {
            collection: COLLECTION.to_owned(),
            filter: Filter::all(),
            sort: Sort::parse(&Document::new())?,
            projection: Projection::parse(&Document::new())?,
            skip: 0,
            limit: None,
        };
        let mut modes = HashMap::new();
        for bytes in self.engine.find(find).await? {
            let document =
                RawDoc::new(&bytes).and_then(|raw| raw.to_document()).map_err(|error| {
                    Error::with_cause(
                        Code::StoreFailed,
                        "Damaged permissions. / 权限数据损坏。",
                        error,
                    )
                })?;
            if let (Some(Value::String(id)), Some(Value::String(acl))) =
                (document.get("_id"), document.get("acl"))
                && let Ok(acl) = acl.parse()
            {
                modes.insert(id.clone(), acl);
            }
        }
        *self.modes.write().unwrap_or_else(PoisonError::into_inner) = modes;
        Ok(())
    }

    /// The mode of a collection; `PRIVATE` when none was set.
    pub fn collection(&self, name: &str) -> Acl {
        self.get(&collection_id(name)).unwrap_or(Acl::Private)
    }

    /// The mode of the file storage; `READONLY` when none was set, as on the vendor's platform.
    pub fn storage(&self) -> Acl {
        self.get(STORAGE_ID).unwrap_or(Acl::ReadOnly)
    }

    /// Sets the mode of a collection, durably.
    pub async fn set_collection(&self, name: &str, acl: Acl) -> Result<()> {
        self.set(collection_id(name), acl).await
    }

    /// Sets the mode of the file storage, durably.
    pub async fn set_storage(&self, acl: Acl) -> Result<()> {
        self.set(STORAGE_ID.to_owned(), acl).await
    }

    fn get(&self, id: &str) -> Option<Acl> {
        self.modes.read().unwrap_or_else(PoisonError::into_inner).get(id).copied()
    }

    async fn set(&self, id: String, acl: Acl) -> Result<()> {
        if self.get(&id) == Some(acl) {
            return Ok(());
        }
        let key: Document = [("_id".to_owned(), Value::String(id.clone()))].into_iter().collect();
        let change: Document =
            [("acl".to_owned(), Value::String(acl.to_string()))].into_iter().collect();
        self.engine
            .modify(Modify {
                collection: COLLECTION.to_owned(),
                filter: Filter::parse(&key)?,
                change: Change::Replace(change),
                multi: false,
                upsert: true,
            })
            .await?;
        self.modes.write().unwrap_or_else(PoisonError::into_inner).insert(id, acl);
        Ok(())
    }
}

fn collection_id(name: &str) -> String {
    format!("collection/{name}")
}
