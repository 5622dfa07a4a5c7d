//! What the store on PostgreSQL promises beyond the suite of all adapters.
//!
//! - `nodes`: several handles on one schema
//! - `breaking`: servers that crash and connections that break, at every bad moment
//! - `encryption`: TLS
//! - `refusing`: addresses, servers and formats that are refused

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod breaking;
mod encryption;
mod nodes;
mod proxy;
mod refusing;

use store::{Batch, Error, PostgresOptions, Snapshot, Store};

async fn open(address: &str) -> Result<Store, Error> {
    Store::postgres(PostgresOptions::parse(address)?).await
}

fn put(key: &str, value: impl Into<Vec<u8>>) -> Batch {
    let mut batch = Batch::new();
    batch.put(key.to_owned(), value.into());
    batch
}

async fn commit(store: &Store, batch: Batch) -> u64 {
    store.turn().await.unwrap().commit(batch).await.unwrap()
}

async fn get(snapshot: &Snapshot, key: &str) -> Result<Option<String>, Error> {
    let found = snapshot.get_many(&[key.as_bytes()]).await?.remove(0);
    Ok(found.map(|value| String::from_utf8(value.to_vec()).unwrap()))
}

/// Adds one to the number under `n`, as a committer does: again and alone when it was outrun.
async fn increment(store: &Store) -> Result<u64, Error> {
    match increment_on(store.turn().await?).await {
        Err(Error::Outdated) => increment_on(store.turn_alone().await?).await,
        done => done,
    }
}

async fn increment_on(turn: store::Turn) -> Result<u64, Error> {
    let before = get(turn.snapshot(), "n").await?.map_or(0, |text| text.parse::<u64>().unwrap());
    turn.commit(put("n", (before + 1).to_string())).await?;
    Ok(before + 1)
}
