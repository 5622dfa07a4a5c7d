//! Carrying operations out: one operation becomes one call of the engine, and its answer what is
//! known for certain.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result as Anyhow};
use engine::{
    Change, Clock, Engine, Error, Filter, Find, Modify, Options, Projection, Remove, Sort, Update,
};
use store::Store;
use value::{Document, RawDoc, Value};

use crate::dice::Dice;
use crate::history::{Answer, History};
use crate::workload::{self, LISTS, Number, Operation, THINGS};

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
    /// Where they work.
    pub engine: Engine,
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
        for _ in 0..=dice.below(clients) {
            let (this, complaint) = (self.clone(), Arc::clone(&complaint));
            let (operations, pauses) = (dice.below(operations), dice.throw());
            working.spawn(async move {
                if let Err(error) = this.one(operations, Dice::new(pauses, 0)).await {
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
    async fn one(&self, operations: u64, mut pauses: Dice) -> Result<(), String> {
        for _ in 0..operations {
            for _ in 0..pauses.below(4) {
                tokio::task::yield_now().await;
            }
            let number = self.history.begin();
            match perform(&self.engine, self.seed, number).await {
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
        Operation::Read => return Ok(Answer::Seen(lists(engine).await?)),
    };
    match done {
        Ok(done) => Ok(Answer::Done(done)),
        Err(Error::DuplicateKey { .. }) => Ok(Answer::Refused),
        Err(error) => Err(error),
    }
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

async fn append(
    engine: &Engine,
    which: Document,
    number: Number,
    multi: bool,
) -> Result<u64, Error> {
    let change = Change::Operators(Update::parse(&appended(number))?);
    let collection = LISTS.to_owned();
    let filter = filter(&which)?;
    let done = engine.modify(Modify { collection, filter, change, multi, upsert: false }).await?;
    Ok(done.modified)
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

/// A collection as of one moment.
pub async fn all(engine: &Engine, collection: &str) -> Result<Vec<Document>, Error> {
    let find = Find {
        collection: collection.to_owned(),
        filter: Filter::all(),
        sort: Sort::parse(&Document::new())?,
        projection: Projection::parse(&Document::new())?,
        skip: 0,
        limit: None,
    };
    let found = engine.find(find).await?;
    found.iter().map(|bytes| Ok(RawDoc::new(bytes)?.to_document()?)).collect()
}

/// Every list and its log.
async fn lists(engine: &Engine) -> Result<Vec<(String, Vec<Number>)>, Error> {
    Ok(all(engine, LISTS).await?.iter().map(list_of).collect())
}

/// `_id` and log of a list.
pub fn list_of(list: &Document) -> (String, Vec<Number>) {
    let id = list.get("_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let log = list.get("log").and_then(Value::as_array).unwrap_or_default();
    let number = |entry: &Value| entry.as_i64().and_then(|entry| Number::try_from(entry).ok());
    (id, log.iter().map(|entry| number(entry).unwrap_or(0)).collect())
}
