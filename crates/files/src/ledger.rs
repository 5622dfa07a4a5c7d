//! Which path points to which blob, and which blob is still needed: the documents behind files.
//!
//! `system.files` holds a document per path (see `record`), `system.blobs` one per blob:
//! `{_id: hex SHA-256, paths: [path…]}`.
//!
//! Invariant: every path in `system.files` stands in `paths` of its blob, at every moment, crashes
//! included. The order of writing sees to that: a blob learns of a path before the path points to
//! it, and forgets it after. `paths` may therefore name a path too many, never one too few; only
//! [`Ledger::is_needed`], asked under the lock of the blob, may lead to removing bytes.

use engine::{Change, Engine, Filter, Find, Modify, Projection, Remove, Sort, Update};
use value::{Document, Value};

use crate::{Error, FileRecord};

const FILES: &str = "system.files";
const BLOBS: &str = "system.blobs";

/// The documents of one environment's files.
pub(crate) struct Ledger {
    engine: Engine,
}

impl Ledger {
    pub(crate) fn new(engine: Engine) -> Self {
        Self { engine }
    }

    /// Creates the two collections unless they exist.
    pub(crate) async fn prepare(&self) -> Result<(), Error> {
        self.engine.ensure_collection(FILES).await?;
        self.engine.ensure_collection(BLOBS).await?;
        Ok(())
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.engine.clock().now_ms()
    }

    pub(crate) async fn record(&self, path: &str) -> Result<Option<FileRecord>, Error> {
        let found = self.engine.get(FILES, &Value::String(path.to_owned())).await?;
        found.map(|bytes| FileRecord::from_bytes(&bytes)).transpose()
    }

    /// Records whose path begins with `prefix` and comes after `after`, in the order of the bytes
    /// of the path.
    pub(crate) async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<FileRecord>, Error> {
        let mut bounds = Document::new();
        bounds.insert("$gte", Value::String(prefix.to_owned()));
        if let Some(end) = prefix_end(prefix) {
            bounds.insert("$lt", Value::String(end));
        }
        if let Some(after) = after {
            bounds.insert("$gt", Value::String(after.to_owned()));
        }
        let filter = Filter::parse(&document("_id", Value::Document(bounds)));
        let sort = Sort::parse(&document("_id", Value::Int32(1)));
        let find = Find {
            collection: FILES.to_owned(),
            filter: filter.map_err(engine::Error::from)?,
            sort: sort.map_err(engine::Error::from)?,
            projection: Projection::parse(&Document::new()).map_err(engine::Error::from)?,
            skip: 0,
            limit: Some(limit),
        };
        let found = self.engine.find(find).await?;
        found.iter().map(|bytes| FileRecord::from_bytes(bytes)).collect()
    }

    /// Points a path to its blob. The blob must know the path already.
    pub(crate) async fn put(&self, record: &FileRecord) -> Result<(), Error> {
        self.modify(FILES, by_id(&record.path), Change::Replace(record.to_document()), true).await
    }

    /// Takes a path away; whether it was there.
    pub(crate) async fn remove(&self, path: &str) -> Result<bool, Error> {
        self.remove_one(FILES, by_id(path)).await
    }

    /// Tells a blob that a path is going to point to it.
    pub(crate) async fn refer(&self, blob: &str, path: &str) -> Result<(), Error> {
        self.change_paths(blob, "$addToSet", path, true).await
    }

    /// Tells a blob that a path does not point to it any more.
    pub(crate) async fn forget(&self, blob: &str, path: &str) -> Result<(), Error> {
        self.change_paths(blob, "$pull", path, false).await
    }

    /// Whether any path points to this blob; when none does, the blob's document is gone after
    /// this. Paths that only seemed to point to it, because a process died at the wrong moment,
    /// are forgotten on the way. The caller holds the lock of the blob.
    pub(crate) async fn is_needed(&self, blob: &str) -> Result<bool, Error> {
        let found = self.engine.get(BLOBS, &Value::String(blob.to_owned())).await?;
        let Some(bytes) = found else { return Ok(false) };
        let document = Document::from_bytes(&bytes).map_err(engine::Error::from)?;
        let paths = match document.get("paths") {
            Some(Value::Array(paths)) => paths.as_slice(),
            _ => &[],
        };
        for path in paths {
            let Value::String(path) = path else { continue };
            if self.record(path).await?.is_some_and(|record| record.blob == blob) {
                return Ok(true);
            }
            self.forget(blob, path).await?;
        }
        self.remove_one(BLOBS, by_id(blob)).await?;
        Ok(false)
    }

    async fn change_paths(
        &self,
        blob: &str,
        operator: &str,
        path: &str,
        upsert: bool,
    ) -> Result<(), Error> {
        let paths = document("paths", Value::String(path.to_owned()));
        let update = Update::parse(&document(operator, Value::Document(paths)));
        let change = Change::Operators(update.map_err(engine::Error::from)?);
        self.modify(BLOBS, by_id(blob), change, upsert).await
    }

    async fn modify(
        &self,
        collection: &str,
        filter: Document,
        change: Change,
        upsert: bool,
    ) -> Result<(), Error> {
        let filter = Filter::parse(&filter).map_err(engine::Error::from)?;
        let collection = collection.to_owned();
        self.engine.modify(Modify { collection, filter, change, multi: false, upsert }).await?;
        Ok(())
    }

    async fn remove_one(&self, collection: &str, filter: Document) -> Result<bool, Error> {
        let filter = Filter::parse(&filter).map_err(engine::Error::from)?;
        let collection = collection.to_owned();
        Ok(self.engine.remove(Remove { collection, filter, multi: false }).await? > 0)
    }
}

fn document(field: &str, value: Value) -> Document {
    let mut document = Document::new();
    document.insert(field, value);
    document
}

fn by_id(id: &str) -> Document {
    document("_id", document_eq(id))
}

/// `$eq`, so that no path can be read as anything but a string to compare with.
fn document_eq(id: &str) -> Value {
    Value::Document(document("$eq", Value::String(id.to_owned())))
}

/// The least text greater than every text with this prefix; `None` when there is none.
fn prefix_end(prefix: &str) -> Option<String> {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        // Between the two halves of the code space lie the surrogates, which no text holds.
        let next =
            if last == '\u{D7FF}' { Some('\u{E000}') } else { char::from_u32(last as u32 + 1) };
        if let Some(next) = next {
            end.push(next);
            return Some(end);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::prefix_end;

    #[test]
    fn the_end_of_a_prefix_is_after_everything_that_begins_with_it() {
        for (prefix, end) in [
            ("a", Some("b")),
            ("相册/", Some("相册0")),
            ("a\u{10FFFF}", Some("b")),
            ("\u{D7FF}", Some("\u{E000}")),
            ("", None),
            ("\u{10FFFF}", None),
        ] {
            assert_eq!(prefix_end(prefix).as_deref(), end, "{prefix:?}");
        }
    }
}
