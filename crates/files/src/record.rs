//! What is known about a file, and how it lies in the document store.
//!
//! `system.files`, one document per path:
//!
//! ```text
//! {_id: path, blob: hex SHA-256, size: Int64, md5: hex, contentType, owner?, createdAt, updatedAt}
//! ```

use value::{Document, Value};

use crate::Error;

/// A file: its path and the blob the path points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRecord {
    /// The path, unique in the environment.
    pub path: String,
    /// SHA-256 of the bytes, 64 hex digits: the name of the blob.
    pub blob: String,
    /// Bytes.
    pub size: u64,
    /// MD5 of the bytes, 32 hex digits.
    pub md5: String,
    /// Media type, for instance `image/jpeg`.
    pub content_type: String,
    /// Who uploaded it: openid or uid; `None` for an administrator.
    pub owner: Option<String>,
    /// When the path was first written, Unix milliseconds.
    pub created_at_ms: i64,
    /// When its present bytes were written, Unix milliseconds.
    pub updated_at_ms: i64,
}

impl FileRecord {
    /// The entity tag as COS gives it: the quoted MD5 of the bytes.
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.md5)
    }

    pub(crate) fn to_document(&self) -> Document {
        let mut document = Document::new();
        document.insert("_id", Value::String(self.path.clone()));
        document.insert("blob", Value::String(self.blob.clone()));
        document.insert("size", Value::Int64(i64::try_from(self.size).unwrap_or(i64::MAX)));
        document.insert("md5", Value::String(self.md5.clone()));
        document.insert("contentType", Value::String(self.content_type.clone()));
        if let Some(owner) = &self.owner {
            document.insert("owner", Value::String(owner.clone()));
        }
        document.insert("createdAt", Value::Date(self.created_at_ms));
        document.insert("updatedAt", Value::Date(self.updated_at_ms));
        document
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let damaged = |what: &str| Error::Stopped(format!("a system.files document has {what}"));
        let document = Document::from_bytes(bytes).map_err(|error| damaged(&error.to_string()))?;
        let text = |field: &str| match document.get(field) {
            Some(Value::String(text)) => Ok(text.clone()),
            _ => Err(damaged(&format!("no {field}"))),
        };
        let date = |field: &str| match document.get(field) {
            Some(Value::Date(ms)) => Ok(*ms),
            _ => Err(damaged(&format!("no {field}"))),
        };
        let size = match document.get("size") {
            Some(Value::Int64(size)) => u64::try_from(*size).ok(),
            Some(Value::Int32(size)) => u64::try_from(*size).ok(),
            _ => None,
        };
        Ok(Self {
            path: text("_id")?,
            blob: text("blob")?,
            size: size.ok_or_else(|| damaged("no size"))?,
            md5: text("md5")?,
            content_type: text("contentType")?,
            owner: text("owner").ok(),
            created_at_ms: date("createdAt")?,
            updated_at_ms: date("updatedAt")?,
        })
    }
}
