//! What an embedded store keeps in memory does not follow what is in it. Bytes are counted, not
//! measured: nothing here depends on an allocator or on time.

use store::{Batch, Error, FjallOptions, InMemory, Store};

const MIB: u64 = 1 << 20;
const PORTION: u64 = 500;

/// Adds portions of new keys in ascending order, as ids often are, each in two places, so that it
/// lies within the keys of every table. Some are looked for first, as commits do.
async fn add(store: &Store, portions: std::ops::Range<u64>) -> Result<InMemory, Error> {
    let mut most = InMemory::default();
    for portion in portions {
        let turn = store.turn().await?;
        let numbers = portion * PORTION..(portion + 1) * PORTION;
        let keys: Vec<String> = numbers.map(|number| format!("a{number:016}")).collect();
        let looked_for = keys.iter().step_by(50).map(String::as_bytes).collect::<Vec<_>>();
        let found = turn.snapshot().get_many(&looked_for).await?;
        assert!(found.iter().all(Option::is_none));
        let mut batch = Batch::new();
        for key in keys {
            batch.put(key.replace('a', "b"), vec![7; 32]);
            batch.put(key, vec![7; 32]);
        }
        turn.load(batch).await?;
        let now = store.in_memory();
        most.blocks = most.blocks.max(now.blocks);
        most.pinned = most.pinned.max(now.pinned);
    }
    Ok(most)
}

#[tokio::test]
async fn new_keys_do_not_fill_the_cache_with_filters_of_tables_that_are_gone() {
    let folder = tempfile::tempdir().unwrap();
    let options = FjallOptions { memtable_bytes: MIB, ..FjallOptions::default() };
    let store = Store::fjall(folder.path(), options).unwrap();
    add(&store, 0..200).await.unwrap();
    let most = add(&store, 200..1_000).await.unwrap();
    // Filters of a million keys are more than a megabyte, and each merge makes them anew.
    assert!(most.blocks < MIB / 2, "{most:?}");
    assert!(most.pinned < 2 * MIB, "{most:?}");
    assert!(store.in_memory().writes > 0);
    store.close().await.unwrap();
}

#[tokio::test]
async fn reading_everything_keeps_no_more_than_was_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let options = FjallOptions {
        memtable_bytes: MIB,
        cache_bytes: 2 * MIB,
        value_cache_bytes: 2 << 20,
        ..FjallOptions::default()
    };
    let store = Store::fjall(folder.path(), options).unwrap();
    add(&store, 0..200).await.unwrap();
    let snapshot = store.snapshot().await.unwrap();
    let mut most = InMemory::default();
    for number in 0..200 * PORTION {
        let key = format!("a{number:016}");
        assert!(snapshot.get_many(&[key.as_bytes()]).await.unwrap()[0].is_some());
        if number % 1_000 == 0 {
            let now = store.in_memory();
            most.blocks = most.blocks.max(now.blocks);
            most.values = most.values.max(now.values);
        }
    }
    assert!(most.blocks > MIB && most.blocks <= 2 * MIB, "{most:?}");
    assert!(most.values > MIB && most.values <= 2 * MIB + MIB / 4, "{most:?}");
    assert_eq!(Store::memory().in_memory(), InMemory::default());
    drop(snapshot);
    store.close().await.unwrap();
}
