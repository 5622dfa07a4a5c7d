//! How documents change.

use value::Document;

use crate::Error;

/// A parsed update.
#[derive(Debug, Clone)]
pub struct Update {}

impl Update {
    /// Reads `{"$set": {…}, …}`.
    ///
    /// # Errors
    /// Unknown operators, operands of the wrong kind, conflicting paths.
    pub fn parse(_update: &Document) -> Result<Update, Error> {
        Err(Error::malformed("updates are not built yet", "尚未实现"))
    }

    /// Changes the document; `true` when it really became another. On an error it stays as it was.
    ///
    /// # Errors
    /// A stored value of the wrong kind, a change of `_id`, a result beyond the limits.
    pub fn apply(&self, _document: &mut Document) -> Result<bool, Error> {
        Ok(false)
    }

    /// [`Update::apply`] with `$setOnInsert`, on the seed of an upsert.
    ///
    /// # Errors
    /// As [`Update::apply`].
    pub fn apply_on_insert(&self, document: &mut Document) -> Result<bool, Error> {
        self.apply(document)
    }
}
