//! Reading a collection out, piece by piece, as of one moment.
//!
//! Without a sort the collection is walked through; with one it is sorted in memory first.

use std::collections::VecDeque;
use std::fmt::Write;

use bytes::Bytes;
use engine::Cursor;
use query::{Filter, Projection, Sort};
use value::{Document, RawDoc, Value, ejson};

use crate::caller::Context;
use crate::database;
use crate::error::{Code, Error, Result};

/// How many documents, and about how many bytes, one piece holds.
const PIECE_DOCUMENTS: usize = 1_000;
const PIECE_BYTES: usize = 1024 * 1024;

/// How the documents are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportFormat {
    /// One document of relaxed extended JSON per line; an import reads them back exactly.
    JsonLines,
    /// CSV of these fields, dotted names included.
    Csv(Vec<String>),
}

/// What to export.
#[derive(Debug)]
pub struct Export {
    /// The collection's name.
    pub collection: String,
    /// Which documents; empty for all.
    pub filter: Document,
    /// In which order; empty for that of `_id`.
    pub order: Document,
    /// Which fields; empty for whole documents.
    pub projection: Document,
    /// How many to leave out first.
    pub skip: u64,
    /// How many at most; all when absent.
    pub limit: Option<u64>,
    /// How they are written.
    pub format: ExportFormat,
}

#[derive(Debug)]
enum Source {
    Walk { cursor: Cursor, projection: Projection, skip: u64, limit: u64 },
    Sorted(VecDeque<Bytes>),
}

/// An export under way.
#[derive(Debug)]
pub struct Exporter {
    source: Source,
    format: ExportFormat,
    begun: bool,
}

impl Exporter {
    /// Begins an export; only for privileged callers.
    ///
    /// # Errors
    /// A missing collection, and what is wrong with the query.
    pub async fn start(context: &Context, export: Export) -> Result<Self> {
        database::check_privileged(context)?;
        database::check_name(&export.collection)?;
        if export.format == ExportFormat::Csv(Vec::new()) {
            return Err(Error::new(
                Code::InvalidParameter,
                "CSV needs to know its columns: name the fields. / 导出 CSV 需指定字段列表。",
            ));
        }
        let filter = Filter::parse(&export.filter)?;
        let sort = Sort::parse(&export.order)?;
        let projection = Projection::parse(&export.projection)?;
        let engine = context.environment.engine();
        let source = if sort.is_empty() {
            let cursor = engine.cursor(&export.collection, filter).await?;
            let limit = export.limit.unwrap_or(u64::MAX);
            Source::Walk { cursor, projection, skip: export.skip, limit }
        } else {
            let find = engine::Find {
                collection: export.collection,
                filter,
                sort,
                projection,
                skip: export.skip,
                limit: export.limit,
            };
            Source::Sorted(engine.find(find).await?.into())
        };
        Ok(Self { source, format: export.format, begun: false })
    }

    /// The next piece of text; `None` at the end.
    ///
    /// # Errors
    /// Faults of the store; the text is then not complete.
    pub async fn next(&mut self) -> Result<Option<String>> {
        let mut text = String::new();
        if !std::mem::replace(&mut self.begun, true)
            && let ExportFormat::Csv(fields) = &self.format
        {
            let header: Vec<_> = fields.iter().map(|field| quoted(field.clone())).collect();
            text = header.join(",") + "\r\n";
        }
        while let Some(documents) = self.source.documents().await? {
            for document in &documents {
                self.format.write(document, &mut text)?;
            }
            if !text.is_empty() {
                break;
            }
        }
        Ok((!text.is_empty()).then_some(text))
    }
}

impl Source {
    /// The next documents, possibly none of a piece; `None` at the end.
    async fn documents(&mut self) -> Result<Option<Vec<Bytes>>> {
        match self {
            Source::Sorted(rest) => {
                let count = rest.len().min(PIECE_DOCUMENTS);
                Ok((count > 0).then(|| rest.drain(..count).collect()))
            }
            Source::Walk { limit: 0, .. } => Ok(None),
            Source::Walk { cursor, projection, skip, limit } => {
                let mut documents = cursor.next(PIECE_DOCUMENTS, PIECE_BYTES).await?;
                if documents.is_empty() {
                    return Ok(None);
                }
                let skipped = (*skip).min(documents.len() as u64);
                *skip -= skipped;
                documents.drain(..usize::try_from(skipped).unwrap_or(usize::MAX));
                documents.truncate(usize::try_from(*limit).unwrap_or(usize::MAX));
                *limit -= documents.len() as u64;
                if !projection.is_empty() {
                    for document in &mut documents {
                        let projected =
                            projection.apply(&RawDoc::new(document).map_err(damaged)?)?;
                        *document = projected.to_bytes().into();
                    }
                }
                Ok(Some(documents))
            }
        }
    }
}

impl ExportFormat {
    fn write(&self, document: &[u8], out: &mut String) -> Result<()> {
        match self {
            ExportFormat::JsonLines => {
                out.push_str(&ejson::relaxed_raw(document).map_err(damaged)?);
                out.push('\n');
            }
            ExportFormat::Csv(fields) => {
                let document =
                    RawDoc::new(document).and_then(|raw| raw.to_document()).map_err(damaged)?;
                for (index, field) in fields.iter().enumerate() {
                    let comma = if index > 0 { "," } else { "" };
                    let cell = at(&document, field).map(cell).unwrap_or_default();
                    let _ = write!(out, "{comma}{}", quoted(cell));
                }
                out.push_str("\r\n");
            }
        }
        Ok(())
    }
}

/// The value at a dotted path through documents.
fn at<'a>(document: &'a Document, path: &str) -> Option<&'a Value> {
    match path.split_once('.') {
        _ if document.contains_key(path) => document.get(path),
        None => None,
        Some((first, rest)) => at(document.get(first)?.as_document()?, rest),
    }
}

/// A value as a cell: text as it is, nothing for null, dates in ISO 8601, the rest as JSON.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Date(ms) => ejson::print_date(*ms).unwrap_or_else(|| ms.to_string()),
        Value::Int64(number) => number.to_string(),
        Value::ObjectId(_) => ejson::plain_value(value).as_str().unwrap_or_default().to_owned(),
        other => ejson::relaxed_value(other),
    }
}

fn quoted(cell: String) -> String {
    let plain = !cell.contains([',', '"', '\n', '\r']) && cell.trim() == cell;
    if plain { cell } else { format!("\"{}\"", cell.replace('"', "\"\"")) }
}

fn damaged(error: value::Error) -> Error {
    Error::with_cause(
        Code::StoreFailed,
        "A stored document cannot be read: restore from a backup. / 存储的文档已损坏,请从备份恢复。",
        error,
    )
}
