//! Which path is answered by which module, and what every answer carries.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use axum::middleware::{self, Next};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;

use crate::server::Gateway;
use crate::{
    admin, api, auth, console, file_transfer, http_routes, metrics, push, reply, rest, services,
    sockets, streams, v1_functions, web,
};

/// The whole listener.
pub fn router(gateway: Arc<Gateway>) -> Router {
    let open = Router::new()
        .route("/admin", post(admin::handle).fallback(http_routes::serve))
        .route("/web", post(web::handle).fallback(http_routes::serve))
        .route(
            "/_files/{environment}/{*path}",
            get(file_transfer::download).put(file_transfer::upload).post(file_transfer::upload),
        )
        .route("/_api/dev/users", get(console::dev_users))
        .merge(auth::routes())
        .merge(rest::routes())
        .merge(v1_functions::routes())
        .merge(services::routes())
        .merge(streams::routes())
        .merge(push::routes())
        .layer(middleware::from_fn(cross_origin));
    let console = if gateway.options().has_console { console::routes() } else { Router::new() };
    Router::new()
        .merge(open)
        .merge(console)
        .merge(api::routes())
        .route("/_health", get(health))
        .route("/_ready", get(health))
        .fallback(http_routes::serve)
        .layer(middleware::from_fn_with_state(Arc::clone(&gateway), metrics::measure))
        .layer(CatchPanicLayer::custom(defect))
        .with_state(gateway)
}

/// The listener of the console alone.
pub fn console_router(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .merge(console::page_routes())
        .merge(api::routes())
        .route("/_health", get(health))
        .route("/_ready", get(health))
        .fallback(console::nothing_here)
        .layer(middleware::from_fn_with_state(Arc::clone(&gateway), metrics::measure))
        .layer(CatchPanicLayer::custom(defect))
        .with_state(gateway)
}

/// What a worker reaches: the same, and the services under their own hosts.
pub fn worker_router(gateway: Arc<Gateway>, router: Router) -> Router {
    let sending = Router::new()
        .route("/_ws", post(sockets::post))
        .route("/_lane", get(http_routes::lane))
        .with_state(Arc::clone(&gateway));
    let layer = middleware::from_fn_with_state(gateway, services::inside);
    router.merge(sending).layer(layer)
}

async fn health() -> Response<Body> {
    reply::json_response(StatusCode::OK, r#"{"status":"ok"}"#.to_owned())
}

/// Client SDKs run on pages of any origin and carry their own tokens, never cookies.
async fn cross_origin(request: Request, next: Next) -> Response<Body> {
    let asked = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let origin = request.headers().contains_key(header::ORIGIN);
    let mut response = if request.method() == Method::OPTIONS && origin {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        response
    } else {
        next.run(request).await
    };
    if origin {
        allow(response.headers_mut(), asked);
    }
    response
}

fn allow(headers: &mut HeaderMap, asked: Option<HeaderValue>) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    let exposed = HeaderValue::from_static("x-tcb-trace, x-request-id, etag, content-range");
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    if let Some(asked) = asked {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked);
        let methods = HeaderValue::from_static("GET,POST,PUT,PATCH,DELETE,OPTIONS");
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
}

/// A panic ends one request, never the server.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands the panic over")]
fn defect(panic: Box<dyn std::any::Any + Send>) -> Response<Body> {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("unknown");
    tracing::error!(panic = text, "a request met a defect");
    let error = platform::Error::new(
        platform::Code::Internal,
        "A defect of this server; the request was given up. Look at the server's log. / 服务器内部\
         错误,请查看服务器日志。",
    );
    reply::respond(&platform::new_request_id(), Err(error))
}
