//! Calls that nobody waits for: kept durably in `system.async_calls`, run at least once, tried
//! again when they fail, and put among the dead letters when that does not help.
//!
//! ```text
//! system.async_calls {_id, function, qualifier?, event, trigger, user?, source, depth, baseUrl,
//!                     variables, state, due?, attempts, delays, acceptedAt, node?, requestId?,
//!                     endedAt?, error?, expiresAt?}
//! ```
//! `due` stands there while and only while the call waits. Times are ms since 1970.

use engine::Engine;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::dead_letters::{self, DeadLetter};
use super::nodes::Node;
use crate::caller::User;
use crate::calls::{Run, Trigger};
use crate::environment::new_request_id;
use crate::error::{Code, Error, Result};
use crate::shelf::{Shelf, date};

/// The largest event of a call that nobody waits for, in bytes.
pub const LATER_EVENT_BYTES_MAX: usize = 128 * 1024;
/// How many calls may wait in one environment.
pub(super) const WAITING_MAX: u64 = 100_000;
/// When a call that failed is tried again, in ms after each failure; then it is a dead letter.
pub(super) const RETRY_AFTER_MS: [i64; 2] = [1_000, 30_000];
/// A call that finds no room is put off, longer each time up to this, in ms.
const DELAY_MS_MAX: i64 = 300_000;
/// How long a call may be put off because there is no room, in ms: six hours, as the vendor.
const DELAYED_FOR_MS_MAX: i64 = 6 * 3_600_000;
/// How often a call may be put off because its function is not there: some fifteen minutes.
const DELAYS_MISSING_MAX: u32 = 10;
/// How often a call is begun when servers die over it: it may be what ends them.
const BEGUN_MAX: u32 = 6;
/// How long an ended call is remembered, in ms.
const REMEMBERED_MS: i64 = 24 * 3_600_000;
/// Calls looked at with one question.
const PAGE: u64 = 1_000;

const CALLS: Shelf<LaterCall> = Shelf::new("system.async_calls");

/// What is to run, in the form it is kept in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// The function.
    pub function: String,
    /// A version or alias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qualifier: Option<String>,
    /// The event as JSON text; empty once the call has ended.
    #[serde(default)]
    pub event: String,
    /// What made it run, by name.
    pub trigger: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<User>,
    pub(super) source: String,
    pub(super) depth: u32,
    #[serde(default)]
    pub(super) base_url: String,
    #[serde(default)]
    pub(super) variables: Vec<(String, String)>,
}

impl From<Run> for Kept {
    fn from(run: Run) -> Self {
        Self {
            function: run.function,
            qualifier: run.qualifier,
            event: run.event,
            trigger: run.trigger.name().to_owned(),
            user: run.user,
            source: run.source,
            depth: run.depth,
            base_url: run.base_url,
            variables: run.variables,
        }
    }
}

impl Kept {
    /// The run, under this id.
    pub(super) fn run(&self, request_id: &str) -> Run {
        let trigger = Trigger::named(&self.trigger).unwrap_or(Trigger::Call);
        Run {
            qualifier: self.qualifier.clone(),
            user: self.user.clone(),
            source: self.source.clone(),
            depth: self.depth,
            base_url: self.base_url.clone(),
            request_id: request_id.to_owned(),
            variables: self.variables.clone(),
            ..Run::new(trigger, self.function.clone(), self.event.clone())
        }
    }
}

/// Where a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LaterState {
    /// It waits for its time or for room.
    Waiting,
    /// A node is at it.
    Running,
    /// The function returned.
    Done,
    /// It is among the dead letters.
    Dead,
}

/// A call that nobody waits for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LaterCall {
    /// Its id: the request id that its acceptance answered.
    #[serde(rename = "_id")]
    pub id: String,
    /// What is to run.
    #[serde(flatten)]
    pub what: Kept,
    /// Where it is.
    pub state: LaterState,
    /// When it is to run, ms since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<i64>,
    /// How often it was begun.
    pub attempts: u32,
    pub(super) delays: u32,
    /// When it was accepted, ms since 1970.
    pub accepted_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) node: Option<String>,
    /// The id of its latest invocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// When it ended, ms since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<i64>,
    /// Why its latest attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl LaterCall {
    pub(super) fn new(id: String, what: Kept, now_ms: i64, delay_ms: i64) -> Self {
        Self {
            id,
            what,
            state: LaterState::Waiting,
            due: Some(now_ms + delay_ms),
            attempts: 0,
            delays: 0,
            accepted_at: now_ms,
            node: None,
            request_id: None,
            ended_at: None,
            error: None,
        }
    }
}

/// What becomes of a call after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It failed and is tried again then.
    Retry(i64),
    /// It found no room, or no function, and is tried again then; that was no attempt.
    Delay(i64),
    /// It is a dead letter.
    Dead,
}

/// What becomes of a call that failed so.
pub(super) fn verdict(call: &LaterCall, code: Code, now_ms: i64) -> Verdict {
    let delay_ms = (1_000_i64 << call.delays.min(20)).min(DELAY_MS_MAX);
    let delayed = Verdict::Delay(now_ms + delay_ms);
    match code {
        Code::FunctionMissing | Code::DeployRefused if call.delays < DELAYS_MISSING_MAX => delayed,
        Code::FunctionMissing | Code::DeployRefused => Verdict::Dead,
        Code::FunctionOverloaded | Code::Overloaded
            if now_ms - call.accepted_at < DELAYED_FOR_MS_MAX =>
        {
            delayed
        }
        Code::FunctionOverloaded | Code::Overloaded => Verdict::Dead,
        _ => {
            let failures = usize::try_from(call.attempts.saturating_sub(1)).unwrap_or(usize::MAX);
            let after = RETRY_AFTER_MS.get(failures);
            after.map_or(Verdict::Dead, |after_ms| Verdict::Retry(now_ms + after_ms))
        }
    }
}

pub(super) async fn prepare(engine: &Engine) -> Result<()> {
    CALLS.prepare(engine, &["due", "state", "acceptedAt"]).await
}

/// Accepts a call: when this returns, it is durable.
pub(super) async fn accept(engine: &Engine, run: Run, delay_ms: i64) -> Result<String> {
    if run.event.len() > LATER_EVENT_BYTES_MAX {
        return Err(Error::new(
            Code::PayloadTooLarge,
            "The data of an asynchronous call is over 128 KB: keep it in a document or a file and \
             send its id. / 异步调用的参数超过 128 KB:请存入文档或文件后传递其 ID。",
        ));
    }
    let id = run.request_id.clone();
    let call = LaterCall::new(id.clone(), run.into(), engine.clock().now_ms(), delay_ms);
    CALLS.insert(engine, &call).await?;
    Ok(id)
}

/// How many calls wait.
pub(super) async fn waiting(engine: &Engine) -> Result<u64> {
    CALLS.count(engine, &json!({ "due": { "$gt": 0 } })).await
}

/// The error for calls beyond [`WAITING_MAX`].
pub(super) fn too_many() -> Error {
    Error::new(
        Code::Overloaded,
        "Too many asynchronous calls are waiting; try again later. / 等待中的异步调用过多,请稍后\
         重试。",
    )
}

/// Puts a call into the queue within a transaction.
pub(super) async fn accept_in(
    transaction: &engine::Transaction,
    id: String,
    what: Kept,
    now_ms: i64,
) -> Result<()> {
    CALLS.insert_in(transaction, &LaterCall::new(id, what, now_ms, 0)).await
}

/// Calls whose time has come, those of some functions left out.
pub(super) async fn due(engine: &Engine, without: &[String], limit: u64) -> Result<Vec<LaterCall>> {
    let now_ms = engine.clock().now_ms();
    let filter = json!({ "due": { "$lte": now_ms, "$gt": 0 }, "function": { "$nin": without } });
    CALLS.find(engine, &filter, "due", limit).await
}

/// When the next call is due after now, ms since 1970.
pub(super) async fn next_due(engine: &Engine) -> Result<Option<i64>> {
    let filter = json!({ "due": { "$gt": engine.clock().now_ms() } });
    Ok(CALLS.find(engine, &filter, "due", 1).await?.first().and_then(|call| call.due))
}

/// Takes a waiting call for this node; none when another was quicker.
pub(super) async fn take(
    engine: &Engine,
    node: &Node,
    call: &LaterCall,
) -> Result<Option<LaterCall>> {
    // A later attempt has an id of its own: identities are known by it.
    let request_id = if call.attempts == 0 { call.id.clone() } else { new_request_id() };
    let found = json!({ "_id": call.id, "state": "waiting" });
    let set = json!({ "state": "running", "node": node.name(), "requestId": request_id });
    let update = json!({ "$set": set, "$inc": { "attempts": 1 }, "$unset": { "due": "" } });
    CALLS.change(engine, &found, &update).await
}

/// Notes how an attempt ended.
pub(super) async fn end(
    engine: &Engine,
    node: &Node,
    call: &LaterCall,
    outcome: std::result::Result<(), &Error>,
) -> Result<()> {
    let now_ms = engine.clock().now_ms();
    let mine = json!({ "_id": call.id, "state": "running", "node": node.name() });
    let error = match outcome {
        Ok(()) => {
            let expiry = date(now_ms + REMEMBERED_MS);
            let set =
                json!({ "state": "done", "endedAt": now_ms, "expiresAt": expiry, "event": "" });
            CALLS.change(engine, &mine, &json!({ "$set": set })).await?;
            return Ok(());
        }
        Err(error) => error,
    };
    let reason = error.message();
    match verdict(call, error.code(), now_ms) {
        Verdict::Retry(due) => {
            let set = json!({ "state": "waiting", "due": due, "error": reason });
            CALLS.change(engine, &mine, &json!({ "$set": set })).await?;
        }
        Verdict::Delay(due) => {
            let set = json!({ "state": "waiting", "due": due, "error": reason });
            let update = json!({ "$set": set, "$inc": { "attempts": -1, "delays": 1 } });
            CALLS.change(engine, &mine, &update).await?;
        }
        Verdict::Dead => bury(engine, call, &mine, reason).await?,
    }
    Ok(())
}

/// Moves a call among the dead letters, in one transaction.
async fn bury(
    engine: &Engine,
    call: &LaterCall,
    found: &serde_json::Value,
    reason: &str,
) -> Result<()> {
    let now_ms = engine.clock().now_ms();
    let transaction = engine.begin().await?;
    let expiry = date(now_ms + dead_letters::REMEMBERED_MS);
    let set = json!({
        "state": "dead", "endedAt": now_ms, "error": reason, "event": "", "expiresAt": expiry,
    });
    let update = json!({ "$set": set, "$unset": { "due": "" } });
    if !CALLS.change_in(&transaction, found, &update).await? {
        return Ok(());
    }
    let letter = DeadLetter::new(engine, &call.id, call.what.clone(), call.attempts, reason);
    dead_letters::add_in(&transaction, &letter).await?;
    Ok(transaction.commit().await?)
}

/// Calls whose node died wait again; how many.
pub(super) async fn recover(engine: &Engine, node: &Node) -> Result<usize> {
    let mut recovered = 0;
    for call in CALLS.find(engine, &json!({ "state": "running" }), "_id", PAGE).await? {
        let of = call.node.clone().unwrap_or_default();
        if !node.is_dead(engine, &of).await? {
            continue;
        }
        recovered += 1;
        let found = json!({ "_id": call.id, "state": "running", "node": of });
        if call.attempts >= BEGUN_MAX {
            let reason = "The server ended every time it was run. / 每次运行时服务都终止。";
            bury(engine, &call, &found, reason).await?;
            continue;
        }
        let set = json!({ "state": "waiting", "due": engine.clock().now_ms() });
        CALLS.change(engine, &found, &json!({ "$set": set })).await?;
    }
    Ok(recovered)
}

/// The newest calls, newest first; only those in one state when it is named.
pub(super) async fn latest(
    engine: &Engine,
    state: Option<LaterState>,
    limit: u64,
) -> Result<Vec<LaterCall>> {
    let filter = state.map_or_else(|| json!({}), |state| json!({ "state": state }));
    CALLS.find(engine, &filter, "-acceptedAt", limit).await
}

/// One call.
pub(super) async fn get(engine: &Engine, id: &str) -> Result<Option<LaterCall>> {
    CALLS.get(engine, id).await
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
