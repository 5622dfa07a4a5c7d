//! Documents on the wire: EJSON strings for server SDKs (family B), plain JSON for client SDKs
//! (family A).

use bytes::Bytes;
use platform::{Code, Error, Result};
use serde_json::Value as Json;
use value::{RawDoc, Value, ejson};

/// `["<ejson>", …]`: each document as a JSON string of canonical EJSON.
pub fn family_b_list(documents: &[Bytes]) -> Result<String> {
    let mut text =
        String::with_capacity(documents.iter().map(|it| it.len() * 3).sum::<usize>() + 2);
    text.push('[');
    for (index, document) in documents.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&family_b(document)?);
    }
    text.push(']');
    Ok(text)
}

/// One document as a JSON string of canonical EJSON, quotes included.
pub fn family_b(document: &[u8]) -> Result<String> {
    let ejson = ejson::canonical_raw(document).map_err(damaged)?;
    serde_json::to_string(&ejson).map_err(|error| {
        Error::with_cause(Code::Internal, "Cannot encode the answer. / 结果编码失败。", error)
    })
}

/// One document as canonical extended JSON.
pub fn canonical(document: &[u8]) -> Result<String> {
    ejson::canonical_raw(document).map_err(damaged)
}

/// One document as relaxed extended JSON.
pub fn relaxed(document: &[u8]) -> Result<String> {
    ejson::relaxed_raw(document).map_err(damaged)
}

/// `[{…}, …]`: each document as plain JSON.
pub fn family_a_list(documents: &[Bytes]) -> Result<Json> {
    documents.iter().map(|document| family_a(document)).collect::<Result<Vec<_>>>().map(Json::Array)
}

/// One document as plain JSON.
pub fn family_a(document: &[u8]) -> Result<Json> {
    let document = RawDoc::new(document).and_then(|raw| raw.to_document()).map_err(damaged)?;
    Ok(ejson::plain(&document))
}

/// An `_id` as clients see it.
pub fn id(id: &Value) -> Json {
    ejson::plain_value(id)
}

fn damaged(error: value::Error) -> Error {
    Error::with_cause(
        Code::StoreFailed,
        "A stored document cannot be read: restore from a backup. / 存储的文档已损坏,请从备份恢复。",
        error,
    )
}
