//! `/_files/{env}/{path}`: bytes up by ticket, bytes down by signed link (protocol 04 §2.1, §4).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, header};
use futures_util::TryStreamExt;
use percent_encoding::percent_decode_str;
use platform::storage::{self, Processing, Range, Variant};
use platform::{Code, Environment, Error, Result};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use crate::codes::http_status;
use crate::multipart;
use crate::server::Gateway;

/// How many bytes are read from the disk at once.
const CHUNK_BYTES: usize = 128 * 1024;
/// The most bytes of a form's text field; tokens are shorter.
const FIELD_BYTES_MAX: usize = 8 * 1024;

/// Takes the bytes of a granted upload: a raw body (`PUT`) or a form (`POST`).
pub async fn upload(
    State(gateway): State<Arc<Gateway>>,
    Path((environment, path)): Path<(String, String)>,
    request: Request<Body>,
) -> Response<Body> {
    let stored = match gateway.platform().environment(&environment) {
        Ok(environment) if request.method() == Method::PUT => {
            put(&environment, &path, request).await
        }
        Ok(environment) => post(&environment, &path, request).await,
        Err(error) => Err(error),
    };
    stored.unwrap_or_else(|error| cos_error(&error))
}

async fn put(
    environment: &Environment,
    path: &str,
    request: Request<Body>,
) -> Result<Response<Body>> {
    let headers = request.headers();
    let text = |name: &str| headers.get(name).and_then(|it| it.to_str().ok());
    let token = text("x-cos-security-token").or_else(|| text("authorization")).unwrap_or_default();
    let token = token.to_owned();
    let content_type = meaningful_type(text("content-type"));
    let mut body = request.into_body().into_data_stream().map_err(std::io::Error::other);
    let record = storage::store_upload(environment, path, &token, content_type, &mut body).await?;
    // The body must be empty: server SDKs take anything else for an error in XML.
    Ok(with_etag(Response::new(Body::empty()), &record.etag()))
}

async fn post(
    environment: &Environment,
    path: &str,
    request: Request<Body>,
) -> Result<Response<Body>> {
    let boundary = multipart::boundary(request.headers()).ok_or_else(|| {
        Error::new(Code::InvalidParameter, "The upload is not a form. / 上传请求不是表单。")
    })?;
    let body = request.into_body().into_data_stream();
    let mut form = multer::Multipart::new(body, boundary);
    store_form(environment, path, &mut form).await
}

async fn store_form(
    environment: &Environment,
    path: &str,
    form: &mut multer::Multipart<'_>,
) -> Result<Response<Body>> {
    let (mut token, mut created) = (String::new(), false);
    while let Some(field) = form.next_field().await.map_err(multipart::malformed)? {
        let name = field.name().unwrap_or_default().to_ascii_lowercase();
        if name == "file" {
            let content_type = meaningful_type(field.content_type().map(|it| it.as_ref()));
            let bytes = field.map_err(std::io::Error::other);
            let record =
                storage::store_upload(environment, path, &token, content_type, bytes).await?;
            let status = if created { StatusCode::CREATED } else { StatusCode::OK };
            return Ok(post_response(status, path, &record.etag()));
        }
        let value = short_text(field).await?;
        match name.as_str() {
            "x-cos-security-token" => token = value,
            "signature" if token.is_empty() => token = value,
            "success_action_status" => created = value == "201",
            _ => {}
        }
    }
    Err(Error::new(
        Code::InvalidParameter,
        "The form has no part named 'file'. / 表单中没有名为 file 的部分。",
    ))
}

async fn short_text(mut field: multer::Field<'_>) -> Result<String> {
    let mut text = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(multipart::malformed)? {
        text.extend_from_slice(&chunk);
        if text.len() > FIELD_BYTES_MAX {
            let message = "A field of the form is too long. / 表单字段过长。";
            return Err(Error::new(Code::InvalidParameter, message));
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// SDKs send "some bytes" where they do not know; then the name of the file says more.
fn meaningful_type(content_type: Option<&str>) -> Option<String> {
    content_type
        .filter(|it| !it.is_empty() && !it.starts_with("application/octet-stream"))
        .map(str::to_owned)
}

fn with_etag(mut response: Response<Body>, etag: &str) -> Response<Body> {
    if let Ok(value) = HeaderValue::from_str(etag) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

fn post_response(status: StatusCode, path: &str, etag: &str) -> Response<Body> {
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><PostResponse><Location></Location>\
         <Bucket></Bucket><Key>{}</Key><ETag>{}</ETag></PostResponse>",
        escape_xml(path),
        escape_xml(etag)
    );
    with_etag(xml_response(status, xml), etag)
}

/// An error as COS writes it; SDKs read code and message out of it.
fn cos_error(error: &Error) -> Response<Body> {
    crate::reply::note("", error);
    let status = StatusCode::from_u16(http_status(error.code()))
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{}</Code><Message>{}</Message>\
         <Resource></Resource><RequestId></RequestId><TraceId></TraceId></Error>",
        crate::codes::vendor_code(error.code()),
        escape_xml(error.message())
    );
    xml_response(status, xml)
}

fn xml_response(status: StatusCode, xml: String) -> Response<Body> {
    let mut response = Response::new(Body::from(xml));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static("application/xml; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

fn escape_xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Sends the bytes behind a signed link, whole or in part, processed if the link says so.
pub async fn download(
    State(gateway): State<Arc<Gateway>>,
    Path((environment, path)): Path<(String, String)>,
    request: Request<Body>,
) -> Response<Body> {
    let sent = match gateway.platform().environment(&environment) {
        Ok(environment) => send(&environment, &path, &request.into_parts().0).await,
        Err(error) => Err(error),
    };
    sent.unwrap_or_else(|error| cos_error(&error))
}

/// What is about to be sent.
struct Content {
    file: std::path::PathBuf,
    content_type: String,
    size: u64,
    etag: String,
}

async fn send(environment: &Environment, path: &str, request: &Parts) -> Result<Response<Body>> {
    let query = request.uri.query().unwrap_or_default();
    let record = storage::by_link(environment, path, query).await?;
    let variant = match processing(query) {
        Some(processing) => storage::variant(environment, &record, &processing).await?,
        None => None,
    };
    let content = match variant {
        Some(Variant { path: file, content_type, size, etag }) => {
            Content { file, content_type, size, etag }
        }
        None => Content {
            file: storage::blob(environment, &record),
            content_type: record.content_type.clone(),
            size: record.size,
            etag: record.etag(),
        },
    };
    let headers = &request.headers;
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if text(header::IF_NONE_MATCH).is_some_and(|given| etag_matches(given, &content.etag)) {
        return Ok(described(StatusCode::NOT_MODIFIED, &content, Body::empty()));
    }
    // A range of another version is worthless: then the whole file is sent.
    let same = text(header::IF_RANGE).is_none_or(|given| given == content.etag);
    let range = Range::parse(text(header::RANGE).filter(|_| same), content.size);
    if request.method != Method::HEAD {
        environment.usage().outbound(range.length(content.size));
    }
    partial(&request.method, &content, range).await
}

async fn partial(method: &Method, content: &Content, range: Range) -> Result<Response<Body>> {
    let length = range.length(content.size);
    let (status, start) = match range {
        Range::Full => (StatusCode::OK, 0),
        Range::Partial { start, .. } => (StatusCode::PARTIAL_CONTENT, start),
        Range::Unsatisfiable => (StatusCode::RANGE_NOT_SATISFIABLE, 0),
    };
    let body = if method == Method::HEAD || length == 0 {
        Body::empty()
    } else {
        let mut file = tokio::fs::File::open(&content.file).await.map_err(gone)?;
        file.seek(std::io::SeekFrom::Start(start)).await.map_err(gone)?;
        Body::from_stream(ReaderStream::with_capacity(file.take(length), CHUNK_BYTES))
    };
    let mut response = described(status, content, body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    let content_range = match range {
        Range::Full => None,
        Range::Partial { start, end } => Some(format!("bytes {start}-{end}/{}", content.size)),
        Range::Unsatisfiable => Some(format!("bytes */{}", content.size)),
    };
    if let Some(value) = content_range.and_then(|text| HeaderValue::from_str(&text).ok()) {
        headers.insert(header::CONTENT_RANGE, value);
    }
    Ok(response)
}

/// Headers of every download. Uploads are strangers' bytes: a browser must neither guess their
/// kind nor run them as pages of this origin.
fn described(status: StatusCode, content: &Content, body: Body) -> Response<Body> {
    let mut response = with_etag(Response::new(body), &content.etag);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&content.content_type) {
        headers.insert(header::CONTENT_TYPE, value);
    }
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let policy = HeaderValue::from_static("sandbox; default-src 'none'; style-src 'unsafe-inline'");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=3600"));
    response
}

/// The processing a client appended to a link, whichever way it joined it.
fn processing(query: &str) -> Option<Processing> {
    query.split('&').flat_map(|part| part.split('?')).find_map(|part| {
        let decoded = percent_decode_str(part.trim_end_matches('=')).decode_utf8().ok()?;
        Processing::parse(&decoded)
    })
}

fn etag_matches(given: &str, etag: &str) -> bool {
    given.split(',').map(str::trim).any(|it| it == "*" || it.trim_start_matches("W/") == etag)
}

fn gone(error: std::io::Error) -> Error {
    Error::with_cause(
        Code::StorageFailed,
        "The bytes of this file cannot be read: check the data directory. / 文件内容无法读取:请检查\
         数据目录。",
        error,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processing_is_found_behind_the_signature() {
        for (query, found) in [
            ("sign=a&t=1", false),
            ("sign=a&t=1&imageMogr2/thumbnail/200x", true),
            ("sign=a&t=1?imageMogr2/thumbnail/200x", true),
            ("sign=a&t=1&imageMogr2%2Fthumbnail%2F%21200x200r", true),
            ("sign=a&t=1&imageMogr2/thumbnail/200x=", true),
            ("sign=a&t=1&imageView2/1/w/80/h/80", true),
        ] {
            assert_eq!(processing(query).is_some(), found, "{query}");
        }
    }

    #[test]
    fn etags_match_in_lists_and_weakly() {
        for (given, matches) in [
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"b\", \"a\"", true),
            ("*", true),
            ("\"b\"", false),
        ] {
            assert_eq!(etag_matches(given, "\"a\""), matches, "{given}");
        }
    }
}
