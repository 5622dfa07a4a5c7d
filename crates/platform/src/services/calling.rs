//! One request to a service: checked, signed, sent, repeated where that is harmless, and answered
//! as a stream.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use reqwest::header::{self, HeaderMap, HeaderName};
use reqwest::{Client, Method, StatusCode, Url};

use super::breaker::Outcome;
use super::identity::{self, Signed};
use super::target::{self, Refusal};
use super::{Entry, Permit, Service};
use crate::caller::{Caller, Context};
use crate::error::{Code, Error, Result};

/// The largest body of a request, in bytes.
pub const BODY_BYTES_MAX: usize = 6 * 1024 * 1024;
/// The largest answer, in bytes.
const ANSWER_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// A connection comes about within this time, or not at all.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(3);
/// The pause before a request is repeated, times the number of the try.
const PAUSE: Duration = Duration::from_millis(50);

/// A request for a service.
#[derive(Debug)]
pub struct Request {
    /// The service's name.
    pub service: String,
    /// The method.
    pub method: Method,
    /// Path and query as they were asked for.
    pub target: String,
    /// The headers as they came; those of one connection are not passed on.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// A part of an answer, or why there are no more.
pub type Chunk = std::result::Result<Bytes, std::io::Error>;

/// What a service answered.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers, without those of one connection.
    pub headers: HeaderMap,
    /// Its body as it comes.
    pub body: BoxStream<'static, Chunk>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}

/// The connections to one service.
pub(super) fn client(settings: &Service) -> Result<Client> {
    Client::builder()
        .connect_timeout(CONNECT_TIME_MAX.min(Duration::from_millis(settings.timeout_ms)))
        .read_timeout(Duration::from_millis(settings.timeout_ms))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .build()
        .map_err(|error| {
            let message = "A service cannot be reached over TLS. / 无法建立服务连接。";
            Error::with_cause(Code::Internal, message, error)
        })
}

/// Asks a service on behalf of whoever asks.
///
/// # Errors
/// [`Code::NotSignedIn`], [`Code::ServiceMissing`], [`Code::ServicePathRefused`] before anything is
/// sent; [`Code::ServiceUnavailable`] and [`Code::ServiceTimedOut`] when there is no answer.
pub async fn call(context: &Context, request: Request) -> Result<Answer> {
    let entry = super::find(context, &request.service)?;
    target::check(&request.target, &entry.settings.paths)
        .map_err(|refusal| path_refused(&request, refusal))?;
    if request.body.len() > BODY_BYTES_MAX {
        return Err(Error::new(
            Code::PayloadTooLarge,
            "A request to a service may have 6 MB: upload a file and send its fileID. / 请求体超过 \
             6 MB:请上传文件后传递 fileID。",
        ));
    }
    let url = address(&entry, &request.target)?;
    let permit = Permit::ask(&entry, context.environment.clock().clone())?;
    let headers = headers(context, &entry, &request, &url);
    let outcome = send(&entry, &request, &url, &headers).await;
    let failed = match &outcome {
        Ok(response) => matches!(response.status().as_u16(), 502..=504),
        Err(_) => true,
    };
    permit.note(if failed { Outcome::Failed } else { Outcome::Succeeded });
    Ok(answer(outcome?))
}

/// The base address with the path behind it.
fn address(entry: &Entry, target: &str) -> Result<Url> {
    let base = entry.settings.url.trim_end_matches('/');
    let url = Url::parse(&format!("{base}{target}"));
    let own = Url::parse(base).ok();
    // Nothing in the path can lead to another host: this is for the day when it could.
    let same = |url: &Url| {
        own.as_ref().is_some_and(|own| {
            own.host() == url.host() && own.port() == url.port() && own.scheme() == url.scheme()
        })
    };
    url.ok().filter(same).ok_or_else(|| {
        let message = "This path is no address of the service. / 该路径不是服务的有效地址。";
        Error::new(Code::ServicePathRefused, message)
    })
}

fn headers(context: &Context, entry: &Entry, request: &Request, url: &Url) -> HeaderMap {
    let mut headers = HeaderMap::new();
    // A client's token and cookies are for this server; a function's are for the service.
    let of_function = matches!(context.caller, Caller::Function(_));
    let own = [header::AUTHORIZATION, header::COOKIE];
    for (name, value) in &request.headers {
        let dropped = is_of_the_connection(name)
            || identity::is_reserved(name)
            || (!of_function && own.contains(name));
        if !dropped {
            headers.append(name.clone(), value.clone());
        }
    }
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let seen = format!("{}{query}", url.path());
    let signed = Signed {
        method: request.method.as_str(),
        target: &seen,
        body: &request.body,
        now_s: context.now_ms / 1_000,
    };
    let secret = super::secret(&context.environment, &entry.name);
    identity::write(&mut headers, context, &entry.name, signed, &secret);
    headers
}

/// Headers that belong to one connection (RFC 9110 §7.6.1), and those that are written anew.
fn is_of_the_connection(name: &HeaderName) -> bool {
    const NAMES: [&str; 12] = [
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    NAMES.contains(&name.as_str())
}

async fn send(
    entry: &Entry,
    request: &Request,
    url: &Url,
    headers: &HeaderMap,
) -> Result<reqwest::Response> {
    let limit = Duration::from_millis(entry.settings.timeout_ms);
    let mut tries = 0;
    loop {
        let sent = entry
            .client
            .request(request.method.clone(), url.clone())
            .headers(headers.clone())
            .body(request.body.clone())
            .send();
        let failure = match tokio::time::timeout(limit, sent).await {
            Ok(Ok(response)) => return Ok(response),
            Ok(Err(error)) => error,
            Err(_) => return Err(timed_out(entry)),
        };
        if failure.is_timeout() && !failure.is_connect() {
            return Err(timed_out(entry));
        }
        if tries >= entry.settings.retries || !request.method.is_idempotent() {
            return Err(unavailable(entry, failure));
        }
        tries += 1;
        tokio::time::sleep(PAUSE * tries).await;
    }
}

fn answer(response: reqwest::Response) -> Answer {
    let status = response.status();
    let mut headers = HeaderMap::new();
    for (name, value) in response.headers() {
        // The length is kept: HEAD has nothing but it.
        if !is_of_the_connection(name) || *name == header::CONTENT_LENGTH {
            headers.append(name.clone(), value.clone());
        }
    }
    let body = stream::unfold((response, 0_u64), |(mut response, passed)| async move {
        let chunk = match response.chunk().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => return None,
            Err(error) => {
                return Some((Err(std::io::Error::other(error.without_url())), (response, passed)));
            }
        };
        let passed = passed + chunk.len() as u64;
        if passed > ANSWER_BYTES_MAX {
            let error = std::io::Error::other("the answer of a service is over 256 MB");
            return Some((Err(error), (response, passed)));
        }
        Some((Ok(chunk), (response, passed)))
    });
    Answer { status, headers, body: body.boxed() }
}

fn path_refused(request: &Request, refusal: Refusal) -> Error {
    let path = request.target.split('?').next().unwrap_or_default().escape_default();
    let (english, chinese) = match refusal {
        Refusal::Ambiguous => (
            "has dot segments, double or encoded slashes, or no slash at its beginning",
            "含有 .、..、重复或编码的斜杠,或不以斜杠开头",
        ),
        Refusal::NotAllowed => (
            "is not covered by the service's paths in yunkai.json",
            "不在 yunkai.json 中该服务的 paths 范围内",
        ),
    };
    Error::new(
        Code::ServicePathRefused,
        format!("The path '{path}' {english}. / 路径「{path}」{chinese}。"),
    )
}

fn timed_out(entry: &Entry) -> Error {
    let (name, limit) = (&entry.name, entry.settings.timeout_ms);
    Error::new(
        Code::ServiceTimedOut,
        format!(
            "The service '{name}' did not answer within {limit} ms. / 服务「{name}」未在 {limit} \
             毫秒内响应。"
        ),
    )
}

/// The address stays in the log: clients need not know it.
fn unavailable(entry: &Entry, cause: reqwest::Error) -> Error {
    tracing::warn!(service = entry.name, error = %cause, "a service cannot be reached");
    let name = &entry.name;
    Error::with_cause(
        Code::ServiceUnavailable,
        format!(
            "The service '{name}' cannot be reached: look at it and at the server's log. / 无法连接\
             服务「{name}」:请检查该服务与服务器日志。"
        ),
        cause,
    )
}
