//! In which order documents come.

use value::{Document, RawDoc};

use crate::Error;

/// A parsed sort.
#[derive(Debug, Clone)]
pub struct Sort {}

/// A document's place in a sort; smaller comes first, whatever the directions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SortKey(Vec<u8>);

impl Sort {
    /// Reads `{"a": 1, "b": -1}`; key order is the sort order.
    ///
    /// # Errors
    /// Directions other than 1 and -1.
    pub fn parse(_sort: &Document) -> Result<Sort, Error> {
        Ok(Sort {})
    }

    /// Whether no order is asked for.
    pub fn is_empty(&self) -> bool {
        true
    }

    /// Where a document belongs.
    pub fn key(&self, _document: &RawDoc<'_>) -> SortKey {
        SortKey(Vec::new())
    }
}
