//! `$sort` (with a limit only the documents that can still be in the answer are held) and
//! `$sample`.

use std::collections::BinaryHeap;

use super::document::Doc;
use super::work::{Context, Io, PORTION, Progress, Work};
use crate::sort::{Sort, SortKey};
use crate::{Error, filter};

/// A document in the order of its key, then of its arrival.
struct Ranked {
    key: SortKey,
    arrival: u64,
    document: Doc,
}

impl Ranked {
    fn bytes(&self) -> usize {
        self.document.held_bytes() + self.key.len() + 48
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Ranked) -> std::cmp::Ordering {
        self.key.cmp(&other.key).then(self.arrival.cmp(&other.arrival))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Ranked) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Ranked) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked {}

/// `$sort`.
pub(crate) struct Sorting {
    sort: Sort,
    limit: usize,
    arrivals: u64,
    held: usize,
    /// While documents come in: all of them, or with a limit a heap with the last one on top.
    list: Vec<Ranked>,
    heap: BinaryHeap<Ranked>,
    sorted: Option<std::vec::IntoIter<Ranked>>,
}

impl Sorting {
    pub(crate) fn new(sort: Sort, limit: Option<u64>) -> Sorting {
        Sorting {
            sort,
            limit: limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX)),
            arrivals: 0,
            held: 0,
            list: Vec::new(),
            heap: BinaryHeap::new(),
            sorted: None,
        }
    }

    fn take(&mut self, document: Doc, context: &mut Context<'_>) -> Result<(), Error> {
        let key = self.sort.key_of(&document.view()?);
        self.arrivals += 1;
        let ranked = Ranked { key, arrival: self.arrivals, document };
        let full = self.limit != usize::MAX && self.heap.len() >= self.limit;
        if full {
            let Some(mut worst) = self.heap.peek_mut() else { return Ok(()) };
            if ranked.key >= worst.key {
                return Ok(());
            }
            let (come, go) = (ranked.bytes(), worst.bytes());
            *worst = ranked;
            drop(worst);
            self.held = self.held + come - go;
            context.memory.give(go);
            return context.memory.take(come);
        }
        let bytes = ranked.bytes();
        self.held += bytes;
        if self.limit == usize::MAX {
            self.list.push(ranked);
        } else {
            self.heap.push(ranked);
        }
        context.memory.take(bytes)
    }
}

impl Work for Sorting {
    fn work(&mut self, io: &mut Io<'_>, context: &mut Context<'_>) -> Result<Progress, Error> {
        if let Some(sorted) = &mut self.sorted {
            io.out.extend(sorted.by_ref().take(PORTION).map(|ranked| ranked.document));
            if sorted.len() > 0 {
                return Ok(Progress::Worked);
            }
            context.memory.give(self.held);
            return Ok(Progress::Finished);
        }
        let worked = !io.inbox.is_empty();
        while let Some(document) = io.inbox.pop_front() {
            self.take(document, context)?;
        }
        if io.ended {
            self.list.sort_unstable();
            let heap = std::mem::take(&mut self.heap).into_sorted_vec();
            let mut all = std::mem::take(&mut self.list);
            all.extend(heap);
            self.sorted = Some(all.into_iter());
            return Ok(Progress::Worked);
        }
        Ok(if worked { Progress::Worked } else { Progress::Idle })
    }
}

/// `$sample`: each document is as likely as any other, in an order by chance.
pub(crate) struct Sampling {
    size: usize,
    seen: u64,
    held: usize,
    kept: Vec<Doc>,
}

impl Sampling {
    pub(crate) fn new(size: u64) -> Sampling {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        Sampling { size, seen: 0, held: 0, kept: Vec::new() }
    }

    fn take(&mut self, document: Doc, context: &mut Context<'_>) -> Result<(), Error> {
        self.seen += 1;
        let bytes = document.held_bytes();
        if self.kept.len() < self.size {
            self.kept.push(document);
        } else {
            let place = usize::try_from(context.surroundings.chance() % self.seen).unwrap_or(0);
            let Some(old) = self.kept.get_mut(place) else { return Ok(()) };
            let gone = std::mem::replace(old, document).held_bytes();
            self.held -= gone;
            context.memory.give(gone);
        }
        self.held += bytes;
        context.memory.take(bytes)
    }
}

impl Work for Sampling {
    fn work(&mut self, io: &mut Io<'_>, context: &mut Context<'_>) -> Result<Progress, Error> {
        let worked = !io.inbox.is_empty();
        while let Some(document) = io.inbox.pop_front() {
            self.take(document, context)?;
        }
        if io.ended {
            // Fisher and Yates.
            for at in (1..self.kept.len()).rev() {
                let other = context.surroundings.chance() % (at as u64 + 1);
                self.kept.swap(at, usize::try_from(other).unwrap_or(at));
            }
            io.out.extend(self.kept.drain(..));
            context.memory.give(self.held);
        }
        Ok(io.through(worked))
    }
}

/// Fields at the top that a filter looks at; `None` when they cannot be told.
pub(crate) fn roots(filter: &crate::Filter) -> Option<Vec<String>> {
    let mut roots = Vec::new();
    filter::roots(filter.node(), &mut roots).then_some(roots)
}
