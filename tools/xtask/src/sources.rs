//! What every source file owes its reader: a header, and a size that fits a head.

/// The most lines of a file.
pub const FILE_LINES_MAX: usize = 500;
/// The most lines of a function, from its `fn` to its closing brace.
pub const FUNCTION_LINES_MAX: usize = 70;
/// The most characters of a line.
pub const LINE_CHARS_MAX: usize = 100;
/// How many lines of a file may be longer because of one text or address that cannot be broken.
pub const LONG_TEXTS_MAX: usize = 10;

/// Names that say nothing, for crates, modules and files.
pub const EMPTY_NAMES: [&str; 8] =
    ["common", "helper", "helpers", "misc", "types", "util", "utilities", "utils"];

/// Checks a Rust file; `path` is only quoted.
pub fn check_rust(path: &str, text: &str) -> Vec<String> {
    let mut broken = check_name(path);
    if !text.starts_with("//!") {
        broken.push(format!("{path}:1: does not begin with `//!` and what it is for"));
    }
    let lines = text.lines().count();
    if lines > FILE_LINES_MAX {
        broken.push(format!("{path}: {lines} lines, more than {FILE_LINES_MAX}"));
    }
    let code = strip(text);
    broken.extend(check_lines(path, text, &code));
    for (name, first, lines) in functions(&code) {
        if lines > FUNCTION_LINES_MAX {
            broken.push(format!(
                "{path}:{first}: `{name}` has {lines} lines, more than {FUNCTION_LINES_MAX}"
            ));
        }
    }
    for (index, line) in code.lines().enumerate() {
        let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        if words.any(|word| word == "mod")
            && let Some(name) = line.trim_end_matches([';', '{', ' ']).rsplit(' ').next()
            && EMPTY_NAMES.contains(&name)
        {
            broken.push(format!("{path}:{}: a module called `{name}` says nothing", index + 1));
        }
    }
    broken
}

/// Checks a TypeScript or JavaScript file: its name, header and length.
pub fn check_script(path: &str, text: &str) -> Vec<String> {
    let mut broken = check_name(path);
    let body = match text.strip_prefix("#!") {
        Some(rest) => rest.split_once('\n').map_or("", |(_, body)| body),
        None => text,
    };
    if !body.trim_start().starts_with("/**") {
        broken.push(format!("{path}:1: does not begin with `/** … */` and what it is for"));
    }
    let lines = text.lines().count();
    if lines > FILE_LINES_MAX {
        broken.push(format!("{path}: {lines} lines, more than {FILE_LINES_MAX}"));
    }
    broken
}

/// A path of which a folder or the file has a name that says nothing.
fn check_name(path: &str) -> Vec<String> {
    let parts = path.split('/').map(|part| part.split('.').next().unwrap_or(part));
    let empty = parts.filter(|part| EMPTY_NAMES.contains(part));
    empty.map(|part| format!("{path}: `{part}` says nothing; name it after what it is")).collect()
}

fn check_lines(path: &str, text: &str, code: &str) -> Vec<String> {
    let mut broken = Vec::new();
    let mut excused = 0;
    for (index, (line, code)) in text.lines().zip(code.lines()).enumerate() {
        let chars = line.chars().count();
        if chars <= LINE_CHARS_MAX {
            continue;
        }
        // Without its texts and comments the line would fit, and it is one long text or address.
        let is_text = line.contains('"') && code.trim_end().chars().count() <= LINE_CHARS_MAX;
        if is_text || line.contains("://") {
            excused += 1;
        } else {
            broken.push(format!("{path}:{}: {chars} characters", index + 1));
        }
    }
    if excused > LONG_TEXTS_MAX {
        broken.push(format!("{path}: {excused} long texts, more than {LONG_TEXTS_MAX}"));
    }
    broken
}

/// Name, first line (from 1) and length in lines of every function with a body.
fn functions(code: &str) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    let words = ["fn "];
    for (start, _) in words.iter().flat_map(|word| code.match_indices(word)) {
        let before = code[..start].chars().next_back();
        let after = &code[start + 3..];
        let name: String = after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        // `fn(` is a type, `some_fn ` a name.
        if name.is_empty() || before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        if let Some(length) = body_end(after) {
            let first = code[..start].matches('\n').count() + 1;
            let lines = after[..length].matches('\n').count() + 1;
            found.push((name, first, lines));
        }
    }
    found
}

/// How far the body behind a signature reaches; `None` for a declaration without one.
fn body_end(code: &str) -> Option<usize> {
    let (mut braces, mut brackets) = (0_usize, 0_usize);
    for (index, character) in code.char_indices() {
        match character {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets = brackets.saturating_sub(1),
            ';' if braces == 0 && brackets == 0 => return None,
            '{' => braces += 1,
            '}' => {
                braces = braces.saturating_sub(1);
                if braces == 0 {
                    return Some(index);
                }
            }
            _ => {}
        }
    }
    None
}

/// The code without the insides of comments, strings and characters; line breaks stay.
fn strip(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let skipped = comment(rest).or_else(|| literal(rest, &code)).unwrap_or(0);
        if skipped == 0 {
            code.push(character);
            rest = &rest[character.len_utf8()..];
        } else {
            code.extend(rest[..skipped].chars().filter(|c| *c == '\n'));
            rest = &rest[skipped..];
        }
    }
    code
}

/// The length of the comment that begins here.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if !text.starts_with("/*") {
        return None;
    }
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    Some(text.len())
}

/// The length of the string or character that begins here; `before` is the code in front of it.
fn literal(text: &str, before: &str) -> Option<usize> {
    let in_name = before.chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
    let body = text.strip_prefix(['b', 'c']).filter(|_| !in_name).unwrap_or(text);
    let prefix = text.len() - body.len();
    if let Some(raw) = body.strip_prefix('r').filter(|_| !in_name) {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let from = prefix + 1 + hashes + 1;
            return Some(text[from..].find(&end).map_or(text.len(), |at| from + at + end.len()));
        }
    }
    if body.starts_with('"') {
        return Some(prefix + quoted(body, '"'));
    }
    // A lifetime has no closing quote right behind its first character.
    let mut inside = body.strip_prefix('\'')?.chars();
    let first = inside.next()?;
    if first == '\\' || inside.next() == Some('\'') {
        return Some(prefix + quoted(body, '\''));
    }
    None
}

fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (index, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return index + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(lines: usize) -> String {
        format!("//! x\nfn long(\n    a: u8,\n) {{\n{}}}\n", "    a();\n".repeat(lines - 4))
    }

    #[test]
    fn what_breaks_a_rule_is_named() {
        let long_text = format!("//! x\nconst A: &str = \"{}\";\n", "a".repeat(120));
        for (path, text, expected) in [
            ("a.rs", "//! x\nfn a() {}\n".to_owned(), None),
            ("a.rs", "fn a() {}\n".to_owned(), Some("a.rs:1: does not begin")),
            ("src/util.rs", "//! x\n".to_owned(), Some("src/util.rs: `util` says nothing")),
            ("helpers/a.rs", "//! x\n".to_owned(), Some("helpers/a.rs: `helpers`")),
            ("a.rs", "//! x\npub mod types {\n}\n".to_owned(), Some("a.rs:2: a module called")),
            ("a.rs", format!("//! x\n{}", "\n".repeat(499)), None),
            ("a.rs", format!("//! x\n{}", "\n".repeat(500)), Some("a.rs: 501 lines")),
            ("a.rs", function(70), None),
            ("a.rs", function(71), Some("a.rs:2: `long` has 71 lines")),
            ("a.rs", format!("//! x\n// {}\n", "a".repeat(98)), Some("a.rs:2: 101 characters")),
            ("a.rs", format!("//! x\n// {}\n", "云".repeat(97)), None),
            ("a.rs", format!("//! x\n// https://a/{}\n", "a".repeat(98)), None),
            ("a.rs", long_text.clone(), None),
            ("a.rs", format!("//! x\n{}", long_text.repeat(11)), Some("a.rs: 11 long texts")),
        ] {
            let found = check_rust(path, &text);
            match expected {
                None => assert!(found.is_empty(), "{found:?}"),
                Some(start) => {
                    assert_eq!(found.len(), 1, "{found:?}");
                    assert!(found[0].starts_with(start), "{found:?}");
                }
            }
        }
    }

    #[test]
    fn functions_are_found_past_texts_and_comments() {
        let text = r####"//! x
fn a<'a>(b: [u8; 2], c: &'a str) -> char {
    let _ = ("}", '}', '\'', b'{', b"}\"", r#"}""#, br"}"); // }
    /* } /* } */ } */
    '{'
}
trait T {
    fn declared(&self) -> [u8; 2];
    fn given(&self) {
    }
}
type F = fn (u8) -> u8;
"####;
        let expected = [("a".to_owned(), 2, 5), ("given".to_owned(), 9, 2)];
        assert_eq!(functions(&strip(text)), expected);
    }

    #[test]
    fn scripts_need_a_header() {
        for (text, good) in [
            ("/** What it is. */\nlet a\n", true),
            ("#!/usr/bin/env node\n/** What it is. */\n", true),
            ("let a\n", false),
            ("// no\n", false),
            ("", false),
        ] {
            assert_eq!(check_script("a.ts", text).is_empty(), good, "{text}");
        }
    }
}
