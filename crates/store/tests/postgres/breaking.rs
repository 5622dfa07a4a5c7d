//! A server that crashes, and connections that break in the middle of a commit: what was
//! acknowledged is there once, what was refused is not there, and the store goes on.

use std::path::PathBuf;

use store::Error;
use throwaway_postgres::{Cluster, Disk};

use super::proxy::{Mischief, Proxy};
use super::{commit, get, increment, increment_on, open, put};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_survive_a_crash_of_the_server_and_the_store_goes_on() {
    let cluster = Cluster::start(Disk::Durable);
    let address = cluster.address();
    let store = open(&address).await.unwrap();
    for round in 1..=3 {
        let number = commit(&store, put("k", format!("{round}"))).await;
        let before = store.snapshot().await.unwrap();
        // Not synced: it may be lost, and its number be used again.
        store.turn().await.unwrap().load(put("loaded", format!("{round}"))).await.unwrap();
        let loaded = store.snapshot().await.unwrap();
        let turn = store.turn().await.unwrap();
        tokio::task::block_in_place(|| cluster.crash_and_restart());

        let after = store.snapshot().await.unwrap();
        assert!((number..=number + 1).contains(&after.number()), "{}", after.number());
        assert_eq!(get(&after, "k").await.unwrap(), Some(format!("{round}")));
        let is_there = get(&after, "loaded").await.unwrap() == Some(format!("{round}"));
        assert_eq!(is_there, after.number() == number + 1);
        for snapshot in [before, loaded] {
            assert!(matches!(get(&snapshot, "k").await, Err(Error::SnapshotTooOld)));
        }
        assert!(matches!(turn.commit(put("k", "wrong")).await, Err(Error::Outdated)));
        assert_eq!(increment(&store).await.unwrap(), round);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_loaded_survives_a_crash_after_closing() {
    let cluster = Cluster::start(Disk::Durable);
    let store = open(&cluster.address()).await.unwrap();
    store.turn().await.unwrap().load(put("k", "loaded")).await.unwrap();
    store.close().await.unwrap();
    tokio::task::block_in_place(|| cluster.crash_and_restart());
    let store = open(&cluster.address()).await.unwrap();
    let found = get(&store.snapshot().await.unwrap(), "k").await.unwrap();
    assert_eq!(found.as_deref(), Some("loaded"));
}

/// Counts with connections that break in every way at every few commits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_connection_breaks_is_counted_exactly_when_it_is_acknowledged() {
    let address = throwaway_postgres::fresh_address();
    let (proxy, through) = proxy_to(&address);
    let (store, other) = (open(&through).await.unwrap(), open(&address).await.unwrap());
    let ways = [Mischief::BeforeTheServer, Mischief::BeforeTheAnswer, Mischief::Late];
    let mut counted = 0;
    for round in 0..24 {
        let way = ways[round % 3];
        proxy.plan(way);
        // An optimistic turn is begun again by itself; one that is alone says what happened.
        if round % 2 == 0 {
            counted = increment(&store).await.unwrap();
        } else {
            let turn = store.turn_alone().await.unwrap();
            match increment_on(turn).await {
                Ok(number) => counted = number,
                Err(error) => {
                    assert!(matches!(error, Error::StoreUnreachable { .. }), "{error}");
                    assert_ne!(way, Mischief::BeforeTheAnswer);
                }
            }
        }
        assert!(proxy.is_done(), "{way:?} did not come to pass");
        let seen = get(&other.snapshot().await.unwrap(), "n").await.unwrap();
        assert_eq!(seen, Some(counted.to_string()), "after {way:?}");
        counted = increment(&other).await.unwrap();
    }
    proxy.plan(Mischief::None);
    assert_eq!(increment(&store).await.unwrap(), counted + 1);
    // Of 24 rounds 12 were alone, and of these 8 were refused; each round the other counted, too.
    assert_eq!(counted, 24 + 24 - 8);
}

/// A proxy to the server, and the address through it.
fn proxy_to(address: &str) -> (Proxy, String) {
    let folder = address.split("host=").nth(1).unwrap().split('&').next().unwrap();
    let proxy = Proxy::start(&PathBuf::from(folder.replace("%2F", "/")));
    let through = proxy.folder().to_str().unwrap().replace('/', "%2F");
    (proxy, address.replace(folder, &through))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_nobody_can_ask_after_is_called_unknown() {
    let address = throwaway_postgres::fresh_address();
    let (proxy, through) = proxy_to(&address);
    let store = open(&format!("{through}&patience=0.1")).await.unwrap();
    assert_eq!(increment(&store).await.unwrap(), 1);
    proxy.plan(Mischief::Gone);
    let unknown = increment(&store).await.unwrap_err();
    assert!(matches!(unknown, Error::CommitUnknown { .. }), "{unknown}");
    assert!(unknown.to_string().contains("重新读取"), "{unknown}");
    // This one had taken place.
    proxy.come_back();
    assert_eq!(increment(&store).await.unwrap(), 3);
}
