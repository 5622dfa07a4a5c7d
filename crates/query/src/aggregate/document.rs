//! A document on its way through a pipeline: bytes as stored until a stage makes something new.

use bytes::Bytes;
use value::{DocView, Document, RawDoc};

use crate::Error;
use crate::expression::size;

/// A document of either origin. Clones of stored bytes cost nothing.
#[derive(Debug, Clone)]
pub(crate) enum Doc {
    Raw(Bytes),
    Made(Document),
}

impl Doc {
    /// A look at it.
    pub(crate) fn view(&self) -> Result<DocView<'_>, Error> {
        Ok(match self {
            Doc::Raw(bytes) => DocView::Raw(RawDoc::new(bytes)?),
            Doc::Made(document) => DocView::Owned(document),
        })
    }

    pub(crate) fn into_document(self) -> Result<Document, Error> {
        match self {
            Doc::Raw(bytes) => Ok(RawDoc::new(&bytes)?.to_document()?),
            Doc::Made(document) => Ok(document),
        }
    }

    /// The document as BSON.
    ///
    /// # Errors
    /// Beyond the limits of size and depth.
    pub(crate) fn into_bytes(self) -> Result<Bytes, Error> {
        match self {
            Doc::Raw(bytes) => Ok(bytes),
            Doc::Made(document) => {
                document.check_limits()?;
                Ok(document.to_bytes().into())
            }
        }
    }

    /// Bytes it takes in memory, about.
    pub(crate) fn held_bytes(&self) -> usize {
        match self {
            Doc::Raw(bytes) => 64 + bytes.len(),
            // Names and values in memory are some times larger than in BSON.
            Doc::Made(document) => 64 + 4 * size::of_document(document),
        }
    }

    /// A document a stage has made, refused beyond the limit of size.
    pub(crate) fn made(document: Document) -> Result<Doc, Error> {
        let bytes = size::of_document(&document);
        if bytes > value::DOCUMENT_BYTES_MAX {
            return Err(Error::Value(value::Error::TooLarge { bytes }));
        }
        Ok(Doc::Made(document))
    }
}
