//! `/_api/project`, `/_api/hosting` and `/_api/secrets`: what a deploy brings beside functions.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::Response;
use axum::routing::{get, put};
use platform::deploy::{self, ProjectSettings, Zip};
use platform::releases::secrets;
use platform::{Code, Error};
use serde_json::json;

use super::{BODY_BYTES_MAX, answer, asked, context, parameter, read_json};
use crate::envelope::invalid;
use crate::server::Gateway;
use crate::upload;

/// The largest site, zipped, in bytes.
const SITE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// The routes of these.
pub fn routes() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/_api/project", put(apply))
        .route("/_api/hosting", get(hosted).put(host))
        .route("/_api/secrets", get(list))
        .route("/_api/secrets/{name}", put(set).delete(remove))
}

/// `PUT project`: what `yunkai.json` says.
async fn apply(State(gateway): State<Arc<Gateway>>, request: Request) -> Response<Body> {
    answer(async {
        let (parts, body) = request.into_parts();
        let context = context(&gateway, &parts)?;
        let body = upload::read_body(body, BODY_BYTES_MAX).await?;
        let settings: ProjectSettings = serde_json::from_slice(&body).map_err(|error| {
            let message =
                format!("The project cannot be understood: {error}. / 项目配置有误:{error}。");
            Error::with_cause(Code::InvalidParameter, message, error)
        })?;
        deploy::apply_project(&context, &settings).await?;
        Ok("{}".to_owned())
    })
    .await
}

/// `GET hosting`: the hash that the site was sent with.
async fn hosted(State(gateway): State<Arc<Gateway>>, request: Request) -> Response<Body> {
    answer(async {
        let context = asked(&gateway, request)?;
        Ok(json!({ "sourceHash": deploy::hosted(&context)? }).to_string())
    })
    .await
}

/// `PUT hosting?sourceHash=HEX`: the site as a zip; it takes the place of the one before at once.
async fn host(State(gateway): State<Arc<Gateway>>, request: Request) -> Response<Body> {
    answer(async {
        let (parts, body) = request.into_parts();
        let context = context(&gateway, &parts)?;
        let hash = parameter(&parts, "sourceHash");
        let zip = upload::read_body(body, SITE_BYTES_MAX).await?;
        let hosted = deploy::host_zip(&context, Zip::Bytes(zip), hash).await?;
        Ok(json!({ "changed": true, "files": hosted.files }).to_string())
    })
    .await
}

/// `GET secrets`: names only.
async fn list(State(gateway): State<Arc<Gateway>>, request: Request) -> Response<Body> {
    answer(async {
        let context = asked(&gateway, request)?;
        let secrets = secrets::list(&context)?;
        let secrets: Vec<_> = secrets
            .iter()
            .map(|(name, functions)| json!({ "name": name, "functions": functions }))
            .collect();
        Ok(json!({ "secrets": secrets }).to_string())
    })
    .await
}

/// `PUT secrets/NAME {value}`.
async fn set(
    State(gateway): State<Arc<Gateway>>,
    Path(name): Path<String>,
    request: Request,
) -> Response<Body> {
    answer(async {
        let (context, body) = read_json(&gateway, request).await?;
        let value = body["value"].as_str().ok_or_else(|| invalid("value", "a string", "字符串"))?;
        secrets::set(&context, &name, value).await?;
        Ok("{}".to_owned())
    })
    .await
}

/// `DELETE secrets/NAME`.
async fn remove(
    State(gateway): State<Arc<Gateway>>,
    Path(name): Path<String>,
    request: Request,
) -> Response<Body> {
    answer(async {
        let context = asked(&gateway, request)?;
        secrets::delete(&context, &name).await?;
        Ok("{}".to_owned())
    })
    .await
}
