//! Runs the calls that nobody waits for: a bounded number at once, a bounded number per function,
//! so that a storm of them starves neither the calls of users nor other functions.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::Ways;
use super::queue::{self, LaterCall};
use crate::calls::{self, Run};
use crate::environment::Environment;
use crate::error::Result;

/// Calls that run at once in one environment.
const RUNS_MAX: usize = 16;
/// Calls of one function among them.
const RUNS_PER_FUNCTION_MAX: usize = 8;
/// How often the waiting calls are counted, in ms.
const COUNTED_EVERY_MS: i64 = 1_000;
/// How long it waits after trouble, in ms.
const TRY_AGAIN_MS: i64 = 1_000;

/// What the task knows beside the store.
#[derive(Debug)]
pub(super) struct Later {
    runs: Arc<Semaphore>,
    running: Mutex<HashMap<String, usize>>,
    /// A call was accepted, or one has ended.
    woken: Notify,
    /// When the waiting calls were counted, ms since 1970, and whether they were too many.
    counted: Mutex<(i64, bool)>,
}

impl Default for Later {
    fn default() -> Self {
        Self {
            runs: Arc::new(Semaphore::new(RUNS_MAX)),
            running: Mutex::default(),
            woken: Notify::new(),
            counted: Mutex::new((i64::MIN, false)),
        }
    }
}

impl Later {
    /// Says that there is something to do.
    pub(super) fn wake(&self) {
        self.woken.notify_one();
    }

    fn full(&self) -> Vec<String> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let full = running.iter().filter(|(_, count)| **count >= RUNS_PER_FUNCTION_MAX);
        full.map(|(function, _)| function.clone()).collect()
    }

    fn begin(&self, function: &str) -> bool {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let count = running.entry(function.to_owned()).or_default();
        let has_room = *count < RUNS_PER_FUNCTION_MAX;
        if has_room {
            *count += 1;
        }
        has_room
    }

    fn end(&self, function: &str) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = running.get_mut(function) {
            *count -= 1;
            if *count == 0 {
                running.remove(function);
            }
        }
    }
}

/// Accepts a run that nobody waits for; its id. When this returns, it is durable.
pub(super) async fn accept(environment: &Environment, run: Run, delay_ms: i64) -> Result<String> {
    calls::check_depth(run.depth)?;
    check_room(environment).await?;
    let id = queue::accept(environment.engine(), run, delay_ms).await?;
    environment.triggers().later.wake();
    Ok(id)
}

/// Refuses more calls than may wait. Counting is dear, so it is done once a second.
async fn check_room(environment: &Environment) -> Result<()> {
    let later = &environment.triggers().later;
    let now_ms = environment.now_ms();
    let known = *later.counted.lock().unwrap_or_else(PoisonError::into_inner);
    let mut is_full = known.1;
    if known.0 == i64::MIN || (now_ms - known.0).abs() >= COUNTED_EVERY_MS {
        is_full = queue::waiting(environment.engine()).await? >= queue::WAITING_MAX;
        *later.counted.lock().unwrap_or_else(PoisonError::into_inner) = (now_ms, is_full);
    }
    if is_full { Err(queue::too_many()) } else { Ok(()) }
}

/// Looks again and again until the server stops.
pub(super) async fn run(ways: Ways) {
    let triggers = ways.environment.triggers();
    let mut rounds = triggers.node.rounds();
    loop {
        let now_ms = ways.environment.now_ms();
        if rounds.must_recover(now_ms) {
            match queue::recover(ways.environment.engine(), &triggers.node).await {
                Ok(_) => rounds.recovered(now_ms),
                Err(error) => tracing::warn!(%error, "interrupted calls could not be looked for"),
            }
        }
        let next = match turn(&ways).await {
            Ok(next) => next,
            Err(error) => {
                tracing::warn!(%error, "waiting calls could not be looked at");
                now_ms + TRY_AGAIN_MS
            }
        };
        let pause = rounds.pause(next, ways.environment.now_ms());
        tokio::select! {
            () = ways.stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
            () = triggers.later.woken.notified() => {}
        }
    }
}

/// Begins what is due, as far as there is room; when to look again, ms since 1970.
async fn turn(ways: &Ways) -> Result<i64> {
    let environment = &ways.environment;
    let triggers = environment.triggers();
    loop {
        let room = triggers.later.runs.available_permits();
        if room == 0 || ways.stop.is_cancelled() {
            // The end of a run wakes the task.
            return Ok(i64::MAX);
        }
        let full = triggers.later.full();
        let due = queue::due(environment.engine(), &full, room as u64).await?;
        let mut is_any = false;
        for call in due {
            is_any |= begin(ways, &call).await?;
        }
        if !is_any {
            let next = queue::next_due(environment.engine()).await?;
            return Ok(next.unwrap_or(i64::MAX));
        }
    }
}

/// Takes one call and runs it, when there is room; whether it did.
async fn begin(ways: &Ways, call: &LaterCall) -> Result<bool> {
    let environment = &ways.environment;
    let triggers = environment.triggers();
    let Ok(permit) = Arc::clone(&triggers.later.runs).try_acquire_owned() else {
        return Ok(false);
    };
    if !triggers.later.begin(&call.what.function) {
        return Ok(false);
    }
    let place =
        Place { ways: ways.clone(), function: call.what.function.clone(), permit: Some(permit) };
    let Some(call) = queue::take(environment.engine(), &triggers.node, call).await? else {
        return Ok(false);
    };
    ways.tracker.spawn(carry_out(place, call));
    Ok(true)
}

/// A place among the running calls, given back when it is dropped.
struct Place {
    ways: Ways,
    function: String,
    permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let later = &self.ways.environment.triggers().later;
        later.end(&self.function);
        drop(self.permit.take());
        later.wake();
    }
}

async fn carry_out(place: Place, call: LaterCall) {
    let environment = &place.ways.environment;
    let request_id = call.request_id.as_deref().unwrap_or(&call.id);
    let outcome = calls::run(environment, call.what.run(request_id)).await;
    if outcome.is_err() && place.ways.stop.is_cancelled() {
        // The server's own end: as if it had died, the next start runs it again.
        return;
    }
    let engine = environment.engine();
    let outcome = outcome.as_ref().map(|_| ());
    let ended = queue::end(engine, &environment.triggers().node, &call, outcome).await;
    if let Err(error) = ended {
        tracing::warn!(%error, call = call.id, "the end of a call could not be noted");
    }
}
