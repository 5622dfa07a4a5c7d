//! Who may import whom: down only, never sideways. A new edge is a reviewed line of this table.

use std::collections::BTreeSet;

/// A room and the rooms it imports.
pub struct Row {
    /// The package.
    pub room: &'static str,
    /// What it imports, all of them.
    pub imports: &'static [&'static str],
    /// What it may import beyond, without having to.
    pub may_import: &'static [&'static str],
}

const fn row(room: &'static str, imports: &'static [&'static str]) -> Row {
    Row { room, imports, may_import: &[] }
}

/// The whole house.
pub const TABLE: &[Row] = &[
    row("value", &[]),
    row("store", &[]),
    row("query", &["value"]),
    row("rules", &["value", "query"]),
    row("engine", &["value", "query", "store"]),
    row("identity", &["value", "engine"]),
    row("files", &["value", "engine"]),
    // Invocation records and triggers will be engine documents; today nothing is kept there.
    Row { room: "functions", imports: &[], may_import: &["value", "engine"] },
    // The clock; access tokens are kept in memory until several nodes share them.
    Row { room: "wechat", imports: &["engine"], may_import: &["value"] },
    row(
        "platform",
        &["value", "query", "rules", "store", "engine", "identity", "files", "functions", "wechat"],
    ),
    row("gateway", &["value", "platform"]),
    // `store` to open one, `functions` only to enter a worker and for the doctor.
    Row { room: "yunkai", imports: &["platform", "gateway"], may_import: &["store", "functions"] },
];

/// Compares a package's manifest with the table.
///
/// Normal and build dependencies on rooms must be exactly those of its row; dev-dependencies may
/// reach further down, to what its imports import. Returns one sentence per edge that differs.
pub fn check(room: &str, manifest: &str) -> Vec<String> {
    let Some(row) = TABLE.iter().find(|row| row.room == room) else {
        return vec![format!("{room}: this room is not in the import table (imports.rs)")];
    };
    let manifest: toml::Table = match manifest.parse() {
        Ok(manifest) => manifest,
        Err(error) => return vec![format!("{room}: its Cargo.toml cannot be read: {error}")],
    };
    let mut imported = rooms_in(&manifest, "dependencies");
    imported.extend(rooms_in(&manifest, "build-dependencies"));
    let mut broken = Vec::new();
    for import in &imported {
        if !row.imports.contains(import) && !row.may_import.contains(import) {
            broken
                .push(format!("{room} → {import}: a new edge that the import table does not have"));
        }
    }
    for import in row.imports {
        if !imported.contains(import) {
            broken.push(format!("{room} → {import}: in the import table, missing in Cargo.toml"));
        }
    }
    let below = below(room);
    for import in rooms_in(&manifest, "dev-dependencies") {
        if !below.contains(import) {
            broken
                .push(format!("{room} → {import} (dev): tests may reach down, not sideways or up"));
        }
    }
    broken
}

/// Every room that lies below this one.
fn below(room: &str) -> BTreeSet<&'static str> {
    let mut below = BTreeSet::new();
    let mut open = vec![room];
    while let Some(room) = open.pop() {
        for row in TABLE.iter().filter(|row| row.room == room) {
            for import in row.imports.iter().chain(row.may_import) {
                if below.insert(*import) {
                    open.push(import);
                }
            }
        }
    }
    below
}

/// The rooms among the dependencies, those of `[target.….dependencies]` included.
fn rooms_in(manifest: &toml::Table, section: &str) -> BTreeSet<&'static str> {
    let tables = manifest.get("target").and_then(toml::Value::as_table).into_iter();
    let targets = tables.flat_map(|targets| targets.values().filter_map(toml::Value::as_table));
    let mut rooms = BTreeSet::new();
    for table in std::iter::once(manifest).chain(targets) {
        let Some(dependencies) = table.get(section).and_then(toml::Value::as_table) else {
            continue;
        };
        for (name, value) in dependencies {
            // A dependency may be renamed; what counts is the package.
            let package = value.get("package").and_then(toml::Value::as_str).unwrap_or(name);
            rooms.extend(TABLE.iter().map(|row| row.room).filter(|room| *room == package));
        }
    }
    rooms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_only_points_down() {
        for (index, row) in TABLE.iter().enumerate() {
            let above: Vec<_> = TABLE[..index].iter().map(|row| row.room).collect();
            for import in row.imports.iter().chain(row.may_import) {
                assert!(above.contains(import), "{} → {import}", row.room);
            }
        }
    }

    #[test]
    fn edges_that_differ_are_named() {
        for (room, manifest, expected) in [
            ("query", "[dependencies]\nvalue.workspace = true", &[][..]),
            ("query", "[dependencies]\nserde = '1'", &["query → value: in the"]),
            (
                "files",
                "[dependencies]\nvalue = {}\nengine = {}\n[dev-dependencies]\nstore = {}",
                &[],
            ),
            (
                "files",
                "[dependencies]\nvalue = {}\nengine = {}\nidentity = {}",
                &["files → identity: a new edge"],
            ),
            (
                "files",
                "[dependencies]\nvalue = {}\nengine = {}\n[dev-dependencies]\nplatform = {}",
                &["files → platform (dev)"],
            ),
            (
                "value",
                "[target.'cfg(unix)'.dependencies]\nx = { package = 'engine' }",
                &["value → engine: a new edge"],
            ),
            ("yunkai", "[dependencies]\nplatform = {}\ngateway = {}\nstore = {}", &[]),
            ("cellar", "", &["cellar: this room is not in"]),
            ("query", "[", &["query: its Cargo.toml cannot be read"]),
        ] {
            let found = check(room, manifest);
            assert_eq!(found.len(), expected.len(), "{room}: {found:?}");
            for (found, expected) in found.iter().zip(expected) {
                assert!(found.starts_with(expected), "{found}");
            }
        }
    }
}
