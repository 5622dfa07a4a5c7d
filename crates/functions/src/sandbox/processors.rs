//! Which processors a worker may use: all that the server has, or all but one. Weights say who is
//! next; they do not interrupt the kernel while it clears memory for a worker or ends its
//! processes. It never gives a worker more than the server has.

use std::fs;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::{Pid, getsid};

/// The processors of this server, where there are two and its workers can be given them back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Processors {
    all: CpuSet,
    all_but_one: CpuSet,
}

impl Processors {
    /// `rights`: this process may place processes of other users.
    pub(crate) fn found(rights: bool) -> Option<Self> {
        // Workers of a server that is root have users of their own.
        let may_place = rights || !nix::unistd::geteuid().is_root();
        Self::of_this_process().filter(|_| may_place)
    }

    fn of_this_process() -> Option<Self> {
        let all = sched_getaffinity(Pid::from_raw(0)).ok()?;
        let mut ours = (0..CpuSet::count()).filter(|at| all.is_set(*at) == Ok(true));
        let (first, _second) = (ours.next()?, ours.next()?);
        let mut all_but_one = all;
        all_but_one.unset(first).ok()?;
        Some(Self { all, all_but_one })
    }

    /// Places all threads of these processes of a session; what they start inherits it. False: some
    /// of them could not be placed now.
    pub(crate) fn place(&self, session: Pid, members: &[i32], aside: bool) -> bool {
        let set = if aside { &self.all_but_one } else { &self.all };
        let mut placed = true;
        for member in members {
            // One that ended meanwhile needs no place, and its number may be another's.
            if getsid(Some(Pid::from_raw(*member))) != Ok(session) {
                continue;
            }
            let Ok(threads) = fs::read_dir(format!("/proc/{member}/task")) else { continue };
            for thread in threads.flatten() {
                let Some(id) = thread.file_name().to_str().and_then(|id| id.parse().ok()) else {
                    continue;
                };
                let outcome = sched_setaffinity(Pid::from_raw(id), set);
                placed &= matches!(outcome, Ok(()) | Err(nix::Error::ESRCH));
            }
        }
        placed
    }

    /// This process leaves one of its processors to others, and so does all that comes from it.
    pub(crate) fn step_aside() {
        if let Some(processors) = Self::of_this_process() {
            let _ = sched_setaffinity(Pid::from_raw(0), &processors.all_but_one);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_placed_and_given_all_back() {
        // On a machine with one processor nobody is placed.
        let Some(processors) = Processors::found(true) else { return };
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let session = getsid(None).unwrap();
        let id = i32::try_from(child.id()).unwrap();
        for (aside, expected) in [(true, processors.all_but_one), (false, processors.all)] {
            assert!(processors.place(session, &[id], aside));
            assert_eq!(sched_getaffinity(Pid::from_raw(id)), Ok(expected));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(processors.place(session, &[id, i32::MAX], true), "those that ended");
    }
}
