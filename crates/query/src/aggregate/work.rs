//! What a stage at work is: it takes documents from its inbox, puts others out, and may ask for
//! documents of other collections. It never waits.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use super::document::Doc;
use super::run::{Read, Request};
use crate::expression::Surroundings;
use crate::{Error, Filter, Sort};

/// Documents a stage puts out before those after it get their turn.
pub(crate) const PORTION: usize = 256;

/// What all stages of a run share.
#[derive(Debug)]
pub(crate) struct Context<'c> {
    pub(crate) surroundings: &'c Surroundings,
    pub(crate) memory: &'c mut Memory,
    /// Variables of the pipeline (the `let` of `$lookup`).
    pub(crate) variables: &'c [Option<value::Value>],
    /// The number the next read gets.
    pub(crate) next_read: &'c mut u64,
}

impl Context<'_> {
    /// A read of every document of a foreign collection that passes the filter.
    pub(crate) fn read(&mut self, collection: &str, filter: Filter) -> Read {
        let request = Request {
            collection: Some(collection.to_owned()),
            filter,
            sort: Sort::none(),
            skip: 0,
            limit: None,
        };
        let read = Read { id: *self.next_read, request: Arc::new(request) };
        *self.next_read += 1;
        read
    }
}

/// Where a stage takes from and puts to.
#[derive(Debug)]
pub(crate) struct Io<'i> {
    pub(crate) inbox: &'i mut VecDeque<Doc>,
    pub(crate) ended: bool,
    pub(crate) out: &'i mut VecDeque<Doc>,
}

/// How far a stage has come.
#[derive(Debug)]
pub(crate) enum Progress {
    /// Nothing to do before more comes in.
    Idle,
    /// Something was done, and there may be more to do.
    Worked,
    /// Nothing more will come out.
    Finished,
    /// Documents of another collection are needed first.
    Read(Read),
}

/// A stage at work.
pub(crate) trait Work: Send {
    /// Does a portion of work.
    fn work(&mut self, io: &mut Io<'_>, context: &mut Context<'_>) -> Result<Progress, Error>;

    /// Takes the next page of what was asked for.
    fn supply(
        &mut self,
        _page: Vec<Bytes>,
        _ended: bool,
        _context: &mut Context<'_>,
    ) -> Result<(), Error> {
        Ok(())
    }
}

impl Io<'_> {
    /// How far a stage is that has emptied its inbox.
    pub(crate) fn through(&self, worked: bool) -> Progress {
        match (self.ended, worked) {
            (true, _) => Progress::Finished,
            (false, true) => Progress::Worked,
            (false, false) => Progress::Idle,
        }
    }

    /// Turns each document into another one or into none.
    pub(crate) fn each(
        &mut self,
        mut change: impl FnMut(Doc) -> Result<Option<Doc>, Error>,
    ) -> Result<Progress, Error> {
        let worked = !self.inbox.is_empty();
        while let Some(document) = self.inbox.pop_front() {
            if let Some(changed) = change(document)? {
                self.out.push_back(changed);
            }
        }
        Ok(self.through(worked))
    }
}

/// Bytes that the stages of a pipeline hold together.
#[derive(Debug)]
pub(crate) struct Memory {
    held: usize,
    limit: usize,
}

impl Memory {
    pub(crate) fn new(limit: usize) -> Memory {
        Memory { held: 0, limit }
    }

    pub(crate) fn take(&mut self, bytes: usize) -> Result<(), Error> {
        self.held = self.held.saturating_add(bytes);
        if self.held <= self.limit {
            return Ok(());
        }
        let limit = self.limit / 1_000_000;
        Err(Error::malformed(
            format_args!(
                "The pipeline would hold more than {limit} MB in memory; filter or limit the \
                 documents before this stage."
            ),
            format_args!("聚合占用的内存将超过 {limit} MB,请在此阶段之前过滤或限制文档。"),
        ))
    }

    /// What is held now, to be reset to.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    pub(crate) fn reset(&mut self, held: usize) {
        self.held = held;
    }

    pub(crate) fn give(&mut self, bytes: usize) {
        self.held = self.held.saturating_sub(bytes);
    }
}
