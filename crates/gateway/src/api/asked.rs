//! Who asks the administrator's API and what the body says, as extractors; and what a handler
//! answers. What a handler does is not here.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode, Uri};
use axum::response::IntoResponse;
use platform::{Code, Context, Error, Result};
use serde_json::{Value as Json, json};

use super::BODY_BYTES_MAX;
use crate::codes::{http_status, vendor_code};
use crate::console;
use crate::envelope::{Envelope, invalid};
use crate::server::Gateway;
use crate::{reply, upload};

/// The holder of the environment's API key, and the environment that is meant.
pub struct Operator(pub Context);

/// Who may look at what happened: see [`console::viewer`].
pub struct Viewer(pub Context);

/// An [`Operator`] and the body of the request.
pub struct Said<T>(pub Context, pub T);

/// What a handler answers: JSON, or why not.
pub type Answer = std::result::Result<Told, Refused>;

/// An answer in JSON.
pub struct Told(String);

/// An error that is answered as `{code, message}` with a status.
pub struct Refused(Error);

/// This, as JSON text.
#[expect(clippy::needless_pass_by_value, reason = "handlers make it to be answered")]
pub fn told(json: impl ToString) -> Answer {
    Ok(Told(json.to_string()))
}

/// Nothing to say but that it is done.
pub fn done() -> Answer {
    told("{}")
}

/// An error as clients of this API read it.
pub fn error_json(error: &Error) -> Json {
    json!({ "code": vendor_code(error.code()), "message": error.message() })
}

/// A parameter of the address, decoded.
pub fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let query = uri.query()?;
    let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    let value = value.replace('+', " ");
    Some(percent_encoding::percent_decode_str(&value).decode_utf8_lossy().into_owned())
}

/// A parameter of the address that is a whole number.
pub fn number(uri: &Uri, name: &str) -> Result<Option<u64>> {
    let Some(text) = parameter(uri, name) else { return Ok(None) };
    Ok(Some(text.parse().map_err(|_| invalid(name, "a whole number", "整数"))?))
}

impl FromRequestParts<Arc<Gateway>> for Operator {
    type Rejection = Refused;

    async fn from_request_parts(
        parts: &mut Parts,
        gateway: &Arc<Gateway>,
    ) -> std::result::Result<Self, Refused> {
        Ok(Self(super::context(gateway, parts)?))
    }
}

impl FromRequestParts<Arc<Gateway>> for Viewer {
    type Rejection = Refused;

    async fn from_request_parts(
        parts: &mut Parts,
        gateway: &Arc<Gateway>,
    ) -> std::result::Result<Self, Refused> {
        Ok(Self(console::viewer(gateway, parts)?))
    }
}

/// The parameters that SDKs and the command line send: values are extended JSON.
impl FromRequest<Arc<Gateway>> for Said<Envelope> {
    type Rejection = Refused;

    async fn from_request(
        request: Request,
        gateway: &Arc<Gateway>,
    ) -> std::result::Result<Self, Refused> {
        let (context, body) = read(gateway, request).await?;
        let envelope = Envelope::parameters(&body, context.now_ms)?;
        Ok(Self(context, envelope))
    }
}

/// An object of plain JSON; an empty body is an empty object.
impl FromRequest<Arc<Gateway>> for Said<Json> {
    type Rejection = Refused;

    async fn from_request(
        request: Request,
        gateway: &Arc<Gateway>,
    ) -> std::result::Result<Self, Refused> {
        let (context, body) = read(gateway, request).await?;
        if body.is_empty() {
            return Ok(Self(context, json!({})));
        }
        let body: Json = serde_json::from_slice(&body).map_err(|error| {
            let message = format!("The body is not JSON: {error}. / 请求体不是 JSON:{error}。");
            Error::with_cause(Code::InvalidParameter, message, error)
        })?;
        if body.is_object() {
            Ok(Self(context, body))
        } else {
            Err(invalid("body", "an object", "对象").into())
        }
    }
}

async fn read(gateway: &Gateway, request: Request) -> Result<(Context, bytes::Bytes)> {
    let (parts, body) = request.into_parts();
    let context = super::context(gateway, &parts)?;
    Ok((context, upload::read_body(body, BODY_BYTES_MAX).await?))
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Told {
    fn into_response(self) -> Response<Body> {
        reply::json_response(StatusCode::OK, self.0)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response<Body> {
        let Self(error) = self;
        reply::note("", &error);
        let status = StatusCode::from_u16(http_status(error.code()));
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        reply::json_response(status, error_json(&error).to_string())
    }
}
