//! What a caller asks of documents and what it gets back. Plain data; nothing here does anything.

use bytes::Bytes;
use query::{Filter, Projection, Sort, Update};
use value::{Document, Value};

/// A query for documents.
#[derive(Clone, Debug)]
pub struct Find {
    /// Name of the collection.
    pub collection: String,
    /// Which documents.
    pub filter: Filter,
    /// In which order; an empty sort means the order of `_id`.
    pub sort: Sort,
    /// Which fields.
    pub projection: Projection,
    /// How many documents of the result to leave out at its beginning.
    pub skip: u64,
    /// How many documents to return at most; `None` is all, `Some(0)` is none.
    pub limit: Option<u64>,
}

/// What an update does to a document that matches.
#[derive(Clone, Debug)]
pub enum Change {
    /// Applies update operators.
    Operators(Update),
    /// Replaces everything but `_id`.
    Replace(Document),
}

/// A change of the documents that match.
#[derive(Clone, Debug)]
pub struct Modify {
    /// Name of the collection.
    pub collection: String,
    /// Which documents. Judged again on the current version of each document at the moment of
    /// the change, so that a conditional update is atomic per document.
    pub filter: Filter,
    /// What to do.
    pub change: Change,
    /// All that match, or the first (in the order of `_id`).
    pub multi: bool,
    /// Insert a document made of the filter's equalities and the change when none matches.
    pub upsert: bool,
}

/// What a [`Modify`] did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Modified {
    /// Documents that matched.
    pub matched: u64,
    /// Documents among them that are different now.
    pub modified: u64,
    /// `_id` of the document inserted by an upsert.
    pub upserted_id: Option<Value>,
    /// The document as it is now (BSON), unless `multi` was asked or nothing matched.
    pub document: Option<Bytes>,
}

/// A removal of the documents that match.
#[derive(Clone, Debug)]
pub struct Remove {
    /// Name of the collection.
    pub collection: String,
    /// Which documents; judged again at the moment of the removal.
    pub filter: Filter,
    /// All that match, or the first (in the order of `_id`).
    pub multi: bool,
}
