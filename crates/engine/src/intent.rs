//! What waits in the commit queue, and how one intent is judged: against the documents as the
//! intents before it left them, wholly or not at all. Judging writes nothing; it returns a
//! [`Draft`] that the committer merges when all of it went well. The same intent may be judged
//! again when another node was quicker.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use query::Filter;
use value::{DocView, Document, RawDoc, Value};

use crate::catalogue::{Collection, Names};
use crate::changes::ChangeKind;
use crate::index::{IndexSpec, PRIMARY_NAME};
use crate::overlay::Overlay;
use crate::recent::Commit;
use crate::transaction::TransactionCommit;
use crate::{Change, Error, Modified, id, layout};

/// A write waiting for its turn.
#[derive(Debug)]
pub(crate) enum Intent {
    CreateCollection { name: String, may_exist: bool },
    DropCollection { name: String },
    Insert { target: Target, documents: Arc<[Prepared]> },
    Touch(Touch),
    Transaction(TransactionCommit),
    CreateIndex { target: Target, spec: IndexSpec },
    DropIndex { target: Target, name: String },
}

/// The collection a write was meant for when it was asked.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) name: Arc<str>,
    pub(crate) collection: Collection,
}

/// A change or removal of documents found outside the queue.
#[derive(Debug)]
pub(crate) struct Touch {
    pub(crate) target: Target,
    /// Keys of the documents that matched when they were looked for, in order.
    pub(crate) candidates: Vec<Bytes>,
    /// Bytes of the candidates, about.
    pub(crate) size_bytes: usize,
    pub(crate) filter: Arc<Filter>,
    pub(crate) deed: Arc<Deed>,
    /// All candidates that still match, or the first.
    pub(crate) multi: bool,
    pub(crate) upsert: Option<Upsert>,
}

#[derive(Debug)]
pub(crate) enum Deed {
    Change(Change),
    Remove,
}

/// The document to insert when no document of the collection matches.
#[derive(Debug)]
pub(crate) struct Upsert {
    /// Why it cannot be inserted matters only once it would be.
    pub(crate) document: Result<Prepared, Error>,
    /// Commit number since which unseen documents may match; `None` when the candidates are all
    /// that ever could.
    pub(crate) scanned_at: Option<u64>,
}

/// What the committer knows about the time between the making of an intent and its turn.
#[derive(Debug)]
pub(crate) enum Late {
    /// The intent does not ask.
    Nothing,
    /// Keys of the documents that changed meanwhile.
    Keys(Vec<Bytes>),
    /// Everything that changed meanwhile.
    Commits(Vec<Arc<Commit>>),
    /// It is too long ago to know.
    Unknown,
}

impl Late {
    /// The keys, as far as they are known.
    pub(crate) fn keys(&self) -> &[Bytes] {
        match self {
            Late::Keys(keys) => keys,
            Late::Nothing | Late::Commits(_) | Late::Unknown => &[],
        }
    }
}

/// A new document, ready to be stored.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    pub(crate) id: Value,
    pub(crate) key: Bytes,
    pub(crate) bytes: Bytes,
}

impl Prepared {
    /// The same document for another collection.
    pub(crate) fn within(&self, target: &Target) -> Prepared {
        let key = layout::document_key(target.collection.number, layout::id_key(&self.key));
        Prepared { key, ..self.clone() }
    }
}

/// What became of an intent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    Done,
    Touched(Modified),
    /// Number of the index.
    Indexed(u32),
    /// Look for candidates again.
    Stale,
}

/// The writes of one intent, each document once; a transaction writes to many collections.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) writes: Vec<Write>,
}

/// What becomes of one document.
#[derive(Clone, Debug)]
pub(crate) struct Write {
    pub(crate) target: Target,
    pub(crate) key: Bytes,
    pub(crate) kind: ChangeKind,
    pub(crate) before: Option<Bytes>,
    pub(crate) after: Option<Bytes>,
}

impl Intent {
    /// About how many bytes the intent brings or makes the committer read.
    pub(crate) fn size_bytes(&self) -> usize {
        match self {
            Intent::CreateCollection { .. }
            | Intent::DropCollection { .. }
            | Intent::CreateIndex { .. }
            | Intent::DropIndex { .. } => 0,
            Intent::Insert { documents, .. } => {
                documents.iter().map(|document| document.bytes.len()).sum()
            }
            Intent::Touch(touch) => touch.size_bytes,
            Intent::Transaction(commit) => commit.size_bytes(),
        }
    }

    /// Keys of the documents that judging will look at.
    pub(crate) fn keys(&self) -> Box<dyn Iterator<Item = &Bytes> + Send + '_> {
        match self {
            // A transaction brings along what its documents were.
            Intent::CreateCollection { .. }
            | Intent::DropCollection { .. }
            | Intent::CreateIndex { .. }
            | Intent::DropIndex { .. }
            | Intent::Transaction(_) => Box::new(std::iter::empty()),
            Intent::Insert { documents, .. } => {
                Box::new(documents.iter().map(|document| &document.key))
            }
            Intent::Touch(touch) => {
                let upsert = touch.upsert.iter().flat_map(|upsert| &upsert.document);
                Box::new(touch.candidates.iter().chain(upsert.map(|document| &document.key)))
            }
        }
    }
}

impl Target {
    /// Refuses when the collection was dropped since the intent was made.
    pub(crate) fn check(&self, names: &Names) -> Result<(), Error> {
        match names.get(&*self.name) {
            Some(collection) if *collection == self.collection => Ok(()),
            _ => Err(Error::CollectionMissing { name: self.name.to_string() }),
        }
    }

    pub(crate) fn duplicate(&self, id: &Value) -> Error {
        Error::DuplicateKey {
            collection: self.name.to_string(),
            index: PRIMARY_NAME.to_owned(),
            key: format!("{{ _id: {} }}", id::printed(id)),
        }
    }
}

impl Draft {
    fn insert(&mut self, target: &Target, key: &Bytes, bytes: &Bytes) {
        let (target, key, after) = (target.clone(), key.clone(), Some(bytes.clone()));
        self.writes.push(Write { target, key, kind: ChangeKind::Insert, before: None, after });
    }
}

/// Inserts all documents or refuses all.
pub(crate) fn judge_insert(
    target: &Target,
    documents: &[Prepared],
    overlay: &Overlay,
) -> Result<(Draft, Outcome), Error> {
    let mut draft = Draft::default();
    let mut own = HashSet::new();
    for Prepared { id, key, bytes } in documents {
        if overlay.get(key).is_some() || !own.insert(key) {
            return Err(target.duplicate(id));
        }
        draft.insert(target, key, bytes);
    }
    Ok((draft, Outcome::Done))
}

impl Touch {
    /// Changes the candidates that still match. `late` is what changed since an upsert was made,
    /// and `changed` are the keys of the collection that earlier intents of the batch wrote: an
    /// upsert looks at both before it inserts.
    pub(crate) fn judge<'a>(
        &self,
        overlay: &Overlay,
        late: &'a Late,
        changed: impl Iterator<Item = &'a Bytes>,
    ) -> Result<(Draft, Outcome), Error> {
        let mut turn = Turn { touch: self, overlay, draft: Draft::default(), done: <_>::default() };
        turn.visit(self.candidates.iter())?;
        if turn.done.matched == 0
            && let Some(upsert) = &self.upsert
        {
            if upsert.scanned_at.is_some() {
                let mut keys: Vec<&Bytes> = late.keys().iter().chain(changed).collect();
                keys.sort_unstable();
                keys.dedup();
                turn.visit(keys.into_iter())?;
            }
            if turn.done.matched == 0 {
                if matches!(late, Late::Unknown) {
                    return Ok((Draft::default(), Outcome::Stale));
                }
                turn.insert(upsert)?;
            }
        }
        Ok((turn.draft, Outcome::Touched(turn.done)))
    }
}

/// A [`Touch`] while it is being judged.
struct Turn<'a> {
    touch: &'a Touch,
    overlay: &'a Overlay,
    draft: Draft,
    done: Modified,
}

impl Turn<'_> {
    fn visit<'k>(&mut self, keys: impl Iterator<Item = &'k Bytes>) -> Result<(), Error> {
        for key in keys {
            let Some(current) = self.overlay.get(key) else { continue };
            if !self.touch.filter.check(&DocView::Raw(RawDoc::new(current)?))? {
                continue;
            }
            self.done.matched += 1;
            self.act(key, current)?;
            if !self.touch.multi {
                break;
            }
        }
        Ok(())
    }

    fn act(&mut self, key: &Bytes, current: &Bytes) -> Result<(), Error> {
        let Deed::Change(change) = &*self.touch.deed else {
            self.done.modified += 1;
            self.write(key, ChangeKind::Remove, current, None);
            return Ok(());
        };
        let changed = apply(change, current, &self.touch.filter)?;
        if !self.touch.multi {
            self.done.document = Some(changed.clone().unwrap_or_else(|| current.clone()));
        }
        if let Some(bytes) = changed {
            self.done.modified += 1;
            let kind = match change {
                Change::Operators(_) => ChangeKind::Update,
                Change::Replace(_) => ChangeKind::Replace,
            };
            self.write(key, kind, current, Some(bytes));
        }
        Ok(())
    }

    fn write(&mut self, key: &Bytes, kind: ChangeKind, before: &Bytes, after: Option<Bytes>) {
        let (target, key, before) = (self.touch.target.clone(), key.clone(), Some(before.clone()));
        self.draft.writes.push(Write { target, key, kind, before, after });
    }

    fn insert(&mut self, upsert: &Upsert) -> Result<(), Error> {
        let Prepared { id, key, bytes } = upsert.document.as_ref().map_err(Error::clone)?;
        if self.overlay.get(key).is_some() {
            return Err(self.touch.target.duplicate(id));
        }
        self.done.upserted_id = Some(id.clone());
        if !self.touch.multi {
            self.done.document = Some(bytes.clone());
        }
        self.draft.insert(&self.touch.target, key, bytes);
        Ok(())
    }
}

/// The document after the change; `None` when it stays as it is. The filter, which it passes, says
/// what the positional `$` means.
pub(crate) fn apply(
    change: &Change,
    current: &Bytes,
    filter: &Filter,
) -> Result<Option<Bytes>, Error> {
    let changed = match change {
        Change::Operators(update) => {
            let mut document = Document::from_bytes(current)?;
            if !update.apply_matching(&mut document, filter)? {
                return Ok(None);
            }
            encode(&document)?
        }
        Change::Replace(replacement) => {
            let old = RawDoc::new(current)?.get("_id").map(|id| id.to_value()).transpose()?;
            let id = old.unwrap_or(Value::Null);
            if replacement.get("_id").is_some_and(|new| !value::equals(new, &id)) {
                return Err(Error::IdRefused {
                    reason: "it cannot be changed",
                    reason_zh: "不可修改",
                });
            }
            let mut document = replacement.clone();
            document.insert_first("_id", id);
            encode(&document)?
        }
    };
    Ok((changed != *current).then_some(changed))
}

/// The bytes of a document that keeps the limits.
pub(crate) fn encode(document: &Document) -> Result<Bytes, Error> {
    document.check_limits()?;
    // Without room to grow: it may be kept for long.
    Ok(document.to_bytes().into_boxed_slice().into())
}
