//! What the simulator did, for the console: a bounded list of recent events and a subscription.
//! Nothing here is durable, and a slow reader loses the oldest events instead of holding memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast;

/// How many events [`Events::recent`] remembers.
pub const RECENT_EVENTS_MAX: usize = 500;
/// How many events a subscriber may lag behind before it misses some.
const SUBSCRIBER_LAG_MAX: usize = 256;

/// One thing the simulator did.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatorEvent {
    /// Counts up from 1 since the start; a gap means missed events.
    pub number: u64,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// `sign-in`, `code`, `mini-program-code`, `content-check`, `subscribe-message`, `message`,
    /// `template`, `link`, `phone-number`, `media`, `open-data`, `signature`, `payment`, `call` or
    /// `refused`.
    pub kind: &'static str,
    /// One line for a list.
    pub title: String,
    /// Everything known about it.
    pub detail: serde_json::Value,
}

/// The recent events and a way to hear new ones; cheap to clone.
#[derive(Clone)]
pub struct Events {
    recent: Arc<Mutex<Recent>>,
    sender: broadcast::Sender<SimulatorEvent>,
}

#[derive(Default)]
struct Recent {
    last_number: u64,
    events: VecDeque<SimulatorEvent>,
}

impl Events {
    pub(crate) fn new() -> Self {
        Self { recent: Arc::default(), sender: broadcast::Sender::new(SUBSCRIBER_LAG_MAX) }
    }

    /// The remembered events, oldest first, at most [`RECENT_EVENTS_MAX`].
    pub fn recent(&self) -> Vec<SimulatorEvent> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.events.iter().cloned().collect()
    }

    /// Hears every event recorded from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<SimulatorEvent> {
        self.sender.subscribe()
    }

    pub(crate) fn record(
        &self,
        at_ms: i64,
        kind: &'static str,
        title: String,
        detail: serde_json::Value,
    ) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.last_number += 1;
        let event = SimulatorEvent { number: recent.last_number, at_ms, kind, title, detail };
        if recent.events.len() == RECENT_EVENTS_MAX {
            recent.events.pop_front();
        }
        recent.events.push_back(event.clone());
        // Sent under the lock, so that subscribers see the order of the numbers. An error here only
        // means that nobody listens.
        let _ = self.sender.send(event);
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}
