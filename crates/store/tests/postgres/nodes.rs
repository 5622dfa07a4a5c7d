//! Several handles on one schema behave as one store.

use std::ops::Bound;

use store::Error;

use super::{commit, get, increment, open, put};

#[tokio::test]
async fn nodes_that_open_an_environment_at_once_find_one() {
    let address = throwaway_postgres::fresh_address();
    let opened = (0..6).map(|_| {
        let address = address.clone();
        tokio::spawn(async move { open(&address).await.unwrap() })
    });
    let opened: Vec<_> = opened.collect();
    for (round, store) in opened.into_iter().enumerate() {
        let store = store.await.unwrap();
        assert_eq!(increment(&store).await.unwrap(), round as u64 + 1);
    }
}

#[tokio::test]
async fn a_commit_is_seen_by_the_other_node_at_once_and_wakes_it() {
    let address = throwaway_postgres::fresh_address();
    let (one, other) = (open(&address).await.unwrap(), open(&address).await.unwrap());
    for round in 0..20 {
        let number = commit(&one, put("k", format!("{round}"))).await;
        let snapshot = other.snapshot().await.unwrap();
        assert_eq!(get(&snapshot, "k").await.unwrap(), Some(format!("{round}")));
        assert_eq!(other.newest().await.unwrap(), number);
    }
    let newest = other.newest().await.unwrap();
    let waiting = tokio::spawn(async move { other.committed_past(newest).await });
    assert_eq!(commit(&one, put("k", "woken")).await, newest + 1);
    assert_eq!(waiting.await.unwrap().unwrap(), newest + 1);
}

#[tokio::test]
async fn another_node_outruns_a_turn_but_not_one_that_is_alone() {
    let address = throwaway_postgres::fresh_address();
    let (one, other) = (open(&address).await.unwrap(), open(&address).await.unwrap());
    let slow = one.turn().await.unwrap();
    commit(&other, put("k", "quick")).await;
    assert!(matches!(slow.commit(put("k", "slow")).await, Err(Error::Outdated)));

    let alone = one.turn_alone().await.unwrap();
    let waiting = other.turn().await.unwrap();
    let waiting = tokio::spawn(async move { waiting.commit(put("k", "waiting")).await });
    assert_eq!(get(alone.snapshot(), "k").await.unwrap().unwrap(), "quick");
    assert_eq!(alone.commit(put("k", "alone")).await.unwrap(), 2);
    assert!(matches!(waiting.await.unwrap(), Err(Error::Outdated)));

    // A turn that is dropped lets go of the head.
    drop(one.turn_alone().await.unwrap());
    let alone = other.turn_alone().await.unwrap();
    assert_eq!(alone.number(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn increments_of_many_nodes_are_counted_once_each() {
    let address = throwaway_postgres::fresh_address();
    let work = |address: String| async move {
        let store = open(&address).await.unwrap();
        for _ in 0..25 {
            increment(&store).await.unwrap();
        }
    };
    let nodes: Vec<_> = (0..4).map(|_| tokio::spawn(work(address.clone()))).collect();
    for node in nodes {
        node.await.unwrap();
    }
    assert_eq!(increment(&open(&address).await.unwrap()).await.unwrap(), 101);
}

#[tokio::test]
async fn values_of_sixteen_megabytes_and_batches_of_many_go_through() {
    let store = open(&throwaway_postgres::fresh_address()).await.unwrap();
    let value: Vec<u8> =
        (0..16 << 20).map(|at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut batch = put("a", value.clone());
    batch.put("b", value.clone());
    (0..2_000).for_each(|key| batch.put(format!("c{key:04}"), vec![7; 2_000]));
    let late = store.turn().await.unwrap();
    assert_eq!(commit(&store, batch.clone()).await, 1);
    assert!(matches!(late.commit(batch.clone()).await, Err(Error::Outdated)));
    let before = store.snapshot().await.unwrap();
    assert_eq!(store.turn_alone().await.unwrap().commit(batch).await.unwrap(), 2);
    let mut batch = put("a", "small");
    batch.delete("b");
    assert_eq!(commit(&store, batch).await, 3);

    for snapshot in [before, store.snapshot().await.unwrap()] {
        let is_old = snapshot.number() == 1;
        let found = snapshot.get_many(&[b"b", b"a", b"c1999"]).await.unwrap();
        assert_eq!(found[0].as_ref().map(|found| **found == value), is_old.then_some(true));
        assert_eq!(*found[1].as_ref().unwrap() == value, is_old);
        assert_eq!(found[2].as_ref().unwrap().len(), 2_000);
        let page = snapshot.range(Bound::Unbounded, Bound::Unbounded, false, 5_000).await.unwrap();
        assert_eq!(page.len(), if is_old { 1 } else { 2_001 });
    }
}

/// Reads an old snapshot until it is refused; up to then it must show what it showed.
#[tokio::test]
async fn an_old_snapshot_is_right_until_it_is_refused() {
    let address = throwaway_postgres::fresh_address() + "&horizon=0.2";
    let store = open(&address).await.unwrap();
    commit(&store, put("n", "old")).await;
    let old = store.snapshot().await.unwrap();
    commit(&store, put("n", "new")).await;
    let refused = loop {
        match get(&old, "n").await {
            Ok(found) => assert_eq!(found.as_deref(), Some("old")),
            Err(error) => break error,
        }
        let page = old.range(Bound::Unbounded, Bound::Unbounded, true, 9).await;
        assert!(page.is_err() || page.unwrap()[0].1 == "old");
    };
    assert!(matches!(refused, Error::SnapshotTooOld), "{refused}");
    assert!(refused.to_string().contains("重新开始"), "{refused}");

    // What stays newest stays readable however old it is, and the past is emptied.
    let newest = store.snapshot().await.unwrap();
    let schema = address.split("schema=").nth(1).unwrap().split('&').next().unwrap();
    let driver = address.split("&schema").next().unwrap();
    let (client, connection) =
        tokio_postgres::connect(driver, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let rows = format!("select count(*) from \"{schema}\".past");
    while client.query_one(&rows, &[]).await.unwrap().get::<_, i64>(0) > 0 {}
    assert_eq!(get(&newest, "n").await.unwrap().as_deref(), Some("new"));
}
