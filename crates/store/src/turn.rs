//! A turn at writing: the snapshot a commit is judged on, and the right to try it. The commit
//! takes place only when nothing was committed since the snapshot; otherwise it says so and
//! changes nothing. A turn refuses to judge again by itself: only the caller knows how.

use tokio::sync::OwnedMutexGuard;

use crate::postgres_adapter::HeldHead;
use crate::{Batch, Error, Snapshot, Store};

/// One attempt at a commit, from [`Store::turn`] or [`Store::turn_alone`]. Dropping it commits
/// nothing and lets others go on.
#[must_use]
pub struct Turn {
    store: Store,
    snapshot: Snapshot,
    alone: Option<Alone>,
}

/// Held by a turn that is alone.
pub(crate) enum Alone {
    /// Nobody else of this process commits meanwhile.
    Here(OwnedMutexGuard<()>),
    /// Nor does another node.
    Everywhere(Box<HeldHead>),
}

impl Turn {
    pub(crate) fn new(store: Store, snapshot: Snapshot, alone: Option<Alone>) -> Turn {
        Turn { store, snapshot, alone }
    }

    /// What the commit is judged on: the newest commit when the turn began.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The number the commit will have.
    pub fn number(&self) -> u64 {
        self.snapshot.number() + 1
    }

    /// Applies the batch atomically and returns its commit number, [`Turn::number`], once it is
    /// durable (embedded: one `fdatasync`). An empty batch is a commit too.
    ///
    /// The embedded adapters do the work on the thread that polls the future: call it from a
    /// committer of its own, never from many tasks at once.
    ///
    /// # Errors
    ///
    /// [`Error::Outdated`] when somebody else committed since the turn began: judge again, on a
    /// [`Store::turn_alone`]. On any error nothing of the batch is visible and nothing may be
    /// acknowledged, but for [`Error::CommitUnknown`]. After [`Error::DiskFull`] or [`Error::Io`]
    /// an embedded store takes no more writes ([`Error::RestartNeeded`]) while reads go on.
    pub async fn commit(self, batch: Batch) -> Result<u64, Error> {
        self.write(batch, true).await
    }

    /// As [`Turn::commit`] without waiting for the disk: after a crash the batch may be gone,
    /// wholly. Later commits make it durable. For bulk loads and for journal-like data.
    ///
    /// # Errors
    ///
    /// As [`Turn::commit`].
    pub async fn load(self, batch: Batch) -> Result<u64, Error> {
        self.write(batch, false).await
    }

    async fn write(self, batch: Batch, is_durable: bool) -> Result<u64, Error> {
        batch.check()?;
        let Turn { store, snapshot, alone } = self;
        store.write(batch, snapshot, is_durable, alone).await
    }
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turn")
            .field("number", &self.number())
            .field("is_alone", &self.alone.is_some())
            .finish_non_exhaustive()
    }
}
