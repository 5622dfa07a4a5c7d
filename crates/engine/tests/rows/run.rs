//! Running one row: its documents are stored, its fields indexed, its operation carried out.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use engine::{Aggregation, Change, Engine, Error, Find, IndexKind, IndexSpec, Modify};
use query::{Filter, Pipeline, Projection, Sort, Update};
use serde_json::{Value as Json, json};
use value::{Document, RawDoc, Value, ejson};

use crate::row::{self, Row};

/// What is wrong, as a sentence.
type Wrong = String;

/// Most fields of a row that get an index.
const INDEXES_MAX: usize = 4;

/// How many finds were answered from an index of a field.
pub static FROM_INDEX: AtomicUsize = AtomicUsize::new(0);

/// Runs a row.
pub async fn run(engine: &Engine, row: &Row) -> Result<(), Wrong> {
    engine.create_collection(&row.collection).await.map_err(|error| error.to_string())?;
    let documents = row.documents();
    if !documents.is_empty() {
        let inserted = engine.insert(&row.collection, documents).await;
        inserted.map_err(|error| format!("not stored: {error}"))?;
    }
    if row.has("update") {
        update(engine, row).await
    } else if row.has("pipeline") || row.has("expression") {
        pipeline(engine, row).await
    } else if row.has("projection") {
        projection(engine, row).await
    } else if row.has("sort") {
        sort(engine, row).await
    } else if row.has("filter") {
        filter(engine, row).await
    } else {
        Err("a kind of row that the engine does not know".to_owned())
    }
}

async fn filter(engine: &Engine, row: &Row) -> Result<(), Wrong> {
    let condition = row.document("filter");
    let outcome = match Filter::parse(&condition) {
        Ok(filter) => {
            index(engine, row, &row::paths(&condition)).await?;
            note(engine, &find(row, filter.clone())).await?;
            let found = engine.find(find(row, filter.clone())).await;
            let counted = engine.count(&row.collection, &filter).await;
            found.and_then(|found| Ok((ids(&found), counted?))).map_err(|error| error.to_string())
        }
        Err(error) => Err(error.to_string()),
    };
    let Some((mut found, counted)) = expect(row, outcome)? else { return Ok(()) };
    let mut expected = expected_ids(row, "matches");
    // Without a sort there is no promise about the order.
    found.sort();
    expected.sort();
    if found != expected || counted != expected.len() as u64 {
        return Err(format!("found {found:?}, counted {counted}, expected {expected:?}"));
    }
    Ok(())
}

async fn sort(engine: &Engine, row: &Row) -> Result<(), Wrong> {
    let spec = row.document("sort");
    let outcome = match Sort::parse(&spec) {
        Ok(sort) => {
            index(engine, row, &row::paths(&spec)).await?;
            let find = Find { sort, ..find(row, Filter::all()) };
            note(engine, &find).await?;
            let found = engine.find(find).await;
            found.map_err(|error| error.to_string())
        }
        Err(error) => Err(error.to_string()),
    };
    let Some(found) = expect(row, outcome)? else { return Ok(()) };
    // Documents that are equal to the sort may come in any order.
    let sort = Sort::parse(&spec).map_err(|error| error.to_string())?;
    let documents = row.documents();
    let expected = expected_places(row, "order");
    let keys = expected.iter().map(|place| sort.key(&raw(&documents[*place].to_bytes())));
    let expected_keys: Vec<_> = keys.collect();
    let found_keys: Vec<_> = found.iter().map(|bytes| sort.key(&raw(bytes))).collect();
    if found_keys != expected_keys {
        return Err(format!("found {:?}, expected the places {expected:?}", ids(&found)));
    }
    Ok(())
}

async fn projection(engine: &Engine, row: &Row) -> Result<(), Wrong> {
    let outcome = match Projection::parse(&row.document("projection")) {
        Ok(projection) => {
            let condition = row.json.get("filter").map(row::document).unwrap_or_default();
            let filter = Filter::parse(&condition).map_err(|error| error.to_string())?;
            index(engine, row, &row::paths(&row.document("projection"))).await?;
            let found = engine.find(Find { projection, ..find(row, filter) }).await;
            found.map_err(|error| error.to_string())
        }
        Err(error) => Err(error.to_string()),
    };
    let Some(found) = expect(row, outcome)? else { return Ok(()) };
    compare(row, found.first(), &row.document("becomes"))
}

async fn update(engine: &Engine, row: &Row) -> Result<(), Wrong> {
    let change = row.document("update");
    index(engine, row, &row::paths(&change)).await?;
    let before = row.documents().remove(0);
    let is_insert = row.has("insert");
    let condition = if is_insert { seed(row) } else { condition(row, &before) };
    let modified = match parse_update(row, &change) {
        Ok(update) => {
            let modify = Modify {
                collection: row.collection.clone(),
                filter: Filter::parse(&condition).map_err(|error| error.to_string())?,
                change: Change::Operators(update),
                multi: false,
                upsert: is_insert,
            };
            engine.modify(modify).await.map_err(|error| error.to_string())
        }
        Err(error) => Err(error),
    };
    let becomes = match row.json.get("becomes") {
        Some(json) if json.is_object() => Some(row::document(json)),
        _ => None,
    };
    let id = condition.get("_id").unwrap_or(&Value::Null).clone();
    let stored = engine.get(&row.collection, &id).await.map_err(|error| error.to_string())?;
    let outcome = expect(row, modified)?;
    let same = row.json.get("document").map(row::document).unwrap_or_default();
    match outcome {
        None if is_insert => return Ok(()),
        None => compare(row, stored.as_ref(), &same)?,
        Some(modified) => {
            compare(row, stored.as_ref(), becomes.as_ref().unwrap_or(&same))?;
            let expected = u64::from(becomes.is_some());
            if !is_insert && modified.modified != expected {
                return Err(format!("modified {}", modified.modified));
            }
        }
    }
    sound(engine, row).await
}

fn parse_update(row: &Row, change: &Document) -> Result<Update, Wrong> {
    let filters = row.json.get("arrayFilters").and_then(|list| list.as_array());
    let filters: Vec<Document> = filters.into_iter().flatten().map(row::document).collect();
    Update::parse_at(change, &filters, 0).map_err(|error| error.to_string())
}

/// The condition of the row and the `_id`.
fn condition(row: &Row, before: &Document) -> Document {
    let mut condition = row.json.get("filter").map(row::document).unwrap_or_default();
    condition.insert("_id", before.get("_id").unwrap_or(&Value::Null).clone());
    condition
}

/// What an upsert asks for so that it makes the document of the row.
fn seed(row: &Row) -> Document {
    let mut seed = row.document("document");
    if !seed.contains_key("_id") {
        seed.insert("_id", Value::from("made"));
    }
    seed
}

/// Runs a row's stages, or its expression as the only field of the result.
async fn pipeline(engine: &Engine, row: &Row) -> Result<(), Wrong> {
    let stages = match row.json.get("expression") {
        Some(expression) => json!([{ "$replaceRoot": { "newRoot": { "value": expression } } }]),
        None => looked_up(engine, row).await?,
    };
    let stages: Vec<Document> = list(&stages);
    let outcome = match Pipeline::parse(&stages) {
        Ok(pipeline) => {
            let mut aggregation = Aggregation { seed: 1, ..Aggregation::new(row::NOW_MS) };
            if let Some(bytes) = row.json["memory_bytes"].as_u64() {
                aggregation.memory_bytes = usize::try_from(bytes).unwrap();
            }
            let found = engine.aggregate(&row.collection, &pipeline, &aggregation).await;
            found.map_err(|error| error.to_string())
        }
        Err(error) => Err(error.to_string()),
    };
    let Some(found) = expect(row, outcome)? else { return Ok(()) };
    let found = found.iter().map(|bytes| Document::from_bytes(bytes).unwrap()).collect();
    let expected = match (row.has("expression"), row.json.get("value")) {
        (true, Some(value)) => vec![row::document(&json!({ "value": value }))],
        (true, None) => vec![Document::new()],
        (false, _) => list(&row.json["gives"]),
    };
    let texts = |documents: Vec<Document>| {
        let mut texts: Vec<String> = documents.iter().map(ejson::canonical).collect();
        if row.has("any_order") {
            texts.sort();
        }
        texts
    };
    let (found, expected) = (texts(found), texts(expected));
    if found == expected { Ok(()) } else { Err(format!("gives {found:?}, expected {expected:?}")) }
}

fn list(json: &Json) -> Vec<Document> {
    json.as_array().into_iter().flatten().map(row::document).collect()
}

/// Stores the other collections of a row under names that no other row has, and answers the
/// stages with these names.
async fn looked_up(engine: &Engine, row: &Row) -> Result<Json, Wrong> {
    let mut stages = row.json["pipeline"].clone();
    for (name, documents) in row.json["collections"].as_object().into_iter().flatten() {
        let own = format!("{}_{name}", row.collection);
        rename(&mut stages, name, &own);
        engine.create_collection(&own).await.map_err(|error| error.to_string())?;
        let documents = list(documents);
        if !documents.is_empty() {
            engine.insert(&own, documents).await.map_err(|error| error.to_string())?;
        }
    }
    Ok(stages)
}

/// Gives a collection another name wherever stages name one.
fn rename(stages: &mut Json, name: &str, own: &str) {
    match stages {
        Json::Array(elements) => elements.iter_mut().for_each(|one| rename(one, name, own)),
        Json::Object(fields) => {
            for (field, value) in fields.iter_mut() {
                if ["from", "coll", "$unionWith"].contains(&field.as_str()) && value == name {
                    *value = json!(own);
                } else {
                    rename(value, name, own);
                }
            }
        }
        _ => {}
    }
}

/// Makes an index of each field and one of the first two together. What cannot be indexed is not.
async fn index(engine: &Engine, row: &Row, paths: &[String]) -> Result<(), Wrong> {
    let mut keys: Vec<Vec<String>> = paths.iter().map(|path| vec![path.clone()]).collect();
    keys.truncate(INDEXES_MAX);
    keys.extend(paths.chunks_exact(2).next().map(<[String]>::to_vec));
    for paths in keys {
        let keys = paths.into_iter().map(|path| (path, IndexKind::Ascending)).collect();
        let name = String::new();
        let spec = IndexSpec { name, keys, unique: false, expire_after_seconds: None };
        match engine.create_index(&row.collection, spec).await {
            Ok(_) | Err(Error::IndexRefused { .. } | Error::ParallelArrays { .. }) => {}
            Err(error) => return Err(format!("no index: {error}")),
        }
    }
    Ok(())
}

/// Counts a find that is answered from an index of a field.
async fn note(engine: &Engine, find: &Find) -> Result<(), Wrong> {
    if let Ok(explanation) = engine.explain(find).await
        && explanation.used.iter().any(|used| used.index != "_id_")
    {
        FROM_INDEX.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// Whether every index agrees with the documents.
async fn sound(engine: &Engine, row: &Row) -> Result<(), Wrong> {
    let wrong = engine.check_indexes(&row.collection).await.map_err(|error| error.to_string())?;
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

fn find(row: &Row, filter: Filter) -> Find {
    Find {
        collection: row.collection.clone(),
        filter,
        sort: Sort::parse(&Document::new()).unwrap(),
        projection: Projection::parse(&Document::new()).unwrap(),
        skip: 0,
        limit: None,
    }
}

/// The outcome when the row expects one; `None` when it expects the mistake that was made.
fn expect<T>(row: &Row, outcome: Result<T, String>) -> Result<Option<T>, Wrong> {
    match (outcome, row.json["error"].as_str()) {
        (Ok(outcome), None) => Ok(Some(outcome)),
        (Ok(_), Some(error)) => Err(format!("not refused with \"{error}\"")),
        (Err(message), Some(error)) if message.contains(error) => Ok(None),
        (Err(message), _) => Err(format!("refused: {message}")),
    }
}

/// Compares a document with the expected one, but for the `_id` that the row does not tell.
fn compare(row: &Row, found: Option<&Bytes>, expected: &Document) -> Result<(), Wrong> {
    let found = found.ok_or("no document")?;
    let mut found = Document::from_bytes(found).map_err(|error| error.to_string())?;
    if row.json["document"].get("_id").is_none() && !expected.contains_key("_id") {
        found.remove("_id");
    }
    let (found, expected) = (ejson::canonical(&found), ejson::canonical(expected));
    if found == expected { Ok(()) } else { Err(format!("is {found}, expected {expected}")) }
}

/// The `_id`s as text.
fn ids(found: &[Bytes]) -> Vec<String> {
    found.iter().map(|bytes| id_text(&Document::from_bytes(bytes).unwrap())).collect()
}

fn id_text(document: &Document) -> String {
    ejson::canonical_value(document.get("_id").unwrap_or(&Value::Null))
}

fn expected_places(row: &Row, part: &str) -> Vec<usize> {
    let places = row.json[part].as_array().unwrap().iter();
    places.map(|place| usize::try_from(place.as_u64().unwrap()).unwrap()).collect()
}

fn expected_ids(row: &Row, part: &str) -> Vec<String> {
    let documents = row.documents();
    expected_places(row, part).into_iter().map(|place| id_text(&documents[place])).collect()
}

fn raw(bytes: &[u8]) -> RawDoc<'_> {
    RawDoc::new(bytes).unwrap()
}
