//! Following the journal of one environment: what was asked for last, then what comes. A follower
//! that is too slow is told how many entries it missed; nobody waits for it.

use std::sync::Arc;

use serde_json::value::RawValue;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::entry::Entry;
use super::search::Query;
use super::{Journal, Level};
use crate::error::Result;

/// What comes to a follower.
#[derive(Debug)]
pub enum Tail {
    /// An entry that was asked for.
    Entry(Arc<Entry>),
    /// So many entries, asked for or not, came faster than they were taken.
    Skipped(u64),
}

/// A subscription to what is asked for.
#[derive(Debug)]
pub struct Follower {
    environment: String,
    query: Query,
    /// What the first page held already.
    seen: u64,
    receiver: Receiver<Arc<Entry>>,
}

impl Journal {
    /// The newest entries asked for, oldest first, and everything asked for that follows them. With
    /// a limit of 0 only what follows.
    ///
    /// # Errors
    /// As [`Journal::search`].
    pub async fn tail(
        &self,
        environment: &str,
        query: Query,
    ) -> Result<(Vec<Box<RawValue>>, Follower)> {
        let receiver = self.subscribe();
        let newest = self.newest();
        let entries = if query.limit == 0 {
            Vec::new()
        } else {
            let before = Some(newest + 1);
            let page = self.search(environment, Query { before, ..query.clone() }).await?;
            page.entries.into_iter().rev().collect()
        };
        let environment = environment.to_owned();
        Ok((entries, Follower { environment, query, seen: newest, receiver }))
    }
}

impl Follower {
    /// Waits for what comes next; `None` when the server stops.
    pub async fn next(&mut self) -> Option<Tail> {
        loop {
            match self.receiver.recv().await {
                Ok(entry) => {
                    let is_own = entry.environment == self.environment;
                    if is_own && entry.number > self.seen && self.query.takes(&entry) {
                        return Some(Tail::Entry(entry));
                    }
                }
                Err(RecvError::Lagged(count)) => return Some(Tail::Skipped(count)),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

impl Tail {
    /// One line of JSON, without its end.
    #[must_use]
    pub fn line(&self) -> String {
        match self {
            Tail::Entry(entry) => serde_json::to_string(&**entry).unwrap_or_default(),
            Tail::Skipped(count) => serde_json::json!({
                "kind": "skipped",
                "level": Level::Warn,
                "count": count,
                "text": format!(
                    "{count} entries came faster than they were read; search for them. / 读取过慢,\
                     已跳过 {count} 条,可通过搜索查看。"
                ),
            })
            .to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use engine::Clock;

    use super::super::{Event, JournalOptions};
    use super::*;

    #[tokio::test]
    async fn a_follower_gets_everything_once_and_is_told_what_it_missed() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::new(Clock::fixed(5));
        journal.keep("e", folder.path(), JournalOptions::default()).unwrap();
        let tell = |text: &str| {
            journal.record("other", 5, Event::Notice { text: text.to_owned() });
            journal.record("e", 5, Event::Notice { text: text.to_owned() });
        };
        tell("before");
        let query = Query { text: Some("e".into()), limit: 9, ..Query::default() };
        let (entries, mut follower) = journal.tail("e", query).await.unwrap();
        assert_eq!(entries.len(), 1);
        tell("no");
        tell("after");
        let next = follower.next().await.unwrap().line();
        assert!(next.contains("after") && next.contains("\"e\""), "{next}");
        for _ in 0..2_000 {
            tell("more");
        }
        assert!(matches!(follower.next().await, Some(Tail::Skipped(count)) if count > 900));
        assert!(matches!(follower.next().await, Some(Tail::Entry(_))));
    }
}
