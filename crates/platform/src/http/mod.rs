//! The HTTP access service: paths of an environment that are answered by functions.
//!
//! It keeps the route table, decides who may use a route and makes the function run. What an event
//! and an answer look like on the wire is the gateway's business.

mod routes;
mod servers;

use crate::caller::{Caller, Context};
use crate::calls::{self, Answer, Run, Trigger};
use crate::environment::{Environment, new_request_id};
use crate::error::{Code, Error, Result};
use crate::kept;

pub use routes::{Matched, Route, RouteTable};
pub(crate) use routes::{check_path, covers};
pub(crate) use servers::Servers;
pub use servers::{Answerer, Lane, Opened, Turn, answerer, offer, open, until_ended};

/// Where the route table is kept.
pub(crate) const COLLECTION: &str = "system.routes";

/// Puts these routes in the place of all earlier ones, durably.
///
/// # Errors
/// What [`RouteTable::new`] refuses; the store's failures.
pub async fn apply(environment: &Environment, routes: &[Route]) -> Result<()> {
    let table = RouteTable::new(routes.to_vec())?;
    if *environment.routes() == table {
        return Ok(());
    }
    kept::write(environment.engine(), COLLECTION, &table.routes()).await?;
    environment.set_routes(table);
    Ok(())
}

/// The routes kept by an earlier process.
pub(crate) async fn read(engine: &engine::Engine) -> Result<RouteTable> {
    RouteTable::new(kept::read(engine, COLLECTION).await?)
}

/// One request for a function, its event already written.
#[derive(Debug)]
pub struct Call {
    /// The function's name.
    pub function: String,
    /// A version or alias.
    pub qualifier: Option<String>,
    /// The event as JSON text.
    pub event: String,
    /// What `TCB_HTTP_CONTEXT` tells the SDKs, as JSON text.
    pub http_context: String,
}

/// Whether the caller may use the route at all.
///
/// # Errors
/// [`Code::NotSignedIn`] where the route wants somebody and nobody asks.
pub fn admit(context: &Context, route: &Route) -> Result<()> {
    if route.auth && matches!(context.caller, Caller::Nobody) {
        return Err(crate::sign_in::not_signed_in());
    }
    Ok(())
}

/// Runs the function for an HTTP request.
///
/// # Errors
/// An event over 6 MB; everything that [`calls::run`] reports.
pub async fn call(context: &Context, call: Call) -> Result<Answer> {
    if call.event.len() > calls::EVENT_BYTES_MAX {
        return Err(Error::new(
            Code::PayloadTooLarge,
            "The request is over 6 MB as an event (binary bodies grow by a third): upload a file \
             and send its fileID. / 请求转换为事件后超过 6 MB(二进制内容会增大三分之一):请上传文件后\
             传递 fileID。",
        ));
    }
    let demand = Run {
        qualifier: call.qualifier,
        variables: vec![("TCB_HTTP_CONTEXT".to_owned(), call.http_context)],
        ..run_of(context, call.function, call.event)
    };
    calls::run(&context.environment, demand).await.map_err(|error| match error.code() {
        // The event fitted: it is the result that did not.
        Code::PayloadTooLarge => Error::new(Code::FunctionFailed, error.message()),
        _ => error,
    })
}

/// A run on behalf of whoever sent the request.
pub(crate) fn run_of(context: &Context, function: String, event: String) -> Run {
    let plain = Run::new(Trigger::Http, function, event);
    let (user, source, depth, request_id) = match &context.caller {
        Caller::User(user) => (Some(user.clone()), plain.source, 1, context.request_id.clone()),
        Caller::Function(parent) => {
            let source = format!("{},scf", parent.source);
            (parent.user.clone(), source, parent.depth + 1, new_request_id())
        }
        Caller::Administrator | Caller::Nobody => {
            (None, plain.source, 1, context.request_id.clone())
        }
    };
    Run {
        user,
        source,
        depth,
        request_id,
        base_url: context.base_url.clone(),
        client_ip: context.client_ip,
        ..Run::new(Trigger::Http, plain.function, plain.event)
    }
}
