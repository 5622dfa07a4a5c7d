//! Making and filling indexes, the committer's side. A new index is kept in step by every commit
//! from its first on; what was there before is filled in page by page, each page in a batch of
//! the committer and read from the very snapshot the batch is judged on, so nothing can change in
//! between. How far it is lies beside the catalogue: after a crash, or on another node, it goes
//! on there.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use store::{Batch, Snapshot};
use value::RawDoc;

use super::known::Indexes;
use super::{INDEXES_MAX, Index, IndexSpec, PRIMARY_NAME, entry, extract, maintain};
use crate::Error;
use crate::layout::{self, Span};
use crate::scan::Pages;

/// Documents filled in per batch.
const FILLED_DOCUMENTS: usize = 512;

/// What becomes of a wish for an index.
#[derive(Debug)]
pub(crate) enum Wish {
    /// There is one like it.
    Exists(u32),
    New,
}

/// Whether an index may be created beside the others.
///
/// # Errors
///
/// [`Error::IndexExists`] when another one has its name or its keys, [`Error::TooManyIndexes`].
pub(crate) fn may_create(others: &[Arc<Index>], spec: &IndexSpec) -> Result<Wish, Error> {
    for other in others {
        if other.spec == *spec {
            return Ok(Wish::Exists(other.number));
        }
        if other.spec.name == spec.name || other.spec.keys == spec.keys {
            return Err(Error::IndexExists { name: other.spec.name.clone() });
        }
    }
    if others.len() + 1 >= INDEXES_MAX {
        return Err(Error::TooManyIndexes);
    }
    Ok(Wish::New)
}

/// The index of this name.
///
/// # Errors
///
/// [`Error::IndexMissing`]; [`Error::IndexRefused`] for the primary index, which stays.
pub(crate) fn find_by_name(others: &[Arc<Index>], name: &str) -> Result<Arc<Index>, Error> {
    if name == PRIMARY_NAME {
        return Err(Error::IndexRefused {
            reason: "the index over _id cannot be dropped".to_owned(),
            reason_zh: "_id 索引不能删除".to_owned(),
        });
    }
    let found = others.iter().find(|index| index.spec.name == name);
    found.cloned().ok_or_else(|| Error::IndexMissing { name: name.to_owned() })
}

/// What one page of filling comes to.
#[derive(Debug)]
pub(crate) struct Filled {
    /// Who holds which key of a unique index; the batch has the entries of other indexes.
    pub(crate) unique: Vec<(Bytes, Bytes)>,
    pub(crate) end: End,
}

/// How a page ended.
#[derive(Debug)]
pub(crate) enum End {
    More,
    /// That was the last one.
    Complete,
    /// The documents do not allow the index.
    Failed(Error),
}

/// Fills the next page of the first index that is being built.
pub(crate) async fn fill(
    indexes: &mut Indexes,
    collection: &str,
    index: &Arc<Index>,
    snapshot: &Snapshot,
    batch: &mut Batch,
) -> Result<Filled, Error> {
    let progress = entry::progress_key(index.number);
    let after = snapshot.get_many(&[&progress]).await?.into_iter().next().flatten();
    let mut pages = Pages::after(Span::documents(index.collection), after, FILLED_DOCUMENTS);
    let mut filled = Filled { unique: Vec::new(), end: End::Complete };
    let Some(page) = pages.next(snapshot).await? else { return Ok(filled) };
    let mut filling = Filling { index, batch, taken: Vec::new() };
    for (key, document) in &page {
        match filling.document(key, document) {
            Ok(flags) => _ = indexes.raise(index, flags, filling.batch),
            Err(error) => {
                filled.end = End::Failed(error);
                return Ok(filled);
            }
        }
    }
    let taken = filling.taken;
    filled.end = match pages.is_done() {
        true => End::Complete,
        false => End::More,
    };
    if index.spec.unique {
        match conflict(&taken, snapshot).await? {
            Some(at) => {
                let printed = extract::printed(index, &RawDoc::new(&page[taken[at].2].1)?);
                filled.end = End::Failed(maintain::duplicate(collection, index, printed));
                return Ok(filled);
            }
            None => filled.unique = taken.into_iter().map(|(key, id, _)| (key, id)).collect(),
        }
    }
    if let (End::More, Some((last, _))) = (&filled.end, page.last()) {
        batch.put(progress, last.clone());
    }
    Ok(filled)
}

struct Filling<'a> {
    index: &'a Index,
    batch: &'a mut Batch,
    /// Keys of a unique index, who has them, and the place of the document in the page.
    taken: Vec<(Bytes, Bytes, usize)>,
}

impl Filling<'_> {
    fn document(&mut self, key: &Bytes, document: &Bytes) -> Result<super::Flags, Error> {
        let keys = extract::keys(self.index, &RawDoc::new(document)?)?;
        let at = self.taken.last().map_or(0, |(.., at)| at + 1);
        for index_key in &keys.keys {
            let (entry, value) = entry::entry(self.index, index_key, layout::id_key(key));
            match self.index.spec.unique {
                true => self.taken.push((entry, value, at)),
                false => self.batch.put(entry, value),
            }
        }
        Ok(keys.flags)
    }
}

/// The first key that another document has.
async fn conflict(
    taken: &[(Bytes, Bytes, usize)],
    snapshot: &Snapshot,
) -> Result<Option<usize>, Error> {
    let wanted: Vec<&[u8]> = taken.iter().map(|(key, ..)| &key[..]).collect();
    let held = snapshot.get_many(&wanted).await?;
    let mut own: HashMap<&Bytes, &Bytes> = HashMap::new();
    for (at, ((key, id, _), holder)) in taken.iter().zip(&held).enumerate() {
        let before = own.insert(key, id);
        if before.into_iter().chain(holder).any(|holder| holder != id) {
            return Ok(Some(at));
        }
    }
    Ok(None)
}
