//! A connection that function code made to the platform, and which invocation each request on it
//! belongs to.
//!
//! A worker names the invocation of every request in a header. The ledger of that worker alone
//! decides whether to believe it: an id that this very process did not run is refused, so a
//! function cannot borrow the identity of another call.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Header that names the invocation of a request made inside a worker.
pub const INVOCATION_HEADER: &str = "x-yunkai-invocation";

/// How many settled invocations a worker may still speak for, the newest ones …
pub const RECENT_MAX: usize = 1024;
/// … and for how long.
const RECENT_AGE_MAX: Duration = Duration::from_secs(60);

/// A byte stream accepted on a worker's private socket: plain HTTP/1.1, keep-alive.
#[derive(Debug)]
pub struct WorkerConnection {
    /// The stream; the platform serves HTTP on it.
    pub stream: tokio::net::UnixStream,
    owner: ConnectionOwner,
}

impl WorkerConnection {
    /// `is_node`: made by the worker's Node, not by a program that a function started.
    pub(crate) fn new(stream: tokio::net::UnixStream, ledger: Arc<Ledger>, is_node: bool) -> Self {
        Self { stream, owner: ConnectionOwner { ledger, is_node } }
    }

    /// The request id of the invocation that a request on this connection belongs to.
    ///
    /// `header` is the value of [`INVOCATION_HEADER`]: believed only when this worker runs that
    /// invocation or ran it within the last minute. Without a header, the running one, if Node
    /// itself asks: a program that an earlier call left behind must not act as a later one.
    #[must_use]
    pub fn invocation(&self, header: Option<&str>) -> Option<String> {
        self.owner.invocation(header)
    }

    /// Splits the connection into its stream and the part that still answers [`Self::invocation`].
    #[must_use]
    pub fn into_parts(self) -> (tokio::net::UnixStream, ConnectionOwner) {
        (self.stream, self.owner)
    }
}

/// Who is behind a connection whose stream has been handed to a server.
#[derive(Debug, Clone)]
pub struct ConnectionOwner {
    ledger: Arc<Ledger>,
    is_node: bool,
}

impl ConnectionOwner {
    /// See [`WorkerConnection::invocation`].
    #[must_use]
    pub fn invocation(&self, header: Option<&str>) -> Option<String> {
        if header.is_none() && !self.is_node {
            return None;
        }
        self.ledger.find(header)
    }
}

/// Which invocations one worker runs and ran lately.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    current: Option<Arc<str>>,
    /// Sent to the worker and waiting there; it may begin before its predecessor's end is read.
    ahead: VecDeque<Arc<str>>,
    recent: VecDeque<(Arc<str>, Instant)>,
}

impl Ledger {
    /// The worker begins this invocation.
    pub(crate) fn begin(&self, request_id: &Arc<str>) {
        let mut entries = self.lock();
        entries.ahead.retain(|id| id != request_id);
        entries.current = Some(Arc::clone(request_id));
    }

    /// The worker was sent this invocation and will begin it by itself.
    pub(crate) fn expect(&self, request_id: &Arc<str>) {
        self.lock().ahead.push_back(Arc::clone(request_id));
    }

    /// The worker gave this invocation back without beginning it.
    pub(crate) fn forget(&self, request_id: &Arc<str>) {
        self.lock().ahead.retain(|id| id != request_id);
    }

    /// The running invocation settled: it may still be spoken for, for a while.
    pub(crate) fn settle(&self) {
        let mut entries = self.lock();
        if let Some(id) = entries.current.take() {
            if entries.recent.len() == RECENT_MAX {
                entries.recent.pop_front();
            }
            entries.recent.push_back((id, Instant::now()));
        }
    }

    /// The invocation never began here: the one before it is still settling.
    pub(crate) fn withdraw(&self) {
        let mut entries = self.lock();
        entries.current = entries.recent.pop_back().map(|(id, _)| id);
    }

    /// The running invocation, else the last one that settled: for output that names none.
    pub(crate) fn latest(&self) -> Option<String> {
        let entries = self.lock();
        let last = || entries.recent.back().map(|(id, _)| id);
        entries.current.as_ref().or_else(last).map(|id| id.to_string())
    }

    pub(crate) fn find(&self, header: Option<&str>) -> Option<String> {
        let entries = self.lock();
        let Some(claimed) = header else {
            return entries.current.as_deref().map(str::to_owned);
        };
        let runs = entries.current.as_deref() == Some(claimed)
            || entries.ahead.iter().any(|id| &**id == claimed);
        let ran = entries
            .recent
            .iter()
            .any(|(id, settled)| &**id == claimed && settled.elapsed() <= RECENT_AGE_MAX);
        (runs || ran).then(|| claimed.to_owned())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
