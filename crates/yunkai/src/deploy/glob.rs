//! Which files a glob names: `*`, `?` within a name, `**` across folders.

/// Whether a glob names a path or a folder above it. One without `/` names files anywhere.
pub fn matches(glob: &str, path: &str) -> bool {
    let glob = glob.trim_start_matches("./").trim_end_matches('/');
    let pattern: Vec<&str> = glob.split('/').filter(|part| !part.is_empty()).collect();
    let parts: Vec<&str> = path.split('/').collect();
    if pattern.is_empty() {
        return false;
    }
    if pattern.len() == 1 && pattern[0] != "**" {
        return parts.iter().any(|part| name_matches(pattern[0].as_bytes(), part.as_bytes()));
    }
    (1..=parts.len()).any(|end| parts_match(&pattern, &parts[..end]))
}

fn parts_match(pattern: &[&str], parts: &[&str]) -> bool {
    match (pattern, parts) {
        ([], []) => true,
        (["**"], parts) => !parts.is_empty(),
        (["**", rest @ ..], parts) => (0..=parts.len()).any(|at| parts_match(rest, &parts[at..])),
        ([first, rest @ ..], [part, others @ ..]) => {
            name_matches(first.as_bytes(), part.as_bytes()) && parts_match(rest, others)
        }
        _ => false,
    }
}

fn name_matches(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([b'*', rest @ ..], name) => (0..=name.len()).any(|at| name_matches(rest, &name[at..])),
        ([b'?', rest @ ..], [_, others @ ..]) => name_matches(rest, others),
        ([first, rest @ ..], [byte, others @ ..]) => first == byte && name_matches(rest, others),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_name_files_and_folders() {
        let rows = [
            ("*.md", "README.md", true),
            ("*.md", "docs/a.md", true),
            ("*.md", "a.mdx", false),
            ("node_modules", "node_modules/a/b.js", true),
            ("node_modules/**", "node_modules/a/b.js", true),
            ("node_modules/**/*", "node_modules/a/b.js", true),
            ("./test/", "test/a.js", true),
            ("test/*.js", "test/a.js", true),
            ("test/*.js", "test/deep/a.js", false),
            ("**/*.test.js", "a.test.js", true),
            ("**/*.test.js", "x/y/a.test.js", true),
            ("**", "anything", true),
            ("a?.js", "ab.js", true),
            ("a?.js", "a.js", false),
            ("", "a", false),
        ];
        for (glob, path, expected) in rows {
            assert_eq!(matches(glob, path), expected, "{glob} {path}");
        }
    }
}
