//! Committing. The head's row is locked first; a second statement, which sees what was committed
//! up to then, writes only when the head is where the turn expects it, and moves it on. A small
//! batch travels with all that in one round trip. (In one statement it would be wrong: the
//! statement sees the contents of before its lock.)
//!
//! Every attempt leaves a note of its node in the same transaction. When the connection breaks and
//! nobody knows whether the attempt took place, the note tells; and when it did not, the head is
//! moved on by one, so that it cannot take place any more behind our back.

use std::time::{Duration, Instant};

use futures_util::future::{join, join5};
use tokio_postgres::Statement;
use tokio_postgres::types::Type;

use crate::postgres_adapter::connection::{Connection, explain};
use crate::postgres_adapter::statements::Texts;
use crate::postgres_adapter::{Shared, to_number, to_version};
use crate::{Batch, Error};

/// Keys and values of one statement, in bytes. A batch up to this size takes one round trip.
const STATEMENT_BYTES: usize = 4 * 1024 * 1024;

/// Between two attempts to learn what became of one.
const RESOLVE_PAUSE: Duration = Duration::from_millis(200);

/// A connection with the statements of a commit. Nobody else uses it meanwhile.
pub(crate) struct Writer {
    connection: Connection,
    lock_head: Statement,
    write: Statement,
    advance: Statement,
    notify: Statement,
    /// The server's process and when it began.
    process: (i32, String),
    /// Whether a transaction is open that holds the head.
    pub(crate) holds_head: bool,
}

impl Writer {
    pub(crate) async fn open(shared: &Shared) -> Result<Writer, Error> {
        let texts = &shared.texts;
        let connection = Connection::open(&shared.options, texts, |_| {}).await?;
        let client = &connection.client;
        let write = [Type::INT8, Type::BYTEA_ARRAY, Type::BYTEA_ARRAY, Type::BYTEA_ARRAY];
        let process = "select pid, backend_start::text from pg_stat_activity \
                       where pid = pg_backend_pid()";
        let (lock_head, write, advance, notify, process) = tokio::try_join!(
            client.prepare_typed(&texts.lock_head, &[]),
            client.prepare_typed(&texts.write, &write),
            client.prepare_typed(&texts.advance, &[Type::INT8, Type::TEXT, Type::INT8]),
            client.prepare_typed(&texts.notify, &[Type::TEXT]),
            client.query_one(process, &[]),
        )
        .map_err(explain)?;
        let process = (process.get(0), process.get(1));
        Ok(Writer { connection, lock_head, write, advance, notify, process, holds_head: false })
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.connection.client.is_closed()
    }

    pub(crate) fn life(&self) -> &str {
        &self.connection.life
    }

    /// Begins a transaction that holds the head, and returns the newest commit's number.
    pub(crate) async fn hold_head(&mut self) -> Result<u64, tokio_postgres::Error> {
        let client = &self.connection.client;
        let (begun, head) = join(client.batch_execute("begin"), self.head()).await;
        begun?;
        self.holds_head = true;
        Ok(to_number(head?))
    }

    async fn head(&self) -> Result<i64, tokio_postgres::Error> {
        Ok(self.connection.client.query_one(&self.lock_head, &[]).await?.get(0))
    }

    /// Ends a transaction without a commit.
    pub(crate) async fn let_go(&mut self) -> Result<(), tokio_postgres::Error> {
        self.holds_head = false;
        self.connection.client.batch_execute("rollback").await
    }

    /// Tells the other nodes. Apart from the commit, because the database
    /// lets only one commit at a time notify, its wait for the disk included.
    pub(crate) async fn tell(&self, number: u64) {
        let number = number.to_string();
        let told = self.connection.client.query(&self.notify, &[&number]).await;
        if let Err(error) = told {
            // They look by themselves every few seconds.
            tracing::debug!(%error, "could not notify the other nodes");
        }
    }

    /// Waits until the disk has everything committed so far.
    pub(crate) async fn sync(&self, texts: &Texts) -> Result<(), tokio_postgres::Error> {
        self.connection.client.batch_execute(&texts.touch_head).await
    }

    pub(crate) fn is_lost(&self, error: &tokio_postgres::Error) -> bool {
        self.connection.is_lost(error)
    }
}

/// The writes of a batch as the database takes them: each key once, in order.
pub(crate) struct Writes {
    removed: Vec<bytes::Bytes>,
    put: Vec<(bytes::Bytes, bytes::Bytes)>,
    size_bytes: usize,
}

impl Writes {
    pub(crate) fn new(batch: Batch) -> Writes {
        let size_bytes = batch.size_bytes();
        // Of two writes to one key the last one counts.
        let last: std::collections::BTreeMap<_, _> = batch.writes.into_iter().collect();
        let (mut removed, mut put) = (Vec::new(), Vec::new());
        for (key, value) in last {
            match value {
                Some(value) => put.push((key, value)),
                None => removed.push(key),
            }
        }
        Writes { removed, put, size_bytes }
    }

    /// Cuts them into statements of a bearable size.
    fn portions(&self) -> Vec<Portion<'_>> {
        let mut portions = vec![Portion::default()];
        let mut bytes = 0;
        let removed = self.removed.iter().map(|key| (key, None));
        for (key, value) in removed.chain(self.put.iter().map(|(key, value)| (key, Some(value)))) {
            let size = key.len() + value.map_or(0, |value| value.len());
            if bytes > 0 && bytes + size > STATEMENT_BYTES {
                portions.push(Portion::default());
                bytes = 0;
            }
            bytes += size;
            let portion = portions.last_mut().expect("there is at least one");
            match value {
                Some(value) => {
                    portion.put.push(key);
                    portion.values.push(value);
                }
                None => portion.removed.push(key),
            }
        }
        portions
    }
}

#[derive(Default)]
struct Portion<'a> {
    removed: Vec<&'a [u8]>,
    put: Vec<&'a [u8]>,
    values: Vec<&'a [u8]>,
}

/// One attempt at a commit.
pub(crate) struct Attempt {
    pub(crate) writes: Writes,
    /// The head it was judged on.
    pub(crate) expected: u64,
    pub(crate) is_durable: bool,
    /// Distinguishes it from this node's other attempts.
    pub(crate) number: i64,
}

/// What is known after an attempt.
pub(crate) enum Outcome {
    Committed,
    Outdated,
}

impl Attempt {
    /// Carries the attempt out. On an error of the request itself nothing has happened.
    pub(crate) async fn run(
        &self,
        writer: &mut Writer,
        node: &str,
    ) -> Result<Outcome, tokio_postgres::Error> {
        if self.writes.size_bytes <= STATEMENT_BYTES {
            return self.run_at_once(writer, node).await;
        }
        if !writer.holds_head && writer.hold_head().await? != self.expected {
            writer.let_go().await?;
            return Ok(Outcome::Outdated);
        }
        let client = &writer.connection.client;
        client.batch_execute(self.settings()).await?;
        for portion in self.writes.portions() {
            self.write(writer, &portion).await?;
        }
        let moved = self.advance(writer, node).await?;
        client.batch_execute("commit").await?;
        writer.holds_head = false;
        Ok(outcome(moved))
    }

    /// Everything in one round trip: the statements leave one behind the other, in the order in
    /// which they are polled first.
    async fn run_at_once(
        &self,
        writer: &mut Writer,
        node: &str,
    ) -> Result<Outcome, tokio_postgres::Error> {
        let portions = self.writes.portions();
        let (client, holds_head) = (&writer.connection.client, writer.holds_head);
        let begin = async {
            if holds_head {
                return client.batch_execute(self.settings()).await;
            }
            client.batch_execute(if self.is_durable { "begin" } else { BEGIN_LOAD }).await
        };
        let lock = async { if holds_head { Ok(0) } else { writer.head().await } };
        let write = self.write(writer, &portions[0]);
        let advance = self.advance(writer, node);
        let (begun, locked, written, moved, ended) =
            join5(begin, lock, write, advance, client.batch_execute("commit")).await;
        begun?;
        locked?;
        written?;
        let moved = moved?;
        ended?;
        writer.holds_head = false;
        Ok(outcome(moved))
    }

    /// What to say inside a transaction that is open already; nothing at all is no statement.
    fn settings(&self) -> &'static str {
        if self.is_durable { "" } else { "set local synchronous_commit = off" }
    }

    async fn write(
        &self,
        writer: &Writer,
        portion: &Portion<'_>,
    ) -> Result<(), tokio_postgres::Error> {
        if portion.removed.is_empty() && portion.put.is_empty() {
            return Ok(());
        }
        let Portion { removed, put, values } = portion;
        let expected = to_version(self.expected);
        let client = &writer.connection.client;
        client.execute(&writer.write, &[&expected, removed, put, values]).await?;
        Ok(())
    }

    async fn advance(&self, writer: &Writer, node: &str) -> Result<bool, tokio_postgres::Error> {
        let expected = to_version(self.expected);
        let client = &writer.connection.client;
        let moved = client.query(&writer.advance, &[&expected, &node, &self.number]).await?;
        Ok(!moved.is_empty())
    }

    /// Finds out what became of an attempt whose connection broke, and sees to it that it does not
    /// take place later. `false` when it did not take place.
    pub(crate) async fn resolve(&self, shared: &Shared, lost: &Writer) -> Result<bool, Error> {
        let begun = Instant::now();
        loop {
            let resolved = match Writer::open(shared).await {
                Ok(mut writer) => self.resolve_on(&mut writer, shared, lost).await.map_err(explain),
                Err(error) => Err(error),
            };
            match resolved {
                Ok(has_happened) => return Ok(has_happened),
                Err(error) if begun.elapsed() > shared.options.patience => {
                    return Err(Error::CommitUnknown { detail: error.to_string() });
                }
                Err(error) => tracing::warn!(%error, "asking what became of a commit failed"),
            }
            tokio::time::sleep(RESOLVE_PAUSE).await;
        }
    }

    async fn resolve_on(
        &self,
        writer: &mut Writer,
        shared: &Shared,
        lost: &Writer,
    ) -> Result<bool, tokio_postgres::Error> {
        let texts = &shared.texts;
        let (process, start) = &lost.process;
        // It may still hold the head, or be about to ask for it; when this fails, it is waited for.
        let client = &writer.connection.client;
        if let Err(error) = client.query(&texts.end_process, &[process, start]).await {
            tracing::debug!(%error, "could not end the process of a broken connection");
        }
        writer.hold_head().await?;
        let client = &writer.connection.client;
        let found = client.query_opt(&texts.find_attempt, &[&shared.node, &self.number]).await?;
        if found.is_none() {
            client.execute(&texts.skip, &[&to_version(self.expected)]).await?;
        }
        client.batch_execute("commit").await?;
        Ok(found.is_some())
    }
}

const BEGIN_LOAD: &str = "begin; set local synchronous_commit = off";

fn outcome(has_moved: bool) -> Outcome {
    if has_moved { Outcome::Committed } else { Outcome::Outdated }
}
