//! Reading at a version: a snapshot is a number, and holds no connection. Every read is one
//! statement on whichever lane is free; the database answers with what that number saw, or that it
//! has reclaimed it. A snapshot taken in an earlier life of the database is refused, because what
//! had its number then may have been lost in the crash that ended that life.

use std::collections::HashMap;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use tokio_postgres::Row;

use crate::postgres_adapter::connection::explain;
use crate::postgres_adapter::lanes::Reader;
use crate::postgres_adapter::{Shared, to_number};
use crate::{Error, KEY_BYTES_MAX, Page};

#[derive(Clone)]
pub(crate) struct PostgresSnapshot {
    shared: Arc<Shared>,
    number: u64,
    /// The life of the database that the number belongs to.
    life: Arc<str>,
}

/// Repeats a read once when the connection broke under it.
macro_rules! on_a_lane {
    ($shared:expr, |$reader:ident| $read:expr) => {{
        let mut has_failed = false;
        loop {
            let pass = $shared.lanes.pass(&$shared).await?;
            let $reader: &Reader = &pass.reader;
            match async { $read.await }.await {
                Err(error) if $reader.is_lost(&error) => {
                    pass.set_aside();
                    if std::mem::replace(&mut has_failed, true) {
                        break Err(explain(error));
                    }
                }
                Err(error) => break Err(explain(error)),
                Ok(rows) => break Ok((rows, Arc::clone(&pass.reader))),
            }
        }
    }};
}

/// The newest commit.
pub(crate) async fn newest(shared: &Arc<Shared>) -> Result<PostgresSnapshot, Error> {
    let (row, reader) = on_a_lane!(shared, |reader| reader.client.query_one(&reader.newest, &[]))?;
    let number = to_number(row.get(0));
    Ok(PostgresSnapshot { shared: Arc::clone(shared), number, life: reader.life.as_str().into() })
}

impl PostgresSnapshot {
    pub(crate) fn new(shared: Arc<Shared>, number: u64, life: &str) -> PostgresSnapshot {
        PostgresSnapshot { shared, number, life: life.into() }
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn life(&self) -> &Arc<str> {
        &self.life
    }

    pub(crate) async fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Bytes>>, Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let version = self.version();
        let (rows, reader) = on_a_lane!(self.shared, |reader| reader
            .client
            .query(&reader.get_many, &[&version, &keys]))?;
        self.check(&rows, &reader)?;
        let found: HashMap<&[u8], &[u8]> =
            rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let value = |key: &&[u8]| found.get(*key).map(|value| Bytes::copy_from_slice(value));
        Ok(keys.iter().map(value).collect())
    }

    pub(crate) async fn range(
        &self,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        reverse: bool,
        limit: usize,
    ) -> Result<Page, Error> {
        let first = match from {
            Bound::Included(key) => key.to_vec(),
            Bound::Excluded(key) => successor(key),
            Bound::Unbounded => Vec::new(),
        };
        let end = match to {
            Bound::Included(key) => successor(key),
            Bound::Excluded(key) => key.to_vec(),
            // Above every key that may be.
            Bound::Unbounded => vec![0xff; KEY_BYTES_MAX + 1],
        };
        let (version, limit) = (self.version(), i64::try_from(limit).unwrap_or(i64::MAX));
        let (rows, reader) = on_a_lane!(self.shared, |reader| reader.client.query(
            if reverse { &reader.descending } else { &reader.ascending },
            &[&version, &first, &end, &limit],
        ))?;
        self.check(&rows, &reader)?;
        let bytes = |row: &Row, place| Bytes::copy_from_slice(row.get::<_, &[u8]>(place));
        let mut page: Page = rows.iter().map(|row| (bytes(row, 0), bytes(row, 1))).collect();
        // The server gives them in order already, without promising it.
        page.sort_by(|(one, _), (other, _)| if reverse { other.cmp(one) } else { one.cmp(other) });
        Ok(page)
    }

    fn version(&self) -> i64 {
        i64::try_from(self.number).unwrap_or(i64::MAX)
    }

    /// Refuses rows that may not be what the snapshot saw.
    fn check(&self, rows: &[Row], reader: &Reader) -> Result<(), Error> {
        let is_reclaimed = rows.iter().any(|row| row.get::<_, Option<&[u8]>>(0).is_none());
        if is_reclaimed || *reader.life != *self.life {
            return Err(Error::SnapshotTooOld);
        }
        Ok(())
    }
}

/// The next key in order.
fn successor(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}
