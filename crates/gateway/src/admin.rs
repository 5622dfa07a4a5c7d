//! `POST /admin`: server SDKs and the functions' own SDK calls.
//!
//! A request on the listener proves that it holds the environment's keys; one on a worker's socket
//! is known by the invocation that made it. The answer is HTTP 200 always (protocol 01 §3).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request, Response, header};
use bytes::Bytes;
use platform::keys::{self, Body as SignedBody, Part, Proof, SignedRequest};
use platform::{Caller, Code, Context, Environment, Error, Result, new_request_id};

use crate::envelope::Envelope;
use crate::multipart::{self, RawPart};
use crate::origin::{self, Peer};
use crate::reply::{self, Reply};
use crate::server::Gateway;
use crate::{actions, upload};

/// Answers one request of a server SDK.
pub async fn handle(State(gateway): State<Arc<Gateway>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    match answer(&gateway, &parts, body).await {
        Ok((request_id, outcome)) => reply::respond(&request_id, outcome),
        Err(error) => reply::respond(&new_request_id(), Err(error)),
    }
}

async fn answer(gateway: &Gateway, parts: &Parts, body: Body) -> Result<(String, Result<Reply>)> {
    let body = upload::read_body(body, actions::ENVELOPE_BYTES_MAX).await?;
    let decoded = decode(parts, &body, gateway.now_ms()).await?;
    let context = context(gateway, parts, &body, &decoded)?;
    let outcome = actions::run(&context, &decoded.envelope).await;
    Ok((context.request_id, outcome))
}

struct Decoded {
    envelope: Envelope,
    /// Present when the body was multipart; the signature covers the parts.
    parts: Option<Vec<RawPart>>,
}

async fn decode(parts: &Parts, body: &Bytes, now_ms: i64) -> Result<Decoded> {
    match multipart::boundary(&parts.headers) {
        None => Ok(Decoded { envelope: Envelope::from_json(body, now_ms)?, parts: None }),
        Some(boundary) => {
            let raw = multipart::read(body.clone(), &boundary).await?;
            let (members, binary) = multipart::split(&raw);
            let envelope = Envelope::from_members(members, binary, now_ms)?;
            Ok(Decoded { envelope, parts: Some(raw) })
        }
    }
}

fn context(gateway: &Gateway, parts: &Parts, body: &Bytes, decoded: &Decoded) -> Result<Context> {
    let peer = origin::peer(parts)?;
    let envelope = &decoded.envelope;
    let named = envelope.text("envName").filter(|name| !name.is_empty());
    match &peer {
        Peer::Worker(worker) => {
            let invocation = origin::invocation(
                gateway.platform().default_environment(),
                worker,
                &parts.headers,
            )?;
            let environment =
                gateway.platform().environment_for_function(&invocation.environment, named)?;
            let route_key = origin::route_key(&parts.headers);
            Ok(Context { route_key, ..origin::function_context(environment, invocation) })
        }
        Peer::Client(_) => {
            let environment = gateway.platform().environment(named.unwrap_or_default())?;
            match bearer(&parts.headers) {
                Some(key) => keys::verify(&environment, &Proof::Bearer(key))?,
                None => verify_signature(&environment, parts, body, decoded)?,
            }
            let caller = Caller::Administrator;
            Ok(origin::client_context(gateway, environment, caller, &peer, &parts.headers))
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    text_header(headers, header::AUTHORIZATION).strip_prefix("Bearer ").map(str::trim)
}

fn text_header(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn verify_signature(
    environment: &Environment,
    parts: &Parts,
    body: &Bytes,
    decoded: &Decoded,
) -> Result<()> {
    let form = signed_parts(decoded);
    let body = match &form {
        Some(form) => SignedBody::Multipart(form),
        None => SignedBody::Json(text_of(body)?),
    };
    let headers = header_pairs(&parts.headers);
    let signed = SignedRequest {
        method: parts.method.as_str(),
        host: text_header(&parts.headers, header::HOST),
        path: parts.uri.path(),
        raw_query: parts.uri.query().unwrap_or_default(),
        headers: &headers,
        body,
        content_type: text_header(&parts.headers, header::CONTENT_TYPE),
    };
    if parts.headers.contains_key(header::AUTHORIZATION) {
        return keys::verify(environment, &Proof::Tc3(signed));
    }
    if decoded.envelope.text("authorization").is_some() {
        return keys::verify(environment, &Proof::QSign(signed));
    }
    Err(Error::new(
        Code::SignatureInvalid,
        "The request carries no key: give init() the secretId and secretKey, or the apiKey as \
         accessKey, of credentials.json in the data directory. / 请求未携带密钥:请在 init() 中填写\
         数据目录 credentials.json 里的 secretId 与 secretKey,或将 apiKey 作为 accessKey。",
    ))
}

/// The parts of a form as the signature covers them.
fn signed_parts(decoded: &Decoded) -> Option<Vec<Part<'_>>> {
    let part = |part| -> Part<'_> {
        let RawPart { name, bytes, is_text }: &RawPart = part;
        Part { name, value: bytes, is_binary: !is_text }
    };
    decoded.parts.as_ref().map(|parts| parts.iter().map(part).collect())
}

fn text_of(body: &Bytes) -> Result<&str> {
    std::str::from_utf8(body).map_err(|error| {
        Error::with_cause(
            Code::InvalidParameter,
            "The request body is not UTF-8. / 请求体不是 UTF-8 编码。",
            error,
        )
    })
}

fn header_pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        })
        .collect()
}
