//! `storage.*`: leave to upload, temporary links, deletion (protocol 04 §2).

use platform::storage::{self, FILES_PER_REQUEST_MAX};
use platform::{Context, Error, Result};
use serde_json::{Value as Json, json};

use crate::codes::vendor_code;
use crate::envelope::{Envelope, invalid};
use crate::reply::Reply;

/// Runs the action, or `None` when there is none of that name.
pub async fn run(context: &Context, action: &str, envelope: &Envelope) -> Result<Option<Reply>> {
    match action {
        "getUploadMetadata" => upload_metadata(context, envelope).await.map(Some),
        "batchGetDownloadUrl" => download_urls(context, envelope).await.map(Some),
        "batchDeleteFile" => delete_files(context, envelope).await.map(Some),
        _ => Ok(None),
    }
}

async fn upload_metadata(context: &Context, envelope: &Envelope) -> Result<Reply> {
    let grant = storage::request_upload(context, envelope.required_text("path")?).await?;
    Ok(Reply::data(&json!({
        "url": grant.url,
        "token": grant.token,
        "authorization": grant.token,
        "fileId": grant.file_id,
        "cosFileId": "yunkai",
        "download_url": grant.download_url,
    })))
}

async fn download_urls(context: &Context, envelope: &Envelope) -> Result<Reply> {
    let mut requests = Vec::new();
    for item in items(envelope, "file_list")? {
        let file_id = match item {
            Json::String(id) => id.as_str(),
            other => other.get("fileid").and_then(Json::as_str).unwrap_or_default(),
        };
        requests.push((file_id.to_owned(), item.get("max_age").and_then(Json::as_u64)));
    }
    let links = storage::links(context, &requests).await;
    let list: Vec<Json> = requests
        .iter()
        .zip(links)
        .map(|((file_id, _), link)| match link {
            Ok(url) => json!({
                "code": "SUCCESS",
                "fileid": file_id,
                "fileID": file_id,
                "download_url": url,
                "tempFileURL": url,
            }),
            Err(error) => refused(file_id, &error),
        })
        .collect();
    Ok(Reply::data(&json!({ "download_list": list })))
}

async fn delete_files(context: &Context, envelope: &Envelope) -> Result<Reply> {
    let ids: Vec<String> = items(envelope, "fileid_list")?
        .iter()
        .map(|item| item.as_str().unwrap_or_default().to_owned())
        .collect();
    let outcomes = storage::delete(context, &ids).await;
    let list: Vec<Json> = ids
        .iter()
        .zip(outcomes)
        .map(|(file_id, outcome)| match outcome {
            Ok(()) => json!({ "code": "SUCCESS", "fileID": file_id }),
            Err(error) => refused(file_id, &error),
        })
        .collect();
    Ok(Reply::data(&json!({ "delete_list": list })))
}

fn items<'a>(envelope: &'a Envelope, name: &str) -> Result<&'a [Json]> {
    match envelope.json(name) {
        Some(Json::Array(items)) if items.len() <= FILES_PER_REQUEST_MAX => Ok(items),
        _ => Err(invalid(name, "a list of at most 50 files", "不超过 50 个文件的列表")),
    }
}

fn refused(file_id: &str, error: &Error) -> Json {
    json!({
        "code": vendor_code(error.code()),
        "fileid": file_id,
        "fileID": file_id,
        "message": error.message(),
    })
}
