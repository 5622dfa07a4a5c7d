//! `/auth/v1/*`: the sign-in protocol of the newer client SDKs and of `sdk/` (protocol 04 §6.2,
//! §6.4).
//!
//! Bodies are JSON whatever their content type says. Errors carry both `error` and `error_code`,
//! because browsers look at the one and mini programs at the other; no body is ever empty.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{Request, Response, StatusCode, header};
use axum::routing::{any, get, post};
use platform::sign_in::{self, SignedIn};
use platform::{Caller, Code, Environment, Error, Result};
use serde_json::{Map, Value as Json, json};

use crate::codes::auth_error;
use crate::reply::json_response;
use crate::server::Gateway;
use crate::upload;

/// The largest body, in bytes.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// The routes of this protocol.
pub fn routes() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/auth/v1/provider/token", post(provider_token))
        .route("/auth/v1/signin/with/provider", post(sign_in_with_provider))
        // A sign-up with a provider token is the same as signing in: accounts are made at need.
        .route("/auth/v1/signup", post(sign_in_with_provider))
        .route("/auth/v1/signin/anonymously", post(sign_in_anonymously))
        .route("/auth/v1/token", post(refresh))
        .route("/auth/v1/revoke", post(revoke))
        .route("/auth/v1/user/me", get(user_me))
        .route("/auth/{*rest}", any(unsupported))
}

struct Call {
    environment: Arc<Environment>,
    parts: Parts,
    body: Map<String, Json>,
}

impl Call {
    async fn read(gateway: &Gateway, request: Request<Body>) -> Result<Self> {
        let (parts, body) = request.into_parts();
        let bytes = upload::read_body(body, BODY_BYTES_MAX).await?;
        let body: Map<String, Json> = if bytes.is_empty() {
            Map::new()
        } else {
            serde_json::from_slice(&bytes).map_err(|error| {
                let message = format!(
                    "The body is not a JSON object: {error}. / 请求体不是 JSON 对象:{error}"
                );
                Error::with_cause(Code::InvalidParameter, message, error)
            })?
        };
        let query = parts.uri.query().unwrap_or_default();
        let client = query.split('&').find_map(|pair| pair.strip_prefix("client_id="));
        let client = client.or_else(|| body.get("client_id").and_then(Json::as_str));
        let environment = gateway.platform().environment(client.unwrap_or_default())?;
        Ok(Self { environment, parts, body })
    }

    fn text(&self, name: &str) -> Result<&str> {
        self.body
            .get(name)
            .and_then(Json::as_str)
            .ok_or_else(|| crate::envelope::invalid(name, "a string", "字符串"))
    }
}

async fn provider_token(gateway: State<Arc<Gateway>>, request: Request<Body>) -> Response<Body> {
    respond(async {
        let call = Call::read(&gateway, request).await?;
        let token = sign_in::exchange_code(&call.environment, call.text("provider_code")?).await?;
        Ok(json!({ "provider_token": token, "expires_in": 600 }))
    })
    .await
}

async fn sign_in_with_provider(
    gateway: State<Arc<Gateway>>,
    request: Request<Body>,
) -> Response<Body> {
    respond(async {
        let call = Call::read(&gateway, request).await?;
        let token = call.text("provider_token")?;
        Ok(credentials(&sign_in::with_provider(&call.environment, token).await?))
    })
    .await
}

async fn sign_in_anonymously(
    gateway: State<Arc<Gateway>>,
    request: Request<Body>,
) -> Response<Body> {
    respond(async {
        let call = Call::read(&gateway, request).await?;
        Ok(credentials(&sign_in::anonymously(&call.environment, None).await?))
    })
    .await
}

async fn refresh(gateway: State<Arc<Gateway>>, request: Request<Body>) -> Response<Body> {
    respond(async {
        let call = Call::read(&gateway, request).await?;
        let token = call.text("refresh_token")?;
        Ok(credentials(&sign_in::refresh(&call.environment, token).await?))
    })
    .await
}

async fn revoke(gateway: State<Arc<Gateway>>, request: Request<Body>) -> Response<Body> {
    respond(async {
        let call = Call::read(&gateway, request).await?;
        sign_in::sign_out(&call.environment, call.text("token")?).await?;
        Ok(json!({}))
    })
    .await
}

async fn user_me(gateway: State<Arc<Gateway>>, request: Request<Body>) -> Response<Body> {
    respond(async {
        let call = Call::read(&gateway, request).await?;
        let authorization = call.parts.headers.get(header::AUTHORIZATION);
        let bearer = authorization.and_then(|it| it.to_str().ok()?.strip_prefix("Bearer "));
        match sign_in::caller_of_token(&call.environment, bearer.unwrap_or_default())? {
            Caller::User(user) => {
                let anonymous = user.login_type == "ANONYMOUS";
                let name = if anonymous { "anonymous" } else { user.uid.as_str() };
                let provider = user.openid.as_ref().map(
                    |openid| json!({ "id": user.appid, "provider_user_id": openid, "name": "wx" }),
                );
                let providers: Vec<_> = provider.into_iter().collect();
                Ok(json!({ "sub": user.uid, "name": name, "providers": providers, "groups": [] }))
            }
            _ => Err(sign_in::not_signed_in()),
        }
    })
    .await
}

/// HTML would be taken for a network failure and asked again.
async fn unsupported() -> Response<Body> {
    respond(async {
        Err(Error::new(
            Code::Unsupported,
            "This way of signing in is not supported by this version. / 当前版本不支持此登录方式。",
        ))
    })
    .await
}

fn credentials(signed_in: &SignedIn) -> Json {
    let SignedIn { account, credentials } = signed_in;
    json!({
        "token_type": "Bearer",
        "access_token": credentials.access_token,
        "refresh_token": credentials.refresh_token,
        "expires_in": credentials.access_expires_in_s,
        "scope": if account.openid.is_none() { "anonymous" } else { "user" },
        "sub": account.uid,
        "openid": account.openid,
        "groups": [],
    })
}

async fn respond(answer: impl Future<Output = Result<Json>>) -> Response<Body> {
    match answer.await {
        Ok(body) => json_response(StatusCode::OK, body.to_string()),
        Err(error) => {
            crate::reply::note("", &error);
            let (status, name, number) = auth_error(error.code());
            let body = json!({
                "error": name,
                "error_code": number,
                "error_description": error.message(),
            });
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
            json_response(status, body.to_string())
        }
    }
}
