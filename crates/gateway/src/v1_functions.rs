//! `/v1/functions/{name}`: functions for the gateway generation of client SDKs (protocol 02 §2).
//!
//! The body is the data, the answer is what the function returned, errors are told by the HTTP
//! status and as `{code, message, requestId}`.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, Response, StatusCode};
use axum::routing::any;
use platform::calls::{self, Call};
use platform::http::{self, Answerer};
use platform::{Code, Context, Error, Result, new_request_id};
use serde_json::{Map, Value as Json};

use crate::origin::{self, Peer};
use crate::server::Gateway;
use crate::{http_routes, reply, rest, upload};

/// Before the name.
const PREFIX: &str = "/v1/functions/";
/// The largest body, in bytes.
const BODY_BYTES_MAX: usize = 6 * 1024 * 1024;

/// The routes of this protocol.
pub fn routes() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/v1/functions/{name}", any(handle))
        .route("/v1/functions/{name}/{*path}", any(handle_below))
}

async fn handle(
    state: State<Arc<Gateway>>,
    Path(name): Path<String>,
    request: Request,
) -> Response<Body> {
    respond(&state, name, request).await
}

/// Paths below a function are for its own server.
async fn handle_below(
    state: State<Arc<Gateway>>,
    Path((name, _)): Path<(String, String)>,
    request: Request,
) -> Response<Body> {
    respond(&state, name, request).await
}

async fn respond(gateway: &Gateway, name: String, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let (request_id, outcome) = match context(gateway, &parts) {
        Ok(context) => (context.request_id.clone(), answer(&context, name, parts, body).await),
        Err(error) => (new_request_id(), Err(error)),
    };
    let mut response = outcome.unwrap_or_else(|error| http_routes::refusal(&request_id, &error));
    http_routes::identify(&mut response, &request_id);
    response
}

/// A client by its token, a function by its worker's socket.
pub(crate) fn context(gateway: &Gateway, parts: &Parts) -> Result<Context> {
    if let Peer::Worker(worker) = origin::peer(parts)? {
        let default = gateway.platform().default_environment();
        let invocation = origin::invocation(default, &worker, &parts.headers)?;
        let environment = gateway.platform().environment(&invocation.environment)?;
        return Ok(origin::function_context(environment, invocation));
    }
    rest::context(gateway, parts)
}

async fn answer(
    context: &Context,
    name: String,
    parts: Parts,
    body: Body,
) -> Result<Response<Body>> {
    let header = |name: &str| parts.headers.get(name).and_then(|it| it.to_str().ok());
    let qualifier = header("x-qualifier").filter(|it| !it.is_empty()).map(str::to_owned);
    let rest = parts.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let path = rest.find('/').map(|at| rest[at..].to_owned());
    let qualifier = match http::answerer(context, &name, qualifier) {
        Answerer::Server(label) => {
            let path = path.unwrap_or_else(|| "/".to_owned());
            return http_routes::pass(context, &name, &label, &path, parts, body).await;
        }
        Answerer::Handler(_) if path.is_some() => {
            return Err(Error::new(
                Code::Unsupported,
                "Only functions of the kind http have paths of their own. / 只有 HTTP 云函数支持子路径。",
            ));
        }
        Answerer::Handler(label) => Some(label),
        Answerer::Nobody(qualifier) => qualifier,
    };
    let data = match parts.method {
        Method::POST => without_environment(&upload::read_body(body, BODY_BYTES_MAX).await?)?,
        Method::GET | Method::HEAD => {
            let query = http_routes::query(parts.uri.query().unwrap_or_default());
            Json::Object(query).to_string()
        }
        _ => {
            return Err(Error::new(
                Code::Unsupported,
                "A function is called with POST, or with GET and its data in the address. / 请使用 \
                 POST 调用云函数,或使用 GET 并将参数放在地址中。",
            ));
        }
    };
    let answer =
        calls::call_function(context, Call { name, qualifier, data, ..Call::default() }).await?;
    if answer.result.starts_with('"') {
        return http_routes::to_response(&answer.result);
    }
    Ok(reply::json_response(StatusCode::OK, answer.result))
}

/// The data as JSON text, without the empty `envName` that one SDK adds.
fn without_environment(body: &[u8]) -> Result<String> {
    let text = std::str::from_utf8(body).map_err(|error| {
        let message = "The request body is not UTF-8. / 请求体不是 UTF-8 编码。";
        Error::with_cause(Code::InvalidParameter, message, error)
    })?;
    if !text.contains("\"envName\"") {
        return Ok(text.to_owned());
    }
    match serde_json::from_str::<Map<String, Json>>(text) {
        Ok(mut data) if data.get("envName").is_some_and(|it| it == "") => {
            data.shift_remove("envName");
            Ok(Json::Object(data).to_string())
        }
        _ => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_empty_environment_is_taken_out() {
        for (body, expected) in [
            (r#"{"a":1,"envName":""}"#, r#"{"a":1}"#),
            (r#"{"envName":"e"}"#, r#"{"envName":"e"}"#),
            (r#"{"a":{"envName":""}}"#, r#"{"a":{"envName":""}}"#),
            ("", ""),
        ] {
            assert_eq!(without_environment(body.as_bytes()).unwrap(), expected);
        }
    }
}
