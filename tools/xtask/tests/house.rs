//! The house rules over the whole repository. A failure lists every place that breaks one.

use std::{collections::BTreeSet, fs};

use xtask::{documents, imports, sources, tree};

/// Fails with all sentences, one per line, rather than with the first.
fn expect_none(rule: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{rule}: {} broken\n  {}\n", broken.len(), broken.join("\n  "));
}

fn read(path: &str) -> String {
    fs::read_to_string(tree::root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn rooms_import_what_the_table_says() {
    let mut broken = Vec::new();
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(tree::root().join("crates")).unwrap() {
        let room = entry.unwrap().file_name().into_string().unwrap();
        broken.extend(imports::check(&room, &read(&format!("crates/{room}/Cargo.toml"))));
        found.insert(room);
    }
    for row in imports::TABLE.iter().filter(|row| !found.contains(row.room)) {
        broken.push(format!("{}: in the import table, missing in crates/", row.room));
    }
    expect_none("the import table", &broken);
}

#[test]
fn rust_files_keep_to_the_house_style() {
    let files = tree::files(&tree::root(), &["rs"]).unwrap();
    assert!(files.len() > 12, "the tree was found: {files:?}");
    let broken: Vec<_> =
        files.iter().flat_map(|path| sources::check_rust(path, &read(path))).collect();
    expect_none("style of Rust files", &broken);
}

/// Sample functions and projects of the black-box tests: laid out as strangers write them.
const SAMPLES: [&str; 2] = ["tests/functions/", "tests/projects/"];

#[test]
fn scripts_keep_to_the_house_style() {
    let files = tree::files(&tree::root(), &["ts", "tsx", "js", "mjs", "cjs"]).unwrap();
    let ours = files.iter().filter(|path| !SAMPLES.iter().any(|sample| path.starts_with(sample)));
    let broken: Vec<_> = ours.flat_map(|path| sources::check_script(path, &read(path))).collect();
    expect_none("style of TypeScript and JavaScript files", &broken);
}

#[test]
fn the_expected_pages_exist() {
    let root = tree::root();
    let missing: Vec<_> = documents::EXPECTED
        .iter()
        .filter(|name| !fs::metadata(root.join(name)).is_ok_and(|page| page.len() > 0))
        .map(|name| format!("{name}: missing or empty"))
        .collect();
    expect_none("expected pages", &missing);
}

#[test]
fn the_architecture_is_a_tour_and_not_a_book() {
    let lines = read("ARCHITECTURE.md").lines().count();
    assert!(lines <= documents::ARCHITECTURE_LINES_MAX, "ARCHITECTURE.md has {lines} lines");
}

#[test]
fn what_compat_claims_has_a_test() {
    let broken = documents::check_compat(&read("COMPAT.md"), &tree::root());
    expect_none("COMPAT.md", &broken);
}
