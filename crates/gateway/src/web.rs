//! `POST /web`: client SDKs. Who asks is in the body's `access_token`; the answer is HTTP 200
//! always.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{Request, Response};
use platform::{Code, Error, Result, new_request_id, sign_in};

use crate::envelope::Envelope;
use crate::reply::{self, Reply};
use crate::server::Gateway;
use crate::{actions, origin, upload};

/// The largest database request of a client, in bytes (protocol 03 §10).
pub const DATABASE_BYTES_MAX: usize = 512 * 1024;

/// Answers one request of a client SDK.
pub async fn handle(State(gateway): State<Arc<Gateway>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    match answer(&gateway, &parts, body).await {
        Ok((request_id, outcome)) => reply::respond(&request_id, outcome),
        Err(error) => reply::respond(&new_request_id(), Err(error)),
    }
}

async fn answer(gateway: &Gateway, parts: &Parts, body: Body) -> Result<(String, Result<Reply>)> {
    let body = upload::read_body(body, actions::ENVELOPE_BYTES_MAX).await?;
    let envelope = Envelope::from_json(&body, gateway.now_ms())?;
    if envelope.action.starts_with("database.") && body.len() > DATABASE_BYTES_MAX {
        return Err(too_large(body.len()));
    }
    let peer = origin::peer(parts)?;
    let environment = gateway.platform().environment(envelope.text("env").unwrap_or_default())?;
    let token = envelope.text("access_token").unwrap_or_default();
    // Signing in and refreshing must work with a token that no longer does.
    let caller = match actions::session::run(&environment, &envelope).await {
        Some(outcome) => return Ok((new_request_id(), outcome)),
        None => sign_in::caller_of_token(&environment, token)?,
    };
    let context = origin::client_context(gateway, environment, caller, &peer, &parts.headers);
    let outcome = actions::run(&context, &envelope).await;
    Ok((context.request_id, outcome))
}

fn too_large(bytes: usize) -> Error {
    Error::new(
        Code::PayloadTooLarge,
        format!(
            "This request is {bytes} bytes; a client's database request may have {DATABASE_BYTES_MAX}: \
             send less at once, keep large content in files, or write in a cloud function. / 本次请求 \
             {bytes} 字节,客户端数据库请求上限为 {DATABASE_BYTES_MAX} 字节:请减少单次数据量、改存文件,\
             或在云函数中写入。"
        ),
    )
}
