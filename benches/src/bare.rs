//! fjall without anything of ours: the same tables, and the same shape of committer, in which one
//! thread makes what waits one durable batch.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable};
use tokio::sync::{mpsc, oneshot};

use crate::load::{Measured, measured};
use crate::photos::{self, photo, scramble};

/// As the store sets them.
const MEMTABLE_BYTES: u64 = 16 << 20;
const CACHE_BYTES: u64 = 64 << 20;
const JOURNAL_BYTES: u64 = 64 << 20;

/// How many transactions one batch takes at most.
const GROUP_MAX: usize = 1_024;

/// Photos in fjall.
#[derive(Clone)]
pub struct Bare {
    database: Database,
    keyspace: Keyspace,
    count: u64,
}

/// The photo that one is told to change, and where to answer.
type Wish = (u64, oneshot::Sender<()>);

impl Bare {
    /// Makes `count` photos with an index entry each.
    pub fn with_photos(folder: &Path, count: u64) -> Result<Self> {
        let database = Database::builder(folder)
            .cache_size(CACHE_BYTES)
            .max_journaling_size(JOURNAL_BYTES)
            .worker_threads(2)
            .open()?;
        let options = || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES);
        let keyspace = database.keyspace("data", options)?;
        for number in 0..count {
            keyspace.insert(photos::id(number), photo(number, count).to_bytes())?;
            keyspace.insert(index_entry(number, 0), [])?;
        }
        database.persist(PersistMode::SyncAll)?;
        Ok(Self { database, keyspace, count })
    }

    /// Reads a photo from a fresh snapshot.
    pub fn get(&self, number: u64) -> Result<usize> {
        let found = self.database.snapshot().get(&self.keyspace, photos::id(number))?;
        Ok(found.ok_or_else(|| anyhow!("photo {number} is not there"))?.len())
    }

    /// `writers` tasks change photos by chance for `lasting`, each waiting until its change is
    /// durable: read the photo, put it, take out its index entry, put another.
    pub async fn fire(&self, writers: usize, lasting: Duration) -> Result<Measured> {
        let (sender, receiver) = mpsc::channel::<Wish>(GROUP_MAX);
        let bare = self.clone();
        let committer = std::thread::spawn(move || bare.commit_groups(receiver));
        let started = Instant::now();
        let tasks: Vec<_> = (0..writers as u64)
            .map(|writer| {
                let (sender, count) = (sender.clone(), self.count);
                tokio::spawn(async move {
                    let mut latencies = Vec::new();
                    let mut number = scramble(writer);
                    while started.elapsed() < lasting {
                        number = scramble(number);
                        let (answer, answered) = oneshot::channel();
                        let sent = Instant::now();
                        if sender.send((number % count, answer)).await.is_err() {
                            break;
                        }
                        answered.await?;
                        latencies.push(sent.elapsed());
                    }
                    anyhow::Ok(latencies)
                })
            })
            .collect();
        drop(sender);
        let mut latencies = Vec::new();
        for task in tasks {
            latencies.extend(task.await??);
        }
        let elapsed = started.elapsed();
        committer.join().map_err(|_| anyhow!("the committer panicked"))??;
        Ok(measured(latencies, elapsed))
    }

    fn commit_groups(&self, mut receiver: mpsc::Receiver<Wish>) -> Result<()> {
        let mut generation = 0;
        let mut wishes = Vec::new();
        while receiver.blocking_recv_many(&mut wishes, GROUP_MAX) > 0 {
            generation += 1;
            let snapshot = self.database.snapshot();
            let mut batch = self.database.batch().durability(Some(PersistMode::SyncData));
            let mut answers = Vec::with_capacity(wishes.len());
            for (number, answer) in wishes.drain(..) {
                let key = photos::id(number);
                let found = snapshot.get(&self.keyspace, &key)?;
                let found = found.ok_or_else(|| anyhow!("{key} is not there"))?;
                batch.insert(&self.keyspace, key, found);
                batch.remove(&self.keyspace, index_entry(number, generation - 1));
                batch.insert(&self.keyspace, index_entry(number, generation), []);
                answers.push(answer);
            }
            batch.commit()?;
            for answer in answers {
                // Who no longer waits does not mind.
                let _ = answer.send(());
            }
        }
        Ok(())
    }
}

/// About as long as ours: collection, index, value and id.
fn index_entry(number: u64, generation: u64) -> String {
    format!("index-of-likes-{generation:016}-{:>24}", photos::id(number))
}
