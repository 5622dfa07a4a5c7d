//! The end of a transaction: what it read is compared with everything committed since, outside
//! the queue as far as possible, and with the rest when its turn has come.

use std::sync::Arc;

use super::reads::Reads;
use super::view::{Own, View};
use crate::catalogue::Names;
use crate::changes::{self, ChangeKind, Position, Record};
use crate::intent::{Draft, Intent, Late, Outcome, Write};
use crate::{Error, Inner};

/// How often a transaction is compared again because the recent changes have moved on.
const ATTEMPTS_MAX: usize = 5;

/// Chunks of the change log read at once.
const CHUNKS_PER_PAGE: usize = 64;

/// Commits compared before other tasks have their turn.
const COMMITS_PER_PAUSE: usize = 64;

/// A transaction waiting for its turn.
#[derive(Debug)]
pub(crate) struct TransactionCommit {
    reads: Arc<Reads>,
    writes: Arc<Vec<Write>>,
    /// The commit up to which nothing touched what was read.
    pub(crate) holds_until: u64,
}

pub(crate) async fn commit(inner: &Inner, view: View) -> Result<(), Error> {
    let View { snapshot, reads, own, .. } = view;
    let mut holds_until = snapshot.number();
    // The versions it sees are no longer needed.
    drop(snapshot);
    let writes: Vec<Write> = own.into_iter().filter_map(|(key, own)| effect(key, own)).collect();
    if writes.is_empty() {
        return Ok(());
    }
    let (reads, writes) = (Arc::new(reads), Arc::new(writes));
    for _ in 0..ATTEMPTS_MAX {
        holds_until = compare(inner, &reads, holds_until).await?;
        let (reads, writes) = (Arc::clone(&reads), Arc::clone(&writes));
        let intent = Intent::Transaction(TransactionCommit { reads, writes, holds_until });
        match inner.committer.submit(intent).await? {
            Outcome::Stale => {}
            Outcome::Done | Outcome::Touched(_) | Outcome::Indexed(_) => return Ok(()),
        }
    }
    Err(Error::Conflict)
}

/// What a transaction did to a document in the end.
fn effect(key: bytes::Bytes, own: Own) -> Option<Write> {
    let Own { target, was, now, kind } = own;
    let kind = match (&was, &now) {
        (None, None) => return None,
        (None, Some(_)) => ChangeKind::Insert,
        (Some(_), None) => ChangeKind::Remove,
        (Some(was), Some(now)) if was == now => return None,
        (Some(_), Some(_)) if kind == ChangeKind::Update => ChangeKind::Update,
        (Some(_), Some(_)) => ChangeKind::Replace,
    };
    Some(Write { target, key, kind, before: was, after: now })
}

/// Compares the reads with what was committed after the commit `since`; returns the commit up to
/// which they hold.
async fn compare(inner: &Inner, reads: &Reads, since: u64) -> Result<u64, Error> {
    let newest = inner.catalogue.number();
    if newest <= since {
        return Ok(since);
    }
    if let Some(commits) = inner.recent.after(since) {
        for commits in commits.chunks(COMMITS_PER_PAUSE) {
            check(reads, commits.iter().flat_map(|commit| &commit.records))?;
            tokio::task::yield_now().await;
        }
        return Ok(newest);
    }
    let snapshot = inner.store.snapshot().await?;
    let mut after = Position::end_of(since);
    loop {
        let (stretches, is_end) = match changes::read(&snapshot, after, CHUNKS_PER_PAGE).await {
            Err(Error::ChangesTooOld { .. }) => return Err(Error::Conflict),
            read => read?,
        };
        check(reads, stretches.iter().flat_map(|stretch| &stretch.records))?;
        match stretches.last() {
            Some(last) if !is_end => after = last.end(),
            _ => return Ok(snapshot.number()),
        }
    }
}

fn check<'a>(reads: &Reads, records: impl IntoIterator<Item = &'a Record>) -> Result<(), Error> {
    let is_touched = records.into_iter().any(|record| reads.are_touched_by(record));
    if is_touched { Err(Error::Conflict) } else { Ok(()) }
}

impl TransactionCommit {
    /// Bytes it writes.
    pub(crate) fn size_bytes(&self) -> usize {
        self.writes.iter().filter_map(|write| write.after.as_ref()).map(bytes::Bytes::len).sum()
    }

    /// Compares the reads with the rest: what was committed meanwhile and what earlier intents of
    /// the batch have changed.
    pub(crate) fn judge(
        &self,
        names: &Names,
        late: &Late,
        records: &[Record],
    ) -> Result<(Draft, Outcome), Error> {
        match late {
            Late::Commits(commits) => {
                check(&self.reads, commits.iter().flat_map(|commit| &commit.records))?;
            }
            _ => return Ok((Draft::default(), Outcome::Stale)),
        }
        check(&self.reads, records)?;
        for write in &*self.writes {
            write.target.check(names).map_err(|_| Error::Conflict)?;
        }
        Ok((Draft { writes: self.writes.to_vec() }, Outcome::Done))
    }
}
