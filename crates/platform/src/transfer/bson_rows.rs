//! BSON documents one after another, each with its length in front, as `mongodump` writes them.

use value::Document;

use super::rows::{Row, unreadable};
use crate::error::{Code, Error, Result};

/// What a document needs at least: its length and its end.
const SMALLEST: usize = 5;

/// See the module.
#[derive(Debug, Default)]
pub struct BsonRows {
    open: Vec<u8>,
    number: u64,
}

impl BsonRows {
    pub(super) fn feed(&mut self, bytes: &[u8], rows: &mut Vec<Row>) -> Result<()> {
        self.open.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(head) = self.open[at..].first_chunk::<4>() {
            let length = usize::try_from(i32::from_le_bytes(*head)).unwrap_or(0);
            let line = self.number + 1;
            if !(SMALLEST..=value::DOCUMENT_BYTES_MAX).contains(&length) {
                return Err(unreadable(
                    line,
                    "the document's length is not one, so this is not a file of BSON documents",
                    "文档长度无效,这不是 BSON 文档文件",
                ));
            }
            let Some(document) = self.open[at..].get(..length) else { break };
            let document = Document::from_bytes(document)
                .map_err(|error| Error::from_room(Code::InvalidParameter, error));
            rows.push(Row { line, document });
            self.number = line;
            at += length;
        }
        self.open.drain(..at);
        Ok(())
    }

    pub(super) fn finish(&self) -> Result<()> {
        if self.open.is_empty() {
            return Ok(());
        }
        Err(unreadable(
            self.number + 1,
            "the file ends in the middle of a document",
            "文件在文档中间结束",
        ))
    }
}
