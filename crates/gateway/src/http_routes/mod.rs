//! The HTTP access service: requests on the routes of an environment, answered by functions.
//!
//! It writes the event, says who asks, and turns the result into an answer. Which function answers
//! and who may ask is decided by `platform::http`. Anything without a route is the hosted site's.

mod event;
mod raw;
mod result;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use platform::http::{self, Answerer, Route};
use platform::keys::{self, Proof};
use platform::{Caller, Context, Environment, Error, Result, sign_in};
use serde_json::json;

use crate::codes::{gateway_code, gateway_status};
use crate::origin::{self, Peer};
use crate::server::Gateway;
use crate::{hosting, reply, sockets, upload};

pub(crate) use event::{headers, query};
pub(crate) use raw::{lane, pass};
pub(crate) use result::to_response;

/// The header in which the vendor's client SDKs send `accessToken/@@/refreshToken`.
pub(crate) const CREDENTIALS: &str = "x-cloudbase-credentials";
/// The parameter that carries the token of a WebSocket.
pub(crate) const TOKEN_PARAMETER: &str = "access_token";
/// The largest body, in bytes.
const BODY_BYTES_MAX: usize = 6 * 1024 * 1024;

/// Answers by the route of the path, else from the hosted site.
pub async fn serve(state: State<Arc<Gateway>>, request: Request<Body>) -> Response<Body> {
    let Ok(environment) = environment(&state, &request) else {
        return hosting::serve(state, request).await;
    };
    let request = if sockets::is_upgrade(request.headers()) {
        match sockets::accept(&state, &environment, request).await {
            Ok(response) => return response,
            Err(request) => request,
        }
    } else {
        request
    };
    let table = environment.routes();
    let Some(found) = table.find(request.uri().path()) else {
        return hosting::serve(state, request).await;
    };
    let origin = request.headers().contains_key(header::ORIGIN);
    if found.route.cors && origin && is_preflight(request.method(), request.headers()) {
        return preflight(request.headers());
    }
    let (parts, body) = request.into_parts();
    let (request_id, outcome) = match context(&state, environment, &parts, found.route.auth) {
        Ok(context) => {
            let id = context.request_id.clone();
            (id, answer(&context, found.route, &found.path, parts, body).await)
        }
        Err(error) => (platform::new_request_id(), Err(error)),
    };
    let mut response = outcome.unwrap_or_else(|error| refusal(&request_id, &error));
    if found.route.cors && origin {
        share(response.headers_mut());
    }
    identify(&mut response, &request_id);
    response
}

/// The environment whose name begins the Host, as the vendor's default domains do; else the default
/// one. A function's own.
fn environment(gateway: &Gateway, request: &Request<Body>) -> Result<Arc<Environment>> {
    let platform = gateway.platform();
    if let Some(peer @ Peer::Worker(worker)) = request.extensions().get::<Peer>() {
        debug_assert!(peer.ip().is_none());
        let own = origin::invocation(platform.default_environment(), worker, request.headers())?;
        return platform.environment(&own.environment);
    }
    let host = request.headers().get(header::HOST).and_then(|it| it.to_str().ok());
    let label = host.and_then(|host| host.split_once('.')).map(|(label, _)| label);
    let named = label.and_then(|label| {
        platform.environments().into_iter().find(|environment| environment.id() == label)
    });
    Ok(named.unwrap_or_else(|| Arc::clone(platform.default_environment())))
}

/// Who asks, of this environment.
///
/// A token that does not hold refuses the request where somebody is wanted (`strict`), or where the
/// vendor's own header carries it; elsewhere `Authorization` may be the function's own business.
fn context(
    gateway: &Gateway,
    environment: Arc<Environment>,
    parts: &Parts,
    strict: bool,
) -> Result<Context> {
    let peer = origin::peer(parts)?;
    if let Peer::Worker(worker) = &peer {
        let invocation = origin::invocation(&environment, worker, &parts.headers)?;
        return Ok(origin::function_context(environment, invocation));
    }
    let text = |name: &str| parts.headers.get(name).and_then(|it| it.to_str().ok());
    let caller = match (text(CREDENTIALS), text("authorization")) {
        (Some(credentials), _) => {
            let token = credentials.split("/@@/").next().unwrap_or_default();
            sign_in::caller_of_token(&environment, token)?
        }
        (None, Some(authorization)) => match authorization.strip_prefix("Bearer ") {
            Some(key) if keys::verify(&environment, &Proof::Bearer(key)).is_ok() => {
                Caller::Administrator
            }
            Some(token) => match sign_in::caller_of_token(&environment, token) {
                Ok(caller) => caller,
                Err(error) if strict => return Err(error),
                Err(_) => Caller::Nobody,
            },
            None => Caller::Nobody,
        },
        (None, None) => Caller::Nobody,
    };
    Ok(origin::client_context(gateway, environment, caller, &peer, &parts.headers))
}

/// Who opens a WebSocket: pages cannot send headers with it, so the token may be a parameter.
pub(crate) fn socket_context(
    gateway: &Gateway,
    environment: Arc<Environment>,
    parts: &Parts,
) -> Result<Context> {
    let token = event::query(parts.uri.query().unwrap_or_default()).remove(TOKEN_PARAMETER);
    match token.as_ref().and_then(serde_json::Value::as_str) {
        Some(token) => {
            let peer = origin::peer(parts)?;
            let caller = sign_in::caller_of_token(&environment, token)?;
            Ok(origin::client_context(gateway, environment, caller, &peer, &parts.headers))
        }
        None => context(gateway, environment, parts, false),
    }
}

async fn answer(
    context: &Context,
    route: &Route,
    path: &str,
    parts: Parts,
    body: Body,
) -> Result<Response<Body>> {
    http::admit(context, route)?;
    let qualifier = match http::answerer(context, &route.function, None) {
        Answerer::Server(label) => {
            return raw::pass(context, &route.function, &label, path, parts, body).await;
        }
        Answerer::Handler(label) => Some(label),
        Answerer::Nobody(qualifier) => qualifier,
    };
    let body = upload::read_body(body, BODY_BYTES_MAX).await?;
    let client_ip = context.client_ip.map(|ip| ip.to_string()).unwrap_or_default();
    let about = event::About {
        path,
        environment: context.environment.id(),
        request_id: &context.request_id,
        client_ip: &client_ip,
    };
    let call = http::Call {
        function: route.function.clone(),
        qualifier,
        event: event::of_request(&parts, &body, &about),
        http_context: event::context(&parts, &about),
    };
    result::to_response(&http::call(context, call).await?.result)
}

fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Pages of any origin may ask: they carry tokens, never cookies.
fn preflight(asked: &HeaderMap) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    for (of, to) in [
        (header::ACCESS_CONTROL_REQUEST_METHOD, header::ACCESS_CONTROL_ALLOW_METHODS),
        (header::ACCESS_CONTROL_REQUEST_HEADERS, header::ACCESS_CONTROL_ALLOW_HEADERS),
    ] {
        if let Some(value) = asked.get(of) {
            headers.insert(to, value.clone());
        }
    }
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    share(headers);
    response
}

/// The function's own word about origins wins.
fn share(headers: &mut HeaderMap) {
    if !headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        let exposed = HeaderValue::from_static("*");
        headers.entry(header::ACCESS_CONTROL_EXPOSE_HEADERS).or_insert(exposed);
    }
}

/// `{code, message, requestId}` with a status of its own.
pub(crate) fn refusal(request_id: &str, error: &Error) -> Response<Body> {
    reply::note(request_id, error);
    let status = StatusCode::from_u16(gateway_status(error.code()));
    let body = json!({
        "code": gateway_code(error.code()),
        "message": error.message(),
        "requestId": request_id,
    });
    reply::json_response(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), body.to_string())
}

pub(crate) fn identify(response: &mut Response<Body>, request_id: &str) {
    if let Ok(id) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert("x-request-id", id);
    }
}
