//! The calls and workers of one version of a function: who serves the next call.
//!
//! A worker asks for work; a call that finds an idle worker goes to it at once, else it waits in
//! line. The worker used last is used first, so the others can go when load falls. When another
//! worker helps is the [`scaler`](crate::scaler)'s word.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::ahead::Ahead;
use crate::error::InvokeError;
use crate::hall::Hall;
use crate::job::{Job, Seat, Version};
use crate::room::Need;
use crate::sandbox::Standing;
use crate::scaler::{self, Arrivals, Holding, Load, PATIENCE, QUICK};
use crate::settings::FunctionInfo;

/// The largest event that is sent ahead, in bytes: a worker at work does not read, and what waits
/// must fit into the socket.
const AHEAD_EVENT_BYTES_MAX: usize = 8 * 1024;
/// What a worker does next.
#[derive(Debug)]
pub(crate) enum Next {
    Run(Job),
    Wait,
    Leave,
}

#[derive(Debug)]
pub(crate) struct Pool {
    pub environment: String,
    pub name: String,
    /// How its calls have treated others.
    pub standing: Arc<Standing>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    version: Arc<Version>,
    removed: bool,
    /// Idle workers, the one used last at the end.
    idle: Vec<Seat>,
    queue: VecDeque<Job>,
    /// Workers of the current version, claimed ones included.
    workers: usize,
    /// Those of them that have not loaded their code.
    starting: usize,
    /// Those of them that do not know yet which version they serve.
    claimed: usize,
    /// Workers of versions that were replaced.
    outdated: usize,
    /// Workers that are to go when their call is over.
    to_give: usize,
    growing: bool,
    /// How long a call takes: each new one counts for an eighth. Unknown before the first.
    mean: Option<Duration>,
    ahead: Ahead,
    /// Which part of it a worker is at work; after the first sample, each counts for a half.
    busy: Option<f64>,
    /// Workers that wait for something in their call, unlike their fellows.
    held_up: usize,
    arrivals: Arrivals,
    /// Its code may be loaded before there is a call.
    loads_ahead: bool,
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
            claimed: 0,
            outdated: 0,
            to_give: 0,
            growing: false,
            mean: None,
            ahead: Ahead::default(),
            busy: None,
            held_up: 0,
            arrivals: Arrivals::new(Instant::now()),
            loads_ahead: true,
        };
        Self { environment, name, standing: Arc::default(), state: Mutex::new(state) }
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
        state.idle.drain(..).for_each(Seat::dismiss);
        state.outdated += state.workers - state.claimed;
        (state.workers, state.starting) = (state.claimed, state.claimed);
        (state.mean, state.busy, state.loads_ahead) = (None, None, true);
        (state.held_up, state.ahead) = (0, Ahead::default());
        self.standing.forget();
        before.tree.release();
    }

    /// No more calls: waiting ones get `error`, idle workers leave.
    pub(crate) fn close(&self, error: &InvokeError) {
        let mut state = self.lock();
        state.removed = true;
        state.idle.drain(..).for_each(Seat::dismiss);
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
            workers: state.workers + state.outdated,
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
        let foresees = state.arrivals.note(job.since);
        let Some(job) = state.hand_over(job) else {
            if foresees {
                self.grow(state, hall);
            }
            return Ok(());
        };
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
        state.ahead.given_back();
        if state.removed {
            return job.refuse(&state.version.label, self.not_found());
        }
        let Some(job) = state.hand_over(job) else { return };
        state.queue.push_front(job);
        self.grow(state, hall);
    }

    /// Claims the workers that are missing, and watches the line as long as there is one.
    fn grow(self: &Arc<Self>, mut state: MutexGuard<'_, State>, hall: &Arc<Hall>) {
        let missing = scaler::missing(&state.load(hall.processors));
        let must_watch = !state.growing && !state.queue.is_empty();
        state.growing |= must_watch;
        drop(state);
        for _ in 0..missing {
            if !self.claim_worker(hall, Need::Calls) {
                break;
            }
        }
        if must_watch {
            tokio::spawn(Arc::clone(self).watch_queue(Arc::clone(hall)));
        }
    }

    async fn watch_queue(self: Arc<Self>, hall: Arc<Hall>) {
        loop {
            tokio::time::sleep(PATIENCE).await;
            let (missing, need) = {
                let mut state = self.lock();
                while state.queue.front().is_some_and(|job| job.reply.is_closed()) {
                    state.queue.pop_front();
                }
                let Some(oldest) = state.queue.front() else {
                    state.growing = false;
                    return;
                };
                let stuck = state.workers == 0 && oldest.since.elapsed() >= scaler::STUCK;
                let need = if stuck { Need::Stuck } else { Need::Calls };
                (scaler::missing(&state.load(hall.processors)), need)
            };
            for _ in 0..missing {
                if !self.claim_worker(&hall, need) {
                    break;
                }
            }
        }
    }

    /// False when there is no room for one more now.
    pub(crate) fn claim_worker(self: &Arc<Self>, hall: &Arc<Hall>, need: Need) -> bool {
        let (memory_mb, is_first) = {
            let mut state = self.lock();
            if state.removed {
                return false;
            }
            state.workers += 1;
            state.starting += 1;
            state.claimed += 1;
            (state.version.settings.memory_mb, state.workers == 1)
        };
        let taken = hall.claim(self, memory_mb, is_first, need);
        if !taken {
            self.left(None, false);
        }
        taken
    }

    /// Brings the workers to what is to be kept ready, if there is room that nobody else uses.
    pub(crate) fn keep_ready(self: &Arc<Self>, hall: &Arc<Hall>) {
        let missing = {
            let state = self.lock();
            let wanted = if state.removed { 0 } else { state.least() };
            wanted.saturating_sub(state.workers)
        };
        for _ in 0..missing {
            if !self.claim_worker(hall, Need::Ready) {
                return;
            }
        }
    }

    /// Whether it serves calls, waits for some, and has no worker for them.
    pub(crate) fn starves(&self) -> bool {
        let state = self.lock();
        !state.removed && state.workers == 0 && !state.queue.is_empty()
    }

    /// Whether it has no worker and nobody asks for one.
    pub(crate) fn is_cold(&self) -> bool {
        let state = self.lock();
        !state.removed && state.workers == 0
    }

    /// What it could do without.
    pub(crate) fn holding(&self) -> Holding {
        let state = self.lock();
        let spare = if state.queue.is_empty() { state.spare() } else { 0 };
        let workers = (state.workers - state.claimed).saturating_sub(state.to_give);
        Holding { workers, spare, idle_since: state.idle.first().map(|seat| seat.since) }
    }

    /// One of its workers leaves after its call, to make room for another function.
    pub(crate) fn give_one(&self) {
        self.lock().to_give += 1;
    }

    /// The version a claimed worker is to serve; nothing when the function was removed.
    pub(crate) fn begin_serving(&self) -> Option<Arc<Version>> {
        let mut state = self.lock();
        if state.removed {
            return None;
        }
        state.claimed = state.claimed.saturating_sub(1);
        Some(Arc::clone(&state.version))
    }

    /// Whether a worker that has just been given this version should load it before there is a
    /// call.
    pub(crate) fn should_load_ahead(&self) -> bool {
        let state = self.lock();
        state.queue.is_empty() && state.loads_ahead
    }

    /// Loading its code asks something of the platform: only a call can say on whose behalf.
    pub(crate) fn never_load_ahead(&self, revision: u64) {
        let mut state = self.lock();
        state.loads_ahead &= state.version.revision != revision;
    }

    /// A worker of `version` is free. A worker of another version, or of a removed function,
    /// leaves.
    pub(crate) fn next(&self, version: u64, seat: impl FnOnce() -> Seat) -> Next {
        let mut state = self.lock();
        if state.removed || state.version.revision != version {
            return Next::Leave;
        }
        if state.to_give > 0 {
            state.to_give -= 1;
            if state.workers > 1 {
                return Next::Leave;
            }
        }
        while let Some(job) = state.queue.pop_front() {
            if !job.reply.is_closed() {
                return Next::Run(job);
            }
        }
        state.idle.push(seat());
        Next::Wait
    }

    /// One more waiting call for a worker that has one at work, when calls are quick and the other
    /// workers have enough to do.
    pub(crate) fn ahead(&self, version: u64, held: usize) -> Option<Job> {
        let mut state = self.lock();
        let others = state.workers.saturating_sub(1);
        if state.removed
            || state.version.revision != version
            || held >= state.ahead_max()
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
        state.ahead.ended();
    }

    /// How long a call takes when it is unlike its fellows; nothing before the first.
    pub(crate) fn unlike(&self) -> Option<Duration> {
        self.lock().mean.map(scaler::unlike)
    }

    /// A worker of this version is held up, or is so no longer.
    pub(crate) fn held_up(&self, revision: u64, is_so: bool) {
        let mut state = self.lock();
        if state.version.revision == revision {
            let others = state.held_up.saturating_sub(usize::from(!is_so));
            state.held_up = others + usize::from(is_so);
        }
    }

    /// For this part of a call its worker did not wait for anything.
    pub(crate) fn worked(&self, busy: f64) {
        let mut state = self.lock();
        let busy = busy.clamp(0.0, 1.0);
        state.busy = Some(state.busy.map_or(busy, |before| f64::midpoint(before, busy)));
    }

    /// Takes an idle worker out of the room: true when no call is on its way to it.
    pub(crate) fn stand_up(&self, worker: u64) -> bool {
        let mut state = self.lock();
        let before = state.idle.len();
        state.idle.retain(|seat| seat.worker != worker);
        state.idle.len() < before
    }

    /// Sends workers home that had no call for their idle time, except those to be kept ready.
    pub(crate) fn retire_idle(&self, usual_ms: u64) {
        let mut state = self.lock();
        let limit = Duration::from_millis(state.version.settings.idle_ms.unwrap_or(usual_ms));
        let spare = state.spare();
        let tired = state.idle.iter().take(spare).take_while(|seat| seat.since.elapsed() >= limit);
        let count = tired.count();
        state.idle.drain(..count).for_each(Seat::dismiss);
    }

    /// Sends the least used worker home to make room for another function.
    pub(crate) fn give_up_idle(&self) -> bool {
        let seat = {
            let mut state = self.lock();
            if state.spare() == 0 {
                return false;
            }
            state.idle.remove(0)
        };
        // It takes a moment to go; its room is free at once.
        seat.share.give_back();
        seat.dismiss();
        true
    }

    /// A worker of this version has loaded its code.
    pub(crate) fn loaded(&self, revision: u64) {
        let mut state = self.lock();
        if state.version.revision == revision {
            state.starting = state.starting.saturating_sub(1);
        }
    }

    /// A worker is gone: of this version, or before it knew which one. `loaded`: its code was.
    pub(crate) fn left(&self, revision: Option<u64>, loaded: bool) {
        let mut state = self.lock();
        match revision {
            None => state.claimed = state.claimed.saturating_sub(1),
            Some(revision) if revision != state.version.revision => {
                state.outdated = state.outdated.saturating_sub(1);
                return;
            }
            Some(_) => {}
        }
        state.workers = state.workers.saturating_sub(1);
        if !loaded {
            state.starting = state.starting.saturating_sub(1);
        }
    }

    /// A claimed worker could not be started; when it was the only hope, callers are told.
    pub(crate) fn start_failed(&self, revision: Option<u64>, error: &InvokeError) {
        self.left(revision, false);
        let mut state = self.lock();
        if state.workers == 0 {
            for job in std::mem::take(&mut state.queue) {
                job.refuse(&state.version.label, error.clone());
            }
        }
    }
}

impl State {
    fn load(&self, processors: usize) -> Load {
        let most = self.version.settings.max_instances.map_or(usize::MAX, |most| most as usize);
        Load {
            queued: self.queue.len(),
            oldest: self.queue.front().map_or(Duration::ZERO, |job| job.since.elapsed()),
            workers: self.workers,
            starting: self.starting,
            mean: self.mean,
            busy: self.busy.unwrap_or_default(),
            held_up: self.held_up,
            rate: self.arrivals.forecast,
            most,
            processors,
        }
    }

    /// How many workers are to be kept ready.
    fn least(&self) -> usize {
        let settings = &self.version.settings;
        settings.min_instances.min(settings.max_instances.unwrap_or(u32::MAX)) as usize
    }

    /// Idle workers beyond those to be kept ready.
    fn spare(&self) -> usize {
        self.idle.len().min(self.workers.saturating_sub(self.least()))
    }

    /// How many calls may wait inside a worker; none unless they are quick.
    fn ahead_max(&self) -> usize {
        let limit =
            if scaler::is_all_work(self.busy.unwrap_or_default()) { QUICK * 4 } else { QUICK };
        let quick = self.mean.filter(|mean| *mean < limit);
        quick.map_or(0, |mean| self.ahead.fits(mean))
    }

    /// Gives the job to an idle worker; returns it when there is none.
    fn hand_over(&mut self, mut job: Job) -> Option<Job> {
        while let Some(seat) = self.idle.pop() {
            match seat.jobs.send(Some(job)) {
                Ok(()) => return None,
                // That worker died a moment ago.
                Err(refused) => job = refused.0?,
            }
        }
        Some(job)
    }
}
