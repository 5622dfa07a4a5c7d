//! The change log: one small record per committed change, ordered by commit number and by place
//! within the commit, written in the same batch as the change itself. It says which document
//! changed and how, never what it holds. Only the newest hundred thousand records are kept.
//!
//! A record's value is: kind (1 byte), ordinal (8 bytes, counting all records ever), number of
//! the collection (4 bytes), key of `_id`.

use std::ops::Bound;

use bytes::Bytes;
use store::{Batch, Snapshot};

use crate::layout::{self, Span};
use crate::scan::Pages;
use crate::{Error, committer};

/// Records kept.
const RECORDS_MAX: u64 = 100_000;

/// How many records too many there are before some are removed, so that removing is rare.
const RECORDS_EXCESS: u64 = 1_024;

/// What happened to a document. The numbers are on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Insert = 1,
    Update = 2,
    Replace = 3,
    Remove = 4,
    DropCollection = 5,
}

/// One change of the batch being made.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) kind: Kind,
    pub(crate) number: u32,
    /// Key of the document; empty when the whole collection went.
    pub(crate) document_key: Bytes,
}

/// Where the log begins and ends.
#[derive(Debug)]
pub(crate) struct ChangeLog {
    oldest: u64,
    next: u64,
    trimmed: Pages,
}

impl ChangeLog {
    /// Finds both ends of the log.
    pub(crate) async fn load(snapshot: &Snapshot) -> Result<ChangeLog, Error> {
        let newest = end(snapshot, true).await?;
        let oldest = end(snapshot, false).await?;
        let next = newest.map_or(0, |newest| newest + 1);
        let trimmed = Pages::new(Span::changes(), 0);
        Ok(ChangeLog { oldest: oldest.unwrap_or(next), next, trimmed })
    }

    /// Adds the records of the commit `number` to its batch.
    pub(crate) fn append(&mut self, number: u64, records: &[Record], batch: &mut Batch) {
        for (index, record) in (0_u32..).zip(records) {
            let id_key = layout::id_key(&record.document_key);
            let mut value = Vec::with_capacity(13 + id_key.len());
            value.push(record.kind as u8);
            value.extend_from_slice(&self.next.to_be_bytes());
            value.extend_from_slice(&record.number.to_be_bytes());
            value.extend_from_slice(id_key);
            batch.put(layout::change_key(number, index), value);
            self.next += 1;
        }
    }

    /// Removes what is too old, in the same batch.
    pub(crate) async fn trim(
        &mut self,
        snapshot: &Snapshot,
        batch: &mut Batch,
    ) -> Result<(), Error> {
        let excess = (self.next - self.oldest).saturating_sub(RECORDS_MAX);
        if excess < RECORDS_EXCESS {
            return Ok(());
        }
        // The walk goes on where it ended the last time: the places of removed records at the
        // beginning of the log are slow to pass.
        self.trimmed.set_limit(usize::try_from(excess).unwrap_or(usize::MAX));
        let Some(page) = self.trimmed.next(snapshot).await? else { return Ok(()) };
        for (key, _) in page {
            batch.delete(key);
            self.oldest += 1;
        }
        Ok(())
    }
}

/// Ordinal of the newest or the oldest record.
async fn end(snapshot: &Snapshot, newest: bool) -> Result<Option<u64>, Error> {
    let Span { from, to } = Span::changes();
    let page = snapshot.range(Bound::Included(&from), Bound::Excluded(&to), newest, 1).await?;
    let Some((_, value)) = page.first() else { return Ok(None) };
    let ordinal = value.get(1..9).and_then(layout::parse_u64);
    ordinal.map(Some).ok_or_else(|| committer::damaged("a change record does not read"))
}
