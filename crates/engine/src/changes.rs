//! The change log: what every commit changed, in order and without gaps, with the documents
//! before and after. Records are written in the same batch as the change itself, so there is one
//! for everything that is committed and none for what is not. How they lie on disk is `chunk`'s;
//! the newest are in memory, too (`recent`). The oldest are removed by age and by bytes.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use store::{Batch, Snapshot};
use value::Value;

use crate::chunk::{self, Head};
use crate::committer::damaged;
use crate::layout::{self, Span};
use crate::recent::Commit;
use crate::{Error, Options};

/// Place of a record in the change log: the number of its commit and its place within.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Number of the commit; the first is 1.
    pub commit: u64,
    /// Place among the records of the commit, from 0.
    pub index: u32,
}

impl Position {
    /// Before everything that was ever changed.
    pub const START: Position = Position { commit: 0, index: 0 };

    /// After every record of the commit with this number, as a snapshot of it sees them.
    pub const fn end_of(commit: u64) -> Position {
        Position { commit, index: u32::MAX }
    }
}

/// What happened. The numbers are on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ChangeKind {
    /// A new document; there is no image before.
    Insert = 1,
    /// A document was changed by operators.
    Update = 2,
    /// A document was replaced.
    Replace = 3,
    /// A document was removed; there is no image after.
    Remove = 4,
    /// The collection went with all its documents, for which there are no records.
    DropCollection = 5,
    /// The collection was created.
    CreateCollection = 6,
}

impl ChangeKind {
    pub(crate) fn of(number: u8) -> Option<ChangeKind> {
        Some(match number {
            1 => ChangeKind::Insert,
            2 => ChangeKind::Update,
            3 => ChangeKind::Replace,
            4 => ChangeKind::Remove,
            5 => ChangeKind::DropCollection,
            6 => ChangeKind::CreateCollection,
            _ => return None,
        })
    }
}

/// One committed change.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeRecord {
    /// Its place in the log.
    pub position: Position,
    /// When its commit was made: milliseconds since 1970 by the clock of the node that made it.
    pub at_ms: i64,
    /// Name of the collection.
    pub collection: String,
    /// What happened.
    pub kind: ChangeKind,
    /// `_id` of the document; null when a whole collection is meant.
    pub id: Value,
    /// The document before (BSON).
    pub before: Option<Bytes>,
    /// The document after (BSON).
    pub after: Option<Bytes>,
}

/// A stretch of the change log.
#[derive(Clone, Debug)]
pub struct ChangePage {
    /// The records, in order.
    pub records: Vec<ChangeRecord>,
    /// Where the next page begins: the position of the last record, or what was asked for when
    /// there is none.
    pub next: Position,
    /// Whether there was nothing more behind them.
    pub is_end: bool,
}

/// One change as the committer knows it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) kind: ChangeKind,
    /// The collection.
    pub(crate) number: u32,
    pub(crate) name: Arc<str>,
    /// Key of the document; empty when a whole collection is meant.
    pub(crate) key: Bytes,
    pub(crate) before: Option<Bytes>,
    pub(crate) after: Option<Bytes>,
}

/// Records of one commit, from the place `first` on.
#[derive(Debug)]
pub(crate) struct Stretch {
    pub(crate) commit: u64,
    pub(crate) at_ms: i64,
    pub(crate) first: u32,
    pub(crate) records: Vec<Record>,
}

/// Where the log begins and ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChangeLog {
    /// The newest record that was removed.
    oldest: Position,
    newest: Position,
    /// Bytes of all chunks ever written.
    bytes: u64,
    /// Head of the first chunk that is kept.
    first: Option<Head>,
}

/// Chunks looked at per page of trimming.
const TRIMMED_CHUNKS: usize = 256;

/// Pages of trimming per commit.
const TRIMMED_PAGES: usize = 4;

impl ChangeLog {
    /// Finds both ends of the log.
    pub(crate) async fn load(snapshot: &Snapshot) -> Result<ChangeLog, Error> {
        let oldest = oldest(snapshot).await?;
        let (from, to) = (layout::change_key(oldest), Span::changes().to);
        let (from, to) = (Bound::Excluded(&from[..]), Bound::Excluded(&to[..]));
        let (first, last) = tokio::try_join!(
            snapshot.range(from, to, false, 1),
            snapshot.range(from, to, true, 1)
        )?;
        let (mut newest, mut bytes) = (oldest, 0);
        if let Some((key, chunk)) = last.first() {
            newest = layout::parse_change_key(key).ok_or_else(unreadable)?;
            bytes = head_of(chunk)?.bytes_before + chunk::stored_bytes(chunk.len());
        }
        let first = first.first().map(|(_, chunk)| head_of(chunk)).transpose()?;
        Ok(ChangeLog { oldest, newest, bytes, first })
    }

    /// Position of the newest record there ever was.
    pub(crate) fn newest(&self) -> Position {
        self.newest
    }

    /// Adds the records of a commit to its batch.
    pub(crate) fn append(&mut self, commit: &Commit, batch: &mut Batch) {
        let chunks = chunk::encode(&commit.records, commit.at_ms, self.bytes);
        let mut next = 0;
        for (count, chunk) in chunks {
            next += count;
            self.newest = Position { commit: commit.number, index: next - 1 };
            self.bytes += chunk::stored_bytes(chunk.len());
            self.first = self.first.or_else(|| chunk::head(&chunk));
            batch.put(layout::change_key(self.newest), chunk);
        }
    }

    /// Whether there is so much too old or too large that removing it is worth while.
    pub(crate) fn is_excessive(&self, options: &Options, now_ms: i64) -> bool {
        let (age, bytes) = (options.change_log_age_ms, options.change_log_bytes);
        self.first.is_some_and(|first| {
            self.is_too_much(&first, bytes.saturating_add(bytes / 64))
                || is_too_old(&first, now_ms, age.saturating_add(age / 64))
        })
    }

    /// Removes some of what is too old or too large, in the same batch. The newest chunk stays:
    /// it says where the log ends.
    pub(crate) async fn trim(
        &mut self,
        snapshot: &Snapshot,
        options: &Options,
        now_ms: i64,
        batch: &mut Batch,
    ) -> Result<(), Error> {
        let to = Span::changes().to;
        let (mut last, mut before) = (layout::change_key(self.oldest), None);
        'pages: for _ in 0..TRIMMED_PAGES {
            let from = Bound::Excluded(&last[..]);
            let page = snapshot.range(from, Bound::Excluded(&to), false, TRIMMED_CHUNKS).await?;
            let Some((key, _)) = page.last() else { break };
            last = key.clone();
            for (key, chunk) in page {
                let head = head_of(&chunk)?;
                // There is one behind it, so the one before may go.
                if let Some((key, first)) = before.replace((key, head)) {
                    if !self.is_too_much(&first, options.change_log_bytes)
                        && !is_too_old(&first, now_ms, options.change_log_age_ms)
                    {
                        break 'pages;
                    }
                    self.oldest = layout::parse_change_key(&key).ok_or_else(unreadable)?;
                    self.first = Some(head);
                    batch.delete(key);
                }
            }
        }
        let oldest = layout::position_bytes(self.oldest);
        batch.put(layout::OLDEST_CHANGE_KEY, oldest.to_vec());
        Ok(())
    }

    /// Whether the log would be too large with the chunk of this head.
    fn is_too_much(&self, head: &Head, bytes_max: u64) -> bool {
        self.bytes.saturating_sub(head.bytes_before) > bytes_max
    }
}

fn is_too_old(head: &Head, now_ms: i64, age_ms: i64) -> bool {
    now_ms.saturating_sub(head.at_ms) > age_ms
}

/// The newest record that was removed.
async fn oldest(snapshot: &Snapshot) -> Result<Position, Error> {
    let found = snapshot.get_many(&[layout::OLDEST_CHANGE_KEY]).await?;
    match found.into_iter().next().flatten() {
        None => Ok(Position::START),
        Some(bytes) => layout::parse_position(&bytes).ok_or_else(unreadable),
    }
}

/// Records after the position from at least one chunk and at most `limit` chunks, and whether
/// there are no more.
///
/// # Errors
///
/// [`Error::ChangesTooOld`] when records after the position were removed.
pub(crate) async fn read(
    snapshot: &Snapshot,
    after: Position,
    limit: usize,
) -> Result<(Vec<Stretch>, bool), Error> {
    let (from, to) = (layout::change_key(after), Span::changes().to);
    let range = async {
        let (from, to) = (Bound::Excluded(&from[..]), Bound::Excluded(&to[..]));
        snapshot.range(from, to, false, limit).await.map_err(Error::from)
    };
    let (oldest, page) = tokio::try_join!(oldest(snapshot), range)?;
    if after < oldest {
        return Err(Error::ChangesTooOld { oldest });
    }
    let bytes: usize = page.iter().map(|(key, value)| key.len() + value.len()).sum();
    let is_end = page.len() < limit && bytes < store::PAGE_BYTES_MAX;
    let mut stretches = Vec::with_capacity(page.len());
    for (key, chunk) in page {
        let commit = layout::parse_change_key(&key).ok_or_else(unreadable)?.commit;
        let Head { at_ms, mut first, .. } = head_of(&chunk)?;
        let mut records = chunk::decode(&chunk)?;
        if commit == after.commit && first <= after.index {
            let known = (after.index - first) as usize + 1;
            records.drain(..known.min(records.len()));
            first = after.index + 1;
        }
        stretches.push(Stretch { commit, at_ms, first, records });
    }
    Ok((stretches, is_end))
}

impl Stretch {
    /// Position of the last of its records.
    pub(crate) fn end(&self) -> Position {
        let last = u32::try_from(self.records.len().saturating_sub(1)).unwrap_or(u32::MAX);
        Position { commit: self.commit, index: self.first.saturating_add(last) }
    }

    /// Its records as callers see them, at most so many.
    pub(crate) fn public(&self, most: usize) -> Result<Vec<ChangeRecord>, Error> {
        let records = (self.first..).zip(&self.records).take(most);
        let public = |(index, record): (u32, &Record)| {
            let position = Position { commit: self.commit, index };
            public(record, position, self.at_ms)
        };
        records.map(public).collect()
    }
}

/// A record as callers see it.
pub(crate) fn public(
    record: &Record,
    position: Position,
    at_ms: i64,
) -> Result<ChangeRecord, Error> {
    let id = match record.after.as_ref().or(record.before.as_ref()) {
        Some(image) => chunk::id_of(image).ok_or_else(unreadable)?,
        None => Value::Null,
    };
    Ok(ChangeRecord {
        position,
        at_ms,
        collection: record.name.to_string(),
        kind: record.kind,
        id,
        before: record.before.clone(),
        after: record.after.clone(),
    })
}

fn head_of(chunk: &[u8]) -> Result<Head, Error> {
    chunk::head(chunk).ok_or_else(unreadable)
}

fn unreadable() -> Error {
    damaged("a change record does not read")
}
