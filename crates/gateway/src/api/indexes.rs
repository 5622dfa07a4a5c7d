//! Indexes: listing, creating, dropping them, and saying what use a query makes of them.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::Response;
use platform::Result;
use platform::database::Find;
use platform::indexes::{self, Explanation, IndexInfo, IndexKind, IndexSpec, IndexState};
use serde_json::{Map, Value as Json, json};

use super::{Selection, answer, asked, read};
use crate::envelope::invalid;
use crate::server::Gateway;

/// `GET collections/NAME/indexes`.
pub async fn list(
    State(gateway): State<Arc<Gateway>>,
    Path(collection): Path<String>,
    request: Request,
) -> Response<Body> {
    answer(async {
        let context = asked(&gateway, request)?;
        let list = indexes::list(&context, &collection).await?;
        let list: Vec<_> = list.iter().map(index).collect();
        Ok(json!({ "indexes": list }).to_string())
    })
    .await
}

/// `POST collections/NAME/indexes {name, keys, unique, expireAfterSeconds}`; answers when it is
/// in use.
pub async fn create(
    State(gateway): State<Arc<Gateway>>,
    Path(collection): Path<String>,
    request: Request,
) -> Response<Body> {
    answer(async {
        let (context, body) = read(&gateway, request).await?;
        let keys = match body.json("keys") {
            // As in yunkai.json: one object per field.
            Some(Json::Array(_)) => body.documents("keys")?.into_iter().flatten().collect(),
            _ => body.document("keys")?.ok_or_else(|| invalid("keys", "an object", "对象"))?,
        };
        let spec = IndexSpec {
            name: body.text("name").unwrap_or_default().to_owned(),
            keys: indexes::parse_keys(&keys)?,
            unique: body.flag("unique"),
            expire_after_seconds: body.count("expireAfterSeconds")?,
        };
        let name = indexes::create(&context, &collection, spec).await?;
        Ok(json!({ "name": name }).to_string())
    })
    .await
}

/// `DELETE collections/NAME/indexes/INDEX`.
pub async fn drop_index(
    State(gateway): State<Arc<Gateway>>,
    Path((collection, name)): Path<(String, String)>,
    request: Request,
) -> Response<Body> {
    answer(async {
        let context = asked(&gateway, request)?;
        indexes::drop_index(&context, &collection, &name).await?;
        Ok("{}".to_owned())
    })
    .await
}

/// `POST collections/NAME/explain {filter, sort, projection, skip, limit}`.
pub async fn explain(
    State(gateway): State<Arc<Gateway>>,
    Path(collection): Path<String>,
    request: Request,
) -> Response<Body> {
    answer(async {
        let (context, body) = read(&gateway, request).await?;
        let Selection { filter, order, projection, skip, limit } = Selection::read(&body)?;
        let find = Find { collection, filter, order, projection, skip, limit, ..Find::default() };
        told(&indexes::explain(&context, find).await?)
    })
    .await
}

fn index(info: &IndexInfo) -> Json {
    let state = match info.state {
        IndexState::Building => "building",
        IndexState::Ready => "ready",
    };
    let mut index = json!({
        "name": info.spec.name,
        "keys": keys(&info.spec.keys),
        "unique": info.spec.unique,
        "state": state,
        "multikey": info.is_multikey,
    });
    if let Some(seconds) = info.spec.expire_after_seconds {
        index["expireAfterSeconds"] = seconds.into();
    }
    index
}

fn keys(keys: &[(String, IndexKind)]) -> Json {
    let kind = |kind: IndexKind| match kind {
        IndexKind::Ascending => 1.into(),
        IndexKind::Descending => (-1).into(),
        IndexKind::Geo => "2dsphere".into(),
    };
    let keys: Map<String, Json> = keys.iter().map(|(path, it)| (path.clone(), kind(*it))).collect();
    Json::Object(keys)
}

fn told(explanation: &Explanation) -> Result<String> {
    let used: Vec<_> = explanation
        .used
        .iter()
        .map(|it| {
            let bounds: Vec<_> = it
                .bounds
                .iter()
                .map(|bound| json!({ "path": bound.path, "intervals": bound.intervals }))
                .collect();
            json!({ "index": it.index, "bounds": bounds, "reverse": it.is_reverse })
        })
        .collect();
    let rejected: Vec<_> = explanation
        .rejected
        .iter()
        .map(|it| json!({ "index": it.index, "keysCounted": it.keys_counted }))
        .collect();
    Ok(json!({
        "used": used,
        "keysExamined": explanation.keys_examined,
        "documentsExamined": explanation.documents_examined,
        "returned": explanation.returned,
        "sortedInMemory": explanation.sorted_in_memory,
        "rejected": rejected,
        "suggestion": explanation.suggestion.as_deref().map(keys),
        "milliseconds": explanation.milliseconds,
    })
    .to_string())
}
