//! Drives a pipeline: reads the collections it asks for, as of one commit, hands pages in and
//! takes results out. What the stages do is the matter of `query`; between portions of work other
//! tasks get their turn, and a caller that goes away stops everything.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use query::aggregate::{Limits, Request, Run, Step};
use query::expression::Surroundings;
use query::{Filter, Pipeline, Projection};
use store::Snapshot;

use crate::plan::Walk;
use crate::reading::Reading;
use crate::{Engine, Error, Find, find};

/// Documents per page.
const PAGE_DOCUMENTS: usize = 256;

/// Bytes per page, about.
const PAGE_BYTES: usize = 4 << 20;

/// How a pipeline is run.
#[derive(Clone, Debug)]
pub struct Aggregation {
    /// What `$$NOW` says, in milliseconds since 1970.
    pub now_ms: i64,
    /// What `$sample` and `$rand` begin with; the same seed gives the same answers.
    pub seed: u64,
    /// Bytes that the stages may hold in memory together.
    pub memory_bytes: usize,
    /// Most documents to return; the rest is not even computed.
    pub limit: Option<u64>,
    /// What may be read of a collection, whatever the pipeline asks: and-ed to every read of it,
    /// those of `$lookup` and its like included. Collections without an entry are read whole.
    pub narrowed: BTreeMap<String, Filter>,
}

impl Aggregation {
    /// The usual limits, and a seed by chance.
    pub fn new(now_ms: i64) -> Aggregation {
        Aggregation {
            now_ms,
            seed: rand::random(),
            memory_bytes: Limits::default().memory_bytes,
            limit: None,
            narrowed: BTreeMap::new(),
        }
    }
}

/// Reads collections as of one moment.
pub(crate) trait Reader: Send {
    /// Where the reading of one request goes on.
    type Place: Send;

    /// Begins to read; a collection that does not exist is `None`.
    fn open(
        &mut self,
        find: Find,
    ) -> impl Future<Output = Result<Option<Self::Place>, Error>> + Send;

    /// The next page, and whether it is the last one.
    fn next(
        &mut self,
        place: &mut Self::Place,
    ) -> impl Future<Output = Result<(Vec<Bytes>, bool), Error>> + Send;
}

impl Engine {
    /// Runs a pipeline over a collection and returns its results (BSON). All collections are read
    /// as of one commit. One that the pipeline looks up and that does not exist counts as empty.
    ///
    /// # Errors
    ///
    /// [`Error::CollectionMissing`] for `collection`, [`Error::Query`] with the stage's place in
    /// the pipeline, among others when more than [`Aggregation::memory_bytes`] would be held,
    /// [`Error::DocumentTooLarge`] for a result beyond 16 MiB, or what the store reports.
    pub async fn aggregate(
        &self,
        collection: &str,
        pipeline: &Pipeline,
        aggregation: &Aggregation,
    ) -> Result<Vec<Bytes>, Error> {
        let (snapshot, _) = self.inner.snapshot_of(collection).await?;
        let mut reader = SnapshotReader { engine: self, snapshot };
        drive(&mut reader, collection, pipeline, aggregation).await
    }
}

/// Runs a pipeline over what a reader reads.
pub(crate) async fn drive<R: Reader>(
    reader: &mut R,
    collection: &str,
    pipeline: &Pipeline,
    aggregation: &Aggregation,
) -> Result<Vec<Bytes>, Error> {
    let surroundings = Surroundings::new(aggregation.now_ms, aggregation.seed);
    let limits = Limits { memory_bytes: aggregation.memory_bytes };
    let mut run = Run::new(pipeline, surroundings, &limits);
    let wanted = aggregation.limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let wanted = wanted.unwrap_or(usize::MAX);
    let mut places: HashMap<u64, R::Place> = HashMap::new();
    let mut results = Vec::new();
    while results.len() < wanted {
        match run.step()? {
            Step::Turn => tokio::task::yield_now().await,
            Step::Read(read) => {
                let mut place = match places.remove(&read.id) {
                    Some(place) => Some(place),
                    None => reader.open(find_of(&read.request, collection, aggregation)).await?,
                };
                let (page, ended) = match &mut place {
                    Some(place) => reader.next(place).await?,
                    None => (Vec::new(), true),
                };
                if let (Some(place), false) = (place, ended) {
                    places.insert(read.id, place);
                }
                run.supply(page, ended)?;
            }
            Step::Done => {
                results.append(&mut run.take()?);
                break;
            }
        }
        results.append(&mut run.take()?);
    }
    results.truncate(wanted);
    Ok(results)
}

/// A request of a pipeline, narrowed to what may be read.
fn find_of(request: &Arc<Request>, collection: &str, aggregation: &Aggregation) -> Find {
    let collection = request.collection.as_deref().unwrap_or(collection);
    let mut filter = request.filter.clone();
    if let Some(narrow) = aggregation.narrowed.get(collection) {
        filter = filter.and(narrow.clone());
    }
    Find {
        collection: collection.to_owned(),
        filter,
        sort: request.sort.clone(),
        projection: Projection::none(),
        skip: request.skip,
        limit: request.limit,
    }
}

/// Reads what is committed.
struct SnapshotReader<'e> {
    engine: &'e Engine,
    snapshot: Snapshot,
}

/// Where a read of the snapshot goes on.
struct SnapshotPlace {
    reading: Reading,
    find: Find,
    /// Set by the first page; how it finds the documents is the planner's choice.
    walk: Option<Walk<Arc<Filter>>>,
}

impl Reader for SnapshotReader<'_> {
    type Place = SnapshotPlace;

    async fn open(&mut self, find: Find) -> Result<Option<SnapshotPlace>, Error> {
        let catalogue = &self.engine.inner.catalogue;
        let Some(collection) = catalogue.get(&find.collection) else { return Ok(None) };
        let indexes = catalogue.indexes().of(collection.number);
        let reading = Reading::new(self.snapshot.clone(), collection, &indexes);
        Ok(Some(SnapshotPlace { reading, find, walk: None }))
    }

    async fn next(&mut self, place: &mut SnapshotPlace) -> Result<(Vec<Bytes>, bool), Error> {
        let SnapshotPlace { reading, find, walk } = place;
        if find.limit.is_some() {
            return Ok((find::find(reading, find).await?, true));
        }
        let walk = match walk {
            Some(walk) => walk,
            None => walk.insert(reading.walk(Arc::new(find.filter.clone()), None).await?),
        };
        let (mut page, mut bytes) = (Vec::new(), 0);
        while page.len() < PAGE_DOCUMENTS && bytes < PAGE_BYTES {
            let Some(batch) = walk.next().await? else { return Ok((page, true)) };
            bytes += batch.iter().map(|(_, document)| document.len()).sum::<usize>();
            page.extend(batch.into_iter().map(|(_, document)| document));
        }
        Ok((page, false))
    }
}
