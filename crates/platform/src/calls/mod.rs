//! Calling cloud functions: who may, what the function is told about its caller, what is noted.
//!
//! [`call_function`] is the call of an SDK. Everything else that makes a function run (routes,
//! timers, changes, messages) builds a [`Run`] and hands it to [`run`].

mod event;
mod run;
mod variables;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

use crate::caller::{Caller, Context};
use crate::error::{Code, Error, Result};
use crate::open_api;
use crate::triggers;

use run::ROUTE_KEY;
pub use run::{Run, Trigger, run};
pub(crate) use run::{chance, check_depth};

/// The largest event, in bytes.
pub const EVENT_BYTES_MAX: usize = 6 * 1024 * 1024;
/// How many functions may call one another in one chain.
pub const DEPTH_MAX: u32 = 16;

/// A call of a function.
#[derive(Debug, Default)]
pub struct Call {
    /// The function's name.
    pub name: String,
    /// A version or alias; `$LATEST` when absent.
    pub qualifier: Option<String>,
    /// The event as JSON text; empty means `{}`.
    pub data: String,
    /// Members of the event that are CloudIDs, with the ids; they are exchanged for open data.
    pub cloud_ids: Vec<(String, String)>,
}

/// What a function answered.
#[derive(Debug)]
pub struct Answer {
    /// The returned value as JSON text; never empty.
    pub result: String,
}

/// Calls a function and waits for its answer.
///
/// A caller that gives up ends nothing: real apps call a function with a short timeout and take
/// that for an asynchronous call. It runs on, with its identity, and leaves its record.
pub async fn call_function(context: &Context, call: Call) -> Result<Answer> {
    let demand = demand(context, call).await?;
    let environment = Arc::clone(&context.environment);
    Lasting::new(async move { run(&environment, demand).await }).await
}

/// A future that whoever waits for it polls, without a task of its own: a call passes through as
/// few tasks as it can. When nobody waits any longer, it goes on in a task.
struct Lasting<F: Future + Send + 'static>(Option<Pin<Box<F>>>)
where
    F::Output: Send;

impl<F: Future + Send + 'static> Lasting<F>
where
    F::Output: Send,
{
    fn new(future: F) -> Self {
        Self(Some(Box::pin(future)))
    }
}

impl<F: Future + Send + 'static> Future for Lasting<F>
where
    F::Output: Send,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<F::Output> {
        // Taken out meanwhile: what panics must not be polled again.
        let mut future = self.0.take().expect("nobody polls what has answered");
        let polled = future.as_mut().poll(context);
        if polled.is_pending() {
            self.0 = Some(future);
        }
        polled
    }
}

impl<F: Future + Send + 'static> Drop for Lasting<F>
where
    F::Output: Send,
{
    fn drop(&mut self) {
        // Without a runtime the server has ended, and all calls with it.
        if let Some(future) = self.0.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(future);
        }
    }
}

/// Calls a function after a while, without waiting for it, and answers the call's id. When this
/// returns, the call is durable: it is run at least once, or becomes a dead letter.
///
/// # Errors
/// As [`call_function`] before the function runs; [`Code::PayloadTooLarge`] for events over 128 KB.
pub async fn call_later(context: &Context, call: Call, delay_ms: i64) -> Result<String> {
    // An id of its own: a client may send several requests under one.
    let request_id = crate::environment::new_request_id();
    let demand = Run { request_id, ..demand(context, call).await? };
    if let Ok(label) = run::label_of(&context.environment, &demand) {
        run::check_kind(&context.environment, &demand.function, &label)?;
    }
    triggers::accept(&context.environment, demand, delay_ms).await
}

/// What a caller wants to run, with the identity that it runs with.
async fn demand(context: &Context, call: Call) -> Result<Run> {
    if call.data.len() > EVENT_BYTES_MAX {
        return Err(Error::new(
            Code::PayloadTooLarge,
            "The data of a function call is over 6 MB: upload a file and send its fileID. / 云函数\
             调用参数超过 6 MB:请上传文件后传递 fileID。",
        ));
    }
    let (user, source, depth) = match &context.caller {
        Caller::User(user) => (Some(user.clone()), "wx_client".to_owned(), 1),
        Caller::Administrator => (None, "wx_unknown".to_owned(), 1),
        // On behalf of the user at the root of the chain.
        Caller::Function(parent) => {
            (parent.user.clone(), format!("{},scf", parent.source), parent.depth + 1)
        }
        Caller::Nobody => return Err(crate::sign_in::not_signed_in()),
    };
    let data = match call.cloud_ids.is_empty() {
        true => call.data,
        false => {
            let environment = &context.environment;
            open_api::open_event(environment, user.as_ref(), &call.data, call.cloud_ids).await?
        }
    };
    let event = event::of_call(context, data)?;
    Ok(Run {
        qualifier: call.qualifier,
        user,
        source,
        depth,
        base_url: context.base_url.clone(),
        // The SDK inside the function sends it along with its own calls.
        variables: context
            .route_key
            .iter()
            .map(|key| (ROUTE_KEY.to_owned(), key.clone()))
            .collect(),
        client_ip: context.client_ip,
        // An invocation is logged under the id of the request that asked for it.
        request_id: match &context.caller {
            Caller::Function(_) => crate::environment::new_request_id(),
            _ => context.request_id.clone(),
        },
        ..Run::new(Trigger::Call, call.name, event)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_nobody_waits_for_goes_on() {
        let (go, may_go) = tokio::sync::oneshot::channel();
        let (done, is_done) = tokio::sync::oneshot::channel();
        let mut call = Lasting::new(async move {
            may_go.await.unwrap();
            done.send(7).unwrap();
        });
        // It has begun, and waits; then its caller goes.
        let mut context = task::Context::from_waker(task::Waker::noop());
        assert!(Pin::new(&mut call).poll(&mut context).is_pending());
        drop(call);
        go.send(()).unwrap();
        assert_eq!(is_done.await.unwrap(), 7);
    }
}
