//! The one commit queue of an engine, on a thread of its own, or as a task where a simulation
//! must be able to repeat itself.
//!
//! The worker takes everything that waits (within limits), reads what the intents need with one
//! call, judges them one after another, writes one durable batch and only then answers. While it
//! waits for the disk, the next batch gathers in the queue: that is all there is to group commit.
//! When another node of a shared store was quicker, it learns what that one changed and judges
//! again while nobody else may commit. While nothing waits, it follows the other nodes.
//! It refuses to acknowledge anything that is not durable.

use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use store::{Store, Turn};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Interval, MissedTickBehavior};

use crate::catalogue::{Catalogue, Published};
use crate::intent::{Intent, Outcome};
use crate::portion::{Finished, Ground, Portion};
use crate::recent::Recent;
use crate::state::State;
use crate::{Clock, Error, Options};

/// Intents that may wait before callers have to.
const QUEUE_INTENTS_MAX: usize = 1_024;

/// Intents and bytes of one batch.
const BATCH_INTENTS_MAX: usize = 512;
const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How often an idle committer looks whether the change log has become too old.
const IDLE: Duration = Duration::from_secs(60);

/// How long it lets a store be that does not answer.
const STORE_PAUSE: Duration = Duration::from_millis(200);

pub(crate) type Answer = oneshot::Sender<Result<Outcome, Error>>;

#[derive(Debug)]
enum Message {
    Write(Box<Intent>, Answer),
    Close(oneshot::Sender<Result<(), Error>>),
}

/// What the committer works with, and shares with those who read.
#[derive(Clone, Debug)]
pub(crate) struct Ways {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) options: Options,
    pub(crate) catalogue: Catalogue,
    pub(crate) recent: Recent,
}

/// The way into the queue.
#[derive(Debug)]
pub(crate) struct Committer {
    /// Present until the committer is dropped.
    queue: Option<mpsc::Sender<Message>>,
    /// None when the worker is a task: that ends by itself.
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Committer {
    /// Reads the catalogue, publishes it, and starts the worker.
    pub(crate) async fn start(ways: Ways) -> Result<Committer, Error> {
        let (queue, waiting) = mpsc::channel(QUEUE_INTENTS_MAX);
        let (ready, started) = oneshot::channel();
        if ways.options.committer_on_runtime {
            tokio::spawn(work(ways, waiting, ready));
            started.await.unwrap_or_else(|_| Err(damaged("opening it failed")))?;
            return Ok(Committer { queue: Some(queue), thread: Mutex::new(None) });
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(store::Error::Io)?;
        let thread = std::thread::Builder::new()
            .name("committer".to_owned())
            .spawn(move || runtime.block_on(work(ways, waiting, ready)))
            .map_err(store::Error::Io)?;
        started.await.unwrap_or_else(|_| Err(damaged("opening it failed")))?;
        Ok(Committer { queue: Some(queue), thread: Mutex::new(Some(thread)) })
    }

    /// Queues an intent and waits until it is durable or refused. An intent that was queued is
    /// carried out even when nobody waits for the answer any more.
    pub(crate) async fn submit(&self, intent: Intent) -> Result<Outcome, Error> {
        let (answer, result) = oneshot::channel();
        self.send(Message::Write(Box::new(intent), answer)).await?;
        result.await.unwrap_or(Err(Error::Closed))
    }

    /// Carries out what is queued and closes the store.
    pub(crate) async fn close(&self) -> Result<(), Error> {
        let (answer, result) = oneshot::channel();
        if self.send(Message::Close(answer)).await.is_err() {
            return Ok(());
        }
        // When two close at once, one of them may find the thread gone.
        result.await.unwrap_or(Ok(()))
    }

    async fn send(&self, message: Message) -> Result<(), Error> {
        let queue = self.queue.as_ref().expect("the queue is present until the committer drops");
        queue.send(message).await.map_err(|_| Error::Closed)
    }
}

impl Drop for Committer {
    /// Waits for the commit under way, so that the store is free for another process afterwards.
    fn drop(&mut self) {
        self.queue = None;
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the committer panicked");
        }
    }
}

/// Contents of the store that cannot have been written by this crate.
pub(crate) fn damaged(detail: &str) -> Error {
    store::Error::StoreDamaged { detail: detail.to_owned() }.into()
}

/// All that the worker does.
async fn work(
    ways: Ways,
    waiting: mpsc::Receiver<Message>,
    ready: oneshot::Sender<Result<(), Error>>,
) {
    let _closing = Closing(ways.catalogue.clone());
    // Nobody waits for the message when the caller was cancelled.
    match Worker::load(ways, waiting).await {
        Ok(mut worker) => {
            let _ = ready.send(Ok(()));
            worker.run().await;
        }
        Err(error) => {
            let _ = ready.send(Err(error));
        }
    }
}

/// Lets everybody go who waits for the committer, however it ends.
struct Closing(Catalogue);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// What the thread or the task owns.
struct Worker {
    ways: Ways,
    state: State,
    /// The last commit failed, so background work waits for the next caller.
    is_failing: bool,
    /// Other nodes committed since this one's last turn, so that outrunning them is unlikely.
    meets_others: bool,
    waiting: mpsc::Receiver<Message>,
    /// Absent where it is a task: time then passes in steps that it must not make.
    idle: Option<Interval>,
}

async fn tick(idle: &mut Option<Interval>) {
    match idle {
        Some(idle) => drop(idle.tick().await),
        None => std::future::pending().await,
    }
}

/// Why no more intents were taken.
enum End {
    More,
    /// Another node committed something.
    Behind,
    /// Nothing happened for a while.
    Idle,
    Dropped,
    Close(oneshot::Sender<Result<(), Error>>),
}

impl Worker {
    async fn load(ways: Ways, waiting: mpsc::Receiver<Message>) -> Result<Worker, Error> {
        let state = State::load(&ways.store.snapshot().await?).await?;
        ways.recent.restart(state.number());
        let idle = (!ways.options.committer_on_runtime).then(|| {
            let mut idle = tokio::time::interval(IDLE);
            idle.set_missed_tick_behavior(MissedTickBehavior::Delay);
            idle
        });
        let (is_failing, meets_others) = (false, false);
        let worker = Worker { ways, state, is_failing, meets_others, waiting, idle };
        worker.publish();
        Ok(worker)
    }

    async fn run(&mut self) {
        loop {
            let (writes, end) = self.take().await;
            let sweeps = self.sweeps() && matches!(end, End::More);
            let trims = matches!(end, End::Idle) && self.is_log_excessive();
            if !writes.is_empty() || sweeps || trims {
                self.carry_out(writes).await;
            }
            match end {
                End::More | End::Idle => {}
                End::Behind => self.follow().await,
                End::Dropped => return,
                End::Close(answer) => {
                    // Nobody waits for the answer when the caller was cancelled.
                    let _ = answer.send(self.close().await);
                    return;
                }
            }
        }
    }

    /// Everything that waits, within the limits of a batch. Waits for the first unless there is
    /// work left over.
    async fn take(&mut self) -> (Vec<(Intent, Answer)>, End) {
        let mut writes = Vec::new();
        let mut bytes = 0;
        while writes.len() < BATCH_INTENTS_MAX && bytes < BATCH_BYTES_MAX {
            let message = match self.waiting.try_recv() {
                Err(mpsc::error::TryRecvError::Empty) if writes.is_empty() && !self.sweeps() => {
                    self.wait().await
                }
                Err(mpsc::error::TryRecvError::Empty) => Err(End::More),
                Err(mpsc::error::TryRecvError::Disconnected) => Err(End::Dropped),
                Ok(message) => Ok(message),
            };
            match message {
                Ok(Message::Write(intent, answer)) => {
                    bytes += intent.size_bytes();
                    writes.push((*intent, answer));
                }
                Ok(Message::Close(answer)) => return (writes, End::Close(answer)),
                Err(end) => return (writes, end),
            }
        }
        (writes, End::More)
    }

    /// Waits for a message, or for something else to do.
    async fn wait(&mut self) -> Result<Message, End> {
        let Ways { store, catalogue, .. } = &self.ways;
        let foreign = async {
            if store.committed_past(self.state.number()).await.is_err() {
                // A store that was closed says the rest when it is written to.
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            message = self.waiting.recv() => message.ok_or(End::Dropped),
            () = foreign => Err(End::Behind),
            () = catalogue.wanted() => Err(End::Behind),
            () = tick(&mut self.idle) => Err(End::Idle),
        }
    }

    /// Whether there is something to sweep or to fill, and a store that lets it be.
    fn sweeps(&self) -> bool {
        self.state.has_work() && !self.is_failing
    }

    fn is_log_excessive(&self) -> bool {
        self.state.log().is_excessive(&self.ways.options, self.ways.clock.now_ms())
    }

    async fn carry_out(&mut self, writes: Vec<(Intent, Answer)>) {
        let (intents, answers): (Vec<Intent>, Vec<Answer>) = writes.into_iter().unzip();
        let committed = self.commit(&intents).await;
        self.is_failing = committed.is_err();
        let results = committed.unwrap_or_else(|error| {
            tracing::error!(%error, "a commit failed; none of its writes is acknowledged");
            self.ways.catalogue.fail();
            vec![Err(error); answers.len()]
        });
        for (answer, result) in answers.into_iter().zip(results) {
            // Nobody waits for the answer when the caller was cancelled.
            let _ = answer.send(result);
        }
    }

    /// One batch: judged, written, durable. When another node was quicker, judged again while
    /// nobody else may commit; among busy nodes the first attempt is spared.
    async fn commit(&mut self, intents: &[Intent]) -> Result<Vec<Result<Outcome, Error>>, Error> {
        if !self.meets_others {
            let turn = self.ways.store.turn().await?;
            match self.commit_on(turn, intents).await {
                Err(Error::Store(error)) if matches!(*error, store::Error::Outdated) => {}
                finished => return finished,
            }
        }
        let turn = self.ways.store.turn_alone().await?;
        self.commit_on(turn, intents).await
    }

    async fn commit_on(
        &mut self,
        turn: Turn,
        intents: &[Intent],
    ) -> Result<Vec<Result<Outcome, Error>>, Error> {
        let Ways { recent, options, clock, .. } = &self.ways;
        let snapshot = turn.snapshot();
        self.meets_others = snapshot.number() != self.state.number();
        if self.meets_others {
            self.state.catch_up(snapshot, recent).await?;
            self.publish();
        }
        let (number, now_ms) = (turn.number(), clock.now_ms());
        let ground = Ground { snapshot, recent, options, number, now_ms };
        let mut portion = Portion::begin(self.state.clone(), ground, intents).await?;
        portion.judge().await?;
        let Finished { batch, results, state, commit } = portion.finish().await?;
        if !batch.is_empty() {
            turn.commit(batch).await?;
            self.state = state;
            if !commit.records.is_empty() {
                recent.add(commit);
            }
            self.publish();
        }
        Ok(results)
    }

    /// Learns what other nodes committed.
    async fn follow(&mut self) {
        let followed = async {
            let snapshot = self.ways.store.snapshot().await?;
            self.state.catch_up(&snapshot, &self.ways.recent).await
        };
        match followed.await {
            Ok(()) => self.publish(),
            Err(error) => {
                tracing::warn!(%error, "following the other nodes failed; trying again");
                self.ways.catalogue.lag(error);
                tokio::time::sleep(STORE_PAUSE).await;
            }
        }
    }

    /// Tells the readers, after the recent changes are there.
    fn publish(&self) {
        let Worker { state, ways, .. } = self;
        ways.catalogue.publish(Published {
            number: state.number(),
            names: state.names().clone(),
            indexes: state.indexes().clone(),
            newest: state.log().newest(),
            is_failing: false,
            is_closed: false,
        });
    }

    async fn close(&mut self) -> Result<(), Error> {
        self.ways.catalogue.close();
        self.waiting.close();
        while let Ok(message) = self.waiting.try_recv() {
            // Nobody waits for the answer when the caller was cancelled.
            match message {
                Message::Write(_, answer) => {
                    let _ = answer.send(Err(Error::Closed));
                }
                Message::Close(answer) => {
                    let _ = answer.send(Ok(()));
                }
            }
        }
        self.ways.store.close().await.map_err(Error::from)
    }
}
