//! The keys of the database inside its store. A change here is a change of the format on disk.
//!
//! | key | value |
//! |---|---|
//! | `'c'` + name | number of the collection, 4 bytes |
//! | `'d'` + number + key of `_id` | the document as BSON |
//! | `'h'` + commit number, 8 bytes + index of the last record, 4 bytes | see `chunk` |
//! | `'n'` | number the next collection gets, 4 bytes |
//! | `'o'` | commit number and index of the newest change record that was removed, 12 bytes |
//! | `'s'` + number | how many documents the collection has, 8 bytes |
//! | `'v'` | version of the catalogue: commit number of its last change, 8 bytes |
//! | `'x'` + number | nothing: the collection was dropped, its documents await removal |
//!
//! Keys of indexes are in `index::entry`.
//!
//! Numbers are big endian; numbers of collections are never used twice. This module makes keys
//! and takes them apart and does nothing else.

use bytes::Bytes;

use crate::changes::Position;

const COLLECTION: u8 = b'c';
pub(crate) const DOCUMENTS: u8 = b'd';
const CHANGE: u8 = b'h';
const COUNT: u8 = b's';
const DROPPED: u8 = b'x';

/// Key of the number that the next collection gets.
pub(crate) const NEXT_NUMBER_KEY: &[u8] = b"n";

/// Key of the position of the newest change record that was removed.
pub(crate) const OLDEST_CHANGE_KEY: &[u8] = b"o";

/// Key of the version of the catalogue.
pub(crate) const CATALOGUE_KEY: &[u8] = b"v";

/// Length of a key of change records.
pub(crate) const CHANGE_KEY_BYTES: usize = 13;

/// All keys that begin with a prefix: from the first, included, to the second, excluded.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) from: Vec<u8>,
    pub(crate) to: Vec<u8>,
}

impl Span {
    fn of(prefix: u8) -> Span {
        Span { from: vec![prefix], to: vec![prefix + 1] }
    }

    /// The catalogue.
    pub(crate) fn collections() -> Span {
        Span::of(COLLECTION)
    }

    /// The collections whose documents await removal.
    pub(crate) fn dropped() -> Span {
        Span::of(DROPPED)
    }

    /// The change log.
    pub(crate) fn changes() -> Span {
        Span::of(CHANGE)
    }

    /// The documents of a collection.
    pub(crate) fn documents(number: u32) -> Span {
        let from = documents_prefix(number);
        let to = match number.checked_add(1) {
            Some(next) => documents_prefix(next),
            None => vec![DOCUMENTS + 1],
        };
        Span { from, to }
    }
}

/// Key of a collection's catalogue entry.
pub(crate) fn collection_key(name: &str) -> Bytes {
    let mut key = vec![COLLECTION];
    key.extend_from_slice(name.as_bytes());
    key.into()
}

/// The name inside a catalogue key.
pub(crate) fn parse_collection_key(key: &[u8]) -> Option<&str> {
    std::str::from_utf8(key.strip_prefix(&[COLLECTION])?).ok()
}

fn documents_prefix(number: u32) -> Vec<u8> {
    numbered(DOCUMENTS, number)
}

/// Key of the document with the `_id` whose key is `id_key`.
pub(crate) fn document_key(number: u32, id_key: &[u8]) -> Bytes {
    let mut key = documents_prefix(number);
    key.extend_from_slice(id_key);
    key.into_boxed_slice().into()
}

/// The key of `_id` inside a document key.
pub(crate) fn id_key(document_key: &[u8]) -> &[u8] {
    document_key.get(5..).unwrap_or_default()
}

/// Key of the change records of a commit that end with this one.
pub(crate) fn change_key(position: Position) -> Bytes {
    let mut key = Vec::with_capacity(CHANGE_KEY_BYTES);
    key.push(CHANGE);
    key.extend_from_slice(&position_bytes(position));
    key.into()
}

/// The position inside a [`change_key`].
pub(crate) fn parse_change_key(key: &[u8]) -> Option<Position> {
    parse_position(key.strip_prefix(&[CHANGE])?)
}

/// A position as it is stored.
pub(crate) fn position_bytes(position: Position) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&position.commit.to_be_bytes());
    bytes[8..].copy_from_slice(&position.index.to_be_bytes());
    bytes
}

/// A stored position.
pub(crate) fn parse_position(bytes: &[u8]) -> Option<Position> {
    let (commit, index) = bytes.split_at_checked(8)?;
    Some(Position { commit: parse_u64(commit)?, index: parse_u32(index)? })
}

/// Key of a collection's count.
pub(crate) fn count_key(number: u32) -> Bytes {
    numbered(COUNT, number).into()
}

/// Key of the note that a collection awaits removal.
pub(crate) fn dropped_key(number: u32) -> Bytes {
    numbered(DROPPED, number).into()
}

/// The number inside a [`dropped_key`].
pub(crate) fn parse_dropped_key(key: &[u8]) -> Option<u32> {
    parse_u32(key.strip_prefix(&[DROPPED])?)
}

fn numbered(prefix: u8, number: u32) -> Vec<u8> {
    let mut key = Vec::with_capacity(48);
    key.push(prefix);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// A 4-byte number as written by this crate.
pub(crate) fn parse_u32(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

/// An 8-byte number as written by this crate.
pub(crate) fn parse_u64(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}
