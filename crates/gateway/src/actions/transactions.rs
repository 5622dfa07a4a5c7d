//! Transactions (protocol 03 §6): their beginning and end in both dialects, and Family A's own
//! actions inside one, whose results stand beside the request id and are texts of EJSON.

use platform::database::{self, Find, Write};
use platform::{Context, Result, transactions};
use serde_json::json;

use super::database::{documents_a, transaction};
use crate::encode;
use crate::envelope::{Envelope, invalid};
use crate::reply::Reply;

/// Runs the action, or `None` when there is none of that name.
pub async fn run(context: &Context, action: &str, envelope: &Envelope) -> Result<Option<Reply>> {
    let reply = match action {
        "startTransaction" => {
            Reply::members(&json!({ "transactionId": transactions::begin(context).await? }))
        }
        "commitTransaction" => {
            transactions::commit(context, envelope.required_text("transactionId")?).await?;
            Reply::Empty
        }
        "abortTransaction" => {
            transactions::abort(context, envelope.required_text("transactionId")?).await?;
            Reply::Empty
        }
        "getInTransaction" => get(context, envelope).await?,
        "updateDocInTransaction" => update(context, envelope).await?,
        "insertDocInTransaction" => insert(context, envelope).await?,
        "deleteDocInTransaction" => delete(context, envelope).await?,
        _ => return Ok(None),
    };
    Ok(Some(reply))
}

/// These actions make no sense outside a transaction.
fn required(envelope: &Envelope) -> Result<String> {
    transaction(envelope).ok_or_else(|| invalid("transactionId", "a string", "字符串"))
}

async fn get(context: &Context, envelope: &Envelope) -> Result<Reply> {
    let find = Find {
        collection: envelope.required_text("collectionName")?.to_owned(),
        filter: envelope.document("query")?.unwrap_or_default(),
        limit: Some(1),
        transaction: Some(required(envelope)?),
        ..Find::default()
    };
    let found = database::find(context, find).await?;
    let text = match found.first() {
        Some(document) => encode::family_b(document)?,
        None => r#""null""#.to_owned(),
    };
    Ok(Reply::Data(text))
}

async fn update(context: &Context, envelope: &Envelope) -> Result<Reply> {
    // `set` says upsert and sends a document; `update` sends operators.
    let upsert = envelope.flag("upsert");
    let write = Write {
        collection: envelope.required_text("collectionName")?.to_owned(),
        filter: envelope.document("query")?,
        data: envelope.document("data")?.ok_or_else(|| invalid("data", "a document", "文档"))?,
        multi: false,
        merge: !upsert,
        upsert,
        transaction: Some(required(envelope)?),
        ..Write::default()
    };
    let written = database::write(context, write).await?;
    let upserted = written
        .upserted_id
        .as_ref()
        .map(|id| json!([{ "index": 0, "_id": encode::id(id) }]).to_string());
    let mut members = json!({ "updated": written.updated.to_string() });
    if let Some(upserted) = upserted {
        members["upserted"] = upserted.into();
    }
    Ok(Reply::members(&members))
}

async fn insert(context: &Context, envelope: &Envelope) -> Result<Reply> {
    let collection = envelope.required_text("collectionName")?;
    let id = required(envelope)?;
    let documents = documents_a(context, envelope)?;
    let ids = database::insert(context, collection, documents, Some(&id)).await?;
    let inserted = ids.len().to_string();
    let id = ids.first().map(encode::id);
    Ok(Reply::members(&json!({ "inserted": inserted, "ok": "1", "_id": id })))
}

async fn delete(context: &Context, envelope: &Envelope) -> Result<Reply> {
    let collection = envelope.required_text("collectionName")?;
    let id = required(envelope)?;
    let filter = envelope.document("query")?;
    let deleted = database::remove(context, collection, filter, false, Some(&id)).await?;
    Ok(Reply::members(&json!({ "deleted": deleted.to_string() })))
}
