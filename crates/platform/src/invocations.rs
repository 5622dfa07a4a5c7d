//! The invocations that run now or ran a moment ago, and on whose behalf.
//!
//! SDK requests of a worker come back over its own socket and name their invocation; this table
//! turns that name into an identity. Entries outlive their invocation a little, because writes that
//! the function did not await still arrive, and must carry the identity they were made under. No
//! more are kept than workers may speak for: quick functions settle thousands a second.

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use functions::RECENT_MAX;

/// How long a settled invocation keeps its identity, in ms.
pub const KEPT_AFTER_SETTLING_MS: i64 = 60_000;
/// How often those of workers that settle nothing any more are looked at, in ms.
const SWEEP_MS: i64 = 10_000;

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

/// An invocation, found by its id.
struct Known(Arc<InvocationContext>);

impl Borrow<str> for Known {
    fn borrow(&self) -> &str {
        &self.0.request_id
    }
}

impl Hash for Known {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.request_id.hash(state);
    }
}

impl PartialEq for Known {
    fn eq(&self, other: &Self) -> bool {
        self.0.request_id == other.0.request_id
    }
}

impl Eq for Known {}

/// Settled ones, oldest first, with the time they settled, ms since 1970.
type Settled = VecDeque<(i64, Arc<InvocationContext>)>;

#[derive(Default)]
struct Table {
    entries: HashSet<Known>,
    /// By the worker that ran them.
    settled: HashMap<Option<u64>, Settled>,
    swept_ms: i64,
}

/// The table of running and recently settled invocations.
#[derive(Default)]
pub struct Invocations {
    table: Mutex<Table>,
}

impl Invocations {
    /// Notes a starting invocation.
    pub fn begin(&self, context: Arc<InvocationContext>) {
        self.lock().entries.replace(Known(context));
    }

    /// Notes that it has settled, and which worker ran it, where one did. Forgets those settled
    /// long enough ago, and those for which that worker may no longer speak.
    pub fn settle(&self, context: &Arc<InvocationContext>, worker: Option<u64>, now_ms: i64) {
        let mut table = self.lock();
        let Table { entries, settled, swept_ms } = &mut *table;
        let of_worker = settled.entry(worker).or_default();
        of_worker.push_back((now_ms, Arc::clone(context)));
        let count_max = if worker.is_some() { RECENT_MAX } else { usize::MAX };
        forget(entries, of_worker, count_max, now_ms);
        if now_ms - *swept_ms >= SWEEP_MS {
            *swept_ms = now_ms;
            settled.retain(|_, of_worker| {
                forget(entries, of_worker, usize::MAX, now_ms);
                !of_worker.is_empty()
            });
        }
    }

    /// The identity of an invocation that runs or settled a moment ago.
    pub fn get(&self, request_id: &str) -> Option<Arc<InvocationContext>> {
        self.lock().entries.get(request_id).map(|known| Arc::clone(&known.0))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets what is too old or too much.
fn forget(entries: &mut HashSet<Known>, settled: &mut Settled, count_max: usize, now_ms: i64) {
    let is_over = |settled: &Settled| {
        let old = |(settled_ms, _): &(i64, _)| now_ms - settled_ms >= KEPT_AFTER_SETTLING_MS;
        settled.len() > count_max || settled.front().is_some_and(old)
    };
    while is_over(settled) {
        let Some((_, old)) = settled.pop_front() else { return };
        // Not another one that was given the same id since.
        if entries.get(&*old.request_id).is_some_and(|known| Arc::ptr_eq(&known.0, &old)) {
            entries.remove(&*old.request_id);
        }
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
        let [a, b, c] = ["a", "b", "c"].map(context);
        [&a, &b].into_iter().for_each(|it| invocations.begin(Arc::clone(it)));
        invocations.settle(&a, Some(1), 0);
        assert!(invocations.get("a").is_some());
        invocations.settle(&b, Some(2), KEPT_AFTER_SETTLING_MS - 1);
        assert!(invocations.get("a").is_some());
        invocations.begin(Arc::clone(&c));
        invocations.settle(&c, None, KEPT_AFTER_SETTLING_MS + SWEEP_MS - 1);
        assert!(invocations.get("a").is_none());
        assert!(invocations.get("b").is_some());
    }

    #[test]
    fn a_worker_speaks_for_so_many_and_takes_no_place_of_anothers() {
        let invocations = Invocations::default();
        let settle = |id: &str, worker| {
            let context = context(id);
            invocations.begin(Arc::clone(&context));
            invocations.settle(&context, Some(worker), 0);
        };
        settle("slow", 1);
        (0..=RECENT_MAX).for_each(|number| settle(&number.to_string(), 2));
        let found = |id: &str| invocations.get(id).is_some();
        assert_eq!((found("slow"), found("0"), found("1")), (true, false, true));
        // The same id again: what is forgotten is the first one.
        settle("1", 3);
        ["more", "most"].iter().for_each(|id| settle(id, 2));
        assert!(found("1") && !found("2"));
    }
}
