//! Streams: a durable queue between those who produce records and the functions that consume them.
//!
//! A record gets the next number of its stream when it is accepted. Each consumer (a `stream`
//! trigger) has a checkpoint: the number up to which it is done. Batches are handed over in order,
//! one at a time per consumer; a batch that fails is tried again and in the end becomes a dead
//! letter. A record goes when every consumer of its stream is past it.

mod consumer;
mod records;
mod spec;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::Engine;
use tokio::sync::{Notify, watch};

use super::Ways;
use super::registry::Trigger;
use super::spec::TriggerSpec;
use crate::caller::Context;
use crate::database::check_privileged;
use crate::environment::Environment;
use crate::error::{Code, Error, Result};

pub use consumer::Progress;
pub use records::{Entry, RECORD_BYTES_MAX, RECORDS_AT_ONCE_MAX, UNREAD_MAX};
pub use spec::StreamSpec;

/// How often a node looks for what other nodes accepted, in ms.
const LOOK_EVERY_MS: u64 = 1_000;

/// What the tasks of streams know beside the store.
#[derive(Debug)]
pub(crate) struct Streams {
    /// Producers of one stream take turns: their numbers follow one another.
    turns: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    /// Counts acceptances, for consumers that wait.
    accepted: watch::Sender<u64>,
    /// A consumer has ended.
    ended: Notify,
}

impl Default for Streams {
    fn default() -> Self {
        Self { turns: Mutex::default(), accepted: watch::channel(0).0, ended: Notify::new() }
    }
}

impl Streams {
    fn turn(&self, stream: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(turns.entry(stream.to_owned()).or_default())
    }
}

pub(super) async fn prepare(engine: &Engine) -> Result<()> {
    records::prepare(engine).await?;
    consumer::prepare(engine).await
}

/// Accepts records and answers their numbers; for administrators and functions. When this returns,
/// they are durable.
///
/// # Errors
/// [`Code::InvalidParameter`] for a stream that no function consumes, [`Code::PayloadTooLarge`],
/// [`Code::Overloaded`] when [`UNREAD_MAX`] records are unread, or what the store reports.
pub async fn append(context: &Context, stream: &str, entries: Vec<Entry>) -> Result<Vec<i64>> {
    check_privileged(context)?;
    let environment = &context.environment;
    let triggers = environment.triggers();
    if !triggers.registry.all().iter().any(|it| consumes(it, stream)) {
        return Err(Error::new(
            Code::InvalidParameter,
            format!(
                "No function consumes the stream '{stream}': give one a trigger of type 'stream'. \
                 / 没有云函数消费流「{stream}」:请先为云函数配置 type 为 stream 的触发器。"
            ),
        ));
    }
    let turn = triggers.streams.turn(stream);
    let _turn = turn.lock().await;
    let numbers = records::append(environment.engine(), stream, entries).await?;
    triggers.streams.accepted.send_modify(|count| *count += 1);
    Ok(numbers)
}

/// How far each consumer of the environment is; only for privileged callers.
pub async fn progress(context: &Context) -> Result<Vec<Progress>> {
    check_privileged(context)?;
    let environment = &context.environment;
    let mut listed = Vec::new();
    for trigger in environment.triggers().registry.all() {
        if let TriggerSpec::Stream(spec) = &trigger.spec {
            listed.push(consumer::progress(environment.engine(), &trigger, spec).await?);
        }
    }
    Ok(listed)
}

fn consumes(trigger: &Trigger, stream: &str) -> bool {
    matches!(&trigger.spec, TriggerSpec::Stream(spec) if spec.stream == stream)
}

/// Keeps one task per consumer until the server stops.
pub(super) async fn run(ways: Ways) {
    let triggers = ways.environment.triggers();
    let mut changes = triggers.registry.changes();
    let mut running: HashMap<String, tokio::task::JoinHandle<()>> = HashMap::new();
    loop {
        running.retain(|_, task| !task.is_finished());
        let all = triggers.registry.all();
        forget(&ways.environment, &all).await;
        for trigger in all {
            let is_stream = matches!(trigger.spec, TriggerSpec::Stream(_));
            let id = trigger.id();
            if is_stream && !running.contains_key(&id) {
                running.insert(id, ways.tracker.spawn(consumer::run(ways.clone(), trigger)));
            }
        }
        tokio::select! {
            () = ways.stop.cancelled() => return,
            changed = changes.changed() => if changed.is_err() { return },
            () = triggers.streams.ended.notified() => {}
        }
    }
}

/// Forgets consumers that are deployed no more, and with them what only they had not read.
async fn forget(environment: &Environment, triggers: &[Arc<Trigger>]) {
    let ids: Vec<_> = triggers.iter().map(|it| it.id()).collect();
    if let Err(error) = consumer::keep_only(environment.engine(), &ids).await {
        tracing::warn!(%error, "consumers of streams could not be forgotten");
    }
}

/// How long to wait for records before looking again: other nodes do not wake this one.
fn look_every(is_shared: bool) -> Duration {
    Duration::from_millis(if is_shared { LOOK_EVERY_MS } else { LOOK_EVERY_MS * 60 })
}
