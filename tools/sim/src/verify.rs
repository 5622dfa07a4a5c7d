//! Contents against history: what was acknowledged is there, what was not is whole or absent, and
//! nothing is there that nobody asked for.

use std::collections::{BTreeMap, BTreeSet};

use value::{Document, Value};

use crate::client::list_of;
use crate::history::{Answer, Event};
use crate::workload::{self, Number, Operation, Step};

/// Everything a database of these worlds holds.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// All documents of `lists`.
    pub lists: Vec<Document>,
    /// All documents of `things`.
    pub things: Vec<Document>,
}

/// Compares contents with the history that led to them; returns one sentence per contradiction.
pub fn contradictions(seed: u64, events: &[Event], contents: &Contents) -> Vec<String> {
    let mut found = Vec::new();
    let logs: BTreeMap<String, Vec<Number>> = contents.lists.iter().map(list_of).collect();
    for list in &contents.lists {
        check_list(seed, events, list, &mut found);
    }
    for event in events {
        check_append(seed, event, &logs, &mut found);
    }
    check_things(seed, events, &contents.things, &mut found);
    found
}

/// Whether an operation may append to a list; `position` is where its entry is, or would be.
fn may_append(operation: &Operation, id: &str, group: i32, position: Option<usize>) -> bool {
    match operation {
        Operation::Append { list } | Operation::Upsert { list } => list == id,
        Operation::AppendIf { list, entries } => {
            list == id && position.is_none_or(|at| usize::try_from(*entries) == Ok(at))
        }
        Operation::AppendGroup { group: wanted } => *wanted == group,
        Operation::Transact { steps, commits: true } => {
            steps.iter().any(|step| matches!(step, Step::Append(list) if list == id))
        }
        _ => false,
    }
}

/// A list by itself: its count, and that every entry was asked for, once.
fn check_list(seed: u64, events: &[Event], list: &Document, found: &mut Vec<String>) {
    let (id, log) = list_of(list);
    let n = list.get("n").and_then(Value::as_i64);
    if n != i64::try_from(log.len()).ok() {
        found.push(format!("{id} has {} entries, but n is {n:?}", log.len()));
    }
    if log.iter().collect::<BTreeSet<_>>().len() != log.len() {
        found.push(format!("{id} has an entry twice: {log:?}"));
    }
    let group = list.get("group").and_then(Value::as_i64).and_then(|group| group.try_into().ok());
    for (position, number) in log.iter().enumerate() {
        let is_begun = *number > 0 && *number as usize <= events.len();
        let operation = Operation::of(seed, *number);
        if !is_begun || !may_append(&operation, &id, group.unwrap_or(-1), Some(position)) {
            found.push(format!("{id} has entry {number} at {position}, which is {operation:?}"));
        }
    }
}

/// An operation that appends: as many entries as were acknowledged.
fn check_append(
    seed: u64,
    event: &Event,
    logs: &BTreeMap<String, Vec<Number>>,
    found: &mut Vec<String>,
) {
    let operation = Operation::of(seed, event.number);
    let entries = logs.values().filter(|log| log.contains(&event.number)).count() as u64;
    let expected = match (&event.answer, operation.appends()) {
        (Answer::Done(_) | Answer::Transacted(_, true), Some(appends)) => appends,
        (Answer::Done(done), None) => *done,
        (Answer::Refused | Answer::Transacted(_, false), _) => 0,
        // A transaction takes place wholly or not at all.
        (Answer::Unknown, Some(appends)) if entries > 0 => appends,
        _ => return,
    };
    if entries != expected {
        let number = event.number;
        found.push(format!(
            "{number} {operation:?} was acknowledged with {expected}, {entries} entries are there"
        ));
    }
}

/// Which things may and which must be gone.
#[derive(Default)]
struct Removed {
    may: BTreeSet<String>,
    must: BTreeSet<String>,
}

fn removed(seed: u64, events: &[Event]) -> Removed {
    let mut removed = Removed::default();
    for event in events {
        let (from, one) = match Operation::of(seed, event.number) {
            Operation::RemoveOne { from } => (from, true),
            Operation::RemoveAll { from } => (from, false),
            _ => continue,
        };
        let count = Operation::of(seed, from).inserts();
        let count = if one { 1 } else { count };
        let ids: Vec<String> = (0..count).map(|index| workload::thing_id(from, index)).collect();
        if event.answer == Answer::Done(u64::from(count)) {
            removed.must.extend(ids.iter().cloned());
        }
        if event.answer != Answer::Done(0) {
            removed.may.extend(ids);
        }
    }
    removed
}

fn check_things(seed: u64, events: &[Event], things: &[Document], found: &mut Vec<String>) {
    let removed = removed(seed, events);
    let mut left: BTreeMap<&str, &Document> = BTreeMap::new();
    for thing in things {
        let id = thing.get("_id").and_then(Value::as_str).unwrap_or_default();
        if left.insert(id, thing).is_some() {
            found.push(format!("the thing {id} is there twice"));
        }
    }
    for event in events {
        let count = Operation::of(seed, event.number).inserts();
        if count == 0 {
            continue;
        }
        let made = workload::things(seed, event.number, count);
        let ids: Vec<String> =
            (0..count).map(|index| workload::thing_id(event.number, index)).collect();
        let present: Vec<&str> =
            ids.iter().map(String::as_str).filter(|id| left.contains_key(id)).collect();
        // Whole or absent; only what somebody removed may be missing from the whole.
        let is_absent = present.is_empty();
        let is_whole =
            ids.iter().all(|id| left.contains_key(id.as_str()) || removed.may.contains(id));
        let holds = match &event.answer {
            Answer::Done(_) | Answer::Transacted(_, true) => is_whole,
            Answer::Unknown => is_absent || is_whole,
            _ => is_absent,
        };
        if !holds {
            let (number, answer) = (event.number, &event.answer);
            found.push(format!("insert {number} of {count} ({answer:?}): {present:?} are there"));
        }
        for (id, made) in ids.iter().zip(&made) {
            if let Some(thing) = left.remove(id.as_str()) {
                if thing != made {
                    found.push(format!("the thing {id} is not what was inserted: {thing:?}"));
                }
                if removed.must.contains(id) {
                    found.push(format!("the thing {id} is there, though its removal succeeded"));
                }
            }
        }
    }
    found.extend(left.keys().map(|id| format!("nobody inserted the thing {id}")));
}
