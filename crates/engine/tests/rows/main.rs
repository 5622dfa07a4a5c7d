//! The rows of the document language (`crates/query/tests/cases`) through the engine: each with a
//! collection of its own and indexes on the fields it names, on every store. What the pure language
//! answers must be what comes out of an index, a snapshot and a commit.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod row;
mod run;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use engine::{Clock, Engine};
use store::Store;

/// Fewer rows than this and some were lost.
const ROWS_MIN: usize = 2_000;

/// Fewer finds than this answered from indexes and the planner has forgotten them.
const FROM_INDEX_MIN: usize = 200;

/// How many rows are on their way at once.
const AT_ONCE: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_holds_on_memory() {
    every_row_holds(Store::memory()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_holds_on_fjall() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::fjall(directory.path(), store::FjallOptions::default()).unwrap();
    every_row_holds(store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_holds_on_postgres() {
    let options = store::PostgresOptions::parse(&throwaway_postgres::fresh_address()).unwrap();
    every_row_holds(Store::postgres(options).await.unwrap()).await;
}

#[expect(clippy::print_stdout, reason = "how many rows ran is part of the outcome")]
async fn every_row_holds(store: Store) {
    let engine = Engine::open(store, Clock::fixed(1_700_000_000_000)).await.unwrap();
    let rows = Arc::new(row::all());
    let asked = rows.iter().filter(|row| !row.is_pure()).count();
    let next = Arc::new(AtomicUsize::new(0));
    let failures = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for _ in 0..AT_ONCE {
        let (engine, rows) = (engine.clone(), Arc::clone(&rows));
        let (next, failures) = (Arc::clone(&next), Arc::clone(&failures));
        tasks.push(tokio::spawn(async move {
            while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                if row.is_pure() {
                    continue;
                }
                if let Err(why) = run::run(&engine, row).await {
                    failures.lock().unwrap().push(format!("{}: {why}", row.title));
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    engine.close().await.unwrap();
    let failures = failures.lock().unwrap();
    assert!(failures.is_empty(), "{} of {asked} rows:\n{}", failures.len(), failures.join("\n"));
    println!("{asked} rows ran, {} are for the language alone", rows.len() - asked);
    let from_index = run::FROM_INDEX.load(Ordering::Relaxed);
    println!("{from_index} finds came from indexes, other stores of this process included");
    assert!(from_index >= FROM_INDEX_MIN, "only {from_index} finds came from indexes");
    assert!(asked >= ROWS_MIN, "only {asked} rows ran");
}
