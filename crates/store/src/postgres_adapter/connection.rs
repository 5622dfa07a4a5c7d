//! One connection to the database, set up so that every statement has one plan: all our tables
//! are read through their indexes, so the planner is told not to try anything else and not to
//! plan twice. It also says which errors mean that the connection, and not the request, failed.

use std::error::Error as _;

use tokio::task::JoinHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::{AsyncMessage, Client};

use crate::Error;
use crate::postgres_adapter::PostgresOptions;
use crate::postgres_adapter::statements::Texts;

/// How a session differs from the defaults. A node that vanishes in the middle of a commit must
/// not hold up the others: hence the time limits, and the server's own look at the network.
const SESSION: &str = "\
    set plan_cache_mode = force_generic_plan; set enable_seqscan = off; \
    set enable_bitmapscan = off; set enable_hashjoin = off; set enable_mergejoin = off; \
    set jit = off; set default_transaction_isolation = 'read committed'; \
    set idle_in_transaction_session_timeout = '30s'; set lock_timeout = '40s'; \
    set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3";

/// A client, and what is known about the server's end.
pub(crate) struct Connection {
    pub(crate) client: Client,
    /// Changes when the server may have forgotten commits that did not wait for its disk.
    pub(crate) life: String,
    /// Carries the bytes; ends with the connection.
    carrier: JoinHandle<()>,
}

impl Connection {
    /// Connects once. Must be polled by the store's runtime. `messages` gets what the server
    /// says unasked.
    pub(crate) async fn open(
        options: &PostgresOptions,
        texts: &Texts,
        messages: impl Fn(AsyncMessage) + Send + 'static,
    ) -> Result<Connection, Error> {
        let connected = options.config.connect(options.encryption.clone()).await;
        let (client, mut connection) = connected.map_err(explain)?;
        let carrier = tokio::spawn(async move {
            while let Some(Ok(message)) =
                std::future::poll_fn(|context| connection.poll_message(context)).await
            {
                messages(message);
            }
        });
        let mut connection = Connection { client, life: String::new(), carrier };
        connection.client.batch_execute(SESSION).await.map_err(explain)?;
        connection.life = connection.read_life(texts).await?;
        Ok(connection)
    }

    /// Reads the life of the database; empty before there are tables.
    async fn read_life(&self, texts: &Texts) -> Result<String, Error> {
        let exists = self.client.query_one(&texts.exists, &[]).await.map_err(explain)?;
        if !exists.get::<_, bool>(0) {
            return Ok(String::new());
        }
        self.client.batch_execute(&texts.begin_life).await.map_err(explain)?;
        let life = self.client.query_one(&texts.life, &[]).await.map_err(explain)?;
        Ok(life.get(0))
    }

    /// Whether an error says that this connection is of no more use.
    pub(crate) fn is_lost(&self, error: &tokio_postgres::Error) -> bool {
        self.client.is_closed() || is_lost(error)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // A statement that is still under way is not waited for.
        self.carrier.abort();
    }
}

fn is_lost(error: &tokio_postgres::Error) -> bool {
    match error.code() {
        None => true,
        Some(code) => [
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        ]
        .contains(code),
    }
}

/// Turns the driver's errors into ours.
#[expect(clippy::needless_pass_by_value, reason = "fits `map_err`")]
pub(crate) fn explain(error: tokio_postgres::Error) -> Error {
    let mut detail = match error.as_db_error() {
        Some(error) => format!("{} ({})", error.message(), error.code().code()),
        None => error.to_string(),
    };
    if error.as_db_error().is_none()
        && let Some(cause) = error.source()
    {
        detail = format!("{detail}: {cause}");
    }
    let is_busy = error.code().is_some_and(|code| {
        [SqlState::LOCK_NOT_AVAILABLE, SqlState::QUERY_CANCELED, SqlState::TOO_MANY_CONNECTIONS]
            .contains(code)
    });
    match is_lost(&error) || is_busy {
        true => Error::StoreUnreachable { detail },
        false => Error::DatabaseRefused { detail },
    }
}
