//! `/_wechat/*`: what WeChat itself sends here, pushed messages and notifications of payments.
//! Who may is decided by signatures, below; an answer is what WeChat documents.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::routing::{get, post};
use platform::push::{self, Query};
use platform::{Error, Result, pay};

use crate::codes::http_status;
use crate::server::Gateway;
use crate::{reply, upload};

/// The largest message or notification, in bytes; WeChat's are a few KB.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// The routes of WeChat's own requests.
pub fn routes() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/_wechat/push/{environment}", get(echo).post(message))
        .route("/_wechat/pay/{environment}", post(payment))
}

async fn echo(
    State(gateway): State<Arc<Gateway>>,
    Path(environment): Path<String>,
    request: Request,
) -> Response<Body> {
    let outcome = (|| {
        let environment = gateway.platform().environment(&environment)?;
        let query = request.uri().query().unwrap_or_default();
        push::echo(&environment, &query_of(query), &value(query, "echostr"))
    })();
    match outcome {
        Ok(echo) => plain(StatusCode::OK, "text/plain; charset=utf-8", echo),
        Err(error) => refuse(&error),
    }
}

async fn message(
    State(gateway): State<Arc<Gateway>>,
    Path(environment): Path<String>,
    request: Request,
) -> Response<Body> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let outcome = async {
        let environment = gateway.platform().environment(&environment)?;
        let body = text(request).await?;
        push::receive(&environment, &query_of(&query), &body).await
    };
    match outcome.await {
        Ok(answer) if answer.body == "success" => {
            plain(StatusCode::OK, "text/plain; charset=utf-8", answer.body)
        }
        Ok(answer) => plain(StatusCode::OK, answer.format.content_type(), answer.body),
        Err(error) => refuse(&error),
    }
}

async fn payment(
    State(gateway): State<Arc<Gateway>>,
    Path(environment): Path<String>,
    request: Request,
) -> Response<Body> {
    let outcome = async {
        let environment = gateway.platform().environment(&environment)?;
        let body = text(request).await?;
        pay::notified(&environment, &body).await
    };
    let (status, code, words) = match outcome.await {
        Ok(true) => (StatusCode::OK, "SUCCESS", "OK".to_owned()),
        Ok(false) => (StatusCode::OK, "FAIL", "not acknowledged".to_owned()),
        Err(error) => {
            reply::note("", &error);
            (status_of(&error), "FAIL", "refused".to_owned())
        }
    };
    let body = format!(
        "<xml><return_code><![CDATA[{code}]]></return_code><return_msg><![CDATA[{words}]]>\
         </return_msg></xml>"
    );
    plain(status, "text/xml; charset=utf-8", body)
}

async fn text(request: Request) -> Result<String> {
    let bytes = upload::read_body(request.into_body(), BODY_BYTES_MAX).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn query_of(query: &str) -> Query {
    Query {
        signature: value(query, "signature"),
        msg_signature: value(query, "msg_signature"),
        timestamp: value(query, "timestamp"),
        nonce: value(query, "nonce"),
    }
}

/// A parameter, decoded; a `+` is one of base64, which WeChat does not always escape.
fn value(query: &str, name: &str) -> String {
    let found = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let decoded = percent_encoding::percent_decode_str(found.unwrap_or_default());
    decoded.decode_utf8_lossy().into_owned()
}

fn refuse(error: &Error) -> Response<Body> {
    reply::note("", error);
    plain(status_of(error), "text/plain; charset=utf-8", error.message().to_owned())
}

fn status_of(error: &Error) -> StatusCode {
    StatusCode::from_u16(http_status(error.code())).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn plain(status: StatusCode, content_type: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
