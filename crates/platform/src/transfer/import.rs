//! Writing the rows of a stream: in batches, in order, each row settled for good.

use std::collections::VecDeque;

use engine::{Change, Modify};
use futures_util::future::join_all;
use query::Filter;
use value::{Document, Value};

use super::rows::{ImportFormat, Row, Rows};
use crate::caller::Context;
use crate::database;
use crate::error::{Code, Error, Result};

/// How many rows are committed together.
const BATCH_ROWS: usize = 1_000;
/// From how many bytes of the stream on a batch is committed although it has fewer rows.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// What to do with a row whose `_id` exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Refuse the row.
    Insert,
    /// Let the row take the document's place.
    Upsert,
}

/// What to import.
#[derive(Debug)]
pub struct Import {
    /// The collection's name.
    pub collection: String,
    /// How the stream is written.
    pub format: ImportFormat,
    /// What to do with a row whose `_id` exists.
    pub mode: Mode,
    /// Whether to make the collection when there is none.
    pub create: bool,
}

/// A row that was not written.
#[derive(Debug)]
pub struct Refused {
    /// Its line, counted from 1; for BSON the number of the document.
    pub line: u64,
    /// Its `_id`, where it could be read.
    pub id: Option<Value>,
    /// Why.
    pub error: Error,
}

/// How far an import is. `written + refused` rows are settled for good.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// Rows that are durably written.
    pub written: u64,
    /// Rows that were refused, each told.
    pub refused: u64,
}

/// An import under way. Dropping it keeps what is settled.
#[derive(Debug)]
pub struct Importer {
    context: Context,
    collection: String,
    mode: Mode,
    rows: Rows,
    open: VecDeque<Row>,
    open_bytes: usize,
    settled: Settled,
}

impl Importer {
    /// Begins an import; only for privileged callers.
    ///
    /// # Errors
    /// A missing collection unless `create`, and names that are reserved.
    pub async fn start(context: Context, import: Import) -> Result<Self> {
        database::check_privileged(&context)?;
        database::check_name(&import.collection)?;
        let engine = context.environment.engine();
        if import.create {
            engine.ensure_collection(&import.collection).await?;
        } else if !engine.has_collection(&import.collection) {
            return Err(engine::Error::CollectionMissing { name: import.collection }.into());
        }
        let rows = Rows::new(import.format, context.now_ms);
        Ok(Self {
            context,
            collection: import.collection,
            mode: import.mode,
            rows,
            open: VecDeque::new(),
            open_bytes: 0,
            settled: Settled::default(),
        })
    }

    /// How far it is.
    pub fn settled(&self) -> Settled {
        self.settled
    }

    /// Takes the next piece of the stream; full batches are written before it returns. Refused
    /// rows are appended.
    ///
    /// # Errors
    /// A stream that cannot be read on, and faults of the store; what is settled stays.
    pub async fn feed(&mut self, bytes: &[u8], refused: &mut Vec<Refused>) -> Result<()> {
        // A piece of the stream may hold many rows; what was read before a fault is written.
        let mut read = Vec::new();
        let outcome = self.rows.feed(bytes, &mut read);
        self.open.extend(read);
        self.open_bytes += bytes.len();
        while self.open.len() >= BATCH_ROWS {
            self.settle(BATCH_ROWS, refused).await?;
        }
        if self.open_bytes >= BATCH_BYTES || outcome.is_err() {
            self.settle(BATCH_ROWS, refused).await?;
        }
        outcome
    }

    /// The stream has ended: writes what is left.
    ///
    /// # Errors
    /// As [`Importer::feed`].
    pub async fn finish(&mut self, refused: &mut Vec<Refused>) -> Result<()> {
        let mut read = Vec::new();
        let outcome = self.rows.finish(&mut read);
        self.open.extend(read);
        while !self.open.is_empty() {
            self.settle(BATCH_ROWS, refused).await?;
        }
        outcome
    }

    /// Writes the first `most` open rows.
    async fn settle(&mut self, most: usize, refused: &mut Vec<Refused>) -> Result<()> {
        let count = self.open.len().min(most);
        let first = refused.len();
        let mut lines = Vec::with_capacity(count);
        let mut documents = Vec::with_capacity(count);
        for Row { line, document } in self.open.drain(..count) {
            match document {
                Ok(document) => {
                    lines.push(line);
                    documents.push(document);
                }
                Err(error) => {
                    self.settled.refused += 1;
                    refused.push(Refused { line, id: None, error });
                }
            }
        }
        self.open_bytes = 0;
        let outcome = self.write_all(lines, documents, refused).await;
        refused[first..].sort_by_key(|it| it.line);
        outcome
    }

    async fn write_all(
        &mut self,
        lines: Vec<u64>,
        documents: Vec<Document>,
        refused: &mut Vec<Refused>,
    ) -> Result<()> {
        if self.mode == Mode::Insert && self.insert_all(&documents).await? {
            self.settled.written += documents.len() as u64;
            return Ok(());
        }
        // Row by row, all at once: they share commits, and each is judged alone.
        let this = &*self;
        let written = join_all(documents.iter().map(|document| this.write(document.clone()))).await;
        for ((line, document), outcome) in lines.into_iter().zip(&documents).zip(written) {
            match outcome {
                Ok(()) => self.settled.written += 1,
                Err(error) if is_fault(&error) => return Err(error.into()),
                Err(error) => {
                    self.settled.refused += 1;
                    let id = document.get("_id").cloned();
                    refused.push(Refused { line, id, error: error.into() });
                }
            }
        }
        Ok(())
    }

    /// Writes all documents with one commit; false when one of them is in the way.
    async fn insert_all(&self, documents: &[Document]) -> Result<bool> {
        if documents.is_empty() {
            return Ok(true);
        }
        let engine = self.context.environment.engine();
        match engine.insert(&self.collection, documents.to_vec()).await {
            Ok(_) => Ok(true),
            Err(error) if is_fault(&error) => Err(error.into()),
            Err(_) => Ok(false),
        }
    }

    async fn write(&self, document: Document) -> std::result::Result<(), engine::Error> {
        let engine = self.context.environment.engine();
        let id = document.get("_id").cloned().filter(|_| self.mode == Mode::Upsert);
        let Some(id) = id else {
            engine.insert(&self.collection, vec![document]).await?;
            return Ok(());
        };
        let key: Document = [("_id".to_owned(), id)].into_iter().collect();
        let modify = Modify {
            collection: self.collection.clone(),
            filter: Filter::parse(&key)?,
            change: Change::Replace(document),
            multi: false,
            upsert: true,
        };
        engine.modify(modify).await?;
        Ok(())
    }
}

/// A fault of the store or of the platform ends the import; the rest is a row's own matter.
fn is_fault(error: &engine::Error) -> bool {
    let code = Error::from(error.clone()).code();
    matches!(code, Code::StoreFailed | Code::Internal | Code::CollectionMissing)
}
