//! Part (a): one world, a database on a simulated disk whose power fails again and again.
//!
//! A world is a row of lives. In each, the engine is opened, clients work at the same time, and
//! then the power fails between two calls of the store or inside a commit, or the database is
//! closed. Everything runs as tasks of one single-threaded runtime, the committer included, and
//! every chance comes from the seed; so the same seed is the same world, step by step.

use std::cell::Cell;
use std::sync::Once;

use anyhow::{Context, Result, bail};
use store::{SimulatedDisk, Store};

use crate::check;
use crate::client::{self, Clients};
use crate::dice::Dice;
use crate::history::{Answer, History};
use crate::serial;

/// What a world came to.
#[derive(Debug, Default)]
pub struct Tally {
    /// Operations begun.
    pub operations: usize,
    /// Operations nobody knows the end of.
    pub unknown: usize,
    /// How often the power failed.
    pub crashes: u64,
    /// The whole history, as text: equal for equal seeds.
    pub transcript: String,
}

/// How a life ends.
#[derive(Clone, Copy, Debug)]
enum End {
    /// The power fails in this call of the store, counted from the opening.
    InCall(u64),
    /// The power fails when every client is done.
    Idle,
    /// The database is closed.
    Closed,
}

/// Lets a world happen and checks it.
///
/// # Errors
///
/// What contradicts the promises of the engine.
pub fn run(seed: u64) -> Result<Tally> {
    let disk = SimulatedDisk::new(seed);
    let history = History::default();
    let mut dice = Dice::new(seed, u64::MAX);
    disk.pause_up_to(dice.below(4));
    let mut tally = Tally::default();
    for life in 0..2 + dice.below(4) {
        let end = match dice.below(6) {
            0 => End::Idle,
            1 => End::Closed,
            _ => {
                let most = 1 << dice.below(10);
                End::InCall(1 + dice.below(most))
            }
        };
        let before = disk.calls();
        let world = World { seed, store: Store::simulated(&disk), history: history.clone() };
        // Opening a disk puts the power on again, so the crash is planned after it.
        if let End::InCall(calls) = end {
            disk.crash_after(calls);
        }
        let lived = on_one_thread(world.live(&mut dice, end))?;
        let crashed = matches!(end, End::InCall(calls) if disk.calls() >= before + calls);
        if let Some(complaint) = lived
            && !crashed
        {
            bail!("life {life} ({end:?}): {complaint}, though the power did not fail");
        }
        if !matches!(end, End::Closed) {
            disk.crash();
            tally.crashes += 1;
        }
        history.power_failed();
        let world = World { seed, store: Store::simulated(&disk), history: history.clone() };
        on_one_thread(world.check()).with_context(|| format!("after life {life} ({end:?})"))?;
    }
    let events = history.events();
    tally.operations = events.len();
    tally.unknown = events.iter().filter(|event| event.answer == Answer::Unknown).count();
    tally.transcript = format!("{events:?}");
    Ok(tally)
}

thread_local! {
    /// How often something panicked on this thread, whoever caught it.
    static PANICS: Cell<u64> = const { Cell::new(0) };
}

/// Counts panics from now on: tasks and the committer catch theirs, and none is in order.
fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let say = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.with(|panics| panics.set(panics.get() + 1));
            say(panic);
        }));
    });
}

/// Runs a future and everything it spawns, and drops what is left of it afterwards.
pub(crate) fn on_one_thread<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    count_panics();
    let before = PANICS.get();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let result = runtime.block_on(future);
    drop(runtime);
    if PANICS.get() > before {
        bail!("something panicked: {:?}", result.err());
    }
    result
}

struct World {
    seed: u64,
    store: Store,
    history: History,
}

impl World {
    /// Returns the first error that some client met.
    async fn live(&self, dice: &mut Dice, end: End) -> Result<Option<String>> {
        let mut nodes = Vec::new();
        for _ in 0..if dice.once_in(3) { 2 + dice.below(2) } else { 1 } {
            match client::open(&self.store).await {
                Ok(engine) => nodes.push(engine),
                Err(error) => return Ok(Some(format!("opening failed: {error}"))),
            }
        }
        let (seed, history) = (self.seed, self.history.clone());
        let clients = Clients { nodes: nodes.clone(), history, seed };
        let complaint = tokio::select! {
            biased;
            complaint = clients.work(dice, 5, 24) => complaint?,
            () = self.power_failed() => Some("the power failed".to_owned()),
        };
        if matches!(end, End::Closed) {
            for engine in nodes {
                if let Err(error) = engine.close().await {
                    return Ok(Some(format!("closing failed: {error}")));
                }
            }
        }
        Ok(complaint)
    }

    /// Completes a while after the power failed: some still learn of it, others never do.
    async fn power_failed(&self) {
        // Nothing is ever committed past this, so it ends with the handle.
        let _ = self.store.committed_past(u64::MAX).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    /// Opens the database with nobody else there and looks at everything.
    async fn check(self) -> Result<()> {
        let events = self.history.events();
        let contents = check::everything(&self.store, self.seed, &events).await?;
        match serial::contradiction(self.seed, &events, &contents) {
            Some(contradiction) => bail!("{contradiction}"),
            None => Ok(()),
        }
    }
}
