//! Locks by name: a fixed number of mutexes, a name always meets the same one.
//!
//! Two names may share a mutex, so nobody may hold two locks of one [`Locks`] at a time.

use std::hash::{BuildHasher as _, RandomState};

use tokio::sync::{Mutex, MutexGuard};

const STRIPES: usize = 64;

pub(crate) struct Locks {
    stripes: [Mutex<()>; STRIPES],
    hasher: RandomState,
}

impl Locks {
    pub(crate) fn new() -> Self {
        Self { stripes: std::array::from_fn(|_| Mutex::new(())), hasher: RandomState::new() }
    }

    pub(crate) async fn lock(&self, name: &str) -> MutexGuard<'_, ()> {
        let index = self.hasher.hash_one(name) % STRIPES as u64;
        let index = usize::try_from(index).expect("less than the number of stripes");
        self.stripes[index].lock().await
    }
}
