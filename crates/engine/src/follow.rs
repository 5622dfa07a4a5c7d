//! Reading the change log, the caller's side: from memory where the newest changes are, else
//! from the store. It waits for changes and makes none.

use crate::changes::{self, ChangePage, Position};
use crate::{Error, Inner};

/// Chunks read from the store at once.
const CHUNKS_PER_PAGE: usize = 64;

/// The records after the position, at most `limit`.
pub(crate) async fn page(
    inner: &Inner,
    after: Position,
    limit: usize,
) -> Result<ChangePage, Error> {
    match from_memory(inner, after, limit)? {
        Some(page) => Ok(page),
        None => from_store(inner, after, limit).await,
    }
}

fn from_memory(inner: &Inner, after: Position, limit: usize) -> Result<Option<ChangePage>, Error> {
    // Within the commit asked for there may be records behind the position.
    let known =
        if after.index == u32::MAX { Some(after.commit) } else { after.commit.checked_sub(1) };
    let Some(commits) = known.and_then(|known| inner.recent.after(known)) else { return Ok(None) };
    let mut page = ChangePage { records: Vec::new(), next: after, is_end: true };
    for commit in commits {
        for (index, record) in (0..).zip(&commit.records) {
            let position = Position { commit: commit.number, index };
            if position <= after {
                continue;
            }
            if page.records.len() == limit {
                page.is_end = false;
                return Ok(Some(page));
            }
            page.records.push(changes::public(record, position, commit.at_ms)?);
            page.next = position;
        }
    }
    Ok(Some(page))
}

async fn from_store(inner: &Inner, after: Position, limit: usize) -> Result<ChangePage, Error> {
    let snapshot = inner.store.snapshot().await?;
    let chunks = limit.clamp(1, CHUNKS_PER_PAGE);
    let (stretches, is_end) = changes::read(&snapshot, after, chunks).await?;
    let mut page = ChangePage { records: Vec::new(), next: after, is_end };
    for stretch in stretches {
        let room = limit - page.records.len();
        page.is_end &= stretch.records.len() <= room;
        page.records.extend(stretch.public(room)?);
    }
    if let Some(last) = page.records.last() {
        page.next = last.position;
    }
    Ok(page)
}
