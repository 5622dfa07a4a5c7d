//! Triggers that follow the change log: changes of documents, and of files, which are documents,
//! too.
//!
//! Each trigger has a durable position in the log (`system.positions`). A follower reads a page,
//! judges every record, runs the function for those that count and only then moves the position
//! on: so every change that counts is delivered at least once, and in order per document. After
//! two retries a change becomes a dead letter, before the position passes it. On a store that
//! several nodes share, one node at a time follows a trigger.
//!
//! ```text
//! system.positions {_id: function/trigger, commit, index, node?}
//! ```

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use engine::{ChangeRecord, Engine, Position};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::nodes::{Node, RENEWED_EVERY_MS};
use super::registry::Trigger;
use super::spec::TriggerSpec;
use super::{Ways, delivery};
use crate::environment::Environment;
use crate::error::Result;
use crate::journal::Event;
use crate::shelf::Shelf;

/// Runs for changes at once in one environment: more would starve the calls of users.
pub(super) const RUNS_MAX: usize = 16;
/// Changes read at once; a crash delivers at most so many again.
const PAGE: usize = 64;
/// How many changes that do not count may pass before the position is kept.
const PASSED_MAX: usize = 4_096;
/// How long a follower waits after trouble, in ms.
const TRY_AGAIN_MS: u64 = 1_000;

const POSITIONS: Shelf<Followed> = Shelf::new("system.positions");

/// How far a trigger has come.
#[derive(Debug, Serialize, Deserialize)]
struct Followed {
    #[serde(rename = "_id")]
    id: String,
    commit: u64,
    index: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    node: Option<String>,
}

impl Followed {
    fn position(&self) -> Position {
        Position { commit: self.commit, index: self.index }
    }
}

/// What the followers share.
#[derive(Debug)]
pub(super) struct Changes {
    pub(super) runs: Arc<Semaphore>,
}

impl Default for Changes {
    fn default() -> Self {
        Self { runs: Arc::new(Semaphore::new(RUNS_MAX)) }
    }
}

fn is_followed(spec: &TriggerSpec) -> bool {
    matches!(spec, TriggerSpec::Database(_) | TriggerSpec::Storage(_))
}

pub(super) async fn prepare(engine: &Engine) -> Result<()> {
    POSITIONS.prepare(engine, &[]).await
}

/// Makes the triggers of a function begin with what is changed from now on; those that are there
/// go on where they are.
pub(super) async fn begin(engine: &Engine, function: &str, specs: &[TriggerSpec]) -> Result<()> {
    let mut kept = Vec::new();
    for spec in specs.iter().filter(|spec| is_followed(spec)) {
        let id = format!("{function}/{}", spec.name());
        if POSITIONS.get(engine, &id).await?.is_none() {
            let Position { commit, index } = engine.newest_change().await?;
            let update = json!({ "$set": { "commit": commit, "index": index } });
            POSITIONS.put(engine, &id, &update).await?;
        }
        kept.push(id);
    }
    let of_function = json!({
        "_id": { "$gte": format!("{function}/"), "$lt": format!("{function}0"), "$nin": kept },
    });
    POSITIONS.remove(engine, &of_function).await?;
    Ok(())
}

/// A follower that runs.
struct Follower {
    spec: TriggerSpec,
    gone: CancellationToken,
    task: JoinHandle<()>,
}

/// Keeps one follower per trigger, until the server stops.
pub(super) async fn run(ways: Ways) {
    let triggers = ways.environment.triggers();
    let mut changes = triggers.registry.changes();
    let mut followers: HashMap<String, Follower> = HashMap::new();
    loop {
        changes.mark_unchanged();
        let all = triggers.registry.all();
        let wanted: HashMap<_, _> = all
            .into_iter()
            .filter(|it| is_followed(&it.spec))
            .map(|trigger| (trigger.id(), trigger))
            .collect();
        followers.retain(|id, follower| {
            let is_wanted = wanted.contains_key(id);
            if !is_wanted {
                follower.gone.cancel();
            }
            is_wanted
        });
        for (id, trigger) in wanted {
            if followers.get(&id).is_some_and(|follower| follower.spec == trigger.spec) {
                continue;
            }
            let before = followers.remove(&id);
            let (spec, gone) = (trigger.spec.clone(), ways.stop.child_token());
            let task = follow(ways.clone(), trigger, gone.clone(), before);
            let task = ways.tracker.spawn(task);
            followers.insert(id, Follower { spec, gone, task });
        }
        tokio::select! {
            () = ways.stop.cancelled() => return,
            changed = changes.changed() => if changed.is_err() { return },
        }
    }
}

/// Follows one trigger until it is gone; never beside the one before.
async fn follow(
    ways: Ways,
    trigger: Arc<Trigger>,
    gone: CancellationToken,
    before: Option<Follower>,
) {
    if let Some(before) = before {
        before.gone.cancel();
        let _ = before.task.await;
    }
    let node = &ways.environment.triggers().node;
    while !gone.is_cancelled() {
        let wait_ms = match acquire(ways.environment.engine(), node, &trigger.id()).await {
            Ok(Some(position)) => match follow_from(&ways, &trigger, &gone, position).await {
                Ok(()) => TRY_AGAIN_MS,
                Err(error) => {
                    tracing::warn!(%error, trigger = trigger.id(), "following changes failed");
                    TRY_AGAIN_MS
                }
            },
            Ok(None) => RENEWED_EVERY_MS,
            Err(error) => {
                tracing::warn!(%error, trigger = trigger.id(), "its position cannot be read");
                TRY_AGAIN_MS
            }
        };
        tokio::select! {
            () = gone.cancelled() => return,
            () = tokio::time::sleep(Duration::from_millis(wait_ms)) => {}
        }
    }
}

/// Makes this node the one that follows; none while another one does.
async fn acquire(engine: &Engine, node: &Node, id: &str) -> Result<Option<Position>> {
    let Some(followed) = POSITIONS.get(engine, id).await? else { return Ok(None) };
    let is_free = match &followed.node {
        None => true,
        Some(other) => other == node.name() || node.is_dead(engine, other).await?,
    };
    if !is_free {
        return Ok(None);
    }
    let found = json!({ "_id": id, "node": followed.node });
    let set = json!({ "$set": { "node": node.name() } });
    let taken = POSITIONS.change(engine, &found, &set).await?;
    Ok(taken.map(|followed| followed.position()))
}

/// Keeps the position; whether this node still follows.
async fn keep(engine: &Engine, node: &Node, id: &str, position: Position) -> Result<bool> {
    let mine = json!({ "_id": id, "node": node.name() });
    let set = json!({ "$set": { "commit": position.commit, "index": position.index } });
    Ok(POSITIONS.change(engine, &mine, &set).await?.is_some())
}

/// Follows from a position on, until the trigger is gone or another node follows.
async fn follow_from(
    ways: &Ways,
    trigger: &Arc<Trigger>,
    gone: &CancellationToken,
    mut position: Position,
) -> Result<()> {
    let environment = &ways.environment;
    let (engine, node) = (environment.engine(), &environment.triggers().node);
    let mut passed = 0;
    while !gone.is_cancelled() {
        let page = match engine.changes(position, PAGE).await {
            Ok(page) => page,
            Err(engine::Error::ChangesTooOld { oldest }) => {
                note_too_old(environment, trigger);
                position = oldest;
                if !keep(engine, node, &trigger.id(), position).await? {
                    return Ok(());
                }
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let owed = owed(environment, trigger, &page.records);
        let is_any = !owed.is_empty();
        let delivered = join_all(
            owed.into_values().map(|events| delivery::in_order(ways, gone, trigger, events)),
        );
        if delivered.await.contains(&delivery::Delivered::No) {
            return Ok(());
        }
        position = page.next;
        passed += page.records.len();
        // Keeping a position is a change, too: only what counts may cause it, or it never ends.
        if is_any || passed >= PASSED_MAX {
            if !keep(engine, node, &trigger.id(), position).await? {
                return Ok(());
            }
            passed = 0;
        }
        if page.is_end {
            tokio::select! {
                () = gone.cancelled() => return Ok(()),
                changed = engine.changed_past(position) => changed?,
            }
        }
    }
    Ok(())
}

/// What the records of a page owe to the function: the events of each document, in order.
fn owed(
    environment: &Environment,
    trigger: &Trigger,
    records: &[ChangeRecord],
) -> HashMap<String, Vec<delivery::Owed>> {
    let mut owed: HashMap<String, Vec<_>> = HashMap::new();
    for record in records {
        if let Some(event) = delivery::judge(environment, trigger, record) {
            owed.entry(value::ejson::canonical_value(&record.id)).or_default().push(event);
        }
    }
    owed
}

fn note_too_old(environment: &Environment, trigger: &Trigger) {
    environment.record(Event::Notice {
        text: format!(
            "The trigger {0} was behind what the change log keeps: it goes on with the oldest \
             change there is, and those before are not delivered. / 触发器 {0} 落后于变更日志的保留\
             范围:将从现存最早的变更继续,更早的变更不再投递。",
            trigger.id()
        ),
    });
}
