//! Looking at everything a database holds while nobody else is there: what the clients know, what
//! is counted, what indexes say, and what the change log tells must be one and the same.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use engine::{ChangeKind, ChangeRecord, Engine, Filter, Position};
use store::Store;
use value::{Document, Value, key};

use crate::client;
use crate::history::Event;
use crate::verify::{self, Contents};
use crate::workload::{LISTS, THINGS};

/// Records asked for at once; few, so that pages end within commits.
const PAGE: usize = 7;

/// Opens the database, compares it with the history and with itself, and closes it.
///
/// # Errors
///
/// What contradicts the promises of the engine.
pub async fn everything(store: &Store, seed: u64, events: &[Event]) -> Result<Contents> {
    let engine = client::open(store).await.context("the engine does not open")?;
    let lists = client::all(&engine, LISTS).await?;
    let contents = Contents { lists, things: client::all(&engine, THINGS).await? };
    for (name, found) in [(LISTS, &contents.lists), (THINGS, &contents.things)] {
        let count = engine.count(name, &Filter::all()).await?;
        ensure!(count == found.len() as u64, "{name} counts {count}, has {}", found.len());
    }
    let broken = verify::contradictions(seed, events, &contents);
    ensure!(broken.is_empty(), "{}", broken.join("\n"));
    for (name, all) in [(LISTS, &contents.lists), (THINGS, &contents.things)] {
        let differences = engine.check_indexes(name).await?;
        ensure!(differences.is_empty(), "{name}: {}", differences.join("\n"));
        questions(&engine, name, all).await?;
    }
    let replayed = replay(&engine).await.context("the change log")?;
    for (name, found) in [(LISTS, &contents.lists), (THINGS, &contents.things)] {
        let expected: Vec<Bytes> =
            found.iter().map(|document| document.to_bytes().into()).collect();
        let told = replayed.get(name).into_iter().flat_map(BTreeMap::values);
        ensure!(told.eq(&expected), "the change log tells of other {name} than there are");
    }
    engine.close().await?;
    Ok(contents)
}

/// Asks what indexes may answer, and compares with looking at every document.
async fn questions(engine: &Engine, name: &str, all: &[Document]) -> Result<()> {
    for (path, value) in ["group", "tags", "n", "log"]
        .iter()
        .flat_map(|path| (0..4).map(move |value| (*path, value)))
    {
        let value = Value::Int32(value);
        let equals = |found: &Value| match found {
            Value::Array(elements) => elements.iter().any(|element| value::equals(element, &value)),
            found => value::equals(found, &value),
        };
        let mut expected: Vec<&Document> =
            all.iter().filter(|document| document.get(path).is_some_and(equals)).collect();
        let found = client::found(engine, name, path, value.clone()).await?;
        let mut found: Vec<&Document> = found.iter().collect();
        let id = |document: &&Document| document.get("_id").map(key::encode);
        expected.sort_by_key(id);
        found.sort_by_key(id);
        ensure!(found == expected, "{name} with {path} = {value:?}: {found:?}, not {expected:?}");
    }
    Ok(())
}

/// Collection → key of `_id` → document.
pub(crate) type Told = BTreeMap<String, BTreeMap<Vec<u8>, Bytes>>;

/// What is there according to the change log, followed from its beginning.
pub(crate) async fn replay(engine: &Engine) -> Result<Told> {
    let mut told = Told::new();
    let mut position = Position::START;
    loop {
        let page = engine.changes(position, PAGE).await?;
        for record in &page.records {
            ensure!(record.position > position, "{:?} comes twice", record.position);
            position = record.position;
            retell(&mut told, record).with_context(|| format!("{record:?}"))?;
        }
        if page.is_end {
            ensure!(position == engine.newest_change().await?, "it ends at {position:?}");
            return Ok(told);
        }
        ensure!(!page.records.is_empty(), "an empty page before the end");
    }
}

fn retell(told: &mut Told, record: &ChangeRecord) -> Result<()> {
    let ChangeRecord { collection, kind, id, before, after, .. } = record;
    match kind {
        ChangeKind::CreateCollection => {
            let old = told.insert(collection.clone(), BTreeMap::new());
            ensure!(old.is_none(), "it was there already");
            return Ok(());
        }
        ChangeKind::DropCollection => {
            told.remove(collection).context("it was not there")?;
            return Ok(());
        }
        _ => {}
    }
    let documents = told.get_mut(collection).context("its collection was not there")?;
    let id = key::encode(id);
    ensure!(documents.get(&id) == before.as_ref(), "the document before was another");
    match (kind, before, after) {
        (ChangeKind::Insert, None, Some(after))
        | (ChangeKind::Update | ChangeKind::Replace, Some(_), Some(after)) => {
            ensure!(before.as_ref() != Some(after), "nothing changed");
            documents.insert(id, after.clone());
        }
        (ChangeKind::Remove, Some(_), None) => {
            documents.remove(&id);
        }
        _ => bail!("its images do not fit what happened"),
    }
    Ok(())
}
