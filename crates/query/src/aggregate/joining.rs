//! `$lookup` at work. Documents are taken in batches: one read fetches what all of a batch may
//! match, so that a lookup over n documents is n / 256 reads and not n. An inner pipeline that
//! depends on nothing outside runs once.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use value::Value;

use super::document::Doc;
use super::lookup::{Join, Lookup, document_value, foreign_keys, local_keys, one_of, show_view};
use super::run::{Chain, ChainStep, Read};
use super::shape::Shape;
use super::source::Bound;
use super::work::{Context, Io, PORTION, Progress, Work};
use crate::expression::node::follow;
use crate::expression::{Scope, size};
use crate::{Error, Filter};

/// Documents of one batch.
const BATCH: usize = 256;

/// A document that waits for its foreign ones.
struct Pending {
    document: Doc,
    keys: Vec<Vec<u8>>,
    variables: Vec<Option<Value>>,
}

/// An inner pipeline at work for one document.
struct Inner {
    document: Doc,
    chain: Chain,
    results: Vec<Value>,
    bytes: usize,
    held_before: usize,
}

/// The stage at work.
pub(crate) struct LookingUp {
    lookup: Arc<Lookup>,
    pending: VecDeque<Pending>,
    /// What is being read.
    reading: Option<Read>,
    foreign: Vec<Bytes>,
    foreign_held: usize,
    index: HashMap<Vec<u8>, Vec<usize>>,
    /// Whether `foreign` serves every batch.
    has_all: bool,
    /// The results for every document alike.
    shared: Option<Vec<Value>>,
    inner: Option<Inner>,
    inner_waits: bool,
}

impl LookingUp {
    pub(crate) fn new(lookup: Arc<Lookup>) -> LookingUp {
        LookingUp {
            lookup,
            pending: VecDeque::new(),
            reading: None,
            foreign: Vec::new(),
            foreign_held: 0,
            index: HashMap::new(),
            has_all: false,
            shared: None,
            inner: None,
            inner_waits: false,
        }
    }

    /// Takes a batch and says what to read for it.
    fn begin(&mut self, io: &mut Io<'_>, context: &mut Context<'_>) -> Result<Progress, Error> {
        let lookup = Arc::clone(&self.lookup);
        let mut wanted: BTreeMap<Vec<u8>, Value> = BTreeMap::new();
        while self.pending.len() < BATCH
            && let Some(document) = io.inbox.pop_front()
        {
            let pending = prepare(&lookup, document, &mut wanted, context)?;
            self.pending.push_back(pending);
        }
        let bound = Bound {
            names: &lookup.outer_names,
            variables: context.variables,
            now_ms: context.surroundings.now_ms(),
        };
        let filter = match &lookup.join {
            Join::All if self.has_all => return Ok(Progress::Worked),
            Join::All => Filter::all(),
            Join::Fields { foreign, .. } | Join::Variable { foreign, .. } => {
                self.forget(context);
                if wanted.is_empty() {
                    return Ok(Progress::Worked);
                }
                one_of(foreign, wanted.into_values().collect())
            }
        };
        let filter = filter.and(bound.filter(&lookup.filter));
        let read = context.read(&lookup.from, filter);
        self.reading = Some(read.clone());
        Ok(Progress::Read(read))
    }

    fn forget(&mut self, context: &mut Context<'_>) {
        self.foreign.clear();
        self.index.clear();
        context.memory.give(std::mem::take(&mut self.foreign_held));
    }

    /// The foreign documents for a document, in the order they were read.
    fn candidates(&self, keys: &[Vec<u8>]) -> Vec<usize> {
        if matches!(self.lookup.join, Join::All) {
            return (0..self.foreign.len()).collect();
        }
        let mut places: Vec<usize> =
            keys.iter().filter_map(|key| self.index.get(key)).flatten().copied().collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    /// Joins the next document of the batch.
    fn join(
        &mut self,
        pending: Pending,
        io: &mut Io<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), Error> {
        let places = self.candidates(&pending.keys);
        if self.lookup.stages.is_empty() {
            let bytes = places.iter().map(|at| self.foreign[*at].len()).sum();
            check_size(bytes)?;
            let values = places.iter().map(|at| document_value(&self.foreign[*at]));
            let values = values.collect::<Result<Vec<_>, _>>()?;
            return self.emit(pending.document, values, io);
        }
        if let Some(shared) = &self.shared {
            let values = shared.clone();
            return self.emit(pending.document, values, io);
        }
        let variables = [context.variables.to_vec(), pending.variables].concat();
        let lookup = &self.lookup;
        let mut chain =
            Chain::fed(&lookup.stages, &lookup.inner_names, &variables, context.surroundings);
        places.iter().for_each(|at| chain.feed(Doc::Raw(self.foreign[*at].clone())));
        chain.end();
        self.inner = Some(Inner {
            document: pending.document,
            chain,
            results: Vec::new(),
            bytes: 0,
            held_before: context.memory.held(),
        });
        Ok(())
    }

    fn emit(&self, document: Doc, values: Vec<Value>, io: &mut Io<'_>) -> Result<(), Error> {
        let mut document = document.into_document()?;
        Shape::set_path(&mut document, &self.lookup.into, Value::Array(values));
        io.out.push_back(Doc::made(document)?);
        Ok(())
    }

    /// Moves the inner pipeline on.
    fn step_inner(
        &mut self,
        mut inner: Inner,
        io: &mut Io<'_>,
        context: &mut Context<'_>,
    ) -> Result<Progress, Error> {
        let step = inner.chain.step(context)?;
        for document in inner.chain.out.drain(..) {
            let document = document.into_document()?;
            inner.bytes += size::of_document(&document);
            check_size(inner.bytes)?;
            inner.results.push(Value::Document(document));
        }
        match step {
            ChainStep::Turn => self.inner = Some(inner),
            ChainStep::Read(read) => {
                self.inner = Some(inner);
                self.inner_waits = true;
                return Ok(Progress::Read(read));
            }
            ChainStep::Hungry | ChainStep::Done => {
                // All that the inner stages held is gone with them.
                context.memory.reset(inner.held_before);
                let is_alike = self.lookup.lets.is_empty() && self.has_all;
                if is_alike {
                    let held = inner.results.iter().map(size::of).sum::<usize>() * 4;
                    context.memory.take(held)?;
                    self.shared = Some(inner.results.clone());
                }
                self.emit(inner.document, inner.results, io)?;
            }
        }
        Ok(Progress::Worked)
    }
}

fn check_size(bytes: usize) -> Result<(), Error> {
    if bytes > value::DOCUMENT_BYTES_MAX {
        return Err(Error::Value(value::Error::TooLarge { bytes }));
    }
    Ok(())
}

/// Computes a document's variables and the keys of what it may match.
fn prepare(
    lookup: &Lookup,
    document: Doc,
    wanted: &mut BTreeMap<Vec<u8>, Value>,
    context: &Context<'_>,
) -> Result<Pending, Error> {
    context.surroundings.refill();
    let view = document.view()?;
    let scope = Scope::new(view, context.variables, context.surroundings);
    let lets = lookup.lets.iter().map(|node| node.eval(&scope)?.into_value());
    let variables = lets.collect::<Result<Vec<_>, _>>()?;
    let mut keys = Vec::new();
    let mut show = |bytes: Vec<u8>, value: Value| {
        keys.push(bytes.clone());
        wanted.entry(bytes).or_insert(value);
    };
    match &lookup.join {
        Join::All => {}
        Join::Fields { local, .. } => local_keys(&view, local, &mut show)?,
        Join::Variable { level, path, each, .. } => {
            let outer = context.variables;
            let value = outer.get(*level).or_else(|| variables.get(*level - outer.len()));
            let found = follow(value.and_then(|value| value.as_ref()).map(Into::into), path)?;
            match (found.view(), each) {
                (Some(value::View::Array(elements)), true) => {
                    for element in elements.iter() {
                        show_view(&element?, &mut show)?;
                    }
                }
                // What is no list matches nothing; the inner pipeline says what is wrong with it.
                (Some(view), _) => show_view(&view, &mut show)?,
                (None, _) => show_view(&value::View::Null, &mut show)?,
            }
        }
    }
    Ok(Pending { document, keys, variables })
}

impl Work for LookingUp {
    fn work(&mut self, io: &mut Io<'_>, context: &mut Context<'_>) -> Result<Progress, Error> {
        if let Some(inner) = self.inner.take() {
            return self.step_inner(inner, io, context);
        }
        if let Some(read) = &self.reading {
            return Ok(Progress::Read(read.clone()));
        }
        let mut joined = 0;
        while joined < PORTION
            && self.inner.is_none()
            && let Some(pending) = self.pending.pop_front()
        {
            self.join(pending, io, context)?;
            joined += 1;
        }
        if joined > 0 {
            return Ok(Progress::Worked);
        }
        if io.inbox.is_empty() {
            return Ok(io.through(false));
        }
        self.begin(io, context)
    }

    fn supply(
        &mut self,
        page: Vec<Bytes>,
        ended: bool,
        context: &mut Context<'_>,
    ) -> Result<(), Error> {
        if std::mem::take(&mut self.inner_waits) {
            return match &mut self.inner {
                Some(inner) => inner.chain.supply(page, ended, context),
                None => Ok(()),
            };
        }
        for bytes in page {
            let held = bytes.len() + 64;
            self.foreign_held += held;
            context.memory.take(held)?;
            if let Join::Fields { foreign, .. } | Join::Variable { foreign, .. } = &self.lookup.join
            {
                let (at, index) = (self.foreign.len(), &mut self.index);
                foreign_keys(&bytes, foreign, &mut |key| match index.get_mut(key) {
                    Some(places) => places.push(at),
                    None => {
                        index.insert(key.to_vec(), vec![at]);
                    }
                })?;
            }
            self.foreign.push(bytes);
        }
        if ended {
            self.reading = None;
            self.has_all = matches!(self.lookup.join, Join::All);
        }
        Ok(())
    }
}
