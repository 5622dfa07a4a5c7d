//! A pipeline at work, without waiting: [`Run::step`] does a portion and says what it needs next.
//! The caller reads collections; everything else happens here. The last stage that can do
//! something goes first, so that no stage piles up what the next one has not taken.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use value::Value;

use super::document::Doc;
use super::stage::Placed;
use super::work::{Context, Io, Memory, Progress, Work};
use super::{Limits, Pipeline};
use crate::expression::Surroundings;
use crate::{Error, Filter, Sort};

/// Documents that a pipeline asks for.
#[derive(Debug, Clone)]
pub struct Request {
    /// The collection's name; `None` is the one the pipeline was started on.
    pub collection: Option<String>,
    /// Which documents.
    pub filter: Filter,
    /// In which order; never without a limit.
    pub sort: Sort,
    /// How many to leave out first.
    pub skip: u64,
    /// How many at most.
    pub limit: Option<u64>,
}

/// A page of documents that is needed before anything else can happen.
#[derive(Debug, Clone)]
pub struct Read {
    /// The same for all pages of one request.
    pub id: u64,
    /// What is asked for.
    pub request: Arc<Request>,
}

/// What a run needs next.
#[derive(Debug)]
pub enum Step {
    /// Another turn: a good moment to let others work.
    Turn,
    /// The next page of a request, given with [`Run::supply`].
    Read(Read),
    /// Nothing: everything is in [`Run::take`].
    Done,
}

/// A pipeline at work.
pub struct Run {
    chain: Chain,
    surroundings: Surroundings,
    memory: Memory,
    next_read: u64,
}

impl Run {
    /// Starts a pipeline.
    pub fn new(pipeline: &Pipeline, surroundings: Surroundings, limits: &Limits) -> Run {
        let mut next_read = 0;
        let chain = Chain::reading(&pipeline.stages, &[], None, &[], &surroundings, &mut next_read);
        Run { chain, surroundings, memory: Memory::new(limits.memory_bytes), next_read }
    }

    /// Does a portion of work.
    ///
    /// # Errors
    /// What the stages report, with the stage's place in the pipeline.
    pub fn step(&mut self) -> Result<Step, Error> {
        let mut context = Context {
            surroundings: &self.surroundings,
            memory: &mut self.memory,
            variables: &[],
            next_read: &mut self.next_read,
        };
        Ok(match self.chain.step(&mut context)? {
            ChainStep::Turn => Step::Turn,
            ChainStep::Read(read) => Step::Read(read),
            ChainStep::Hungry | ChainStep::Done => Step::Done,
        })
    }

    /// Gives the page that [`Step::Read`] asked for; `ended` when it is the last one.
    ///
    /// # Errors
    /// What the stages report.
    pub fn supply(&mut self, page: Vec<Bytes>, ended: bool) -> Result<(), Error> {
        let mut context = Context {
            surroundings: &self.surroundings,
            memory: &mut self.memory,
            variables: &[],
            next_read: &mut self.next_read,
        };
        self.chain.supply(page, ended, &mut context)
    }

    /// Takes what has come out so far, as BSON.
    ///
    /// # Errors
    /// Documents beyond the limits of size and depth.
    pub fn take(&mut self) -> Result<Vec<Bytes>, Error> {
        self.chain.out.drain(..).map(Doc::into_bytes).collect()
    }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run").field("next_read", &self.next_read).finish_non_exhaustive()
    }
}

/// As [`Step`], for a chain that may be fed by another stage.
#[derive(Debug)]
pub(crate) enum ChainStep {
    Turn,
    Read(Read),
    /// Waits for [`Chain::feed`] or [`Chain::end`].
    Hungry,
    Done,
}

/// Where a chain's documents come from.
enum Source {
    Read(Read),
    Fed,
    Ended,
}

/// Who waits for a page.
#[derive(Clone, Copy)]
enum Waiting {
    Source,
    Stage(usize),
}

/// Stages one after another.
pub(crate) struct Chain {
    links: Vec<Link>,
    source: Source,
    waiting: Waiting,
    variables: Vec<Option<Value>>,
    /// What has come out of the last stage.
    pub(crate) out: VecDeque<Doc>,
}

struct Link {
    position: usize,
    name: &'static str,
    work: Box<dyn Work>,
    inbox: VecDeque<Doc>,
    ended: bool,
    finished: bool,
}

impl Chain {
    /// A chain over a collection. What of its first stages a read can do, the read does.
    pub(crate) fn reading(
        stages: &[Placed],
        names: &[String],
        collection: Option<&str>,
        variables: &[Option<Value>],
        surroundings: &Surroundings,
        next_read: &mut u64,
    ) -> Chain {
        let bound = super::source::Bound { names, variables, now_ms: surroundings.now_ms() };
        let (request, rest) = super::source::request(stages, collection, &bound);
        let read = Read { id: *next_read, request: Arc::new(request) };
        *next_read += 1;
        Chain::new(rest, Source::Read(read), names, variables, surroundings)
    }

    /// A chain that another stage feeds.
    pub(crate) fn fed(
        stages: &[Placed],
        names: &[String],
        variables: &[Option<Value>],
        surroundings: &Surroundings,
    ) -> Chain {
        Chain::new(stages, Source::Fed, names, variables, surroundings)
    }

    fn new(
        stages: &[Placed],
        source: Source,
        names: &[String],
        variables: &[Option<Value>],
        surroundings: &Surroundings,
    ) -> Chain {
        let bound = super::source::Bound { names, variables, now_ms: surroundings.now_ms() };
        let link = |placed: &Placed| Link {
            position: placed.position,
            name: placed.name,
            work: placed.stage.start(&bound),
            inbox: VecDeque::new(),
            ended: false,
            finished: false,
        };
        Chain {
            links: stages.iter().map(link).collect(),
            source,
            waiting: Waiting::Source,
            variables: variables.to_vec(),
            out: VecDeque::new(),
        }
    }

    /// Gives a document to a chain that is fed.
    pub(crate) fn feed(&mut self, document: Doc) {
        match self.links.first_mut() {
            Some(first) if first.finished => {}
            Some(first) => first.inbox.push_back(document),
            None => self.out.push_back(document),
        }
    }

    /// Says that nothing more is fed.
    pub(crate) fn end(&mut self) {
        self.source = Source::Ended;
        if let Some(first) = self.links.first_mut() {
            first.ended = true;
        }
    }

    /// Does a portion of work.
    pub(crate) fn step(&mut self, context: &mut Context<'_>) -> Result<ChainStep, Error> {
        for at in (0..self.links.len()).rev() {
            if self.links[at].finished {
                // What is before a finished stage works for nobody.
                break;
            }
            match self.work(at, context)? {
                Progress::Idle => {}
                Progress::Worked => return Ok(ChainStep::Turn),
                Progress::Finished => {
                    self.finish(at);
                    return Ok(ChainStep::Turn);
                }
                Progress::Read(read) => {
                    self.waiting = Waiting::Stage(at);
                    return Ok(ChainStep::Read(read));
                }
            }
        }
        if self.links.last().is_some_and(|last| last.finished) {
            return Ok(ChainStep::Done);
        }
        match &self.source {
            Source::Read(read) => {
                self.waiting = Waiting::Source;
                Ok(ChainStep::Read(read.clone()))
            }
            Source::Fed => Ok(ChainStep::Hungry),
            Source::Ended => Ok(ChainStep::Done),
        }
    }

    fn work(&mut self, at: usize, context: &mut Context<'_>) -> Result<Progress, Error> {
        let (before, after) = self.links.split_at_mut(at + 1);
        let link = &mut before[at];
        let out = after.first_mut().map_or(&mut self.out, |next| &mut next.inbox);
        let mut io = Io { inbox: &mut link.inbox, ended: link.ended, out };
        let mut context = Context {
            surroundings: context.surroundings,
            memory: &mut *context.memory,
            variables: &self.variables,
            next_read: &mut *context.next_read,
        };
        link.work
            .work(&mut io, &mut context)
            .map_err(|error| error.in_stage(link.position, link.name))
    }

    /// A stage will put out nothing more: those before it rest, the one after it learns it.
    fn finish(&mut self, at: usize) {
        for link in &mut self.links[..=at] {
            link.finished = true;
            link.inbox.clear();
        }
        self.source = Source::Ended;
        if let Some(next) = self.links.get_mut(at + 1) {
            next.ended = true;
        }
    }

    /// Gives the page that was asked for.
    pub(crate) fn supply(
        &mut self,
        page: Vec<Bytes>,
        ended: bool,
        context: &mut Context<'_>,
    ) -> Result<(), Error> {
        match self.waiting {
            Waiting::Stage(at) => {
                let mut context = Context {
                    surroundings: context.surroundings,
                    memory: &mut *context.memory,
                    variables: &self.variables,
                    next_read: &mut *context.next_read,
                };
                let link = &mut self.links[at];
                link.work
                    .supply(page, ended, &mut context)
                    .map_err(|error| error.in_stage(link.position, link.name))
            }
            Waiting::Source => {
                page.into_iter().for_each(|bytes| self.feed(Doc::Raw(bytes)));
                if ended {
                    self.end();
                }
                Ok(())
            }
        }
    }
}
