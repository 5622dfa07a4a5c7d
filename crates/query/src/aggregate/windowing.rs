//! `$setWindowFields` at work: it holds all documents, in partitions and in order.

use std::sync::Arc;

use value::{Value, View, key};

use super::accumulator::Accumulator;
use super::document::Doc;
use super::shape::Shape;
use super::simple::value_or_null;
use super::window::{Function, Window, Windows};
use super::work::{Context, Io, PORTION, Progress, Work};
use crate::Error;
use crate::expression::Scope;
use crate::sort::SortKey;

/// A document with its partition and its place there.
struct Entry {
    partition: Vec<u8>,
    key: SortKey,
    place: Option<f64>,
    document: Doc,
}

/// The stage at work.
pub(crate) struct Windowing {
    windows: Arc<Windows>,
    entries: Vec<Entry>,
    held: usize,
    /// Results that are on their way out, by document and field.
    results: Option<std::vec::IntoIter<(Doc, Vec<Value>)>>,
}

impl Windowing {
    pub(crate) fn new(windows: Arc<Windows>) -> Windowing {
        Windowing { windows, entries: Vec::new(), held: 0, results: None }
    }

    fn take(&mut self, document: Doc, context: &mut Context<'_>) -> Result<(), Error> {
        context.surroundings.refill();
        let (mut partition, place, key);
        {
            let view = document.view()?;
            let scope = Scope::new(view, context.variables, context.surroundings);
            let found = self.windows.partition.eval(&scope)?;
            partition = Vec::with_capacity(16);
            key::push_view(&found.view_or_null(), &mut partition);
            key = self.windows.sort.key_of(&view);
            place = match &self.windows.place {
                None => None,
                Some(node) => match node.eval(&scope)?.view_or_null() {
                    View::Date(ms) => Some(ms as f64),
                    other => other.to_value()?.as_f64(),
                },
            };
        }
        let held = document.held_bytes() + partition.len() + key.len() + 96;
        self.held += held;
        context.memory.take(held)?;
        self.entries.push(Entry { partition, key, place, document });
        Ok(())
    }

    /// Computes every field of every document.
    fn compute(&mut self, context: &mut Context<'_>) -> Result<(), Error> {
        self.entries.sort_by(|a, b| (&a.partition, &a.key).cmp(&(&b.partition, &b.key)));
        let mut columns: Vec<Vec<Value>> = Vec::with_capacity(self.windows.fields.len());
        for (_, function) in &self.windows.fields {
            let mut column = Vec::with_capacity(self.entries.len());
            for partition in self.entries.chunk_by(|a, b| a.partition == b.partition) {
                context.surroundings.refill();
                column.append(&mut compute(function, partition, context)?);
            }
            columns.push(column);
        }
        let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
        let entries = std::mem::take(&mut self.entries);
        let row = |entry: Entry| {
            let values = columns.iter_mut().map(|column| column.next().unwrap_or(Value::Null));
            (entry.document, values.collect::<Vec<_>>())
        };
        let results: Vec<(Doc, Vec<Value>)> = entries.into_iter().map(row).collect();
        self.results = Some(results.into_iter());
        Ok(())
    }
}

fn scope_of<'s>(entry: &'s Entry, context: &'s Context<'_>) -> Result<Scope<'s>, Error> {
    Ok(Scope::new(entry.document.view()?, context.variables, context.surroundings))
}

fn compute(
    function: &Function,
    entries: &[Entry],
    context: &mut Context<'_>,
) -> Result<Vec<Value>, Error> {
    let number =
        |number: usize| i32::try_from(number).map_or(Value::Int64(number as i64), Value::Int32);
    match function {
        Function::DocumentNumber => Ok((1..=entries.len()).map(number).collect()),
        Function::Rank | Function::DenseRank => {
            let (mut rank, mut dense) = (0, 0);
            let ranks = entries.iter().enumerate().map(|(at, entry)| {
                if at == 0 || entries[at - 1].key != entry.key {
                    (rank, dense) = (at + 1, dense + 1);
                }
                number(if matches!(function, Function::Rank) { rank } else { dense })
            });
            Ok(ranks.collect())
        }
        Function::Shift { output, by, default } => {
            let other = |at: usize| {
                let place = (at as i64).checked_add(*by).and_then(|at| usize::try_from(at).ok());
                match place.and_then(|place| entries.get(place)) {
                    Some(entry) => value_or_null(output, &scope_of(entry, context)?),
                    None => Ok(default.clone()),
                }
            };
            (0..entries.len()).map(other).collect()
        }
        Function::Carry(node) => {
            let mut last = Value::Null;
            let carried = entries.iter().map(|entry| {
                let value = value_or_null(node, &scope_of(entry, context)?)?;
                if value != Value::Null {
                    last = value;
                }
                Ok(last.clone())
            });
            carried.collect()
        }
        Function::Linear(node) => linear(node, entries, context),
        Function::Accumulate(accumulator, window) => {
            accumulate(accumulator, *window, entries, context)
        }
    }
}

/// Fills gaps in proportion to the place between the values around them.
fn linear(
    node: &crate::expression::Node,
    entries: &[Entry],
    context: &Context<'_>,
) -> Result<Vec<Value>, Error> {
    let values = entries.iter().map(|entry| value_or_null(node, &scope_of(entry, context)?));
    let mut values = values.collect::<Result<Vec<_>, Error>>()?;
    let known: Vec<(usize, f64, f64)> = values
        .iter()
        .enumerate()
        .filter_map(|(at, value)| Some((at, entries[at].place?, value.as_f64()?)))
        .collect();
    for pair in known.windows(2) {
        let [(start, x0, y0), (end, x1, y1)] = [pair[0], pair[1]];
        for at in start + 1..end {
            if let Some(x) = entries[at].place {
                let share = if x1 > x0 { (x - x0) / (x1 - x0) } else { 0.0 };
                values[at] = Value::Double(y0 + (y1 - y0) * share);
            }
        }
    }
    Ok(values)
}

/// The documents around one, as places from and to (excluded).
fn around(window: Window, entries: &[Entry], at: usize) -> (usize, usize) {
    let length = entries.len();
    match window {
        Window::Documents { from, to } => {
            let place = |by: i64| (at as i64).saturating_add(by);
            let start = from.map_or(0, |by| usize::try_from(place(by)).unwrap_or(0)).min(length);
            let end =
                to.map_or(length, |by| usize::try_from(place(by).saturating_add(1)).unwrap_or(0));
            (start, end.min(length).max(start))
        }
        Window::Range { from, to } => {
            let Some(here) = entries[at].place else { return (at, at + 1) };
            let below = |bound: f64| {
                entries.partition_point(|entry| entry.place.is_none_or(|place| place < bound))
            };
            let within = |bound: f64| {
                entries.partition_point(|entry| entry.place.is_none_or(|place| place <= bound))
            };
            let start = from.map_or(0, |by| below(here + by));
            let end = to.map_or(length, |by| within(here + by));
            (start, end.max(start))
        }
    }
}

fn accumulate(
    accumulator: &Accumulator,
    window: Window,
    entries: &[Entry],
    context: &mut Context<'_>,
) -> Result<Vec<Value>, Error> {
    let mut values = Vec::with_capacity(entries.len());
    let Some(first) = entries.first() else { return Ok(values) };
    let start_state =
        |context: &Context<'_>| accumulator.start(&Value::Null, &scope_of(first, context)?);
    // A window that begins where the last one did goes on from it.
    let (mut state, mut covered) = (start_state(context)?, (0, 0));
    for at in 0..entries.len() {
        let (from, to) = around(window, entries, at);
        if from != covered.0 || to < covered.1 {
            (state, covered) = (start_state(context)?, (from, from));
        }
        for entry in &entries[covered.1..to] {
            context.surroundings.spend(1)?;
            let held = accumulator.add(&mut state, &scope_of(entry, context)?)?;
            context.memory.take(held)?;
        }
        covered.1 = to.max(covered.1);
        let value = accumulator.finish(state.clone());
        context.memory.take(4 * crate::expression::size::of(&value))?;
        values.push(value);
    }
    Ok(values)
}

impl Work for Windowing {
    fn work(&mut self, io: &mut Io<'_>, context: &mut Context<'_>) -> Result<Progress, Error> {
        if let Some(results) = &mut self.results {
            for (document, values) in results.by_ref().take(PORTION) {
                let mut document = document.into_document()?;
                for ((path, _), value) in self.windows.fields.iter().zip(values) {
                    Shape::set_path(&mut document, path, value);
                }
                io.out.push_back(Doc::made(document)?);
            }
            let done = results.len() == 0;
            return Ok(if done { Progress::Finished } else { Progress::Worked });
        }
        let worked = !io.inbox.is_empty();
        while let Some(document) = io.inbox.pop_front() {
            self.take(document, context)?;
        }
        if io.ended {
            self.compute(context)?;
            return Ok(Progress::Worked);
        }
        Ok(if worked { Progress::Worked } else { Progress::Idle })
    }
}
