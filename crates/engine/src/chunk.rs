//! How change records lie on disk: the records of a commit in chunks, each chunk one value. It
//! turns records into bytes and back and reads and writes nothing.
//!
//! A chunk's head is plain: format (1 byte), milliseconds since 1970 (8), bytes of all chunks
//! before it (8), place of its first record within the commit (4), length of the body (4). The
//! body, compressed with LZ4 when the format says so, is a list of collections (number and name)
//! and then the records: kind (1), place of the collection in the list, and the images. Lengths
//! are varints. An insert keeps the document after it, a removal the one before it; an update
//! keeps the document before it and of the one after it only the stretch that differs.

use std::sync::Arc;

use bytes::Bytes;
use value::{RawDoc, Value};

use crate::changes::{ChangeKind, Record};
use crate::{Error, layout};

const PLAIN: u8 = 1;
const LZ4: u8 = 2;

const HEAD_BYTES: usize = 25;

/// A chunk ends with the record that makes its body this long.
const BODY_BYTES: usize = 256 * 1024;

/// Shorter bodies are not worth compressing.
const COMPRESSED_BYTES_MIN: usize = 512;

/// Longest body: two images of the largest document, and room for the rest.
const BODY_BYTES_MAX: usize = 48 * 1024 * 1024;

/// What the head of a chunk says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) at_ms: i64,
    /// Bytes of the keys and values of all chunks before this one.
    pub(crate) bytes_before: u64,
    /// Place of the first record within its commit.
    pub(crate) first: u32,
}

/// Chunks that hold the records; each with how many records it has.
pub(crate) fn encode(records: &[Record], at_ms: i64, bytes_before: u64) -> Vec<(u32, Vec<u8>)> {
    let mut chunks = Vec::new();
    let mut head = Head { at_ms, bytes_before, first: 0 };
    let mut rest = records;
    while !rest.is_empty() {
        let (count, body) = encode_body(rest);
        rest = &rest[count..];
        let count = u32::try_from(count).expect("a commit has fewer than 2^32 records");
        let chunk = seal(&head, &body);
        head.first += count;
        head.bytes_before += stored_bytes(chunk.len());
        chunks.push((count, chunk));
    }
    chunks
}

/// Bytes that a chunk whose value has this length takes, its key included.
pub(crate) fn stored_bytes(value_bytes: usize) -> u64 {
    (layout::CHANGE_KEY_BYTES + value_bytes) as u64
}

/// As many of the records as go into one body, at least one.
fn encode_body(records: &[Record]) -> (usize, Vec<u8>) {
    let mut collections: Vec<(u32, &Arc<str>)> = Vec::new();
    let mut body = Vec::new();
    let mut count = 0;
    for record in records {
        let of = |(number, name): &(u32, &Arc<str>)| {
            *number == record.number && (Arc::ptr_eq(name, &record.name) || **name == record.name)
        };
        let place = collections.iter().position(of).unwrap_or_else(|| {
            collections.push((record.number, &record.name));
            collections.len() - 1
        });
        encode_record(record, place, &mut body);
        count += 1;
        if body.len() >= BODY_BYTES {
            break;
        }
    }
    let mut whole = Vec::with_capacity(body.len() + 16 + 16 * collections.len());
    put_length(collections.len(), &mut whole);
    for (number, name) in collections {
        whole.extend_from_slice(&number.to_be_bytes());
        put_bytes(name.as_bytes(), &mut whole);
    }
    whole.extend_from_slice(&body);
    (count, whole)
}

fn encode_record(record: &Record, place: usize, body: &mut Vec<u8>) {
    body.push(record.kind as u8);
    put_length(place, body);
    match (&record.before, &record.after) {
        (Some(before), Some(after)) => {
            put_bytes(before, body);
            let (same_start, same_end) = common(before, after);
            put_length(same_start, body);
            put_length(same_end, body);
            put_bytes(&after[LENGTH..][same_start..after.len() - LENGTH - same_end], body);
        }
        (Some(image), None) | (None, Some(image)) => put_bytes(image, body),
        (None, None) => {}
    }
}

/// A document begins with its length, which need not be kept.
const LENGTH: usize = 4;

/// How many bytes behind the length two documents share at their beginning and at their end.
fn common(before: &[u8], after: &[u8]) -> (usize, usize) {
    let (before, after) = (&before[LENGTH..], &after[LENGTH..]);
    let start = before.iter().zip(after).take_while(|(one, other)| one == other).count();
    let (before, after) = (&before[start..], &after[start..]);
    let ends = before.iter().rev().zip(after.iter().rev());
    (start, ends.take_while(|(one, other)| one == other).count())
}

fn seal(head: &Head, body: &[u8]) -> Vec<u8> {
    let compressed = (body.len() >= COMPRESSED_BYTES_MIN)
        .then(|| lz4_flex::block::compress(body))
        .filter(|compressed| compressed.len() < body.len());
    let (format, stored) = match &compressed {
        Some(compressed) => (LZ4, &compressed[..]),
        None => (PLAIN, body),
    };
    let length = u32::try_from(body.len()).expect("the images of a commit are bounded");
    let mut chunk = Vec::with_capacity(HEAD_BYTES + stored.len());
    chunk.push(format);
    chunk.extend_from_slice(&head.at_ms.to_be_bytes());
    chunk.extend_from_slice(&head.bytes_before.to_be_bytes());
    chunk.extend_from_slice(&head.first.to_be_bytes());
    chunk.extend_from_slice(&length.to_be_bytes());
    chunk.extend_from_slice(stored);
    chunk
}

/// What the head of a chunk says; `None` when it is none.
pub(crate) fn head(chunk: &[u8]) -> Option<Head> {
    let mut rest = Rest(chunk.get(..HEAD_BYTES)?);
    if !matches!(rest.byte()?, PLAIN | LZ4) {
        return None;
    }
    Some(Head {
        at_ms: i64::from_be_bytes(rest.take(8)?.try_into().ok()?),
        bytes_before: layout::parse_u64(rest.take(8)?)?,
        first: layout::parse_u32(rest.take(4)?)?,
    })
}

/// The records of a chunk.
///
/// # Errors
///
/// [`store::Error::StoreDamaged`] when it does not read as one.
pub(crate) fn decode(chunk: &Bytes) -> Result<Vec<Record>, Error> {
    parse(chunk).ok_or_else(|| crate::committer::damaged("a change record does not read"))
}

fn parse(chunk: &Bytes) -> Option<Vec<Record>> {
    head(chunk)?;
    let length = usize::try_from(layout::parse_u32(&chunk[HEAD_BYTES - 4..HEAD_BYTES])?).ok()?;
    let stored = chunk.slice(HEAD_BYTES..);
    let body = match chunk[0] {
        PLAIN => stored,
        LZ4 if length <= BODY_BYTES_MAX => {
            Bytes::from(lz4_flex::block::decompress(&stored, length).ok()?)
        }
        _ => return None,
    };
    let mut rest = Rest(&body);
    let collections = (0..rest.length()?)
        .map(|_| {
            let number = layout::parse_u32(rest.take(4)?)?;
            Some((number, Arc::from(std::str::from_utf8(rest.bytes()?).ok()?)))
        })
        .collect::<Option<Vec<(u32, Arc<str>)>>>()?;
    let mut records = Vec::new();
    while !rest.0.is_empty() {
        records.push(parse_record(&mut rest, &body, &collections)?);
    }
    Some(records)
}

fn parse_record(
    rest: &mut Rest<'_>,
    body: &Bytes,
    collections: &[(u32, Arc<str>)],
) -> Option<Record> {
    let kind = ChangeKind::of(rest.byte()?)?;
    let (number, name) = collections.get(rest.length()?)?.clone();
    let (before, after) = match kind {
        ChangeKind::CreateCollection | ChangeKind::DropCollection => (None, None),
        ChangeKind::Insert => (None, Some(body.slice_ref(rest.bytes()?))),
        ChangeKind::Remove => (Some(body.slice_ref(rest.bytes()?)), None),
        ChangeKind::Update | ChangeKind::Replace => {
            let before = rest.bytes()?;
            let (same_start, same_end) = (rest.length()?, rest.length()?);
            let middle = rest.bytes()?;
            let content = before.get(LENGTH..)?;
            let length = LENGTH + same_start + middle.len() + same_end;
            let mut after = Vec::with_capacity(length);
            after.extend_from_slice(&u32::try_from(length).ok()?.to_le_bytes());
            after.extend_from_slice(content.get(..same_start)?);
            after.extend_from_slice(middle);
            after.extend_from_slice(content.get(content.len().checked_sub(same_end)?..)?);
            (Some(body.slice_ref(before)), Some(after.into()))
        }
    };
    let key = match after.as_ref().or(before.as_ref()) {
        Some(image) => layout::document_key(number, &value::key::encode(&id_of(image)?)),
        None => Bytes::new(),
    };
    Some(Record { kind, number, name, key, before, after })
}

/// The `_id` of a document.
pub(crate) fn id_of(image: &[u8]) -> Option<Value> {
    RawDoc::new(image).ok()?.get("_id")?.to_value().ok()
}

fn put_length(mut length: usize, into: &mut Vec<u8>) {
    while length >= 0x80 {
        into.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    into.push(length as u8);
}

fn put_bytes(bytes: &[u8], into: &mut Vec<u8>) {
    put_length(bytes.len(), into);
    into.extend_from_slice(bytes);
}

/// What of a body is still to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    fn length(&mut self) -> Option<usize> {
        let mut length = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            length |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(length);
            }
        }
        None
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.length()?;
        self.take(length)
    }
}

#[cfg(test)]
mod tests {
    use value::Document;

    use super::*;

    fn image(id: i32, text: &str) -> Option<Bytes> {
        let mut document = Document::new();
        document.insert("_id", Value::Int32(id));
        document.insert("text", Value::String(text.to_owned()));
        document.insert("end", Value::Bool(true));
        Some(document.to_bytes().into())
    }

    fn record(kind: ChangeKind, before: Option<Bytes>, after: Option<Bytes>) -> Record {
        let number = kind as u32 % 3;
        let name = Arc::from(format!("collection {number}"));
        let key = after.as_ref().or(before.as_ref()).map_or(Bytes::new(), |image| {
            layout::document_key(number, &value::key::encode(&id_of(image).unwrap()))
        });
        Record { kind, number, name, key, before, after }
    }

    fn records() -> Vec<Record> {
        let long = "long ".repeat(300);
        let texts = ["", "a", "ab", "bb", "aaaa", "aa", "云", long.as_str()];
        let mut records = vec![
            record(ChangeKind::CreateCollection, None, None),
            record(ChangeKind::DropCollection, None, None),
        ];
        for (id, before) in (0..).zip(texts) {
            records.push(record(ChangeKind::Insert, None, image(id, before)));
            records.push(record(ChangeKind::Remove, image(id, before), None));
            for after in texts {
                records.push(record(ChangeKind::Update, image(id, before), image(id, after)));
            }
        }
        records
    }

    fn decoded(chunks: &[(u32, Vec<u8>)]) -> Vec<Record> {
        let mut all = Vec::new();
        for (count, chunk) in chunks {
            assert_eq!(head(chunk).unwrap().first as usize, all.len());
            let more = decode(&Bytes::from(chunk.clone())).unwrap();
            assert_eq!(more.len(), *count as usize);
            all.extend(more);
        }
        all
    }

    #[test]
    fn records_read_back_alone_together_and_in_many_chunks() {
        let records = records();
        for record in &records {
            let one = std::slice::from_ref(record);
            assert_eq!(decoded(&encode(one, -5, 7)), one);
        }
        let mut many = Vec::new();
        while many.len() < 20_000 {
            many.extend_from_slice(&records);
        }
        let chunks = encode(&many, 5, 7);
        assert!(chunks.len() > 4);
        assert_eq!(decoded(&chunks), many);
        let mut before = 7;
        for (_, chunk) in &chunks {
            assert_eq!(head(chunk).unwrap().bytes_before, before);
            before += stored_bytes(chunk.len());
        }
    }

    #[test]
    fn no_cut_or_flipped_chunk_panics() {
        let records: Vec<Record> = records().into_iter().take(20).collect();
        for few in [&records[..4], &records] {
            let (_, chunk) = encode(few, 1, 2).remove(0);
            for at in 0..chunk.len() {
                let cut = decode(&Bytes::copy_from_slice(&chunk[..at]));
                assert!(cut.is_err() || at > HEAD_BYTES, "{at}");
                let mut flipped = chunk.clone();
                flipped[at] ^= 0x41;
                let _ = decode(&flipped.into());
            }
        }
    }

    #[test]
    fn an_update_costs_one_image_and_an_insert_less_than_its_document() {
        let text: String = (0..200).map(|_| crate::new_id(0)).collect();
        let change = record(ChangeKind::Update, image(1, &text), image(1, &format!("{text}!")));
        let length = encode(&[change], 0, 0)[0].1.len();
        assert!(length < text.len() + 100, "{length}");
        let album = |id| image(id, &format!("a picture of the lake, number {id}, 4032 x 3024"));
        let inserts: Vec<Record> =
            (0..1_000).map(|id| record(ChangeKind::Insert, None, album(id))).collect();
        let raw: usize = inserts.iter().map(|record| record.after.as_ref().unwrap().len()).sum();
        let stored: usize = encode(&inserts, 0, 0).iter().map(|(_, chunk)| chunk.len()).sum();
        assert!(stored * 3 < raw, "{stored} of {raw}");
    }
}
