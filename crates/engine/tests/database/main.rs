//! The database as its callers see it, over every adapter of the store.
//!
//! - `reading`: find, count, get
//! - `writing`: insert, modify, remove, one caller at a time
//! - `concurrency`: many callers at once
//! - `collections`: creating, dropping, naming
//! - `aggregation`: pipelines, over several collections
//! - `changes`: the change log
//! - `transactions`: own writes, conflicts, limits
//! - `durability`: closing, dropping, killing, disk full
//! - `shared`: several engines on one store
//! - `nodes`: several processes on one environment

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

/// Runs bodies against a fresh store of each adapter.
macro_rules! on_every_store {
    ($($name:ident;)*) => {
        mod memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(store::Store::memory()).await; })*
        }
        mod fjall {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let directory = tempfile::tempdir().unwrap();
                let options = store::FjallOptions::default();
                let store = store::Store::fjall(directory.path(), options).unwrap();
                super::$name(store).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let address = throwaway_postgres::fresh_address();
                let options = store::PostgresOptions::parse(&address).unwrap();
                super::$name(store::Store::postgres(options).await.unwrap()).await;
            })*
        }
    };
}

mod aggregation;
mod changes;
mod collections;
mod concurrency;
mod durability;
mod nodes;
mod reading;
mod shared;
mod transactions;
mod writing;

use engine::{Change, Clock, Engine, Error, Find, Modify, Remove};
use query::{Filter, Projection, Sort, Update};
use store::Store;
use value::{Document, Value};

/// Name of the collection most tests use.
const THINGS: &str = "things";

/// An engine with one empty collection.
async fn engine_with_things(store: Store) -> Engine {
    let engine = Engine::open(store, Clock::fixed(1_700_000_000_000)).await.unwrap();
    engine.create_collection(THINGS).await.unwrap();
    engine
}

/// A document written as extended JSON.
fn document(json: &str) -> Document {
    match value::ejson::parse(json, 0).unwrap() {
        Value::Document(document) => document,
        other => panic!("{other:?} is no document"),
    }
}

/// Documents written as extended JSON, in one array.
fn documents(json: &str) -> Vec<Document> {
    let Value::Array(elements) = value::ejson::parse(json, 0).unwrap() else {
        panic!("{json} is no array");
    };
    let document = |element| match element {
        Value::Document(document) => document,
        other => panic!("{other:?} is no document"),
    };
    elements.into_iter().map(document).collect()
}

fn filter(json: &str) -> Filter {
    Filter::parse(&document(json)).unwrap()
}

fn find(filter_json: &str) -> Find {
    Find {
        collection: THINGS.to_owned(),
        filter: filter(filter_json),
        sort: Sort::parse(&Document::new()).unwrap(),
        projection: Projection::parse(&Document::new()).unwrap(),
        skip: 0,
        limit: None,
    }
}

/// A change of the first document that matches, by operators.
fn update(filter_json: &str, update_json: &str) -> Modify {
    Modify {
        collection: THINGS.to_owned(),
        filter: filter(filter_json),
        change: Change::Operators(Update::parse(&document(update_json)).unwrap()),
        multi: false,
        upsert: false,
    }
}

/// A replacement of the first document that matches.
fn replace(filter_json: &str, replacement_json: &str) -> Modify {
    let change = Change::Replace(document(replacement_json));
    Modify { change, ..update(filter_json, "{\"$set\":{\"unused\":1}}") }
}

fn remove(filter_json: &str, multi: bool) -> Remove {
    Remove { collection: THINGS.to_owned(), filter: filter(filter_json), multi }
}

/// All documents of the collection in the order of `_id`, as plain JSON.
async fn contents(engine: &Engine) -> String {
    texts(&engine.find(find("{}")).await.unwrap())
}

fn texts(found: &[bytes::Bytes]) -> String {
    let plain = |bytes: &bytes::Bytes| {
        value::ejson::plain(&Document::from_bytes(bytes).unwrap()).to_string()
    };
    found.iter().map(plain).collect::<Vec<_>>().join(" ")
}

/// A number field of the document with this `_id`.
async fn number(engine: &Engine, id: &str, field: &str) -> i64 {
    let found = engine.get(THINGS, &Value::String(id.to_owned())).await.unwrap();
    let found = Document::from_bytes(&found.expect("the document exists")).unwrap();
    match found.get(field) {
        Some(Value::Int32(number)) => i64::from(*number),
        Some(Value::Int64(number)) => *number,
        other => panic!("{field} is {other:?}"),
    }
}

/// The variant of an error, for tables.
fn kind(error: &Error) -> &'static str {
    match error {
        Error::CollectionMissing { .. } => "CollectionMissing",
        Error::CollectionExists { .. } => "CollectionExists",
        Error::CollectionNameRefused { .. } => "CollectionNameRefused",
        Error::DuplicateKey { .. } => "DuplicateKey",
        Error::IdRefused { .. } => "IdRefused",
        Error::DocumentTooLarge { .. } => "DocumentTooLarge",
        Error::WriteTooLarge { .. } => "WriteTooLarge",
        Error::ChangesTooOld { .. } => "ChangesTooOld",
        Error::Conflict => "Conflict",
        Error::TransactionExpired { .. } => "TransactionExpired",
        Error::TransactionTooLarge { .. } => "TransactionTooLarge",
        Error::Query(_) => "Query",
        Error::Store(_) => "Store",
        Error::Closed => "Closed",
        _ => "other",
    }
}
