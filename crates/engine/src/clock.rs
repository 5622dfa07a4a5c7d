//! Time, injected. [`Clock::system`] is the only place of the crate that reads the system time.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Tells milliseconds since 1970-01-01 UTC.
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> i64 + Send + Sync>,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Clock {
        Clock::from_fn(|| {
            // A clock set before 1970 counts as 1970: ids then merely lose their time order.
            let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
        })
    }

    /// A clock that stands still at `now_ms`, for tests.
    pub fn fixed(now_ms: i64) -> Clock {
        Clock::from_fn(move || now_ms)
    }

    /// A clock that asks `now`, which returns milliseconds since 1970.
    pub fn from_fn(now: impl Fn() -> i64 + Send + Sync + 'static) -> Clock {
        Clock { now: Arc::new(now) }
    }

    /// Milliseconds since 1970-01-01 UTC.
    pub fn now_ms(&self) -> i64 {
        (self.now)()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Clock").field(&self.now_ms()).finish()
    }
}
