//! `/_console` and `/_api/*`: what happens on this server, for its operator.
//!
//! The log may hold what functions print about their users, so it is shown only to a browser on
//! this very machine, or to whoever holds the API key. A page of another site cannot read it: no
//! cross-origin header is sent, and the Host must name this machine (against DNS rebinding).

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use axum::response::Redirect;
use axum::routing::get;
use platform::keys::{self, Proof};
use platform::{Caller, Context, Result};
use serde_json::json;

use crate::api;
use crate::origin::{self, Peer};
use crate::reply::json_response;
use crate::server::Gateway;

/// The page; one file without anything to load.
const PAGE: &str = include_str!("../../../console/index.html");
/// What the page may do: run what is in it, and ask this server.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
                      img-src data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The routes of the console.
pub fn routes() -> Router<Arc<Gateway>> {
    Router::new().route("/_console", get(page)).route("/_console/", get(page))
}

/// The page on a listener of its own: it asks for the key, and the API behind it wants it.
pub fn page_routes() -> Router<Arc<Gateway>> {
    let to_console = || async { Redirect::temporary("/_console") };
    Router::new()
        .route("/", get(to_console))
        .route("/_console", get(|| async { shown() }))
        .route("/_console/", get(|| async { shown() }))
}

/// What else is asked of that listener.
pub async fn nothing_here() -> Response<Body> {
    let body = json!({
        "code": "INVALID_ACTION",
        "message": "Only the console and its API are here. / 此端口仅提供控制台及其接口。",
    });
    json_response(StatusCode::NOT_FOUND, body.to_string())
}

/// The people one can sign in as, for the user switcher of a `dev` server.
pub async fn dev_users(State(gateway): State<Arc<Gateway>>) -> Response<Body> {
    let simulator = gateway.platform().wechat().is_simulator();
    let users: Vec<_> = gateway
        .options()
        .dev_users
        .iter()
        .filter(|_| simulator)
        .map(|(name, nickname)| json!({ "name": name, "nickname": nickname }))
        .collect();
    let body = json!({ "simulator": simulator, "users": users });
    json_response(StatusCode::OK, body.to_string())
}

async fn page(State(gateway): State<Arc<Gateway>>, request: Request<Body>) -> Response<Body> {
    if let Some(refusal) = refuse_strangers(&gateway, &request) {
        return refusal;
    }
    shown()
}

fn shown() -> Response<Body> {
    let mut response = Response::new(Body::from(PAGE));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

/// Who may look at what happened in an environment: on a `dev` server a browser on this very
/// machine, anywhere whoever holds the environment's API key. A key that is given must be right.
pub fn viewer(gateway: &Gateway, parts: &Parts) -> Result<Context> {
    let shows_key = parts.headers.contains_key(header::AUTHORIZATION);
    let is_local = is_local(&parts.headers, &parts.extensions);
    if !gateway.options().has_console || !is_local || shows_key {
        return api::context(gateway, parts);
    }
    let named = api::parameter(&parts.uri, "env").unwrap_or_default();
    let environment = gateway.platform().environment(&named)?;
    let peer = origin::peer(parts)?;
    let caller = Caller::Administrator;
    Ok(origin::client_context(gateway, environment, caller, &peer, &parts.headers))
}

/// Whether a browser on this very machine asks, by its own name for it.
fn is_local(headers: &HeaderMap, extensions: &Extensions) -> bool {
    let local = match extensions.get::<Peer>() {
        Some(Peer::Client(address)) => address.ip().to_canonical().is_loopback(),
        // A function is not the operator, even on the operator's machine.
        Some(Peer::Worker(_)) | None => false,
    };
    let host = headers.get(header::HOST).and_then(|it| it.to_str().ok());
    local && host.is_some_and(origin::is_loopback_host)
}

fn refuse_strangers(gateway: &Gateway, request: &Request<Body>) -> Option<Response<Body>> {
    let header = |name| request.headers().get(name).and_then(|it: &HeaderValue| it.to_str().ok());
    if is_local(request.headers(), request.extensions()) {
        return None;
    }
    if let Some(key) = header(header::AUTHORIZATION).and_then(|it| it.strip_prefix("Bearer ")) {
        let environment = gateway.platform().default_environment();
        if keys::verify(environment, &Proof::Bearer(key)).is_ok() {
            return None;
        }
    }
    let body = json!({
        "code": "PERMISSION_DENIED",
        "message": "The console answers on this machine only (127.0.0.1 or localhost), or to the \
                    apiKey of credentials.json as a Bearer token. / 控制台仅限本机访问(127.0.0.1 或 \
                    localhost),或使用 credentials.json 中的 apiKey 作为 Bearer 令牌。",
    });
    Some(json_response(StatusCode::FORBIDDEN, body.to_string()))
}
