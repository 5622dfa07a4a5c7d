//! Hearing of commits: the database notifies, and every few seconds the newest number is asked for
//! in case a notification was lost. It only says that there is something new; what it is, readers
//! read for themselves.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_postgres::AsyncMessage;

use crate::postgres_adapter::connection::{Connection, explain};
use crate::postgres_adapter::{Shared, to_number};
use crate::{Error, Head};

/// How late a commit is noticed when its notification was lost.
const LOOK_EVERY: Duration = Duration::from_secs(5);

const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

/// Raises `head` for as long as it is not aborted.
pub(crate) async fn listen(shared: Arc<Shared>, head: watch::Sender<Head>) {
    loop {
        if let Err(error) = listen_on(&shared, &head).await {
            tracing::debug!(%error, "not listening for commits of other nodes");
        }
        tokio::time::sleep(RECONNECT_PAUSE).await;
    }
}

/// Listens until the connection breaks.
async fn listen_on(shared: &Shared, head: &watch::Sender<Head>) -> Result<(), Error> {
    let (sender, mut numbers) = mpsc::unbounded_channel();
    let hear = move |message| {
        let AsyncMessage::Notification(notification) = message else { return };
        if let Ok(number) = notification.payload().parse() {
            // Nobody listens once the store was closed.
            let _ = sender.send(number);
        }
    };
    let connection = Connection::open(&shared.options, &shared.texts, hear).await?;
    let client = &connection.client;
    client.batch_execute(&shared.texts.listen).await.map_err(explain)?;
    let newest = client.prepare(&shared.texts.newest).await.map_err(explain)?;
    loop {
        let row = client.query_one(&newest, &[]).await.map_err(explain)?;
        raise(head, to_number(row.get(0)));
        let look_again = tokio::time::sleep(LOOK_EVERY);
        tokio::pin!(look_again);
        loop {
            tokio::select! {
                number = numbers.recv() => match number {
                    Some(number) => raise(head, number),
                    None => return Ok(()),
                },
                () = &mut look_again => break,
            }
        }
    }
}

fn raise(head: &watch::Sender<Head>, number: u64) {
    head.send_if_modified(|head| {
        let is_newer = number > head.number;
        head.number = head.number.max(number);
        is_newer
    });
}
