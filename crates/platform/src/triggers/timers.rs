//! Timers: functions run by the clock.
//!
//! One task per environment looks which ticks are due, claims each (`claims`) and only then calls
//! the function. Ticks that are due for a moment only are run one by one; ticks that passed while
//! no server ran, or while too much ran, are one group, and the timer's policy says what becomes
//! of it: so old ticks never storm.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::Ways;
use super::claims::{self, Claim, ClaimState};
use super::cron::iso;
use super::due::{self, Due};
use super::registry::Trigger;
use super::spec::{Interrupted, Missed, TimerSpec, TriggerSpec};
use crate::calls::{self, Answer, Run};
use crate::environment::Environment;
use crate::error::Result;
use crate::journal::Event;

/// Runs of timers at once in one environment: more would starve the calls of users.
const RUNS_MAX: usize = 16;
/// How long it waits for a function that is not in service, or after trouble, in ms.
const TRY_AGAIN_MS: i64 = 1_000;

/// What the task knows beside the store.
#[derive(Debug)]
pub(super) struct Timers {
    runs: Arc<Semaphore>,
    /// A run has ended: there is room again.
    ended: Notify,
    /// When each timer is due next, ms since 1970; `i64::MAX` for never.
    due: Mutex<HashMap<String, i64>>,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            runs: Arc::new(Semaphore::new(RUNS_MAX)),
            ended: Notify::new(),
            due: Mutex::default(),
        }
    }
}

impl Timers {
    fn due(&self, id: &str) -> Option<i64> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner).get(id).copied()
    }

    fn set_due(&self, id: String, due: i64) {
        self.due.lock().unwrap_or_else(PoisonError::into_inner).insert(id, due);
    }

    fn forget_due(&self) {
        self.due.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Looks again and again until the server stops.
pub(super) async fn run(ways: Ways) {
    let triggers = ways.environment.triggers();
    let mut changes = triggers.registry.changes();
    let mut rounds = triggers.node.rounds();
    loop {
        let now_ms = ways.environment.now_ms();
        if rounds.must_recover(now_ms) {
            match recover(&ways.environment).await {
                Ok(()) => rounds.recovered(now_ms),
                Err(error) => tracing::warn!(%error, "interrupted timers could not be looked for"),
            }
        }
        let next = match turn(&ways).await {
            Ok(next) => next,
            Err(error) => {
                tracing::warn!(%error, "timers could not be looked at");
                now_ms + TRY_AGAIN_MS
            }
        };
        let pause = rounds.pause(next, ways.environment.now_ms());
        tokio::select! {
            () = ways.stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
            () = triggers.timers.ended.notified() => {}
            changed = changes.changed() => {
                if changed.is_err() {
                    return;
                }
                triggers.timers.forget_due();
            }
        }
    }
}

/// Runs whose node died follow the policy of their timer.
pub(super) async fn recover(environment: &Environment) -> Result<()> {
    let triggers = environment.triggers();
    let is_again = |claim: &Claim| {
        let name = claim.trigger.rsplit('/').next().unwrap_or_default();
        let trigger = triggers.registry.get(&claim.function, name);
        trigger.is_some_and(|trigger| match &trigger.spec {
            TriggerSpec::Timer(timer) => timer.interrupted == Interrupted::Again,
            _ => false,
        })
    };
    let recovered = claims::recover(environment.engine(), &triggers.node, is_again).await?;
    for claim in recovered {
        let (and, and_zh) = match claim.state {
            ClaimState::Again => ("it is run again", "将重新运行"),
            _ => ("it is not run again", "不再运行"),
        };
        environment.record(Event::Notice {
            text: format!(
                "The run of {} at {} was interrupted by the end of its server; {and}. / 定时触发器 \
                 {0} 于 {1} 的运行因服务终止而中断,{and_zh}。",
                claim.trigger,
                iso(claim.tick)
            ),
        });
    }
    Ok(())
}

/// Claims and begins everything that is due now; when to look again, ms since 1970.
pub(super) async fn turn(ways: &Ways) -> Result<i64> {
    let environment = &ways.environment;
    let now_ms = environment.now_ms();
    let mut next = run_again(ways).await?;
    for trigger in environment.triggers().registry.all() {
        if !matches!(trigger.spec, TriggerSpec::Timer(_)) {
            continue;
        }
        let id = trigger.id();
        let due = match environment.triggers().timers.due(&id) {
            Some(due) if due > now_ms => due,
            _ => look(ways, &trigger, now_ms).await?,
        };
        environment.triggers().timers.set_due(id, due);
        next = next.min(due);
    }
    Ok(next)
}

/// Begins what is due of one timer; when it is due next.
async fn look(ways: &Ways, trigger: &Arc<Trigger>, now_ms: i64) -> Result<i64> {
    let environment = &ways.environment;
    let triggers = environment.triggers();
    let (TriggerSpec::Timer(timer), Some(schedule)) = (&trigger.spec, &trigger.schedule) else {
        return Ok(i64::MAX);
    };
    let last = claims::last_tick(environment.engine(), trigger).await?;
    let due = due::between(schedule, last, now_ms);
    if let Due::Later(next) = due {
        return Ok(next);
    }
    if !super::is_in_service(environment, &trigger.function) {
        return Ok(now_ms + TRY_AGAIN_MS);
    }
    let claim = |tick, from, state| {
        claims::claim(environment.engine(), &triggers.node, trigger, tick, from, state)
    };
    let (first, ticks) = match due {
        Due::Later(next) => return Ok(next),
        Due::Passed { first, last } if timer.missed == Missed::Skip => {
            if claim(last, Some(first), ClaimState::Missed).await?.is_some() {
                note_missed(environment, trigger, first, last);
            }
            return Ok(schedule.next_after(last).unwrap_or(i64::MAX));
        }
        Due::Passed { first, last } => (Some(first).filter(|first| *first != last), vec![last]),
        Due::Now(ticks) => (None, ticks),
    };
    for tick in ticks {
        let Ok(permit) = Arc::clone(&triggers.timers.runs).try_acquire_owned() else {
            // The end of a run wakes the task.
            return Ok(now_ms + TRY_AGAIN_MS);
        };
        if let Some(claim) = claim(tick, first, ClaimState::Running).await? {
            begin(ways, trigger, claim, permit);
        }
    }
    Ok(schedule.next_after(now_ms).unwrap_or(i64::MAX))
}

/// Begins the interrupted runs that are to be run again; when to look again.
async fn run_again(ways: &Ways) -> Result<i64> {
    let environment = &ways.environment;
    let triggers = environment.triggers();
    for claim in claims::waiting_again(environment.engine()).await? {
        let name = claim.trigger.rsplit('/').next().unwrap_or_default();
        let trigger = triggers.registry.get(&claim.function, name);
        let Some(trigger) = trigger.filter(|_| super::is_in_service(environment, &claim.function))
        else {
            return Ok(environment.now_ms() + TRY_AGAIN_MS);
        };
        let Ok(permit) = Arc::clone(&triggers.timers.runs).try_acquire_owned() else {
            return Ok(environment.now_ms() + TRY_AGAIN_MS);
        };
        let taken = claims::take_again(environment.engine(), &triggers.node, &claim).await?;
        if let Some(claim) = taken {
            begin(ways, &trigger, claim, permit);
        }
    }
    Ok(i64::MAX)
}

/// Calls the function for a claimed tick, and notes how that ended.
fn begin(ways: &Ways, trigger: &Arc<Trigger>, claim: Claim, permit: OwnedSemaphorePermit) {
    let TriggerSpec::Timer(timer) = &trigger.spec else { return };
    let call = call(&trigger.function, timer, claim.tick, &claim.request_id);
    let ways = ways.clone();
    let tracker = ways.tracker.clone();
    tracker.spawn(async move {
        let environment = &ways.environment;
        let outcome = calls::run(environment, call).await;
        if outcome.is_err() && ways.stop.is_cancelled() {
            // The server's own end: as if it had died, the next start decides.
            return;
        }
        let outcome = outcome.map(|_| ()).map_err(|error| error.message().to_owned());
        let triggers = environment.triggers();
        let ended = claims::end(environment.engine(), &triggers.node, &claim, outcome).await;
        if let Err(error) = ended {
            tracing::warn!(%error, claim = claim.id, "the end of a run could not be noted");
        }
        drop(permit);
        triggers.timers.ended.notify_one();
    });
}

fn call(function: &str, timer: &TimerSpec, tick: i64, request_id: &str) -> Run {
    let event = json!({
        "Type": "Timer",
        "TriggerName": timer.name,
        "Time": iso(tick),
        "Message": timer.message,
    });
    Run {
        request_id: request_id.to_owned(),
        variables: vec![("TRIGGER_SRC".to_owned(), "timer".to_owned())],
        ..Run::new(calls::Trigger::Timer, function.to_owned(), event.to_string())
    }
}

/// Runs a timer's function now, as if its tick had come.
pub(super) async fn fire(environment: &Environment, trigger: &Trigger) -> Result<Option<Answer>> {
    let TriggerSpec::Timer(timer) = &trigger.spec else { return Ok(None) };
    let request_id = crate::environment::new_request_id();
    let call = call(&trigger.function, timer, environment.now_ms(), &request_id);
    calls::run(environment, call).await.map(Some)
}

fn note_missed(environment: &Environment, trigger: &Trigger, first: i64, last: i64) {
    environment.record(Event::Notice {
        text: format!(
            "The ticks of {} from {} to {} passed while it could not run, and are not made up for. \
             / 定时触发器 {0} 从 {1} 到 {2} 的触发已错过,不再补运行。",
            trigger.id(),
            iso(first),
            iso(last)
        ),
    });
}
