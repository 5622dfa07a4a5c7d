//! The work of an environment that nobody asked for just now: one place where it begins and ends.
//!
//! Each part spawns its tasks on the tracker and leaves them when `stop` is cancelled. What a task
//! must not leave half done, it finishes before it returns: the store is closed afterwards.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::environment::Environment;
use crate::{releases, triggers};

/// How long tasks may take to end when the server stops.
const END_WITHIN: Duration = Duration::from_secs(5);

/// The background work of one server.
#[derive(Debug, Default)]
pub(crate) struct Background {
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl Background {
    /// Starts the work of an environment.
    pub(crate) fn start(&self, environment: &Arc<Environment>) {
        start(environment, self.stop.clone(), &self.tracker);
    }

    /// Asks everything to end; what is running may finish.
    pub(crate) fn ask_to_end(&self) {
        self.stop.cancel();
        self.tracker.close();
    }

    /// Waits until everything has ended, for a while.
    pub(crate) async fn ended(&self) {
        if tokio::time::timeout(END_WITHIN, self.tracker.wait()).await.is_err() {
            tracing::warn!(tasks = self.tracker.len(), "background work did not end in time");
        }
    }
}

/// Starts everything that an environment does by itself.
fn start(environment: &Arc<Environment>, stop: CancellationToken, tracker: &TaskTracker) {
    if environment.is_shared() {
        tracker.spawn(releases::follow(Arc::clone(environment), stop.clone()));
    }
    triggers::start(environment, stop, tracker);
}
