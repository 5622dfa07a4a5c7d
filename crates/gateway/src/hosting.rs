//! Everything without a route of its own: the environment's hosted site.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, header};
use tower::ServiceExt;
use tower_http::services::ServeDir;

use crate::server::Gateway;

/// Serves a file of the hosted site, or says what is missing.
pub async fn serve(State(gateway): State<Arc<Gateway>>, request: Request<Body>) -> Response<Body> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return page(StatusCode::NOT_FOUND, NO_ROUTE);
    }
    let Some(folder) = gateway.platform().default_environment().hosting() else {
        return page(StatusCode::NOT_FOUND, NO_SITE);
    };
    let is_asset = request.uri().path().starts_with("/assets/");
    let served = ServeDir::new(&folder).append_index_html_on_directories(true);
    match served.oneshot(request).await {
        Ok(response) if response.status() == StatusCode::NOT_FOUND => {
            page(StatusCode::NOT_FOUND, if folder.is_dir() { NO_FILE } else { NOT_BUILT })
        }
        Ok(response) => {
            let mut response = response.map(Body::new);
            // Hashed names never change their content; everything else may at any deploy.
            let cache = if is_asset { "public, max-age=31536000, immutable" } else { "no-cache" };
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
            response
        }
        Err(never) => match never {},
    }
}

const NO_ROUTE: [&str; 2] =
    ["Nothing answers this address with this method.", "该地址不支持此请求方法。"];
const NO_SITE: [&str; 2] = [
    "This environment hosts no site: name a folder as \"hosting\" in yunkai.json.",
    "该环境没有托管网站:请在 yunkai.json 中用 \"hosting\" 指定目录。",
];
const NO_FILE: [&str; 2] = ["The hosted site has no such page.", "托管网站中没有该页面。"];
const NOT_BUILT: [&str; 2] = [
    "The folder of the hosted site does not exist yet: build the front end first.",
    "托管网站的目录尚不存在:请先构建前端。",
];

fn page(status: StatusCode, [english, chinese]: [&str; 2]) -> Response<Body> {
    let html = format!(
        "<!doctype html><html lang=\"zh\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Yunkai</title>\
         <body style=\"font:16px/1.7 system-ui,sans-serif;max-width:36rem;margin:18vh auto;padding:0 1.5rem\">\
         <h1 style=\"font-size:1.2rem\">{chinese}</h1><p>{english}</p>\
         <p><a href=\"/_console\">/_console</a></p></body></html>"
    );
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}
