//! A request as the event of a function (protocol 02 §4.2). Pure.

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};

/// What the event says beyond the request itself.
#[derive(Debug)]
pub struct About<'a> {
    /// The path as the function sees it.
    pub path: &'a str,
    /// The environment's id.
    pub environment: &'a str,
    /// The id under which the request is logged.
    pub request_id: &'a str,
    /// The client's address, empty when unknown.
    pub client_ip: &'a str,
}

/// The event as JSON text.
pub fn of_request(parts: &Parts, body: &[u8], about: &About<'_>) -> String {
    let (body, is_base64) = text_of(&parts.headers, body);
    json!({
        "path": about.path,
        "httpMethod": parts.method.as_str(),
        "headers": headers(&parts.headers, about.client_ip),
        "queryStringParameters": query(parts.uri.query().unwrap_or_default()),
        "requestContext": {
            "requestId": about.request_id,
            "envId": about.environment,
            "appId": 0,
            "uin": 0,
            "sourceIp": about.client_ip,
            "path": parts.uri.path(),
            "httpMethod": parts.method.as_str(),
        },
        "body": body,
        "isBase64Encoded": is_base64,
    })
    .to_string()
}

/// What `TCB_HTTP_CONTEXT` tells the SDKs, as JSON text.
pub fn context(parts: &Parts, about: &About<'_>) -> String {
    let agent = parts.headers.get(header::USER_AGENT).map(text).unwrap_or_default();
    json!({
        "httpMethod": parts.method.as_str(),
        "url": parts.uri.path_and_query().map_or("/", |it| it.as_str()),
        "path": about.path,
        "sourceIp": about.client_ip,
        "userAgent": agent,
    })
    .to_string()
}

/// Names in lower case; several of one name are joined. Who the client claims to be, and what holds
/// a refresh token, stays outside.
pub fn headers(headers: &HeaderMap, client_ip: &str) -> Map<String, Json> {
    let mut told = Map::new();
    for name in headers.keys().filter(|name| is_told(name)) {
        let values: Vec<String> = headers.get_all(name).iter().map(text).collect();
        let between = if name == header::COOKIE { "; " } else { ", " };
        told.insert(name.as_str().to_owned(), values.join(between).into());
    }
    if !client_ip.is_empty() {
        let before = told.get("x-forwarded-for").and_then(Json::as_str).map(|it| format!("{it}, "));
        let forwarded = format!("{}{client_ip}", before.unwrap_or_default());
        told.insert("x-forwarded-for".to_owned(), forwarded.into());
        told.insert("x-real-ip".to_owned(), client_ip.into());
    }
    told
}

/// Whether a header of a client reaches a function: `x-wx-*` is the platform's own word.
pub fn is_told(name: &HeaderName) -> bool {
    let name = name.as_str();
    !name.starts_with("x-wx-") && name != super::CREDENTIALS && name != platform::INVOCATION_HEADER
}

fn text(value: &axum::http::HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// Parameters decoded; one that stands several times is a list.
pub fn query(query: &str) -> Map<String, Json> {
    let mut told = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(name), Json::String(decoded(value)));
        match told.get_mut(&name) {
            None => {
                told.insert(name, value);
            }
            Some(Json::Array(values)) => values.push(value),
            Some(first) => *first = Json::Array(vec![first.take(), value]),
        }
    }
    told
}

fn decoded(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

/// The body as text, or as base64 where it is not text.
fn text_of(headers: &HeaderMap, body: &[u8]) -> (String, bool) {
    let kind = headers.get(header::CONTENT_TYPE).map(text).unwrap_or_default();
    match std::str::from_utf8(body) {
        // No text has a zero; bytes without a content type often do.
        Ok(text) if is_text(&kind) && !body.contains(&0) => (text.to_owned(), false),
        _ if body.is_empty() => (String::new(), false),
        _ => (STANDARD.encode(body), true),
    }
}

fn is_text(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let named = [
        "application/json",
        "application/xml",
        "application/javascript",
        "application/x-www-form-urlencoded",
        "application/graphql",
        "application/x-ndjson",
    ];
    kind.is_empty()
        || kind.starts_with("text/")
        || kind.ends_with("+json")
        || kind.ends_with("+xml")
        || named.contains(&kind.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn event(request: axum::http::request::Builder, body: &[u8]) -> Json {
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let about = About { path: "/x", environment: "e", request_id: "r", client_ip: "1.2.3.4" };
        serde_json::from_str(&of_request(&parts, body, &about)).unwrap()
    }

    #[test]
    fn a_request_becomes_the_documented_event() {
        let request = Request::post("/api/x?a=1&b=%E9%9B%AA+&a=2&__proto__=p&c")
            .header("Content-Type", "application/json")
            .header("X-Two", "1")
            .header("X-Two", "2")
            .header("Cookie", "a=1")
            .header("Cookie", "b=2")
            .header("X-WX-OPENID", "forged")
            .header("x-cloudbase-credentials", "a/@@/b");
        let event = event(request, br#"{"k":1}"#);
        assert_eq!(event["path"], "/x");
        assert_eq!(event["httpMethod"], "POST");
        assert_eq!(event["body"], r#"{"k":1}"#);
        assert_eq!(event["isBase64Encoded"], false);
        assert_eq!(event["headers"]["x-two"], "1, 2");
        assert_eq!(event["headers"]["cookie"], "a=1; b=2");
        assert_eq!(event["headers"]["x-real-ip"], "1.2.3.4");
        assert!(event["headers"].get("x-wx-openid").is_none());
        assert!(event["headers"].get("x-cloudbase-credentials").is_none());
        let query = json!({ "a": ["1", "2"], "b": "雪 ", "__proto__": "p", "c": "" });
        assert_eq!(event["queryStringParameters"], query);
        assert_eq!(event["requestContext"]["envId"], "e");
        assert_eq!(event["requestContext"]["path"], "/api/x");
    }

    #[test]
    fn what_is_not_text_is_base64() {
        for (kind, body, expected) in [
            ("application/octet-stream", &b"abc"[..], ("YWJj", true)),
            ("multipart/form-data; boundary=x", b"--x", ("LS14", true)),
            ("text/plain", b"\xff\xfe", ("//4=", true)),
            ("text/plain; charset=utf-8", b"abc", ("abc", false)),
            ("application/vnd.api+json", b"{}", ("{}", false)),
            ("image/png", b"", ("", false)),
            ("", b"abc", ("abc", false)),
            ("", b"a\0b", ("YQBi", true)),
        ] {
            let mut request = Request::post("/");
            if !kind.is_empty() {
                request = request.header("content-type", kind);
            }
            let event = event(request, body);
            let told = (event["body"].as_str().unwrap(), event["isBase64Encoded"] == true);
            assert_eq!(told, expected, "{kind}");
        }
    }
}
