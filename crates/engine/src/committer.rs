//! The one commit queue of an engine, on a thread of its own, or as a task where a simulation
//! must be able to repeat itself.
//!
//! The worker takes everything that waits (within limits), reads what the intents need with one
//! call, judges them one after another, writes one durable batch and only then answers. While it
//! waits for the disk, the next batch gathers in the queue: that is all there is to group commit.
//! It refuses to acknowledge anything that is not durable.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use store::{Store, Turn};
use tokio::sync::{mpsc, oneshot};

use crate::Error;
use crate::catalogue::Catalogue;
use crate::intent::{Intent, Outcome};
use crate::portion::Portion;
use crate::state::State;

/// Intents that may wait before callers have to.
const QUEUE_INTENTS_MAX: usize = 1_024;

/// Intents and bytes of one batch.
const BATCH_INTENTS_MAX: usize = 512;
const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;

pub(crate) type Answer = oneshot::Sender<Result<Outcome, Error>>;

#[derive(Debug)]
enum Message {
    Write(Box<Intent>, Answer),
    Close(oneshot::Sender<Result<(), Error>>),
}

/// The way into the queue.
#[derive(Debug)]
pub(crate) struct Committer {
    /// Present until the committer is dropped.
    queue: Option<mpsc::Sender<Message>>,
    is_closed: Arc<AtomicBool>,
    /// None when the worker is a task: that ends by itself.
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Committer {
    /// Reads the catalogue, publishes it, and starts the worker as a task of this runtime.
    pub(crate) async fn start_as_task(
        store: Store,
        catalogue: Catalogue,
    ) -> Result<Committer, Error> {
        let (queue, waiting) = mpsc::channel(QUEUE_INTENTS_MAX);
        let is_closed = Arc::new(AtomicBool::new(false));
        let mut worker = Worker::load(store, catalogue, waiting, Arc::clone(&is_closed)).await?;
        tokio::spawn(async move { worker.run().await });
        Ok(Committer { queue: Some(queue), is_closed, thread: Mutex::new(None) })
    }

    /// Reads the catalogue, publishes it, and starts the thread.
    pub(crate) fn start(store: Store, catalogue: Catalogue) -> Result<Committer, Error> {
        let (queue, waiting) = mpsc::channel(QUEUE_INTENTS_MAX);
        let (ready, started) = std::sync::mpsc::channel();
        let is_closed = Arc::new(AtomicBool::new(false));
        let of_thread = Arc::clone(&is_closed);
        let thread = std::thread::Builder::new()
            .name("committer".to_owned())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build();
                let loaded = runtime.map_err(|error| store::Error::Io(error).into());
                let loaded = loaded.and_then(|runtime| {
                    let worker = Worker::load(store, catalogue, waiting, of_thread);
                    runtime.block_on(worker).map(|worker| (runtime, worker))
                });
                match loaded {
                    Ok((runtime, mut worker)) => {
                        // The caller waits for this message, so it can be sent.
                        let _ = ready.send(Ok(()));
                        runtime.block_on(worker.run());
                    }
                    Err(error) => {
                        let _ = ready.send(Err(error));
                    }
                }
            })
            .map_err(store::Error::Io)?;
        started.recv().unwrap_or_else(|_| Err(damaged("opening it failed")))?;
        Ok(Committer { queue: Some(queue), is_closed, thread: Mutex::new(Some(thread)) })
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

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
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

/// What the thread or the task owns.
struct Worker {
    store: Store,
    catalogue: Catalogue,
    state: State,
    /// The last commit failed: `state` says more than the store and is read again.
    is_state_wrong: bool,
    waiting: mpsc::Receiver<Message>,
    is_closed: Arc<AtomicBool>,
}

impl Worker {
    async fn load(
        store: Store,
        catalogue: Catalogue,
        waiting: mpsc::Receiver<Message>,
        is_closed: Arc<AtomicBool>,
    ) -> Result<Worker, Error> {
        let state = State::load(&store.snapshot().await?).await?;
        catalogue.publish(state.names().clone());
        let is_state_wrong = false;
        Ok(Worker { store, catalogue, state, is_state_wrong, waiting, is_closed })
    }

    async fn run(&mut self) {
        loop {
            let (writes, end) = self.take().await;
            let sweeps = self.state.has_dropped() && matches!(end, End::More);
            if !writes.is_empty() || sweeps {
                self.carry_out(writes).await;
            }
            match end {
                End::More => {}
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
            let is_sweeping = self.state.has_dropped() && !self.is_state_wrong;
            let is_idle = writes.is_empty() && !is_sweeping;
            let message = if is_idle {
                self.waiting.recv().await.ok_or(End::Dropped)
            } else {
                self.waiting.try_recv().map_err(|error| match error {
                    mpsc::error::TryRecvError::Empty => End::More,
                    mpsc::error::TryRecvError::Disconnected => End::Dropped,
                })
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

    async fn carry_out(&mut self, writes: Vec<(Intent, Answer)>) {
        let (mut intents, answers): (Vec<Intent>, Vec<Answer>) = writes.into_iter().unzip();
        let results = match self.commit(&mut intents).await {
            Ok(results) => results,
            Err(error) => {
                self.is_state_wrong = true;
                tracing::error!(%error, "a commit failed; none of its writes is acknowledged");
                vec![Err(error); answers.len()]
            }
        };
        for (answer, result) in answers.into_iter().zip(results) {
            // Nobody waits for the answer when the caller was cancelled.
            let _ = answer.send(result);
        }
    }

    /// One batch: judged, written, durable. When another node was quicker, judged again while
    /// nobody else may commit.
    async fn commit(
        &mut self,
        intents: &mut [Intent],
    ) -> Result<Vec<Result<Outcome, Error>>, Error> {
        let turn = self.store.turn().await?;
        match self.commit_on(turn, intents).await {
            Err(Error::Store(error)) if matches!(*error, store::Error::Outdated) => {}
            finished => return finished,
        }
        self.is_state_wrong = true;
        let turn = self.store.turn_alone().await?;
        self.commit_on(turn, intents).await
    }

    async fn commit_on(
        &mut self,
        turn: Turn,
        intents: &mut [Intent],
    ) -> Result<Vec<Result<Outcome, Error>>, Error> {
        if self.is_state_wrong {
            self.state = State::load(turn.snapshot()).await?;
            self.is_state_wrong = false;
        }
        let (number, snapshot) = (turn.number(), turn.snapshot());
        let mut portion = Portion::begin(&mut self.state, snapshot, number, intents).await?;
        portion.judge();
        let (batch, results, changed_names) = portion.finish().await?;
        if !batch.is_empty() {
            turn.commit(batch).await?;
        }
        if changed_names {
            self.catalogue.publish(self.state.names().clone());
        }
        Ok(results)
    }

    async fn close(&mut self) -> Result<(), Error> {
        self.is_closed.store(true, Ordering::Release);
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
        self.store.close().await.map_err(Error::from)
    }
}

/// Why no more intents were taken.
enum End {
    More,
    Dropped,
    Close(oneshot::Sender<Result<(), Error>>),
}
