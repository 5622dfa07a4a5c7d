//! Where workers wait for a function: started ahead of need, confined, with the SDK loaded.
//!
//! A claim takes a waiting worker of the right memory size, or the next one that becomes ready; the
//! hall starts as many as it owes. It also keeps the total within `workers_max`, sending home the
//! longest idle worker of another function when there is no room.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connection::WorkerConnection;
use crate::error::InvokeError;
use crate::logs::LogSink;
use crate::pool::Pool;
use crate::process::Spawner;
use crate::sandbox::Measures;
use crate::settings::Options;
use crate::worker;

/// The memory of a function without settings, and so of most waiting workers.
const MEMORY_MB_USUAL: u64 = 256;
/// A waiting worker that died is replaced after this long, so that a broken Node does not spin.
const REPLACE_AFTER: Duration = Duration::from_secs(1);

/// Environment, function, version.
pub(crate) type Pools = HashMap<String, BTreeMap<String, BTreeMap<String, Arc<Pool>>>>;

/// Everything workers share.
#[derive(Debug)]
pub(crate) struct Hall {
    pub options: Options,
    pub measures: Measures,
    /// Folder of the bootstrap and the carried SDKs.
    pub runtime: PathBuf,
    /// The SDK every waiting worker loads.
    pub preloaded: Option<PathBuf>,
    pub spawner: Spawner,
    pub connections: mpsc::Sender<WorkerConnection>,
    pub logs: LogSink,
    pub closing: CancellationToken,
    pub tracker: TaskTracker,
    pub pools: RwLock<Pools>,
    waiting: Mutex<Waiting>,
    /// Workers that serve a function or are claimed for one.
    claimed: AtomicUsize,
    numbers: AtomicU64,
    /// How many workers can really run at once.
    pub processors: usize,
    groups: Mutex<HashMap<u64, Pid>>,
}

#[derive(Debug, Default)]
struct Waiting {
    ready: Vec<Ready>,
    claims: VecDeque<Claim>,
    starting: HashMap<u64, usize>,
    /// Memory sizes that functions have, the one used last first.
    sizes: Vec<u64>,
}

#[derive(Debug)]
struct Ready {
    worker: u64,
    memory_mb: u64,
    assign: oneshot::Sender<Arc<Pool>>,
}

#[derive(Debug)]
struct Claim {
    memory_mb: u64,
    pool: Arc<Pool>,
}

/// What a worker that became ready does.
#[derive(Debug)]
pub(crate) enum Turn {
    Serve(Arc<Pool>),
    Wait(oneshot::Receiver<Arc<Pool>>),
}

/// The parts of a hall that are injected.
#[derive(Debug)]
pub(crate) struct Parts {
    pub options: Options,
    pub measures: Measures,
    pub runtime: PathBuf,
    pub preloaded: Option<PathBuf>,
    pub spawner: Spawner,
    pub connections: mpsc::Sender<WorkerConnection>,
    pub logs: LogSink,
}

impl Hall {
    pub(crate) fn new(parts: Parts) -> Arc<Self> {
        let Parts { options, measures, runtime, preloaded, spawner, connections, logs } = parts;
        let waiting = Waiting { sizes: vec![MEMORY_MB_USUAL], ..Waiting::default() };
        Arc::new(Self {
            options,
            measures,
            runtime,
            preloaded,
            spawner,
            connections,
            logs,
            closing: CancellationToken::new(),
            tracker: TaskTracker::new(),
            pools: RwLock::default(),
            waiting: Mutex::new(waiting),
            claimed: AtomicUsize::new(0),
            numbers: AtomicU64::new(1),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            groups: Mutex::default(),
        })
    }

    /// How many waiting workers are ready to be given a function.
    pub fn ready_workers(&self) -> usize {
        self.lock().ready.len()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number for a new worker.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// The pool of one version of a function.
    pub(crate) fn pool(&self, environment: &str, name: &str, label: &str) -> Option<Arc<Pool>> {
        let pools = self.pools.read().unwrap_or_else(PoisonError::into_inner);
        pools.get(environment)?.get(name)?.get(label).cloned()
    }

    fn all_pools(&self) -> Vec<Arc<Pool>> {
        let pools = self.pools.read().unwrap_or_else(PoisonError::into_inner);
        let functions = pools.values().flat_map(BTreeMap::values);
        functions.flat_map(BTreeMap::values).cloned().collect()
    }

    /// A function of this size exists or was called: workers should wait for it.
    pub(crate) fn expect_size(self: &Arc<Self>, memory_mb: u64) {
        let mut waiting = self.lock();
        waiting.sizes.retain(|size| *size != memory_mb);
        waiting.sizes.insert(0, memory_mb);
        waiting.sizes.truncate(self.options.waiting_workers.max(1));
        self.refill(waiting);
    }

    /// Gets a worker for `pool`, now or soon. False when the limit of workers is reached.
    pub(crate) fn claim(self: &Arc<Self>, pool: &Arc<Pool>, memory_mb: u64) -> bool {
        if self.closing.is_cancelled() || !self.make_room(pool) {
            return false;
        }
        self.claimed.fetch_add(1, Ordering::Relaxed);
        let mut waiting = self.lock();
        let mut pool = Arc::clone(pool);
        while let Some(at) = waiting.ready.iter().position(|ready| ready.memory_mb == memory_mb) {
            let ready = waiting.ready.remove(at);
            match ready.assign.send(pool) {
                Ok(()) => {
                    self.refill(waiting);
                    return true;
                }
                Err(refused) => pool = refused,
            }
        }
        waiting.claims.push_back(Claim { memory_mb, pool });
        self.refill(waiting);
        true
    }

    fn make_room(&self, pool: &Arc<Pool>) -> bool {
        if self.claimed.load(Ordering::Relaxed) < self.options.workers_max {
            return true;
        }
        let others = self.all_pools().into_iter().filter(|other| !Arc::ptr_eq(other, pool));
        let longest = others
            .filter_map(|other| Some((other.idle_since()?, other)))
            .min_by_key(|(since, _)| *since);
        longest.is_some_and(|(_, other)| other.give_up_idle())
    }

    /// Starts the workers that are owed: to claims, and to those who will call next.
    fn refill(self: &Arc<Self>, mut waiting: MutexGuard<'_, Waiting>) {
        if self.closing.is_cancelled() {
            return;
        }
        let mut sizes = waiting.sizes.clone();
        sizes.extend(waiting.claims.iter().map(|claim| claim.memory_mb));
        sizes.sort_unstable();
        sizes.dedup();
        for memory_mb in sizes {
            let claims = waiting.claims.iter().filter(|claim| claim.memory_mb == memory_mb).count();
            let ready = waiting.ready.iter().filter(|ready| ready.memory_mb == memory_mb).count();
            let owed = claims + self.share(&waiting.sizes, memory_mb);
            let starting = waiting.starting.entry(memory_mb).or_default();
            for _ in ready + *starting..owed {
                *starting += 1;
                self.tracker.spawn(worker::live(Arc::clone(self), memory_mb));
            }
        }
    }

    /// How many workers of this size should wait.
    fn share(&self, sizes: &[u64], memory_mb: u64) -> usize {
        let total = self.options.waiting_workers;
        let Some(at) = sizes.iter().position(|size| *size == memory_mb) else { return 0 };
        total / sizes.len() + usize::from(at < total % sizes.len())
    }

    /// A worker finished starting.
    pub(crate) fn ready(self: &Arc<Self>, worker: u64, memory_mb: u64) -> Turn {
        let mut waiting = self.lock();
        waiting.started(memory_mb);
        let claim = waiting.claims.iter().position(|claim| claim.memory_mb == memory_mb);
        if let Some(claim) = claim.and_then(|at| waiting.claims.remove(at)) {
            self.refill(waiting);
            return Turn::Serve(claim.pool);
        }
        let (assign, assigned) = oneshot::channel();
        waiting.ready.push(Ready { worker, memory_mb, assign });
        Turn::Wait(assigned)
    }

    /// A worker could not be started: a claim nobody else will serve is told why.
    pub(crate) fn start_failed(self: &Arc<Self>, memory_mb: u64, message: String) {
        tracing::error!(%message, "a function worker could not be started");
        let unserved = {
            let mut waiting = self.lock();
            let starting = waiting.started(memory_mb);
            let of_size = |claim: &Claim| claim.memory_mb == memory_mb;
            let claims = waiting.claims.iter().filter(|claim| of_size(claim)).count();
            let at = waiting.claims.iter().position(of_size).filter(|_| claims > starting);
            at.and_then(|at| waiting.claims.remove(at))
        };
        if let Some(claim) = unserved {
            self.claimed.fetch_sub(1, Ordering::Relaxed);
            claim.pool.start_failed(&InvokeError::StartFailed { message });
        }
    }

    /// A waiting worker died before anybody needed it.
    pub(crate) fn lost_waiting(self: &Arc<Self>, worker: u64) {
        self.lock().ready.retain(|ready| ready.worker != worker);
        let hall = Arc::clone(self);
        self.tracker.spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(REPLACE_AFTER) => hall.refill(hall.lock()),
                () = hall.closing.cancelled() => {}
            }
        });
    }

    /// A worker that served a function is gone.
    pub(crate) fn unclaim(&self) {
        self.claimed.fetch_sub(1, Ordering::Relaxed);
    }

    /// Remembers a process group until the worker is gone, for the end of everything.
    pub(crate) fn remember(&self, worker: u64, group: Pid) {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner).insert(worker, group);
    }

    pub(crate) fn forget(&self, worker: u64) {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner).remove(&worker);
    }

    /// Ends everything: idle workers now, running calls after `grace`.
    pub(crate) async fn shut_down(&self, grace: Duration) {
        self.closing.cancel();
        self.lock().claims.clear();
        for pool in self.all_pools() {
            pool.close(&InvokeError::ShuttingDown);
        }
        self.tracker.close();
        if tokio::time::timeout(grace, self.tracker.wait()).await.is_ok() {
            return;
        }
        for group in self.groups.lock().unwrap_or_else(PoisonError::into_inner).values() {
            // Gone already when it ended a moment ago.
            let _ = killpg(*group, Signal::SIGKILL);
        }
        self.tracker.wait().await;
    }
}

impl Waiting {
    /// One start of this size is over; returns how many are still under way.
    fn started(&mut self, memory_mb: u64) -> usize {
        let starting = self.starting.entry(memory_mb).or_default();
        *starting = starting.saturating_sub(1);
        *starting
    }
}
