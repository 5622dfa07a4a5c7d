//! Rows as they are read: extended JSON, and which fields they name.

use std::path::Path;

use serde_json::Value as Json;
use value::{Document, Value, ejson};

/// What the clock says in rows about pipelines: 2026-11-20T12:00:00Z.
pub const NOW_MS: i64 = 1_795_176_000_000;

/// One row.
pub struct Row {
    /// File and name.
    pub title: String,
    /// A collection name that no other row has.
    pub collection: String,
    /// The row itself.
    pub json: Json,
}

/// Every row of every file.
pub fn all() -> Vec<Row> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../query/tests/cases");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|one| one.unwrap()).collect();
    files.sort_by_key(std::fs::DirEntry::file_name);
    let mut rows = Vec::new();
    for file in files {
        let name = file.file_name().into_string().unwrap();
        let Some(stem) = name.strip_suffix(".json") else { continue };
        let text = std::fs::read_to_string(file.path()).unwrap();
        let list: Vec<Json> = serde_json::from_str(&text).unwrap();
        for (number, json) in list.into_iter().enumerate() {
            let title = format!("{stem} {}", json["name"]);
            rows.push(Row { title, collection: format!("{stem}_{number}"), json });
        }
    }
    rows
}

impl Row {
    /// Whether the row means what no stored document shows.
    pub fn is_pure(&self) -> bool {
        self.json["only"] == "pure"
    }

    /// Whether the row has such a part.
    pub fn has(&self, part: &str) -> bool {
        self.json.get(part).is_some()
    }

    /// A part that is a document.
    pub fn document(&self, part: &str) -> Document {
        document(&self.json[part])
    }

    /// The documents with an `_id` each: their place where they have none.
    pub fn documents(&self) -> Vec<Document> {
        let alone = std::slice::from_ref(&self.json["document"]);
        let list = self.json["documents"].as_array().map_or(alone, Vec::as_slice);
        list.iter()
            .enumerate()
            .map(|(place, json)| with_id(document_or_none(json), place))
            .collect()
    }
}

fn with_id(document: Document, place: usize) -> Document {
    if document.contains_key("_id") {
        return document;
    }
    let id = Value::Int32(i32::try_from(place).unwrap());
    let mut with_id: Document = [("_id".to_owned(), id)].into_iter().collect();
    for (name, value) in document.iter() {
        with_id.insert(name, value.clone());
    }
    with_id
}

/// A document, the empty one for a part that is missing.
fn document_or_none(json: &Json) -> Document {
    if json.is_null() { Document::new() } else { document(json) }
}

/// A document written as extended JSON.
pub fn document(json: &Json) -> Document {
    match ejson::from_json(json, 0).expect("rows are extended JSON") {
        Value::Document(document) => document,
        other => panic!("not a document: {other:?}"),
    }
}

/// The paths that a filter or the operators of an update name, in order, each once.
pub fn paths(document: &Document) -> Vec<String> {
    let mut found = Vec::new();
    collect(document, &mut found);
    found
}

fn collect(document: &Document, found: &mut Vec<String>) {
    for (name, value) in document.iter() {
        if !name.starts_with('$') {
            if !name.is_empty() && !found.iter().any(|known| known == name) {
                found.push(name.to_owned());
            }
            continue;
        }
        let inner = match value {
            Value::Array(elements) => elements.as_slice(),
            other => std::slice::from_ref(other),
        };
        for value in inner {
            if let Value::Document(inner) = value {
                collect(inner, found);
            }
        }
    }
}
