//! Writing, the caller's side: prepares what can be prepared outside the queue, finds candidates
//! in a snapshot, submits intents and looks again when others were quicker. It decides nothing
//! that depends on the current state of a document; the committer does.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use query::Filter;
use value::{Document, Value};

use crate::intent::{Deed, Intent, Outcome, Prepared, Target, Touch, Upsert, encode};
use crate::plan::Walk;
use crate::{Change, Error, Inner, Modified, Modify, Remove, id, new_id, scan};

/// Most bytes one insert may bring.
const INSERT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Candidates per intent when all that match are wanted.
const CANDIDATES_MULTI: usize = 256;

/// Candidates per intent when one is wanted: the first is nearly always taken, the others are
/// there for when somebody was quicker.
const CANDIDATES_SINGLE: usize = 16;

/// Bytes of candidates from which on an intent takes no more of them.
const CANDIDATE_BYTES: usize = 2 * 1024 * 1024;

/// How often candidates are looked for again. Every repetition means that others succeeded.
const ATTEMPTS_MAX: usize = 100;

/// Inserts all documents or none.
pub(crate) async fn insert(
    inner: &Inner,
    name: &str,
    documents: Vec<Document>,
) -> Result<Vec<Value>, Error> {
    let mut target = inner.target(name).await?;
    let mut prepared: Arc<[Prepared]> = documents
        .into_iter()
        .map(|document| prepare(inner, &target, document))
        .collect::<Result<_, _>>()?;
    let bytes = prepared.iter().map(|document| document.bytes.len()).sum();
    if bytes > INSERT_BYTES_MAX {
        return Err(Error::WriteTooLarge { bytes });
    }
    let ids: Vec<Value> = prepared.iter().map(|document| document.id.clone()).collect();
    if ids.is_empty() {
        return Ok(ids);
    }
    let documents = Arc::clone(&prepared);
    let inserted = inner.committer.submit(Intent::Insert { target: target.clone(), documents });
    if let Err(error) = inserted.await {
        target = inner.target_again(&target, error).await?;
        prepared = prepared.iter().map(|document| document.within(&target)).collect();
        inner.committer.submit(Intent::Insert { target, documents: prepared }).await?;
    }
    Ok(ids)
}

/// Gives a document its `_id`, at the front, and its bytes.
pub(crate) fn prepare(
    inner: &Inner,
    target: &Target,
    mut document: Document,
) -> Result<Prepared, Error> {
    let id = match document.get("_id") {
        Some(id) => id.clone(),
        None => Value::String(new_id(inner.clock.now_ms())),
    };
    let key = id::document_key(target.collection, &id)?;
    if document.first().is_none_or(|(name, _)| name != "_id") {
        document.insert_first("_id", id.clone());
    }
    let bytes = encode(&document)?;
    Ok(Prepared { id, key, bytes })
}

/// Changes the documents that match.
pub(crate) async fn modify(inner: &Inner, modify: Modify) -> Result<Modified, Error> {
    let Modify { collection, filter, change, multi, upsert } = modify;
    let target = inner.target(&collection).await?;
    let (filter, deed) = (Arc::new(filter), Arc::new(Deed::Change(change)));
    Work { inner, target, filter, deed, multi, upsert }.run_here_or_again().await
}

/// Removes the documents that match.
pub(crate) async fn remove(inner: &Inner, remove: Remove) -> Result<u64, Error> {
    let Remove { collection, filter, multi } = remove;
    let target = inner.target(&collection).await?;
    let (filter, deed) = (Arc::new(filter), Arc::new(Deed::Remove));
    let work = Work { inner, target, filter, deed, multi, upsert: false };
    Ok(work.run_here_or_again().await?.matched)
}

impl Inner {
    pub(crate) async fn target(&self, name: &str) -> Result<Target, Error> {
        Ok(Target { name: name.into(), collection: self.collection(name).await? })
    }

    /// The collection as it is now, when a write was refused because another node has dropped it
    /// and created it again; otherwise the error.
    async fn target_again(&self, target: &Target, error: Error) -> Result<Target, Error> {
        if !matches!(error, Error::CollectionMissing { .. }) {
            return Err(error);
        }
        let (_, collection) = self.snapshot_of(&target.name).await?;
        let is_other = collection != target.collection;
        if is_other { Ok(Target { collection, ..target.clone() }) } else { Err(error) }
    }
}

/// A change or removal on its way.
struct Work<'a> {
    inner: &'a Inner,
    target: Target,
    filter: Arc<Filter>,
    deed: Arc<Deed>,
    multi: bool,
    upsert: bool,
}

impl Work<'_> {
    async fn run_here_or_again(mut self) -> Result<Modified, Error> {
        match self.run().await {
            Ok(done) => Ok(done),
            Err(error) => {
                self.target = self.inner.target_again(&self.target, error).await?;
                self.run().await
            }
        }
    }

    async fn run(&self) -> Result<Modified, Error> {
        if let Some(ids) = self.filter.id_points() {
            return self.pinned(&ids).await;
        }
        for _ in 0..ATTEMPTS_MAX {
            if let Some(done) = self.scanned().await? {
                return Ok(done);
            }
        }
        Err(Error::Contended)
    }

    /// Touches documents whose `_id`s the filter names: nothing to look for.
    async fn pinned(&self, ids: &[Value]) -> Result<Modified, Error> {
        let keys = scan::pinned_keys(self.target.collection, ids);
        let mut done = Modified::default();
        let mut portions = keys.chunks(CANDIDATES_MULTI).peekable();
        loop {
            let portion = portions.next().unwrap_or_default();
            let is_last = portions.peek().is_none();
            let upserts = self.upsert && is_last && done.matched == 0;
            if portion.is_empty() && !upserts {
                return Ok(done);
            }
            let upsert = upserts.then(|| self.prepare_upsert(None));
            let outcome = self.submit(portion.to_vec(), 0, upsert).await?;
            let Outcome::Touched(more) = outcome else { return Err(Error::Contended) };
            add(&mut done, more);
            if is_last || (!self.multi && done.matched > 0) {
                return Ok(done);
            }
        }
    }

    /// Looks through a snapshot and touches what is found; `None` when others were quicker.
    async fn scanned(&self) -> Result<Option<Modified>, Error> {
        let reading = self.inner.reading(&self.target.name).await?;
        if reading.collection != self.target.collection {
            return Err(Error::CollectionMissing { name: self.target.name.to_string() });
        }
        let number = reading.snapshot.number();
        let most = if self.multi { CANDIDATES_MULTI } else { CANDIDATES_SINGLE };
        let mut walk = reading.walk(&*self.filter, Some(most)).await?;
        let mut waiting = VecDeque::new();
        let mut done = Modified::default();
        let mut was_late = false;
        loop {
            let found = candidates(&mut walk, &mut waiting, most).await?;
            if !found.keys.is_empty() {
                let outcome = self.submit(found.keys, found.bytes, None).await?;
                let Outcome::Touched(more) = outcome else { return Ok(None) };
                was_late |= more.matched == 0;
                add(&mut done, more);
            }
            if found.is_end || (!self.multi && done.matched > 0) {
                break;
            }
        }
        if done.matched > 0 || (self.multi && !self.upsert) {
            return Ok(Some(done));
        }
        if self.upsert {
            let upsert = self.prepare_upsert(Some(number));
            return match self.submit(Vec::new(), 0, Some(upsert)).await? {
                Outcome::Touched(done) => Ok(Some(done)),
                _ => Ok(None),
            };
        }
        Ok((!was_late).then_some(done))
    }

    async fn submit(
        &self,
        candidates: Vec<Bytes>,
        size_bytes: usize,
        upsert: Option<Upsert>,
    ) -> Result<Outcome, Error> {
        let touch = Touch {
            target: self.target.clone(),
            candidates,
            size_bytes,
            filter: Arc::clone(&self.filter),
            deed: Arc::clone(&self.deed),
            multi: self.multi,
            upsert,
        };
        self.inner.committer.submit(Intent::Touch(touch)).await
    }

    /// The document an upsert would insert.
    fn prepare_upsert(&self, scanned_at: Option<u64>) -> Upsert {
        let document = match &*self.deed {
            Deed::Change(change) => upsert_document(&self.filter, change),
            Deed::Remove => unreachable!("a removal never upserts"),
        };
        let document = document.and_then(|document| prepare(self.inner, &self.target, document));
        Upsert { document, scanned_at }
    }
}

/// The document an upsert inserts: what the filter demands, changed as asked.
pub(crate) fn upsert_document(filter: &Filter, change: &Change) -> Result<Document, Error> {
    match change {
        Change::Operators(update) => {
            let mut document = filter.seed();
            update.apply_on_insert(&mut document)?;
            Ok(document)
        }
        Change::Replace(replacement) => {
            let mut document = replacement.clone();
            if !document.contains_key("_id")
                && let Some(id) = filter.equality("_id")
            {
                document.insert_first("_id", id.clone());
            }
            Ok(document)
        }
    }
}

/// The next matches; `waiting` are those of a batch that were not taken yet.
async fn candidates(
    walk: &mut Walk<&Filter>,
    waiting: &mut VecDeque<(Bytes, Bytes)>,
    most: usize,
) -> Result<Candidates, Error> {
    let mut found = Candidates { keys: Vec::new(), bytes: 0, is_end: false };
    while found.keys.len() < most && found.bytes < CANDIDATE_BYTES {
        if let Some((key, document)) = waiting.pop_front() {
            found.keys.push(key);
            found.bytes += document.len();
            continue;
        }
        match walk.next().await? {
            Some(batch) => waiting.extend(batch),
            None => {
                found.is_end = true;
                break;
            }
        }
    }
    Ok(found)
}

/// Documents that matched in a snapshot.
struct Candidates {
    keys: Vec<Bytes>,
    bytes: usize,
    /// Whether there are no more behind them.
    is_end: bool,
}

fn add(done: &mut Modified, more: Modified) {
    done.matched += more.matched;
    done.modified += more.modified;
    done.upserted_id = more.upserted_id.or(done.upserted_id.take());
    done.document = more.document.or(done.document.take());
}
