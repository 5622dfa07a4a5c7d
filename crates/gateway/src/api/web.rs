//! What answers over HTTP in an environment: its routes, and the services behind it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use serde_json::json;

use super::{answer, asked};
use crate::server::Gateway;

/// `GET routes`: those with the most segments first, as they are tried.
pub async fn routes(State(gateway): State<Arc<Gateway>>, request: Request) -> Response<Body> {
    answer(async {
        let context = asked(&gateway, request)?;
        Ok(json!({ "routes": context.environment.routes().routes() }).to_string())
    })
    .await
}

/// `GET services`: each with its settings, what its breaker does, and the secret that signs
/// requests to it.
pub async fn services(State(gateway): State<Arc<Gateway>>, request: Request) -> Response<Body> {
    answer(async {
        let context = asked(&gateway, request)?;
        Ok(json!({ "services": platform::services::list(&context)? }).to_string())
    })
    .await
}
