//! Which node does what: a name for this process, and whether another one still lives.
//!
//! Work in progress carries the name of the process that does it. Where the store belongs to one
//! process at a time, every other name is that of an earlier process and so dead. On a store that
//! several nodes share, each node keeps renewing a lease in `system.nodes`; one whose lease has
//! ended counts as dead. The clocks of the nodes are supposed to agree within seconds.

use std::time::Duration;

use engine::Engine;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::error::Result;
use crate::shelf::{Shelf, date};

/// How long a lease holds, in ms.
const LEASE_MS: i64 = 30_000;
/// How often it is renewed, in ms.
pub(super) const RENEWED_EVERY_MS: u64 = 10_000;
/// How long a task that looks for work sleeps at most, in ms: a clock may be set.
const SLEEP_MS_MAX: i64 = 60_000;
/// How long a dead node is remembered, in ms.
const REMEMBERED_MS: i64 = 24 * 3_600_000;

const NODES: Shelf<Lease> = Shelf::new("system.nodes");

#[derive(Debug, Serialize, Deserialize)]
struct Lease {
    #[serde(rename = "_id")]
    node: String,
    until: i64,
}

/// When a task that looks for work again and again sleeps, and when it looks for work that dead
/// nodes left: at its start, and from time to time where there are other nodes.
#[derive(Debug)]
pub(super) struct Rounds {
    is_shared: bool,
    recovered_ms: Option<i64>,
}

impl Rounds {
    /// Whether it is time to look for what dead nodes left.
    pub(super) fn must_recover(&self, now_ms: i64) -> bool {
        let last = self.recovered_ms;
        last.is_none_or(|last| self.is_shared && now_ms - last >= every_ms())
    }

    /// That was done.
    pub(super) fn recovered(&mut self, now_ms: i64) {
        self.recovered_ms = Some(now_ms);
    }

    /// How long to sleep until `next`.
    pub(super) fn pause(&self, next: i64, now_ms: i64) -> Duration {
        let most = if self.is_shared { SLEEP_MS_MAX.min(every_ms()) } else { SLEEP_MS_MAX };
        Duration::from_millis(next.saturating_sub(now_ms).clamp(0, most).unsigned_abs())
    }
}

fn every_ms() -> i64 {
    i64::try_from(RENEWED_EVERY_MS).unwrap_or(i64::MAX)
}

/// This process, as work in progress names it.
#[derive(Debug)]
pub(crate) struct Node {
    name: String,
    is_shared: bool,
}

impl Node {
    /// A name of its own for every start of the server.
    pub(crate) fn new(is_shared: bool) -> Self {
        let name = hex::encode(rand::random::<[u8; 8]>());
        Self { name, is_shared }
    }

    /// The name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The rounds of a task of this node.
    pub(super) fn rounds(&self) -> Rounds {
        Rounds { is_shared: self.is_shared, recovered_ms: None }
    }

    /// Whether other nodes may use the same store.
    pub(super) fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Makes the collection and takes the first lease.
    pub(super) async fn prepare(&self, engine: &Engine) -> Result<()> {
        if !self.is_shared {
            return Ok(());
        }
        NODES.prepare(engine, &[]).await?;
        self.renew(engine).await
    }

    /// Holds the lease for another while.
    pub(super) async fn renew(&self, engine: &Engine) -> Result<()> {
        if !self.is_shared {
            return Ok(());
        }
        let now_ms = engine.clock().now_ms();
        let forgotten = date(now_ms + REMEMBERED_MS);
        let update = json!({ "$set": { "until": now_ms + LEASE_MS, "expiresAt": forgotten } });
        NODES.put(engine, &self.name, &update).await
    }

    /// Gives the lease up, so that nobody needs to wait for its end.
    pub(super) async fn leave(&self, engine: &Engine) -> Result<()> {
        if self.is_shared {
            NODES.remove(engine, &json!({ "_id": self.name })).await?;
        }
        Ok(())
    }

    /// Whether the process of this name is gone.
    pub(super) async fn is_dead(&self, engine: &Engine, name: &str) -> Result<bool> {
        if name == self.name {
            return Ok(false);
        }
        if !self.is_shared {
            return Ok(true);
        }
        let lease = NODES.get(engine, name).await?;
        Ok(lease.is_none_or(|lease| lease.until < engine.clock().now_ms()))
    }
}
