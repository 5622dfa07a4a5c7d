//! What a worker in service takes of the server's limits: why it is wanted, what it counts for,
//! and when it stops counting. It refuses to know who gives way; that is the
//! [`scaler`](crate::scaler)'s word.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use crate::hall::Hall;
use crate::pool::Pool;

/// Whom a worker is to serve.
#[derive(Debug)]
pub(crate) struct Order {
    pub pool: Arc<Pool>,
    pub share: Arc<Share>,
}

/// Why a worker is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Calls wait, or will.
    Calls,
    /// Calls wait for so long that the limits bend.
    Stuck,
    /// To be kept ready: takes no room from others.
    Ready,
}

/// What one worker in service uses of the limits, until it is given back.
#[derive(Debug)]
pub(crate) struct Share {
    hall: Weak<Hall>,
    memory_mb: u64,
    returned: AtomicBool,
}

impl Share {
    pub(crate) fn new(hall: &Arc<Hall>, memory_mb: u64) -> Arc<Self> {
        let (hall, returned) = (Arc::downgrade(hall), AtomicBool::new(false));
        Arc::new(Self { hall, memory_mb, returned })
    }

    /// Makes room for others; only the first time counts.
    pub(crate) fn give_back(&self) {
        if !self.returned.swap(true, Ordering::Relaxed)
            && let Some(hall) = self.hall.upgrade()
        {
            hall.has_room(self.memory_mb);
        }
    }
}

/// The memory of this machine, where it says.
pub(crate) fn machine_memory_mb() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes / 1024)
}
