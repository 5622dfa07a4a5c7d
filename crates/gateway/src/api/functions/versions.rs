//! Versions and aliases: listing, publishing, moving, rolling back, deleting.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::Response;
use platform::releases::{self, Alias, Share};
use serde_json::{Value as Json, json};

use super::{number, shape, text, told};
use crate::api::{answer, asked, read_json};
use crate::envelope::invalid;
use crate::server::Gateway;

/// `GET NAME/versions`.
pub async fn list(
    State(gateway): State<Arc<Gateway>>,
    Path(name): Path<String>,
    request: Request,
) -> Response<Body> {
    answer(async {
        let context = asked(&gateway, request)?;
        let entry = releases::entry_of(&context, &name)?;
        Ok(told("versions", shape::versions(&context.environment, &entry)))
    })
    .await
}

/// `POST NAME/versions {description}`.
pub async fn publish(
    State(gateway): State<Arc<Gateway>>,
    Path(name): Path<String>,
    request: Request,
) -> Response<Body> {
    answer(async {
        let (context, body) = read_json(&gateway, request).await?;
        let description = text(&body, "description")?.unwrap_or_default().to_owned();
        Ok(told("version", releases::publish(&context, &name, description).await?))
    })
    .await
}

/// `DELETE NAME/versions/VERSION`.
pub async fn remove(
    State(gateway): State<Arc<Gateway>>,
    Path((name, version)): Path<(String, String)>,
    request: Request,
) -> Response<Body> {
    answer(async {
        let context = asked(&gateway, request)?;
        releases::delete_version(&context, &name, &version).await?;
        Ok("{}".to_owned())
    })
    .await
}

/// `POST NAME/rollback {to}`.
pub async fn roll_back(
    State(gateway): State<Arc<Gateway>>,
    Path(name): Path<String>,
    request: Request,
) -> Response<Body> {
    answer(async {
        let (context, body) = read_json(&gateway, request).await?;
        let rolled = releases::roll_back(&context, &name, number(&body, "to")?).await?;
        Ok(json!({ "version": rolled.version, "notices": rolled.notices }).to_string())
    })
    .await
}

/// `PUT NAME/aliases/ALIAS {description, split: [{version, weight}]}`.
pub async fn set_alias(
    State(gateway): State<Arc<Gateway>>,
    Path((name, alias)): Path<(String, String)>,
    request: Request,
) -> Response<Body> {
    answer(async {
        let (context, body) = read_json(&gateway, request).await?;
        let expected =
            || invalid("split", "a list of {version, weight}", "由 {version, weight} 组成的数组");
        let split = body["split"].as_array().ok_or_else(expected)?;
        let share = |it: &Json| {
            let weight = u32::try_from(it["weight"].as_u64()?).ok()?;
            Some(Share { version: it["version"].as_str()?.to_owned(), weight })
        };
        let split: Option<Vec<_>> = split.iter().map(share).collect();
        let description = text(&body, "description")?.unwrap_or_default().to_owned();
        let to = Alias { description, split: split.ok_or_else(expected)? };
        releases::set_alias(&context, &name, &alias, to).await?;
        Ok("{}".to_owned())
    })
    .await
}

/// `DELETE NAME/aliases/ALIAS`.
pub async fn remove_alias(
    State(gateway): State<Arc<Gateway>>,
    Path((name, alias)): Path<(String, String)>,
    request: Request,
) -> Response<Body> {
    answer(async {
        let context = asked(&gateway, request)?;
        releases::delete_alias(&context, &name, &alias).await?;
        Ok("{}".to_owned())
    })
    .await
}
