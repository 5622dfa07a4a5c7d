//! Reclaiming what only snapshots older than the horizon could see, in small steps. Time is the
//! database's: now and then the newest number is noted with the time, and once a note is older
//! than the horizon, so is every snapshot from before its number. Any node may do it; two at once
//! do no harm.

use std::sync::Arc;
use std::time::Duration;

use crate::Error;
use crate::postgres_adapter::Shared;
use crate::postgres_adapter::connection::{Connection, explain};
use crate::postgres_adapter::statements::RECLAIM_STEP;

const PAUSE_MIN: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Between two steps, so that others get their turn at the disk.
const STEP_PAUSE: Duration = Duration::from_millis(10);

/// Reclaims now and then for as long as it is not aborted.
pub(crate) async fn reclaim(shared: Arc<Shared>) {
    let pause = (shared.options.horizon / 10).clamp(PAUSE_MIN, PAUSE_MAX);
    loop {
        tokio::time::sleep(pause).await;
        if let Err(error) = reclaim_once(&shared).await {
            tracing::debug!(%error, "old versions could not be reclaimed; tried again later");
        }
    }
}

async fn reclaim_once(shared: &Shared) -> Result<(), Error> {
    let texts = &shared.texts;
    let connection = Connection::open(&shared.options, texts, |_| {}).await?;
    let client = &connection.client;
    client.batch_execute(&texts.mark).await.map_err(explain)?;
    let horizon = shared.options.horizon.as_secs_f64();
    client.execute(&texts.advance_horizon, &[&horizon]).await.map_err(explain)?;
    client.batch_execute(&texts.forget).await.map_err(explain)?;
    let reclaim = client.prepare(&texts.reclaim).await.map_err(explain)?;
    while client.execute(&reclaim, &[]).await.map_err(explain)? == RECLAIM_STEP {
        tokio::time::sleep(STEP_PAUSE).await;
    }
    Ok(())
}
