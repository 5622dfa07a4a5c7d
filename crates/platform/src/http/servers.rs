//! Functions with an HTTP server of their own: a server is an invocation that lasts.
//!
//! It begins with the first request and ends soon after the last one; then its worker is idle like
//! any other, and the pool keeps or stops it. A worker opens *lanes* (connections) to the platform
//! on its private socket and answers one request on each; so no port is opened, and nobody but the
//! platform can reach the server.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use functions::Kind;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::run_of;
use crate::caller::Context;
use crate::calls::{self, Run};
use crate::environment::Environment;
use crate::error::{Code, Error, Result};
use crate::invocations::InvocationContext;
use crate::records::{ERROR_BYTES_KEPT, HTTP_5XX, Part, Record, RecordError, cut};
use crate::releases::resolve;

/// The variable that tells a worker to serve rather than to handle an event.
const SERVE: &str = "YUNKAI_SERVE";
/// Requests one server answers at once before another one is started.
const REQUESTS_AT_ONCE: usize = 100;
/// Lanes that may wait for requests.
const LANES_MAX: usize = 64;
/// A server that has nothing to do for this long ends.
const LINGER: Duration = Duration::from_secs(2);
/// A server has its first lane within this time, starting and loading included.
const START_TIME_MAX: Duration = Duration::from_secs(30);
/// How long after a connection is broken off it may become known that the server has ended.
const END_TIME_MAX: Duration = Duration::from_secs(1);

/// A connection to a function's server.
pub trait Lane: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Lane for T {}

/// The servers of one environment.
#[derive(Default)]
pub(crate) struct Servers {
    all: Mutex<HashMap<String, Arc<Server>>>,
}

impl std::fmt::Debug for Servers {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Servers").finish_non_exhaustive()
    }
}

/// One server.
struct Server {
    /// The invocation it is.
    id: String,
    function: String,
    /// The version that it runs.
    label: String,
    /// Which deploy of the function it runs.
    revision: u64,
    offered: mpsc::Sender<Box<dyn Lane>>,
    lanes: tokio::sync::Mutex<mpsc::Receiver<Box<dyn Lane>>>,
    open: AtomicUsize,
    /// Requests so far: who saw it idle a while ago knows whether it has been at work since.
    begun: AtomicU64,
    /// Asks it to end.
    ending: CancellationToken,
    /// Why it ended.
    ended: watch::Sender<Option<(Code, String)>>,
}

impl Servers {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Server>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, id: &str) -> Option<Arc<Server>> {
        self.lock().get(id).cloned()
    }
}

/// A request on its way through a lane; its identity is known until this is dropped.
pub struct Opened {
    /// The connection, for one request.
    pub lane: Box<dyn Lane>,
    /// What keeps the server; hold it until the answer is complete.
    pub turn: Turn,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Opened").field("turn", &self.turn).finish_non_exhaustive()
    }
}

/// A request that a server is at work on.
pub struct Turn {
    environment: Arc<Environment>,
    server: Arc<Server>,
    request: Arc<InvocationContext>,
    started: Instant,
    began_ms: i64,
    /// Why it counts as failed, if it does.
    failure: Mutex<Option<RecordError>>,
    /// The request is not done: another server gets it.
    goes_on: bool,
    /// How long the server may take to begin its answer.
    pub limit: Duration,
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Turn").field("request", &self.request).finish_non_exhaustive()
    }
}

impl Turn {
    fn begin(context: &Context, server: Arc<Server>, limit: Duration) -> Self {
        let environment = Arc::clone(&context.environment);
        let run = run_of(context, server.function.clone(), String::new());
        let request = Arc::new(InvocationContext {
            request_id: context.request_id.clone(),
            environment: environment.id().to_owned(),
            function: run.function,
            user: run.user,
            source: run.source,
            base_url: run.base_url,
            client_ip: run.client_ip,
            depth: run.depth,
            within: Some(server.id.clone()),
            version: server.label.clone(),
        });
        environment.invocations().begin(Arc::clone(&request));
        let (started, began_ms) = (Instant::now(), environment.now_ms());
        let (failure, goes_on) = (Mutex::default(), false);
        Self { environment, server, request, started, began_ms, failure, goes_on, limit }
    }

    /// Notes the status of the server's answer: one from 500 on is a failure.
    pub fn answered(&self, status: u16) {
        if status >= 500 {
            self.fail(HTTP_5XX, &format!("The server answered {status}. / 服务返回 {status}。"));
        }
    }

    /// Notes why there is no answer, or only half of one.
    pub fn failed(&self, error: &Error) {
        let kind = match error.code() {
            Code::FunctionTimedOut => "timed-out",
            Code::FunctionOutOfMemory => "out-of-memory",
            Code::FunctionOverloaded => "queue-full",
            Code::FunctionFailed => "exited",
            _ => "failed",
        };
        self.fail(kind, error.message());
    }

    fn settle(&self) {
        let request = &self.request;
        self.environment.invocations().settle(request, None, self.environment.now_ms());
        let mut record = Record::of(
            calls::Trigger::Http,
            request.request_id.clone(),
            request.function.clone(),
            request.source.clone(),
            request.user.as_ref(),
        );
        record.part = Part::Request;
        record.version.clone_from(&request.version);
        record.total_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        record.duration_us = record.total_us;
        record.error = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.environment.settled(self.began_ms, record);
    }

    fn fail(&self, kind: &'static str, message: &str) {
        let message = cut(&self.environment.secrets().redact(message), ERROR_BYTES_KEPT);
        let failure = RecordError { kind, message, stack: String::new() };
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
    }

    /// Why the server ended, when it has broken a connection off because it did.
    pub async fn reason(&self) -> Option<Error> {
        let mut ended = self.server.ended.subscribe();
        let reason = tokio::time::timeout(END_TIME_MAX, ended.wait_for(Option::is_some)).await;
        let (code, message) = reason.ok()?.ok()?.clone()?;
        Some(Error::new(code, message))
    }

    /// The server does not answer: the next request has another one.
    pub fn give_up(&self) {
        self.environment.servers().lock().remove(&self.server.id);
    }

    /// The id by which the worker names this request when it asks the platform for something.
    pub fn request_id(&self) -> &str {
        &self.request.request_id
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.goes_on {
            self.settle();
        }
        if self.server.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            let (environment, server) = (Arc::clone(&self.environment), Arc::clone(&self.server));
            let begun = server.begun.load(Ordering::Acquire);
            tokio::spawn(async move {
                tokio::time::sleep(LINGER).await;
                // Under the lock a new request either is counted already or starts another one.
                let mut all = environment.servers().lock();
                let is_idle = server.open.load(Ordering::Acquire) == 0;
                if is_idle && server.begun.load(Ordering::Acquire) == begun {
                    all.remove(&server.id);
                    server.ending.cancel();
                }
            });
        }
    }
}

/// Who answers a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Answerer {
    /// The server of this version.
    Server(String),
    /// The handler of this version.
    Handler(String),
    /// There is no such version; a call says why, and leaves a record.
    Nobody(Option<String>),
}

/// Who answers a request for a function: aliases and their traffic split decide as for calls.
pub fn answerer(context: &Context, function: &str, qualifier: Option<String>) -> Answerer {
    let environment = &context.environment;
    let user = run_of(context, String::new(), String::new()).user;
    let chance = calls::chance(context.route_key.as_deref(), user.as_ref());
    match resolve(environment, function, qualifier.as_deref(), chance) {
        Ok(label) => match environment.functions().kind(environment.id(), function, &label) {
            Some(Kind::Http) => Answerer::Server(label),
            _ => Answerer::Handler(label),
        },
        Err(_) => Answerer::Nobody(qualifier),
    }
}

/// A connection to the server of a version for one request, started at need.
///
/// # Errors
/// What keeps the server from starting, and [`Code::FunctionTimedOut`] when it does not answer.
pub async fn open(context: &Context, function: &str, label: &str) -> Result<Opened> {
    calls::check_depth(run_of(context, String::new(), String::new()).depth)?;
    let mut tries = 0;
    loop {
        let (server, limit) = choose(context, function, label)?;
        let mut turn = Turn::begin(context, server, limit);
        let server = Arc::clone(&turn.server);
        let error = match tokio::time::timeout(START_TIME_MAX + limit, lane_of(&server)).await {
            Ok(Ok(lane)) => return Ok(Opened { lane, turn }),
            // It had been there, and ended a moment ago.
            Ok(Err(_)) if tries == 0 && server.ending.is_cancelled() => {
                tries += 1;
                turn.goes_on = true;
                continue;
            }
            Ok(Err(error)) => error,
            Err(_) => silent(function),
        };
        turn.failed(&error);
        return Err(error);
    }
}

async fn lane_of(server: &Server) -> Result<Box<dyn Lane>> {
    let mut ended = server.ended.subscribe();
    let mut lanes = server.lanes.lock().await;
    tokio::select! {
        biased;
        lane = lanes.recv() => lane.ok_or_else(|| silent(&server.function)),
        reason = ended.wait_for(Option::is_some) => {
            let reason = reason.ok().and_then(|reason| reason.clone());
            let (code, message) = reason.unwrap_or((Code::FunctionFailed, String::new()));
            Err(Error::new(code, message))
        }
    }
}

/// The least busy server of what is deployed now, or a new one.
fn choose(context: &Context, function: &str, label: &str) -> Result<(Arc<Server>, Duration)> {
    let environment = &context.environment;
    let info = environment.functions().version(environment.id(), function, label);
    let info = info.ok_or_else(|| {
        let message =
            format!("{function}: there is no such function. / 云函数 {function} 不存在。");
        Error::new(Code::FunctionMissing, message)
    })?;
    let limit = Duration::from_millis(info.settings.timeout_ms);
    let most = info.settings.max_instances.map_or(usize::MAX, |most| most.max(1) as usize);
    let mut all = environment.servers().lock();
    // Those of an earlier deploy answer what they have begun and end by themselves.
    let mut fitting: Vec<_> = all
        .values()
        .filter(|it| it.function == function && it.label == label)
        .filter(|it| it.revision == info.revision && it.ended.borrow().is_none())
        .cloned()
        .collect();
    fitting.sort_by_key(|server| server.open.load(Ordering::Acquire));
    let count = fitting.len();
    let chosen = fitting
        .into_iter()
        .next()
        .filter(|server| server.open.load(Ordering::Acquire) < REQUESTS_AT_ONCE || count >= most);
    let server = match chosen {
        Some(server) => server,
        None => {
            let server = start(environment, function, label, info.revision);
            all.insert(server.id.clone(), Arc::clone(&server));
            server
        }
    };
    server.open.fetch_add(1, Ordering::AcqRel);
    server.begun.fetch_add(1, Ordering::AcqRel);
    Ok((server, limit))
}

fn start(
    environment: &Arc<Environment>,
    function: &str,
    label: &str,
    revision: u64,
) -> Arc<Server> {
    let mut run = Run::new(calls::Trigger::Http, function.to_owned(), "{}".to_owned());
    run.qualifier = Some(label.to_owned());
    run.serves = true;
    run.variables.push((SERVE.to_owned(), "1".to_owned()));
    let (offered, lanes) = mpsc::channel(LANES_MAX);
    let server = Arc::new(Server {
        id: run.request_id.clone(),
        function: function.to_owned(),
        label: label.to_owned(),
        revision,
        offered,
        lanes: tokio::sync::Mutex::new(lanes),
        open: AtomicUsize::new(0),
        begun: AtomicU64::new(0),
        ending: CancellationToken::new(),
        ended: watch::Sender::new(None),
    });
    let (environment, started) = (Arc::clone(environment), Arc::clone(&server));
    tokio::spawn(async move {
        let reason = match calls::run(&environment, run).await {
            Ok(_) => (Code::FunctionFailed, stopped(&started.function)),
            Err(error) => (error.code(), error.message().to_owned()),
        };
        environment.servers().lock().remove(&started.id);
        started.ending.cancel();
        started.ended.send_replace(Some(reason));
    });
    server
}

/// A worker offers a lane: only the one that serves can name this invocation.
///
/// # Errors
/// [`Code::InvalidContext`] when the invocation is no server (any more).
pub async fn offer(
    environment: &Environment,
    invocation: &InvocationContext,
    lane: Box<dyn Lane>,
) -> Result<()> {
    let server = environment.servers().get(&invocation.request_id).ok_or_else(no_server)?;
    server.offered.send(lane).await.map_err(|_| no_server())
}

/// Waits until the server is to end; a worker waits for it on a lane of its own.
pub async fn until_ended(environment: &Environment, invocation: &InvocationContext) {
    if let Some(server) = environment.servers().get(&invocation.request_id) {
        server.ending.cancelled().await;
    }
}

fn no_server() -> Error {
    let message = "This invocation serves no requests. / 该调用不提供 HTTP 服务。";
    Error::new(Code::InvalidContext, message)
}

fn stopped(function: &str) -> String {
    format!("{function}: its server has ended. / {function}:其 HTTP 服务已停止。")
}

fn silent(function: &str) -> Error {
    Error::new(
        Code::FunctionTimedOut,
        format!(
            "{function}: its server does not listen: it has to listen on port 9000 (or PORT) when \
             its code is loaded. / {function}:HTTP 服务未启动,请在加载代码时监听 9000 端口(或 PORT)。"
        ),
    )
}
