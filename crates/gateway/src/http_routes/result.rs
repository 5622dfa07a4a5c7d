//! What a function returned as an HTTP answer (protocol 02 §4.2). Pure.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use platform::{Code, Error, Result};
use serde::Deserialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;

use crate::reply::JSON;

/// Headers that belong to one connection (RFC 9110 §7.6.1), and the length, which is counted here.
const OF_THE_CONNECTION: [&str; 10] = [
    "connection",
    "content-length",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Functions write base64 with and without its padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Whether a header is about one connection and not passed on.
pub fn is_of_the_connection(name: &str) -> bool {
    OF_THE_CONNECTION.contains(&name)
}

/// The answer a function means by its result.
///
/// A text is a text; an object with a number as `statusCode` says all of the answer; other values
/// are JSON; nothing is 204.
///
/// # Errors
/// A status or header that HTTP does not know, a base64 body that is none.
pub fn to_response(result: &str) -> Result<Response<Body>> {
    #[derive(Deserialize)]
    struct Glance<'a> {
        #[serde(borrow, rename = "statusCode")]
        status_code: Option<&'a RawValue>,
    }
    match result.as_bytes().first() {
        Some(b'"') => {
            let text: String = serde_json::from_str(result).map_err(broken)?;
            Ok(answer(StatusCode::OK, "text/plain; charset=utf-8", text.into()))
        }
        Some(b'{') => {
            let glance: Glance = serde_json::from_str(result).map_err(broken)?;
            let status =
                glance.status_code.and_then(|it| serde_json::from_str::<f64>(it.get()).ok());
            match status {
                Some(_) => integrated(serde_json::from_str(result).map_err(broken)?),
                None => Ok(answer(StatusCode::OK, JSON, result.to_owned().into())),
            }
        }
        _ if result == "null" => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            Ok(response)
        }
        _ => Ok(answer(StatusCode::OK, JSON, result.to_owned().into())),
    }
}

fn integrated(mut result: Json) -> Result<Response<Body>> {
    let number = result["statusCode"].as_u64().and_then(|it| u16::try_from(it).ok());
    let status = number.filter(|it| (200..=599).contains(it));
    let status = status.and_then(|it| StatusCode::from_u16(it).ok()).ok_or_else(|| {
        let given = &result["statusCode"];
        refused(
            &format!("statusCode {given} is not a status from 200 to 599"),
            &format!("statusCode {given} 不是 200 到 599 的状态码"),
        )
    })?;
    let mut headers = HeaderMap::new();
    if let Json::Object(members) = &result["headers"] {
        for (name, value) in members {
            add(&mut headers, name, value)?;
        }
    }
    let is_base64 = result["isBase64Encoded"].as_bool().unwrap_or(false);
    let (kind, body) = match result["body"].take() {
        Json::Null => ("", Vec::new()),
        Json::String(text) if is_base64 => {
            let bytes = BASE64.decode(text.trim()).map_err(|_| {
                refused("isBase64Encoded is true but body is not base64", "body 不是合法的 base64")
            })?;
            ("application/octet-stream", bytes)
        }
        Json::String(text) => ("text/plain; charset=utf-8", text.into_bytes()),
        other => (JSON, other.to_string().into_bytes()),
    };
    if !kind.is_empty() {
        headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static(kind));
    }
    let has_body = !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let mut response = Response::new(if has_body { body.into() } else { Body::empty() });
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

/// A list is several headers of one name, as several cookies need them.
fn add(headers: &mut HeaderMap, name: &str, value: &Json) -> Result<()> {
    let lower = name.to_ascii_lowercase();
    if is_of_the_connection(&lower) {
        return Ok(());
    }
    match value {
        Json::Array(values) => values.iter().try_for_each(|value| add(headers, name, value)),
        Json::Null => Ok(()),
        value => {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let name = HeaderName::from_bytes(lower.as_bytes());
            let value = HeaderValue::from_bytes(text.as_bytes());
            let (Ok(key), Ok(value)) = (name, value) else {
                return Err(refused(
                    &format!("the header {lower:?} has a name or value that HTTP does not allow"),
                    &format!("响应头 {lower:?} 含有 HTTP 不允许的字符"),
                ));
            };
            headers.append(key, value);
            Ok(())
        }
    }
}

fn answer(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn refused(english: &str, chinese: &str) -> Error {
    Error::new(
        Code::FunctionFailed,
        format!(
            "The function's answer cannot be sent: {english}. / 云函数的响应无法发送:{chinese}。"
        ),
    )
}

fn broken(error: serde_json::Error) -> Error {
    let message = "The function's result is not JSON. / 云函数的返回值不是合法的 JSON。";
    Error::with_cause(Code::FunctionFailed, message, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    async fn shown(result: &str) -> (u16, String, String) {
        let response = to_response(result).unwrap();
        let status = response.status().as_u16();
        let kind = response.headers().get(header::CONTENT_TYPE);
        let kind = kind.map(|it| it.to_str().unwrap().to_owned()).unwrap_or_default();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, kind, String::from_utf8_lossy(&body).into_owned())
    }

    #[tokio::test]
    async fn every_result_has_its_answer() {
        let text = "text/plain; charset=utf-8";
        for (result, status, kind, body) in [
            (r#""<h1>雪</h1>""#, 200, text, "<h1>雪</h1>"),
            (r#"{"a":1}"#, 200, JSON, r#"{"a":1}"#),
            ("[1,2]", 200, JSON, "[1,2]"),
            ("7", 200, JSON, "7"),
            ("null", 204, "", ""),
            (r#"{"statusCode":"200","body":"x"}"#, 200, JSON, r#"{"statusCode":"200","body":"x"}"#),
            (r#"{"statusCode":404,"body":"no"}"#, 404, text, "no"),
            (r#"{"statusCode":200,"body":{"a":[1]}}"#, 200, JSON, r#"{"a":[1]}"#),
            (r#"{"statusCode":201}"#, 201, "", ""),
            (r#"{"statusCode":204,"body":"x"}"#, 204, text, ""),
            (
                r#"{"statusCode":200,"isBase64Encoded":true,"body":"YWI","headers":{"content-TYPE":"image/png"}}"#,
                200,
                "image/png",
                "ab",
            ),
        ] {
            assert_eq!(shown(result).await, (status, kind.to_owned(), body.to_owned()), "{result}");
        }
    }

    #[test]
    fn headers_may_be_lists_and_those_of_the_connection_are_left_out() {
        let result = r#"{"statusCode":302,"headers":{"Location":"/x","Set-Cookie":["a=1","b=2"],
            "Transfer-Encoding":"chunked","Content-Length":"999","X-Number":7,"X-Name":"雪","X-None":null}}"#;
        let response = to_response(result).unwrap();
        let headers = response.headers();
        assert_eq!(headers["location"], "/x");
        assert_eq!(headers.get_all("set-cookie").iter().count(), 2);
        assert_eq!(headers["x-number"], "7");
        assert_eq!(headers["x-name"].as_bytes(), "雪".as_bytes());
        for left_out in ["transfer-encoding", "content-length", "x-none"] {
            assert!(!headers.contains_key(left_out), "{left_out}");
        }
    }

    #[test]
    fn what_http_does_not_allow_is_refused() {
        for result in [
            r#"{"statusCode":99}"#,
            r#"{"statusCode":101}"#,
            r#"{"statusCode":600}"#,
            r#"{"statusCode":200.5}"#,
            r#"{"statusCode":-1}"#,
            r#"{"statusCode":200,"headers":{"x-a":"1\r\nset-cookie: b=2"}}"#,
            r#"{"statusCode":200,"headers":{"x a":"1"}}"#,
            r#"{"statusCode":200,"isBase64Encoded":true,"body":"!"}"#,
        ] {
            assert_eq!(to_response(result).unwrap_err().code(), Code::FunctionFailed, "{result}");
        }
    }
}
