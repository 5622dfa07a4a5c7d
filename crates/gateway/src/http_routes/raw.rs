//! Requests for functions with a server of their own: passed on raw and as streams, upgrades (a
//! WebSocket) included.
//!
//! Each request has a lane to a worker for itself; who asks is written into `x-wx-*` headers, where
//! nobody else can write.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Poll, Poll as Polled};

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Uri, Version, header};
use bytes::Bytes;
use http_body_util::Limited;
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use platform::http::{self, Lane, Opened, Turn};
use platform::{Code, Context, Error, Result, services};
use tokio::io::copy_bidirectional;

use super::result::is_of_the_connection;
use crate::origin::{self, Peer};
use crate::server::Gateway;

/// The largest body of a request, in bytes; it is streamed, never held.
const BODY_BYTES_MAX: usize = 100 * 1024 * 1024;
/// Names the request to the worker; what it asks of the platform then carries this name.
const REQUEST: HeaderName = HeaderName::from_static("x-yunkai-request");
/// What a worker asks to upgrade to.
const LANE: &str = "yunkai-lane";

/// Passes a request on to the function's server and its answer back.
pub async fn pass(
    context: &Context,
    function: &str,
    label: &str,
    path: &str,
    mut parts: Parts,
    body: Body,
) -> Result<Response<Body>> {
    let upgrade = parts.extensions.remove::<OnUpgrade>().filter(|_| is_upgrade(&parts.headers));
    let Opened { lane, turn } = http::open(context, function, label).await?;
    let request = request(context, function, &turn, path, &parts, upgrade.is_some(), body)?;
    let answered = ask(function, &turn, lane, request).await;
    let (mut response, sender) = answered.inspect_err(|error| turn.failed(error))?;
    turn.answered(response.status().as_u16());
    let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    if switched && let Some(upgrade) = upgrade {
        let server = hyper::upgrade::on(&mut response);
        tokio::spawn(join(upgrade, server, turn));
        return Ok(response.map(|_| Body::empty()));
    }
    let headers = response.headers_mut();
    let names: Vec<_> =
        headers.keys().filter(|it| is_of_the_connection(it.as_str())).cloned().collect();
    for name in names.iter().filter(|name| **name != header::CONTENT_LENGTH) {
        headers.remove(name);
    }
    let function = function.to_owned();
    Ok(response.map(|inner| {
        Body::new(Held { inner: Body::new(inner), turn, function, _connection: sender })
    }))
}

/// Sends the request and waits until the answer begins; what is returned beside it keeps the
/// connection.
async fn ask(
    function: &str,
    turn: &Turn,
    lane: Box<dyn Lane>,
    request: Request,
) -> Result<(Response<Incoming>, SendRequest<Body>)> {
    let (mut sender, connection) = match http1::handshake(TokioIo::new(lane)).await {
        Ok(connected) => connected,
        Err(error) => return Err(broken(function, turn, error).await),
    };
    tokio::spawn(connection.with_upgrades());
    match tokio::time::timeout(turn.limit, sender.send_request(request)).await {
        Ok(Ok(response)) => Ok((response, sender)),
        Ok(Err(error)) => Err(broken(function, turn, error).await),
        Err(_) => Err(late(function, turn)),
    }
}

fn is_upgrade(headers: &HeaderMap) -> bool {
    headers.contains_key(header::UPGRADE)
}

fn request(
    context: &Context,
    function: &str,
    turn: &Turn,
    path: &str,
    parts: &Parts,
    upgrades: bool,
    body: Body,
) -> Result<Request> {
    let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let uri: Uri = format!("{path}{query}").parse().map_err(|error| {
        let message = "The address of this request is not valid. / 请求地址不合法。";
        Error::with_cause(Code::InvalidParameter, message, format!("{error}"))
    })?;
    let mut request = Request::new(Body::new(Limited::new(body, BODY_BYTES_MAX)));
    *request.method_mut() = parts.method.clone();
    *request.uri_mut() = uri;
    *request.version_mut() = Version::HTTP_11;
    let headers = request.headers_mut();
    for (name, value) in &parts.headers {
        let kept = !is_of_the_connection(name.as_str()) || *name == header::CONTENT_LENGTH;
        if kept && !services::is_reserved(name) {
            headers.append(name.clone(), value.clone());
        }
    }
    if upgrades {
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        if let Some(value) = parts.headers.get(header::UPGRADE) {
            headers.insert(header::UPGRADE, value.clone());
        }
    }
    services::introduce(headers, context, function);
    let id = HeaderValue::from_str(turn.request_id());
    let id = id.unwrap_or_else(|_| HeaderValue::from_static("-"));
    headers.insert("x-request-id", id.clone());
    headers.insert(REQUEST, id);
    if let Some(ip) = context.client_ip.and_then(|ip| HeaderValue::from_str(&ip.to_string()).ok()) {
        headers.insert("x-real-ip", ip);
    }
    Ok(request)
}

/// Both directions of an upgraded connection, until both have ended.
async fn join(client: OnUpgrade, server: OnUpgrade, turn: Turn) {
    if let (Ok(client), Ok(server)) = tokio::join!(client, server) {
        let (mut client, mut server) = (TokioIo::new(client), TokioIo::new(server));
        // Who goes away is no fault of ours.
        let _ = copy_bidirectional(&mut client, &mut server).await;
    }
    drop(turn);
}

/// The body of an answer; it keeps the connection and the server until it has been sent.
struct Held {
    inner: Body,
    turn: Turn,
    function: String,
    _connection: SendRequest<Body>,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Poll<'_>,
    ) -> Polled<Option<std::result::Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        if let Polled::Ready(Some(Err(_))) = polled {
            self.turn.failed(&half(&self.function));
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.inner.size_hint()
    }
}

/// A worker opens a lane, or waits on `?end` until its server is to end.
pub async fn lane(State(gateway): State<Arc<Gateway>>, mut request: Request) -> Response<Body> {
    match invocation(&gateway, &request) {
        Ok((environment, invocation)) => {
            let waits = request.uri().query() == Some("end");
            let upgrade = hyper::upgrade::on(&mut request);
            tokio::spawn(async move {
                let Ok(lane) = upgrade.await else { return };
                let lane = TokioIo::new(lane);
                if waits {
                    http::until_ended(&environment, &invocation).await;
                } else if let Err(error) =
                    http::offer(&environment, &invocation, Box::new(lane)).await
                {
                    tracing::debug!(%error, "a lane came too late");
                }
            });
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            let headers = response.headers_mut();
            headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
            headers.insert(header::UPGRADE, HeaderValue::from_static(LANE));
            response
        }
        Err(error) => super::refusal("", &error),
    }
}

type Serving = (Arc<platform::Environment>, Arc<platform::invocations::InvocationContext>);

fn invocation(gateway: &Gateway, request: &Request) -> Result<Serving> {
    let Some(Peer::Worker(worker)) = request.extensions().get::<Peer>() else {
        return Err(Error::new(Code::Unsupported, "Nothing is here. / 接口不存在。"));
    };
    let default = gateway.platform().default_environment();
    let invocation = origin::invocation(default, worker, request.headers())?;
    let environment = gateway.platform().environment(&invocation.environment)?;
    Ok((environment, invocation))
}

async fn broken(function: &str, turn: &Turn, error: hyper::Error) -> Error {
    turn.give_up();
    if let Some(reason) = turn.reason().await {
        return reason;
    }
    Error::with_cause(
        Code::FunctionFailed,
        format!(
            "{function}: its server broke the connection off. / {function}:其 HTTP 服务中断了连接。"
        ),
        error,
    )
}

fn half(function: &str) -> Error {
    Error::new(
        Code::FunctionFailed,
        format!(
            "{function}: its server broke the connection off in the middle of an answer. / \
             {function}:其 HTTP 服务在返回内容中途中断了连接。"
        ),
    )
}

fn late(function: &str, turn: &Turn) -> Error {
    let limit = turn.limit.as_millis();
    Error::new(
        Code::FunctionTimedOut,
        format!(
            "{function}: its server did not begin to answer within {limit} ms. / {function}:其 HTTP \
             服务未在 {limit} 毫秒内响应。"
        ),
    )
}
