//! What happened lately, for the terminal and the console: log lines of functions, invocations,
//! deployments, events of the WeChat simulator.
//!
//! A bounded ring in memory plus a subscription; it is a window, not an archive, and never part of
//! a durable write.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use tokio::sync::broadcast;

/// How many entries the ring keeps.
pub const ENTRIES_MAX: usize = 2_000;
/// How many entries a subscriber may lag behind before it is told that some are missing.
const SUBSCRIBER_LAG_MAX: usize = 1_024;

/// One thing that happened.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Rises by one per entry; a gap at a reader means missed entries.
    pub number: u64,
    /// When, ms since 1970.
    pub at_ms: i64,
    /// The environment it happened in.
    pub environment: String,
    /// What it is.
    #[serde(flatten)]
    pub event: Event,
}

/// What kinds of things happen.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Event {
    /// A line written by a function.
    Log {
        /// The invocation that wrote it; empty for lines outside any.
        request_id: String,
        /// The function's name.
        function: String,
        /// `debug`, `info`, `warn` or `error`.
        level: String,
        /// The line.
        text: String,
    },
    /// An invocation has settled.
    Invocation {
        /// Its id.
        request_id: String,
        /// The function's name.
        function: String,
        /// The chain of sources.
        source: String,
        /// The openid it ran for, if any.
        openid: Option<String>,
        /// True when the worker had to be given the function first.
        cold: bool,
        /// From dispatch to answer, in µs.
        duration_us: u64,
        /// The error's sentence; none when it succeeded.
        error: Option<String>,
    },
    /// A function or the project was deployed, or could not be.
    Deployment {
        /// The function's name, or what else was deployed.
        subject: String,
        /// True when it is live now.
        succeeded: bool,
        /// What to tell the developer.
        text: String,
    },
    /// Something the WeChat simulator did.
    WeChat {
        /// `sign-in`, `code`, `subscribe-message` ….
        what: String,
        /// One line.
        title: String,
        /// All of it.
        detail: serde_json::Value,
    },
    /// A remark for the operator.
    Notice {
        /// The remark.
        text: String,
    },
}

struct Ring {
    entries: VecDeque<Entry>,
    next_number: u64,
}

/// The ring and its subscription.
pub struct Journal {
    ring: Mutex<Ring>,
    sender: broadcast::Sender<Entry>,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            ring: Mutex::new(Ring { entries: VecDeque::new(), next_number: 1 }),
            sender: broadcast::channel(SUBSCRIBER_LAG_MAX).0,
        }
    }
}

impl Journal {
    /// Adds an entry and wakes the subscribers.
    pub fn record(&self, environment: &str, at_ms: i64, event: Event) {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let entry =
            Entry { number: ring.next_number, at_ms, environment: environment.to_owned(), event };
        ring.next_number += 1;
        if ring.entries.len() == ENTRIES_MAX {
            ring.entries.pop_front();
        }
        if self.sender.receiver_count() > 0 {
            // No receiver is no fault: the ring still has the entry.
            let _ = self.sender.send(entry.clone());
        }
        ring.entries.push_back(entry);
    }

    /// The newest entries after `number`, oldest first, and everything that follows them.
    pub fn follow(&self, number: u64) -> (Vec<Entry>, broadcast::Receiver<Entry>) {
        // Both under the lock, so that nothing falls between the list and the subscription.
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = ring.entries.iter().filter(|entry| entry.number > number).cloned().collect();
        (entries, self.sender.subscribe())
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Journal").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_is_bounded_and_numbers_go_on() {
        let journal = Journal::default();
        for number in 0..ENTRIES_MAX + 10 {
            journal.record("e", 0, Event::Notice { text: number.to_string() });
        }
        let (entries, _) = journal.follow(0);
        assert_eq!(entries.len(), ENTRIES_MAX);
        assert_eq!(entries.first().map(|entry| entry.number), Some(11));
        assert_eq!(journal.follow(ENTRIES_MAX as u64 + 9).0.len(), 1);
    }
}
