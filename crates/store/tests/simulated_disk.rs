//! What a simulated disk keeps and loses when its power fails, for every call in which it may.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;
use std::ops::Bound;

use store::{Batch, Error, SimulatedDisk, Store};

/// Five commits and three loads behind the last of them, with reads in between.
async fn work(store: &Store, acknowledged: &mut u64) -> Result<(), Error> {
    for number in 1..=8_u64 {
        let turn = store.turn().await?;
        turn.snapshot().get_many(&[b"n"]).await?;
        let mut batch = Batch::new();
        batch.put("n", number.to_string());
        batch.put(format!("k{number}"), "");
        if number <= 5 {
            turn.commit(batch).await?
        } else {
            turn.load(batch).await?
        };
        *acknowledged = number;
    }
    store.snapshot().await?.range(Bound::Unbounded, Bound::Unbounded, true, 3).await?;
    Ok(())
}

/// What a reopened store holds: the commit it ends at, after checking that all before are whole.
async fn reopened(disk: &SimulatedDisk) -> u64 {
    let store = Store::simulated(disk);
    let snapshot = store.snapshot().await.unwrap();
    let page = snapshot.range(Bound::Unbounded, Bound::Unbounded, false, 99).await.unwrap();
    let number = snapshot.number();
    let mut expected: BTreeSet<String> = (1..=number).map(|number| format!("k{number}=")).collect();
    if number > 0 {
        expected.insert(format!("n={number}"));
    }
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let found = page.iter().map(|(key, value)| format!("{}={}", text(key), text(value)));
    assert_eq!(found.collect::<BTreeSet<_>>(), expected);
    assert_eq!(store.newest().await.unwrap(), number);
    number
}

#[tokio::test]
async fn a_crash_in_any_call_keeps_what_was_synced_and_whole_batches_only() {
    let disk = SimulatedDisk::new(0);
    work(&Store::simulated(&disk), &mut 0).await.unwrap();
    let calls = disk.calls();
    assert_eq!(calls, 8 * 3 + 1);
    let mut endings = BTreeSet::new();
    for seed in 0..8 {
        for call in 1..=calls {
            let disk = SimulatedDisk::new(seed);
            let store = Store::simulated(&disk);
            disk.crash_after(call);
            let mut acknowledged = 0;
            let failed = work(&store, &mut acknowledged).await.unwrap_err();
            assert!(matches!(failed, Error::Io(_)), "{failed}");
            assert!(store.snapshot().await.is_err() && store.turn().await.is_err());
            assert!(matches!(store.committed_past(99).await, Err(Error::Closed)));
            let number = reopened(&disk).await;
            let least = acknowledged.min(5);
            assert!((least..=acknowledged + 1).contains(&number), "{number}, seed {seed}, {call}");
            endings.insert((acknowledged, number));
        }
    }
    // Every outcome that may be was met: a commit lost or kept, loads lost in any number.
    for expected in [(0, 0), (0, 1), (4, 4), (4, 5), (5, 5), (8, 5), (8, 6), (8, 7), (8, 8)] {
        assert!(endings.contains(&expected), "{expected:?} is missing in {endings:?}");
    }
}

#[tokio::test]
async fn one_seed_is_one_history() {
    for seed in 0..20 {
        let mut numbers = BTreeSet::new();
        for _ in 0..2 {
            let disk = SimulatedDisk::new(seed);
            let store = Store::simulated(&disk);
            work(&store, &mut 0).await.unwrap();
            disk.crash();
            assert!(store.newest().await.is_err());
            numbers.insert(reopened(&disk).await);
        }
        assert_eq!(numbers.len(), 1);
    }
}

#[tokio::test]
async fn closing_syncs_and_opening_again_ends_the_handle_before() {
    let disk = SimulatedDisk::new(3);
    let store = Store::simulated(&disk);
    work(&store, &mut 0).await.unwrap();
    store.close().await.unwrap();
    assert_eq!(reopened(&disk).await, 8);
    assert!(store.snapshot().await.is_err());
}
