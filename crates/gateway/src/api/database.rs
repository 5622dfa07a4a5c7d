//! Collections: listing, making and dropping them, asking them.

use axum::extract::Path;
use platform::database::{self, Aggregate};
use platform::transfer::{ExportFormat, Exporter};
use platform::{Result, collections};
use serde_json::json;

use super::Selection;
use super::asked::{Answer, Operator, Said, done, told};
use crate::encode;
use crate::envelope::Envelope;

/// How many documents a query answers when it names no limit.
const QUERY_LIMIT_DEFAULT: u64 = 100;

/// `GET collections`.
pub async fn list(Operator(context): Operator) -> Answer {
    let list: Vec<_> = collections::list(&context)
        .await?
        .into_iter()
        .map(|it| json!({ "name": it.name, "documents": it.documents, "acl": it.acl.to_string() }))
        .collect();
    told(json!({ "collections": list }))
}

/// `POST collections {name}`.
pub async fn create(Said(context, body): Said<Envelope>) -> Answer {
    database::create_collection(&context, body.required_text("name")?).await?;
    done()
}

/// `DELETE collections/NAME`.
pub async fn drop_collection(
    Operator(context): Operator,
    Path(collection): Path<String>,
) -> Answer {
    collections::drop_collection(&context, &collection).await?;
    done()
}

/// `POST collections/NAME/query {filter, sort, projection, skip, limit}`.
pub async fn query(Path(collection): Path<String>, Said(context, body): Said<Envelope>) -> Answer {
    let mut selection = Selection::read(&body)?;
    selection.limit.get_or_insert(QUERY_LIMIT_DEFAULT);
    let export = selection.export(collection, ExportFormat::JsonLines);
    let mut exporter = Exporter::start(&context, export).await?;
    let mut lines = String::new();
    while let Some(text) = exporter.next().await? {
        lines.push_str(&text);
    }
    let documents = lines.trim_end().replace('\n', ",");
    told(format!(r#"{{"documents":[{documents}]}}"#))
}

/// `POST collections/NAME/count {filter}`.
pub async fn count(Path(collection): Path<String>, Said(context, body): Said<Envelope>) -> Answer {
    let filter = body.document("filter")?.unwrap_or_default();
    let total = database::count(&context, &collection, filter, None).await?;
    told(json!({ "total": total }))
}

/// `POST collections/NAME/aggregate {pipeline}`; all results.
pub async fn aggregate(
    Path(collection): Path<String>,
    Said(context, body): Said<Envelope>,
) -> Answer {
    let stages = body.stages("pipeline")?;
    let aggregate = Aggregate { collection, stages, ..Aggregate::default() };
    let results = database::aggregate_all(&context, aggregate).await?;
    let results = results.iter().map(|it| encode::relaxed(it)).collect::<Result<Vec<_>>>()?;
    told(format!(r#"{{"documents":[{}]}}"#, results.join(",")))
}
