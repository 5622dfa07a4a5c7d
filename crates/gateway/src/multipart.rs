//! Multipart envelopes: open API calls of server SDKs carry a protobuf part (protocol 02 §6.1).

use axum::http::{HeaderMap, header};
use bytes::Bytes;
use platform::{Code, Error, Result};
use serde_json::{Map, Value as Json};

use crate::envelope::BinaryPart;

/// The most parts an envelope may have.
const PARTS_MAX: usize = 64;

/// One part, as it came.
#[derive(Debug)]
pub struct RawPart {
    /// The part's name.
    pub name: String,
    /// Its bytes.
    pub bytes: Bytes,
    /// False when the part has a content type of its own, as binary parts do.
    pub is_text: bool,
}

/// The boundary, when the request is multipart.
pub fn boundary(headers: &HeaderMap) -> Option<String> {
    let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    multer::parse_boundary(content_type).ok()
}

/// Reads all parts of a body that is already in memory.
pub async fn read(body: Bytes, boundary: &str) -> Result<Vec<RawPart>> {
    let stream = futures_util::stream::once(async move { Ok::<_, std::io::Error>(body) });
    let mut reader = multer::Multipart::new(stream, boundary);
    let mut parts = Vec::new();
    while let Some(field) = reader.next_field().await.map_err(malformed)? {
        if parts.len() == PARTS_MAX {
            let message = format!(
                "The request has more than {PARTS_MAX} parts. / 请求的表单项超过 {PARTS_MAX} 个。"
            );
            return Err(Error::new(Code::InvalidParameter, message));
        }
        let name = field.name().unwrap_or_default().to_owned();
        let is_text = field.content_type().is_none() && field.file_name().is_none();
        let bytes = field.bytes().await.map_err(malformed)?;
        parts.push(RawPart { name, bytes, is_text });
    }
    Ok(parts)
}

/// Text parts as parameters, the others aside.
pub fn split(parts: &[RawPart]) -> (Map<String, Json>, Vec<BinaryPart>) {
    let mut members = Map::new();
    let mut binary = Vec::new();
    for part in parts {
        match std::str::from_utf8(&part.bytes) {
            Ok(text) if part.is_text => {
                members.insert(part.name.clone(), Json::String(text.to_owned()));
            }
            _ => binary.push(BinaryPart { name: part.name.clone(), bytes: part.bytes.clone() }),
        }
    }
    (members, binary)
}

/// The error for a form that cannot be read.
pub fn malformed(error: multer::Error) -> Error {
    let message = format!("The form cannot be read: {error}. / 无法解析表单:{error}。");
    Error::with_cause(Code::InvalidParameter, message, error)
}
