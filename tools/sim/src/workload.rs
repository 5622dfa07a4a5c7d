//! What clients do, as a pure function of seed and number: whoever reads a record of numbers can
//! tell what was done. It does nothing itself.
//!
//! Two collections. `lists` holds documents that only ever grow: every write appends its own number
//! to `log` and adds one to `n`. So a document tells in which order its writes took place, and
//! nobody can lose or invent one unseen. `things` holds documents that are inserted once, by the
//! operation named in their `_id`, and may be removed.

use value::{Document, Value};

use crate::dice::Dice;

/// Documents that only grow.
pub const LISTS: &str = "lists";
/// Documents that come and go.
pub const THINGS: &str = "things";

/// Collection, paths (descending ones with a `-`), and whether the index is unique.
pub const INDEXES: [(&str, &[&str], bool); 6] = [
    (LISTS, &["group"], false),
    (LISTS, &["-n", "group"], false),
    (LISTS, &["log"], false),
    (THINGS, &["group", "-score"], false),
    (THINGS, &["tags"], false),
    (THINGS, &["insert", "score"], true),
];

/// How many documents `lists` has from the beginning.
pub const LISTS_COUNT: u64 = 6;
/// How many groups documents are divided into, in both collections.
pub const GROUPS: i32 = 3;

/// Number of an operation in its world; from 1.
pub type Number = u32;

/// One operation of a client.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Appends to one list.
    Append {
        /// `_id` of the list.
        list: String,
    },
    /// Appends to one list when it has exactly this many entries.
    AppendIf {
        /// `_id` of the list.
        list: String,
        /// How many.
        entries: i32,
    },
    /// Appends to every list of a group; not one moment for all of them.
    AppendGroup {
        /// The group.
        group: i32,
    },
    /// Appends to a list that may have to be made.
    Upsert {
        /// `_id` of the list.
        list: String,
    },
    /// Inserts things, all or none.
    Insert {
        /// How many.
        count: u32,
    },
    /// Removes the first thing that an insert made.
    RemoveOne {
        /// The insert.
        from: Number,
    },
    /// Removes what an insert made; not one moment for all of it.
    RemoveAll {
        /// The insert.
        from: Number,
    },
    /// Reads all lists at one moment.
    Read,
    /// Creates one of [`INDEXES`]; refused when documents do not allow it.
    CreateIndex(usize),
    /// Drops one of [`INDEXES`], if it is there.
    DropIndex(usize),
    /// Several steps that are one moment, or none at all.
    Transact {
        /// What it does, in order.
        steps: Vec<Step>,
        /// Whether it is committed in the end, or rolled back.
        commits: bool,
    },
}

/// A step of a transaction.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Reads one list.
    ReadList(String),
    /// Reads the lists of a group.
    ReadGroup(i32),
    /// Reads the things of a group.
    ReadThings(i32),
    /// Appends to one list, which no other step of the transaction does.
    Append(String),
    /// Inserts one thing.
    Insert,
}

/// Faces of the die that chooses an operation.
const KINDS: u64 = 29;

impl Operation {
    /// What the operation of this number is.
    pub fn of(seed: u64, number: Number) -> Operation {
        let mut dice = Dice::new(seed, u64::from(number));
        match dice.below(KINDS) {
            20..=25 => Operation::transaction(&mut dice),
            26 | 27 => Operation::CreateIndex(dice.below(INDEXES.len() as u64) as usize),
            28 => Operation::DropIndex(dice.below(INDEXES.len() as u64) as usize),
            0..=4 => Operation::Append { list: list(&mut dice) },
            5..=7 => {
                let entries = i32::try_from(dice.below(12)).unwrap_or(0);
                Operation::AppendIf { list: list(&mut dice), entries }
            }
            8 => Operation::AppendGroup { group: group(u64::from(number)) },
            9 | 10 => Operation::Upsert { list: format!("made {}", dice.below(8)) },
            11..=13 => Operation::Insert { count: 1 + u32::try_from(dice.below(4)).unwrap_or(0) },
            roll @ (14 | 15) => {
                let from = 1 + u32::try_from(dice.below(u64::from(number))).unwrap_or(0);
                let from = nearest_insert(seed, from);
                if roll == 14 {
                    Operation::RemoveOne { from }
                } else {
                    Operation::RemoveAll { from }
                }
            }
            _ => Operation::Read,
        }
    }

    fn transaction(dice: &mut Dice) -> Operation {
        let mut steps = Vec::new();
        for _ in 0..2 + dice.below(3) {
            let step = match dice.below(7) {
                0 | 1 => Step::ReadList(list(dice)),
                2 => Step::ReadGroup(group(dice.below(100))),
                3 => Step::ReadThings(group(dice.below(100))),
                4 | 5 => Step::Append(list(dice)),
                _ => Step::Insert,
            };
            if !matches!(step, Step::Append(_)) || !steps.contains(&step) {
                steps.push(step);
            }
        }
        Operation::Transact { steps, commits: !dice.once_in(8) }
    }

    /// How many things it inserts when it succeeds.
    pub fn inserts(&self) -> u32 {
        match self {
            Operation::Insert { count } => *count,
            Operation::Transact { steps, commits: true } => {
                steps.iter().map(|step| u32::from(*step == Step::Insert)).sum()
            }
            _ => 0,
        }
    }

    /// How many lists it appends to when it succeeds; `None` when nobody can know that before.
    pub fn appends(&self) -> Option<u64> {
        match self {
            Operation::Transact { steps, commits: true } => {
                Some(steps.iter().map(|step| u64::from(matches!(step, Step::Append(_)))).sum())
            }
            Operation::Append { .. }
            | Operation::AppendIf { .. }
            | Operation::AppendGroup { .. }
            | Operation::Upsert { .. } => None,
            _ => Some(0),
        }
    }
}

/// The last insert up to this number; the number itself when there is none.
fn nearest_insert(seed: u64, number: Number) -> Number {
    let is_insert =
        |number: &Number| (11..=13).contains(&Dice::new(seed, u64::from(*number)).below(20));
    (1..=number).rev().find(is_insert).unwrap_or(number)
}

fn list(dice: &mut Dice) -> String {
    format!("list {}", dice.below(LISTS_COUNT))
}

fn group(number: u64) -> i32 {
    i32::try_from(number % GROUPS as u64).unwrap_or(0)
}

/// The lists every world begins with.
pub fn first_lists() -> Vec<Document> {
    (0..LISTS_COUNT)
        .map(|index| {
            Document::from_iter([
                ("_id", Value::String(format!("list {index}"))),
                ("group", Value::Int32(group(index))),
                ("n", Value::Int32(0)),
                ("log", Value::Array(Vec::new())),
            ])
        })
        .collect()
}

/// The group of a list an upsert makes.
pub fn group_of_made(list: &str) -> i32 {
    group(list.len() as u64 + list.bytes().map(u64::from).sum::<u64>())
}

/// `_id` of a thing.
pub fn thing_id(insert: Number, index: u32) -> String {
    format!("{insert:06}.{index}")
}

/// The group of a thing.
pub fn group_of_thing(seed: u64, insert: Number, index: u32) -> Option<i32> {
    let things = things(seed, insert, index + 1);
    let group = things.last()?.get("group")?.as_i64()?;
    i32::try_from(group).ok()
}

/// The insert and the place that a thing's `_id` names.
pub fn parse_thing_id(id: &str) -> Option<(Number, u32)> {
    let (insert, index) = id.split_once('.')?;
    Some((insert.parse().ok()?, index.parse().ok()?))
}

/// The things an insert makes. Sizes differ, so that blocks and journals are cut at many places.
pub fn things(seed: u64, insert: Number, count: u32) -> Vec<Document> {
    (0..count)
        .map(|index| {
            let mut dice = Dice::new(seed, u64::from(insert) << 32 | u64::from(index));
            let length = 1 << dice.below(11);
            // What does not compress.
            let text = (0..length / 8).map(|_| format!("{:08x}", dice.throw() as u32)).collect();
            let tags = (0..dice.below(4)).map(|_| Value::Int32(dice.below(5) as i32)).collect();
            Document::from_iter([
                ("_id", Value::String(thing_id(insert, index))),
                ("insert", Value::Int64(i64::from(insert))),
                ("group", Value::Int32(group(dice.below(100)))),
                ("score", Value::Double(dice.below(40) as f64 / 4.0)),
                ("tags", Value::Array(tags)),
                ("text", Value::String(text)),
            ])
        })
        .collect()
}
