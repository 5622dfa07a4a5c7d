//! Making the tables, and refusing a server or a format that this version cannot work with.

use tokio_postgres::Client;

use crate::Error;
use crate::postgres_adapter::connection::explain;
use crate::postgres_adapter::statements::{FORMAT, Texts};

/// The oldest server taken, as `server_version_num` says it.
const SERVER_MIN: i32 = 15_00_00;

/// Looks at the server, makes the tables when they are missing and checks their format.
pub(crate) async fn prepare(client: &Client, texts: &Texts) -> Result<(), Error> {
    check_server(client).await?;
    if !exists(client, texts).await? {
        create(client, texts).await?;
    }
    let format = client.query_one(&texts.format, &[]).await.map_err(explain)?;
    if format.get::<_, i32>(0) != FORMAT {
        return Err(Error::FormatUnknown);
    }
    Ok(())
}

async fn check_server(client: &Client) -> Result<(), Error> {
    let settings = client
        .query_one(
            "select current_setting('server_version_num')::integer, \
             current_setting('server_version'), current_setting('fsync'), \
             current_setting('synchronous_commit')",
            &[],
        )
        .await
        .map_err(explain)?;
    if settings.get::<_, i32>(0) < SERVER_MIN {
        return Err(Error::ServerTooOld { version: settings.get(1) });
    }
    for (place, name) in [(2, "fsync"), (3, "synchronous_commit")] {
        if settings.get::<_, &str>(place) == "off" {
            tracing::warn!(
                "the database has {name} = off: a crash of its machine may lose acknowledged data"
            );
        }
    }
    Ok(())
}

async fn exists(client: &Client, texts: &Texts) -> Result<bool, Error> {
    Ok(client.query_one(&texts.exists, &[]).await.map_err(explain)?.get(0))
}

/// Makes the tables, unless another node does that at the same moment.
async fn create(client: &Client, texts: &Texts) -> Result<(), Error> {
    client.batch_execute("begin").await.map_err(explain)?;
    client.query_one(&texts.lock_creation, &[]).await.map_err(explain)?;
    if !exists(client, texts).await? {
        client.batch_execute(&texts.create).await.map_err(explain)?;
    }
    client.batch_execute("commit").await.map_err(explain)
}
