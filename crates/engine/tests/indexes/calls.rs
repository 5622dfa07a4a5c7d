//! How often a query calls the store. On PostgreSQL each call is a round trip, as is taking the
//! snapshot, which the disk does not count.

use engine::Find;
use store::{SimulatedDisk, Store};
use value::{Document, Value};

use crate::{THINGS, engine_with_things, find, ids, index};

#[tokio::test]
async fn twenty_documents_through_an_index_are_one_page_and_one_batch() {
    let disk = SimulatedDisk::new(0);
    let engine = engine_with_things(Store::simulated(&disk)).await;
    engine.create_index(THINGS, index(r#"{"group":1,"at":-1}"#)).await.unwrap();
    let documents = (0..400).map(|number| {
        let mut document = Document::new();
        document.insert("_id", format!("{number:03}"));
        document.insert("group", number % 4);
        document.insert("at", number);
        document
    });
    engine.insert(THINGS, documents.collect()).await.unwrap();
    for (filter, sort) in [
        (r#"{"group":1}"#, r#"{"at":-1}"#),
        (r#"{"group":1}"#, r#"{"at":1}"#),
        (r#"{"group":1,"at":{"$lt":300}}"#, r#"{"at":-1}"#),
        (r#"{"group":1,"at":{"$gte":100,"$lte":250}}"#, "{}"),
    ] {
        let before = disk.calls();
        let find = Find { limit: Some(20), ..find(filter, sort) };
        assert_eq!(ids(&engine, find).await.len(), 20, "{filter} {sort}");
        assert_eq!(disk.calls() - before, 2, "{filter} {sort}");
    }
    let before = disk.calls();
    let id = Value::String("007".to_owned());
    assert!(engine.get(THINGS, &id).await.unwrap().is_some());
    assert_eq!(disk.calls() - before, 1);
}
