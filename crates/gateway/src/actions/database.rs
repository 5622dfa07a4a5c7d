//! `database.*` in both dialects (protocol 03 §3, §4). The action's name says how answers are
//! spelled.

use platform::database::{self, Aggregate, Find, Write};
use platform::{Context, Result};
use serde_json::{Value as Json, json};
use value::Document;

use crate::encode;
use crate::envelope::{Envelope, invalid};
use crate::reply::Reply;

/// Runs the action, or `None` when there is none of that name.
pub async fn run(context: &Context, action: &str, envelope: &Envelope) -> Result<Option<Reply>> {
    let reply = match action {
        "getDocument" | "queryDocument" => find(context, envelope, action).await?,
        "insertDocument" => insert_b(context, envelope).await?,
        "addDocument" => insert_a(context, envelope).await?,
        "modifyDocument" | "updateDocument" => modify(context, envelope).await?,
        "modifyAndReturnDoc" => modify_and_return(context, envelope).await?,
        "removeDocument" | "deleteDocument" => remove(context, envelope).await?,
        "aggregateDocuments" | "aggregate" => aggregate(context, envelope, action).await?,
        "calculateDocument" | "countDocument" => count(context, envelope).await?,
        "addCollection" => {
            let name = envelope.required_text("collectionName")?;
            database::create_collection(context, name).await?;
            Reply::Empty
        }
        _ => return super::transactions::run(context, action, envelope).await,
    };
    Ok(Some(reply))
}

async fn find(context: &Context, envelope: &Envelope, action: &str) -> Result<Reply> {
    let by_id = envelope.text("queryType") == Some("DOC");
    let skip = envelope.count("offset")?.unwrap_or(0);
    let limit = envelope.count("limit")?;
    let find = Find {
        collection: envelope.required_text("collectionName")?.to_owned(),
        filter: envelope.document("query")?.unwrap_or_default(),
        order: envelope.order("order")?,
        projection: envelope.document("projection")?.unwrap_or_default(),
        skip,
        limit: if by_id { Some(1) } else { limit },
        transaction: transaction(envelope),
    };
    let documents = database::find(context, find).await?;
    let list = if action == "getDocument" {
        encode::family_b_list(&documents)?
    } else {
        encode::family_a_list(&documents)?.to_string()
    };
    let limit = limit.unwrap_or(database::LIMIT_DEFAULT).min(database::LIMIT_MAX);
    Ok(Reply::Data(format!(r#"{{"list":{list},"limit":{limit},"offset":{skip}}}"#)))
}

async fn insert_b(context: &Context, envelope: &Envelope) -> Result<Reply> {
    let collection = envelope.required_text("collectionName")?;
    let ids = database::insert(
        context,
        collection,
        envelope.documents("data")?,
        transaction(envelope).as_deref(),
    )
    .await?;
    let ids: Vec<_> = ids.iter().map(encode::id).collect();
    Ok(Reply::data(&json!({ "insertedIds": ids })))
}

/// Family A may carry the id beside the document.
async fn insert_a(context: &Context, envelope: &Envelope) -> Result<Reply> {
    let collection = envelope.required_text("collectionName")?;
    let documents = documents_a(context, envelope)?;
    let transaction = transaction(envelope);
    let ids = database::insert(context, collection, documents, transaction.as_deref()).await?;
    let ids: Vec<_> = ids.iter().map(encode::id).collect();
    Ok(Reply::data(&json!({ "_id": ids.first(), "insertedIds": ids })))
}

/// The documents to insert in Family A.
pub(super) fn documents_a(context: &Context, envelope: &Envelope) -> Result<Vec<Document>> {
    let mut documents = envelope.documents("data")?;
    if let (Some(id), [document]) = (envelope.json("_id"), documents.as_mut_slice())
        && !document.contains_key("_id")
    {
        let id = value::ejson::from_json(id, context.now_ms)
            .map_err(|_| invalid("_id", "a string or number", "字符串或数字"))?;
        document.insert("_id", id);
    }
    Ok(documents)
}

/// The transaction that a request names.
pub(super) fn transaction(envelope: &Envelope) -> Option<String> {
    envelope.text("transactionId").filter(|id| !id.is_empty()).map(str::to_owned)
}

fn write(envelope: &Envelope) -> Result<Write> {
    Ok(Write {
        collection: envelope.required_text("collectionName")?.to_owned(),
        filter: envelope.document("query")?,
        // Without data a replacement would empty the document.
        data: envelope.document("data")?.ok_or_else(|| invalid("data", "a document", "文档"))?,
        array_filters: match envelope.json("arrayFilters") {
            Some(_) => envelope.documents("arrayFilters")?,
            None => Vec::new(),
        },
        multi: envelope.flag("multi"),
        merge: envelope.flag("merge"),
        upsert: envelope.flag("upsert"),
        transaction: transaction(envelope),
    })
}

async fn modify(context: &Context, envelope: &Envelope) -> Result<Reply> {
    let written = database::write(context, write(envelope)?).await?;
    let id = written.upserted_id.as_ref().map(encode::id);
    // Each dialect reads its own spelling of the id of a document that was made.
    Ok(Reply::data(&json!({
        "updated": written.updated,
        "matched": written.matched,
        "upsert_id": id,
        "upserted_id": id,
    })))
}

async fn modify_and_return(context: &Context, envelope: &Envelope) -> Result<Reply> {
    let write = Write { multi: false, merge: true, ..write(envelope)? };
    let written = database::write(context, write).await?;
    let document = match &written.document {
        Some(document) => encode::family_b(document)?,
        None => "null".to_owned(),
    };
    Ok(Reply::Data(format!(r#"{{"updated":{},"doc":{document}}}"#, written.updated)))
}

async fn remove(context: &Context, envelope: &Envelope) -> Result<Reply> {
    let collection = envelope.required_text("collectionName")?;
    // Only the newer server SDKs say `multi`; a where() without it means all.
    let multi = envelope.json("multi").is_none() || envelope.flag("multi");
    let filter = envelope.document("query")?;
    let transaction = transaction(envelope);
    let deleted =
        database::remove(context, collection, filter, multi, transaction.as_deref()).await?;
    Ok(Reply::data(&json!({ "deleted": deleted })))
}

async fn count(context: &Context, envelope: &Envelope) -> Result<Reply> {
    let collection = envelope.required_text("collectionName")?;
    let filter = envelope.document("query")?.unwrap_or_default();
    let transaction = transaction(envelope);
    let total = database::count(context, collection, filter, transaction.as_deref()).await?;
    Ok(Reply::data(&json!({ "total": total })))
}

/// Family A packs the list once more: a text of a list of texts.
async fn aggregate(context: &Context, envelope: &Envelope, action: &str) -> Result<Reply> {
    let aggregate = Aggregate {
        collection: envelope.required_text("collectionName")?.to_owned(),
        stages: envelope.stages("stages")?,
        limit: envelope.count("limit")?,
        transaction: transaction(envelope),
    };
    let results = database::aggregate(context, aggregate).await?;
    let list = encode::family_b_list(&results)?;
    let list = if action == "aggregate" { Json::String(list).to_string() } else { list };
    Ok(Reply::Data(format!(r#"{{"list":{list}}}"#)))
}
