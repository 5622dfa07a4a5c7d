//! Carrying a plan out: pages of keys, the documents behind them with one call per page, the
//! filter again. The first page is as large as what is wanted, so that a find of a few documents
//! through an index is one page of keys and one fetch.

use std::collections::{HashSet, VecDeque};
use std::ops::{Bound, Deref};
use std::sync::Arc;

use bytes::Bytes;
use query::Filter;
use store::Snapshot;
use value::{DocView, RawDoc};

use super::{Access, KeyRange, Plan, Ranges};
use crate::committer::damaged;
use crate::index::{Index, entry};
use crate::{Error, layout};

/// Keys per page at most.
const PAGE_KEYS: usize = 256;

/// Keys per page when all keys are wanted and no documents.
const COUNT_PAGE_KEYS: usize = 4_096;

/// What a walk has looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Examined {
    pub(crate) keys: u64,
    pub(crate) documents: u64,
}

/// Documents that match, batch by batch, in the order of the plan.
pub(crate) struct Walk<F> {
    snapshot: Snapshot,
    filter: F,
    sources: VecDeque<Source>,
    /// Documents already shown, when the plan may find one twice.
    seen: Option<HashSet<Bytes>>,
    page: usize,
    pub(crate) examined: Examined,
}

/// A document found by its key; the document itself where it came along.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    key: Bytes,
    document: Option<Bytes>,
    /// What decides between ranges that are read side by side.
    rank: Bytes,
}

enum Source {
    Points(VecDeque<Bytes>),
    Lookups { collection: u32, entries: VecDeque<Bytes> },
    Scan(Scan),
    Merge(Merge),
}

impl<F: Deref<Target = Filter>> Walk<F> {
    /// Begins; `wanted` is how many documents are needed if that is known.
    pub(crate) fn new(snapshot: Snapshot, filter: F, plan: Plan, wanted: Option<usize>) -> Walk<F> {
        let seen = finds_twice(&plan.access).then(HashSet::new);
        let mut sources = VecDeque::new();
        push_sources(plan.access, &mut sources);
        let page = wanted.unwrap_or(PAGE_KEYS).clamp(1, PAGE_KEYS);
        Walk { snapshot, filter, sources, seen, page, examined: Examined::default() }
    }

    /// The next documents that match, with their keys; `None` at the end. Pauses for other tasks
    /// after each page.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<(Bytes, Bytes)>>, Error> {
        while let Some(source) = self.sources.front_mut() {
            let mut found = source.page(&self.snapshot, self.page).await?;
            if found.is_empty() {
                self.sources.pop_front();
                continue;
            }
            self.examined.keys += found.len() as u64;
            self.page = (self.page * 2).min(PAGE_KEYS);
            if let Some(seen) = &mut self.seen {
                found.retain(|found| seen.insert(found.key.clone()));
            }
            let mut documents = fetch(&self.snapshot, found).await?;
            self.examined.documents += documents.len() as u64;
            let mut failure = None;
            documents.retain(|(_, document)| {
                let passes = RawDoc::new(document)
                    .map_err(Error::from)
                    .and_then(|document| Ok(self.filter.check(&DocView::Raw(document))?));
                passes.unwrap_or_else(|error| {
                    failure.get_or_insert(error);
                    false
                })
            });
            if let Some(error) = failure {
                return Err(error);
            }
            tokio::task::yield_now().await;
            if !documents.is_empty() {
                return Ok(Some(documents));
            }
        }
        Ok(None)
    }
}

fn finds_twice(access: &Access) -> bool {
    match access {
        Access::Union(branches) => !branches.is_empty(),
        Access::Ranges(ranges) => ranges.index.flags.multikey != 0,
        Access::Nothing | Access::Points(_) => false,
    }
}

fn push_sources(access: Access, sources: &mut VecDeque<Source>) {
    match access {
        Access::Nothing => {}
        Access::Points(keys) => sources.push_back(Source::Points(keys.into())),
        Access::Union(branches) => {
            branches.into_iter().for_each(|branch| push_sources(branch, sources));
        }
        Access::Ranges(ranges) if ranges.order.is_merged => {
            sources.push_back(Source::Merge(Merge::new(&ranges)));
        }
        Access::Ranges(ranges) if ranges.is_lookup() => {
            let header = entry::header(&ranges.index);
            let keys = ranges.ranges.iter().map(|range| with_header(&header, &range.from));
            let keys: VecDeque<Bytes> = match ranges.order.is_reverse {
                true => keys.rev().collect(),
                false => keys.collect(),
            };
            sources.push_back(match ranges.index.is_primary {
                true => Source::Points(keys),
                false => Source::Lookups { collection: ranges.index.collection, entries: keys },
            });
        }
        Access::Ranges(ranges) => {
            sources.push_back(Source::Scan(Scan::new(&ranges)));
        }
    }
}

fn with_header(header: &[u8], key: &[u8]) -> Bytes {
    [header, key].concat().into()
}

impl Source {
    /// At most `limit` of what comes next; nothing at the end.
    async fn page(&mut self, snapshot: &Snapshot, limit: usize) -> Result<Vec<Found>, Error> {
        match self {
            Source::Points(keys) => {
                let page = keys.drain(..limit.max(PAGE_KEYS).min(keys.len()));
                Ok(page.map(|key| Found { key, document: None, rank: Bytes::new() }).collect())
            }
            Source::Lookups { collection, entries } => loop {
                let page: Vec<Bytes> = entries.drain(..PAGE_KEYS.min(entries.len())).collect();
                let wanted: Vec<&[u8]> = page.iter().map(|key| &key[..]).collect();
                let ids = snapshot.get_many(&wanted).await?;
                let key = |id: &Bytes| layout::document_key(*collection, id);
                let found = ids.iter().flatten().map(|id| Found {
                    key: key(id),
                    document: None,
                    rank: Bytes::new(),
                });
                let found: Vec<Found> = found.collect();
                if !found.is_empty() || entries.is_empty() {
                    return Ok(found);
                }
            },
            Source::Scan(scan) => scan.page(snapshot, limit).await,
            Source::Merge(merge) => merge.page(snapshot, limit).await,
        }
    }
}

/// Ranges of an index, one after another.
pub(crate) struct Scan {
    index: Arc<Index>,
    header: Vec<u8>,
    ranges: VecDeque<KeyRange>,
    is_reverse: bool,
    /// Where the first of the ranges goes on.
    last: Option<Bytes>,
}

impl Scan {
    pub(crate) fn new(ranges: &Ranges) -> Scan {
        let mut queue: VecDeque<KeyRange> = ranges.ranges.clone().into();
        if ranges.order.is_reverse {
            queue.make_contiguous().reverse();
        }
        Scan {
            index: Arc::clone(&ranges.index),
            header: entry::header(&ranges.index),
            ranges: queue,
            is_reverse: ranges.order.is_reverse,
            last: None,
        }
    }

    /// At most `limit` documents; none at the end.
    pub(crate) async fn page(
        &mut self,
        snapshot: &Snapshot,
        limit: usize,
    ) -> Result<Vec<Found>, Error> {
        let mut found = Vec::new();
        while found.len() < limit {
            let Some((page, pinned)) = self.raw_page(snapshot, limit - found.len()).await? else {
                break;
            };
            for (key, value) in page {
                found.push(self.found(key, value, pinned)?);
            }
        }
        Ok(found)
    }

    /// Pairs of the range under way; `None` when there are no more.
    async fn raw_page(
        &mut self,
        snapshot: &Snapshot,
        limit: usize,
    ) -> Result<Option<(store::Page, usize)>, Error> {
        let Some(range) = self.ranges.front() else { return Ok(None) };
        let (low, high) =
            (with_header(&self.header, &range.from), with_header(&self.header, &range.to));
        let (mut from, mut to) = (Bound::Included(&low[..]), Bound::Excluded(&high[..]));
        match &self.last {
            Some(last) if self.is_reverse => to = Bound::Excluded(&last[..]),
            Some(last) => from = Bound::Excluded(&last[..]),
            None => {}
        }
        let page = snapshot.range(from, to, self.is_reverse, limit).await?;
        let bytes: usize = page.iter().map(|(key, value)| key.len() + value.len()).sum();
        let pinned = range.pinned;
        if page.len() < limit && bytes < store::PAGE_BYTES_MAX {
            self.ranges.pop_front();
            self.last = None;
        } else {
            self.last = page.last().map(|(key, _)| key.clone());
        }
        Ok(Some((page, pinned)))
    }

    fn found(&self, key: Bytes, value: Bytes, pinned: usize) -> Result<Found, Error> {
        if self.index.is_primary {
            return Ok(Found { key, document: Some(value), rank: Bytes::new() });
        }
        let (index_key, id_key) = entry::parse(&self.index, &key, &value)
            .ok_or_else(|| damaged("an index entry does not read"))?;
        let rank = key.slice_ref(index_key.get(pinned..).unwrap_or_default());
        Ok(Found { key: layout::document_key(self.index.collection, id_key), document: None, rank })
    }
}

/// Ranges of an index side by side, in the order of what follows their pinned fields.
struct Merge {
    streams: Vec<(Scan, VecDeque<Found>)>,
    is_reverse: bool,
}

impl Merge {
    fn new(ranges: &Ranges) -> Merge {
        let stream = |range: &KeyRange| {
            let one = Ranges { ranges: vec![range.clone()], ..ranges.clone() };
            (Scan::new(&one), VecDeque::new())
        };
        let streams = ranges.ranges.iter().map(stream).collect();
        Merge { streams, is_reverse: ranges.order.is_reverse }
    }

    async fn page(&mut self, snapshot: &Snapshot, limit: usize) -> Result<Vec<Found>, Error> {
        let mut out = Vec::new();
        while out.len() < limit {
            for (scan, waiting) in &mut self.streams {
                if waiting.is_empty() {
                    waiting.extend(scan.page(snapshot, limit).await?);
                }
            }
            let fronts = self.streams.iter().enumerate();
            let fronts = fronts.filter_map(|(at, (_, waiting))| Some((at, waiting.front()?)));
            let best = match self.is_reverse {
                true => fronts.max_by(|a, b| (&a.1.rank, a.0).cmp(&(&b.1.rank, b.0))),
                false => fronts.min_by(|a, b| (&a.1.rank, a.0).cmp(&(&b.1.rank, b.0))),
            };
            let Some((at, _)) = best else { break };
            out.extend(self.streams[at].1.pop_front());
        }
        Ok(out)
    }
}

/// The documents behind what was found, with one call.
pub(crate) async fn fetch(
    snapshot: &Snapshot,
    found: Vec<Found>,
) -> Result<Vec<(Bytes, Bytes)>, Error> {
    let missing: Vec<&[u8]> =
        found.iter().filter(|found| found.document.is_none()).map(|found| &found.key[..]).collect();
    let mut fetched =
        if missing.is_empty() { Vec::new() } else { snapshot.get_many(&missing).await? }
            .into_iter();
    let mut documents = Vec::with_capacity(found.len());
    for Found { key, document, .. } in found {
        let document = document.or_else(|| fetched.next().flatten());
        documents.extend(document.map(|document| (key, document)));
    }
    Ok(documents)
}

/// How many keys the ranges hold, counted up to `most`.
pub(crate) async fn count_keys(
    snapshot: &Snapshot,
    ranges: &Ranges,
    most: usize,
) -> Result<usize, Error> {
    let mut scan = Scan::new(ranges);
    let mut count = 0;
    while count < most {
        let limit = COUNT_PAGE_KEYS.min(most - count);
        let Some((page, _)) = scan.raw_page(snapshot, limit).await? else { break };
        count += page.len();
    }
    Ok(count)
}
