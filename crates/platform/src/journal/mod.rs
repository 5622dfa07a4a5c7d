//! What happened: log lines of functions, invocations, deployments, events of the WeChat simulator.
//!
//! Whoever has something to tell hands it over under a short lock ([`Journal::record`]) and goes
//! on: nothing is formatted, written or waited for there. The newest entries stay in memory, for
//! terminal and console, with a subscription; a task writes all of them into the environments'
//! archives, in batches, never synced, where [`Journal::search`] finds them. What comes faster than
//! that is dropped and counted, and the count is an entry too. Never part of a durable write.

mod archive;
mod entry;
mod search;
mod segment;
mod tail;

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use engine::Clock;
use tokio::sync::{Notify, Semaphore, broadcast};

use crate::error::{Code, Error, Result};
use archive::Archive;
pub use archive::JournalOptions;
pub use entry::{Entry, Event, Level};
pub use search::{PAGE_MAX, Page, Query};
pub use tail::{Follower, Tail};

/// How many entries are kept in memory, and how many bytes they may take.
pub const ENTRIES_MAX: usize = 2_000;
const ENTRY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How many entries a subscriber may lag behind before it is told that some are missing.
const SUBSCRIBER_LAG_MAX: usize = 1_024;
/// How many entries may wait for the archive, and how many bytes they may take.
const WAITING_MAX: usize = 50_000;
const WAITING_BYTES_MAX: usize = 32 * 1024 * 1024;
/// A batch is written when so many wait, or after so long.
const BATCH: usize = 1_000;
const BATCH_PAUSE: Duration = Duration::from_millis(200);
/// How often archives in which nothing is written are looked at for what is too old.
const EXPIRY_PAUSE: Duration = Duration::from_secs(600);
/// How many searches read files at once.
const SEARCHES_MAX: usize = 2;

#[derive(Default)]
struct State {
    ring: VecDeque<Arc<Entry>>,
    ring_bytes: usize,
    waiting: Vec<Arc<Entry>>,
    waiting_bytes: usize,
    /// Entries that the archive did not take, by environment, not told yet.
    dropped: HashMap<String, u64>,
    newest: u64,
}

/// The date of a moment in UTC, `2026-01-31`; ms since 1970.
#[must_use]
pub fn date(at_ms: i64) -> String {
    let (year, month, day) = value::calendar::date_of_days(at_ms.div_euclid(86_400_000));
    format!("{year:04}-{month:02}-{day:02}")
}

/// The journal of a server.
pub struct Journal {
    clock: Clock,
    state: Mutex<State>,
    sender: broadcast::Sender<Arc<Entry>>,
    /// Wakes the writer: something waits, or a whole batch does.
    begun: Notify,
    full: Notify,
    archives: RwLock<HashMap<String, Arc<Archive>>>,
    /// Held while a batch is written, so that batches keep their order.
    writing: tokio::sync::Mutex<()>,
    searches: Semaphore,
}

impl Journal {
    /// An empty journal that keeps nothing on the disk yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            state: Mutex::default(),
            sender: broadcast::channel(SUBSCRIBER_LAG_MAX).0,
            begun: Notify::new(),
            full: Notify::new(),
            archives: RwLock::default(),
            writing: tokio::sync::Mutex::default(),
            searches: Semaphore::new(SEARCHES_MAX),
        }
    }

    /// Keeps the entries of an environment in a folder from now on. Numbers go on behind those
    /// that are there.
    ///
    /// # Errors
    /// The folder cannot be made or listed.
    pub fn keep(&self, environment: &str, folder: &Path, options: JournalOptions) -> Result<()> {
        let archive = Archive::open(folder, options).map_err(|error| {
            let path = folder.display();
            let message = format!(
                "The journal in {path} cannot be used: {error}. / 无法使用日志目录 {path}:{error}。"
            );
            Error::with_cause(Code::StoreFailed, message, error)
        })?;
        let mut state = self.lock();
        state.newest = state.newest.max(archive.newest());
        drop(state);
        let mut archives = self.archives.write().unwrap_or_else(PoisonError::into_inner);
        archives.insert(environment.to_owned(), Arc::new(archive));
        Ok(())
    }

    /// Adds an entry and wakes those who follow.
    pub fn record(&self, environment: &str, at_ms: i64, event: Event) {
        let size = event.size();
        let mut state = self.lock();
        let waiting = state.push(environment, at_ms, event, size);
        if self.sender.receiver_count() > 0
            && let Some(entry) = state.ring.back()
        {
            // No receiver is no fault: the ring still has the entry.
            let _ = self.sender.send(Arc::clone(entry));
        }
        drop(state);
        match waiting {
            1 => self.begun.notify_one(),
            BATCH => self.full.notify_one(),
            _ => {}
        }
    }

    /// The newest entries in memory after `number`, oldest first, and everything that follows them.
    pub fn follow(&self, number: u64) -> (Vec<Arc<Entry>>, broadcast::Receiver<Arc<Entry>>) {
        // Both under the lock, so that nothing falls between the list and the subscription.
        let state = self.lock();
        let newer = state.ring.iter().filter(|entry| entry.number > number);
        (newer.cloned().collect(), self.sender.subscribe())
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<Entry>> {
        self.sender.subscribe()
    }

    /// The number of the newest entry.
    fn newest(&self) -> u64 {
        self.lock().newest
    }

    /// Searches what is kept of an environment, newest first. What was recorded before is found.
    ///
    /// # Errors
    /// Nothing is kept of this environment.
    pub async fn search(&self, environment: &str, query: Query) -> Result<Page> {
        self.flush().await;
        let archive = self.archive(environment).ok_or_else(|| {
            Error::new(Code::Unsupported, "This server keeps no journal. / 本服务器未保存日志。")
        })?;
        // The semaphore is never closed.
        let _turn = self.searches.acquire().await;
        let searching = tokio::task::spawn_blocking(move || search::search(&archive, &query));
        searching.await.map_err(|error| {
            Error::with_cause(Code::Internal, "The search broke off. / 日志搜索中断。", error)
        })
    }

    /// What an environment's archive takes on the disk, in bytes.
    pub fn bytes(&self, environment: &str) -> u64 {
        self.archive(environment).map_or(0, |archive| archive.bytes())
    }

    /// Writes batches until the journal's last other owner is gone. Started once.
    pub async fn write_out(journal: std::sync::Weak<Self>) {
        loop {
            let Some(this) = journal.upgrade() else { return };
            let begun = tokio::time::timeout(EXPIRY_PAUSE, this.begun.notified()).await;
            if begun.is_ok() {
                // Whole batches are written at once; a lone line waits for company.
                let _ = tokio::time::timeout(BATCH_PAUSE, this.full.notified()).await;
                this.flush().await;
            } else {
                this.expire().await;
            }
        }
    }

    /// Hands over to the disk what waits.
    pub async fn flush(&self) {
        let _turn = self.writing.lock().await;
        let now_ms = self.clock.now_ms();
        let batch = {
            let mut state = self.lock();
            if state.waiting.is_empty() {
                return;
            }
            let mut batch = state.take_waiting();
            for (environment, count) in std::mem::take(&mut state.dropped) {
                let event = Event::dropped(count);
                let size = event.size();
                state.push(&environment, now_ms, event, size);
            }
            batch.extend(state.take_waiting());
            batch
        };
        let archives = self.archives.read().unwrap_or_else(PoisonError::into_inner).clone();
        let writing = tokio::task::spawn_blocking(move || write(&batch, &archives, now_ms)).await;
        for (environment, count) in writing.unwrap_or_default() {
            // Told with the next entry that can be written.
            *self.lock().dropped.entry(environment).or_default() += count;
        }
    }

    async fn expire(&self) {
        let archives = self.archives.read().unwrap_or_else(PoisonError::into_inner).clone();
        let now_ms = self.clock.now_ms();
        let expiring = move || archives.values().for_each(|archive| archive.expire(now_ms));
        let _ = tokio::task::spawn_blocking(expiring).await;
    }

    fn archive(&self, environment: &str) -> Option<Arc<Archive>> {
        let archives = self.archives.read().unwrap_or_else(PoisonError::into_inner);
        archives.get(environment).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take_waiting(&mut self) -> Vec<Arc<Entry>> {
        self.waiting_bytes = 0;
        std::mem::take(&mut self.waiting)
    }

    /// Adds an entry and says how many wait for the archive.
    fn push(&mut self, environment: &str, at_ms: i64, event: Event, size: usize) -> usize {
        self.newest += 1;
        let environment = environment.to_owned();
        let entry = Arc::new(Entry { number: self.newest, at_ms, environment, event });
        if self.waiting.len() < WAITING_MAX && self.waiting_bytes + size <= WAITING_BYTES_MAX {
            self.waiting_bytes += size;
            self.waiting.push(Arc::clone(&entry));
        } else {
            *self.dropped.entry(entry.environment.clone()).or_default() += 1;
        }
        self.ring_bytes += size;
        self.ring.push_back(entry);
        while self.ring.len() > ENTRIES_MAX || self.ring_bytes > ENTRY_BYTES_MAX {
            let Some(oldest) = self.ring.pop_front() else { break };
            self.ring_bytes -= oldest.event.size();
        }
        self.waiting.len()
    }
}

/// Writes a batch into the archives it belongs to, and says how many entries each did not take.
fn write(
    batch: &[Arc<Entry>],
    archives: &HashMap<String, Arc<Archive>>,
    now_ms: i64,
) -> Vec<(String, u64)> {
    let mut lost = Vec::new();
    for (environment, archive) in archives {
        let own = || batch.iter().map(|it| &**it).filter(|it| it.environment == *environment);
        if let Err(error) = archive.append(own(), now_ms) {
            tracing::warn!(environment, %error, "the journal cannot be written");
            let count = own().map(|entry| match &entry.event {
                Event::Dropped { count, .. } => *count,
                _ => 1,
            });
            lost.push((environment.clone(), count.sum()));
        }
    }
    lost
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Journal").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(text: impl Into<String>) -> Event {
        Event::Notice { text: text.into() }
    }

    #[test]
    fn what_is_in_memory_is_bounded_and_numbers_go_on() {
        let journal = Journal::new(Clock::fixed(0));
        for number in 0..ENTRIES_MAX + 10 {
            journal.record("e", 0, notice(number.to_string()));
        }
        let (entries, _) = journal.follow(0);
        assert_eq!(entries.len(), ENTRIES_MAX);
        assert_eq!(entries.first().map(|entry| entry.number), Some(11));
        assert_eq!(journal.follow(ENTRIES_MAX as u64 + 9).0.len(), 1);
        for _ in 0..100 {
            journal.record("e", 0, notice("x".repeat(ENTRY_BYTES_MAX / 10)));
        }
        assert!(journal.follow(0).0.len() < 11);
    }

    #[tokio::test]
    async fn a_search_finds_what_was_just_recorded_also_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        for round in 1..4_u64 {
            let journal = Journal::new(Clock::fixed(5));
            journal.keep("e", folder.path(), JournalOptions::default()).unwrap();
            journal.record("e", 5, notice("mine"));
            journal.record("other", 5, notice("not mine"));
            let query = Query { limit: 10, ..Query::default() };
            let page = journal.search("e", query.clone()).await.unwrap();
            assert_eq!(page.entries.len() as u64, round);
            assert!(page.entries[0].get().contains("\"mine\""), "{}", page.entries[0]);
            assert!(journal.search("other", query).await.is_err());
        }
    }

    #[tokio::test]
    async fn what_the_archive_could_not_take_is_counted_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::new(Clock::fixed(5));
        journal.keep("e", folder.path(), JournalOptions::default()).unwrap();
        for _ in 0..WAITING_MAX + 7 {
            journal.record("e", 0, notice(""));
        }
        let dropped = Query { kinds: vec!["dropped".into()], ..Query::default() };
        let page = journal.search("e", Query { limit: 10, ..dropped }).await.unwrap();
        assert_eq!(page.entries.len(), 1);
        assert!(page.entries[0].get().contains("\"count\":7"), "{}", page.entries[0]);
    }
}
