//! Collections: listing, making and dropping them, asking them.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::Response;
use platform::database::{self, Aggregate};
use platform::transfer::{ExportFormat, Exporter};
use platform::{Result, collections};
use serde_json::json;

use super::{Selection, answer, asked, read};
use crate::encode;
use crate::server::Gateway;

/// How many documents a query answers when it names no limit.
const QUERY_LIMIT_DEFAULT: u64 = 100;

/// `GET collections`.
pub async fn list(State(gateway): State<Arc<Gateway>>, request: Request) -> Response<Body> {
    answer(async {
        let context = asked(&gateway, request)?;
        let list: Vec<_> = collections::list(&context)
            .await?
            .into_iter()
            .map(|it| {
                json!({ "name": it.name, "documents": it.documents, "acl": it.acl.to_string() })
            })
            .collect();
        Ok(json!({ "collections": list }).to_string())
    })
    .await
}

/// `POST collections {name}`.
pub async fn create(State(gateway): State<Arc<Gateway>>, request: Request) -> Response<Body> {
    answer(async {
        let (context, body) = read(&gateway, request).await?;
        database::create_collection(&context, body.required_text("name")?).await?;
        Ok("{}".to_owned())
    })
    .await
}

/// `DELETE collections/NAME`.
pub async fn drop_collection(
    State(gateway): State<Arc<Gateway>>,
    Path(collection): Path<String>,
    request: Request,
) -> Response<Body> {
    answer(async {
        let context = asked(&gateway, request)?;
        collections::drop_collection(&context, &collection).await?;
        Ok("{}".to_owned())
    })
    .await
}

/// `POST collections/NAME/query {filter, sort, projection, skip, limit}`.
pub async fn query(
    State(gateway): State<Arc<Gateway>>,
    Path(collection): Path<String>,
    request: Request,
) -> Response<Body> {
    answer(async {
        let (context, body) = read(&gateway, request).await?;
        let mut selection = Selection::read(&body)?;
        selection.limit.get_or_insert(QUERY_LIMIT_DEFAULT);
        let export = selection.export(collection, ExportFormat::JsonLines);
        let mut exporter = Exporter::start(&context, export).await?;
        let mut lines = String::new();
        while let Some(text) = exporter.next().await? {
            lines.push_str(&text);
        }
        let documents = lines.trim_end().replace('\n', ",");
        Ok(format!(r#"{{"documents":[{documents}]}}"#))
    })
    .await
}

/// `POST collections/NAME/count {filter}`.
pub async fn count(
    State(gateway): State<Arc<Gateway>>,
    Path(collection): Path<String>,
    request: Request,
) -> Response<Body> {
    answer(async {
        let (context, body) = read(&gateway, request).await?;
        let filter = body.document("filter")?.unwrap_or_default();
        let total = database::count(&context, &collection, filter, None).await?;
        Ok(json!({ "total": total }).to_string())
    })
    .await
}

/// `POST collections/NAME/aggregate {pipeline}`; all results.
pub async fn aggregate(
    State(gateway): State<Arc<Gateway>>,
    Path(collection): Path<String>,
    request: Request,
) -> Response<Body> {
    answer(async {
        let (context, body) = read(&gateway, request).await?;
        let stages = body.stages("pipeline")?;
        let aggregate = Aggregate { collection, stages, ..Aggregate::default() };
        let results = database::aggregate_all(&context, aggregate).await?;
        let results = results.iter().map(|it| encode::relaxed(it)).collect::<Result<Vec<_>>>()?;
        Ok(format!(r#"{{"documents":[{}]}}"#, results.join(",")))
    })
    .await
}
