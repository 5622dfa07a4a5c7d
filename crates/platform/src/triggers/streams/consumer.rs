//! One consumer: takes batches in order, hands each to its function, moves its checkpoint.
//!
//! ```text
//! system.stream_consumers {_id: "function/trigger", stream, checkpoint, attempts, node, error?}
//! ```
//! Only the node named there works for the consumer; another one takes over when that is dead. The
//! checkpoint moves after the function returned, so a batch may be handed over again, never lost.

use std::sync::Arc;
use std::time::Duration;

use engine::Engine;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::records::{self, Record};
use super::{StreamSpec, look_every};
use crate::calls::{self, Run, Trigger as Cause};
use crate::environment::Environment;
use crate::error::{Code, Error, Result};
use crate::shelf::Shelf;
use crate::triggers::Ways;
use crate::triggers::cron::iso;
use crate::triggers::dead_letters::{self, DeadLetter};
use crate::triggers::nodes::RENEWED_EVERY_MS;
use crate::triggers::registry::Trigger;
use crate::triggers::spec::TriggerSpec;

/// The bytes of one batch: its event must stay well under the limit of events.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;
/// A batch that failed is tried again after this, twice as long each time, in ms.
const RETRY_MS: u64 = 1_000;
const RETRY_MS_MAX: u64 = 60_000;

const CONSUMERS: Shelf<Consumer> = Shelf::new("system.stream_consumers");

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Consumer {
    #[serde(rename = "_id")]
    id: String,
    stream: String,
    /// Done up to and with this number.
    checkpoint: i64,
    /// How often the batch behind the checkpoint has failed.
    attempts: u32,
    /// Who works for it.
    node: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// How far a consumer is.
#[derive(Debug, Clone)]
pub struct Progress {
    /// The function.
    pub function: String,
    /// The trigger's name.
    pub name: String,
    /// The stream.
    pub stream: String,
    /// Done up to and with this number.
    pub checkpoint: i64,
    /// Records behind the checkpoint.
    pub unread: i64,
    /// How often the next batch has failed.
    pub attempts: u32,
    /// Why it failed.
    pub error: Option<String>,
}

pub(super) async fn prepare(engine: &Engine) -> Result<()> {
    CONSUMERS.prepare(engine, &["stream"]).await
}

pub(super) async fn progress(
    engine: &Engine,
    trigger: &Trigger,
    spec: &StreamSpec,
) -> Result<Progress> {
    let (next, oldest) = records::bounds(engine, &spec.stream).await?;
    let consumer = CONSUMERS.get(engine, &trigger.id()).await?;
    let checkpoint = consumer.as_ref().map_or(oldest - 1, |it| it.checkpoint);
    Ok(Progress {
        function: trigger.function.clone(),
        name: spec.name.clone(),
        stream: spec.stream.clone(),
        checkpoint,
        unread: next - 1 - checkpoint,
        attempts: consumer.as_ref().map_or(0, |it| it.attempts),
        error: consumer.and_then(|it| it.error),
    })
}

/// Forgets every consumer that is not among these. What others read, or nobody, is kept.
pub(super) async fn keep_only(engine: &Engine, ids: &[String]) -> Result<()> {
    CONSUMERS.remove(engine, &json!({ "_id": { "$nin": ids } })).await?;
    Ok(())
}

/// Works for a consumer until it is deployed no more, or otherwise, or the server stops.
pub(super) async fn run(ways: Ways, trigger: Arc<Trigger>) {
    let triggers = ways.environment.triggers();
    let is_current = || {
        let now = triggers.registry.get(&trigger.function, trigger.spec.name());
        now.is_some_and(|now| Arc::ptr_eq(&now, &trigger) || now.spec == trigger.spec)
    };
    let mut changes = triggers.registry.changes();
    let mut accepted = triggers.streams.accepted.subscribe();
    while is_current() && !ways.stop.is_cancelled() {
        accepted.mark_unchanged();
        let wait = match turn(&ways.environment, &trigger).await {
            Ok(Turn::Again) => continue,
            Ok(Turn::Wait(wait)) => wait,
            Err(error) => {
                tracing::warn!(%error, consumer = trigger.id(), "a stream could not be read");
                Wait { up_to: Duration::from_millis(RETRY_MS), is_for_records: false }
            }
        };
        tokio::select! {
            () = ways.stop.cancelled() => break,
            () = tokio::time::sleep(wait.up_to) => {}
            _ = accepted.changed(), if wait.is_for_records => {}
            _ = changes.changed() => {}
        }
    }
    if ways.stop.is_cancelled() {
        give_up(&ways.environment, &trigger.id()).await;
    }
    triggers.streams.ended.notify_one();
}

/// Lets another node take over at once.
async fn give_up(environment: &Environment, id: &str) {
    let mine = json!({ "_id": id, "node": environment.triggers().node.name() });
    let update = json!({ "$set": { "node": "" } });
    if let Err(error) = CONSUMERS.change(environment.engine(), &mine, &update).await {
        tracing::warn!(%error, consumer = id, "a consumer could not be given up");
    }
}

enum Turn {
    /// There may be more to do.
    Again,
    Wait(Wait),
}

struct Wait {
    up_to: Duration,
    /// New records end it.
    is_for_records: bool,
}

/// One batch, if there is one.
async fn turn(environment: &Arc<Environment>, trigger: &Trigger) -> Result<Turn> {
    let TriggerSpec::Stream(spec) = &trigger.spec else {
        return Err(Error::new(Code::Internal, "No stream. / 不是流触发器。"));
    };
    let engine = environment.engine();
    let is_shared = environment.triggers().node.is_shared();
    let Some(consumer) = take(environment, trigger, spec).await? else {
        let up_to = Duration::from_millis(RENEWED_EVERY_MS);
        return Ok(Turn::Wait(Wait { up_to, is_for_records: false }));
    };
    let after = consumer.checkpoint;
    let batch =
        records::read(engine, &spec.stream, after, spec.batch_size, BATCH_BYTES_MAX).await?;
    let Some((first, last)) = batch.first().zip(batch.last()) else {
        let up_to = look_every(is_shared);
        return Ok(Turn::Wait(Wait { up_to, is_for_records: true }));
    };
    let window_ms = i64::try_from(spec.window_ms).unwrap_or(i64::MAX);
    let full_at = first.at.saturating_add(window_ms);
    let missing_ms = full_at.saturating_sub(environment.now_ms());
    let is_full = batch.len() >= spec.batch_size as usize || consumer.attempts > 0;
    if missing_ms > 0 && !is_full {
        let up_to = Duration::from_millis(missing_ms.unsigned_abs()).min(look_every(is_shared));
        return Ok(Turn::Wait(Wait { up_to, is_for_records: true }));
    }
    let event = event(environment, trigger, spec, &batch).to_string();
    let run = Run::new(Cause::Stream, trigger.function.clone(), event);
    let outcome = calls::run(environment, run.clone()).await;
    let outcome = outcome.map(|answer| checkpoint(&answer.result, after, last.number));
    match outcome {
        Ok(reached) if reached > after => {
            moved(environment, &consumer, reached).await?;
            Ok(Turn::Again)
        }
        Ok(_) => failed(environment, &consumer, spec, run, last.number, &no_progress()).await,
        Err(error) => failed(environment, &consumer, spec, run, last.number, &error).await,
    }
}

fn no_progress() -> Error {
    Error::new(
        Code::FunctionFailed,
        "The function returned the checkpoint that the batch began at: it made no progress. / 函数\
         返回的 checkpoint 没有前进。",
    )
}

/// The consumer, if this node may work for it. A new one begins with the oldest record.
async fn take(
    environment: &Environment,
    trigger: &Trigger,
    spec: &StreamSpec,
) -> Result<Option<Consumer>> {
    let engine = environment.engine();
    let node = &environment.triggers().node;
    let id = trigger.id();
    let Some(consumer) = CONSUMERS.get(engine, &id).await? else {
        let (_, oldest) = records::bounds(engine, &spec.stream).await?;
        let (stream, checkpoint) = (spec.stream.clone(), oldest - 1);
        let node = node.name().to_owned();
        let consumer = Consumer { id, stream, checkpoint, attempts: 0, node, error: None };
        return match CONSUMERS.insert(engine, &consumer).await {
            Ok(()) => Ok(Some(consumer)),
            // Another node made it a moment ago.
            Err(_) if CONSUMERS.get(engine, &consumer.id).await?.is_some() => Ok(None),
            Err(error) => Err(error),
        };
    };
    if consumer.stream != spec.stream {
        // Another stream under the same name: numbers of the old one mean nothing there.
        CONSUMERS.remove(engine, &json!({ "_id": id, "stream": consumer.stream })).await?;
        return Box::pin(take(environment, trigger, spec)).await;
    }
    if consumer.node == node.name() {
        return Ok(Some(consumer));
    }
    if !consumer.node.is_empty() && !node.is_dead(engine, &consumer.node).await? {
        return Ok(None);
    }
    let found = json!({ "_id": id, "node": consumer.node });
    CONSUMERS.change(engine, &found, &json!({ "$set": { "node": node.name() } })).await
}

/// The event of a batch.
fn event(
    environment: &Environment,
    trigger: &Trigger,
    spec: &StreamSpec,
    batch: &[Record],
) -> Json {
    let records: Vec<Json> = batch
        .iter()
        .map(|record| {
            json!({
                "sequenceNumber": record.number,
                "partitionKey": record.key,
                "acceptedAt": iso(record.at),
                "data": serde_json::from_str::<Json>(&record.data).unwrap_or_default(),
            })
        })
        .collect();
    json!({
        "Type": "Stream",
        "TriggerName": spec.name,
        "stream": spec.stream,
        "env": environment.id(),
        "function": trigger.function,
        "Records": records,
    })
}

/// How far the function says it came: `{"checkpoint": number}`, else the whole batch.
fn checkpoint(result: &str, after: i64, last: i64) -> i64 {
    let result: Option<Json> = serde_json::from_str(result).ok();
    let said = result.as_ref().and_then(|it| it.get("checkpoint")).and_then(Json::as_i64);
    said.map_or(last, |said| said.clamp(after, last))
}

/// The batch, or its beginning, is done.
async fn moved(environment: &Environment, consumer: &Consumer, reached: i64) -> Result<()> {
    let engine = environment.engine();
    let mine = json!({ "_id": consumer.id, "node": consumer.node });
    let set = json!({ "checkpoint": reached, "attempts": 0 });
    let update = json!({ "$set": set, "$unset": { "error": "" } });
    CONSUMERS.change(engine, &mine, &update).await?;
    trim(engine, &consumer.stream).await
}

/// Removes what every consumer of the stream is past.
async fn trim(engine: &Engine, stream: &str) -> Result<()> {
    let slowest = CONSUMERS.find(engine, &json!({ "stream": stream }), "checkpoint", 1).await?;
    let Some(slowest) = slowest.first() else { return Ok(()) };
    records::trim(engine, stream, slowest.checkpoint + 1).await
}

/// The batch failed: it is tried again later, or becomes a dead letter.
async fn failed(
    environment: &Environment,
    consumer: &Consumer,
    spec: &StreamSpec,
    run: Run,
    last: i64,
    error: &Error,
) -> Result<Turn> {
    let engine = environment.engine();
    let mine = json!({ "_id": consumer.id, "node": consumer.node });
    let reason = error.message();
    // No room, or no function yet: that is not the batch's fault.
    let is_counted = !matches!(
        error.code(),
        Code::FunctionOverloaded | Code::Overloaded | Code::FunctionMissing | Code::DeployRefused
    );
    let attempts = consumer.attempts + u32::from(is_counted);
    if attempts <= spec.retries {
        let set = json!({ "attempts": attempts, "error": reason });
        CONSUMERS.change(engine, &mine, &json!({ "$set": set })).await?;
        let doubled = RETRY_MS << attempts.saturating_sub(1).min(16);
        let up_to = Duration::from_millis(doubled.min(RETRY_MS_MAX));
        return Ok(Turn::Wait(Wait { up_to, is_for_records: false }));
    }
    let transaction = engine.begin().await?;
    let set = json!({ "checkpoint": last, "attempts": 0, "error": reason });
    if CONSUMERS.change_in(&transaction, &mine, &json!({ "$set": set })).await? {
        let letter = DeadLetter::new(engine, &consumer.id, run.into(), attempts, reason);
        dead_letters::add_in(&transaction, &letter).await?;
        transaction.commit().await?;
        trim(engine, &consumer.stream).await?;
    }
    Ok(Turn::Again)
}
