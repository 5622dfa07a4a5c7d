//! Documents that expire by the engine's clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use engine::{ChangeKind, Clock, Engine, IndexSpec};
use store::Store;
use value::{Document, Value};

use crate::{NOW_MS, THINGS, filter, index};

fn dated(id: &str, at: Value) -> Document {
    let mut document = Document::new();
    document.insert("_id", id);
    document.insert("at", at);
    document
}

#[tokio::test]
async fn documents_expire_by_the_date_in_the_index() {
    let now = Arc::new(AtomicI64::new(NOW_MS));
    let of_clock = Arc::clone(&now);
    let clock = Clock::from_fn(move || of_clock.load(Ordering::Relaxed));
    let engine = Engine::open(Store::memory(), clock).await.unwrap();
    engine.create_collection(THINGS).await.unwrap();
    let spec = IndexSpec { expire_after_seconds: Some(60), ..index(r#"{"at":1}"#) };
    engine.create_index(THINGS, spec).await.unwrap();
    let date = |seconds: i64| Value::Date(NOW_MS + seconds * 1_000);
    let documents = vec![
        dated("old", date(-60)),
        dated("older", date(-1_000_000)),
        dated("young", date(-59)),
        dated("later", date(100)),
        dated("text", Value::from("2000-01-01")),
        dated("none", Value::Null),
        dated("list", Value::Array(vec![date(500), date(-70)])),
    ];
    engine.insert(THINGS, documents).await.unwrap();
    assert_eq!(engine.remove_expired().await.unwrap(), 3);
    let left = engine.count(THINGS, &filter("{}")).await.unwrap();
    assert_eq!(left, 4);
    now.fetch_add(10_000, Ordering::Relaxed);
    assert_eq!(engine.remove_expired().await.unwrap(), 1);
    assert_eq!(engine.remove_expired().await.unwrap(), 0);
    // The change log tells of each.
    let page = engine.changes(engine::Position::START, 100).await.unwrap();
    let removals = page.records.iter().filter(|record| record.kind == ChangeKind::Remove);
    let ids: Vec<&str> = removals.filter_map(|record| record.id.as_str()).collect();
    assert_eq!(ids, ["older", "list", "old", "young"]);
    assert_eq!(engine.check_indexes(THINGS).await.unwrap(), [""; 0]);
}
