//! Which collections exist, as every reader sees it: the committed truth, published by the
//! committer after each commit, its own and those of other nodes. It never runs ahead of the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{Notify, watch};

use crate::Error;
use crate::changes::Position;
use crate::index::known::{Build, Indexes};

const NAME_CHARACTERS_MAX: usize = 128;

/// A collection as the engine knows it. Its number outlives no drop: a collection that is
/// created again under its old name has another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Collection {
    pub(crate) number: u32,
}

/// Name → collection.
pub(crate) type Names = BTreeMap<String, Collection>;

/// What is published after a commit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Published {
    /// The commit it is true of.
    pub(crate) number: u64,
    pub(crate) names: Arc<Names>,
    pub(crate) indexes: Arc<Indexes>,
    /// Position of the newest change.
    pub(crate) newest: Position,
    /// The last commit failed; background work waits for the next caller.
    pub(crate) is_failing: bool,
    /// Nothing more will be published.
    pub(crate) is_closed: bool,
}

/// How often following the other nodes has failed, and why at last.
#[derive(Clone, Debug, Default)]
struct Failures {
    count: u64,
    last: Option<Error>,
}

/// The published catalogue; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalogue {
    published: watch::Sender<Published>,
    failures: watch::Sender<Failures>,
    /// Tells the committer that somebody waits for what another node committed.
    wanted: Arc<Notify>,
}

impl Catalogue {
    pub(crate) fn new() -> Catalogue {
        Catalogue::default()
    }

    pub(crate) fn get(&self, name: &str) -> Option<Collection> {
        self.published.borrow().names.get(name).copied()
    }

    pub(crate) fn names(&self) -> Arc<Names> {
        Arc::clone(&self.published.borrow().names)
    }

    /// The commit it is true of.
    pub(crate) fn number(&self) -> u64 {
        self.published.borrow().number
    }

    pub(crate) fn indexes(&self) -> Arc<Indexes> {
        Arc::clone(&self.published.borrow().indexes)
    }

    /// Notes that a commit failed.
    pub(crate) fn fail(&self) {
        self.published.send_modify(|published| published.is_failing = true);
    }

    /// Waits until an index is filled, or given up, or is not filled because commits fail.
    pub(crate) async fn built(&self, number: u32) -> Result<Build, Error> {
        let is_over = |now: &Published| {
            now.is_failing || !matches!(now.indexes.build(number), Build::UnderWay)
        };
        self.wait(is_over).await?;
        Ok(self.indexes().build(number))
    }

    pub(crate) fn newest(&self) -> Position {
        self.published.borrow().newest
    }

    pub(crate) fn publish(&self, published: Published) {
        self.published.send_replace(published);
    }

    /// Waits until it is true of the commit `number`, or until trying to make it so fails.
    pub(crate) async fn reach(&self, number: u64) -> Result<(), Error> {
        if self.published.borrow().number >= number {
            return Ok(());
        }
        let mut failures = self.failures.subscribe();
        let before = failures.borrow().count;
        self.wanted.notify_one();
        tokio::select! {
            biased;
            reached = self.wait(|published| published.number >= number) => reached,
            failed = failures.wait_for(|now| now.count > before) => {
                let last = failed.ok().and_then(|failures| failures.last.clone());
                Err(last.unwrap_or(Error::Closed))
            }
        }
    }

    /// Tells those who wait for what another node committed that it cannot be learnt now.
    pub(crate) fn lag(&self, error: Error) {
        self.failures.send_modify(|failures| {
            failures.count += 1;
            failures.last = Some(error);
        });
    }

    /// Waits until there are changes after the position.
    pub(crate) async fn changed_past(&self, position: Position) -> Result<(), Error> {
        self.wait(|published| published.newest > position).await
    }

    /// Lets everybody who waits go with [`Error::Closed`].
    pub(crate) fn close(&self) {
        self.published.send_modify(|published| published.is_closed = true);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.published.borrow().is_closed
    }

    /// Completes when somebody waits for what another node committed.
    pub(crate) async fn wanted(&self) {
        self.wanted.notified().await;
    }

    async fn wait(&self, is_reached: impl Fn(&Published) -> bool) -> Result<(), Error> {
        let mut receiver = self.published.subscribe();
        let reached = receiver.wait_for(|now| is_reached(now) || now.is_closed).await;
        match reached {
            Ok(published) if is_reached(&published) => Ok(()),
            _ => Err(Error::Closed),
        }
    }
}

/// Refuses names that are empty, longer than 128 characters, or hold `$` or NUL.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let is_fine = !name.is_empty()
        && name.chars().count() <= NAME_CHARACTERS_MAX
        && !name.contains(['$', '\0']);
    if is_fine { Ok(()) } else { Err(Error::CollectionNameRefused { name: name.to_owned() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_for_another_node_hears_that_following_failed() {
        let catalogue = Catalogue::new();
        catalogue.lag(Error::Contended);
        let (waited, ()) = tokio::join!(catalogue.reach(1), async {
            catalogue.wanted().await;
            catalogue.lag(Error::Defect);
        });
        assert_eq!(waited.unwrap_err().to_string(), Error::Defect.to_string());
        let (waited, ()) = tokio::join!(catalogue.reach(1), async {
            catalogue.wanted().await;
            catalogue.publish(Published { number: 1, ..Published::default() });
        });
        waited.unwrap();
    }

    #[test]
    fn names_follow_the_rules() {
        let longest = "集".repeat(NAME_CHARACTERS_MAX);
        let too_long = "a".repeat(NAME_CHARACTERS_MAX + 1);
        let rows = [
            ("albums", true),
            ("system.files", true),
            ("相册", true),
            (longest.as_str(), true),
            ("", false),
            ("a$b", false),
            ("a\0b", false),
            (too_long.as_str(), false),
        ];
        for (name, is_fine) in rows {
            assert_eq!(check_name(name).is_ok(), is_fine, "{name:?}");
        }
    }
}
