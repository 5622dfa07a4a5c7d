//! What makes functions run without a call: timers, changes of documents, files, calls that nobody
//! waits for.
//!
//! Everything here is remembered in the engine before it is done, so that neither the end of the
//! server nor a second node loses it or does it twice. Nothing here has an identity of a user.

mod change_events;
mod changes;
mod claims;
mod cron;
mod dead_letters;
mod delayed;
mod delivery;
mod due;
mod later;
mod nodes;
mod origins;
mod queue;
mod registry;
mod spec;
pub mod streams;
mod timers;

use std::sync::Arc;
use std::time::Duration;

use engine::Engine;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::caller::Context;
use crate::calls::{Answer, Run};
use crate::database::check_privileged;
use crate::environment::Environment;
use crate::error::{Code, Error, Result};
use crate::journal::Event;

use nodes::{Node, RENEWED_EVERY_MS};
use registry::{Registry, Trigger};

pub(crate) use delayed::{call_delayed, is_delayed_call};
pub(crate) use origins::{Target, is_noted, note, note_file};
pub(crate) use registry::COLLECTION;

pub use claims::{Claim, ClaimState};
pub use cron::iso;
pub use dead_letters::DeadLetter;
pub use queue::{Kept, LATER_EVENT_BYTES_MAX, LaterCall, LaterState};
pub use spec::{
    ChangeEvent, DatabaseSpec, FileEvent, Interrupted, Missed, SocketSpec, StorageSpec,
    TRIGGERS_PER_KIND_MAX, TimerSpec, TriggerSpec, check,
};

/// How many of the next ticks are listed.
const NEXT_LISTED: usize = 3;

/// The triggers of one environment and what runs them.
#[derive(Debug)]
pub(crate) struct Triggers {
    registry: Registry,
    node: Node,
    timers: timers::Timers,
    later: later::Later,
    changes: changes::Changes,
    origins: origins::Origins,
    streams: streams::Streams,
}

impl Triggers {
    /// Whether other nodes may use the same store.
    pub(crate) fn is_shared(&self) -> bool {
        self.node.is_shared()
    }

    /// The functions with a trigger of this kind, in the order of their names.
    pub(crate) fn wanting(&self, wants: impl Fn(&TriggerSpec) -> bool) -> Vec<String> {
        let all = self.registry.all();
        let mut functions: Vec<_> =
            all.iter().filter(|it| wants(&it.spec)).map(|it| it.function.clone()).collect();
        functions.sort_unstable();
        functions.dedup();
        functions
    }

    /// Reads what is deployed; `is_shared` says whether other nodes use the same store.
    pub(crate) async fn open(engine: &Engine, is_shared: bool) -> Result<Self> {
        claims::prepare(engine).await?;
        queue::prepare(engine).await?;
        dead_letters::prepare(engine).await?;
        changes::prepare(engine).await?;
        streams::prepare(engine).await?;
        let node = Node::new(is_shared);
        node.prepare(engine).await?;
        let registry = Registry::open(engine).await?;
        Ok(Self {
            registry,
            node,
            timers: timers::Timers::default(),
            later: later::Later::default(),
            changes: changes::Changes::default(),
            origins: origins::Origins::default(),
            streams: streams::Streams::default(),
        })
    }
}

/// How background work is spawned, and what tells it that the server ends.
#[derive(Clone)]
struct Ways {
    environment: Arc<Environment>,
    stop: CancellationToken,
    tracker: TaskTracker,
}

/// Starts what runs the triggers of an environment.
pub(crate) fn start(
    environment: &Arc<Environment>,
    stop: CancellationToken,
    tracker: &TaskTracker,
) {
    let environment = Arc::clone(environment);
    let ways = Ways { environment, stop, tracker: tracker.clone() };
    tracker.spawn(timers::run(ways.clone()));
    tracker.spawn(later::run(ways.clone()));
    tracker.spawn(changes::run(ways.clone()));
    tracker.spawn(streams::run(ways.clone()));
    if ways.environment.triggers().node.is_shared() {
        tracker.spawn(keep_in_touch(ways));
    }
}

/// Renews this node's lease and learns what other nodes deployed.
async fn keep_in_touch(ways: Ways) {
    let environment = &ways.environment;
    let triggers = environment.triggers();
    loop {
        tokio::select! {
            () = ways.stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_millis(RENEWED_EVERY_MS)) => {}
        }
        if let Err(error) = triggers.node.renew(environment.engine()).await {
            tracing::warn!(%error, "the lease of this node could not be renewed");
        }
        if let Err(error) = triggers.registry.reload(environment.engine()).await {
            tracing::warn!(%error, "triggers could not be read");
        }
    }
}

/// Takes over what another node has deployed.
pub(crate) async fn learn(environment: &Environment) -> Result<()> {
    environment.triggers().registry.reload(environment.engine()).await
}

/// Says that this node is gone, once nothing of it runs any more.
pub(crate) async fn end(environment: &Environment) {
    if let Err(error) = environment.triggers().node.leave(environment.engine()).await {
        tracing::warn!(%error, "the lease of this node could not be given up");
    }
}

/// The prefixes on which WebSockets are accepted, and the functions that handle them.
pub(crate) fn sockets(environment: &Environment) -> Vec<(String, String)> {
    let triggers = environment.triggers().registry.all();
    let sockets = triggers.iter().filter_map(|trigger| match &trigger.spec {
        TriggerSpec::WebSocket(socket) => Some((socket.path.clone(), trigger.function.clone())),
        _ => None,
    });
    sockets.collect()
}

/// Whether this node has the function.
fn is_in_service(environment: &Environment, function: &str) -> bool {
    environment.functions().get(environment.id(), function).is_some()
}

/// Makes these the triggers of a function, durably; none takes them all away.
///
/// # Errors
/// [`Code::InvalidParameter`] naming the trigger and the field, or what the store reports. Then
/// the triggers are what they were.
pub async fn apply(environment: &Environment, function: &str, specs: &[TriggerSpec]) -> Result<()> {
    let engine = environment.engine();
    check(function, specs)?;
    // Before they are known to the task: a timer must not run for ticks before its deployment.
    claims::begin(engine, function, specs).await?;
    changes::begin(engine, function, specs).await?;
    if environment.triggers().registry.put(engine, function, specs).await? && !specs.is_empty() {
        let names: Vec<_> = specs.iter().map(TriggerSpec::name).collect();
        let names = names.join(", ");
        environment.record(Event::Notice {
            text: format!("Triggers of {function}: {names}. / {function} 的触发器:{names}。"),
        });
    }
    Ok(())
}

/// Takes away the triggers of functions that are not among these.
///
/// # Errors
/// What the store reports.
pub async fn keep_only(environment: &Environment, functions: &[String]) -> Result<()> {
    for function in environment.triggers().registry.set().keys() {
        if !functions.contains(function) {
            apply(environment, function, &[]).await?;
        }
    }
    Ok(())
}

/// A trigger as it is listed.
#[derive(Debug)]
pub struct Listed {
    /// The function it runs.
    pub function: String,
    /// What the project says of it.
    pub spec: TriggerSpec,
    /// The next ticks of a timer, ms since 1970.
    pub next_ms: Vec<i64>,
    /// The latest tick of a timer that was claimed.
    pub latest: Option<Claim>,
}

/// Every trigger, by function; only for privileged callers.
pub async fn list(context: &Context) -> Result<Vec<Listed>> {
    check_privileged(context)?;
    let environment = &context.environment;
    let mut listed = Vec::new();
    for trigger in environment.triggers().registry.all() {
        let mut next_ms = Vec::new();
        let mut moment = context.now_ms;
        while next_ms.len() < NEXT_LISTED
            && let Some(next) = trigger.schedule.as_ref().and_then(|it| it.next_after(moment))
        {
            next_ms.push(next);
            moment = next;
        }
        let latest = match &trigger.spec {
            TriggerSpec::Timer(_) => {
                claims::latest(environment.engine(), &trigger.id(), 1).await?.pop()
            }
            _ => None,
        };
        let (function, spec) = (trigger.function.clone(), trigger.spec.clone());
        listed.push(Listed { function, spec, next_ms, latest });
    }
    Ok(listed)
}

/// The claimed ticks of a timer, newest first; only for privileged callers.
pub async fn claims(
    context: &Context,
    function: &str,
    name: &str,
    limit: u64,
) -> Result<Vec<Claim>> {
    check_privileged(context)?;
    let trigger = find(context, function, name)?;
    claims::latest(context.environment.engine(), &trigger.id(), limit).await
}

/// Runs a timer's function now and waits for its answer; only for privileged callers.
pub async fn fire(context: &Context, function: &str, name: &str) -> Result<Answer> {
    check_privileged(context)?;
    let trigger = find(context, function, name)?;
    timers::fire(&context.environment, &trigger).await?.ok_or_else(|| {
        Error::new(
            Code::InvalidParameter,
            format!(
                "'{name}' is no timer: only timers can be fired by hand. / 「{name}」不是定时触发器,\
                 只能手动触发定时触发器。"
            ),
        )
    })
}

fn find(context: &Context, function: &str, name: &str) -> Result<Arc<Trigger>> {
    context.environment.triggers().registry.get(function, name).ok_or_else(|| {
        Error::new(
            Code::FunctionMissing,
            format!(
                "The function '{function}' has no trigger '{name}'. / 云函数「{function}」没有触发器\
                 「{name}」。"
            ),
        )
    })
}

/// Accepts a run that nobody waits for, to be begun after a while, and answers its id. When this
/// returns, it is durable: it is run at least once, or becomes a dead letter.
///
/// # Errors
/// [`Code::PayloadTooLarge`] for events over [`LATER_EVENT_BYTES_MAX`], [`Code::FunctionMissing`],
/// [`Code::Overloaded`] when too many wait, or what the store reports.
pub(crate) async fn accept(environment: &Environment, run: Run, delay_ms: i64) -> Result<String> {
    if !is_in_service(environment, &run.function) {
        return Err(Error::new(
            Code::FunctionMissing,
            format!(
                "FunctionName parameter could not be found: there is no function '{0}'. / 云函数「{0}」不存在,请先部署。",
                run.function
            ),
        ));
    }
    later::accept(environment, run, delay_ms).await
}

/// The newest calls that nobody waits for, newest first; only for privileged callers.
pub async fn later_calls(
    context: &Context,
    state: Option<LaterState>,
    limit: u64,
) -> Result<Vec<LaterCall>> {
    check_privileged(context)?;
    queue::latest(context.environment.engine(), state, limit).await
}

/// One call that nobody waits for; only for privileged callers.
pub async fn later_call(context: &Context, id: &str) -> Result<LaterCall> {
    check_privileged(context)?;
    let found = queue::get(context.environment.engine(), id).await?;
    found.ok_or_else(|| no_such("asynchronous call", "异步调用", id))
}

/// The newest dead letters, newest first; only for privileged callers.
pub async fn dead_letters(context: &Context, limit: u64) -> Result<Vec<DeadLetter>> {
    check_privileged(context)?;
    dead_letters::latest(context.environment.engine(), limit).await
}

/// Makes an asynchronous call of a dead letter and answers its id; only for privileged callers.
pub async fn retry_dead_letter(context: &Context, id: &str) -> Result<String> {
    check_privileged(context)?;
    let call = dead_letters::retry(context.environment.engine(), id).await?;
    context.environment.triggers().later.wake();
    call.ok_or_else(|| no_such("dead letter", "死信", id))
}

/// Deletes a dead letter; only for privileged callers.
pub async fn delete_dead_letter(context: &Context, id: &str) -> Result<()> {
    check_privileged(context)?;
    let is_there = dead_letters::delete(context.environment.engine(), id).await?;
    if is_there { Ok(()) } else { Err(no_such("dead letter", "死信", id)) }
}

fn no_such(what: &str, what_zh: &str, id: &str) -> Error {
    Error::new(
        Code::DocumentMissing,
        format!("There is no {what} '{id}'. / 没有 ID 为「{id}」的{what_zh}。"),
    )
}
