//! Which documents are meant.

use value::{Document, RawDoc, Value};

use crate::Error;

/// A parsed filter.
#[derive(Debug, Clone)]
pub struct Filter {}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// Unknown operators and operands of the wrong kind.
    pub fn parse(_filter: &Document) -> Result<Filter, Error> {
        Err(Error::malformed("filters are not built yet", "尚未实现"))
    }

    /// The filter every document passes.
    pub fn all() -> Filter {
        Filter {}
    }

    /// Whether a document passes.
    pub fn matches(&self, _document: &RawDoc<'_>) -> bool {
        true
    }

    /// Both filters at once.
    #[must_use]
    pub fn and(self, _other: Filter) -> Filter {
        self
    }

    /// The ids a document must have one of.
    pub fn id_points(&self) -> Option<Vec<Value>> {
        None
    }

    /// The value a path must equal.
    pub fn equality(&self, _path: &str) -> Option<&Value> {
        None
    }

    /// The equalities as a document, to start an upsert from.
    pub fn seed(&self) -> Document {
        Document::new()
    }
}
