//! Cutting a stream of bytes into rows. A row that cannot be read is told with its line and does
//! not keep the others from being read; only a stream that has lost its framing ends.

use value::Document;

use super::{bson_rows::BsonRows, csv_rows::CsvRows, json_rows::JsonRows};
use crate::error::{Code, Error, Result};

/// How the rows of an import are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportFormat {
    /// One document of extended JSON per line, or one array of documents; told apart by the first
    /// character.
    Json,
    /// A header row of dotted names, then one document per record.
    Csv,
    /// BSON documents one after another, as `mongodump` writes them.
    Bson,
}

/// One row of the stream.
#[derive(Debug)]
pub struct Row {
    /// Where it begins: the line, counted from 1; for BSON the number of the document.
    pub line: u64,
    /// The document, or why there is none.
    pub document: Result<Document>,
}

/// A reader that is fed pieces of a stream and gives rows.
#[derive(Debug)]
pub enum Rows {
    /// See [`ImportFormat::Json`].
    Json(JsonRows),
    /// See [`ImportFormat::Csv`].
    Csv(CsvRows),
    /// See [`ImportFormat::Bson`].
    Bson(BsonRows),
}

impl Rows {
    /// A reader at the beginning of a stream; server dates in it mean `now_ms`.
    pub fn new(format: ImportFormat, now_ms: i64) -> Self {
        match format {
            ImportFormat::Json => Rows::Json(JsonRows::new(now_ms)),
            ImportFormat::Csv => Rows::Csv(CsvRows::new(now_ms)),
            ImportFormat::Bson => Rows::Bson(BsonRows::default()),
        }
    }

    /// Takes the next piece and appends the rows that are complete.
    ///
    /// # Errors
    /// What makes the rest of the stream unreadable.
    pub fn feed(&mut self, bytes: &[u8], rows: &mut Vec<Row>) -> Result<()> {
        match self {
            Rows::Json(it) => it.feed(bytes, rows),
            Rows::Csv(it) => it.feed(bytes, rows),
            Rows::Bson(it) => it.feed(bytes, rows),
        }
    }

    /// The stream has ended: appends what was still open.
    ///
    /// # Errors
    /// A stream that ends in the middle of a row.
    pub fn finish(&mut self, rows: &mut Vec<Row>) -> Result<()> {
        match self {
            Rows::Json(it) => it.finish(rows),
            Rows::Csv(it) => it.finish(rows),
            Rows::Bson(it) => it.finish(),
        }
    }
}

/// The error for a stream that cannot be read on.
pub(super) fn unreadable(line: u64, english: &str, chinese: &str) -> Error {
    Error::new(
        Code::InvalidParameter,
        format!(
            "Line {line}: {english}. What came before is settled; nothing after it was read. / \
             第 {line} 行:{chinese}。此前各行已处理,之后的内容未读取。"
        ),
    )
}

/// The error for one row.
pub(super) fn broken(english: &str, chinese: &str) -> Error {
    Error::new(Code::InvalidParameter, format!("{english}. / {chinese}。"))
}
