//! Carrying operations out: one operation becomes one call of the engine, and its answer what is
//! known for certain.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result as Anyhow};
use bytes::Bytes;
use engine::{
    Change, Clock, Engine, Error, Filter, Find, IndexKind, IndexSpec, Modify, Options, Projection,
    Remove, Sort, Update,
};
use store::Store;
use value::{Document, RawDoc, Value};

use crate::dice::Dice;
use crate::history::{Answer, Asked, History, Sight};
use crate::workload::{self, INDEXES, LISTS, Number, Operation, Step, THINGS};

/// Opens the database and sees to it that the collections and the first lists are there.
///
/// # Errors
///
/// What the engine reports.
pub async fn open(store: &Store) -> Result<Engine, Error> {
    let options = Options { committer_on_runtime: true, ..Options::default() };
    let engine = Engine::open_with(store.clone(), Clock::fixed(1_700_000_000_000), options).await?;
    engine.ensure_collection(LISTS).await?;
    engine.ensure_collection(THINGS).await?;
    match engine.insert(LISTS, workload::first_lists()).await {
        Ok(_) | Err(Error::DuplicateKey { .. }) => Ok(engine),
        Err(error) => Err(error),
    }
}

/// Several clients that work at the same time.
#[derive(Clone, Debug)]
pub struct Clients {
    /// The nodes they work on, each on one of them; one database.
    pub nodes: Vec<Engine>,
    /// Where they note what they do.
    pub history: History,
    /// What they do.
    pub seed: u64,
}

impl Clients {
    /// Lets up to `clients` of them carry out up to `operations` each; returns the first error
    /// that one of them met, which ends that one's work.
    ///
    /// # Errors
    ///
    /// A client that panics.
    pub async fn work(
        &self,
        dice: &mut Dice,
        clients: u64,
        operations: u64,
    ) -> Anyhow<Option<String>> {
        let complaint = Arc::new(Mutex::new(None));
        let mut working = tokio::task::JoinSet::new();
        for client in 0..=dice.below(clients) {
            let node = client as usize % self.nodes.len();
            let (this, complaint) = (self.clone(), Arc::clone(&complaint));
            let (operations, pauses) = (dice.below(operations), dice.throw());
            working.spawn(async move {
                if let Err(error) = this.one(node, operations, Dice::new(pauses, 0)).await {
                    let mut complaint = complaint.lock().unwrap_or_else(PoisonError::into_inner);
                    complaint.get_or_insert(error);
                }
            });
        }
        while let Some(ended) = working.join_next().await {
            ended.context("a client panicked")?;
        }
        let complaint = complaint.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(complaint)
    }

    /// One client.
    async fn one(&self, node: usize, operations: u64, mut pauses: Dice) -> Result<(), String> {
        for _ in 0..operations {
            for _ in 0..pauses.below(4) {
                tokio::task::yield_now().await;
            }
            let number = self.history.begin();
            match perform(&self.nodes[node], self.seed, number).await {
                Ok(answer) => self.history.end(number, answer),
                Err(error) => {
                    self.history.end(number, Answer::Unknown);
                    return Err(format!("operation {number} failed: {error}"));
                }
            }
        }
        Ok(())
    }
}

/// Carries an operation out. An error means that nobody knows what became of it.
///
/// # Errors
///
/// What the engine reports, unless it is one of those that refuse an operation for good.
pub async fn perform(engine: &Engine, seed: u64, number: Number) -> Result<Answer, Error> {
    let done = match Operation::of(seed, number) {
        Operation::Append { list } => append(engine, one("_id", list), number, false).await,
        Operation::AppendIf { list, entries } => {
            let filter =
                Document::from_iter([("_id", Value::String(list)), ("n", Value::Int32(entries))]);
            append(engine, filter, number, false).await
        }
        Operation::AppendGroup { group } => append(engine, one("group", group), number, true).await,
        Operation::Upsert { list } => upsert(engine, &list, number).await,
        Operation::Insert { count } => {
            let things = workload::things(seed, number, count);
            engine.insert(THINGS, things).await.map(|ids| ids.len() as u64)
        }
        Operation::RemoveOne { from } => {
            remove(engine, one("_id", workload::thing_id(from, 0)), false).await
        }
        Operation::RemoveAll { from } => remove(engine, one("insert", i64::from(from)), true).await,
        Operation::Read => {
            let seen = all(engine, LISTS).await?.iter().map(list_of).collect();
            return Ok(Answer::Seen(Sight::Lists { asked: Asked::All, seen }));
        }
        Operation::CreateIndex(index) => {
            let (collection, paths, unique) = INDEXES[index];
            let key = |path: &&str| match path.strip_prefix('-') {
                Some(path) => (path.to_owned(), IndexKind::Descending),
                None => ((*path).to_owned(), IndexKind::Ascending),
            };
            let keys = paths.iter().map(key).collect();
            let name = index_name(index);
            let spec = IndexSpec { name, keys, unique, expire_after_seconds: None };
            engine.create_index(collection, spec).await.map(|_| 0)
        }
        Operation::DropIndex(index) => {
            let (collection, ..) = INDEXES[index];
            engine.drop_index(collection, &index_name(index)).await.map(|()| 0)
        }
        Operation::Transact { steps, commits } => {
            return match transact(engine, seed, number, &steps, commits).await {
                Err(Error::Conflict | Error::DuplicateKey { .. }) => Ok(Answer::Refused),
                transacted => transacted,
            };
        }
    };
    match done {
        Ok(done) => Ok(Answer::Done(done)),
        Err(Error::DuplicateKey { .. } | Error::IndexMissing { .. }) => Ok(Answer::Refused),
        Err(error) => Err(error),
    }
}

fn index_name(index: usize) -> String {
    format!("index {index}")
}

fn one(name: &str, value: impl Into<Value>) -> Document {
    Document::from_iter([(name.to_owned(), value.into())])
}

fn filter(document: &Document) -> Result<Filter, Error> {
    Ok(Filter::parse(document)?)
}

/// `{"$push": {"log": number}, "$inc": {"n": 1}}`
fn appended(number: Number) -> Document {
    Document::from_iter([("$push", one("log", i64::from(number))), ("$inc", one("n", 1))])
}

fn appending(which: &Document, number: Number, multi: bool) -> Result<Modify, Error> {
    let change = Change::Operators(Update::parse(&appended(number))?);
    let (collection, filter) = (LISTS.to_owned(), filter(which)?);
    Ok(Modify { collection, filter, change, multi, upsert: false })
}

async fn append(
    engine: &Engine,
    which: Document,
    number: Number,
    multi: bool,
) -> Result<u64, Error> {
    Ok(engine.modify(appending(&which, number, multi)?).await?.modified)
}

/// Runs a transaction; with other tasks between its steps.
async fn transact(
    engine: &Engine,
    seed: u64,
    number: Number,
    steps: &[Step],
    commits: bool,
) -> Result<Answer, Error> {
    let transaction = engine.begin().await?;
    let (mut sights, mut inserted) = (Vec::new(), 0);
    for step in steps {
        let asked = match step {
            Step::ReadList(list) => Some(Asked::One(list.clone())),
            Step::ReadGroup(group) => Some(Asked::Group(*group)),
            _ => None,
        };
        if let Some(asked) = asked {
            let found = transaction.find(find(LISTS, &asked_filter(&asked))?).await?;
            let mut seen: Vec<_> = documents(&found)?.iter().map(list_of).collect();
            // What it wrote itself is no news.
            seen.iter_mut().for_each(|(_, log)| log.retain(|entry| *entry != number));
            sights.push(Sight::Lists { asked, seen });
        }
        match step {
            Step::ReadList(_) | Step::ReadGroup(_) => {}
            Step::ReadThings(group) => {
                let found = transaction.find(find(THINGS, &one("group", *group))?).await?;
                let ids = documents(&found)?;
                let ids = ids.iter().filter_map(|thing| thing.get("_id")?.as_str());
                let seen = ids.filter_map(workload::parse_thing_id);
                let seen = seen.filter(|(insert, _)| *insert != number).collect();
                sights.push(Sight::Things { group: *group, seen });
            }
            Step::Append(list) => {
                let modify = appending(&one("_id", list.as_str()), number, false)?;
                transaction.modify(modify).await?;
            }
            Step::Insert => {
                let things = workload::things(seed, number, inserted + 1);
                transaction
                    .insert(THINGS, things.into_iter().skip(inserted as usize).collect())
                    .await?;
                inserted += 1;
            }
        }
        tokio::task::yield_now().await;
    }
    if commits {
        transaction.commit().await?;
    } else {
        transaction.rollback();
    }
    Ok(Answer::Transacted(sights, commits))
}

fn asked_filter(asked: &Asked) -> Document {
    match asked {
        Asked::All => Document::new(),
        Asked::Group(group) => one("group", *group),
        Asked::One(list) => one("_id", list.as_str()),
    }
}

async fn upsert(engine: &Engine, list: &str, number: Number) -> Result<u64, Error> {
    let mut update = appended(number);
    update.insert("$setOnInsert", one("group", workload::group_of_made(list)));
    let change = Change::Operators(Update::parse(&update)?);
    let (collection, filter) = (LISTS.to_owned(), filter(&one("_id", list))?);
    let modify = Modify { collection, filter, change, multi: false, upsert: true };
    let done = engine.modify(modify).await?;
    Ok(done.modified + u64::from(done.upserted_id.is_some()))
}

async fn remove(engine: &Engine, which: Document, multi: bool) -> Result<u64, Error> {
    let (collection, filter) = (THINGS.to_owned(), filter(&which)?);
    engine.remove(Remove { collection, filter, multi }).await
}

fn find(collection: &str, which: &Document) -> Result<Find, Error> {
    Ok(Find {
        collection: collection.to_owned(),
        filter: filter(which)?,
        sort: Sort::parse(&Document::new())?,
        projection: Projection::parse(&Document::new())?,
        skip: 0,
        limit: None,
    })
}

fn documents(found: &[Bytes]) -> Result<Vec<Document>, Error> {
    found.iter().map(|bytes| Ok(RawDoc::new(bytes)?.to_document()?)).collect()
}

/// The documents for which a path equals a value, or has an element that does; each `_id`.
///
/// # Errors
///
/// What the engine reports.
pub async fn found(
    engine: &Engine,
    collection: &str,
    path: &str,
    value: Value,
) -> Result<Vec<Document>, Error> {
    documents(&engine.find(find(collection, &one(path, value))?).await?)
}

/// A collection as of one moment.
///
/// # Errors
///
/// What the engine reports.
pub async fn all(engine: &Engine, collection: &str) -> Result<Vec<Document>, Error> {
    documents(&engine.find(find(collection, &Document::new())?).await?)
}

/// `_id` and log of a list.
pub fn list_of(list: &Document) -> (String, Vec<Number>) {
    let id = list.get("_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let log = list.get("log").and_then(Value::as_array).unwrap_or_default();
    let number = |entry: &Value| entry.as_i64().and_then(|entry| Number::try_from(entry).ok());
    (id, log.iter().map(|entry| number(entry).unwrap_or(0)).collect())
}
