//! What an expression sees while it runs: the document, variables, the time, chance, and a budget
//! of steps. It computes nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use value::{DocView, Value, View};

use super::size;
use crate::Error;

/// Most elements that the loops of one evaluation (`$map`, `$filter`, `$reduce`, `$range`, …) may
/// visit together: about a second of work.
const STEPS_MAX: u64 = 5_000_000;

/// What is around a run and not in any document: the time, chance and a budget. Chance is a seed,
/// so that the same seed gives the same answers.
#[derive(Debug)]
pub struct Surroundings {
    now_ms: i64,
    chance: AtomicU64,
    steps: AtomicU64,
}

impl Surroundings {
    /// `now_ms` is what `$$NOW` says, in milliseconds since 1970; `seed` feeds `$rand` and
    /// `$sample`.
    pub fn new(now_ms: i64, seed: u64) -> Surroundings {
        Surroundings { now_ms, chance: AtomicU64::new(seed), steps: AtomicU64::new(0) }
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// The next number by chance (splitmix64).
    pub(crate) fn chance(&self) -> u64 {
        let state = self.chance.load(Ordering::Relaxed).wrapping_add(0x9E37_79B9_7F4A_7C15);
        self.chance.store(state, Ordering::Relaxed);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Begins a new evaluation with a full budget.
    pub(crate) fn refill(&self) {
        self.steps.store(0, Ordering::Relaxed);
    }

    /// Pays for visiting elements.
    pub(crate) fn spend(&self, steps: usize) -> Result<(), Error> {
        let spent = self.steps.load(Ordering::Relaxed).saturating_add(steps as u64);
        self.steps.store(spent, Ordering::Relaxed);
        if spent <= STEPS_MAX {
            return Ok(());
        }
        Err(Error::malformed(
            format_args!(
                "The expression visits more than {STEPS_MAX} elements for one document; visit \
                 fewer."
            ),
            format_args!("表达式处理单个文档时遍历超过 {STEPS_MAX} 个元素,请减少。"),
        ))
    }
}

/// The names an expression may use, by level: the position in the list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    names: Vec<String>,
    /// Whether `$$DESCEND`, `$$PRUNE` and `$$KEEP` mean something here.
    pub(crate) redacting: bool,
    /// Whether names that nothing defines stay open.
    pub(crate) open: bool,
    /// How many pipelines are around.
    pub(crate) nested: usize,
}

impl Names {
    /// No names, and unknown ones stay open.
    pub(crate) fn open() -> Names {
        Names { open: true, ..Names::default() }
    }

    /// The names a sub-pipeline starts with.
    pub(crate) fn new(names: Vec<String>, nested: usize) -> Names {
        Names { names, nested, ..Names::default() }
    }

    pub(crate) fn level_of(&self, name: &str) -> Option<usize> {
        self.names.iter().rposition(|known| known == name)
    }

    pub(crate) fn push(&mut self, name: String) {
        self.names.push(name);
    }

    pub(crate) fn pop(&mut self) {
        self.names.pop();
    }

    pub(crate) fn all(&self) -> &[String] {
        &self.names
    }
}

/// What one evaluation sees.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'s> {
    pub(crate) root: DocView<'s>,
    pub(crate) current: View<'s>,
    /// Variables of the pipeline: levels from 0.
    bottom: &'s [Option<Value>],
    /// Variables of `$let` and loops, innermost first: levels after those of the pipeline.
    bound: Option<&'s Bound<'s>>,
    pub(crate) surroundings: &'s Surroundings,
}

/// One variable and those around it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound<'s> {
    level: usize,
    value: Option<View<'s>>,
    outer: Option<&'s Bound<'s>>,
}

impl<'s> Scope<'s> {
    pub(crate) fn new(
        root: DocView<'s>,
        bottom: &'s [Option<Value>],
        surroundings: &'s Surroundings,
    ) -> Scope<'s> {
        Scope { root, current: View::Document(root), bottom, bound: None, surroundings }
    }

    /// The same with another `$$CURRENT`.
    pub(crate) fn at(&self, current: View<'s>) -> Scope<'s> {
        Scope { current, ..*self }
    }

    /// The same over another document.
    pub(crate) fn rooted(&self, root: DocView<'s>) -> Scope<'s> {
        Scope { root, current: View::Document(root), ..*self }
    }

    /// A variable of the next level; [`Scope::inside`] enters it.
    pub(crate) fn bind(&self, value: Option<View<'s>>) -> Bound<'s> {
        let level = self.bound.map_or(self.bottom.len(), |bound| bound.level + 1);
        Bound { level, value, outer: self.bound }
    }

    /// The same with one more variable.
    pub(crate) fn inside<'t>(&self, bound: &'t Bound<'t>) -> Scope<'t>
    where
        's: 't,
    {
        Scope { bound: Some(bound), ..*self }
    }

    pub(crate) fn variable(&self, level: usize) -> Option<View<'s>> {
        if let Some(value) = self.bottom.get(level) {
            return value.as_ref().map(View::from);
        }
        let mut bound = self.bound;
        while let Some(known) = bound {
            if known.level == level {
                return known.value;
            }
            bound = known.outer;
        }
        None
    }
}

/// What an expression gives: nothing, a value that lies somewhere already, or a new one.
#[derive(Debug, Default)]
pub(crate) enum Found<'s> {
    #[default]
    Missing,
    Seen(View<'s>),
    Made(Value),
}

impl<'s> Found<'s> {
    pub(crate) const NULL: Found<'static> = Found::Made(Value::Null);

    pub(crate) fn view(&self) -> Option<View<'_>> {
        match self {
            Found::Missing => None,
            Found::Seen(view) => Some(*view),
            Found::Made(value) => Some(View::from(value)),
        }
    }

    /// What is there, null for nothing.
    pub(crate) fn view_or_null(&self) -> View<'_> {
        self.view().unwrap_or(View::Null)
    }

    /// Whether this is null or nothing.
    pub(crate) fn is_nullish(&self) -> bool {
        matches!(self.view(), None | Some(View::Null))
    }

    pub(crate) fn into_value(self) -> Result<Option<Value>, Error> {
        Ok(match self {
            Found::Missing => None,
            Found::Seen(view) => Some(view.to_value()?),
            Found::Made(value) => Some(value),
        })
    }

    pub(crate) fn into_value_or_null(self) -> Result<Value, Error> {
        Ok(self.into_value()?.unwrap_or(Value::Null))
    }

    /// Copies what lies in a variable that ends.
    pub(crate) fn owned<'t>(self) -> Result<Found<'t>, Error> {
        Ok(self.into_value()?.map_or(Found::Missing, Found::Made))
    }

    pub(crate) fn made(value: impl Into<Value>) -> Found<'s> {
        Found::Made(value.into())
    }

    /// Truth as conditions see it: everything but false, null, nothing and zero.
    pub(crate) fn is_true(&self) -> bool {
        match self.view() {
            None | Some(View::Null | View::Bool(false)) => false,
            Some(View::Int32(number)) => number != 0,
            Some(View::Int64(number)) => number != 0,
            Some(View::Double(number)) => number != 0.0,
            Some(View::Decimal128(bytes)) => Value::Decimal128(bytes).as_f64() != Some(0.0),
            Some(_) => true,
        }
    }

    /// Refuses a new value beyond what a document can hold.
    pub(crate) fn limited(self) -> Result<Found<'s>, Error> {
        if let Found::Made(value) = &self {
            size::check(value)?;
        }
        Ok(self)
    }
}

impl<'s> From<Option<View<'s>>> for Found<'s> {
    fn from(view: Option<View<'s>>) -> Found<'s> {
        view.map_or(Found::Missing, Found::Seen)
    }
}
