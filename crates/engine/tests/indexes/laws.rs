//! With indexes every query answers what it answers without them: random documents, indexes,
//! changes, filters and sorts. A failure names its seed.

use std::collections::BTreeSet;

use bytes::Bytes;
use engine::{Engine, Error, Find, IndexSpec};
use query::{Filter, Sort};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use store::Store;
use value::{Document, RawDoc, Value};

use crate::{index, update};

const SEEDS: u64 = 60;
const DOCUMENTS: usize = 60;
const QUERIES: usize = 60;

/// Collections that hold the same documents.
const PLAIN: &str = "plain";
const INDEXED: &str = "things";

#[tokio::test]
async fn results_are_the_same_with_and_without_indexes() {
    let mut used = 0;
    for seed in 0..SEEDS {
        used += world(seed, Store::memory()).await;
    }
    // Otherwise this says nothing.
    assert!(used > SEEDS as usize * QUERIES / 4, "indexes were used {used} times");
}

#[tokio::test]
async fn results_are_the_same_with_and_without_indexes_on_postgres() {
    for seed in 0..3 {
        let address = throwaway_postgres::fresh_address();
        let options = store::PostgresOptions::parse(&address).unwrap();
        world(seed, Store::postgres(options).await.unwrap()).await;
    }
}

/// Returns how many queries used an index.
async fn world(seed: u64, store: Store) -> usize {
    let mut chance = Chance(StdRng::seed_from_u64(seed));
    let engine = crate::engine_with_things(store).await;
    engine.create_collection(PLAIN).await.unwrap();
    for half in 0..2 {
        for id in 0..DOCUMENTS / 2 {
            let mut document = chance.document();
            document.insert_first("_id", format!("{half}{id:03}"));
            // One with arrays at two places of a compound index is refused there, so not kept.
            if engine.insert(INDEXED, vec![document.clone()]).await.is_ok() {
                engine.insert(PLAIN, vec![document]).await.unwrap();
            }
        }
        for _ in 0..2 {
            match engine.create_index(INDEXED, chance.index()).await {
                Ok(_) | Err(Error::ParallelArrays { .. } | Error::IndexExists { .. }) => {}
                Err(error) => panic!("seed {seed}: {error}"),
            }
        }
    }
    for _ in 0..20 {
        change(&engine, &mut chance).await;
    }
    assert_eq!(engine.check_indexes(INDEXED).await.unwrap(), [""; 0], "seed {seed}");
    let mut used = 0;
    for _ in 0..QUERIES {
        let (filter, sort) = (chance.filter(2), chance.sort());
        used += usize::from(compare(&engine, seed, &filter, &sort, &mut chance).await);
    }
    used
}

/// The same change of one document in both collections.
async fn change(engine: &Engine, chance: &mut Chance) {
    let id = format!("{}{:03}", chance.below(2), chance.below(DOCUMENTS / 2));
    let by_id = format!(r#"{{"_id":"{id}"}}"#);
    if chance.below(4) == 0 {
        for collection in [INDEXED, PLAIN] {
            let removal =
                engine::Remove { collection: collection.to_owned(), ..crate::removal(&by_id) };
            engine.remove(removal).await.unwrap();
        }
        return;
    }
    let mut set = Document::new();
    set.insert(chance.path(), chance.value(1));
    let mut operators = Document::new();
    operators.insert("$set", set);
    let change = update(&by_id, &value::ejson::canonical(&operators), false);
    // What an index refuses, or the paths of the document, changes nothing in either.
    if engine.modify(change.clone()).await.is_ok() {
        let plain = engine::Modify { collection: PLAIN.to_owned(), ..change };
        engine.modify(plain).await.unwrap();
    }
}

async fn compare(
    engine: &Engine,
    seed: u64,
    filter: &Document,
    sort: &Document,
    chance: &mut Chance,
) -> bool {
    let place = || {
        let canonical = value::ejson::canonical;
        format!("seed {seed}, filter {}, sort {}", canonical(filter), canonical(sort))
    };
    let parsed = Filter::parse(filter).unwrap_or_else(|error| panic!("{}: {error}", place()));
    let find = Find {
        filter: parsed.clone(),
        sort: Sort::parse(sort).unwrap(),
        ..crate::find("{}", "{}")
    };
    let plain = Find { collection: PLAIN.to_owned(), ..find.clone() };
    let expected = engine.find(plain).await.unwrap();
    let found = engine.find(find.clone()).await.unwrap();
    assert_eq!(set(&found), set(&expected), "{}", place());
    assert_eq!(found.len(), expected.len(), "{}", place());
    assert_eq!(keys(&find.sort, &found), keys(&find.sort, &expected), "{}", place());
    let count = engine.count(INDEXED, &parsed).await.unwrap();
    assert_eq!(count, expected.len() as u64, "count, {}", place());
    let (skip, limit) = (chance.below(5), chance.below(12));
    let cut = Find { skip: skip as u64, limit: Some(limit as u64), ..find };
    let page = engine.find(cut.clone()).await.unwrap();
    let slice = &expected[skip.min(expected.len())..(skip + limit).min(expected.len())];
    assert_eq!(page.len(), slice.len(), "skip {skip} limit {limit}, {}", place());
    assert!(set(&page).is_subset(&set(&expected)), "{}", place());
    assert_eq!(keys(&cut.sort, &page), keys(&cut.sort, slice), "{}", place());
    let explanation = engine.explain(&cut).await.unwrap();
    explanation.used.iter().any(|used| used.index != "_id_")
}

fn set(documents: &[Bytes]) -> BTreeSet<Bytes> {
    documents.iter().cloned().collect()
}

fn keys(sort: &Sort, documents: &[Bytes]) -> Vec<query::SortKey> {
    documents.iter().map(|bytes| sort.key(&RawDoc::new(bytes).unwrap())).collect()
}

fn regex(pattern: &str) -> Value {
    Value::Regex { pattern: pattern.to_owned(), options: String::new() }
}

/// Random things of a small world, so that they meet.
struct Chance(StdRng);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0.random_range(0..most)
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    fn path(&mut self) -> &'static str {
        self.pick(&["a", "b", "c", "d.e", "d.f", "a.0", "d", "d.e.g"])
    }

    fn document(&mut self) -> Document {
        let mut document = Document::new();
        for name in ["a", "b", "c", "d"] {
            if self.below(5) > 0 {
                document.insert(name, self.value(2));
            }
        }
        document
    }

    fn value(&mut self, depth: usize) -> Value {
        let kinds = if depth == 0 { 7 } else { 11 };
        match self.below(kinds) {
            0 | 1 => Value::Int32(self.0.random_range(-2..6)),
            2 => Value::Double(self.below(8) as f64 / 2.0),
            3 => Value::from(self.pick(&["", "a", "ab", "abc", "b", "\u{0}x"])),
            4 => Value::Null,
            5 => Value::Bool(self.below(2) == 0),
            6 => match self.below(30) {
                0 => Value::from("long".repeat(300)),
                1 => Value::Double(f64::NAN),
                2 => Value::MinKey,
                3 => Value::Date(self.below(3) as i64),
                4 => Value::Int64(i64::MAX),
                _ => Value::Int64(self.below(4) as i64),
            },
            7 | 8 => {
                let length = self.below(4);
                Value::Array((0..length).map(|_| self.value(depth - 1)).collect())
            }
            _ => {
                let mut inner = Document::new();
                for name in ["e", "f"] {
                    if self.below(3) > 0 {
                        inner.insert(name, self.value(depth - 1));
                    }
                }
                Value::Document(inner)
            }
        }
    }

    fn index(&mut self) -> IndexSpec {
        let mut keys = Document::new();
        for _ in 0..=self.below(3) {
            keys.insert(self.path(), if self.below(3) == 0 { -1 } else { 1 });
        }
        index(&value::ejson::canonical(&keys))
    }

    fn sort(&mut self) -> Document {
        let mut sort = Document::new();
        for _ in 0..self.below(3) {
            let path = if self.below(8) == 0 { "_id" } else { self.path() };
            sort.insert(path, if self.below(2) == 0 { -1 } else { 1 });
        }
        sort
    }

    fn filter(&mut self, depth: usize) -> Document {
        let mut filter = Document::new();
        for _ in 0..=self.below(3) {
            let path = if self.below(12) == 0 { "_id" } else { self.path() };
            filter.insert(path, self.condition());
        }
        if depth > 0 && self.below(4) == 0 {
            let name = self.pick(&["$or", "$or", "$and", "$nor"]);
            let branches = (0..=self.below(3)).map(|_| self.filter(depth - 1)).collect();
            let branches: Vec<Document> = branches;
            filter.insert(name, branches);
        }
        filter
    }

    fn condition(&mut self) -> Value {
        let mut operators = Document::new();
        match self.below(12) {
            0..=3 => return self.value(1),
            4 => {
                let values: Vec<Value> = (0..self.below(4)).map(|_| self.value(1)).collect();
                operators.insert("$in", Value::Array(values));
            }
            5 => {
                operators.insert("$exists", self.below(2) == 0);
            }
            6 => return regex("^ab?"),
            7 => return regex("^a"),
            8 => {
                let mut inner = Document::new();
                inner.insert(self.pick(&["$gt", "$lt", "$gte", "e", "f"]), self.value(0));
                if inner.first().is_some_and(|(name, _)| name.starts_with('$')) {
                    inner.insert("$lte", self.value(0));
                }
                operators.insert("$elemMatch", inner);
            }
            9 => {
                operators.insert(self.pick(&["$ne", "$eq"]), self.value(1));
            }
            _ => {
                operators.insert(self.pick(&["$gt", "$gte"]), self.value(1));
                operators.insert(self.pick(&["$lt", "$lte"]), self.value(1));
            }
        }
        operators.into()
    }
}
