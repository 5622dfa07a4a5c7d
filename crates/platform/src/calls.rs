//! Calling cloud functions: who may, what the function is told about its caller, what is noted.

use std::sync::Arc;

use functions::{Invocation, InvokeError};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use crate::caller::{Caller, Context, User};
use crate::error::{Code, Error, Result};
use crate::invocations::InvocationContext;
use crate::journal::Event;

/// The largest event, in bytes.
pub const EVENT_BYTES_MAX: usize = 6 * 1024 * 1024;
/// How many functions may call one another in one chain.
pub const DEPTH_MAX: u32 = 16;

/// Stands where SDKs want a key or token; worth nothing, and the same for every call, because
/// writing a variable is the dearest thing a worker does before a call.
const DECOY: &str = "yunkai";

/// A call of a function.
#[derive(Debug)]
pub struct Call {
    /// The function's name.
    pub name: String,
    /// A version or alias; `$LATEST` when absent.
    pub qualifier: Option<String>,
    /// The event as JSON text; empty means `{}`.
    pub data: String,
}

/// What a function answered.
#[derive(Debug)]
pub struct Answer {
    /// The returned value as JSON text; never empty.
    pub result: String,
}

/// Calls a function and waits for its answer.
pub async fn call_function(context: &Context, call: Call) -> Result<Answer> {
    if call.data.len() > EVENT_BYTES_MAX {
        return Err(Error::new(
            Code::PayloadTooLarge,
            "The data of a function call is over 6 MB: upload a file and send its fileID. / 云函数\
             调用参数超过 6 MB:请上传文件后传递 fileID。",
        ));
    }
    let invocation_context = Arc::new(invocation_context(context, &call.name)?);
    let event = event_text(context, call.data)?;
    let environment = &context.environment;
    let request_id = invocation_context.request_id.clone();
    let invocation = Invocation {
        environment: environment.id().to_owned(),
        function: call.name.clone(),
        qualifier: call.qualifier,
        event,
        request_id: request_id.clone(),
        variables: variables(&invocation_context, environment.app_id()),
    };
    environment.invocations().begin(Arc::clone(&invocation_context));
    let started = std::time::Instant::now();
    let outcome = environment.functions().invoke(invocation).await;
    environment.invocations().settle(&request_id, environment.now_ms());
    let error = outcome.as_ref().err().map(ToString::to_string);
    environment.record(Event::Invocation {
        request_id,
        function: call.name.clone(),
        source: invocation_context.source.clone(),
        openid: invocation_context.user.as_ref().and_then(|user| user.openid.clone()),
        cold: outcome.as_ref().is_ok_and(|outcome| outcome.cold),
        duration_us: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        error,
    });
    match outcome {
        Ok(outcome) => Ok(Answer { result: outcome.result }),
        // Without a version in service, why the latest one was refused says more.
        Err(InvokeError::NotFound { name }) => match environment.refusal(&call.name) {
            Some(reason) => Err(Error::new(Code::DeployRefused, format!("{name}: {reason}"))),
            None => Err(invoke_error(&call.name, InvokeError::NotFound { name })),
        },
        Err(error) => Err(invoke_error(&call.name, error)),
    }
}

/// Who the new invocation runs for: the signed-in user, or the user at the root of the chain.
fn invocation_context(context: &Context, function: &str) -> Result<InvocationContext> {
    let (user, source, depth) = match &context.caller {
        Caller::User(user) => (Some(user.clone()), "wx_client".to_owned(), 1),
        Caller::Administrator => (None, "wx_unknown".to_owned(), 1),
        Caller::Function(parent) => {
            (parent.user.clone(), format!("{},scf", parent.source), parent.depth + 1)
        }
        Caller::Nobody => return Err(crate::sign_in::not_signed_in()),
    };
    if depth > DEPTH_MAX {
        return Err(Error::new(
            Code::FunctionFailed,
            format!(
                "More than {DEPTH_MAX} functions call one another in one chain: look for a \
                 function that calls itself without end. / 云函数嵌套调用超过 {DEPTH_MAX} 层,请检查\
                 是否存在无限递归。"
            ),
        ));
    }
    Ok(InvocationContext {
        // An invocation is logged under the id of the request that asked for it.
        request_id: match &context.caller {
            Caller::Function(_) => crate::environment::new_request_id(),
            _ => context.request_id.clone(),
        },
        environment: context.environment.id().to_owned(),
        function: function.to_owned(),
        user,
        source,
        base_url: context.base_url.clone(),
        client_ip: context.client_ip,
        depth,
    })
}

/// The event as the function sees it: the caller's data, and for a user's call `userInfo`.
///
/// `userInfo.openId` and `.appId` are the server's word and cannot be chosen by a client; other
/// members that the client put there stay.
fn event_text(context: &Context, data: String) -> Result<String> {
    let data = if data.trim().is_empty() { "{}".to_owned() } else { data };
    let Caller::User(user) = &context.caller else {
        serde_json::from_str::<&RawValue>(&data).map_err(not_json)?;
        return Ok(data);
    };
    if !data.trim_start().starts_with('{') {
        serde_json::from_str::<&RawValue>(&data).map_err(not_json)?;
        return Ok(data);
    }
    let mut event: Map<String, Json> = serde_json::from_str(&data).map_err(not_json)?;
    let mut info = match event.remove("userInfo") {
        Some(Json::Object(info)) => info,
        _ => Map::new(),
    };
    info.insert("appId".into(), user.appid.clone().unwrap_or_default().into());
    info.insert("openId".into(), user.openid.clone().unwrap_or_default().into());
    event.insert("userInfo".into(), Json::Object(info));
    serde_json::to_string(&event).map_err(not_json)
}

fn not_json(error: serde_json::Error) -> Error {
    Error::with_cause(
        Code::InvalidParameter,
        format!(
            "The data of a function call is not JSON: {error}. / 云函数调用参数不是合法的 JSON:{error}"
        ),
        error,
    )
}

/// The process environment of one invocation (protocol 02 §3.3, §3.4).
fn variables(context: &InvocationContext, app_id: &str) -> Vec<(String, String)> {
    let mut wx = vec![("WX_APPID".to_owned(), app_id.to_owned())];
    let mut tcb = vec![
        ("TCB_ENV".to_owned(), context.environment.clone()),
        ("TCB_SEQID".to_owned(), context.request_id.clone()),
        ("TCB_SOURCE".to_owned(), context.source.clone()),
    ];
    if let Some(ip) = context.client_ip {
        wx.push(("WX_CLIENTIP".to_owned(), ip.to_string()));
        tcb.push(("TCB_SOURCE_IP".to_owned(), ip.to_string()));
    }
    if let Some(user) = &context.user {
        wx.extend(user_variables(user));
        tcb.push(("TCB_UUID".to_owned(), user.uid.clone()));
        tcb.push(("LOGINTYPE".to_owned(), user.login_type.clone()));
        let anonymous = (user.login_type == "ANONYMOUS").to_string();
        tcb.push(("TCB_ISANONYMOUS_USER".to_owned(), anonymous));
    }
    wx.push(("WX_API_TOKEN".to_owned(), DECOY.to_owned()));
    let names = |pairs: &[(String, String)]| {
        pairs.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(",")
    };
    let mut variables = vec![
        ("WX_CONTEXT_KEYS".to_owned(), names(&wx)),
        ("TCB_CONTEXT_KEYS".to_owned(), names(&tcb)),
        ("SCF_NAMESPACE".to_owned(), context.environment.clone()),
        // The SDKs insist on keys; who asks is known by the worker's own socket, not by these.
        ("TENCENTCLOUD_SECRETID".to_owned(), DECOY.to_owned()),
        ("TENCENTCLOUD_SECRETKEY".to_owned(), DECOY.to_owned()),
        ("TENCENTCLOUD_SESSIONTOKEN".to_owned(), DECOY.to_owned()),
    ];
    variables.extend(wx);
    variables.extend(tcb);
    variables
}

fn user_variables(user: &User) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    if let Some(openid) = &user.openid {
        pairs.push(("WX_OPENID".to_owned(), openid.clone()));
    }
    if let Some(unionid) = &user.unionid {
        pairs.push(("WX_UNIONID".to_owned(), unionid.clone()));
    }
    pairs
}

fn invoke_error(function: &str, error: InvokeError) -> Error {
    let code = match &error {
        InvokeError::NotFound { .. } => Code::FunctionMissing,
        InvokeError::TimedOut { .. } => Code::FunctionTimedOut,
        InvokeError::QueueFull { .. } => Code::Overloaded,
        InvokeError::TooLarge { .. } => Code::PayloadTooLarge,
        _ => Code::FunctionFailed,
    };
    let message = format!("{function}: {error}");
    Error::with_cause(code, message, error)
}
