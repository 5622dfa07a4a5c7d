//! One batch while it is being made: the intents of one turn of the committer, judged one after
//! another on top of each other. An intent that fails, or panics, leaves nothing behind.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use store::{Batch, Snapshot};

use crate::Error;
use crate::changes::{Kind, Record};
use crate::intent::{Draft, Intent, Outcome, judge_insert};
use crate::overlay::Overlay;
use crate::state::State;

/// What a portion comes to: the batch to commit, an answer for every intent, and whether the
/// catalogue is different afterwards.
type Finished = (Batch, Vec<Result<Outcome, Error>>, bool);

pub(crate) struct Portion<'a> {
    state: &'a mut State,
    snapshot: &'a Snapshot,
    /// Number the commit will have.
    number: u64,
    intents: &'a mut [Intent],
    overlay: Overlay,
    batch: Batch,
    records: Vec<Record>,
    counted: BTreeSet<u32>,
    changed_names: bool,
    results: Vec<Result<Outcome, Error>>,
}

impl<'a> Portion<'a> {
    /// Reads everything the intents will look at.
    pub(crate) async fn begin(
        state: &'a mut State,
        snapshot: &'a Snapshot,
        number: u64,
        intents: &'a mut [Intent],
    ) -> Result<Portion<'a>, Error> {
        let mut batch = Batch::new();
        state.sweep(snapshot, &mut batch).await?;
        for intent in &mut *intents {
            catch_up(intent, state);
        }
        let overlay = Overlay::read(snapshot, intents.iter().flat_map(Intent::keys)).await?;
        Ok(Portion {
            state,
            snapshot,
            number,
            intents,
            overlay,
            batch,
            records: Vec::new(),
            counted: BTreeSet::new(),
            changed_names: false,
            results: Vec::new(),
        })
    }

    /// Judges every intent and merges those that succeed.
    pub(crate) fn judge(&mut self) {
        for intent in std::mem::take(&mut self.intents) {
            // A defect in one intent must not end the committer for everybody.
            let judged = catch_unwind(AssertUnwindSafe(|| self.judge_one(intent)));
            let result = judged.unwrap_or_else(|_| {
                tracing::error!(?intent, "judging an intent panicked");
                Err(Error::Defect)
            });
            self.results.push(result);
        }
    }

    fn judge_one(&mut self, intent: &Intent) -> Result<Outcome, Error> {
        let (number, (draft, outcome)) = match intent {
            Intent::CreateCollection { name, may_exist } => {
                self.state.create_collection(name, *may_exist, &mut self.batch)?;
                self.changed_names = true;
                return Ok(Outcome::Done);
            }
            Intent::DropCollection { name } => {
                let collection = self.state.drop_collection(name, &mut self.batch)?;
                self.changed_names = true;
                self.record(Kind::DropCollection, collection.number, bytes::Bytes::new());
                return Ok(Outcome::Done);
            }
            Intent::Insert { target, documents } => {
                target.check(self.state.names())?;
                (target.collection.number, judge_insert(target, documents, &self.overlay)?)
            }
            Intent::Touch(touch) => {
                touch.target.check(self.state.names())?;
                let number = touch.target.collection.number;
                let changed = self.records.iter().filter(|record| record.number == number);
                let changed = changed.map(|record| &record.document_key);
                (number, touch.judge(&self.overlay, changed)?)
            }
        };
        self.merge(number, draft);
        Ok(outcome)
    }

    fn merge(&mut self, number: u32, draft: Draft) {
        let mut more = 0;
        for (key, document, kind) in draft.writes {
            more += match kind {
                Kind::Insert => 1,
                Kind::Remove => -1,
                Kind::Update | Kind::Replace | Kind::DropCollection => 0,
            };
            self.record(kind, number, key.clone());
            self.overlay.set(key, document);
        }
        if more != 0 {
            self.state.count(number, more);
            self.counted.insert(number);
        }
    }

    fn record(&mut self, kind: Kind, number: u32, document_key: bytes::Bytes) {
        self.records.push(Record { kind, number, document_key });
    }

    /// Puts documents, counts and change records into the batch.
    pub(crate) async fn finish(mut self) -> Result<Finished, Error> {
        self.overlay.write_to(&mut self.batch);
        self.state.write_counts(&self.counted, &mut self.batch);
        if !self.records.is_empty() {
            let (state, batch) = (self.state, &mut self.batch);
            state.log(self.number, &self.records, self.snapshot, batch).await?;
        }
        Ok((self.batch, self.results, self.changed_names))
    }
}

/// Lets an upsert see the documents that changed since its search began.
fn catch_up(intent: &mut Intent, state: &State) {
    let Intent::Touch(touch) = intent else { return };
    let Some(upsert) = &mut touch.upsert else { return };
    let Some(scanned_at) = upsert.scanned_at else { return };
    match state.changed_since(touch.target.collection.number, scanned_at) {
        Some(keys) => touch.candidates.extend(keys),
        None => upsert.is_stale = true,
    }
}
