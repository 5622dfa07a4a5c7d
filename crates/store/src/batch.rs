//! A batch: the writes that become visible and durable together. It refuses keys that no adapter
//! could hold or that belong to the store itself; the order of two writes to one key is kept,
//! so the last one wins.

use bytes::Bytes;

use crate::{Error, KEY_BYTES_MAX, RESERVED_PREFIX};

/// Writes to apply atomically with [`crate::Turn::commit`].
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub(crate) writes: Vec<(Bytes, Option<Bytes>)>,
    bytes: usize,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Batch {
        Batch::default()
    }

    /// Sets `key` to `value`.
    pub fn put(&mut self, key: impl Into<Bytes>, value: impl Into<Bytes>) {
        let (key, value) = (key.into(), value.into());
        self.bytes += key.len() + value.len();
        self.writes.push((key, Some(value)));
    }

    /// Removes `key`; no error when it is absent.
    pub fn delete(&mut self, key: impl Into<Bytes>) {
        let key = key.into();
        self.bytes += key.len();
        self.writes.push((key, None));
    }

    /// Adds all writes of another batch behind these.
    pub fn append(&mut self, more: Batch) {
        self.bytes += more.bytes;
        self.writes.extend(more.writes);
    }

    /// Number of writes.
    pub fn len(&self) -> usize {
        self.writes.len()
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Sum of the lengths of keys and values, in bytes.
    pub fn size_bytes(&self) -> usize {
        self.bytes
    }

    /// Refuses keys that break the rules all adapters share.
    pub(crate) fn check(&self) -> Result<(), Error> {
        for (key, _) in &self.writes {
            let reason = match key.first() {
                None => "it is empty",
                Some(&RESERVED_PREFIX) => "it begins with the reserved byte 0",
                Some(_) if key.len() > KEY_BYTES_MAX => "it is longer than 2048 bytes",
                Some(_) => continue,
            };
            return Err(Error::KeyRefused { reason });
        }
        Ok(())
    }
}
