//! WebSockets of functions: connected, a message, disconnected, each an event in the shape of the
//! vendor's API gateway; what a function answers or posts to `/_ws` is sent.
//!
//! One task per connection: its events run one after another, in order, and nothing more is read
//! while one runs, so a client that is too fast waits in its own socket.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Response, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use platform::sockets::{self, Connection, MESSAGE_BYTES_MAX, Outgoing};
use platform::{Code, Context, Environment, Error, Result, new_request_id};
use serde_json::{Value as Json, json};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::server::Gateway;
use crate::{http_routes, reply, upload, v1_functions};

/// Functions written for the vendor's API gateway post to a host that ends so.
pub const HOST_SUFFIX: &str = ".apigateway.tencentyun.com";
/// A connection without a message in either direction for this long ends.
const IDLE_TIME_MAX: Duration = Duration::from_secs(600);
/// How often it is asked whether the other end is still there.
const PING_EVERY: Duration = Duration::from_secs(30);
/// A client takes a message within this time, or is gone.
const SEND_TIME_MAX: Duration = Duration::from_secs(10);
/// The largest body of a function that sends.
const BODY_BYTES_MAX: usize = 2 * MESSAGE_BYTES_MAX;

/// Whether a request asks for a WebSocket.
pub fn is_upgrade(headers: &HeaderMap) -> bool {
    let upgrade = headers.get(header::UPGRADE).and_then(|it| it.to_str().ok());
    upgrade.is_some_and(|it| it.eq_ignore_ascii_case("websocket"))
}

/// Answers a request for a WebSocket, when a function handles those of its path; else gives it
/// back.
pub async fn accept(
    gateway: &Arc<Gateway>,
    environment: &Arc<Environment>,
    request: Request,
) -> std::result::Result<Response<Body>, Request> {
    let Some(function) = sockets::find(environment, request.uri().path()) else {
        return Err(request);
    };
    let (mut parts, _) = request.into_parts();
    let outcome = connect(gateway, environment, function, &mut parts).await;
    Ok(outcome.unwrap_or_else(|error| {
        let id = new_request_id();
        let mut response = http_routes::refusal(&id, &error);
        http_routes::identify(&mut response, &id);
        response
    }))
}

/// What the events of one connection have in common.
struct About {
    context: Context,
    function: String,
    request: Json,
    protocol: Option<String>,
}

impl About {
    async fn run(self: Arc<Self>, id: String, action: &'static str, data: Option<Json>) -> Told {
        let mut socket = json!({ "action": action, "secConnectionID": id });
        if let Some(protocol) = &self.protocol {
            socket["secWebSocketProtocol"] = protocol.clone().into();
        }
        if let Some(Json::Object(data)) = data {
            for (name, value) in data {
                socket[name] = value;
            }
        }
        let event = json!({ "requestContext": self.request, "websocket": socket });
        let answer = sockets::run(&self.context, &self.function, event.to_string()).await?;
        serde_json::from_str(&answer.result).map_err(|error| {
            let message = "The function's result is not JSON. / 云函数的返回值不是合法的 JSON。";
            Error::with_cause(Code::FunctionFailed, message, error)
        })
    }
}

type Told = Result<Json>;

async fn connect(
    gateway: &Arc<Gateway>,
    environment: &Arc<Environment>,
    function: String,
    parts: &mut Parts,
) -> Result<Response<Body>> {
    let context = http_routes::socket_context(gateway, Arc::clone(environment), parts)?;
    let text = |name: header::HeaderName| {
        let value = parts.headers.get(name).and_then(|it| it.to_str().ok());
        value.map(str::to_owned)
    };
    let about = Arc::new(About {
        request: request_context(&context, parts),
        protocol: text(header::SEC_WEBSOCKET_PROTOCOL),
        function,
        context,
    });
    let upgrade = WebSocketUpgrade::from_request_parts(parts, gateway).await.map_err(|error| {
        let message = "This is no request for a WebSocket. / 该请求不是合法的 WebSocket 握手。";
        Error::with_cause(Code::InvalidParameter, message, error.to_string())
    })?;
    let connection = Connection::open(environment)?;
    let extensions = parts.headers.get(header::SEC_WEBSOCKET_EXTENSIONS);
    let extensions = extensions.and_then(|it| it.to_str().ok()).unwrap_or_default();
    let more = json!({ "secWebSocketExtensions": extensions });
    let id = connection.id().to_owned();
    let told = Arc::clone(&about).run(id, "connecting", Some(more)).await?;
    if let Some(refused) = refused(&told) {
        return Ok(refused);
    }
    let chosen = told["websocket"]["secWebSocketProtocol"].as_str().map(str::to_owned);
    let mut upgrade = upgrade.max_message_size(MESSAGE_BYTES_MAX).max_frame_size(MESSAGE_BYTES_MAX);
    if let Some(chosen) = chosen {
        // Only one that the client offered is confirmed; of several the first.
        let first = chosen.split(',').next().unwrap_or_default().trim().to_owned();
        upgrade = upgrade.protocols([first]);
    }
    Ok(upgrade.on_upgrade(move |socket| Talk::new(about, connection, socket).hold()))
}

fn request_context(context: &Context, parts: &Parts) -> Json {
    let client_ip = context.client_ip.map(|ip| ip.to_string()).unwrap_or_default();
    let mut query = http_routes::query(parts.uri.query().unwrap_or_default());
    query.remove(http_routes::TOKEN_PARAMETER);
    let mut headers = http_routes::headers(&parts.headers, &client_ip);
    headers.remove("authorization");
    json!({
        "serviceName": context.environment.id(),
        "envId": context.environment.id(),
        "path": parts.uri.path(),
        "httpMethod": "GET",
        "requestId": context.request_id,
        "identity": {},
        "sourceIp": client_ip,
        "stage": "release",
        "websocketEnable": true,
        "headers": headers,
        "queryString": query,
    })
}

/// `errNo` other than 0, or a `statusCode` of an error, refuses the connection.
fn refused(told: &Json) -> Option<Response<Body>> {
    let status = told["statusCode"].as_u64().filter(|status| (400..600).contains(status));
    let number = told["errNo"].as_i64().filter(|number| *number != 0);
    if status.is_none() && number.is_none() && *told != Json::Bool(false) {
        return None;
    }
    let status = status.and_then(|status| StatusCode::from_u16(u16::try_from(status).ok()?).ok());
    let body = json!({
        "code": "WEBSOCKET_REFUSED",
        "message": told["errMsg"].as_str().unwrap_or("The function refused. / 云函数拒绝了连接。"),
    });
    Some(reply::json_response(status.unwrap_or(StatusCode::FORBIDDEN), body.to_string()))
}

/// One connection from its first message to its end.
struct Talk {
    about: Arc<About>,
    connection: Connection,
    socket: WebSocket,
    /// The event at work.
    running: Option<BoxFuture<'static, Told>>,
    heard: Instant,
}

/// Whether the connection goes on.
#[derive(PartialEq, Eq)]
enum After {
    More,
    End,
}

impl Talk {
    fn new(about: Arc<About>, connection: Connection, socket: WebSocket) -> Self {
        Self { about, connection, socket, running: None, heard: Instant::now() }
    }

    async fn hold(mut self) {
        let mut ping = interval(PING_EVERY);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let after = tokio::select! {
                outgoing = self.connection.next() => match outgoing {
                    Some(outgoing) => {
                        self.heard = Instant::now();
                        send(&mut self.socket, outgoing).await
                    }
                    None => After::End,
                },
                told = finished(&mut self.running) => {
                    self.running = None;
                    self.answer(told).await
                }
                message = self.socket.recv(), if self.running.is_none() => match message {
                    Some(Ok(message)) => self.hear(message),
                    Some(Err(_)) | None => After::End,
                },
                _ = ping.tick() => self.look().await,
            };
            if after == After::End {
                break;
            }
        }
        if let Some(running) = self.running.take() {
            let _ = running.await;
        }
        let Self { about, connection, .. } = self;
        let id = connection.id().to_owned();
        // Nothing can be sent to it any more when its end is told.
        drop(connection);
        if let Err(error) = about.run(id, "closing", None).await {
            reply::note("", &error);
        }
    }

    fn hear(&mut self, message: Message) -> After {
        let data = match message {
            Message::Text(text) => json!({ "dataType": "text", "data": text.as_str() }),
            Message::Binary(bytes) => {
                json!({ "dataType": "binary", "data": STANDARD.encode(&bytes) })
            }
            Message::Ping(_) | Message::Pong(_) => return After::More,
            Message::Close(_) => return After::End,
        };
        self.heard = Instant::now();
        let id = self.connection.id().to_owned();
        self.running = Some(Box::pin(Arc::clone(&self.about).run(id, "data send", Some(data))));
        After::More
    }

    /// What the function returned for a message; what it sent meanwhile goes first.
    async fn answer(&mut self, told: Told) -> After {
        while let Some(outgoing) = self.connection.take_waiting() {
            if send(&mut self.socket, outgoing).await == After::End {
                return After::End;
            }
        }
        let told = match told {
            Ok(told) => told,
            Err(error) => {
                reply::note("", &error);
                return After::More;
            }
        };
        match message(&told["websocket"]) {
            Some(Ok(outgoing)) => send(&mut self.socket, outgoing).await,
            Some(Err(_)) | None => After::More,
        }
    }

    async fn look(&mut self) -> After {
        if self.running.is_none() && self.heard.elapsed() > IDLE_TIME_MAX {
            return send(&mut self.socket, Outgoing::Close).await;
        }
        deliver(&mut self.socket, Message::Ping(Bytes::new())).await
    }
}

/// The end of the event at work; never, when there is none.
async fn finished(running: &mut Option<BoxFuture<'static, Told>>) -> Told {
    match running {
        Some(running) => running.await,
        None => std::future::pending().await,
    }
}

async fn send(socket: &mut WebSocket, outgoing: Outgoing) -> After {
    let message = match outgoing {
        Outgoing::Text(text) => Message::Text(text.into()),
        Outgoing::Binary(bytes) => Message::Binary(bytes),
        Outgoing::Close => {
            let frame = CloseFrame { code: close_code::NORMAL, reason: "".into() };
            deliver(socket, Message::Close(Some(frame))).await;
            return After::End;
        }
    };
    deliver(socket, message).await
}

async fn deliver(socket: &mut WebSocket, message: Message) -> After {
    match timeout(SEND_TIME_MAX, socket.send(message)).await {
        Ok(Ok(())) => After::More,
        Ok(Err(_)) | Err(_) => After::End,
    }
}

/// What a function wants sent: `{action, dataType, data}`; nothing when it is not about sending.
fn message(socket: &Json) -> Option<Result<Outgoing>> {
    let wrong = |what: &str| {
        let message = format!("websocket.{what} is missing or wrong. / websocket.{what} 不正确。");
        Some(Err(Error::new(Code::InvalidParameter, message)))
    };
    match socket["action"].as_str() {
        Some("closing") => Some(Ok(Outgoing::Close)),
        Some("data send") => match (socket["dataType"].as_str(), &socket["data"]) {
            (Some("binary"), Json::String(data)) => match STANDARD.decode(data) {
                Ok(bytes) => Some(Ok(Outgoing::Binary(bytes.into()))),
                Err(_) => wrong("data"),
            },
            (Some("text") | None, Json::String(data)) => Some(Ok(Outgoing::Text(data.clone()))),
            (_, Json::Null) => wrong("data"),
            (Some("text") | None, data) => Some(Ok(Outgoing::Text(data.to_string()))),
            _ => wrong("dataType"),
        },
        _ => None,
    }
}

/// `POST /_ws {websocket: {action, secConnectionID, dataType, data}}` by a function:
/// `{errNo, errMsg}`.
pub async fn post(State(gateway): State<Arc<Gateway>>, request: Request) -> Response<Body> {
    let outcome = async {
        let (parts, body) = request.into_parts();
        let context = v1_functions::context(&gateway, &parts)?;
        let body = upload::read_body(body, BODY_BYTES_MAX).await?;
        let asked: Json = serde_json::from_slice(&body).unwrap_or_default();
        let socket = &asked["websocket"];
        let id = socket["secConnectionID"].as_str().unwrap_or_default();
        let message = message(socket).unwrap_or_else(|| {
            let message = "websocket.action is \"data send\" or \"closing\". / websocket.action \
                           须为 \"data send\" 或 \"closing\"。";
            Err(Error::new(Code::InvalidParameter, message))
        })?;
        sockets::send(&context, id, message)
    };
    match outcome.await {
        Ok(()) => reply::json_response(StatusCode::OK, r#"{"errNo":0,"errMsg":"ok"}"#.to_owned()),
        Err(error) => {
            let status = StatusCode::from_u16(crate::codes::gateway_status(error.code()));
            let body = json!({ "errNo": 1, "errMsg": error.message() });
            let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            reply::json_response(status, body.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_function_wants_sent() {
        for (told, expected) in [
            (json!({ "action": "data send", "dataType": "text", "data": "a" }), Some("Text")),
            (json!({ "action": "data send", "data": { "a": 1 } }), Some("Text")),
            (
                json!({ "action": "data send", "dataType": "binary", "data": "YQ==" }),
                Some("Binary"),
            ),
            (json!({ "action": "closing" }), Some("Close")),
            (json!({ "action": "connecting" }), None),
            (Json::Null, None),
        ] {
            let shown = message(&told).map(|it| format!("{:?}", it.unwrap()));
            let kind = shown.as_deref().and_then(|it| it.split('(').next());
            assert_eq!(kind, expected, "{told}");
        }
        for wrong in [
            json!({ "action": "data send", "dataType": "binary", "data": "!" }),
            json!({ "action": "data send", "dataType": "text" }),
            json!({ "action": "data send", "dataType": "other", "data": "a" }),
        ] {
            assert!(message(&wrong).unwrap().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_function_may_refuse() {
        for (told, expected) in [
            (json!({ "errNo": 0, "errMsg": "ok" }), None),
            (Json::Null, None),
            (json!({ "errNo": 101, "errMsg": "no" }), Some(403)),
            (json!({ "statusCode": 401 }), Some(401)),
            (json!({ "statusCode": 200 }), None),
            (Json::Bool(false), Some(403)),
        ] {
            assert_eq!(refused(&told).map(|it| it.status().as_u16()), expected, "{told}");
        }
    }
}
