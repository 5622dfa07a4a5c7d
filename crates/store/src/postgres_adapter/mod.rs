//! The store in a schema of a PostgreSQL database, shared by any number of nodes. A snapshot is a
//! commit number and never a connection; a commit takes one round trip; `docs/format/postgresql.md`
//! describes the tables. It relies on the database for durability and refuses to work around it.
//!
//! - `options`: where the database is
//! - `connection`, `encryption`, `schema`, `statements`: how we talk to it
//! - `lanes`, `reading`: snapshots
//! - `committing`, `writing`: commits, and what became of them when the connection broke
//! - `listening`, `reclaiming`: what goes on in the background

mod committing;
mod connection;
mod encryption;
mod lanes;
mod listening;
mod options;
mod reading;
mod reclaiming;
mod schema;
mod statements;
mod writing;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard, watch};
use tokio::task::AbortHandle;

pub use options::PostgresOptions;
pub(crate) use reading::PostgresSnapshot;
pub(crate) use writing::HeldHead;

use crate::{Batch, Error, Head};
use committing::Writer;
use connection::{Connection, explain};
use lanes::Lanes;
use statements::Texts;

/// What every part of one store needs.
pub(crate) struct Shared {
    options: PostgresOptions,
    texts: Texts,
    lanes: Lanes,
    /// Drives connections; callers may poll from anywhere.
    runtime: Handle,
    /// Names this handle among all that ever wrote.
    node: String,
    attempts: AtomicI64,
    is_closed: AtomicBool,
    /// Whether something was committed that the disk may not have yet.
    has_loaded: AtomicBool,
}

impl Shared {
    /// Runs a piece of work where sockets and clocks are driven.
    async fn on_runtime<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        self.runtime.spawn(work).await.unwrap_or_else(|error| {
            Err(Error::StoreUnreachable { detail: format!("the program is ending: {error}") })
        })
    }
}

pub(crate) struct PostgresAdapter {
    shared: Arc<Shared>,
    /// The connection for commits, while no commit has it.
    writer: Arc<Mutex<Option<Writer>>>,
    background: Vec<AbortHandle>,
}

impl PostgresAdapter {
    /// Connects, makes the tables when they are missing, and returns the newest commit's number.
    pub(crate) async fn open(options: PostgresOptions) -> Result<(PostgresAdapter, u64), Error> {
        options.check()?;
        let texts = Texts::new(&options.schema);
        let connection = Connection::open(&options, &texts, |_| {}).await?;
        schema::prepare(&connection.client, &texts).await?;
        let node = connection.client.query_one("select gen_random_uuid()::text", &[]).await;
        let node = node.map_err(explain)?.get(0);
        let shared = Arc::new(Shared {
            lanes: Lanes::new(options.connections),
            texts,
            options,
            runtime: Handle::current(),
            node,
            attempts: AtomicI64::new(0),
            is_closed: AtomicBool::new(false),
            has_loaded: AtomicBool::new(false),
        });
        let number = reading::newest(&shared).await?.number();
        let writer = Arc::default();
        Ok((PostgresAdapter { shared, writer, background: Vec::new() }, number))
    }

    /// Begins to listen for commits of other nodes and to reclaim what nobody may see any more.
    pub(crate) fn start(&mut self, head: watch::Sender<Head>) {
        let runtime = &self.shared.runtime;
        let listening = runtime.spawn(listening::listen(Arc::clone(&self.shared), head));
        let reclaiming = runtime.spawn(reclaiming::reclaim(Arc::clone(&self.shared)));
        self.background = vec![listening.abort_handle(), reclaiming.abort_handle()];
    }

    pub(crate) async fn snapshot(&self) -> Result<PostgresSnapshot, Error> {
        reading::newest(&self.shared).await
    }

    /// Takes the head, so that nobody else commits, and the snapshot it stands for. `writing` is
    /// held until the head is let go of.
    pub(crate) async fn hold_head(
        &self,
        writing: OwnedMutexGuard<()>,
    ) -> Result<(PostgresSnapshot, HeldHead), Error> {
        let (shared, home) = (Arc::clone(&self.shared), Arc::clone(&self.writer));
        self.shared.on_runtime(writing::hold_head(shared, home, writing)).await
    }

    /// Commits what was judged on the snapshot.
    pub(crate) async fn commit(
        &self,
        batch: Batch,
        snapshot: &PostgresSnapshot,
        is_durable: bool,
        head: Result<HeldHead, OwnedMutexGuard<()>>,
    ) -> Result<(), Error> {
        if self.shared.is_closed.load(Ordering::Acquire) {
            return Err(Error::Closed);
        }
        let head = head.unwrap_or_else(|writing| {
            HeldHead::not_yet(Arc::clone(&self.shared), Arc::clone(&self.writer), writing)
        });
        let (expected, life) = (snapshot.number(), Arc::clone(snapshot.life()));
        // A task of its own, so that an attempt once begun is seen through.
        self.shared.on_runtime(head.commit(batch, expected, life, is_durable)).await
    }

    /// Waits for the disk and stops what goes on in the background. No commit is under way.
    pub(crate) async fn close(&self) -> Result<(), Error> {
        self.shared.is_closed.store(true, Ordering::Release);
        self.background.iter().for_each(AbortHandle::abort);
        let writer = self.writer.lock().await.take();
        if !self.shared.has_loaded.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        let synced = async move {
            let writer = match writer {
                Some(writer) if !writer.is_closed() => writer,
                _ => Writer::open(&shared).await?,
            };
            writer.sync(&shared.texts).await.map_err(explain)
        };
        self.shared.on_runtime(synced).await
    }
}

impl Drop for PostgresAdapter {
    fn drop(&mut self) {
        self.background.iter().for_each(AbortHandle::abort);
    }
}

/// A commit number as the database has it.
fn to_version(number: u64) -> i64 {
    i64::try_from(number).expect("nobody commits 2^63 times")
}

/// A commit number from the database, which never holds negative ones.
fn to_number(version: i64) -> u64 {
    u64::try_from(version).unwrap_or_default()
}
