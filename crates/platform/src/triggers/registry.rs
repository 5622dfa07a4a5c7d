//! The triggers of an environment: kept durably in `system.triggers`, one document per function,
//! and ready for use in memory. What other nodes deploy is read again from time to time.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use engine::Engine;
use query::Filter;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::watch;

use super::cron::Schedule;
use super::spec::{self, TriggerSpec};
use crate::error::Result;
use crate::shelf::Shelf;

/// Where they are kept.
pub(crate) const COLLECTION: &str = "system.triggers";
const TRIGGERS: Shelf<Kept> = Shelf::new(COLLECTION);

/// The most functions whose triggers are read; more cannot be deployed.
const FUNCTIONS_MAX: u64 = 100_000;

/// The triggers of one function as they are kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    #[serde(rename = "_id")]
    function: String,
    /// JSON text: names in a condition may be such as a document cannot have.
    triggers: String,
}

/// A trigger, ready for use.
#[derive(Debug)]
pub(crate) struct Trigger {
    /// The function it runs.
    pub(crate) function: String,
    /// What the project says of it.
    pub(crate) spec: TriggerSpec,
    /// When a timer is due.
    pub(super) schedule: Option<Schedule>,
    /// Which documents count.
    pub(super) filter: Option<Filter>,
}

impl Trigger {
    pub(super) fn new(function: &str, spec: TriggerSpec) -> Option<Self> {
        let (mut schedule, mut filter) = (None, None);
        match &spec {
            TriggerSpec::Timer(timer) => schedule = Some(Schedule::parse(&timer.config).ok()?),
            TriggerSpec::Database(database) => filter = database.condition().ok()?,
            TriggerSpec::Storage(_)
            | TriggerSpec::Stream(_)
            | TriggerSpec::WebSocket(_)
            | TriggerSpec::Push(_) => {}
        }
        Some(Self { function: function.to_owned(), spec, schedule, filter })
    }

    /// Its name among all triggers of the environment: `function/name`.
    pub(crate) fn id(&self) -> String {
        format!("{}/{}", self.function, self.spec.name())
    }
}

/// All triggers by the function they run.
pub(crate) type Set = BTreeMap<String, Vec<Arc<Trigger>>>;

/// The triggers of one environment.
#[derive(Debug)]
pub(crate) struct Registry {
    set: RwLock<Arc<Set>>,
    /// Counts changes of the set.
    changes: watch::Sender<u64>,
    /// Held while the set changes: a change must not undo another.
    turn: tokio::sync::Mutex<()>,
}

impl Registry {
    /// Reads what is deployed.
    pub(super) async fn open(engine: &Engine) -> Result<Self> {
        TRIGGERS.prepare(engine, &[]).await?;
        let registry =
            Self { set: RwLock::default(), changes: watch::channel(0).0, turn: <_>::default() };
        registry.reload(engine).await?;
        Ok(registry)
    }

    /// The triggers as they are now.
    pub(crate) fn set(&self) -> Arc<Set> {
        Arc::clone(&self.set.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// One trigger.
    pub(crate) fn get(&self, function: &str, name: &str) -> Option<Arc<Trigger>> {
        self.set().get(function)?.iter().find(|it| it.spec.name() == name).cloned()
    }

    /// Every trigger, by function and in the order of its file.
    pub(crate) fn all(&self) -> Vec<Arc<Trigger>> {
        self.set().values().flatten().cloned().collect()
    }

    /// Tells of every change of the set.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Reads the set again, for what other nodes deployed.
    pub(super) async fn reload(&self, engine: &Engine) -> Result<()> {
        let _turn = self.turn.lock().await;
        let mut set = Set::new();
        for kept in TRIGGERS.find(engine, &json!({}), "_id", FUNCTIONS_MAX).await? {
            match serde_json::from_str::<Vec<TriggerSpec>>(&kept.triggers) {
                Ok(specs) => drop(set.insert(kept.function.clone(), ready(&kept.function, specs))),
                Err(error) => {
                    tracing::warn!(function = kept.function, %error, "triggers do not read");
                }
            }
        }
        self.replace(set);
        Ok(())
    }

    /// Makes these the triggers of a function, durably; whether they were others before.
    pub(super) async fn put(
        &self,
        engine: &Engine,
        function: &str,
        specs: &[TriggerSpec],
    ) -> Result<bool> {
        spec::check(function, specs)?;
        let _turn = self.turn.lock().await;
        let text = serde_json::to_string(specs).unwrap_or_default();
        let kept = TRIGGERS.get(engine, function).await?.map(|kept| kept.triggers);
        if kept.as_deref().unwrap_or("[]") == text {
            return Ok(false);
        }
        if specs.is_empty() {
            TRIGGERS.remove(engine, &json!({ "_id": function })).await?;
        } else {
            TRIGGERS.put(engine, function, &json!({ "$set": { "triggers": text } })).await?;
        }
        let mut set = Set::clone(&self.set());
        set.remove(function);
        if !specs.is_empty() {
            set.insert(function.to_owned(), ready(function, specs.to_vec()));
        }
        self.replace(set);
        Ok(true)
    }

    fn replace(&self, set: Set) {
        let same = |a: &Set, b: &Set| {
            let specs = |set: &Set| -> Vec<(String, TriggerSpec)> {
                let all = set.values().flatten();
                all.map(|it| (it.function.clone(), it.spec.clone())).collect()
            };
            specs(a) == specs(b)
        };
        if same(&self.set(), &set) {
            return;
        }
        *self.set.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(set);
        self.changes.send_modify(|count| *count += 1);
    }
}

fn ready(function: &str, specs: Vec<TriggerSpec>) -> Vec<Arc<Trigger>> {
    specs.into_iter().filter_map(|spec| Trigger::new(function, spec)).map(Arc::new).collect()
}
