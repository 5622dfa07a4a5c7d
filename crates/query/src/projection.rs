//! Which fields are returned.

use value::{Document, RawDoc};

use crate::Error;

/// A parsed projection.
#[derive(Debug, Clone)]
pub struct Projection {}

impl Projection {
    /// Reads a projection.
    ///
    /// # Errors
    /// Inclusion mixed with exclusion, unknown operators.
    pub fn parse(_projection: &Document) -> Result<Projection, Error> {
        Ok(Projection {})
    }

    /// The projected document.
    ///
    /// # Errors
    /// Broken BSON bytes.
    pub fn apply(&self, document: &RawDoc<'_>) -> Result<Document, Error> {
        Ok(document.to_document()?)
    }
}
