//! One invocation, whatever made it: its identity is noted, it is carried out and recorded.

use std::net::IpAddr;
use std::sync::Arc;

use functions::{Ended, Invocation, InvokeError, Kind};

use super::{Answer, DEPTH_MAX, variables};
use crate::caller::User;
use crate::environment::{Environment, new_request_id};
use crate::error::{Code, Error, Result};
use crate::invocations::InvocationContext;
use crate::records::{Part, Record};
use crate::releases::{Chance, resolve};

/// The variable that puts a call on one side of a traffic split (protocol 02 §1).
pub(super) const ROUTE_KEY: &str = "TCB_ROUTE_KEY";

/// What made a function run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// A call by an SDK, another function, or the command line.
    Call,
    /// A request on a route.
    Http,
    /// A tick of a timer.
    Timer,
    /// A change of a document.
    Database,
    /// A file that came or went.
    Storage,
    /// A WebSocket: connected, a message, disconnected.
    WebSocket,
    /// A message that WeChat pushed.
    Push,
    /// A batch of records of a stream.
    Stream,
}

impl Trigger {
    /// Every one.
    pub const ALL: [Trigger; 8] = [
        Trigger::Call,
        Trigger::Http,
        Trigger::Timer,
        Trigger::Database,
        Trigger::Storage,
        Trigger::WebSocket,
        Trigger::Push,
        Trigger::Stream,
    ];

    /// The trigger of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    /// Its name in records, metrics and the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Trigger::Call => "call",
            Trigger::Http => "http",
            Trigger::Timer => "timer",
            Trigger::Database => "database",
            Trigger::Storage => "storage",
            Trigger::WebSocket => "websocket",
            Trigger::Push => "push",
            Trigger::Stream => "stream",
        }
    }
}

/// What is to run, and on whose behalf.
#[derive(Debug, Clone)]
pub struct Run {
    /// What made it run.
    pub trigger: Trigger,
    /// The function's name.
    pub function: String,
    /// A version or alias; `$LATEST` when absent.
    pub qualifier: Option<String>,
    /// The event as JSON text.
    pub event: String,
    /// The signed-in user it runs for, if any.
    pub user: Option<User>,
    /// The chain of sources, as `TCB_SOURCE` shows it.
    pub source: String,
    /// How many functions deep in the chain; the first is 1.
    pub depth: u32,
    /// `http://host[:port]` for links that the function makes; empty when nobody asked over HTTP.
    pub base_url: String,
    /// The client's address, where known.
    pub client_ip: Option<IpAddr>,
    /// The id it is logged under.
    pub request_id: String,
    /// More variables of this call alone, e.g. `TRIGGER_SRC`. `TCB_` names are listed for the SDKs.
    pub variables: Vec<(String, String)>,
    /// It is not a call but the server of a function of the kind `http`.
    pub(crate) serves: bool,
}

impl Run {
    /// A run that no user asked for; fields may be changed afterwards.
    #[must_use]
    pub fn new(trigger: Trigger, function: String, event: String) -> Self {
        Self {
            trigger,
            function,
            qualifier: None,
            event,
            user: None,
            source: if trigger == Trigger::Http { "wx_http" } else { "wx_unknown" }.to_owned(),
            depth: 1,
            base_url: String::new(),
            client_ip: None,
            request_id: new_request_id(),
            variables: Vec::new(),
            serves: false,
        }
    }
}

/// Runs a function and waits for its answer.
///
/// # Errors
/// A chain that is too deep, a function that is not there, and every way it can fail.
pub async fn run(environment: &Environment, run: Run) -> Result<Answer> {
    check_depth(run.depth)?;
    let label = match label_of(environment, &run) {
        Ok(label) => label,
        Err(error) => {
            refused(environment, run);
            return Err(error);
        }
    };
    if !run.serves {
        check_kind(environment, &run.function, &label)?;
    }
    let context = Arc::new(InvocationContext {
        request_id: run.request_id.clone(),
        environment: environment.id().to_owned(),
        function: run.function.clone(),
        version: label.clone(),
        user: run.user,
        source: run.source,
        base_url: run.base_url,
        client_ip: run.client_ip,
        depth: run.depth,
        within: None,
    });
    let invocation = Invocation {
        environment: environment.id().to_owned(),
        function: run.function.clone(),
        qualifier: Some(label),
        event: run.event,
        request_id: run.request_id.clone(),
        variables: variables::of_invocation(&context, environment.app_id(), run.variables),
    };
    environment.invocations().begin(Arc::clone(&context));
    let (started, began_ms) = (std::time::Instant::now(), environment.now_ms());
    let Ended { result, figures } = environment.functions().invoke(invocation).await;
    environment.invocations().settle(&context, figures.worker, environment.now_ms());
    let mut record = Record::of(
        run.trigger,
        run.request_id,
        run.function.clone(),
        context.source.clone(),
        context.user.as_ref(),
    );
    if run.serves {
        record.part = Part::Server;
    }
    record.measured(figures);
    record.total_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    record.ended(result.as_deref(), |text| environment.secrets().redact(text));
    environment.settled(began_ms, record);
    match result {
        Ok(result) => Ok(Answer { result }),
        Err(error) => Err(invoke_error(&run.function, error)),
    }
}

/// A run of what is not there is on record like any other.
fn refused(environment: &Environment, run: Run) {
    let name = run.function.clone();
    let user = run.user.as_ref();
    let mut record = Record::of(run.trigger, run.request_id, run.function, run.source, user);
    record.ended(Err(&InvokeError::NotFound { name }), |text| environment.secrets().redact(text));
    environment.settled(environment.now_ms(), record);
}

/// The version that serves a run.
pub(super) fn label_of(environment: &Environment, run: &Run) -> Result<String> {
    let routed = run.variables.iter().find(|(name, _)| name == ROUTE_KEY);
    let chance = chance(routed.map(|(_, key)| key.as_str()), run.user.as_ref());
    resolve(environment, &run.function, run.qualifier.as_deref(), chance)
}

/// The side of a traffic split: of a route key, else of the user, always the same one.
pub(crate) fn chance<'a>(route_key: Option<&'a str>, user: Option<&'a User>) -> Chance<'a> {
    let key = route_key.filter(|key| !key.is_empty());
    match key.or_else(|| user.map(User::owner_id)) {
        Some(key) => Chance::Of(key),
        None => Chance::Number(rand::random::<u32>()),
    }
}

/// Refuses to call a version that has a server of its own by an event.
pub(super) fn check_kind(environment: &Environment, function: &str, label: &str) -> Result<()> {
    if environment.functions().kind(environment.id(), function, label) != Some(Kind::Http) {
        return Ok(());
    }
    Err(Error::new(
        Code::InvalidParameter,
        format!(
            "{function} answers HTTP requests only: use a route, or /v1/functions/{function} with \
             webfn=true. / {function} 是 HTTP 云函数:请通过路由或 /v1/functions/{function}?webfn=true \
             访问。"
        ),
    ))
}

/// Refuses chains that are too deep.
pub(crate) fn check_depth(depth: u32) -> Result<()> {
    if depth <= DEPTH_MAX {
        return Ok(());
    }
    Err(Error::new(
        Code::FunctionFailed,
        format!(
            "More than {DEPTH_MAX} functions call one another in one chain: look for a function \
             that calls itself without end. / 云函数嵌套调用超过 {DEPTH_MAX} 层,请检查是否存在无限\
             递归。"
        ),
    ))
}

fn invoke_error(function: &str, error: InvokeError) -> Error {
    let code = match &error {
        InvokeError::NotFound { .. } => Code::FunctionMissing,
        InvokeError::QueueFull { .. } => Code::FunctionOverloaded,
        InvokeError::TimedOut { .. } | InvokeError::CpuTimeExceeded { .. } => {
            Code::FunctionTimedOut
        }
        InvokeError::OutOfMemory { .. } => Code::FunctionOutOfMemory,
        InvokeError::TooLarge { .. } => Code::PayloadTooLarge,
        _ => Code::FunctionFailed,
    };
    let message = format!("{function}: {error}");
    Error::with_cause(code, message, error)
}
