//! What every adapter promises, run against each of them. Nothing here knows how one works.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::ops::Bound;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use store::{
    Batch, Bytes, Error, FjallOptions, KEY_BYTES_MAX, PAGE_BYTES_MAX, Snapshot, Store, Turn,
};

/// Runs a body against a fresh store of each adapter.
macro_rules! on_every_adapter {
    ($($name:ident = $body:path;)*) => {
        mod memory {
            $(#[tokio::test] async fn $name() { $body(store::Store::memory()).await; })*
        }
        mod simulated {
            $(#[tokio::test] async fn $name() {
                $body(store::Store::simulated(&store::SimulatedDisk::new(0))).await;
            })*
        }
        mod postgres {
            $(#[tokio::test] async fn $name() {
                let address = throwaway_postgres::fresh_address();
                let options = store::PostgresOptions::parse(&address).unwrap();
                $body(store::Store::postgres(options).await.unwrap()).await;
            })*
        }
        mod fjall {
            $(#[tokio::test] async fn $name() {
                let directory = tempfile::tempdir().unwrap();
                let store = store::Store::fjall(directory.path(), super::options()).unwrap();
                $body(store).await;
            })*
        }
    };
}

on_every_adapter! {
    ranges_give_pages_in_order = super::ranges;
    commits_are_atomic_numbered_and_last_write_wins = super::commits;
    snapshots_stand_still = super::snapshots;
    snapshots_show_the_commit_they_name = super::numbers;
    a_turn_that_was_outrun_commits_nothing = super::outrun;
    nobody_outruns_a_turn_that_is_alone = super::alone;
    waiting_for_a_commit_ends_with_it = super::waiting;
    behaves_like_an_ordered_map = super::model;
    pages_end_early_when_values_are_large = super::large_pages;
    refused_keys_leave_nothing = super::refused_keys;
    closed_stores_refuse_writes_and_go_on_reading = super::closed;
}

/// Small memtables, so that tables are written and merged during the tests.
fn options() -> FjallOptions {
    FjallOptions { memtable_bytes: 1 << 20, cache_bytes: 1 << 20, ..FjallOptions::default() }
}

fn batch(writes: &[(&str, Option<&str>)]) -> Batch {
    let mut batch = Batch::new();
    for (key, value) in writes {
        match value {
            Some(value) => batch.put(key.to_string(), value.to_string()),
            None => batch.delete(key.to_string()),
        }
    }
    batch
}

async fn commit(store: &Store, batch: Batch) -> Result<u64, Error> {
    store.turn().await?.commit(batch).await
}

async fn load(store: &Store, batch: Batch) -> Result<u64, Error> {
    store.turn().await?.load(batch).await
}

async fn get(snapshot: &Snapshot, key: &str) -> Option<Bytes> {
    snapshot.get_many(&[key.as_bytes()]).await.unwrap().remove(0)
}

async fn range_text(
    snapshot: &Snapshot,
    from: Bound<&str>,
    to: Bound<&str>,
    reverse: bool,
    limit: usize,
) -> String {
    let (from, to) = (from.map(str::as_bytes), to.map(str::as_bytes));
    let page = snapshot.range(from, to, reverse, limit).await.unwrap();
    let pairs = page.iter().map(|(key, value)| {
        format!("{}={}", std::str::from_utf8(key).unwrap(), std::str::from_utf8(value).unwrap())
    });
    pairs.collect::<Vec<_>>().join(" ")
}

async fn ranges(store: Store) {
    use Bound::{Excluded as Ex, Included as In, Unbounded as Un};
    let writes = [("a", "1"), ("b", "2"), ("c", "3"), ("ca", "4"), ("d", "5")];
    let writes = writes.map(|(key, value)| (key, Some(value)));
    commit(&store, batch(&writes)).await.unwrap();
    let snapshot = store.snapshot().await.unwrap();
    let rows = [
        (Un, Un, false, 9, "a=1 b=2 c=3 ca=4 d=5"),
        (Un, Un, true, 9, "d=5 ca=4 c=3 b=2 a=1"),
        (Un, Un, false, 2, "a=1 b=2"),
        (Un, Un, true, 2, "d=5 ca=4"),
        (Un, Un, false, 0, ""),
        (In("b"), Ex("d"), false, 9, "b=2 c=3 ca=4"),
        (Ex("b"), In("d"), false, 9, "c=3 ca=4 d=5"),
        (Ex("b"), In("d"), true, 2, "d=5 ca=4"),
        (In("bb"), In("bz"), false, 9, ""),
        (In("c"), In("c"), false, 9, "c=3"),
        (Ex("c"), Ex("c"), false, 9, ""),
        (In("d"), Ex("a"), false, 9, ""),
        (In(""), In("\u{0}"), false, 9, ""),
        (In("\u{0}"), In("a"), false, 9, "a=1"),
    ];
    for (from, to, reverse, limit, expected) in rows {
        let found = range_text(&snapshot, from, to, reverse, limit).await;
        assert_eq!(found, expected, "{from:?} {to:?} reverse={reverse} limit={limit}");
    }
}

async fn commits(store: Store) {
    assert_eq!(store.newest().await.unwrap(), 0);
    let writes = [("a", Some("1")), ("b", Some("2")), ("a", Some("3")), ("b", None)];
    assert_eq!(commit(&store, batch(&writes)).await.unwrap(), 1);
    assert_eq!(get(&store.snapshot().await.unwrap(), "a").await.as_deref(), Some(&b"3"[..]));
    assert_eq!(get(&store.snapshot().await.unwrap(), "b").await, None);
    assert_eq!(commit(&store, Batch::new()).await.unwrap(), 2);
    assert_eq!(load(&store, batch(&[("b", Some(""))])).await.unwrap(), 3);
    assert_eq!(get(&store.snapshot().await.unwrap(), "b").await.as_deref(), Some(&b""[..]));
    assert_eq!(commit(&store, batch(&[("missing", None)])).await.unwrap(), 4);
    assert_eq!(store.newest().await.unwrap(), 4);
    let found =
        store.snapshot().await.unwrap().get_many(&[b"b", b"missing", b"a", b"b"]).await.unwrap();
    let found: Vec<Option<&[u8]>> = found.iter().map(Option::as_deref).collect();
    assert_eq!(found, [Some(&b""[..]), None, Some(b"3"), Some(b"")]);
}

async fn snapshots(store: Store) {
    let mut moments = vec![(store.snapshot().await.unwrap(), String::new())];
    for round in 0..50 {
        let key = format!("k{:02}", round % 7);
        let value = if round % 5 == 4 { None } else { Some(round.to_string()) };
        commit(&store, batch(&[(&key, value.as_deref())])).await.unwrap();
        let snapshot = store.snapshot().await.unwrap();
        let seen = range_text(&snapshot, Bound::Unbounded, Bound::Unbounded, false, 99).await;
        moments.push((snapshot, seen));
        if round % 3 == 0 {
            moments.remove(moments.len() / 2);
        }
        for (snapshot, seen) in &moments {
            let again = range_text(snapshot, Bound::Unbounded, Bound::Unbounded, false, 99).await;
            assert_eq!(&again, seen, "after round {round}");
        }
    }
}

/// Two handles count in turns; a reader always finds the number of the commit it looks at.
async fn numbers(store: Store) {
    let writer = |store: Store| async move {
        for _ in 0..40 {
            let turn = store.turn().await.unwrap();
            let number = turn.number();
            let counted = commit_on(turn, &number.to_string()).await;
            assert!(matches!(counted, Ok(_) | Err(Error::Outdated)), "{counted:?}");
        }
    };
    let writers = [tokio::spawn(writer(store.clone())), tokio::spawn(writer(store.clone()))];
    let mut last = 0;
    while last < 40 {
        let snapshot = store.snapshot().await.unwrap();
        let found = get(&snapshot, "n").await.unwrap_or(Bytes::from_static(b"0"));
        assert_eq!(found, snapshot.number().to_string());
        assert!(snapshot.number() >= last && store.newest().await.unwrap() >= snapshot.number());
        last = snapshot.number();
        tokio::task::yield_now().await;
    }
    for writer in writers {
        writer.await.unwrap();
    }
}

async fn commit_on(turn: Turn, text: &str) -> Result<u64, Error> {
    turn.commit(batch(&[("n", Some(text))])).await
}

async fn outrun(store: Store) {
    let (slow, slower) = (store.turn().await.unwrap(), store.turn().await.unwrap());
    assert_eq!((slow.number(), slow.snapshot().number()), (1, 0));
    assert_eq!(commit(&store, batch(&[("n", Some("quick"))])).await.unwrap(), 1);
    let refused = commit_on(slow, "slow").await.unwrap_err();
    assert!(matches!(refused, Error::Outdated), "{refused}");
    let refused = slower.load(batch(&[("n", Some("slow"))])).await.unwrap_err();
    assert!(matches!(refused, Error::Outdated), "{refused}");
    let snapshot = store.snapshot().await.unwrap();
    assert_eq!(get(&snapshot, "n").await.as_deref(), Some(&b"quick"[..]));
    assert_eq!(store.newest().await.unwrap(), 1);
}

async fn alone(store: Store) {
    let alone = store.turn_alone().await.unwrap();
    let quick = store.turn().await.unwrap();
    let quick = tokio::spawn(async move { commit_on(quick, "quick").await });
    let next = tokio::spawn({
        let store = store.clone();
        async move { commit_on(store.turn_alone().await.unwrap(), "next").await }
    });
    tokio::task::yield_now().await;
    assert_eq!(commit_on(alone, "alone").await.unwrap(), 1);
    assert!(matches!(quick.await.unwrap(), Err(Error::Outdated)));
    assert_eq!(next.await.unwrap().unwrap(), 2);
    // One that ends without a commit lets others go on, too.
    drop(store.turn_alone().await.unwrap());
    assert_eq!(commit(&store, Batch::new()).await.unwrap(), 3);
}

async fn waiting(store: Store) {
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.committed_past(1).await }
    });
    commit(&store, Batch::new()).await.unwrap();
    assert_eq!(store.committed_past(0).await.unwrap(), 1);
    assert!(!waiting.is_finished());
    load(&store, Batch::new()).await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), 2);
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.committed_past(2).await }
    });
    tokio::task::yield_now().await;
    store.close().await.unwrap();
    assert!(matches!(waiting.await.unwrap(), Err(Error::Closed)));
    assert_eq!(store.committed_past(1).await.unwrap(), 2);
}

async fn model(store: Store) {
    let mut random = SmallRng::seed_from_u64(7);
    let mut model: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    for round in 0..300 {
        let mut batch = Batch::new();
        for _ in 0..random.random_range(0..40) {
            let key = random.random_range(1..400_u16).to_be_bytes();
            let key = [b"k", &key[..]].concat();
            if random.random_bool(0.3) {
                model.remove(&key);
                batch.delete(key);
            } else {
                let value = vec![random.random(); random.random_range(0..2_000)];
                model.insert(key.clone(), value.clone());
                batch.put(key, value);
            }
        }
        commit(&store, batch).await.unwrap();
        if round % 10 == 0 {
            let snapshot = store.snapshot().await.unwrap();
            let page = snapshot.range(Bound::Unbounded, Bound::Unbounded, false, 999);
            let page = page.await.unwrap();
            let expected: Vec<(&[u8], &[u8])> =
                model.iter().map(|(key, value)| (&key[..], &value[..])).collect();
            let found: Vec<(&[u8], &[u8])> =
                page.iter().map(|(key, value)| (&key[..], &value[..])).collect();
            assert!(found == expected, "round {round}: {} {}", found.len(), expected.len());
        }
    }
}

async fn large_pages(store: Store) {
    let value = vec![7; PAGE_BYTES_MAX / 4];
    for key in ["a", "b", "c", "d", "e", "f"] {
        let mut batch = Batch::new();
        batch.put(key, value.clone());
        commit(&store, batch).await.unwrap();
    }
    let snapshot = store.snapshot().await.unwrap();
    let (mut from, mut pages) = (Bound::Unbounded, Vec::new());
    loop {
        let bound = from.as_ref().map(|key: &Bytes| &key[..]);
        let page = snapshot.range(bound, Bound::Unbounded, false, 100).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        from = Bound::Excluded(last.clone());
        pages.push(page.len());
    }
    assert_eq!(pages, [4, 2]);
}

async fn refused_keys(store: Store) {
    let rows: [(Vec<u8>, bool); 5] = [
        (vec![], false),
        (vec![0], false),
        (vec![0, 1], false),
        (vec![1; KEY_BYTES_MAX], true),
        (vec![1; KEY_BYTES_MAX + 1], false),
    ];
    for (row, (key, is_fine)) in rows.into_iter().enumerate() {
        let beside = format!("beside {row}");
        let mut batch = batch(&[(&beside, Some("x"))]);
        batch.put(key.clone(), "value");
        let result = commit(&store, batch).await;
        assert_eq!(result.is_ok(), is_fine, "{} bytes", key.len());
        if !is_fine {
            assert!(matches!(result, Err(Error::KeyRefused { .. })));
            assert_eq!(get(&store.snapshot().await.unwrap(), &beside).await, None);
        }
    }
    assert_eq!(store.newest().await.unwrap(), 1);
}

async fn closed(store: Store) {
    commit(&store, batch(&[("a", Some("1"))])).await.unwrap();
    store.close().await.unwrap();
    store.close().await.unwrap();
    let refused = [commit(&store, Batch::new()).await, load(&store, Batch::new()).await];
    assert!(refused.iter().all(|result| matches!(result, Err(Error::Closed))), "{refused:?}");
    assert_eq!(get(&store.snapshot().await.unwrap(), "a").await.as_deref(), Some(&b"1"[..]));
}
