//! The documents of one batch, and the keys of unique indexes, while it is being made:
//! what the store held when the batch began,
//! and on top of it what the intents so far have done. It holds bytes and judges nothing.

use std::collections::HashMap;

use bytes::Bytes;
use store::{Batch, Snapshot};

use crate::Error;

#[derive(Debug)]
struct Slot {
    now: Option<Bytes>,
    is_changed: bool,
}

/// Key → the document as the next intent of the batch sees it.
#[derive(Debug, Default)]
pub(crate) struct Overlay {
    slots: HashMap<Bytes, Slot>,
}

impl Overlay {
    /// Reads the documents that the intents of a batch need, each once, with one call.
    pub(crate) async fn read<'a>(
        snapshot: &Snapshot,
        keys: impl Iterator<Item = &'a Bytes>,
    ) -> Result<Overlay, Error> {
        let mut wanted: Vec<&Bytes> = keys.collect();
        wanted.sort_unstable();
        wanted.dedup();
        let slices: Vec<&[u8]> = wanted.iter().map(|key| &key[..]).collect();
        let found = snapshot.get_many(&slices).await?;
        let slots = wanted.into_iter().cloned().zip(found);
        let slots = slots.map(|(key, now)| (key, Slot { now, is_changed: false })).collect();
        Ok(Overlay { slots })
    }

    /// The document as it is now within the batch.
    pub(crate) fn get(&self, key: &Bytes) -> Option<&Bytes> {
        let slot = self.slots.get(key).expect("every key an intent looks at was read for it");
        slot.now.as_ref()
    }

    /// Who is there now; `None` when it was never read.
    pub(crate) fn known(&self, key: &Bytes) -> Option<Option<&Bytes>> {
        self.slots.get(key).map(|slot| slot.now.as_ref())
    }

    /// Reads more, leaving what is known as it is.
    pub(crate) async fn read_more(
        &mut self,
        snapshot: &Snapshot,
        keys: &[Bytes],
    ) -> Result<(), Error> {
        let more = Overlay::read(snapshot, keys.iter()).await?;
        for (key, slot) in more.slots {
            self.slots.entry(key).or_insert(slot);
        }
        Ok(())
    }

    pub(crate) fn set(&mut self, key: Bytes, now: Option<Bytes>) {
        self.slots.insert(key, Slot { now, is_changed: true });
    }

    /// Adds every changed document to the batch, in its final state.
    pub(crate) fn write_to(self, batch: &mut Batch) {
        for (key, slot) in self.slots {
            match slot {
                Slot { is_changed: false, .. } => {}
                Slot { now: Some(document), .. } => batch.put(key, document),
                Slot { now: None, .. } => batch.delete(key),
            }
        }
    }
}
