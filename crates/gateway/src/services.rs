//! Existing back ends on the wire: `callContainer` of client SDKs as `/v1/cloudrun/{service}{path}`
//! (protocol 02 §7), and plain HTTP of functions to `http://NAME.services.internal/`.
//!
//! It passes requests and answers through; whom a request may reach and what it says about its
//! caller is decided by `platform::services`.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode, header};
use axum::middleware::Next;
use axum::routing::any;
use platform::services::{self, Answer, BODY_BYTES_MAX, HOST_SUFFIX};
use platform::{Code, Context, Error, Result, new_request_id};

use crate::server::Gateway;
use crate::{http_routes, sockets, upload, v1_functions};

/// Where client SDKs ask for services.
const PREFIX: &str = "/v1/cloudrun/";

/// The routes of client SDKs.
pub fn routes() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/v1/cloudrun/{service}", any(of_client))
        .route("/v1/cloudrun/{service}/", any(of_client))
        .route("/v1/cloudrun/{service}/{*path}", any(of_client))
}

async fn of_client(State(gateway): State<Arc<Gateway>>, request: Request) -> Response<Body> {
    // As it was sent: what decoding would hide must be seen.
    let rest = request.uri().path().strip_prefix(PREFIX).unwrap_or_default();
    let (service, path) = match rest.find('/') {
        Some(at) => (rest[..at].to_owned(), rest[at..].to_owned()),
        None => (rest.to_owned(), "/".to_owned()),
    };
    pass(&gateway, service, &path, request).await
}

/// Requests of a worker to the host of a service, or to the one by which the vendor's functions
/// send to WebSockets, whatever their path.
pub async fn inside(
    State(gateway): State<Arc<Gateway>>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let host = request.headers().get(header::HOST).and_then(|it| it.to_str().ok());
    let host = host.unwrap_or_default().to_ascii_lowercase();
    let name = host.split(':').next().unwrap_or_default().strip_suffix(HOST_SUFFIX);
    if host.split(':').next().is_some_and(|name| name.ends_with(sockets::HOST_SUFFIX)) {
        return sockets::post(State(gateway), request).await;
    }
    let Some(name) = name.map(str::to_owned) else { return next.run(request).await };
    let path = request.uri().path().to_owned();
    pass(&gateway, name, &path, request).await
}

async fn pass(gateway: &Gateway, service: String, path: &str, request: Request) -> Response<Body> {
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let target = format!("{path}{query}");
    let (parts, body) = request.into_parts();
    let (request_id, outcome) = match v1_functions::context(gateway, &parts) {
        Ok(context) => {
            (context.request_id.clone(), ask(&context, service, target, parts, body).await)
        }
        Err(error) => (new_request_id(), Err(error)),
    };
    let mut response = match outcome {
        Ok(answer) => {
            let mut response = Response::new(Body::from_stream(answer.body));
            *response.status_mut() = answer.status;
            *response.headers_mut() = answer.headers;
            response
        }
        Err(error) => http_routes::refusal(&request_id, &error),
    };
    http_routes::identify(&mut response, &request_id);
    response
}

async fn ask(
    context: &Context,
    service: String,
    target: String,
    parts: Parts,
    body: Body,
) -> Result<Answer> {
    let body = upload::read_body(body, BODY_BYTES_MAX).await?;
    let Parts { method, headers, .. } = parts;
    let request = services::Request { service, method, target, headers, body };
    let answer = services::call(context, request).await?;
    if answer.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Error::new(
            Code::Unsupported,
            "A service's WebSocket cannot be reached from here. / 暂不支持服务的 WebSocket。",
        ));
    }
    Ok(answer)
}
