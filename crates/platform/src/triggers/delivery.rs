//! One change on its way to a function: judged, told as an event, run, tried again, given up.

use std::sync::Arc;
use std::time::Duration;

use engine::{ChangeRecord, Position};
use tokio_util::sync::CancellationToken;

use super::change_events::{self, Place};
use super::dead_letters::{self, DeadLetter};
use super::queue::Kept;
use super::registry::Trigger;
use super::spec::TriggerSpec;
use super::{Ways, is_in_service};
use crate::calls::{self, DEPTH_MAX, Run};
use crate::environment::{Environment, new_request_id};
use crate::error::{Code, Result};

/// When a change that failed is tried again, in ms after each failure; then it is a dead letter.
const RETRY_AFTER_MS: [u64; 2] = [500, 5_000];
/// How long to wait for room or for the function, in ms.
const TRY_AGAIN_MS: u64 = 1_000;
/// How often to wait for room before giving up: an hour.
const WAITS_MAX: u32 = 3_600;

/// What a change owes to the function.
#[derive(Debug)]
pub(super) struct Owed {
    position: Position,
    event: String,
    /// How deep in its chain the run is.
    depth: u32,
}

/// Whether the position may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivered {
    /// The function has run, or there is a dead letter.
    Yes,
    /// The server stops, the trigger is gone, or nothing could be kept.
    No,
}

/// What a record owes to the function of a trigger; none when it does not count.
pub(super) fn judge(
    environment: &Environment,
    trigger: &Trigger,
    record: &ChangeRecord,
) -> Option<Owed> {
    let event = match &trigger.spec {
        TriggerSpec::Database(spec) => {
            change_events::of_document(spec, trigger.filter.as_ref(), record)
        }
        TriggerSpec::Storage(spec) => {
            let files = environment.files();
            let place = Place { bucket: files.bucket(), function: &trigger.function };
            change_events::of_file(spec, &place, record)
        }
        TriggerSpec::Timer(_)
        | TriggerSpec::Stream(_)
        | TriggerSpec::WebSocket(_)
        | TriggerSpec::Push(_) => None,
    }?;
    let depth = environment.triggers().origins.depth_of(record) + 1;
    Some(Owed { position: record.position, event, depth })
}

/// Delivers the events of one document, one after the other.
pub(super) async fn in_order(
    ways: &Ways,
    gone: &CancellationToken,
    trigger: &Arc<Trigger>,
    events: Vec<Owed>,
) -> Delivered {
    for owed in events {
        if deliver(ways, gone, trigger, owed).await == Delivered::No {
            return Delivered::No;
        }
    }
    Delivered::Yes
}

async fn deliver(
    ways: &Ways,
    gone: &CancellationToken,
    trigger: &Arc<Trigger>,
    owed: Owed,
) -> Delivered {
    let environment = &ways.environment;
    let kind = match &trigger.spec {
        TriggerSpec::Storage(_) => calls::Trigger::Storage,
        _ => calls::Trigger::Database,
    };
    let demand = Run { depth: owed.depth, ..Run::new(kind, trigger.function.clone(), owed.event) };
    if demand.depth > DEPTH_MAX {
        let reason = format!(
            "The function changes what it is run for, {DEPTH_MAX} times in a row: give the trigger \
             a condition that its own changes do not meet. / 函数修改了触发自身的数据,已连续触发 \
             {DEPTH_MAX} 次:请为触发器设置条件,避免循环触发。"
        );
        return bury(environment, trigger, demand, 0, &reason).await;
    }
    let (mut failures, mut waits) = (0, 0);
    loop {
        if gone.is_cancelled() {
            return Delivered::No;
        }
        let outcome = attempt(ways, gone, trigger, &demand).await;
        let (code, reason) = match outcome {
            Ok(None) => return Delivered::No,
            Ok(Some(Ok(()))) => return Delivered::Yes,
            Ok(Some(Err(error))) => (error.code(), error.message().to_owned()),
            Err(NotThere) => (Code::FunctionMissing, String::new()),
        };
        // The server's own end is no failure of the function.
        if ways.stop.is_cancelled() {
            return Delivered::No;
        }
        let is_room_missing =
            matches!(code, Code::FunctionMissing | Code::FunctionOverloaded | Code::Overloaded);
        let wait_ms = if is_room_missing {
            waits += 1;
            Some(TRY_AGAIN_MS).filter(|_| waits < WAITS_MAX)
        } else {
            failures += 1;
            RETRY_AFTER_MS.get(failures - 1).copied()
        };
        let Some(wait_ms) = wait_ms else {
            let attempts = u32::try_from(failures).unwrap_or(u32::MAX);
            tracing::debug!(position = ?owed.position, "a change becomes a dead letter");
            return bury(environment, trigger, demand, attempts, &reason).await;
        };
        tokio::select! {
            () = gone.cancelled() => return Delivered::No,
            () = tokio::time::sleep(Duration::from_millis(wait_ms)) => {}
        }
    }
}

/// This node does not have the function now.
struct NotThere;

/// Runs the function once, when there is room; nothing when the trigger is gone before that.
async fn attempt(
    ways: &Ways,
    gone: &CancellationToken,
    trigger: &Trigger,
    demand: &Run,
) -> std::result::Result<Option<Result<()>>, NotThere> {
    let environment = &ways.environment;
    if !is_in_service(environment, &trigger.function) {
        return Err(NotThere);
    }
    let runs = Arc::clone(&environment.triggers().changes.runs);
    let permit = tokio::select! {
        () = gone.cancelled() => return Ok(None),
        permit = runs.acquire_owned() => permit,
    };
    // Nobody closes the semaphore.
    let Ok(_permit) = permit else { return Ok(None) };
    let demand = Run { request_id: new_request_id(), ..demand.clone() };
    Ok(Some(calls::run(environment, demand).await.map(|_| ())))
}

async fn bury(
    environment: &Environment,
    trigger: &Trigger,
    demand: Run,
    attempts: u32,
    reason: &str,
) -> Delivered {
    let engine = environment.engine();
    // Tried again by hand, it begins a chain of its own.
    let what = Kept::from(Run { depth: 1, ..demand });
    let letter = DeadLetter::new(engine, &trigger.id(), what, attempts, reason);
    match dead_letters::add(engine, &letter).await {
        Ok(()) => Delivered::Yes,
        Err(error) => {
            tracing::warn!(%error, trigger = trigger.id(), "a dead letter could not be kept");
            Delivered::No
        }
    }
}
