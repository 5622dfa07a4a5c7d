//! A disk that can lose power, for simulations: a memory store whose contents outlive its handle.
//! A crash comes between any two calls of the store, or in the middle of a commit; afterwards
//! every synced commit is there, and of the batches loaded behind the last of them as many as the
//! seed says, oldest first. It refuses to tear a batch apart: that is the journal's to prevent,
//! and is tested on real files.

use std::collections::BTreeMap;
use std::io;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

use crate::memory_adapter::{MemoryAdapter, MemorySnapshot};
use crate::{Batch, Error, Head, Page};

/// What stays when a store over it "loses power". Clones are the same disk.
#[derive(Clone)]
pub struct SimulatedDisk {
    state: Arc<Mutex<State>>,
}

struct State {
    contents: BTreeMap<Bytes, Bytes>,
    /// Number of the newest synced commit.
    synced: u64,
    /// Loaded after it and not synced yet, oldest first.
    unsynced: Vec<Batch>,
    chance: u64,
    calls: u64,
    /// The call, counted from the first, that fails, as do all later ones.
    crash_at: Option<u64>,
    /// How often a call lets other tasks go first, at most.
    pauses_max: u64,
    /// How often the disk was opened or crashed; handles of an earlier age are dead.
    age: u64,
    /// Tells those who wait for a commit of this age that none will come.
    head: Option<watch::Sender<Head>>,
}

impl SimulatedDisk {
    /// An empty disk. All its chances follow from `seed`.
    pub fn new(seed: u64) -> SimulatedDisk {
        let state = State {
            contents: BTreeMap::new(),
            synced: 0,
            unsynced: Vec::new(),
            chance: seed,
            calls: 0,
            crash_at: None,
            pauses_max: 0,
            age: 0,
            head: None,
        };
        SimulatedDisk { state: Arc::new(Mutex::new(state)) }
    }

    /// Calls that stores over this disk have made so far: `get_many`, `range`, turns, commits and
    /// loads.
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// Lets the power fail in the `calls`-th call from now on (1 is the next). A commit that meets
    /// it has happened or not, by chance, and is not acknowledged. Every later call of the handle
    /// fails, too, until the disk is opened again.
    pub fn crash_after(&self, calls: u64) {
        let mut state = self.state();
        state.crash_at = Some(state.calls + calls.max(1));
    }

    /// From now on every call lets other tasks of the runtime go first, up to `most` times by
    /// chance, so that one seed is one of many orders in which things can happen.
    pub fn pause_up_to(&self, most: u64) {
        self.state().pauses_max = most;
    }

    /// Lets the power fail now.
    pub fn crash(&self) {
        self.state().lose_power();
    }

    /// Begins a new life of the disk; a handle that is still open loses its power.
    pub(crate) fn open(&self) -> SimulatedAdapter {
        let mut state = self.state();
        state.lose_power();
        let memory = MemoryAdapter::holding(&state.contents, state.synced);
        SimulatedAdapter { memory, power: Power { disk: self.clone(), age: state.age } }
    }

    pub(crate) fn watch(&self, head: watch::Sender<Head>) {
        self.state().head = Some(head);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for SimulatedDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.state();
        f.debug_struct("SimulatedDisk")
            .field("synced", &state.synced)
            .field("unsynced", &state.unsynced.len())
            .field("calls", &state.calls)
            .finish_non_exhaustive()
    }
}

impl State {
    /// The next of an endless row of even chances (splitmix64).
    fn next_chance(&mut self) -> u64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.chance ^ (self.chance >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Counts a call; false when it is the one in which the power fails.
    fn count(&mut self) -> bool {
        self.calls += 1;
        self.crash_at != Some(self.calls)
    }

    fn lose_power(&mut self) {
        let kept = self.next_chance() % (self.unsynced.len() as u64 + 1);
        let unsynced = std::mem::take(&mut self.unsynced);
        for batch in unsynced.into_iter().zip(0..kept).map(|(batch, _)| batch) {
            self.apply(batch);
        }
        self.age += 1;
        self.crash_at = None;
        if let Some(head) = self.head.take() {
            head.send_modify(|head| head.is_closed = true);
        }
    }

    fn sync(&mut self) {
        for batch in std::mem::take(&mut self.unsynced) {
            self.apply(batch);
        }
    }

    fn apply(&mut self, batch: Batch) {
        for (key, value) in batch.writes {
            match value {
                Some(value) => self.contents.insert(key, value),
                None => self.contents.remove(&key),
            };
        }
        self.synced += 1;
    }

    fn keep(&mut self, batch: Batch, is_durable: bool) {
        self.unsynced.push(batch);
        if is_durable {
            self.sync();
        }
    }
}

/// What a handle and its snapshots hang on.
#[derive(Clone)]
struct Power {
    disk: SimulatedDisk,
    age: u64,
}

impl Power {
    /// Fails when the power is gone.
    fn check(&self) -> Result<MutexGuard<'_, State>, Error> {
        let state = self.disk.state();
        if state.age == self.age { Ok(state) } else { Err(gone()) }
    }

    /// As [`Power::check`], for a call that counts and may be the one that meets the crash.
    fn call(&self) -> Result<(), Error> {
        let mut state = self.check()?;
        if state.count() {
            return Ok(());
        }
        state.lose_power();
        Err(gone())
    }
}

impl Power {
    /// Lets other tasks go first.
    async fn pause(&self) {
        let pauses = {
            let mut state = self.disk.state();
            let most = state.pauses_max;
            if most == 0 { 0 } else { state.next_chance() % (most + 1) }
        };
        for _ in 0..pauses {
            tokio::task::yield_now().await;
        }
    }
}

fn gone() -> Error {
    Error::Io(io::Error::other("the simulated disk has no power"))
}

pub(crate) struct SimulatedAdapter {
    memory: MemoryAdapter,
    power: Power,
}

impl SimulatedAdapter {
    /// Lets other tasks go first.
    pub(crate) async fn pause(&self) {
        self.power.pause().await;
    }

    /// Number of the newest commit when the disk was opened, or since.
    pub(crate) fn newest(&self) -> u64 {
        self.memory.number()
    }

    pub(crate) fn snapshot(&self) -> Result<SimulatedSnapshot, Error> {
        let _powered = self.power.check()?;
        Ok(SimulatedSnapshot { memory: self.memory.snapshot(), power: self.power.clone() })
    }

    /// Counts the beginning of a turn.
    pub(crate) fn begin_turn(&self) -> Result<(), Error> {
        self.power.call()
    }

    pub(crate) fn commit(&self, batch: Batch, number: u64, is_durable: bool) -> Result<(), Error> {
        let mut state = self.power.check()?;
        let is_powered = state.count();
        let mut committed = Ok(());
        if is_powered || state.next_chance() % 2 == 0 {
            committed = self.memory.commit(batch.clone(), number);
            if committed.is_ok() {
                state.keep(batch, is_durable);
            }
        }
        if is_powered {
            return committed;
        }
        state.lose_power();
        Err(gone())
    }

    pub(crate) fn number(&self) -> Result<u64, Error> {
        let _powered = self.power.check()?;
        Ok(self.newest())
    }

    pub(crate) fn close(&self) -> Result<(), Error> {
        self.memory.close();
        self.power.check()?.sync();
        Ok(())
    }
}

#[derive(Clone)]
pub(crate) struct SimulatedSnapshot {
    memory: MemorySnapshot,
    power: Power,
}

impl SimulatedSnapshot {
    /// Lets other tasks go first.
    pub(crate) async fn pause(&self) {
        self.power.pause().await;
    }

    pub(crate) fn number(&self) -> u64 {
        self.memory.number()
    }

    pub(crate) fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Bytes>>, Error> {
        self.power.call()?;
        Ok(self.memory.get_many(keys))
    }

    pub(crate) fn range(
        &self,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        reverse: bool,
        limit: usize,
    ) -> Result<Page, Error> {
        self.power.call()?;
        self.memory.range(from, to, reverse, limit)
    }
}
