//! Indexes as callers see them, over the embedded stores.
//!
//! - `laws`: with indexes every query answers what it answers without them
//! - `plans`: which index is used, told by explain
//! - `creating`: creating, dropping, uniqueness, refusals
//! - `building`: filling while writes go on, and across restarts
//! - `calls`: how often a query calls the store
//! - `expiry`: documents that expire
//! - `places`: what is found through cells

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod building;
mod calls;
mod creating;
mod expiry;
mod laws;
mod places;
mod plans;

use engine::{Change, Clock, Engine, Find, IndexSpec, Modify, Remove};
use query::{Filter, Projection, Sort, Update};
use store::Store;
use value::{Document, Value};

const NOW_MS: i64 = 1_700_000_000_000;

/// Name of the collection most tests use.
const THINGS: &str = "things";

async fn engine_with_things(store: Store) -> Engine {
    let engine = Engine::open(store, Clock::fixed(NOW_MS)).await.unwrap();
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

fn documents(json: &str) -> Vec<Document> {
    match value::ejson::parse(json, 0).unwrap() {
        Value::Array(all) => all
            .into_iter()
            .map(|one| match one {
                Value::Document(document) => document,
                other => panic!("{other:?} is no document"),
            })
            .collect(),
        other => panic!("{other:?} is no list"),
    }
}

fn filter(json: &str) -> Filter {
    Filter::parse(&document(json)).unwrap()
}

/// Keys as in `{"a":1,"b":-1}`, and nothing else.
fn index(keys: &str) -> IndexSpec {
    IndexSpec {
        name: String::new(),
        keys: IndexSpec::parse_keys(&document(keys)).unwrap(),
        unique: false,
        expire_after_seconds: None,
    }
}

fn unique(keys: &str) -> IndexSpec {
    IndexSpec { unique: true, ..index(keys) }
}

/// Everything that matches, sorted.
fn find(filter_json: &str, sort: &str) -> Find {
    Find {
        collection: THINGS.to_owned(),
        filter: filter(filter_json),
        sort: Sort::parse(&document(sort)).unwrap(),
        projection: Projection::parse(&Document::new()).unwrap(),
        skip: 0,
        limit: None,
    }
}

fn update(filter_json: &str, update: &str, multi: bool) -> Modify {
    Modify {
        collection: THINGS.to_owned(),
        filter: filter(filter_json),
        change: Change::Operators(Update::parse(&document(update)).unwrap()),
        multi,
        upsert: false,
    }
}

fn removal(filter_json: &str) -> Remove {
    Remove { collection: THINGS.to_owned(), filter: filter(filter_json), multi: true }
}

/// `_id`s of what a find returns.
async fn ids(engine: &Engine, find: Find) -> Vec<String> {
    let found = engine.find(find).await.unwrap();
    let id = |bytes: &bytes::Bytes| {
        let document = Document::from_bytes(bytes).unwrap();
        value::ejson::canonical_value(document.get("_id").unwrap())
    };
    found.iter().map(|bytes| id(bytes).trim_matches('"').to_owned()).collect()
}
