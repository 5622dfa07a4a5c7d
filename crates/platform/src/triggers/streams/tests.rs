//! Records: numbers, limits, and what becomes of read ones. Consumers are tested with real
//! functions, black box.

use engine::{Clock, Engine};
use store::Store;

use super::records::{self, Entry, RECORD_BYTES_MAX, RECORDS_AT_ONCE_MAX};
use crate::error::Code;

async fn engine() -> Engine {
    let engine = Engine::open(Store::memory(), Clock::system()).await.unwrap();
    records::prepare(&engine).await.unwrap();
    engine
}

fn entries(texts: &[&str]) -> Vec<Entry> {
    texts.iter().map(|text| Entry { data: (*text).to_owned(), key: None }).collect()
}

async fn read(engine: &Engine, after: i64, count: u32, bytes: usize) -> Vec<(i64, String)> {
    let found = records::read(engine, "s", after, count, bytes).await.unwrap();
    found.into_iter().map(|record| (record.number, record.data)).collect()
}

#[tokio::test]
async fn records_are_numbered_in_the_order_of_acceptance() {
    let engine = engine().await;
    assert_eq!(records::append(&engine, "s", entries(&["1", "2"])).await.unwrap(), [1, 2]);
    assert_eq!(records::append(&engine, "other", entries(&["9"])).await.unwrap(), [1]);
    assert_eq!(records::append(&engine, "s", entries(&["3"])).await.unwrap(), [3]);
    let all = [(1, "1".to_owned()), (2, "2".to_owned()), (3, "3".to_owned())];
    assert_eq!(read(&engine, 0, 100, 1_000).await, all);
    assert_eq!(read(&engine, 1, 1, 1_000).await, all[1..2]);
    assert!(read(&engine, 3, 100, 1_000).await.is_empty());
}

#[tokio::test]
async fn a_batch_ends_at_its_bytes_and_has_at_least_one_record() {
    let engine = engine().await;
    records::append(&engine, "s", entries(&["\"aaaa\"", "\"bbbb\"", "\"cccc\""])).await.unwrap();
    assert_eq!(read(&engine, 0, 100, 12).await.len(), 2);
    assert_eq!(read(&engine, 0, 100, 1).await.len(), 1);
}

#[tokio::test]
async fn parallel_producers_share_the_numbers_without_a_gap() {
    let engine = engine().await;
    let producers = (0..8).map(|_| {
        let engine = engine.clone();
        tokio::spawn(async move {
            let mut numbers = Vec::new();
            for _ in 0..10 {
                numbers.extend(records::append(&engine, "s", entries(&["1"])).await.unwrap());
            }
            numbers
        })
    });
    let mut numbers = Vec::new();
    for producer in producers.collect::<Vec<_>>() {
        numbers.extend(producer.await.unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=80).collect::<Vec<i64>>());
}

#[tokio::test]
async fn what_every_consumer_is_past_goes() {
    let engine = engine().await;
    records::append(&engine, "s", entries(&["1", "2", "3", "4"])).await.unwrap();
    records::trim(&engine, "s", 3).await.unwrap();
    assert_eq!(records::bounds(&engine, "s").await.unwrap(), (5, 3));
    assert_eq!(read(&engine, 0, 100, 1_000).await.len(), 2);
    // Never beyond what there is.
    records::trim(&engine, "s", 100).await.unwrap();
    assert_eq!(records::bounds(&engine, "s").await.unwrap(), (5, 5));
    assert_eq!(records::append(&engine, "s", entries(&["5"])).await.unwrap(), [5]);
}

#[tokio::test]
async fn too_much_at_once_is_refused_whole() {
    let engine = engine().await;
    let large = "x".repeat(RECORD_BYTES_MAX + 1);
    let many = vec!["1"; RECORDS_AT_ONCE_MAX + 1];
    let sized = "x".repeat(RECORD_BYTES_MAX);
    for (texts, code) in [
        (vec![], Code::InvalidParameter),
        (many, Code::InvalidParameter),
        (vec!["1", &large], Code::PayloadTooLarge),
        (vec![&*sized; 21], Code::PayloadTooLarge),
    ] {
        let error = records::append(&engine, "s", entries(&texts)).await.unwrap_err();
        assert_eq!(error.code(), code);
    }
    assert_eq!(records::bounds(&engine, "s").await.unwrap(), (1, 1));
}
