//! The catalogue in the store: one document of `system.functions` per function, and all of it in
//! memory.
//!
//! What a change says is durable before anybody is served by it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use engine::Engine;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::entry::Entry;
use crate::error::{Code, Error, Result};
use crate::shelf::Shelf;

/// Where it is kept.
pub(super) const COLLECTION: &str = "system.functions";
const FUNCTIONS: Shelf<Kept> = Shelf::new(COLLECTION);

/// A function as it is kept: its entry as JSON text.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    #[serde(rename = "_id")]
    name: String,
    entry: String,
}

impl Kept {
    fn read(self) -> Result<Entry> {
        let name = self.name;
        serde_json::from_str(&self.entry).map_err(|error| {
            let message = format!(
                "The catalogue's entry of function \"{name}\" is damaged: restore it from a \
                 backup. / 云函数“{name}”的目录数据损坏,请从备份恢复。"
            );
            Error::with_cause(Code::StoreFailed, message, error)
        })
    }
}

/// The functions that the store knows.
pub(super) async fn read_all(engine: &Engine) -> Result<Vec<Entry>> {
    FUNCTIONS.all(engine).await?.into_iter().map(Kept::read).collect()
}

type Turn = Arc<tokio::sync::Mutex<()>>;

/// The functions of one environment.
#[derive(Debug)]
pub struct Releases {
    engine: Engine,
    entries: RwLock<BTreeMap<String, Arc<Entry>>>,
    /// Why a version that the catalogue names cannot be served, by function and label.
    broken: RwLock<HashMap<(String, String), String>>,
    turns: Mutex<HashMap<String, Turn>>,
}

impl Releases {
    /// Reads what was deployed before.
    pub async fn open(engine: Engine) -> Result<Self> {
        FUNCTIONS.open(&engine).await?;
        let entries = read_all(&engine).await?.into_iter();
        let entries = entries.map(|entry| (entry.name.clone(), Arc::new(entry))).collect();
        let (broken, turns) = (RwLock::default(), Mutex::default());
        Ok(Self { engine, entries: RwLock::new(entries), broken, turns })
    }

    /// One function.
    pub fn get(&self, name: &str) -> Option<Arc<Entry>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Every function, by name.
    pub fn list(&self) -> Vec<Arc<Entry>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Changes of one function happen one after another: hold this while changing it.
    pub(crate) fn turn(&self, name: &str) -> Turn {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(turns.entry(name.to_owned()).or_default())
    }

    /// Writes an entry, durably.
    pub(crate) async fn put(&self, entry: Entry) -> Result<()> {
        let text = serde_json::to_string(&entry).map_err(|error| {
            Error::with_cause(Code::Internal, "Cannot encode. / 编码失败。", error)
        })?;
        let kept = Kept { name: entry.name.clone(), entry: text };
        FUNCTIONS.replace(&self.engine, &kept).await?;
        self.learn(entry);
        Ok(())
    }

    /// What the store says of a function, which another node may have changed.
    pub(super) async fn read(&self, name: &str) -> Result<Option<Entry>> {
        FUNCTIONS.get(&self.engine, name).await?.map(Kept::read).transpose()
    }

    /// Takes over what is in the store.
    pub(super) fn learn(&self, entry: Entry) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.insert(entry.name.clone(), Arc::new(entry));
    }

    /// Takes over that a function is not in the store any more.
    pub(super) fn forget(&self, name: &str) {
        self.entries.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        let mut broken = self.broken.write().unwrap_or_else(PoisonError::into_inner);
        broken.retain(|(function, _), _| function != name);
    }

    /// Forgets a function, durably.
    pub(crate) async fn remove(&self, name: &str) -> Result<()> {
        FUNCTIONS.remove(&self.engine, &json!({ "_id": name })).await?;
        self.forget(name);
        Ok(())
    }

    /// Why a version cannot be served, if it cannot.
    pub(crate) fn broken(&self, name: &str, label: &str) -> Option<String> {
        let broken = self.broken.read().unwrap_or_else(PoisonError::into_inner);
        if broken.is_empty() {
            return None;
        }
        broken.get(&(name.to_owned(), label.to_owned())).cloned()
    }

    /// Notes why a version cannot be served, or that it can.
    pub(crate) fn set_broken(&self, name: &str, label: &str, reason: Option<String>) {
        let mut broken = self.broken.write().unwrap_or_else(PoisonError::into_inner);
        let key = (name.to_owned(), label.to_owned());
        match reason {
            Some(reason) => broken.insert(key, reason),
            None => broken.remove(&key),
        };
    }

    /// The content hashes of all versions.
    pub(crate) fn content_hashes(&self) -> BTreeSet<String> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let releases = entries.values().flat_map(|entry| entry.releases());
        releases.map(|(_, release)| release.content_hash.clone()).collect()
    }
}
