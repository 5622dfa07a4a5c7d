//! Where workers wait for a function: started ahead of need, confined, with the SDK loaded.
//!
//! A claim takes a waiting worker of the right memory size, or the next one that becomes ready; the
//! hall starts as many as it owes, few at a time. It keeps the workers in service within the limits
//! of the server; who gives way when there is no room is the [`scaler`](crate::scaler)'s word.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connection::WorkerConnection;
use crate::error::InvokeError;
use crate::job::Make;
use crate::logs::LogSink;
use crate::pool::Pool;
use crate::process::Spawner;
use crate::room::{Need, Order, Share, machine_memory_mb};
use crate::sandbox::{Measures, Watched, Watcher};
use crate::scaler::{self, Usage};
use crate::settings::{Options, Settings};
use crate::worker;

/// The memory of a function without settings, and so of most waiting workers.
const MEMORY_MB_USUAL: u64 = 256;
/// A waiting worker that died is replaced after this long, so that a broken Node does not spin.
const REPLACE_AFTER: Duration = Duration::from_secs(1);
/// How often the hall looks after waiting workers and those to be kept ready.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Claims of this time say how many workers should wait.
const LATELY: Duration = Duration::from_secs(10);
/// Functions deployed a moment ago that wait for their first worker; of many, the last ones.
const WISHES_MAX: usize = 2;

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
    pub watcher: Watcher,
    pub connections: mpsc::Sender<WorkerConnection>,
    pub logs: LogSink,
    pub closing: CancellationToken,
    pub tracker: TaskTracker,
    pub pools: RwLock<Pools>,
    waiting: Mutex<Waiting>,
    /// What workers in service may use together.
    limits: Usage,
    numbers: AtomicU64,
    /// How many workers can really run at once.
    pub processors: usize,
    /// Every worker there is, by its number.
    workers: Mutex<HashMap<u64, Arc<Watched>>>,
}

#[derive(Debug, Default)]
struct Waiting {
    ready: Vec<Ready>,
    claims: VecDeque<Claim>,
    starting: HashMap<u64, usize>,
    /// Memory sizes that functions have, the one used last first.
    sizes: Vec<u64>,
    /// What workers in service use, claimed ones included.
    used: Usage,
    /// Functions without a worker that wait for room.
    line: VecDeque<Arc<Pool>>,
    /// Functions that were just deployed and should have a worker when one can be spared.
    wishes: VecDeque<Arc<Pool>>,
    /// When workers were claimed lately.
    claimed_at: VecDeque<Instant>,
}

#[derive(Debug)]
struct Ready {
    worker: u64,
    memory_mb: u64,
    assign: oneshot::Sender<Order>,
}

#[derive(Debug)]
struct Claim {
    memory_mb: u64,
    order: Order,
}

/// What a worker that became ready does.
#[derive(Debug)]
pub(crate) enum Turn {
    Serve(Order),
    Wait(oneshot::Receiver<Order>),
}

/// The parts of a hall that are injected.
#[derive(Debug)]
pub(crate) struct Parts {
    pub options: Options,
    pub measures: Measures,
    pub runtime: PathBuf,
    pub preloaded: Option<PathBuf>,
    pub spawner: Spawner,
    pub watcher: Watcher,
    pub connections: mpsc::Sender<WorkerConnection>,
    pub logs: LogSink,
}

impl Hall {
    pub(crate) fn new(parts: Parts) -> Arc<Self> {
        let Parts { options, measures, runtime, preloaded, spawner, watcher, connections, logs } =
            parts;
        let waiting = Waiting { sizes: vec![MEMORY_MB_USUAL], ..Waiting::default() };
        let memory_mb = options.memory_budget_mb.or_else(machine_memory_mb).unwrap_or(u64::MAX);
        let limits = Usage { workers: options.workers_max, memory_mb };
        let hall = Arc::new(Self {
            options,
            measures,
            runtime,
            preloaded,
            spawner,
            watcher,
            connections,
            logs,
            closing: CancellationToken::new(),
            tracker: TaskTracker::new(),
            pools: RwLock::default(),
            waiting: Mutex::new(waiting),
            limits,
            numbers: AtomicU64::new(1),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            workers: Mutex::default(),
        });
        hall.tracker.spawn(look_after(Arc::downgrade(&hall), hall.closing.clone()));
        hall
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

    /// Gets a worker for `pool`, now or soon. False when there is no room for it now.
    pub(crate) fn claim(
        self: &Arc<Self>,
        pool: &Arc<Pool>,
        memory_mb: u64,
        is_first: bool,
        need: Need,
    ) -> bool {
        if self.closing.is_cancelled() {
            return false;
        }
        loop {
            let mut waiting = self.lock();
            waiting.line.retain(|other| Arc::ptr_eq(other, pool) || other.starves());
            let is_next = waiting.line.front().is_none_or(|first| Arc::ptr_eq(first, pool));
            let fits = is_next && scaler::fits(waiting.used, self.limits, memory_mb);
            if fits || need == Need::Stuck {
                waiting.line.retain(|other| !Arc::ptr_eq(other, pool));
                self.assign(waiting, pool, memory_mb);
                return true;
            }
            if !is_next || need == Need::Ready {
                return false;
            }
            drop(waiting);
            if !self.make_room(pool) {
                if is_first {
                    self.stand_in_line(pool);
                }
                return false;
            }
        }
    }

    fn assign(
        self: &Arc<Self>,
        mut waiting: MutexGuard<'_, Waiting>,
        pool: &Arc<Pool>,
        memory_mb: u64,
    ) {
        waiting.used.workers += 1;
        waiting.used.memory_mb += memory_mb;
        waiting.claimed_at.push_back(Instant::now());
        waiting.wishes.retain(|other| !Arc::ptr_eq(other, pool));
        let share = Share::new(self, memory_mb);
        let mut order = Order { pool: Arc::clone(pool), share };
        let make = pool.version().map(|version| version.make.clone());
        if let Some(make) = make.filter(|make| !make.is_usual()) {
            // No worker waits with anything but what is usual.
            self.tracker.spawn(worker::live_for(Arc::clone(self), memory_mb, make, order));
            return self.refill(waiting);
        }
        while let Some(at) = waiting.ready.iter().position(|ready| ready.memory_mb == memory_mb) {
            let ready = waiting.ready.remove(at);
            match ready.assign.send(order) {
                Ok(()) => return self.refill(waiting),
                Err(refused) => order = refused,
            }
        }
        if !pool.standing.is_low(Instant::now()) {
            // One of those that start is for it.
            for worker in self.workers.lock().unwrap_or_else(PoisonError::into_inner).values() {
                worker.hurry();
            }
        }
        waiting.claims.push_back(Claim { memory_mb, order });
        self.refill(waiting);
    }

    /// What the workers of a function must be started with.
    pub(crate) fn make_for(&self, name: &str, settings: &Settings, node: Option<PathBuf>) -> Make {
        // A debugger comes from outside of the worker's own network.
        let is_inspected = self.options.inspect.as_ref().is_some_and(|it| it.function == name);
        let direct = self.measures.network && (settings.network.direct || is_inspected);
        Make { node, direct }
    }

    /// Sends an idle worker of another function home.
    fn make_room(&self, pool: &Arc<Pool>) -> bool {
        let (others, holdings) = self.others(pool);
        scaler::gives_idle(&holdings).is_some_and(|at| others[at].give_up_idle())
    }

    /// Nobody idles: the function gets the next room, and who has most makes some.
    fn stand_in_line(&self, pool: &Arc<Pool>) {
        let mut waiting = self.lock();
        if waiting.line.iter().any(|other| Arc::ptr_eq(other, pool)) {
            return;
        }
        waiting.line.push_back(Arc::clone(pool));
        drop(waiting);
        let (others, holdings) = self.others(pool);
        if let Some(at) = scaler::gives_busy(&holdings) {
            others[at].give_one();
        }
    }

    fn others(&self, pool: &Arc<Pool>) -> (Vec<Arc<Pool>>, Vec<scaler::Holding>) {
        let mut others = self.all_pools();
        others.retain(|other| !Arc::ptr_eq(other, pool));
        let holdings = others.iter().map(|other| other.holding()).collect();
        (others, holdings)
    }

    /// A worker of this size no longer counts: who stands first in line is next.
    pub(crate) fn has_room(self: &Arc<Self>, memory_mb: u64) {
        let next = {
            let mut waiting = self.lock();
            waiting.used.workers = waiting.used.workers.saturating_sub(1);
            waiting.used.memory_mb = waiting.used.memory_mb.saturating_sub(memory_mb);
            waiting.line.retain(|pool| pool.starves());
            waiting.line.front().cloned()
        };
        if let Some(pool) = next {
            pool.claim_worker(self, Need::Calls);
        }
    }

    /// A function was deployed: its first worker is prepared as soon as one can be spared.
    pub(crate) fn prepare(self: &Arc<Self>, pool: &Arc<Pool>) {
        pool.keep_ready(self);
        if !self.options.prepares_deployed || !pool.is_cold() {
            return;
        }
        let mut waiting = self.lock();
        waiting.wishes.retain(|other| !Arc::ptr_eq(other, pool));
        waiting.wishes.push_back(Arc::clone(pool));
        while waiting.wishes.len() > WISHES_MAX {
            waiting.wishes.pop_front();
        }
        self.refill(waiting);
    }

    /// Starts the workers that are owed: to claims, and to those who will call next. More than one
    /// start per processor would only make all of them late.
    fn refill(self: &Arc<Self>, mut waiting: MutexGuard<'_, Waiting>) {
        if self.closing.is_cancelled() {
            return;
        }
        let under_way: usize = waiting.starting.values().sum();
        let sizes = waiting.sizes.clone();
        let wanted = self.wanted(&mut waiting);
        let mut order: Vec<u64> = waiting.claims.iter().map(|claim| claim.memory_mb).collect();
        let (urgent, now) = (order.len(), Instant::now());
        let hurry = waiting.claims.iter().any(|it| !it.order.pool.standing.is_low(now));
        for (at, size) in sizes.iter().enumerate() {
            let share = wanted / sizes.len() + usize::from(at < wanted % sizes.len());
            let ready = waiting.ready.iter().filter(|ready| ready.memory_mb == *size).count();
            order.extend(std::iter::repeat_n(*size, share.saturating_sub(ready)));
        }
        // Starts under way serve the first of their size.
        let mut serving = waiting.starting.clone();
        let mut free = self.processors.max(2).saturating_sub(under_way);
        for (at, size) in order.into_iter().enumerate() {
            if let Some(count) = serving.get_mut(&size).filter(|count| **count > 0) {
                *count -= 1;
                continue;
            }
            // Nobody waits for these: they leave a processor to those who do something.
            let keep_free = usize::from(at >= urgent && self.processors > 1);
            if free <= keep_free {
                break;
            }
            free -= 1;
            *waiting.starting.entry(size).or_default() += 1;
            self.tracker.spawn(worker::live(Arc::clone(self), size, hurry && at < urgent));
        }
    }

    /// How many workers should wait now.
    fn wanted(&self, waiting: &mut Waiting) -> usize {
        while waiting.claimed_at.front().is_some_and(|at| at.elapsed() > LATELY) {
            waiting.claimed_at.pop_front();
        }
        let lately = waiting.claimed_at.len();
        let asked_for = self.options.waiting_workers;
        let room = self.limits.workers.saturating_sub(waiting.used.workers).max(asked_for);
        let wishes = waiting.wishes.len().min(usize::from(asked_for > 0));
        scaler::waiting_wanted(asked_for, lately, self.processors).min(room) + wishes
    }

    /// A worker finished starting.
    pub(crate) fn ready(self: &Arc<Self>, worker: u64, memory_mb: u64) -> Turn {
        let mut waiting = self.lock();
        waiting.started(memory_mb);
        let claim = waiting.claims.iter().position(|claim| claim.memory_mb == memory_mb);
        if let Some(claim) = claim.and_then(|at| waiting.claims.remove(at)) {
            self.refill(waiting);
            return Turn::Serve(claim.order);
        }
        let (assign, assigned) = oneshot::channel();
        waiting.ready.push(Ready { worker, memory_mb, assign });
        let granted = if waiting.ready.len() > self.options.waiting_workers {
            waiting.wishes.pop_front()
        } else {
            None
        };
        self.refill(waiting);
        if let Some(pool) = granted.filter(|pool| pool.is_cold()) {
            pool.claim_worker(self, Need::Ready);
        }
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
            claim.order.share.give_back();
            claim.order.pool.start_failed(None, &InvokeError::StartFailed { message });
        }
    }

    /// What is done once a second: idle workers go, functions keep those they are to keep, and of
    /// the waiting ones those leave that nobody needs any more, one at a time.
    fn look(self: &Arc<Self>) {
        for pool in self.all_pools() {
            pool.retire_idle(self.options.idle_ms);
            pool.keep_ready(self);
        }
        let mut waiting = self.lock();
        if waiting.claims.is_empty() && waiting.ready.len() > self.wanted(&mut waiting) {
            waiting.ready.remove(0);
        }
        self.refill(waiting);
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

    /// Remembers a worker until it is gone, for the end of everything.
    pub(crate) fn remember(&self, worker: u64, watched: &Arc<Watched>) {
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        workers.insert(worker, Arc::clone(watched));
    }

    pub(crate) fn forget(&self, worker: u64) {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).remove(&worker);
    }

    /// Ends everything: idle workers now, running calls after `grace`.
    pub(crate) async fn shut_down(&self, grace: Duration) {
        self.closing.cancel();
        self.lock().claims.clear();
        for pool in self.all_pools() {
            pool.close(&InvokeError::ShuttingDown);
        }
        self.tracker.close();
        if tokio::time::timeout(grace, self.tracker.wait()).await.is_err() {
            for worker in self.workers.lock().unwrap_or_else(PoisonError::into_inner).values() {
                worker.kill();
            }
            self.tracker.wait().await;
        }
        let (runtime, run_dir) = (self.runtime.clone(), self.options.run_dir.clone());
        let removed = tokio::task::spawn_blocking(move || {
            std::fs::remove_dir_all(runtime)?;
            // Only when nothing of anybody else's is in it.
            std::fs::remove_dir(run_dir)
        });
        if let Ok(Err(error)) = removed.await {
            tracing::debug!(%error, "the run folder stays behind");
        }
    }
}

/// Looks after the hall until it closes.
async fn look_after(hall: Weak<Hall>, closing: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = closing.cancelled() => return,
        }
        let Some(hall) = hall.upgrade() else { return };
        hall.look();
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
