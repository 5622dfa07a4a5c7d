//! The invocations that run now or ran a moment ago, and on whose behalf.
//!
//! SDK requests of a worker come back over its own socket and name their invocation; this table
//! turns that name into an identity. Entries outlive their invocation a little, because writes that
//! the function did not await still arrive, and must carry the identity they were made under.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// How long a settled invocation keeps its identity, in ms.
pub const KEPT_AFTER_SETTLING_MS: i64 = 60_000;

/// On whose behalf an invocation runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvocationContext {
    /// The invocation's id.
    pub request_id: String,
    /// The environment it runs in.
    pub environment: String,
    /// The function's name.
    pub function: String,
    /// The version that runs: `$LATEST` or a number's text.
    pub version: String,
    /// The original user, when a user's call is at the root of the chain.
    pub user: Option<crate::caller::User>,
    /// The chain of sources, as `TCB_SOURCE` shows it: `wx_client`, `wx_client,scf` ….
    pub source: String,
    /// `http://host[:port]` of the request at the root of the chain, for links.
    pub base_url: String,
    /// The client's address of the request at the root of the chain.
    pub client_ip: Option<std::net::IpAddr>,
    /// How many functions deep in the chain; the first is 1.
    pub depth: u32,
    /// Of a request that a function's own server answers: the invocation that the server is.
    pub within: Option<String>,
}

#[derive(Default)]
struct Table {
    entries: HashMap<String, Arc<InvocationContext>>,
    settled: VecDeque<(i64, String)>,
}

/// The table of running and recently settled invocations.
#[derive(Default)]
pub struct Invocations {
    table: Mutex<Table>,
}

impl Invocations {
    /// Notes a starting invocation.
    pub fn begin(&self, context: Arc<InvocationContext>) {
        self.lock().entries.insert(context.request_id.clone(), context);
    }

    /// Notes that it has settled and forgets those settled long enough ago.
    pub fn settle(&self, request_id: &str, now_ms: i64) {
        let mut table = self.lock();
        table.settled.push_back((now_ms, request_id.to_owned()));
        while let Some((settled_ms, _)) = table.settled.front() {
            if now_ms - settled_ms < KEPT_AFTER_SETTLING_MS {
                break;
            }
            if let Some((_, old)) = table.settled.pop_front() {
                table.entries.remove(&old);
            }
        }
    }

    /// The identity of an invocation that runs or settled a moment ago.
    pub fn get(&self, request_id: &str) -> Option<Arc<InvocationContext>> {
        self.lock().entries.get(request_id).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Invocations {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Invocations").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(id: &str) -> Arc<InvocationContext> {
        Arc::new(InvocationContext {
            request_id: id.to_owned(),
            environment: "e".into(),
            function: "f".into(),
            version: "$LATEST".into(),
            user: None,
            source: "wx_client".into(),
            base_url: String::new(),
            client_ip: None,
            depth: 1,
            within: None,
        })
    }

    #[test]
    fn identity_outlives_the_invocation_for_a_minute_and_no_longer() {
        let invocations = Invocations::default();
        invocations.begin(context("a"));
        invocations.begin(context("b"));
        invocations.settle("a", 0);
        assert!(invocations.get("a").is_some());
        invocations.settle("b", KEPT_AFTER_SETTLING_MS - 1);
        assert!(invocations.get("a").is_some());
        invocations.begin(context("c"));
        invocations.settle("c", KEPT_AFTER_SETTLING_MS);
        assert!(invocations.get("a").is_none());
        assert!(invocations.get("b").is_some());
    }
}
