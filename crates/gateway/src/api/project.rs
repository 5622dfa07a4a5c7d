//! `/_api/project`, `/_api/hosting` and `/_api/secrets`: what a deploy brings beside functions.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::Uri;
use axum::routing::{get, put};
use platform::deploy::{self, ProjectSettings};
use platform::releases::secrets;
use platform::{Code, Error};
use serde_json::{Value as Json, json};

use super::BODY_BYTES_MAX;
use super::asked::{Answer, Operator, Said, done, parameter, told};
use crate::envelope::invalid;
use crate::server::Gateway;
use crate::upload;

/// The routes of these.
pub fn routes() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/_api/project", put(apply))
        .route("/_api/hosting", get(hosted).put(host))
        .route("/_api/secrets", get(list))
        .route("/_api/secrets/{name}", put(set).delete(remove))
}

/// `PUT project`: what `yunkai.json` says.
async fn apply(Operator(context): Operator, body: Body) -> Answer {
    let body = upload::read_body(body, BODY_BYTES_MAX).await?;
    let settings: ProjectSettings = serde_json::from_slice(&body).map_err(|error| {
        let message =
            format!("The project cannot be understood: {error}. / 项目配置有误:{error}。");
        Error::with_cause(Code::InvalidParameter, message, error)
    })?;
    deploy::apply_project(&context, &settings).await?;
    done()
}

/// `GET hosting`: the hash that the site was sent with.
async fn hosted(Operator(context): Operator) -> Answer {
    told(json!({ "sourceHash": deploy::hosted(&context)? }))
}

/// `PUT hosting?sourceHash=HEX`: the site as a zip; it takes the place of the one before at once.
async fn host(Operator(context): Operator, uri: Uri, body: Body) -> Answer {
    let hash = parameter(&uri, "sourceHash");
    let site = upload::receive(&context, body).await?;
    let hosted = deploy::host_zip(&context, site.zip(), hash).await?;
    told(json!({ "changed": true, "files": hosted.files }))
}

/// `GET secrets`: names only.
async fn list(Operator(context): Operator) -> Answer {
    let secrets = secrets::list(&context)?;
    let secrets: Vec<_> = secrets
        .iter()
        .map(|(name, functions)| json!({ "name": name, "functions": functions }))
        .collect();
    told(json!({ "secrets": secrets }))
}

/// `PUT secrets/NAME {value}`.
async fn set(Path(name): Path<String>, Said(context, body): Said<Json>) -> Answer {
    let value = body["value"].as_str().ok_or_else(|| invalid("value", "a string", "字符串"))?;
    secrets::set(&context, &name, value).await?;
    done()
}

/// `DELETE secrets/NAME`.
async fn remove(Operator(context): Operator, Path(name): Path<String>) -> Answer {
    secrets::delete(&context, &name).await?;
    done()
}
