//! Writes the seed corpus from the rows of the tests, so that a new row is a new seed:
//! `seeds <crates/query/tests/cases> <corpus>`. Names are hashes of the contents.

use std::collections::hash_map::DefaultHasher;
use std::error::Error;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use value::{Document, Value, ejson};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(cases), Some(corpus)) = (arguments.next(), arguments.next()) else {
        return Err("usage: seeds <folder of rows> <corpus>".into());
    };
    let mut files = vec![cases];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            for entry in fs::read_dir(path)? {
                files.push(entry?.path());
            }
        } else if path.extension().is_some_and(|extension| extension == "json") {
            let rows: Json = serde_json::from_str(&fs::read_to_string(&path)?)?;
            for row in rows.as_array().into_iter().flatten() {
                sow(&corpus, row)?;
            }
        }
    }
    // Rows of the shim's tests live in its source; these few cover what a pattern can be made of.
    for (options, pattern, text) in PATTERNS {
        write(&corpus, "regex", format!("{options}\n{pattern}\0{text}").as_bytes())?;
    }
    Ok(())
}

const PATTERNS: &[(&str, &str, &str)] = &[
    ("i", "^a.*b$", "AxB\n"),
    ("ms", r"^\w+\s\d{2,3}\b", "ab 12\ncd 345"),
    ("x", "a b # c\n[a-z&&[^b]]", "ab"),
    ("", r"(?<n>a)\k<n>(?=b)(?!c)(?<=a)(?<!x)", "aab"),
    ("", r"(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa!"),
    ("", r"\Q[x]\E\.[\]\[^-]{1,}?", "[x].]"),
    ("", r"(?i:a)(?m)^|\Z|\A|\z|\h|\R|\X|\p{Han}", "中"),
    ("u", r"[[:alpha:]]+(?>a|ab)(?(1)a|b){,3}", "ab"),
    ("", "((a{100}){100}){100}", "a"),
];

fn sow(corpus: &Path, row: &Json) -> Result<(), Box<dyn Error>> {
    let mut kept = row.clone();
    if let Some(fields) = kept.as_object_mut() {
        fields.remove("name");
        fields.remove("error");
    }
    let text = kept.to_string();
    write(corpus, "ejson", text.as_bytes())?;
    let is_pipeline = ["pipeline", "expression"].iter().any(|name| kept.get(name).is_some());
    let target = if is_pipeline { "pipelines" } else { "operations" };
    write(corpus, target, text.as_bytes())?;
    let Ok(Value::Document(tree)) = ejson::from_json(&kept, 0) else { return Ok(()) };
    write(corpus, "bson", &tree.to_bytes())?;
    let values = ["document", "documents", "becomes", "filter", "update"];
    let mut document = Document::new();
    for (_, value) in tree.iter().filter(|(name, _)| values.contains(name)) {
        leaves(value, &mut document);
    }
    write(corpus, "key", &document.to_bytes())
}

/// Every part of a tree as a field of its own.
fn leaves(value: &Value, into: &mut Document) {
    if into.len() < 12 {
        into.insert(into.len().to_string(), value.clone());
    }
    match value {
        Value::Document(document) => document.iter().for_each(|(_, value)| leaves(value, into)),
        Value::Array(elements) => elements.iter().for_each(|value| leaves(value, into)),
        _ => {}
    }
}

fn write(corpus: &Path, target: &str, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    let folder = corpus.join(target);
    fs::create_dir_all(&folder)?;
    Ok(fs::write(folder.join(format!("seed-{:016x}", hasher.finish())), bytes)?)
}
