//! The life of one worker: started, waiting, given a function, called again and again, gone.
//!
//! One task per process owns its line, so a worker can never run two invocations. Whatever a
//! worker does wrong costs that worker its life and its own call, nothing else.

mod call;
mod start;
mod variables;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Sleep;

use crate::connection::Ledger;
use crate::frames::{Broken, Frame, Line};
use crate::hall::{Hall, Turn};
use crate::job::{Job, Make, Seat, Version};
use crate::logs::{Author, level_of};
use crate::pool::{Next, Pool};
use crate::process::Process;
use crate::room::{Need, Order};
use crate::sandbox::{Gate, Verdict};
use crate::scaler::PATIENCE;
use crate::settings::LogLevel;
use crate::slot::Slot;
use call::After;
pub(crate) use call::micros;
pub(crate) use start::node_flags;
use variables::Variables;

/// The region functions are told they run in; SDKs insist on one.
const REGION: &str = "ap-shanghai";
/// The bootstrap gives up settling after 5 s; this is for a bootstrap that does not answer.
const SETTLE_TIME_MAX: Duration = Duration::from_secs(6);

const BUSY_IDLE: &str = "The worker was ended: what earlier calls left behind kept the processor \
                         busy although no call was running. / 工作进程已被终止:没有调用时仍有残留\
                         任务持续占用 CPU。";

/// A worker process and all that belongs to it.
#[derive(Debug)]
struct Worker {
    hall: Arc<Hall>,
    number: u64,
    memory_mb: u64,
    /// What it was started with.
    make: Make,
    line: Line,
    process: Process,
    slot: Slot,
    author: Arc<Author>,
    ledger: Arc<Ledger>,
    /// Accepts connections on the private socket.
    door: JoinHandle<()>,
    /// The way out of its network, where it has one of its own.
    gate: Option<Gate>,
    /// Variables are sent as what differs.
    variables: Variables,
    /// Rings at the earliest deadline that somebody thought of.
    alarm: Pin<Box<Sleep>>,
    /// Calls reach it here while it is idle.
    jobs: mpsc::UnboundedSender<Option<Job>>,
    inbox: mpsc::UnboundedReceiver<Option<Job>>,
    /// Number of the invocation at work, for frames.
    invocation: u32,
    /// The number given last.
    last_number: u32,
    /// Calls sent to the process that wait there for the one at work.
    ahead: VecDeque<Sent>,
    /// Whose worker it is.
    pool: Option<Arc<Pool>>,
    /// Which version of it.
    revision: u64,
    loaded: bool,
    /// It hands every call back and is to go.
    given_up: bool,
    /// How long it took to be given its function.
    assigned_in: Duration,
    /// The most resident memory that was seen, in MB.
    memory_seen_mb: Option<u64>,
    /// The last call still has requests on their way: nothing may begin.
    unsettled: bool,
    /// The call at work, or what it left behind, waits for something.
    held_up: bool,
}

/// A call on its way through the process.
#[derive(Debug)]
struct Sent {
    number: u32,
    request_id: Arc<str>,
    job: Job,
}

/// Starts a worker of this memory size and lives its life. `hurry`: a call waits for it.
pub(crate) async fn live(hall: Arc<Hall>, memory_mb: u64, hurry: bool) {
    let number = hall.number();
    let mut worker = match start::start(&hall, number, memory_mb, Make::default(), hurry).await {
        Ok(worker) => worker,
        Err(message) => return hall.start_failed(memory_mb, message),
    };
    let order = match hall.ready(number, memory_mb) {
        Turn::Serve(order) => Some(order),
        Turn::Wait(assigned) => {
            tokio::select! {
                biased;
                assigned = assigned => assigned.ok(),
                () = hall.closing.cancelled() => None,
                () = worker.watch() => {
                    hall.lost_waiting(number);
                    None
                }
            }
        }
    };
    let Some(order) = order else { return worker.leave().await };
    worker.serve(&order).await;
    order.share.give_back();
    worker.leave().await;
}

/// Starts a worker that differs from the usual ones for this very order.
pub(crate) async fn live_for(hall: Arc<Hall>, memory_mb: u64, make: Make, order: Order) {
    let number = hall.number();
    let hurry = !order.pool.standing.is_low(Instant::now());
    match start::start(&hall, number, memory_mb, make, hurry).await {
        Ok(mut worker) => {
            worker.serve(&order).await;
            order.share.give_back();
            worker.leave().await;
        }
        Err(message) => {
            tracing::error!(%message, "a function worker could not be started");
            order.share.give_back();
            order.pool.start_failed(None, &crate::InvokeError::StartFailed { message });
        }
    }
}

impl Worker {
    /// Returns when the process ends although nobody asked it to.
    async fn watch(&mut self) {
        while let Ok(frame) = self.line.next().await {
            if self.take_note(&frame).is_err() {
                return;
            }
        }
    }

    async fn serve(&mut self, order: &Order) {
        let pool = &order.pool;
        let Some(version) = pool.begin_serving() else { return pool.left(None, false) };
        let revision = Some(version.revision);
        self.revision = version.revision;
        if version.make != self.make {
            // It was deployed to run otherwise while this worker started.
            pool.left(revision, false);
            pool.claim_worker(&self.hall, Need::Calls);
            return;
        }
        if let Err(message) = self.assign(pool, &version).await {
            tracing::error!(%message, "a worker could not be given a function");
            let error = crate::InvokeError::StartFailed { message };
            return pool.start_failed(revision, &error);
        }
        self.work(order, &version).await;
        self.is_held_up(false);
        // The last one first, so that they stand in line as before.
        while let Some(sent) = self.ahead.pop_back() {
            pool.put_back(&self.hall, sent.job);
        }
        if !self.loaded && self.last_number == 0 {
            // Loading ended the process, or will.
            pool.never_load_ahead(version.revision);
        }
        pool.left(revision, self.loaded);
    }

    /// Puts the code into the slot and tells the bootstrap whose worker it is now.
    async fn assign(&mut self, pool: &Arc<Pool>, version: &Arc<Version>) -> Result<(), String> {
        let began = Instant::now();
        self.pool = Some(Arc::clone(pool));
        self.process.watched.serves(&pool.standing);
        let names = (pool.environment.clone(), pool.name.clone());
        self.author.function.set(names).map_err(|_| "the worker has a function".to_owned())?;
        let (tree, code) = (Arc::clone(&version.tree), self.slot.code());
        let filled =
            tokio::task::spawn_blocking(move || crate::slot::fill(&tree.path, &code)).await;
        filled.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        if let Some(gate) = &self.gate {
            gate.policy.set(&version.settings.network);
        }
        let inspect = self.hall.options.inspect.as_ref().filter(|it| it.function == pool.name);
        let mut head = assignment(pool, version, &self.slot);
        head.inspect = inspect.map(|it| InspectHead { port: it.port, break_first: it.break_first });
        let mut sent = self.line.send(0, &head, "").await;
        // A debugger sees the code load in a call.
        // A server begins with its first request.
        let by_event = version.settings.kind == crate::Kind::Event;
        if sent.is_ok() && by_event && head.inspect.is_none() && pool.should_load_ahead() {
            sent = self.line.send(0, &Word { t: "load" }, "").await;
        }
        self.assigned_in = began.elapsed();
        sent.map_err(|_| "the worker is gone".to_owned())
    }

    /// Call after call, until there is a reason to go.
    async fn work(&mut self, order: &Order, version: &Arc<Version>) {
        let pool = &order.pool;
        loop {
            let is_over = self.given_up || self.process.watched.is_worn();
            if is_over || (self.unsettled && !self.settle().await) {
                return;
            }
            self.is_held_up(false);
            let after = match self.ahead.pop_front() {
                Some(sent) => self.run(pool, version, sent, true).await,
                None => {
                    let seat = || Seat {
                        worker: self.number,
                        jobs: self.jobs.clone(),
                        since: Instant::now(),
                        share: Arc::clone(&order.share),
                    };
                    let job = match pool.next(version.revision, seat) {
                        Next::Run(job) => job,
                        Next::Leave => return,
                        Next::Wait => match self.idle(pool).await {
                            Idle::Job(job) => *job,
                            Idle::Again => continue,
                            Idle::Leave => return,
                        },
                    };
                    if self.unsettled {
                        pool.put_back(&self.hall, job);
                        continue;
                    }
                    let sent = self.numbered(job);
                    self.run(pool, version, sent, false).await
                }
            };
            if matches!(after, After::Leave) {
                return;
            }
        }
    }

    /// Waits for a call. A call that is on its way when the worker wants to go is still taken.
    async fn idle(&mut self, pool: &Arc<Pool>) -> Idle {
        loop {
            let frame = tokio::select! {
                biased;
                job = self.inbox.recv() => {
                    return job.flatten().map_or(Idle::Leave, |job| Idle::Job(Box::new(job)));
                }
                frame = self.line.next() => frame,
            };
            let noted = frame.and_then(|frame| self.take_note(&frame));
            let alive = noted.is_ok() && !self.given_up;
            if alive && !self.unsettled {
                continue;
            }
            // Free of the idle list, or a call is on its way already.
            if !pool.stand_up(self.number) {
                match self.inbox.recv().await.flatten() {
                    Some(job) if alive => return Idle::Job(Box::new(job)),
                    Some(job) => pool.put_back(&self.hall, job),
                    None => {}
                }
                return Idle::Leave;
            }
            return if alive { Idle::Again } else { Idle::Leave };
        }
    }

    /// Waits until the requests of the last call are answered. False: this worker must go.
    async fn settle(&mut self) -> bool {
        let began = tokio::time::Instant::now();
        while self.unsettled {
            let patience = if self.held_up { SETTLE_TIME_MAX } else { PATIENCE };
            match tokio::time::timeout_at(began + patience, self.line.next()).await {
                Ok(Ok(frame)) => {
                    if self.take_note(&frame).is_err() {
                        return false;
                    }
                }
                Err(_) if !self.held_up => self.is_held_up(true),
                Ok(Err(_)) | Err(_) => return false,
            }
        }
        self.ledger.settle();
        true
    }

    /// Frames that are not about the outcome of a call.
    fn take_note(&mut self, frame: &Frame) -> Result<(), Broken> {
        let head = frame.head()?;
        match &*head.t {
            "log" if head.platform => {
                let request = head.request.as_deref().and_then(|id| self.ledger.find(Some(id)));
                let (level, text) = (level_of(&head.level), frame.body()?.to_owned());
                self.author.reports(request.as_deref(), level, text);
                if head.harm {
                    self.process.watched.harms();
                }
            }
            "log" => {
                let (request, level) = (head.request.as_deref(), level_of(&head.level));
                self.author.wrote(request, level, head.time, frame.body()?.to_owned());
            }
            "loaded" => self.has_loaded(),
            "asked" => {
                // The platform did not answer: nobody knows on whose behalf it was asked.
                if let Some(pool) = &self.pool {
                    pool.never_load_ahead(self.revision);
                }
                self.given_up = true;
            }
            "busy" => self.unsettled = true,
            "back" => self.take_back(frame.number)?,
            "settled" => self.unsettled = false,
            "stuck" => {
                let text = format!(
                    "The worker is replaced: {} request(s) of this call were still unanswered 5 s \
                     after its result. Await them. / 返回结果 5 秒后仍有 {} 个请求未完成,工作进程\
                     已更换,请使用 await。",
                    head.pending, head.pending
                );
                self.author.reports(self.ledger.latest().as_deref(), LogLevel::Warn, text);
                return Err(Broken::Closed);
            }
            other => return Err(Broken::Garbage(format!("an unknown frame \"{other}\""))),
        }
        Ok(())
    }

    /// Calls that stand in line should not wait for this worker.
    fn is_held_up(&mut self, is_so: bool) {
        if let Some(pool) = self.pool.as_ref().filter(|_| self.held_up != is_so) {
            pool.held_up(self.revision, is_so);
            self.held_up = is_so;
        }
    }

    /// The code is loaded, for a call or ahead of one.
    fn has_loaded(&mut self) {
        if let Some(pool) = self.pool.as_ref().filter(|_| !self.loaded) {
            pool.loaded(self.revision);
        }
        self.loaded = true;
    }

    /// A call that waited in the process was given back: it must not begin while the one before it
    /// still has requests on their way.
    fn take_back(&mut self, number: u32) -> Result<(), Broken> {
        let at = self.ahead.iter().position(|sent| sent.number == number);
        match (at.and_then(|at| self.ahead.remove(at)), &self.pool) {
            (Some(sent), Some(pool)) => {
                self.ledger.forget(&sent.request_id);
                pool.put_back(&self.hall, sent.job);
                Ok(())
            }
            _ => Err(Broken::Garbage("a call given back that was not sent".to_owned())),
        }
    }

    /// Lets the process finish what its calls did not await. A worker is often sent home right
    /// after a result, and such requests begin only then.
    async fn drain(&mut self) {
        if !self.loaded || self.unsettled {
            return;
        }
        if self.line.send(0, &Word { t: "leave" }, "").await.is_err() {
            return;
        }
        let closing = self.hall.closing.clone();
        let deadline = tokio::time::Instant::now() + SETTLE_TIME_MAX;
        loop {
            let frame = tokio::select! {
                frame = tokio::time::timeout_at(deadline, self.line.next()) => frame,
                () = closing.cancelled() => return,
            };
            let Ok(Ok(frame)) = frame else { return };
            let has_left = frame.head().is_ok_and(|head| head.t == "left");
            if has_left || self.take_note(&frame).is_err() {
                return;
            }
        }
    }

    /// The end: the group is killed, the process reaped, the slot removed.
    async fn leave(mut self) {
        self.drain().await;
        self.hall.forget(self.number);
        self.door.abort();
        if self.process.watched.verdict() == Some(Verdict::Idle) {
            self.author.reports(
                self.ledger.latest().as_deref(),
                LogLevel::Warn,
                BUSY_IDLE.to_owned(),
            );
        }
        self.process.kill();
        self.process.end(Duration::from_secs(1)).await;
        // Removing many files takes a while.
        let slot = self.slot;
        let _ = tokio::task::spawn_blocking(move || drop(slot)).await;
    }
}

/// What waiting for a call ended with.
enum Idle {
    Job(Box<Job>),
    Again,
    Leave,
}

/// A frame that says all with its name: `load` the code now, `ask` whether the call at work waits
/// for something, `leave` when all is done.
#[derive(Debug, Serialize)]
struct Word {
    t: &'static str,
}

/// The frame that makes a waiting worker the worker of a function.
#[derive(Debug, Serialize)]
struct Assignment<'a> {
    t: &'static str,
    root: std::path::PathBuf,
    file: &'a str,
    name: &'a str,
    carried: Option<&'a std::path::Path>,
    network: NetworkHead<'a>,
    environment: serde_json::Map<String, serde_json::Value>,
    variables: serde_json::Map<String, serde_json::Value>,
    context: serde_json::Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    inspect: Option<InspectHead>,
}

/// The debugger a worker opens.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct InspectHead {
    port: u16,
    break_first: bool,
}

/// Where the function may connect to.
#[derive(Debug, Serialize)]
struct NetworkHead<'a> {
    allow: &'a [String],
    deny: &'a [String],
}

fn assignment<'a>(pool: &Pool, version: &'a Version, slot: &Slot) -> Assignment<'a> {
    let settings = &version.settings;
    let (file, name) = crate::package::split_handler(&settings.handler)
        .expect("a handler is checked before the version exists");
    let variables: serde_json::Map<_, _> = settings
        .variables
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().into()))
        .collect();
    let mut environment = variables.clone();
    for (name, value) in [
        ("SCF_FUNCTIONNAME", pool.name.as_str()),
        ("SCF_FUNCTIONVERSION", version.label.as_str()),
        ("SCF_NAMESPACE", &pool.environment),
        ("TCB_ENV", &pool.environment),
    ] {
        environment.insert(name.to_owned(), value.into());
    }
    Assignment {
        t: "assign",
        root: slot.code(),
        file,
        name,
        carried: version.carried.as_ref().map(|sdk| sdk.folder.as_path()),
        network: NetworkHead { allow: &settings.network.allow, deny: &settings.network.deny },
        environment,
        variables,
        context: serde_json::json!({
            "function_name": pool.name,
            "function_version": version.label,
            "memory_limit_in_mb": settings.memory_mb,
            "time_limit_in_ms": settings.timeout_ms,
            "environ": "",
            "namespace": pool.environment,
            "tencentcloud_region": REGION,
        }),
        inspect: None,
    }
}
