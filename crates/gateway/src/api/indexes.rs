//! Indexes: listing, creating, dropping them, and saying what use a query makes of them.

use axum::extract::Path;
use platform::database::Find;
use platform::indexes::{self, Explanation, IndexInfo, IndexKind, IndexSpec, IndexState};
use serde_json::{Map, Value as Json, json};

use super::Selection;
use super::asked::{Answer, Operator, Said, done, told};
use crate::envelope::{Envelope, invalid};

/// `GET collections/NAME/indexes`.
pub async fn list(Operator(context): Operator, Path(collection): Path<String>) -> Answer {
    let list = indexes::list(&context, &collection).await?;
    let list: Vec<_> = list.iter().map(index).collect();
    told(json!({ "indexes": list }))
}

/// `POST collections/NAME/indexes {name, keys, unique, expireAfterSeconds}`; answers when it is
/// in use.
pub async fn create(Path(collection): Path<String>, Said(context, body): Said<Envelope>) -> Answer {
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
    told(json!({ "name": name }))
}

/// `DELETE collections/NAME/indexes/INDEX`.
pub async fn drop_index(
    Operator(context): Operator,
    Path((collection, name)): Path<(String, String)>,
) -> Answer {
    indexes::drop_index(&context, &collection, &name).await?;
    done()
}

/// `POST collections/NAME/explain {filter, sort, projection, skip, limit}`.
pub async fn explain(
    Path(collection): Path<String>,
    Said(context, body): Said<Envelope>,
) -> Answer {
    let Selection { filter, order, projection, skip, limit } = Selection::read(&body)?;
    let find = Find { collection, filter, order, projection, skip, limit, ..Find::default() };
    told(explained(&indexes::explain(&context, find).await?))
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

fn explained(explanation: &Explanation) -> Json {
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
    json!({
        "used": used,
        "keysExamined": explanation.keys_examined,
        "documentsExamined": explanation.documents_examined,
        "returned": explanation.returned,
        "sortedInMemory": explanation.sorted_in_memory,
        "rejected": rejected,
        "suggestion": explanation.suggestion.as_deref().map(keys),
        "milliseconds": explanation.milliseconds,
    })
}
