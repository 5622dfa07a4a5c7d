//! Carrying operations out: one operation becomes one call of the engine, and its answer what is
//! known for certain.

use engine::{Change, Engine, Error, Filter, Find, Modify, Projection, Remove, Sort, Update};
use value::{Document, RawDoc, Value};

use crate::history::Answer;
use crate::workload::{self, LISTS, Number, Operation, THINGS};

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
