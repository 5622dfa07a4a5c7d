//! What an action answers, and the envelope around it: HTTP 200 always, errors as `code`.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use bytes::Bytes;
use platform::Error;
use serde_json::json;

use crate::codes::vendor_code;

/// The content type that SDKs take for "an answer in JSON", spelled exactly so.
pub const JSON: &str = "application/json; charset=utf-8";

/// What an action answers.
#[derive(Debug)]
pub enum Reply {
    /// `{"requestId", "data": <this JSON text>}`.
    Data(String),
    /// `{"requestId", <these members, JSON text without braces>}`.
    Members(String),
    /// `{"requestId"}`.
    Empty,
    /// Bytes that are not JSON.
    Binary(Bytes),
}

impl Reply {
    /// `data` from a JSON value.
    pub fn data(value: &serde_json::Value) -> Self {
        Reply::Data(value.to_string())
    }

    /// Top-level members from a JSON object.
    pub fn members(value: &serde_json::Value) -> Self {
        let text = value.to_string();
        let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
        Reply::Members(inner.unwrap_or_default().to_owned())
    }
}

/// Wraps an answer or an error for `/admin` and `/web`.
pub fn respond(request_id: &str, outcome: Result<Reply, Error>) -> Response<Body> {
    let text = match outcome {
        Ok(Reply::Data(data)) => format!(r#"{{"requestId":"{request_id}","data":{data}}}"#),
        Ok(Reply::Members(members)) if !members.is_empty() => {
            format!(r#"{{"requestId":"{request_id}",{members}}}"#)
        }
        Ok(Reply::Members(_) | Reply::Empty) => format!(r#"{{"requestId":"{request_id}"}}"#),
        Ok(Reply::Binary(bytes)) => return binary(bytes),
        Err(error) => {
            note(request_id, &error);
            json!({
                "requestId": request_id,
                "code": vendor_code(error.code()),
                "message": error.message(),
            })
            .to_string()
        }
    };
    json_response(StatusCode::OK, text)
}

/// A JSON response with a status.
pub fn json_response(status: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    response
}

fn binary(bytes: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(bytes));
    let octets = HeaderValue::from_static("application/octet-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, octets);
    response
}

/// Writes faults of the machine or of the platform to the log, with their cause; a caller's
/// mistake is the caller's to see.
pub fn note(request_id: &str, error: &Error) {
    use std::error::Error as _;
    if matches!(
        error.code(),
        platform::Code::Internal | platform::Code::StoreFailed | platform::Code::StorageFailed
    ) {
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        tracing::error!(request_id, message = error.message(), cause, "request failed");
    }
}
