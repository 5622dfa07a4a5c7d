//! One batch while it is being made: the intents of one turn of the committer, judged one after
//! another on top of each other. An intent that fails, or panics, leaves nothing behind. The batch
//! is made on a copy of the state: whoever commits it takes the copy over.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use store::{Batch, Snapshot};

use crate::changes::{ChangeKind, Record};
use crate::index::maintain::{self, Delta, Images, Judged};
use crate::intent::{Draft, Intent, Late, Outcome, Target, Touch, judge_insert};
use crate::overlay::Overlay;
use crate::recent::{Commit, Recent};
use crate::state::State;
use crate::{Error, Options, layout};

/// What a batch is judged on.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) recent: &'a Recent,
    pub(crate) options: &'a Options,
    /// Number the commit will have.
    pub(crate) number: u64,
    pub(crate) now_ms: i64,
}

/// What a portion comes to.
pub(crate) struct Finished {
    pub(crate) batch: Batch,
    /// An answer for every intent.
    pub(crate) results: Vec<Result<Outcome, Error>>,
    /// The state once the batch is committed.
    pub(crate) state: State,
    /// What the batch changes.
    pub(crate) commit: Commit,
}

pub(crate) struct Portion<'a> {
    state: State,
    ground: Ground<'a>,
    intents: &'a [Intent],
    /// For each intent, what it missed.
    late: Vec<Late>,
    overlay: Overlay,
    /// Keys that the intent under judgement must know first.
    needs: Vec<Bytes>,
    batch: Batch,
    records: Vec<Record>,
    counted: BTreeSet<u32>,
    changes_catalogue: bool,
    results: Vec<Result<Outcome, Error>>,
}

impl<'a> Portion<'a> {
    /// Reads everything the intents will look at.
    pub(crate) async fn begin(
        mut state: State,
        ground: Ground<'a>,
        intents: &'a [Intent],
    ) -> Result<Portion<'a>, Error> {
        let mut batch = Batch::new();
        state.sweep(ground.snapshot, &mut batch).await?;
        let (filled, changes_catalogue) =
            state.fill(ground.snapshot, ground.number, &mut batch).await?;
        let late: Vec<Late> = intents.iter().map(|intent| late(intent, ground.recent)).collect();
        let unique = unique_keys(&state, intents);
        let keys = intents.iter().flat_map(Intent::keys).chain(late.iter().flat_map(Late::keys));
        let mut overlay = Overlay::read(ground.snapshot, keys.chain(&unique)).await?;
        for (key, holder) in filled {
            overlay.set(key, Some(holder));
        }
        Ok(Portion {
            state,
            ground,
            intents,
            late,
            overlay,
            needs: Vec::new(),
            batch,
            records: Vec::new(),
            counted: BTreeSet::new(),
            changes_catalogue,
            results: Vec::with_capacity(intents.len()),
        })
    }

    /// Judges every intent and merges those that succeed.
    pub(crate) async fn judge(&mut self) -> Result<(), Error> {
        let late = std::mem::take(&mut self.late);
        for (intent, late) in self.intents.iter().zip(&late) {
            loop {
                // A defect in one intent must not end the committer for everybody.
                let judged = catch_unwind(AssertUnwindSafe(|| self.judge_one(intent, late)));
                let result = judged.unwrap_or_else(|_| {
                    tracing::error!(?intent, "judging an intent panicked");
                    self.needs.clear();
                    Err(Error::Defect)
                });
                if self.needs.is_empty() {
                    self.results.push(result);
                    break;
                }
                // Which keys of unique indexes a change takes is known only now: judged again
                // with them, nothing of the first time is left.
                let needs = std::mem::take(&mut self.needs);
                self.overlay.read_more(self.ground.snapshot, &needs).await?;
            }
        }
        Ok(())
    }

    fn judge_one(&mut self, intent: &Intent, late: &Late) -> Result<Outcome, Error> {
        let (draft, outcome) = match intent {
            Intent::CreateCollection { name, may_exist } => {
                let created = self.state.create_collection(name, *may_exist, &mut self.batch)?;
                if let Some(collection) = created {
                    self.change_catalogue(ChangeKind::CreateCollection, collection.number, name);
                }
                return Ok(Outcome::Done);
            }
            Intent::DropCollection { name } => {
                let collection = self.state.drop_collection(name, &mut self.batch)?;
                self.change_catalogue(ChangeKind::DropCollection, collection.number, name);
                return Ok(Outcome::Done);
            }
            Intent::CreateIndex { target, spec } => {
                target.check(self.state.names())?;
                let (state, batch) = (&mut self.state, &mut self.batch);
                let number = state.create_index(target.collection, spec, batch)?;
                self.changes_catalogue = true;
                return Ok(Outcome::Indexed(number));
            }
            Intent::DropIndex { target, name } => {
                target.check(self.state.names())?;
                self.state.drop_index(target.collection, name, &mut self.batch)?;
                self.changes_catalogue = true;
                return Ok(Outcome::Done);
            }
            Intent::Insert { target, documents } => {
                target.check(self.state.names())?;
                judge_insert(target, documents, &self.overlay)?
            }
            Intent::Touch(touch) => {
                touch.target.check(self.state.names())?;
                let number = touch.target.collection.number;
                let is_of = |record: &&Record| record.number == number && !record.key.is_empty();
                let changed = self.records.iter().filter(is_of);
                let changed = changed.map(|record| &record.key);
                touch.judge(&self.overlay, late, changed)?
            }
            Intent::Transaction(commit) => commit.judge(self.state.names(), late, &self.records)?,
        };
        if let Some(delta) = self.judge_indexes(&draft)? {
            let flags = delta.apply(&mut self.overlay, &mut self.batch);
            self.changes_catalogue |= self.state.raise(&flags, &mut self.batch);
            self.merge(draft);
        }
        Ok(outcome)
    }

    /// What the writes of an intent mean for indexes; `None` when more must be read first.
    fn judge_indexes(&mut self, draft: &Draft) -> Result<Option<Delta>, Error> {
        let images = draft.writes.iter().map(|write| Images {
            collection: &write.target.name,
            number: write.target.collection.number,
            id_key: layout::id_key(&write.key),
            before: write.before.as_ref(),
            after: write.after.as_ref(),
        });
        match maintain::judge(self.state.indexes(), images, &self.overlay)? {
            Judged::Ready(delta) => Ok(Some(delta)),
            Judged::Needs(keys) => {
                self.needs = keys;
                Ok(None)
            }
        }
    }

    /// Takes over the writes of an intent that succeeded.
    fn merge(&mut self, draft: Draft) {
        for write in draft.writes {
            let Target { name, collection } = write.target;
            let number = collection.number;
            let more = match write.kind {
                ChangeKind::Insert => 1,
                ChangeKind::Remove => -1,
                _ => 0,
            };
            if more != 0 {
                self.state.count(number, more);
                self.counted.insert(number);
            }
            self.overlay.set(write.key.clone(), write.after.clone());
            self.records.push(Record {
                kind: write.kind,
                number,
                name,
                key: write.key,
                before: write.before.map(unshared),
                after: write.after,
            });
        }
    }

    fn change_catalogue(&mut self, kind: ChangeKind, number: u32, name: &str) {
        self.changes_catalogue = true;
        let (key, name) = (Bytes::new(), Arc::from(name));
        self.records.push(Record { kind, number, name, key, before: None, after: None });
    }

    /// Puts documents, counts and change records into the batch.
    pub(crate) async fn finish(self) -> Result<Finished, Error> {
        let Portion { mut state, ground, mut batch, results, .. } = self;
        let Ground { snapshot, options, number, now_ms, .. } = ground;
        self.overlay.write_to(&mut batch);
        state.write_counts(&self.counted, &mut batch);
        if self.changes_catalogue {
            state.change_catalogue(number, &mut batch);
        }
        let commit = Commit { number, at_ms: now_ms, records: self.records };
        state.write_log(&commit, snapshot, options, &mut batch).await?;
        state.set_number(number);
        Ok(Finished { batch, results, state, commit })
    }
}

/// Images up to this size are copied out of what the store read.
const SHARED_BYTES_MAX: usize = 64 * 1024;

/// An image that does not hold on to the block of the store it was read from, because the recent
/// changes are kept.
fn unshared(image: Bytes) -> Bytes {
    if image.len() > SHARED_BYTES_MAX { image } else { Bytes::copy_from_slice(&image) }
}

/// The entries of unique indexes that new documents will look at, so that they are read with the
/// documents.
fn unique_keys(state: &State, intents: &[Intent]) -> Vec<Bytes> {
    let mut keys = Vec::new();
    for intent in intents {
        if let Intent::Insert { target, documents } = intent {
            let indexes = state.indexes().of(target.collection.number);
            for document in documents.iter() {
                keys.extend(maintain::unique_keys(&indexes, &document.bytes));
            }
        }
    }
    keys
}

/// What an upsert missed since its search began, or a transaction since it was compared.
fn late(intent: &Intent, recent: &Recent) -> Late {
    match intent {
        Intent::Touch(Touch { target, upsert: Some(upsert), .. }) => {
            let Some(scanned_at) = upsert.scanned_at else { return Late::Nothing };
            let keys = recent.keys_of(target.collection.number, scanned_at);
            keys.map_or(Late::Unknown, Late::Keys)
        }
        Intent::Transaction(commit) => {
            recent.after(commit.holds_until).map_or(Late::Unknown, Late::Commits)
        }
        _ => Late::Nothing,
    }
}
