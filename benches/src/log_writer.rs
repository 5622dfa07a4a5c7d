//! The physical limit: producers hand records to one thread that appends what waits and syncs.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use crate::load::{Measured, measured};

/// As large as the batch that one add writes: document, keys, change record.
const RECORD_BYTES: usize = 512;

/// Runs `producers` threads for `lasting`, each waiting for its record to be durable.
pub fn fire(folder: &Path, producers: usize, lasting: Duration) -> Result<Measured> {
    let path = folder.join("bare.log");
    let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
    let (sender, receiver) = mpsc::channel::<mpsc::SyncSender<()>>();
    let writer = std::thread::spawn(move || -> std::io::Result<()> {
        let record = [7_u8; RECORD_BYTES];
        while let Ok(first) = receiver.recv() {
            let waiting: Vec<_> = std::iter::once(first).chain(receiver.try_iter()).collect();
            file.write_all(&record.repeat(waiting.len()))?;
            file.sync_data()?;
            for answer in waiting {
                let _ = answer.send(());
            }
        }
        Ok(())
    });
    let started = Instant::now();
    let threads: Vec<_> = (0..producers)
        .map(|_| {
            let sender = sender.clone();
            std::thread::spawn(move || {
                let mut latencies = Vec::new();
                let (answer, answered) = mpsc::sync_channel(1);
                while started.elapsed() < lasting {
                    let sent = Instant::now();
                    if sender.send(answer.clone()).is_err() || answered.recv().is_err() {
                        break;
                    }
                    latencies.push(sent.elapsed());
                }
                latencies
            })
        })
        .collect();
    drop(sender);
    let mut latencies = Vec::new();
    for thread in threads {
        latencies.extend(thread.join().map_err(|_| anyhow!("a producer panicked"))?);
    }
    let elapsed = started.elapsed();
    writer.join().map_err(|_| anyhow!("the writer panicked"))??;
    std::fs::remove_file(&path)?;
    Ok(measured(latencies, elapsed))
}
