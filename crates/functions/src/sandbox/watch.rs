//! Looks at what workers use: memory of all their processes together, and processor time, in a call
//! and between calls. One thread looks at all of them a few times a second and ends those over
//! their limit, leaving word why. Short calls pay nothing for it. Where nothing is seen, nobody is
//! ended.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, SysconfVar, sysconf};

use super::processors::Processors;
use super::usage::{Use, scratch, sessions};
use super::weight::{Begins, Scale, Standing, may_schedule_others, weigh_least};

/// Time between two looks.
const INTERVAL: Duration = Duration::from_millis(200);
/// A look must not cost more than this part of one processor …
const SHARE: u32 = 50;
/// … unless it took long because everybody is busy, which is when it matters.
const INTERVAL_MAX: Duration = Duration::from_secs(1);
/// What a worker is allowed beyond the memory of its function, in MB: Node itself and its copies.
const HEADROOM_MB: u64 = 128;
/// Between calls a worker has nothing to do: ended when it uses this much in a window.
const IDLE_WINDOW: Duration = Duration::from_secs(20);
const IDLE_MAX: Duration = Duration::from_secs(3);
/// A call that used this much processor time is none that others should wait for.
const HEAVY: Duration = Duration::from_millis(100);
/// Nor are shorter ones that keep most of a processor together, if each used this much.
const HEAVY_TOGETHER: Duration = Duration::from_millis(20);
/// Who has more processes than this is ended with the least weight.
const MEMBERS_MANY: usize = 16;
/// Calls are taken together over this time.
const TOGETHER: Duration = Duration::from_millis(500);

/// Why a worker was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All its processes together held more memory than the function has.
    Memory,
    /// One call used more processor time than it may.
    Processor {
        /// What it may use, in milliseconds.
        limit_ms: u64,
    },
    /// It was busy although no call was at work.
    Idle,
}

/// One worker under watch, until it is dropped.
#[derive(Debug)]
pub(crate) struct Watched {
    session: Pid,
    memory_mb: u64,
    /// Odd while a call is at work.
    turns: AtomicU64,
    /// Processor time the call may use, in milliseconds.
    limit_ms: AtomicU64,
    verdict: OnceLock<Verdict>,
    peak_mb: AtomicU64,
    since: Mutex<Since>,
    together: Mutex<Since>,
    scale: Scale,
    /// It is weighed down.
    low: AtomicBool,
    processors: Option<Processors>,
    /// It leaves a processor to others.
    aside: AtomicBool,
    /// It has started, or somebody waits for it.
    free: AtomicBool,
    /// Its processes, as they were seen last.
    members: Mutex<Vec<i32>>,
    /// Of the function it serves; a waiting worker has none.
    standing: OnceLock<Arc<Standing>>,
}

/// What is compared with: the first look of a call, or of a window between calls.
#[derive(Debug, Clone, Copy)]
struct Since {
    turn: u64,
    used: Duration,
    at: Instant,
}

impl Watched {
    /// A call begins; it may use this much processor time.
    pub(crate) fn begin(&self, limit: Duration) {
        let limit_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        self.limit_ms.store(limit_ms, Ordering::Relaxed);
        self.turns.fetch_or(1, Ordering::Relaxed);
    }

    /// The call is over.
    pub(crate) fn end(&self) {
        let turn = self.turns.load(Ordering::Relaxed);
        self.turns.store(turn + (turn & 1), Ordering::Relaxed);
    }

    /// It is given a function; from now on that one's standing says what it weighs.
    pub(crate) fn serves(&self, standing: &Arc<Standing>) {
        let _ = self.standing.set(Arc::clone(standing));
        self.settle(Instant::now());
    }

    /// Somebody waits for it, who may be quick: it need not stand back while it starts.
    pub(crate) fn hurry(&self) {
        if self.standing.get().is_none() {
            self.weigh(false);
            self.started();
        }
    }

    /// It is ready: nothing more is known of it.
    pub(crate) fn started(&self) {
        self.free.store(true, Ordering::Relaxed);
        self.place(Instant::now());
    }

    /// It was weighed down for good, and its function deserves a worker that is not.
    pub(crate) fn is_worn(&self) -> bool {
        self.low.load(Ordering::Relaxed)
            && !self.scale.returns()
            && self.standing.get().is_some_and(|standing| !standing.is_low(Instant::now()))
    }

    fn settle(&self, now: Instant) {
        if let Some(standing) = self.standing.get() {
            self.weigh(standing.is_low(now));
        }
        self.place(now);
    }

    /// Who serves a function that ends one worker after the other leaves a processor to others.
    fn place(&self, now: Instant) {
        let is_aside = self.aside.load(Ordering::Relaxed);
        let aside = match self.standing.get() {
            Some(standing) => standing.is_harmful(now),
            None => is_aside && !self.free.load(Ordering::Relaxed),
        };
        let Some(processors) = self.processors.as_ref().filter(|_| aside != is_aside) else {
            return;
        };
        let members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        // In its first moments nobody has seen them; the next look places it.
        if !members.is_empty() && processors.place(self.session, &members, aside) {
            self.aside.store(aside, Ordering::Relaxed);
        }
    }

    fn weigh(&self, low: bool) {
        let is_low = self.low.load(Ordering::Relaxed);
        if is_low != low && (low || self.scale.returns()) && self.scale.weigh(self.session, low) {
            self.low.store(low, Ordering::Relaxed);
        }
    }

    /// It does what others' calls wait for; they are to have a processor without it.
    pub(crate) fn harms(&self) {
        self.mark(Standing::did_harm, Instant::now());
    }

    /// Whether its function is known to keep processors.
    pub(crate) fn is_heavy(&self) -> bool {
        self.standing.get().is_some_and(|standing| standing.is_low(Instant::now()))
    }

    /// Ends all its processes; it may be gone already.
    pub(crate) fn kill(&self) {
        let members = self.members.lock().unwrap_or_else(PoisonError::into_inner).len();
        if members > MEMBERS_MANY {
            weigh_least(self.session);
        }
        let _ = killpg(self.session, Signal::SIGKILL);
    }

    /// Why it was ended, if it was.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        self.verdict.get().copied()
    }

    /// The most memory that was seen, of all its processes, in MB. Nothing before the first look.
    pub(crate) fn peak_mb(&self) -> Option<u64> {
        Some(self.peak_mb.load(Ordering::Relaxed)).filter(|peak| *peak > 0)
    }

    fn saw(&self, members: Vec<i32>) {
        *self.members.lock().unwrap_or_else(PoisonError::into_inner) = members;
    }

    fn judge(&self, usage: &Use, unit: Unit, now: Instant) {
        let used_mb = usage.pages * unit.page_bytes / (1024 * 1024);
        self.peak_mb.fetch_max(used_mb + usage.scratch / (1024 * 1024), Ordering::Relaxed);
        if used_mb > self.memory_mb + HEADROOM_MB {
            return self.condemn(Verdict::Memory);
        }
        let used = Duration::from_millis(usage.ticks * 1000 / unit.ticks_per_second);
        let turn = self.turns.load(Ordering::Relaxed);
        let is_at_work = turn & 1 == 1;
        if self.keeps_busy(turn, used, now) {
            self.mark(Standing::was_heavy, now);
        }
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        let window_is_over = !is_at_work && now.duration_since(since.at) > IDLE_WINDOW;
        if since.turn != turn || window_is_over {
            *since = Since { turn, used, at: now };
            return;
        }
        let spent = used.saturating_sub(since.used);
        let limit_ms = self.limit_ms.load(Ordering::Relaxed);
        // What calls left behind is ended by what it uses: weighed down, it would last longer.
        if is_at_work && spent > HEAVY {
            self.mark(Standing::was_heavy, now);
        }
        if is_at_work && spent > Duration::from_millis(limit_ms) {
            self.condemn(Verdict::Processor { limit_ms });
        } else if !is_at_work && spent > IDLE_MAX {
            self.condemn(Verdict::Idle);
        }
    }

    /// Whether the calls of the last while were heavy together. Quick ones never are, however many.
    fn keeps_busy(&self, turn: u64, used: Duration, now: Instant) -> bool {
        let mut together = self.together.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *together;
        let elapsed = now.saturating_duration_since(before.at);
        if before.turn != u64::MAX && elapsed < TOGETHER {
            return false;
        }
        *together = Since { turn, used, at: now };
        let spent = used.saturating_sub(before.used);
        // Two turns each, and the one at work.
        let calls = turn.saturating_sub(before.turn).div_ceil(2).max(1);
        let each = spent / u32::try_from(calls).unwrap_or(u32::MAX);
        let had_calls = turn > before.turn;
        before.turn != u64::MAX && had_calls && spent > elapsed / 2 && each > HEAVY_TOGETHER
    }

    fn mark(&self, deed: fn(&Standing, Instant), now: Instant) {
        if let Some(standing) = self.standing.get() {
            deed(standing, now);
            self.settle(now);
        }
    }

    fn condemn(&self, verdict: Verdict) {
        self.harms();
        // The word first: whoever sees the end asks for it.
        if self.verdict.set(verdict).is_ok() {
            self.kill();
        }
    }
}

/// The thread that looks. It ends when the last handle is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Watcher {
    list: Arc<List>,
    /// How workers are weighed here.
    pub(crate) scale: Scale,
    processors: Option<Processors>,
}

type List = Mutex<Vec<Weak<Watched>>>;

impl Watcher {
    pub(crate) fn start() -> std::io::Result<Self> {
        let list: Arc<List> = Arc::default();
        let seen = Arc::downgrade(&list);
        std::thread::Builder::new().name("worker-watcher".to_owned()).spawn(move || look(&seen))?;
        let processors = Processors::found(may_schedule_others());
        Ok(Self { list, scale: Scale::found(), processors })
    }

    /// Watches the session of this leader from now on, for as long as the answer is kept. The
    /// leader must not have been waited for while it is kept: its number would be another's.
    pub(crate) fn watch(&self, session: Pid, memory_mb: u64, begins: Begins) -> Arc<Watched> {
        // No turn has this number: the first look is what others are compared with.
        let since = Since { turn: u64::MAX, used: Duration::ZERO, at: Instant::now() };
        let watched = Arc::new(Watched {
            session,
            memory_mb,
            turns: AtomicU64::new(0),
            limit_ms: AtomicU64::new(u64::MAX),
            verdict: OnceLock::new(),
            peak_mb: AtomicU64::new(0),
            together: Mutex::new(since),
            since: Mutex::new(since),
            scale: self.scale,
            low: AtomicBool::new(begins.low && self.scale.returns()),
            processors: self.processors,
            aside: AtomicBool::new(begins.aside),
            free: AtomicBool::new(false),
            members: Mutex::default(),
            standing: OnceLock::new(),
        });
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        list.push(Arc::downgrade(&watched));
        watched
    }

    /// Whether a worker that nobody waits for should leave a processor free while it starts: it
    /// takes the place of those that a function ends, one after the other.
    pub(crate) fn somebody_harms(&self) -> bool {
        let list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let workers = list.iter().filter_map(Weak::upgrade);
        let mut standings = workers.filter_map(|worker| worker.standing.get().cloned());
        self.processors.is_some() && standings.any(|standing| standing.is_harmful(now))
    }
}

/// What the kernel counts in.
#[derive(Debug, Clone, Copy)]
struct Unit {
    page_bytes: u64,
    ticks_per_second: u64,
}

fn look(list: &Weak<List>) {
    let number = |what, usual: u64| {
        let said = sysconf(what).ok().flatten().and_then(|number| u64::try_from(number).ok());
        said.filter(|number| *number > 0).unwrap_or(usual)
    };
    let unit = Unit {
        page_bytes: number(SysconfVar::PAGE_SIZE, 4096),
        ticks_per_second: number(SysconfVar::CLK_TCK, 100),
    };
    let mut pause = INTERVAL;
    loop {
        std::thread::sleep(pause);
        let Some(list) = list.upgrade() else { return };
        let workers: Vec<Arc<Watched>> = {
            let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
            list.retain(|worker| worker.strong_count() > 0);
            list.iter().filter_map(Weak::upgrade).collect()
        };
        drop(list);
        let started = Instant::now();
        if !workers.is_empty() {
            let mut sessions = sessions();
            for worker in &workers {
                if let Some(mut usage) = sessions.remove(&worker.session.as_raw()) {
                    usage.scratch = scratch(worker.session);
                    worker.saw(std::mem::take(&mut usage.members));
                    worker.judge(&usage, unit, started);
                    worker.settle(started);
                }
            }
        }
        let is_at_work = workers.iter().any(|it| it.turns.load(Ordering::Relaxed) & 1 == 1);
        let usual = if is_at_work { INTERVAL } else { INTERVAL * 3 };
        pause = usual.max(started.elapsed() * SHARE).min(INTERVAL_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: Unit = Unit { page_bytes: 4096, ticks_per_second: 100 };

    fn watched() -> Arc<Watched> {
        // No process has this number: condemning it ends nobody.
        let scale = Scale::Sessions { usual: 0 };
        let watcher = Watcher { list: Arc::default(), scale, processors: None };
        watcher.watch(Pid::from_raw(i32::MAX), 256, Begins::default())
    }

    fn ticks(ticks: u64) -> Use {
        Use { ticks, ..Use::default() }
    }

    #[test]
    fn memory_of_all_processes_has_a_limit() {
        let worker = watched();
        let mb = |mb: u64| Use { pages: mb * 256, ..Use::default() };
        worker.judge(&mb(300), UNIT, Instant::now());
        assert_eq!((worker.verdict(), worker.peak_mb()), (None, Some(300)));
        // What /tmp holds is seen, and has a limit of its own.
        worker.judge(&Use { scratch: 400 << 20, ..mb(200) }, UNIT, Instant::now());
        assert_eq!((worker.verdict(), worker.peak_mb()), (None, Some(600)));
        worker.judge(&mb(256 + HEADROOM_MB + 1), UNIT, Instant::now());
        assert_eq!(worker.verdict(), Some(Verdict::Memory));
    }

    #[test]
    fn processor_time_counts_from_the_first_look_of_a_call() {
        let worker = watched();
        let now = Instant::now();
        worker.judge(&ticks(900), UNIT, now);
        worker.begin(Duration::from_millis(2000));
        worker.judge(&ticks(1000), UNIT, now);
        worker.judge(&ticks(1200), UNIT, now);
        assert_eq!(worker.verdict(), None);
        worker.end();
        worker.begin(Duration::from_millis(2000));
        worker.judge(&ticks(1300), UNIT, now);
        worker.judge(&ticks(1501), UNIT, now);
        assert_eq!(worker.verdict(), Some(Verdict::Processor { limit_ms: 2000 }));
    }

    #[test]
    fn calls_that_keep_a_processor_together_are_heavy_and_quick_ones_never() {
        for (calls, expected) in [(20, true), (500, false)] {
            let (worker, standing, now) = (watched(), Arc::default(), Instant::now());
            worker.serves(&standing);
            worker.judge(&ticks(100), UNIT, now);
            for _ in 0..calls {
                worker.begin(Duration::from_secs(5));
                worker.end();
            }
            worker.judge(&ticks(190), UNIT, now + TOGETHER);
            assert_eq!(standing.is_low(now + TOGETHER), expected, "{calls} calls");
        }
    }

    #[test]
    fn a_worker_without_a_call_rests() {
        let worker = watched();
        let now = Instant::now();
        worker.judge(&ticks(200), UNIT, now);
        // Little by little is allowed: it is a new window each time.
        let later = now + IDLE_WINDOW + Duration::from_secs(1);
        worker.judge(&ticks(400), UNIT, later);
        worker.judge(&ticks(600), UNIT, later);
        assert_eq!(worker.verdict(), None);
        worker.judge(&ticks(701), UNIT, later);
        assert_eq!(worker.verdict(), Some(Verdict::Idle));
    }
}
