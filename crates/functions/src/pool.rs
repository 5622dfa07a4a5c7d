//! The calls and workers of one function: who serves the next call, and when one more worker helps.
//!
//! A worker asks for work; a call that finds an idle worker goes to it at once, else it waits in
//! line. The worker used last is used first, so the others can go when load falls.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use crate::error::InvokeError;
use crate::hall::Hall;
use crate::package::Tree;
use crate::settings::{Ended, Figures, FunctionInfo, Invocation, Settings};

/// A call waits this long before another worker is started beside running ones.
const PATIENCE: Duration = Duration::from_millis(10);
/// Workers of one function that may be starting or loading at once.
const STARTING_MAX: usize = 2;
/// Calls of a function whose calls take less than this, on average, may wait inside a worker: the
/// way through the server would cost more than they do.
const QUICK: Duration = Duration::from_millis(2);
/// The largest event that is sent ahead, in bytes: a worker at work does not read, and what waits
/// must fit into the socket.
const AHEAD_EVENT_BYTES_MAX: usize = 8 * 1024;

/// One deployed state of a function.
#[derive(Debug)]
pub(crate) struct Version {
    /// Counts the deploys under the label.
    pub revision: u64,
    /// What it is called by.
    pub label: String,
    pub content_hash: String,
    pub settings: Settings,
    pub tree: Arc<Tree>,
    pub carried: Option<crate::assets::CarriedSdk>,
}

/// A call on its way to a worker.
#[derive(Debug)]
pub(crate) struct Job {
    pub invocation: Invocation,
    pub reply: oneshot::Sender<Ended>,
    pub since: Instant,
}

impl Job {
    /// Answers a call that no worker began. A caller that no longer waits needs no answer.
    pub(crate) fn refuse(self, version: &str, error: InvokeError) {
        let queued_us = crate::worker::micros(self.since.elapsed());
        let version = version.to_owned();
        let figures = Figures { version, queued_us, ..Figures::default() };
        let _ = self.reply.send(Ended { result: Err(error), figures });
    }
}

/// How a worker is reached while it is idle. Dropping it sends the worker home.
#[derive(Debug)]
pub(crate) struct Seat {
    pub worker: u64,
    pub jobs: mpsc::UnboundedSender<Job>,
    pub since: Instant,
}

/// What a worker does next.
#[derive(Debug)]
pub(crate) enum Next {
    Run(Job),
    Wait(mpsc::UnboundedReceiver<Job>),
    Leave,
}

#[derive(Debug)]
pub(crate) struct Pool {
    pub environment: String,
    pub name: String,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    version: Arc<Version>,
    removed: bool,
    /// Idle workers, the one used last at the end.
    idle: Vec<Seat>,
    queue: VecDeque<Job>,
    /// Workers claimed for this function, starting ones included.
    workers: usize,
    starting: usize,
    growing: bool,
    /// How long a call takes: each new one counts for an eighth. Unknown before the first.
    mean: Option<Duration>,
}

impl Pool {
    pub(crate) fn new(environment: String, name: String, version: Arc<Version>) -> Self {
        let state = State {
            version,
            removed: false,
            idle: Vec::new(),
            queue: VecDeque::new(),
            workers: 0,
            starting: 0,
            growing: false,
            mean: None,
        };
        Self { environment, name, state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The current version; nothing when the function was removed.
    pub(crate) fn version(&self) -> Option<Arc<Version>> {
        let state = self.lock();
        (!state.removed).then(|| Arc::clone(&state.version))
    }

    /// New calls go to `version`; idle workers of the old one leave, running ones after their call.
    pub(crate) fn replace(&self, version: Arc<Version>) {
        let mut state = self.lock();
        let before = std::mem::replace(&mut state.version, version);
        state.idle.clear();
        before.tree.release();
    }

    /// No more calls: waiting ones get `error`, idle workers leave.
    pub(crate) fn close(&self, error: &InvokeError) {
        let mut state = self.lock();
        state.removed = true;
        state.idle.clear();
        for job in std::mem::take(&mut state.queue) {
            job.refuse(&state.version.label, error.clone());
        }
    }

    /// Its package is of no use any more.
    pub(crate) fn withdrawn(&self) {
        self.lock().version.tree.release();
    }

    pub(crate) fn info(&self) -> FunctionInfo {
        let state = self.lock();
        FunctionInfo {
            environment: self.environment.clone(),
            name: self.name.clone(),
            version: state.version.label.clone(),
            revision: state.version.revision,
            content_hash: state.version.content_hash.clone(),
            settings: state.version.settings.clone(),
            carried_sdk: state.version.carried.as_ref().map(|sdk| sdk.version.to_string()),
            workers: state.workers,
            queued: state.queue.len(),
        }
    }

    fn not_found(&self) -> InvokeError {
        InvokeError::NotFound { name: self.name.clone() }
    }

    /// A new call.
    ///
    /// # Errors
    /// The call, and why it was not taken.
    #[expect(clippy::result_large_err, reason = "the call goes back to its caller")]
    pub(crate) fn submit(
        self: &Arc<Self>,
        hall: &Arc<Hall>,
        job: Job,
    ) -> Result<(), (Job, InvokeError)> {
        let mut state = self.lock();
        if state.removed {
            return Err((job, self.not_found()));
        }
        let Some(job) = state.hand_over(job) else { return Ok(()) };
        if state.queue.len() >= hall.options.queue_max {
            return Err((job, InvokeError::QueueFull { name: self.name.clone() }));
        }
        state.queue.push_back(job);
        self.grow(state, hall);
        Ok(())
    }

    /// A call that a worker could not begin: first in line again.
    pub(crate) fn put_back(self: &Arc<Self>, hall: &Arc<Hall>, job: Job) {
        let mut state = self.lock();
        if state.removed {
            return job.refuse(&state.version.label, self.not_found());
        }
        let Some(job) = state.hand_over(job) else { return };
        state.queue.push_front(job);
        self.grow(state, hall);
    }

    /// The first worker is claimed at once; more only when calls had to be patient.
    fn grow(self: &Arc<Self>, mut state: MutexGuard<'_, State>, hall: &Arc<Hall>) {
        let first = state.workers == 0;
        let must_watch = !state.growing;
        state.growing = true;
        drop(state);
        if first {
            self.claim_worker(hall);
        }
        if must_watch {
            tokio::spawn(Arc::clone(self).watch_queue(Arc::clone(hall)));
        }
    }

    async fn watch_queue(self: Arc<Self>, hall: Arc<Hall>) {
        loop {
            tokio::time::sleep(PATIENCE).await;
            let wants_more = {
                let mut state = self.lock();
                while state.queue.front().is_some_and(|job| job.reply.is_closed()) {
                    state.queue.pop_front();
                }
                let Some(oldest) = state.queue.front() else {
                    state.growing = false;
                    return;
                };
                let impatient = oldest.since.elapsed() >= PATIENCE;
                // Quick calls use a processor all the time: more workers than processors only
                // take turns.
                let helps = !state.is_quick() || state.workers < hall.processors;
                state.workers == 0 || (impatient && helps && state.starting < STARTING_MAX)
            };
            if wants_more {
                self.claim_worker(&hall);
            }
        }
    }

    fn claim_worker(self: &Arc<Self>, hall: &Arc<Hall>) {
        let memory_mb = {
            let mut state = self.lock();
            state.workers += 1;
            state.starting += 1;
            state.version.settings.memory_mb
        };
        if !hall.claim(self, memory_mb) {
            let mut state = self.lock();
            state.workers -= 1;
            state.starting -= 1;
        }
    }

    /// A worker of `version` is free. A worker of another version, or of a removed function,
    /// leaves.
    pub(crate) fn next(&self, worker: u64, version: u64) -> Next {
        let mut state = self.lock();
        if state.removed || state.version.revision != version {
            return Next::Leave;
        }
        while let Some(job) = state.queue.pop_front() {
            if !job.reply.is_closed() {
                return Next::Run(job);
            }
        }
        let (jobs, inbox) = mpsc::unbounded_channel();
        state.idle.push(Seat { worker, jobs, since: Instant::now() });
        Next::Wait(inbox)
    }

    /// One more waiting call for a worker that has one at work, when calls are quick and the other
    /// workers have enough to do.
    pub(crate) fn ahead(&self, version: u64, held: usize) -> Option<Job> {
        let mut state = self.lock();
        let others = state.workers.saturating_sub(1);
        if state.removed
            || state.version.revision != version
            || !state.is_quick()
            || state.queue.len() <= others * held
        {
            return None;
        }
        let fits = |job: &Job| job.invocation.event.len() <= AHEAD_EVENT_BYTES_MAX;
        if state.queue.front().is_some_and(fits) { state.queue.pop_front() } else { None }
    }

    /// A call took this long.
    pub(crate) fn took(&self, duration: Duration) {
        let mut state = self.lock();
        state.mean = Some(state.mean.map_or(duration, |mean| (mean * 7 + duration) / 8));
    }

    /// Takes an idle worker out of the room: true when no call is on its way to it.
    pub(crate) fn stand_up(&self, worker: u64) -> bool {
        let mut state = self.lock();
        let before = state.idle.len();
        state.idle.retain(|seat| seat.worker != worker);
        state.idle.len() < before
    }

    /// Since when its least used worker idles, if nobody waits.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        let state = self.lock();
        if state.queue.is_empty() { state.idle.first().map(|seat| seat.since) } else { None }
    }

    /// Sends the least used worker home to make room for another function.
    pub(crate) fn give_up_idle(&self) -> bool {
        let mut state = self.lock();
        if state.idle.is_empty() {
            return false;
        }
        state.idle.remove(0);
        true
    }

    /// A claimed worker has loaded its code.
    pub(crate) fn loaded(&self) {
        let mut state = self.lock();
        state.starting = state.starting.saturating_sub(1);
    }

    /// A claimed worker is gone. `starting`: it never said that its code was loaded.
    pub(crate) fn left(&self, starting: bool) {
        let mut state = self.lock();
        state.workers = state.workers.saturating_sub(1);
        if starting {
            state.starting = state.starting.saturating_sub(1);
        }
    }

    /// A claimed worker could not be started; when it was the only hope, callers are told.
    pub(crate) fn start_failed(&self, error: &InvokeError) {
        self.left(true);
        let mut state = self.lock();
        if state.workers == 0 {
            for job in std::mem::take(&mut state.queue) {
                job.refuse(&state.version.label, error.clone());
            }
        }
    }
}

impl State {
    fn is_quick(&self) -> bool {
        self.mean.is_some_and(|mean| mean < QUICK)
    }

    /// Gives the job to an idle worker; returns it when there is none.
    fn hand_over(&mut self, mut job: Job) -> Option<Job> {
        while let Some(seat) = self.idle.pop() {
            match seat.jobs.send(job) {
                Ok(()) => return None,
                // That worker died a moment ago.
                Err(refused) => job = refused.0,
            }
        }
        Some(job)
    }
}
