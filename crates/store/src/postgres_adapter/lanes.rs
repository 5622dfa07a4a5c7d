//! The connections for reading. Reads are single statements, so a connection carries many of them
//! at once, one behind the other; each read takes the lane with the least ahead of it. Lanes are
//! opened when they are first needed and opened again when they break; a read that meets a broken
//! one is repeated once. It refuses to write.

use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio_postgres::Statement;
use tokio_postgres::types::Type;

use crate::Error;
use crate::postgres_adapter::Shared;
use crate::postgres_adapter::connection::{Connection, explain};

/// Pauses between attempts to connect, long enough for a server that restarts.
const PAUSES_MS: [u64; 5] = [100, 200, 400, 800, 1_600];

/// A connection with the statements of a reader.
pub(crate) struct Reader {
    connection: Connection,
    pub(crate) newest: Statement,
    pub(crate) get_many: Statement,
    pub(crate) ascending: Statement,
    pub(crate) descending: Statement,
}

impl Deref for Reader {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Reader {
    async fn open(shared: &Shared) -> Result<Reader, Error> {
        let texts = &shared.texts;
        let connection = Connection::open(&shared.options, texts, |_| {}).await?;
        let client = &connection.client;
        let page = [Type::INT8, Type::BYTEA, Type::BYTEA, Type::INT8];
        let (newest, get_many, ascending, descending) = tokio::try_join!(
            client.prepare_typed(&texts.newest, &[]),
            client.prepare_typed(&texts.get_many, &[Type::INT8, Type::BYTEA_ARRAY]),
            client.prepare_typed(&texts.ascending, &page),
            client.prepare_typed(&texts.descending, &page),
        )
        .map_err(explain)?;
        Ok(Reader { connection, newest, get_many, ascending, descending })
    }
}

#[derive(Default)]
struct Lane {
    reader: RwLock<Option<Arc<Reader>>>,
    /// Held while it is opened; when opening failed last.
    opening: Mutex<Option<Instant>>,
    under_way: AtomicUsize,
}

impl Lane {
    fn current(&self) -> Option<Arc<Reader>> {
        let reader = self.reader.read().unwrap_or_else(PoisonError::into_inner).clone();
        reader.filter(|reader| !reader.client.is_closed())
    }

    fn replace(&self, reader: Option<Arc<Reader>>) {
        *self.reader.write().unwrap_or_else(PoisonError::into_inner) = reader;
    }
}

/// All of them.
pub(crate) struct Lanes {
    lanes: Vec<Lane>,
}

/// One read under way on a lane.
pub(crate) struct Pass<'a> {
    counted: Counted<'a>,
    pub(crate) reader: Arc<Reader>,
}

/// Counts as under way for as long as it lives.
struct Counted<'a> {
    lane: &'a Lane,
}

impl Counted<'_> {
    fn new(lane: &Lane) -> Counted<'_> {
        lane.under_way.fetch_add(1, Ordering::Relaxed);
        Counted { lane }
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.lane.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Lanes {
    pub(crate) fn new(connections: usize) -> Lanes {
        Lanes { lanes: (0..connections).map(|_| Lane::default()).collect() }
    }

    /// The lane with the least ahead, opened if need be.
    pub(crate) async fn pass(&self, shared: &Arc<Shared>) -> Result<Pass<'_>, Error> {
        let least = self.lanes.iter().min_by_key(|lane| lane.under_way.load(Ordering::Relaxed));
        let lane = least.expect("there is at least one lane");
        let counted = Counted::new(lane);
        let reader = match lane.current() {
            Some(reader) => reader,
            None => open(lane, shared).await?,
        };
        Ok(Pass { counted, reader })
    }
}

impl Pass<'_> {
    /// Puts a broken connection aside, so that the next read opens another.
    pub(crate) fn set_aside(&self) {
        let lane = self.counted.lane;
        if lane.current().is_some_and(|current| Arc::ptr_eq(&current, &self.reader)) {
            lane.replace(None);
        }
    }
}

async fn open(lane: &Lane, shared: &Arc<Shared>) -> Result<Arc<Reader>, Error> {
    let mut failed_at = lane.opening.lock().await;
    if let Some(reader) = lane.current() {
        return Ok(reader);
    }
    // Those who waited behind a failure do not wait as long again.
    let was_tried = failed_at.is_some_and(|at| at.elapsed() < Duration::from_secs(5));
    let pauses: &'static [u64] = if was_tried { &[] } else { &PAUSES_MS };
    let of_task = Arc::clone(shared);
    match shared.on_runtime(open_patiently(of_task, pauses)).await {
        Ok(reader) => {
            *failed_at = None;
            let reader = Arc::new(reader);
            lane.replace(Some(Arc::clone(&reader)));
            Ok(reader)
        }
        Err(error) => {
            *failed_at = Some(Instant::now());
            Err(error)
        }
    }
}

/// Tries again after pauses while the database cannot be reached.
async fn open_patiently(shared: Arc<Shared>, pauses_ms: &'static [u64]) -> Result<Reader, Error> {
    for pause in pauses_ms {
        match Reader::open(&shared).await {
            Err(Error::StoreUnreachable { .. }) => {}
            opened => return opened,
        }
        tokio::time::sleep(Duration::from_millis(*pause)).await;
    }
    Reader::open(&shared).await
}
