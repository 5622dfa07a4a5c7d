//! The pages a reader expects, and whether what they claim has a test.

use std::path::Path;

/// Files that must stand at the root of the repository.
pub const EXPECTED: [&str; 12] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "COMPAT.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "LICENSE",
    "Makefile",
    "README.md",
    "README.zh-CN.md",
    "clippy.toml",
    "rust-toolchain.toml",
    "rustfmt.toml",
];

/// The most lines of `ARCHITECTURE.md`.
pub const ARCHITECTURE_LINES_MAX: usize = 400;

/// Checks the rows of `COMPAT.md`: a row that claims `yes` or `partly` names at least one test as
/// `` `path` `` or `` `path::name` ``; every test a row names exists, and its name in it.
///
/// A test is what stands in backticks, has a `/` and ends in a file extension of a test.
pub fn check_compat(text: &str, root: &Path) -> Vec<String> {
    let mut broken = Vec::new();
    let mut rows = 0;
    for (index, line) in text.lines().enumerate() {
        let Some(cells) = cells(line) else { continue };
        let claim = cells.iter().find(|cell| {
            ["yes", "partly"].iter().any(|word| cell.to_ascii_lowercase().starts_with(word))
        });
        let tests: Vec<&str> = cells.iter().flat_map(|cell| quoted_paths(cell)).collect();
        let place = format!("COMPAT.md:{}: `{}`", index + 1, cells[0]);
        if claim.is_some() {
            rows += 1;
            if tests.is_empty() {
                broken.push(format!("{place} names no test"));
            }
        }
        for test in tests {
            broken.extend(check_test(root, test).map(|why| format!("{place}: {why}")));
        }
    }
    if rows == 0 {
        broken.push("COMPAT.md: has no row that says `yes` or `partly`".to_owned());
    }
    broken
}

fn check_test(root: &Path, test: &str) -> Option<String> {
    let (path, name) = test.split_once("::").unwrap_or((test, ""));
    match std::fs::read_to_string(root.join(path)) {
        Err(error) => Some(format!("the test {path} cannot be read: {error}")),
        Ok(text) if !text.contains(name) => Some(format!("{path} has no test called {name}")),
        Ok(_) => None,
    }
}

/// The cells of a table row; `None` for other lines and for the rule below the heads.
fn cells(line: &str) -> Option<Vec<&str>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    let cells: Vec<&str> = inner.split('|').map(str::trim).collect();
    let is_rule = cells.iter().all(|cell| cell.chars().all(|c| matches!(c, '-' | ':' | ' ')));
    (!is_rule).then_some(cells)
}

fn quoted_paths(cell: &str) -> impl Iterator<Item = &str> {
    let is_test = |text: &&str| {
        let path = text.split("::").next().unwrap_or(text);
        path.contains('/')
            && [".rs", ".ts", ".mjs", ".js", ".cjs", ".json"].iter().any(|end| path.ends_with(end))
    };
    cell.split('`').skip(1).step_by(2).filter(is_test)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_without_a_test_are_named() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let head = "| call | state | test |\n|---|---|---|\n";
        for (row, expected) in [
            ("| a | yes | `src/documents.rs` |", None),
            ("| a | partly: x | `src/documents.rs::rows_without_a_test` |", None),
            ("| `a/b` | yes | `src/lib.rs`, `src/tree.rs` |", None),
            ("| a | yes | |", Some("COMPAT.md:3: `a` names no test")),
            ("| a | Yes | `tests/nothing.rs` |", Some("COMPAT.md:3: `a`: the test tests/nothing")),
            ("| a | yes | `src/lib.rs::nothing` |", Some("COMPAT.md:3: `a`: src/lib.rs has no")),
            ("| a | no | |", Some("COMPAT.md: has no row")),
        ] {
            let found = check_compat(&format!("{head}{row}\n"), root);
            match expected {
                None => assert!(found.is_empty(), "{row}: {found:?}"),
                Some(start) => assert!(found[0].starts_with(start), "{row}: {found:?}"),
            }
        }
    }
}
