//! Whose changes come from functions, and how deep in a chain those were: the guard against a
//! function that is run for what it changes itself.
//!
//! A function that is about to change a document, or a file, that a trigger may follow leaves a
//! note; the follower of the same node finds it when it meets the change. A write that names no
//! `_id` leaves one for the whole collection: what others change there at the same moment counts
//! as deep, too. Notes are in memory: a chain is cut after [`crate::calls::DEPTH_MAX`] runs, and
//! begins anew with the server, where it is cut again.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use engine::ChangeRecord;
use value::{Value, ejson};

use super::spec::TriggerSpec;
use crate::caller::{Caller, Context};

/// Notes that are kept; the oldest go.
const NOTES_MAX: usize = 10_000;
/// Writes to a whole collection that are kept in mind; the oldest go.
const WIDE_NOTES_MAX: usize = 256;
/// Documents that one write notes.
const NOTED_AT_ONCE_MAX: usize = 1_000;
/// How long a write in a transaction may take to be committed, in ms.
const TRANSACTION_MS: i64 = 30_000;

/// A document of a collection, or a write to all of it by its number.
type Key = (String, Place);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place {
    Document(String),
    Anywhere(u64),
}

/// What a write is going to change.
#[derive(Debug, PartialEq)]
pub(crate) enum Target {
    /// Nothing that a trigger follows.
    Nothing,
    /// These documents.
    Documents(Vec<Value>),
    /// Whatever matches.
    Anything,
}

#[derive(Debug, Clone, Copy)]
struct Note {
    depth: u32,
    from_ms: i64,
    to_ms: i64,
}

impl Note {
    fn covers(&self, record: &ChangeRecord) -> bool {
        (self.from_ms..=self.to_ms).contains(&record.at_ms)
    }
}

/// The notes of one environment.
#[derive(Debug, Default)]
pub(crate) struct Origins {
    notes: Mutex<(HashMap<Key, Note>, VecDeque<Key>)>,
    wide: Mutex<VecDeque<(u64, String, Note)>>,
    wide_count: AtomicU64,
}

impl Origins {
    /// How deep the run was that made a change; 0 for changes that no function made.
    pub(super) fn depth_of(&self, record: &ChangeRecord) -> u32 {
        self.noted(record).max(self.noted_wide(record))
    }

    fn noted(&self, record: &ChangeRecord) -> u32 {
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.0.is_empty() {
            return 0;
        }
        let place = Place::Document(ejson::canonical_value(&record.id));
        let note = notes.0.get(&(record.collection.clone(), place));
        note.filter(|note| note.covers(record)).map_or(0, |note| note.depth)
    }

    fn noted_wide(&self, record: &ChangeRecord) -> u32 {
        let wide = self.wide.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting = wide.iter().filter(|(_, collection, note)| {
            *collection == record.collection && note.covers(record)
        });
        fitting.map(|(_, _, note)| note.depth).max().unwrap_or(0)
    }

    fn add_wide(&self, collection: &str, note: Note) -> Key {
        let number = self.wide_count.fetch_add(1, Ordering::Relaxed);
        let mut wide = self.wide.lock().unwrap_or_else(PoisonError::into_inner);
        wide.push_back((number, collection.to_owned(), note));
        if wide.len() > WIDE_NOTES_MAX {
            wide.pop_front();
        }
        (collection.to_owned(), Place::Anywhere(number))
    }

    fn add(&self, collection: &str, id: &Value, note: Note) -> Key {
        let key = (collection.to_owned(), Place::Document(ejson::canonical_value(id)));
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        let (map, order) = &mut *notes;
        if map.insert(key.clone(), note).is_none() {
            order.push_back(key.clone());
        }
        while order.len() > NOTES_MAX {
            if let Some(old) = order.pop_front() {
                map.remove(&old);
            }
        }
        key
    }

    fn close(&self, keys: &[Key], to_ms: i64) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys {
            if let Some(note) = notes.0.get_mut(key) {
                note.to_ms = to_ms;
            }
        }
        drop(notes);
        let mut wide = self.wide.lock().unwrap_or_else(PoisonError::into_inner);
        for (number, _, note) in wide.iter_mut() {
            if keys.iter().any(|(_, place)| *place == Place::Anywhere(*number)) {
                note.to_ms = to_ms;
            }
        }
    }
}

/// A write of a function that is under way; its end is noted when this is dropped.
pub(crate) struct Writing<'a> {
    context: &'a Context,
    keys: Vec<Key>,
    is_in_transaction: bool,
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        let environment = &self.context.environment;
        let after_ms = if self.is_in_transaction { TRANSACTION_MS } else { 0 };
        environment.triggers().origins.close(&self.keys, environment.now_ms() + after_ms);
    }
}

/// Whether a change of this collection by this caller is to be noted.
pub(crate) fn is_noted(context: &Context, collection: &str) -> bool {
    matches!(context.caller, Caller::Function(_))
        && context.environment.triggers().registry.set().values().flatten().any(|trigger| {
            match &trigger.spec {
                TriggerSpec::Database(database) => database.collection == collection,
                _ => false,
            }
        })
}

/// Notes that a function is about to change something.
pub(crate) fn note<'a>(
    context: &'a Context,
    collection: &str,
    target: &Target,
    is_in_transaction: bool,
) -> Option<Writing<'a>> {
    let Caller::Function(invocation) = &context.caller else { return None };
    let environment = &context.environment;
    let from_ms = environment.now_ms();
    let note = Note { depth: invocation.depth, from_ms, to_ms: i64::MAX };
    let origins = &environment.triggers().origins;
    let keys = match target {
        Target::Nothing => return None,
        Target::Documents(ids) if ids.len() <= NOTED_AT_ONCE_MAX => {
            ids.iter().map(|id| origins.add(collection, id, note)).collect()
        }
        Target::Documents(_) | Target::Anything => vec![origins.add_wide(collection, note)],
    };
    Some(Writing { context, keys, is_in_transaction })
}

/// Notes that a function may upload to a path, or delete it, within this time in ms.
pub(crate) fn note_file(context: &Context, path: &str, within_ms: i64) {
    let Caller::Function(invocation) = &context.caller else { return };
    let from_ms = context.environment.now_ms();
    let note = Note { depth: invocation.depth, from_ms, to_ms: from_ms + within_ms };
    context.environment.triggers().origins.add("system.files", &Value::from(path), note);
}

#[cfg(test)]
mod tests {
    use engine::{ChangeKind, Position};

    use super::*;

    fn change(id: &str, at_ms: i64) -> ChangeRecord {
        ChangeRecord {
            position: Position::START,
            at_ms,
            collection: "c".to_owned(),
            kind: ChangeKind::Update,
            id: Value::from(id),
            before: None,
            after: None,
        }
    }

    #[test]
    fn a_change_within_the_write_of_a_function_is_as_deep_as_that() {
        let origins = Origins::default();
        let note = Note { depth: 3, from_ms: 100, to_ms: i64::MAX };
        let key = origins.add("c", &Value::from("a"), note);
        assert_eq!(origins.depth_of(&change("a", 100)), 3);
        assert_eq!(origins.depth_of(&change("b", 100)), 0);
        origins.close(&[key], 120);
        assert_eq!(origins.depth_of(&change("a", 120)), 3);
        assert_eq!(origins.depth_of(&change("a", 121)), 0, "somebody else's");
    }

    #[test]
    fn a_write_that_names_no_document_counts_for_its_collection_while_it_lasts() {
        let origins = Origins::default();
        let note = Note { depth: 5, from_ms: 100, to_ms: i64::MAX };
        let key = origins.add_wide("c", note);
        assert_eq!(origins.depth_of(&change("whatever", 100)), 5);
        assert_eq!(origins.depth_of(&change("whatever", 99)), 0);
        origins.close(&[key], 120);
        assert_eq!(origins.depth_of(&change("whatever", 121)), 0);
        let other = ChangeRecord { collection: "d".to_owned(), ..change("whatever", 110) };
        assert_eq!(origins.depth_of(&other), 0);
        for _ in 0..WIDE_NOTES_MAX + 5 {
            origins.add_wide("c", note);
        }
        assert_eq!(origins.wide.lock().unwrap().len(), WIDE_NOTES_MAX);
    }

    #[test]
    fn the_notes_are_bounded() {
        let origins = Origins::default();
        for n in 0..NOTES_MAX + 10 {
            let note = Note { depth: 1, from_ms: 0, to_ms: i64::MAX };
            origins.add("c", &Value::from(n.to_string()), note);
        }
        assert_eq!(origins.depth_of(&change("0", 0)), 0);
        assert_eq!(origins.depth_of(&change(&NOTES_MAX.to_string(), 0)), 1);
        assert_eq!(origins.notes.lock().unwrap().0.len(), NOTES_MAX);
    }
}
