//! Keeping entries in step with documents: what the writes of one intent mean for the indexes of
//! their collection. Unchanged keys cost nothing but reading them; a unique key is looked up
//! before it is taken.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use store::Batch;
use value::RawDoc;

use super::known::Indexes;
use super::{Flags, Index, entry, extract};
use crate::Error;
use crate::overlay::Overlay;

/// What a document was and is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Images<'a> {
    /// Name and number of its collection.
    pub(crate) collection: &'a str,
    pub(crate) number: u32,
    /// Key of `_id`.
    pub(crate) id_key: &'a [u8],
    pub(crate) before: Option<&'a Bytes>,
    pub(crate) after: Option<&'a Bytes>,
}

/// Changes of entries, in the order they are to be made.
#[derive(Debug, Default)]
pub(crate) struct Delta {
    entries: Vec<(Bytes, Option<Bytes>)>,
    /// Key → who holds it afterwards.
    unique: HashMap<Bytes, Option<Bytes>>,
    flags: Vec<(Arc<Index>, Flags)>,
}

/// Either the changes, or the keys that must be read first.
#[derive(Debug)]
pub(crate) enum Judged {
    Ready(Delta),
    Needs(Vec<Bytes>),
}

/// Judges all writes of an intent together: a unique key that one of them frees another may take.
///
/// # Errors
///
/// [`Error::DuplicateKey`], [`Error::ParallelArrays`].
pub(crate) fn judge<'a>(
    indexes: &Indexes,
    images: impl Iterator<Item = Images<'a>>,
    overlay: &Overlay,
) -> Result<Judged, Error> {
    let mut judging = Judging { overlay, delta: Delta::default(), needs: Vec::new() };
    let mut added = Vec::new();
    for images in images {
        if !indexes.has(images.number) {
            continue;
        }
        for index in indexes.of(images.number).iter() {
            for key in judging.write(index, images)? {
                added.push((Arc::clone(index), key, images));
            }
        }
    }
    for (index, key, images) in added {
        judging.put_in(&index, &key, images)?;
    }
    match judging.needs.is_empty() {
        true => Ok(Judged::Ready(judging.delta)),
        false => Ok(Judged::Needs(judging.needs)),
    }
}

/// The entries of unique indexes that inserting a document will look at.
pub(crate) fn unique_keys(indexes: &[Arc<Index>], document: &Bytes) -> Vec<Bytes> {
    let unique = indexes.iter().filter(|index| index.spec.unique);
    let keys = unique.filter_map(|index| {
        // What does not read is refused when it is judged.
        let keys = extract::keys(index, &RawDoc::new(document).ok()?).ok()?.keys;
        Some(keys.into_iter().map(|key| entry::entry(index, &key, &[]).0).collect::<Vec<_>>())
    });
    keys.flatten().collect()
}

struct Judging<'a> {
    overlay: &'a Overlay,
    delta: Delta,
    needs: Vec<Bytes>,
}

impl Judging<'_> {
    /// Takes out what is no longer so; returns the keys to put in.
    fn write(&mut self, index: &Arc<Index>, images: Images<'_>) -> Result<Vec<Vec<u8>>, Error> {
        let keys = |image: Option<&Bytes>| match image {
            Some(image) => extract::keys(index, &RawDoc::new(image)?),
            None => Ok(extract::Keys::default()),
        };
        let (before, after) = (keys(images.before)?, keys(images.after)?);
        if index.flags.with(after.flags) != index.flags {
            self.delta.flags.push((Arc::clone(index), after.flags));
        }
        let without = |keys: &[Vec<u8>], others: &[Vec<u8>]| -> Vec<Vec<u8>> {
            keys.iter().filter(|key| others.binary_search(key).is_err()).cloned().collect()
        };
        for key in without(&before.keys, &after.keys) {
            self.take_out(index, &key, images.id_key);
        }
        Ok(without(&after.keys, &before.keys))
    }

    fn take_out(&mut self, index: &Index, key: &[u8], id_key: &[u8]) {
        let (entry, _) = entry::entry(index, key, id_key);
        if !index.spec.unique {
            return self.delta.entries.push((entry, None));
        }
        // While it is being filled, the entry may belong to another document.
        let is_own = index.ready_at.is_some()
            || match self.unique(&entry) {
                Some(holder) => holder.is_some_and(|holder| holder == id_key),
                None => {
                    self.needs.push(entry);
                    return;
                }
            };
        if is_own {
            self.delta.unique.insert(entry, None);
        }
    }

    fn put_in(&mut self, index: &Index, key: &[u8], images: Images<'_>) -> Result<(), Error> {
        let (entry, value) = entry::entry(index, key, images.id_key);
        if !index.spec.unique {
            self.delta.entries.push((entry, Some(value)));
            return Ok(());
        }
        match self.unique(&entry) {
            None => self.needs.push(entry),
            Some(Some(holder)) if *holder != value => {
                let printed = match images.after {
                    Some(image) => extract::printed(index, &RawDoc::new(image)?),
                    None => String::new(),
                };
                return Err(duplicate(images.collection, index, printed));
            }
            Some(_) => drop(self.delta.unique.insert(entry, Some(value))),
        }
        Ok(())
    }

    /// Who holds a unique key: first as this intent leaves it, then as those before it did.
    fn unique(&self, entry: &Bytes) -> Option<Option<&Bytes>> {
        match self.delta.unique.get(entry) {
            Some(holder) => Some(holder.as_ref()),
            None => self.overlay.known(entry),
        }
    }
}

/// A document in the way of a unique key.
pub(crate) fn duplicate(collection: &str, index: &Index, key: String) -> Error {
    Error::DuplicateKey { collection: collection.to_owned(), index: index.spec.name.clone(), key }
}

impl Delta {
    /// Makes the changes.
    pub(crate) fn apply(
        self,
        overlay: &mut Overlay,
        batch: &mut Batch,
    ) -> Vec<(Arc<Index>, Flags)> {
        for (entry, value) in self.entries {
            match value {
                Some(value) => batch.put(entry, value),
                None => batch.delete(entry),
            }
        }
        for (entry, holder) in self.unique {
            overlay.set(entry, holder);
        }
        self.flags
    }
}
