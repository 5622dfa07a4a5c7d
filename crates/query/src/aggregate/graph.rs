//! `$graphLookup`: from a document along references as far as they lead. Documents are taken in
//! batches and each generation of a whole batch is one read; what was read once is kept for the
//! others of the batch.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use value::{DocView, RawDoc, Value};

use super::document::Doc;
use super::lookup::{foreign_keys, local_keys, one_of, show_view};
use super::run::Read;
use super::shape::Shape;
use super::source::Bound;
use super::stage::count;
use super::work::{Context, Io, Progress, Work};
use crate::expression::operator::wrong;
use crate::expression::parse::{parse as parse_node, raw_members, segments};
use crate::expression::{Names, Node, Scope};
use crate::path::Path;
use crate::{Error, Filter};

/// Documents of one batch.
const BATCH: usize = 64;

/// A parsed `$graphLookup`.
#[derive(Debug, Clone)]
pub(crate) struct GraphLookup {
    from: String,
    start: Node,
    connect_from: Path,
    connect_to: Path,
    into: Vec<String>,
    depth_max: u64,
    depth_field: Option<Vec<String>>,
    restrict: Filter,
    names: Vec<String>,
}

impl GraphLookup {
    pub(crate) fn parse(operand: &Value, names: &mut Names) -> Result<GraphLookup, Error> {
        let known = [
            "from",
            "startWith",
            "connectFromField",
            "connectToField",
            "as",
            "maxDepth",
            "depthField",
            "restrictSearchWithMatch",
        ];
        let parts = raw_members("$graphLookup", operand, &known, 5)?;
        let text = |at: usize| match parts[at] {
            Some(Value::String(text)) if !text.is_empty() => Ok(text.as_str()),
            _ => {
                let english = format!("text as {}", known[at]);
                Err(wrong("$graphLookup", &english, &format!("文本作为 {}", known[at])))
            }
        };
        let restrict = match parts[7] {
            None => Filter::all(),
            Some(Value::Document(filter)) => {
                let filter = Filter::parse_open(filter)?;
                filter.check_closed(names.all())?;
                filter
            }
            Some(_) => {
                return Err(wrong(
                    "$graphLookup",
                    "a filter as restrictSearchWithMatch",
                    "条件对象作为 restrictSearchWithMatch",
                ));
            }
        };
        segments(text(2)?)?;
        segments(text(3)?)?;
        Ok(GraphLookup {
            from: text(0)?.to_owned(),
            start: parse_node(parts[1].unwrap_or(&Value::Null), names)?,
            connect_from: Path::parse(text(2)?)?,
            connect_to: Path::parse(text(3)?)?,
            into: segments(text(4)?)?,
            depth_max: match parts[5] {
                None => u64::MAX,
                Some(depth) => count("$graphLookup", depth, 0)?,
            },
            depth_field: match parts[6] {
                None => None,
                Some(_) => Some(segments(text(6)?)?),
            },
            restrict,
            names: names.all().to_vec(),
        })
    }

    pub(crate) fn collections(&self, out: &mut Vec<String>) {
        out.push(self.from.clone());
    }
}

/// A document on its way through the graph.
struct Walk {
    document: Doc,
    /// Keys of the next generation.
    frontier: BTreeMap<Vec<u8>, Value>,
    depth: u64,
    /// Keys that were asked for, and documents that were found.
    asked: HashSet<Vec<u8>>,
    reached: HashSet<usize>,
    found: Vec<(usize, u64)>,
}

/// The stage at work.
pub(crate) struct Walking {
    graph: Arc<GraphLookup>,
    walks: VecDeque<Walk>,
    reading: Option<Read>,
    /// What was read for this batch: documents, their places by key, by `_id`, and keys known.
    foreign: Vec<Bytes>,
    places: HashMap<Vec<u8>, Vec<usize>>,
    ids: HashMap<Vec<u8>, usize>,
    known: HashSet<Vec<u8>>,
    held: usize,
}

impl Walking {
    pub(crate) fn new(graph: Arc<GraphLookup>) -> Walking {
        Walking {
            graph,
            walks: VecDeque::new(),
            reading: None,
            foreign: Vec::new(),
            places: HashMap::new(),
            ids: HashMap::new(),
            known: HashSet::new(),
            held: 0,
        }
    }

    fn begin(&mut self, io: &mut Io<'_>, context: &mut Context<'_>) -> Result<(), Error> {
        context.memory.give(std::mem::take(&mut self.held));
        self.foreign.clear();
        self.places.clear();
        self.ids.clear();
        self.known.clear();
        while self.walks.len() < BATCH
            && let Some(document) = io.inbox.pop_front()
        {
            context.surroundings.refill();
            let mut frontier = BTreeMap::new();
            {
                let scope = Scope::new(document.view()?, context.variables, context.surroundings);
                let start = self.graph.start.eval(&scope)?;
                let mut show = |key: Vec<u8>, value: Value| {
                    frontier.insert(key, value);
                };
                match start.view_or_null() {
                    value::View::Array(elements) => {
                        for element in elements.iter() {
                            show_view(&element?, &mut show)?;
                        }
                    }
                    view => show_view(&view, &mut show)?,
                }
            }
            self.walks.push_back(Walk {
                document,
                frontier,
                depth: 0,
                asked: HashSet::new(),
                reached: HashSet::new(),
                found: Vec::new(),
            });
        }
        Ok(())
    }

    /// Goes on with every walk as far as what was read allows; the keys that are still needed.
    fn advance(&mut self, context: &mut Context<'_>) -> Result<BTreeMap<Vec<u8>, Value>, Error> {
        let mut wanted = BTreeMap::new();
        let mut walks = std::mem::take(&mut self.walks);
        for walk in &mut walks {
            while !walk.frontier.is_empty() {
                let before = wanted.len();
                for (key, value) in &walk.frontier {
                    if !self.known.contains(key) {
                        wanted.insert(key.clone(), value.clone());
                    }
                }
                let waits = walk.frontier.keys().any(|key| !self.known.contains(key));
                if waits || wanted.len() > before {
                    break;
                }
                let held = self.step(walk)?;
                self.held += held;
                context.memory.take(held)?;
            }
        }
        self.walks = walks;
        Ok(wanted)
    }

    /// One generation of one walk.
    fn step(&self, walk: &mut Walk) -> Result<usize, Error> {
        let frontier = std::mem::take(&mut walk.frontier);
        let mut held = 0;
        for key in frontier.into_keys() {
            for at in self.places.get(&key).into_iter().flatten() {
                if !walk.reached.insert(*at) {
                    continue;
                }
                held += 64;
                walk.found.push((*at, walk.depth));
                let view = DocView::Raw(RawDoc::new(&self.foreign[*at])?);
                let asked = &walk.asked;
                let next = &mut walk.frontier;
                local_keys(&view, &self.graph.connect_from, &mut |key, value| {
                    if !asked.contains(&key) && value != Value::Null {
                        next.insert(key, value);
                    }
                })?;
            }
            walk.asked.insert(key);
        }
        walk.frontier.retain(|key, _| !walk.asked.contains(key));
        if walk.depth >= self.graph.depth_max {
            walk.frontier.clear();
        }
        walk.depth += 1;
        Ok(held)
    }

    fn emit(&self, walk: Walk, io: &mut Io<'_>) -> Result<(), Error> {
        let bytes: usize = walk.found.iter().map(|(at, _)| self.foreign[*at].len()).sum();
        if bytes > value::DOCUMENT_BYTES_MAX {
            return Err(Error::Value(value::Error::TooLarge { bytes }));
        }
        let mut values = Vec::with_capacity(walk.found.len());
        for (at, depth) in walk.found {
            let mut found = RawDoc::new(&self.foreign[at])?.to_document()?;
            if let Some(path) = &self.graph.depth_field {
                let depth = Value::Int64(i64::try_from(depth).unwrap_or(i64::MAX));
                Shape::set_path(&mut found, path, depth);
            }
            values.push(Value::Document(found));
        }
        let mut document = walk.document.into_document()?;
        Shape::set_path(&mut document, &self.graph.into, Value::Array(values));
        io.out.push_back(Doc::made(document)?);
        Ok(())
    }
}

impl Work for Walking {
    fn work(&mut self, io: &mut Io<'_>, context: &mut Context<'_>) -> Result<Progress, Error> {
        if let Some(read) = &self.reading {
            return Ok(Progress::Read(read.clone()));
        }
        if self.walks.is_empty() {
            if io.inbox.is_empty() {
                return Ok(io.through(false));
            }
            self.begin(io, context)?;
        }
        let wanted = self.advance(context)?;
        if wanted.is_empty() {
            while let Some(walk) = self.walks.pop_front() {
                self.emit(walk, io)?;
            }
            return Ok(Progress::Worked);
        }
        self.known.extend(wanted.keys().cloned());
        let bound = Bound {
            names: &self.graph.names,
            variables: context.variables,
            now_ms: context.surroundings.now_ms(),
        };
        let filter = one_of(&self.graph.connect_to, wanted.into_values().collect());
        let filter = filter.and(bound.filter(&self.graph.restrict));
        let read = context.read(&self.graph.from, filter);
        self.reading = Some(read.clone());
        Ok(Progress::Read(read))
    }

    fn supply(
        &mut self,
        page: Vec<Bytes>,
        ended: bool,
        context: &mut Context<'_>,
    ) -> Result<(), Error> {
        for bytes in page {
            // A document that two generations lead to is kept once.
            let mut id = Vec::new();
            if let Some(value) = RawDoc::new(&bytes)?.get("_id") {
                value::key::push_view(&value.into(), &mut id);
            }
            if self.ids.contains_key(&id) {
                continue;
            }
            let at = self.foreign.len();
            self.ids.insert(id, at);
            let held = bytes.len() + 192;
            self.held += held;
            context.memory.take(held)?;
            let places = &mut self.places;
            foreign_keys(&bytes, &self.graph.connect_to, &mut |key| {
                places.entry(key.to_vec()).or_default().push(at);
            })?;
            self.foreign.push(bytes);
        }
        if ended {
            self.reading = None;
        }
        Ok(())
    }
}
