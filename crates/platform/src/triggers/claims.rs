//! Ticks of timers, claimed: `system.timers` remembers up to which tick a timer has come, and
//! `system.claims` holds one document per claimed tick.
//!
//! A claim moves the timer on and makes the document in one transaction, before the function is
//! called. So of any number of nodes one gets a tick, and a crash leaves either no claim or one
//! that says who was at it.
//!
//! ```text
//! system.timers {_id: function/trigger, config, last}
//! system.claims {_id: function/trigger/tick, function, trigger, tick, from?, state, node,
//!                attempts, requestId, claimedAt, endedAt?, error?, expiresAt?}
//! ```
//! Times are ms since 1970. `from` is there when the claim stands for several ticks that passed
//! while no server ran: the first of them.

use engine::Engine;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::nodes::Node;
use super::registry::Trigger;
use super::spec::TriggerSpec;
use crate::environment::new_request_id;
use crate::error::{Code, Result};
use crate::shelf::{Shelf, date};

/// How long an ordinary claim is remembered, in ms.
const REMEMBERED_MS: i64 = 24 * 3_600_000;
/// How long a claim that did not end well is remembered, in ms.
const TROUBLE_REMEMBERED_MS: i64 = 7 * REMEMBERED_MS;
/// How often a run is begun before a policy of `again` gives up: it may be what ends the server.
const ATTEMPTS_MAX: u32 = 3;
/// Claims looked at with one question.
const PAGE: u64 = 1_000;

const TIMERS: Shelf<TimerState> = Shelf::new("system.timers");
const CLAIMS: Shelf<Claim> = Shelf::new("system.claims");

/// How far a timer has come.
#[derive(Debug, Serialize, Deserialize)]
struct TimerState {
    #[serde(rename = "_id")]
    id: String,
    config: String,
    last: i64,
}

/// What became of a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClaimState {
    /// A node is at it.
    Running,
    /// The function returned.
    Done,
    /// The function failed.
    Failed,
    /// Its node died meanwhile.
    Interrupted,
    /// Its node died meanwhile, and it is to be run again.
    Again,
    /// It passed while no server ran, and is not made up for.
    Missed,
}

/// A claimed tick.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    #[serde(rename = "_id")]
    pub(super) id: String,
    pub(super) function: String,
    pub(super) trigger: String,
    /// When it was due, ms since 1970.
    pub tick: i64,
    /// The first of several ticks that it stands for, ms since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<i64>,
    /// What became of it.
    pub state: ClaimState,
    pub(super) node: String,
    /// How often it was begun.
    pub attempts: u32,
    /// The id of its invocation.
    pub request_id: String,
    pub(super) claimed_at: i64,
    /// When it ended, ms since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<i64>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

pub(super) async fn prepare(engine: &Engine) -> Result<()> {
    TIMERS.prepare(engine, &[]).await?;
    CLAIMS.prepare(engine, &["state", "trigger"]).await
}

/// Makes the timers of a function begin now: new ones, and those whose expression is another.
pub(super) async fn begin(engine: &Engine, function: &str, specs: &[TriggerSpec]) -> Result<()> {
    let now_ms = engine.clock().now_ms();
    let mut kept = Vec::new();
    for spec in specs {
        let TriggerSpec::Timer(timer) = spec else { continue };
        let id = format!("{function}/{}", timer.name);
        let state = TIMERS.get(engine, &id).await?;
        if state.is_none_or(|state| state.config != timer.config) {
            let update = json!({ "$set": { "config": timer.config, "last": now_ms } });
            TIMERS.put(engine, &id, &update).await?;
        }
        kept.push(id);
    }
    let of_function = json!({
        "_id": { "$gte": format!("{function}/"), "$lt": format!("{function}0"), "$nin": kept },
    });
    TIMERS.remove(engine, &of_function).await?;
    Ok(())
}

/// Up to which tick a timer has come; now, when it was never begun.
pub(super) async fn last_tick(engine: &Engine, trigger: &Trigger) -> Result<i64> {
    let id = trigger.id();
    if let Some(state) = TIMERS.get(engine, &id).await? {
        return Ok(state.last);
    }
    let config = match &trigger.spec {
        TriggerSpec::Timer(timer) => timer.config.clone(),
        _ => String::new(),
    };
    let last = engine.clock().now_ms();
    let state = TimerState { id, config, last };
    match TIMERS.insert(engine, &state).await {
        Ok(()) => Ok(last),
        // Another node was quicker.
        Err(error) if error.code() == Code::DatabaseRefused => Ok(last),
        Err(error) => Err(error),
    }
}

/// Claims a tick for this node; none when it was claimed before.
pub(super) async fn claim(
    engine: &Engine,
    node: &Node,
    trigger: &Trigger,
    tick: i64,
    from: Option<i64>,
    state: ClaimState,
) -> Result<Option<Claim>> {
    let id = trigger.id();
    let now_ms = engine.clock().now_ms();
    let claim = Claim {
        id: format!("{id}/{tick}"),
        function: trigger.function.clone(),
        trigger: id.clone(),
        tick,
        from,
        state,
        node: node.name().to_owned(),
        attempts: 1,
        request_id: new_request_id(),
        claimed_at: now_ms,
        ended_at: (state == ClaimState::Missed).then_some(now_ms),
        error: None,
    };
    let transaction = engine.begin().await?;
    let due = json!({ "_id": id, "last": { "$lt": tick } });
    if !TIMERS.change_in(&transaction, &due, &json!({ "$set": { "last": tick } })).await? {
        return Ok(None);
    }
    CLAIMS.insert_in(&transaction, &claim).await?;
    if state == ClaimState::Missed {
        let expiry = json!({ "$set": { "expiresAt": date(now_ms + TROUBLE_REMEMBERED_MS) } });
        CLAIMS.change_in(&transaction, &json!({ "_id": claim.id }), &expiry).await?;
    }
    match transaction.commit().await {
        Ok(()) => Ok(Some(claim)),
        Err(engine::Error::Conflict | engine::Error::DuplicateKey { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Notes how a run ended.
pub(super) async fn end(
    engine: &Engine,
    node: &Node,
    claim: &Claim,
    outcome: std::result::Result<(), String>,
) -> Result<()> {
    let now_ms = engine.clock().now_ms();
    let mine = json!({ "_id": claim.id, "state": "running", "node": node.name() });
    let mut set = json!({ "state": "done", "endedAt": now_ms });
    let mut remembered_ms = REMEMBERED_MS;
    if let Err(error) = outcome {
        set["state"] = "failed".into();
        set["error"] = error.into();
        remembered_ms = TROUBLE_REMEMBERED_MS;
    }
    set["expiresAt"] = date(now_ms + remembered_ms);
    CLAIMS.change(engine, &mine, &json!({ "$set": set })).await?;
    Ok(())
}

/// Runs whose node died, judged by `is_again` of each: they are ended, or wait to be run again.
pub(super) async fn recover(
    engine: &Engine,
    node: &Node,
    is_again: impl Fn(&Claim) -> bool,
) -> Result<Vec<Claim>> {
    let mut recovered = Vec::new();
    for claim in CLAIMS.find(engine, &json!({ "state": "running" }), "_id", PAGE).await? {
        if !node.is_dead(engine, &claim.node).await? {
            continue;
        }
        let now_ms = engine.clock().now_ms();
        let found = json!({ "_id": claim.id, "state": "running", "node": claim.node });
        let set = if claim.attempts < ATTEMPTS_MAX && is_again(&claim) {
            json!({ "state": "again" })
        } else {
            let expiry = date(now_ms + TROUBLE_REMEMBERED_MS);
            json!({ "state": "interrupted", "endedAt": now_ms, "expiresAt": expiry })
        };
        recovered.extend(CLAIMS.change(engine, &found, &json!({ "$set": set })).await?);
    }
    Ok(recovered)
}

/// Runs that wait to be run again.
pub(super) async fn waiting_again(engine: &Engine) -> Result<Vec<Claim>> {
    CLAIMS.find(engine, &json!({ "state": "again" }), "tick", PAGE).await
}

/// Takes a run that waits to be run again; none when another node was quicker.
pub(super) async fn take_again(
    engine: &Engine,
    node: &Node,
    claim: &Claim,
) -> Result<Option<Claim>> {
    let found = json!({ "_id": claim.id, "state": "again" });
    let set = json!({ "state": "running", "node": node.name(), "requestId": new_request_id() });
    let update = json!({ "$set": set, "$inc": { "attempts": 1 } });
    CLAIMS.change(engine, &found, &update).await
}

/// The newest claims of a trigger, newest first.
pub(super) async fn latest(engine: &Engine, trigger: &str, limit: u64) -> Result<Vec<Claim>> {
    CLAIMS.find(engine, &json!({ "trigger": trigger }), "-tick", limit).await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use engine::Clock;
    use store::Store;

    use super::*;
    use crate::triggers::spec::TimerSpec;

    const NOW_MS: i64 = 1_795_104_000_000;

    struct World {
        engine: Engine,
        now: Arc<AtomicI64>,
        specs: Vec<TriggerSpec>,
    }

    impl World {
        async fn new() -> Self {
            let now = Arc::new(AtomicI64::new(NOW_MS));
            let told = Arc::clone(&now);
            let clock = Clock::from_fn(move || told.load(Ordering::Relaxed));
            let engine = Engine::open(Store::memory(), clock).await.unwrap();
            prepare(&engine).await.unwrap();
            let specs = vec![TriggerSpec::Timer(TimerSpec::new("t", "* * * * * * *"))];
            begin(&engine, "f", &specs).await.unwrap();
            Self { engine, now, specs }
        }

        fn trigger(&self) -> Trigger {
            Trigger::new("f", self.specs[0].clone()).unwrap()
        }

        async fn claim(&self, node: &Node, tick: i64) -> Option<Claim> {
            let trigger = self.trigger();
            claim(&self.engine, node, &trigger, tick, None, ClaimState::Running).await.unwrap()
        }
    }

    #[tokio::test]
    async fn of_many_that_claim_a_tick_at_once_one_gets_it() {
        let world = World::new().await;
        let nodes: Vec<_> = (0..8).map(|_| Node::new(true)).collect();
        for tick in (1..=5).map(|n| NOW_MS + n * 1_000) {
            let tried = nodes.iter().map(|node| world.claim(node, tick));
            let claimed = futures_util::future::join_all(tried).await;
            assert_eq!(claimed.iter().flatten().count(), 1, "{tick}");
            assert!(world.claim(&nodes[0], tick).await.is_none(), "and none afterwards");
        }
        assert!(world.claim(&nodes[0], NOW_MS + 2_000).await.is_none(), "nor an earlier one");
        let claims = latest(&world.engine, "f/t", 100).await.unwrap();
        assert_eq!(claims.len(), 5);
    }

    #[tokio::test]
    async fn a_run_whose_node_died_is_interrupted_or_run_again_three_times_at_most() {
        let world = World::new().await;
        let dead = Node::new(false);
        world.claim(&dead, NOW_MS + 1_000).await.unwrap();
        world.claim(&dead, NOW_MS + 2_000).await.unwrap();
        let none = recover(&world.engine, &dead, |_| true).await.unwrap();
        assert!(none.is_empty(), "its own runs are no dead node's");
        let next = Node::new(false);
        let is_again = |claim: &Claim| claim.tick == NOW_MS + 2_000;
        let recovered = recover(&world.engine, &next, is_again).await.unwrap();
        let states: Vec<_> = recovered.iter().map(|claim| claim.state).collect();
        assert_eq!(states, [ClaimState::Interrupted, ClaimState::Again]);
        for attempt in 2..=3 {
            let node = Node::new(false);
            let waiting = waiting_again(&world.engine).await.unwrap();
            assert_eq!(waiting.len(), 1);
            let taken = take_again(&world.engine, &node, &waiting[0]).await.unwrap().unwrap();
            assert_eq!(taken.attempts, attempt);
            assert!(take_again(&world.engine, &next, &waiting[0]).await.unwrap().is_none());
            recover(&world.engine, &Node::new(false), is_again).await.unwrap();
        }
        assert!(waiting_again(&world.engine).await.unwrap().is_empty());
        let last = latest(&world.engine, "f/t", 1).await.unwrap();
        assert_eq!(last[0].state, ClaimState::Interrupted);
    }

    #[tokio::test]
    async fn a_lease_tells_whether_another_node_lives() {
        let world = World::new().await;
        let (one, other) = (Node::new(true), Node::new(true));
        one.prepare(&world.engine).await.unwrap();
        other.prepare(&world.engine).await.unwrap();
        world.claim(&one, NOW_MS + 1_000).await.unwrap();
        let recover = async || recover(&world.engine, &other, |_| false).await.unwrap();
        assert!(recover().await.is_empty());
        world.now.fetch_add(20_000, Ordering::Relaxed);
        one.renew(&world.engine).await.unwrap();
        world.now.fetch_add(20_000, Ordering::Relaxed);
        assert!(recover().await.is_empty(), "renewed in time");
        world.now.fetch_add(20_000, Ordering::Relaxed);
        assert_eq!(recover().await.len(), 1);
    }

    #[tokio::test]
    async fn an_ended_claim_says_how_and_goes_after_its_time() {
        let world = World::new().await;
        let node = Node::new(false);
        let one = world.claim(&node, NOW_MS + 1_000).await.unwrap();
        end(&world.engine, &node, &one, Ok(())).await.unwrap();
        let two = world.claim(&node, NOW_MS + 2_000).await.unwrap();
        end(&world.engine, &node, &two, Err("no".to_owned())).await.unwrap();
        let ended = latest(&world.engine, "f/t", 9).await.unwrap();
        assert_eq!((ended[0].state, ended[0].error.as_deref()), (ClaimState::Failed, Some("no")));
        assert_eq!(ended[1].state, ClaimState::Done);
        world.now.fetch_add(REMEMBERED_MS + 1, Ordering::Relaxed);
        assert_eq!(world.engine.remove_expired().await.unwrap(), 1);
        assert!(world.claim(&node, NOW_MS + 1_000).await.is_none(), "a tick stays claimed");
    }

    #[tokio::test]
    async fn a_timer_begins_at_its_deployment_and_anew_when_its_expression_changes() {
        let world = World::new().await;
        let trigger = world.trigger();
        assert_eq!(last_tick(&world.engine, &trigger).await.unwrap(), NOW_MS);
        world.now.fetch_add(5_000, Ordering::Relaxed);
        begin(&world.engine, "f", &world.specs).await.unwrap();
        assert_eq!(last_tick(&world.engine, &trigger).await.unwrap(), NOW_MS);
        let other = vec![TriggerSpec::Timer(TimerSpec::new("t", "*/2 * * * * * *"))];
        begin(&world.engine, "f", &other).await.unwrap();
        assert_eq!(last_tick(&world.engine, &trigger).await.unwrap(), NOW_MS + 5_000);
        begin(&world.engine, "f", &[]).await.unwrap();
        assert!(TIMERS.get(&world.engine, "f/t").await.unwrap().is_none());
    }
}
