//! One turn at the connection for commits: taking it, holding the head with it, committing, and
//! giving it back in order. Whatever ends a turn early, the head is let go of.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::postgres_adapter::committing::{Attempt, Outcome, Writer, Writes};
use crate::postgres_adapter::connection::explain;
use crate::postgres_adapter::{PostgresSnapshot, Shared};
use crate::{Batch, Error};

/// Where the connection for commits is kept between commits.
type Home = Arc<Mutex<Option<Writer>>>;

/// The right to commit next in this process, and with [`hold_head`] among all nodes.
pub(crate) struct HeldHead {
    shared: Arc<Shared>,
    home: Home,
    /// Present when the head is held.
    writer: Option<Writer>,
    /// Lets the next one of this process begin; present until the end.
    writing: Option<OwnedMutexGuard<()>>,
}

/// Takes the connection and, with it, the head.
pub(crate) async fn hold_head(
    shared: Arc<Shared>,
    home: Home,
    writing: OwnedMutexGuard<()>,
) -> Result<(PostgresSnapshot, HeldHead), Error> {
    let mut held = HeldHead::not_yet(shared, home, writing);
    for attempt in 0..2 {
        let mut writer = held.take_writer().await?;
        match writer.hold_head().await {
            Ok(number) => {
                let snapshot =
                    PostgresSnapshot::new(Arc::clone(&held.shared), number, writer.life());
                held.writer = Some(writer);
                return Ok((snapshot, held));
            }
            Err(error) if attempt == 0 && writer.is_lost(&error) => {}
            Err(error) => return Err(explain(error)),
        }
    }
    unreachable!("the second attempt returns")
}

impl HeldHead {
    /// The right to commit next in this process only.
    pub(crate) fn not_yet(
        shared: Arc<Shared>,
        home: Home,
        writing: OwnedMutexGuard<()>,
    ) -> HeldHead {
        HeldHead { shared, home, writer: None, writing: Some(writing) }
    }

    async fn take_writer(&mut self) -> Result<Writer, Error> {
        if let Some(writer) = self.writer.take() {
            return Ok(writer);
        }
        match self.home.lock().await.take() {
            Some(writer) if !writer.is_closed() => Ok(writer),
            _ => Writer::open(&self.shared).await,
        }
    }

    /// Commits what was judged on the commit `expected` of this life of the database.
    pub(crate) async fn commit(
        mut self,
        batch: Batch,
        expected: u64,
        life: Arc<str>,
        is_durable: bool,
    ) -> Result<(), Error> {
        let mut writer = self.take_writer().await?;
        if *writer.life() != *life {
            self.give_back(writer).await;
            return Err(Error::Outdated);
        }
        let (shared, was_alone) = (Arc::clone(&self.shared), writer.holds_head);
        let number = shared.attempts.fetch_add(1, Ordering::Relaxed) + 1;
        let attempt = Attempt { writes: Writes::new(batch), expected, is_durable, number };
        let outcome = match attempt.run(&mut writer, &shared.node).await {
            Ok(outcome) => outcome,
            Err(error) if writer.is_lost(&error) => {
                tracing::warn!(%error, "the connection broke during a commit");
                match attempt.resolve(&shared, &writer).await? {
                    true => Outcome::Committed,
                    false if was_alone => return Err(explain(error)),
                    false => return Err(Error::Outdated),
                }
            }
            // The connection goes with its transaction.
            Err(error) => return Err(explain(error)),
        };
        match outcome {
            Outcome::Outdated => {
                self.give_back(writer).await;
                Err(Error::Outdated)
            }
            Outcome::Committed => {
                shared.has_loaded.store(!is_durable, Ordering::Release);
                self.tell(writer, expected + 1);
                Ok(())
            }
        }
    }

    /// Tells the other nodes and gives the connection back, while the caller goes on.
    fn tell(mut self, writer: Writer, number: u64) {
        let (home, writing) = (Arc::clone(&self.home), self.writing.take());
        self.shared.runtime.spawn(async move {
            writer.tell(number).await;
            if !writer.is_closed() {
                *home.lock().await = Some(writer);
            }
            drop(writing);
        });
    }

    async fn give_back(&self, writer: Writer) {
        if !writer.is_closed() {
            *self.home.lock().await = Some(writer);
        }
    }
}

impl Drop for HeldHead {
    fn drop(&mut self) {
        let Some(mut writer) = self.writer.take() else { return };
        let (home, writing) = (Arc::clone(&self.home), self.writing.take());
        self.shared.runtime.spawn(async move {
            match writer.let_go().await {
                Ok(()) => *home.lock().await = Some(writer),
                Err(error) => tracing::debug!(%error, "could not roll back; disconnected"),
            }
            drop(writing);
        });
    }
}
