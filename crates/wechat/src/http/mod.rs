//! The real WeChat servers over HTTPS: sign-in codes, the access token, open-API calls.
//!
//! Refuses to put the AppSecret or a token into an error or a log line: addresses are cut from
//! every error, because WeChat wants both in the query string.

mod open_data;
mod token;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::{Method, Url};
use serde_json::{Value, json};

use crate::error::{Error, code};
use crate::open_api::{OpenApiCall, OpenApiReply};
use crate::pay::PayOptions;
use crate::push::PushOptions;
use crate::routes::{self, Shape};
use crate::{Session, http::token::TokenKeeper};

/// Where the real servers are.
pub const DEFAULT_BASE_URL: &str = "https://api.weixin.qq.com";

/// How long a connection may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one request may take in all; WeChat's image checks need seconds.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// The largest reply taken; mini-program codes are below 1 MB, media below 10 MB.
const REPLY_BYTES_MAX: usize = 20 * 1024 * 1024;

/// What is needed to speak to the real servers.
#[derive(Clone)]
pub struct HttpOptions {
    /// The mini program's AppID.
    pub app_id: String,
    /// Its AppSecret.
    pub app_secret: String,
    /// Scheme, host and optional path prefix; [`DEFAULT_BASE_URL`] when empty.
    pub base_url: String,
    /// Takes access tokens from `/cgi-bin/stable_token`, which several servers may share, in place
    /// of `/cgi-bin/token`, where each new token ends the one before.
    pub stable_token: bool,
    /// WeChat Pay; `cloudPay` is refused without it.
    pub pay: Option<PayOptions>,
    /// Pushed messages; none are taken without it.
    pub push: Option<PushOptions>,
}

impl HttpOptions {
    /// An AppID with its secret, at WeChat's own servers.
    pub fn new(app_id: impl Into<String>, app_secret: impl Into<String>) -> Self {
        Self {
            app_id: app_id.into(),
            app_secret: app_secret.into(),
            base_url: DEFAULT_BASE_URL.to_owned(),
            stable_token: false,
            pay: None,
            push: None,
        }
    }
}

impl std::fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpOptions")
            .field("app_id", &self.app_id)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

/// A client of the real servers.
pub(crate) struct Client {
    app_id: String,
    app_secret: String,
    stable_token: bool,
    base_url: Url,
    http: reqwest::Client,
    token: TokenKeeper,
}

impl Client {
    pub(crate) fn new(options: HttpOptions) -> Result<Self, Error> {
        for (name, value) in [("app_id", &options.app_id), ("app_secret", &options.app_secret)] {
            if value.trim().is_empty() {
                return Err(misconfigured(&format!("wechat.{name} is empty")));
            }
        }
        let base_url = match options.base_url.trim() {
            "" => DEFAULT_BASE_URL,
            given => given,
        };
        let base_url = Url::parse(base_url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| misconfigured(&format!("wechat.base_url is no address: {base_url}")))?;
        install_tls_provider();
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| misconfigured(&error.without_url().to_string()))?;
        Ok(Self {
            app_id: options.app_id,
            app_secret: options.app_secret,
            stable_token: options.stable_token,
            base_url,
            http,
            token: TokenKeeper::default(),
        })
    }

    pub(crate) fn app_id(&self) -> &str {
        &self.app_id
    }

    pub(crate) async fn session(&self, code: &str) -> Result<Session, Error> {
        let url = self.url(
            "/sns/jscode2session",
            &[
                ("appid", &self.app_id),
                ("secret", &self.app_secret),
                ("js_code", code),
                ("grant_type", "authorization_code"),
            ],
        );
        let value = self.json(self.http.get(url)).await?;
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let (Some(openid), Some(session_key)) = (text("openid"), text("session_key")) else {
            return Err(unreadable("jscode2session gave no openid"));
        };
        let unionid = text("unionid").filter(|unionid| !unionid.is_empty());
        Ok(Session { openid, unionid, session_key })
    }

    pub(crate) async fn open_api(&self, call: &OpenApiCall) -> Result<OpenApiReply, Error> {
        let (path, shape) = match routes::by_name(&call.name) {
            Some(route) => (route.path, route.shape),
            None if call.name.starts_with('/') => {
                let known = routes::by_path(&call.name).map(|route| route.shape);
                (call.name.as_str(), known.unwrap_or(Shape::Json))
            }
            None => return Err(Error::api_not_found(&call.name)),
        };
        let token = self.access_token().await?;
        let reply = self.send(path, shape, call, &token).await?;
        if !token::is_refused(reply.errcode) {
            return Ok(reply);
        }
        // Another server with the same AppSecret may have taken a new token, which ends ours early.
        tracing::info!(errcode = reply.errcode, "WeChat refused the access token; asking for one");
        self.token.forget(&token).await;
        let token = self.token.current(|| self.fetch_token(true)).await?;
        self.send(path, shape, call, &token).await
    }

    async fn access_token(&self) -> Result<String, Error> {
        self.token.current(|| self.fetch_token(false)).await
    }

    /// Asks for a new access token; gives it with its lifetime. `is_refused` says that WeChat has
    /// refused the one before, which a stable token would otherwise give again.
    async fn fetch_token(&self, is_refused: bool) -> Result<(String, Duration), Error> {
        let url = self.url(
            "/cgi-bin/token",
            &[
                ("grant_type", "client_credential"),
                ("appid", &self.app_id),
                ("secret", &self.app_secret),
            ],
        );
        let request = match self.stable_token {
            false => self.http.get(url),
            true => self.http.post(self.url("/cgi-bin/stable_token", &[])).json(&json!({
                "grant_type": "client_credential", "appid": self.app_id,
                "secret": self.app_secret, "force_refresh": is_refused,
            })),
        };
        let value = self.json(request).await?;
        let token = value.get("access_token").and_then(Value::as_str);
        let expires_in_s = value.get("expires_in").and_then(Value::as_u64);
        match (token, expires_in_s) {
            (Some(token), Some(expires_in_s)) if !token.is_empty() => {
                Ok((token.to_owned(), Duration::from_secs(expires_in_s)))
            }
            _ => Err(unreadable("/cgi-bin/token gave no access token")),
        }
    }

    async fn send(
        &self,
        path: &str,
        shape: Shape,
        call: &OpenApiCall,
        token: &str,
    ) -> Result<OpenApiReply, Error> {
        let mut url = self.url(path, &[("access_token", token)]);
        if shape != Shape::Json {
            url.query_pairs_mut().extend_pairs(call.query());
        }
        let request = match shape {
            Shape::Query => self.http.request(Method::GET, url),
            Shape::Json => self
                .http
                .post(url)
                .header(reqwest::header::CONTENT_TYPE, "application/json")
                .body(call.json_body()?),
            Shape::Multipart => self.http.post(url).multipart(form(call)?),
        };
        let (content_type, body) = receive(request).await?;
        Ok(OpenApiReply::read(&content_type, body))
    }

    /// Sends a request whose reply is a JSON object, `errcode` 0 or absent.
    async fn json(&self, request: reqwest::RequestBuilder) -> Result<Value, Error> {
        let (_, body) = receive(request).await?;
        let value: Value =
            serde_json::from_slice(&body).map_err(|_| unreadable("the reply is not JSON"))?;
        let errcode = value.get("errcode").and_then(Value::as_i64).unwrap_or(0);
        if errcode == 0 {
            return Ok(value);
        }
        let errmsg = value.get("errmsg").and_then(Value::as_str).unwrap_or_default();
        Err(Error::new(errcode, errmsg))
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.base_url.clone();
        let (path, given_query) = path.split_once('?').unwrap_or((path, ""));
        let prefix = self.base_url.path().trim_end_matches('/');
        url.set_path(&format!("{prefix}{path}"));
        url.set_query(Some(given_query).filter(|given| !given.is_empty()));
        url.query_pairs_mut().extend_pairs(query);
        url
    }
}

/// Sends a request and reads its reply, bounded in time and size.
pub(crate) async fn receive(request: reqwest::RequestBuilder) -> Result<(String, Bytes), Error> {
    let mut response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    let content_type = response
        .headers()
        .get(reqwest::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > REPLY_BYTES_MAX {
            return Err(unreadable("the reply is larger than 20 MB"));
        }
        body.extend_from_slice(&chunk);
    }
    // WeChat answers 200 even to refusals; anything else comes from something in between.
    if !status.is_success() {
        return Err(Error::new(
            code::NETWORK,
            format!(
                "WeChat's servers answered HTTP {}; try again later. \
                 / 微信服务器返回 HTTP {}，请稍后重试。",
                status.as_u16(),
                status.as_u16()
            ),
        ));
    }
    Ok((content_type, body.freeze()))
}

/// The files of a call as a form.
fn form(call: &OpenApiCall) -> Result<reqwest::multipart::Form, Error> {
    let mut form = reqwest::multipart::Form::new();
    for field in call.files() {
        let file_name = match field.file_name() {
            "" => "media",
            given => given,
        };
        let part = reqwest::multipart::Part::bytes(field.value.to_vec())
            .file_name(file_name.to_owned())
            .mime_str(field.media_type())
            .map_err(|error| Error::new(code::DATA_FORMAT, error.to_string()))?;
        form = form.part(field.key.clone(), part);
    }
    Ok(form)
}

/// TLS needs one provider per process; the binary installs it, this only fills in where none is.
pub(crate) fn install_tls_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // An error means that another thread was faster, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

fn misconfigured(what: &str) -> Error {
    Error::new(
        code::CONFIGURATION,
        format!(
            "{what}; correct the [wechat] section of the configuration. / 请修正配置文件的 [wechat] 部分。"
        ),
    )
}

pub(crate) fn unreadable(what: &str) -> Error {
    Error::new(
        code::UNREADABLE_REPLY,
        format!(
            "WeChat's reply could not be read ({what}); check wechat.base_url. \
             / 无法识别微信服务器的返回，请检查 wechat.base_url。"
        ),
    )
}

fn unreachable(error: reqwest::Error) -> Error {
    if error.is_timeout() {
        return Error::new(
            code::TIMEOUT,
            "WeChat's servers did not answer in time; try again later. / 微信服务器响应超时，请稍后重试。",
        );
    }
    // The address holds the secret; the rest of the chain says what went wrong.
    let error = error.without_url();
    let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), root_cause);
    Error::new(
        code::NETWORK,
        format!(
            "WeChat's servers could not be reached ({cause}); check the network and \
             wechat.base_url. \
             / 无法连接微信服务器，请检查网络和 wechat.base_url。"
        ),
    )
}

fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
