//! How much of the processor a worker gets while others want it too. It never holds a worker back
//! on a processor that is free, and it knows nothing of time limits.
//!
//! Where the scheduler weighs sessions (`sched_autogroup`), one word weighs a worker with all its
//! processes and threads, and takes nothing to be taken back. Elsewhere nice values are set, of all
//! threads of the worker's group; without the right to raise them again, a worker that was weighed
//! down cannot serve quick calls any more.

use std::fs;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::resource::Resource;
use nix::unistd::{Pid, getsid};
use serde::{Deserialize, Serialize};

/// Nice value of a worker that is weighed down: beside a busy worker of usual weight it gets a
/// thirtieth of a processor.
const LOW: i32 = 15;
/// The highest there is.
const NICE_MAX: i32 = 19;
/// Whoever may raise a nice value to 0 again has this limit: 20 - 0.
const RAISES_TO_ZERO: u64 = 20;
/// Its bit in the sets of capabilities.
const CAP_SYS_NICE: u32 = 23;
/// After calls that kept a processor, the function's workers stay weighed down for so many times as
/// long as these went on, and within these bounds.
const AFTER_HEAVY_TIMES: u32 = 3;
const AFTER_HEAVY_MIN: Duration = Duration::from_secs(5);
const AFTER_HEAVY_MAX: Duration = Duration::from_secs(60);
/// It is looked at more often than this, mostly.
const LOOK_MAX: Duration = Duration::from_secs(1);
/// After a call that ended its worker.
const AFTER_HARM: Duration = Duration::from_secs(60);
/// One event is seen in more than one place, all within this time.
const SAME_HARM: Duration = Duration::from_secs(1);

/// How the scheduler is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Scale {
    /// By session, with what a worker of usual weight has.
    Sessions { usual: i32 },
    /// By thread; `returns`: the usual value can be given back.
    Threads { usual: i32, returns: bool },
}

/// How a worker was started.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Begins {
    /// Weighed down.
    pub low: bool,
    /// Leaving a processor to others.
    pub aside: bool,
}

impl Scale {
    /// What this machine offers.
    pub(crate) fn found() -> Self {
        if weighs_sessions() {
            let own = fs::read_to_string("/proc/self/autogroup").unwrap_or_default();
            let nice = own.rsplit_once("nice ").and_then(|(_, nice)| nice.trim().parse().ok());
            // Below zero takes rights to come back to.
            return Self::Sessions { usual: nice.unwrap_or(0).max(0) };
        }
        let usual = rustix::process::getpriority_process(None).unwrap_or(0);
        Self::Threads { usual, returns: may_raise(usual) }
    }

    /// Whether a worker that was weighed down can become as it was.
    pub(crate) fn returns(self) -> bool {
        !matches!(self, Self::Threads { returns: false, .. })
    }

    fn nice(self, low: bool) -> i32 {
        let (Self::Sessions { usual } | Self::Threads { usual, .. }) = self;
        if low { (usual + LOW).min(NICE_MAX) } else { usual }
    }

    /// Weighs a worker: the session, and group, of this leader. False when it was not possible now.
    pub(crate) fn weigh(self, leader: Pid, low: bool) -> bool {
        // At first it is still of the server's session; later its number may be another's.
        if getsid(Some(leader)) != Ok(leader) {
            return false;
        }
        let nice = self.nice(low);
        match self {
            // Without rights, the kernel takes ten words a second: the next look says it again.
            Self::Sessions { .. } => {
                fs::write(format!("/proc/{leader}/autogroup"), nice.to_string()).is_ok()
            }
            Self::Threads { .. } => {
                let group = rustix::process::Pid::from_raw(leader.as_raw());
                rustix::process::setpriority_pgrp(group, nice).is_ok()
            }
        }
    }

    /// What a launcher does first that nobody waits for: it and all that come from it are weighed
    /// down. It leads a session of its own already.
    pub(crate) fn begin_low(self) {
        if self.returns() {
            self.weigh(nix::unistd::getpid(), true);
        }
    }
}

/// Gives all of a group the least weight there is, for its end. A process that ends leaves its
/// session's weight behind: five hundred would weigh as much as five hundred servers.
pub(crate) fn weigh_least(leader: Pid) {
    let group = rustix::process::Pid::from_raw(leader.as_raw());
    // Some of them may be gone already.
    let _ = rustix::process::setpriority_pgrp(group, NICE_MAX);
}

/// Whether sessions have weights here: not in a control group that has its own.
fn weighs_sessions() -> bool {
    let enabled = fs::read_to_string("/proc/sys/kernel/sched_autogroup_enabled");
    enabled.is_ok_and(|text| text.trim() == "1") && !has_own_shares()
}

/// Whether this process is in a control group with processor shares, which groups by session are
/// not made in.
fn has_own_shares() -> bool {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    own.lines().any(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next().unwrap_or(""), parts.next().unwrap_or("/"));
        if controllers.is_empty() {
            // Only groups that have shares have this file; a container sees its own as "/".
            let groups = Path::new("/sys/fs/cgroup").join(path.trim_start_matches('/'));
            return groups
                .ancestors()
                .take_while(|it| it.starts_with("/sys/fs/cgroup"))
                .any(|group| group.join("cpu.weight").exists());
        }
        path != "/" && controllers.split(',').any(|it| it == "cpu")
    })
}

/// Whether this process may set a nice value of its workers back to this.
fn may_raise(usual: i32) -> bool {
    may_schedule_others() || limit_reaches(usual)
}

/// Whether this process may say how processes of other users are scheduled.
pub(crate) fn may_schedule_others() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let powers = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let powers = powers.and_then(|text| u64::from_str_radix(text.trim(), 16).ok()).unwrap_or(0);
    powers & (1 << CAP_SYS_NICE) != 0
}

#[cfg(target_os = "linux")]
fn limit_reaches(usual: i32) -> bool {
    let needed = RAISES_TO_ZERO.saturating_add_signed(-i64::from(usual));
    nix::sys::resource::getrlimit(Resource::RLIMIT_NICE).is_ok_and(|(soft, _)| soft >= needed)
}

#[cfg(not(target_os = "linux"))]
fn limit_reaches(_usual: i32) -> bool {
    false
}

/// What is known of how a function treats its neighbours; shared by all its workers.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    low_until: Option<Instant>,
    /// How long it was heavy since it is weighed down.
    heavy: Duration,
    last_heavy: Option<Instant>,
    last_harm: Option<Instant>,
    harmful_until: Option<Instant>,
}

impl Standing {
    /// One of its calls kept a processor.
    pub(crate) fn was_heavy(&self, now: Instant) {
        let mut known = self.lock();
        if known.low_until.is_none_or(|end| end <= now) {
            (known.heavy, known.last_heavy) = (Duration::ZERO, None);
        }
        let since = known.last_heavy.map(|last| now.saturating_duration_since(last));
        known.heavy += since.unwrap_or_default().min(LOOK_MAX);
        known.last_heavy = Some(now);
        let after = (known.heavy * AFTER_HEAVY_TIMES).clamp(AFTER_HEAVY_MIN, AFTER_HEAVY_MAX);
        known.low_at_least_until(now + after);
    }

    /// One of its calls ended its worker, so that another one had to be started, or logged faster
    /// than it may.
    pub(crate) fn did_harm(&self, now: Instant) {
        let mut known = self.lock();
        known.low_at_least_until(now + AFTER_HARM);
        let since = known.last_harm.map(|last| now.saturating_duration_since(last));
        if since.is_some_and(|since| since < SAME_HARM) {
            return;
        }
        if since.is_some_and(|since| since < AFTER_HARM) {
            known.harmful_until = Some(now + AFTER_HARM);
        }
        known.last_harm = Some(now);
    }

    /// Other code: nothing is known of it.
    pub(crate) fn forget(&self) {
        *self.lock() = Known::default();
    }

    /// Whether its workers are to be weighed down.
    pub(crate) fn is_low(&self, now: Instant) -> bool {
        self.lock().low_until.is_some_and(|it| now < it)
    }

    /// Whether its calls end one worker after the other: these leave a processor to others.
    pub(crate) fn is_harmful(&self, now: Instant) -> bool {
        self.lock().harmful_until.is_some_and(|it| now < it)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn low_at_least_until(&mut self, end: Instant) {
        self.low_until = Some(self.low_until.map_or(end, |before| before.max(end)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_forgiven_after_a_while() {
        let (standing, now) = (Standing::default(), Instant::now());
        assert!(!standing.is_low(now));
        standing.did_harm(now);
        standing.was_heavy(now);
        assert!(standing.is_low(now + AFTER_HARM - Duration::from_secs(1)));
        assert!(!standing.is_low(now + AFTER_HARM));
        standing.was_heavy(now);
        standing.forget();
        assert!(!standing.is_low(now));
    }

    #[test]
    fn who_was_heavy_for_long_is_forgiven_later() {
        let (standing, now) = (Standing::default(), Instant::now());
        standing.was_heavy(now);
        assert!(!standing.is_low(now + AFTER_HEAVY_MIN));
        let at = |second| now + Duration::from_secs(second);
        for second in 10..=20 {
            standing.was_heavy(at(second));
        }
        assert!(standing.is_low(at(20 + 29)) && !standing.is_low(at(20 + 30)));
    }

    #[test]
    fn only_who_ends_workers_again_and_again_leaves_a_processor_to_others() {
        let (standing, now) = (Standing::default(), Instant::now());
        standing.did_harm(now);
        // The same end, seen by somebody else.
        standing.did_harm(now + SAME_HARM / 2);
        assert!(!standing.is_harmful(now + SAME_HARM));
        let again = now + AFTER_HARM / 2;
        standing.did_harm(again);
        assert!(standing.is_harmful(again) && !standing.is_harmful(again + AFTER_HARM));
        standing.did_harm(again + 2 * AFTER_HARM);
        assert!(!standing.is_harmful(again + 2 * AFTER_HARM), "once in a while");
    }

    #[test]
    fn nobody_is_weighed_but_the_leader_of_a_session() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
        // It is of the session of this test, which must not be weighed down with it.
        assert!(!Scale::found().weigh(pid, true));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
