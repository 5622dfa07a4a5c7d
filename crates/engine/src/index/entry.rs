//! Entries of indexes in the store. A change here is a change of the format on disk
//! (docs/format/indexes.md).
//!
//! | key | value |
//! |---|---|
//! | `'i'` + index + key + key of `_id` | where the key of `_id` begins in this key, 2 bytes |
//! | `'u'` + index + key | key of `_id`: a unique index |
//! | `'k'` + collection + index | the index's catalogue entry, BSON |
//! | `'b'` + index | key of the last document a build has passed |
//!
//! Numbers are 4 bytes, big endian.

use bytes::Bytes;

use super::Index;
use crate::layout::{self, Span};

const ENTRY: u8 = b'i';
const UNIQUE: u8 = b'u';
const CATALOGUE: u8 = b'k';
const PROGRESS: u8 = b'b';
const DOCUMENT: u8 = b'd';

/// Bytes before the key of an entry, and before the key of `_id` in a document's key.
const HEADER: usize = 5;

/// What every entry of an index begins with; for the primary index, every document.
pub(crate) fn header(index: &Index) -> Vec<u8> {
    let kind = match index {
        Index { is_primary: true, .. } => DOCUMENT,
        Index { spec, .. } if spec.unique => UNIQUE,
        _ => ENTRY,
    };
    numbered(kind, index.number)
}

/// The entry of a document.
pub(crate) fn entry(index: &Index, key: &[u8], id_key: &[u8]) -> (Bytes, Bytes) {
    let mut entry = header(index);
    entry.extend_from_slice(key);
    if index.spec.unique {
        return (entry.into(), Bytes::copy_from_slice(id_key));
    }
    let begin = u16::try_from(entry.len()).expect("keys are cut long before");
    entry.extend_from_slice(id_key);
    (entry.into(), Bytes::copy_from_slice(&begin.to_be_bytes()))
}

/// The key of an entry without what is around it, and the key of `_id` it leads to; `None` when
/// the bytes are no entry.
pub(crate) fn parse<'a>(
    index: &Index,
    key: &'a [u8],
    value: &'a [u8],
) -> Option<(&'a [u8], &'a [u8])> {
    let whole = key.get(HEADER..)?;
    if index.is_primary {
        return Some((whole, whole));
    }
    if index.spec.unique {
        return Some((whole, value));
    }
    let begin = usize::from(u16::from_be_bytes(value.try_into().ok()?));
    Some((key.get(HEADER..begin)?, key.get(begin..)?))
}

/// The places in the store that one number ever owns: documents of a collection or entries of an
/// index.
pub(crate) fn spans_of(number: u32) -> [Span; 3] {
    [layout::DOCUMENTS, ENTRY, UNIQUE].map(|kind| span(kind, number))
}

/// All catalogue entries.
pub(crate) fn catalogue_span() -> Span {
    Span { from: vec![CATALOGUE], to: vec![CATALOGUE + 1] }
}

/// Key of an index's catalogue entry.
pub(crate) fn catalogue_key(collection: u32, index: u32) -> Bytes {
    let mut key = numbered(CATALOGUE, collection);
    key.extend_from_slice(&index.to_be_bytes());
    key.into()
}

/// Collection and index of a [`catalogue_key`].
pub(crate) fn parse_catalogue_key(key: &[u8]) -> Option<(u32, u32)> {
    let numbers = key.strip_prefix(&[CATALOGUE])?;
    let (collection, index) = numbers.split_at_checked(4)?;
    Some((layout::parse_u32(collection)?, layout::parse_u32(index)?))
}

/// Key of the note how far a build is.
pub(crate) fn progress_key(index: u32) -> Bytes {
    numbered(PROGRESS, index).into()
}

fn span(kind: u8, number: u32) -> Span {
    let to = match number.checked_add(1) {
        Some(next) => numbered(kind, next),
        None => vec![kind + 1],
    };
    Span { from: numbered(kind, number), to }
}

fn numbered(kind: u8, number: u32) -> Vec<u8> {
    let mut key = Vec::with_capacity(64);
    key.push(kind);
    key.extend_from_slice(&number.to_be_bytes());
    key
}
