//! Judges whether modules behave the same inside one file: whether any of them finds others by a
//! computed name, looks at itself as a module, or is loaded by rules that a bundle does not follow.
//! Those that look at where they lie can be told.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use super::tokens::{Kind, Token, tokens};

/// Why a function is not bundled, in both languages.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Doubt {
    pub english: String,
    pub chinese: String,
}

/// Modules that look doubtful and are not: what they look for is the same from anywhere.
/// - inquire asks for optional packages by name, and is content without them.
const KNOWN: &[&str] = &["node_modules/@protobufjs/inquire/index.js"];

/// What a module may know about itself; in one file all share it.
const OF_A_MODULE: &[&str] =
    &["parent", "filename", "id", "children", "paths", "path", "loaded", "require", "constructor"];

/// The modules among the inputs of a bundle (paths relative to `tree`) that have to be told where
/// they lie; or the first doubt.
pub(super) fn judge(
    inputs: &Map<String, Value>,
    main: &str,
    tree: &Path,
) -> Result<Vec<String>, Doubt> {
    let mut placed = Vec::new();
    for (path, about) in inputs {
        // esbuild names what it made up itself like this.
        if path.starts_with("(disabled):") || path.starts_with('<') {
            continue;
        }
        if path.starts_with("..") || path.starts_with('/') {
            return Err(at(path, None, "it lies outside the package", "位于代码包之外"));
        }
        if about["format"] == "esm" {
            return Err(at(path, None, "it is an ECMAScript module", "是 ES 模块"));
        }
        if nested_sdk(about, path, tree) {
            return Err(at(path, None, "it has a wx-server-sdk of its own", "自带 wx-server-sdk"));
        }
        let script = [".js", ".cjs"].iter().any(|end| path.ends_with(end)) || !path.contains('.');
        if !script || KNOWN.iter().any(|known| path.ends_with(known)) {
            continue;
        }
        let Ok(source) = fs::read_to_string(tree.join(path)) else {
            return Err(at(path, None, "it cannot be read as text", "无法读取"));
        };
        let tokens = tokens(&source);
        if let Some((line, english, chinese)) = doubt_in(&tokens) {
            return Err(at(path, Some(line), english, chinese));
        }
        if path != main && looks_around(&tokens) {
            placed.push(path.clone());
        }
    }
    Ok(placed)
}

fn at(path: &str, line: Option<u32>, english: &str, chinese: &str) -> Doubt {
    let place = line.map_or_else(|| path.to_owned(), |line| format!("{path}:{line}"));
    Doubt { english: format!("{place}: {english}"), chinese: format!("{place}:{chinese}") }
}

/// Whether a module uses `__dirname` or `__filename`.
fn looks_around(tokens: &[Token<'_>]) -> bool {
    let is_place = |token: &Token<'_>| token.is_name("__dirname") || token.is_name("__filename");
    tokens.iter().any(is_place)
}

/// The carried SDK is left out of a bundle and found from the root, so nothing nearer may be there.
fn nested_sdk(about: &Value, path: &str, tree: &Path) -> bool {
    let imports = about["imports"].as_array().into_iter().flatten();
    let mut left_out = imports.filter(|import| import["external"] == true);
    left_out.any(|import| import["path"].as_str().is_some_and(|it| it.starts_with("wx-server-sdk")))
        && Path::new(path)
            .ancestors()
            .any(|folder| tree.join(folder).join("node_modules/wx-server-sdk").is_dir())
}

type Found = (u32, &'static str, &'static str);

fn doubt_in(tokens: &[Token<'_>]) -> Option<Found> {
    const WORDS: &[&str] = &["require", "eval", "import", "module", "createRequire"];
    for (at, token) in tokens.iter().enumerate() {
        if token.kind != Kind::Name || !WORDS.contains(&token.text) {
            continue;
        }
        let before = at.checked_sub(1).map(|before| &tokens[before]);
        // A property, or the key of an object.
        let is_property = before.is_some_and(|before| before.is_sign("."));
        let is_key = tokens.get(at + 1).is_some_and(|next| next.is_sign(":"));
        if is_property || is_key {
            continue;
        }
        if let Some((english, chinese)) = doubt_at(tokens, at, before) {
            return Some((token.line, english, chinese));
        }
    }
    None
}

fn doubt_at(
    tokens: &[Token<'_>],
    at: usize,
    before: Option<&Token<'_>>,
) -> Option<(&'static str, &'static str)> {
    let sign = |ahead: usize, sign: &str| tokens.get(at + ahead).is_some_and(|it| it.is_sign(sign));
    let member = tokens.get(at + 2).filter(|_| sign(1, ".")).map(|token| token.text);
    let is_fixed = || tokens.get(at + 2).is_some_and(|it| it.kind == Kind::Text) && sign(3, ")");
    match tokens[at].text {
        "require" if before.is_some_and(|before| before.is_name("typeof")) => None,
        "require" if sign(1, "(") => {
            (!is_fixed()).then_some(("it requires a computed name", "require 的参数是动态的"))
        }
        "require" if member == Some("main") => None,
        "require" if member.is_some() => Some((
            "it uses require.resolve or require.cache",
            "使用了 require.resolve 或 require.cache",
        )),
        "require" => Some(("it passes require on", "传递了 require")),
        "import" if sign(1, "(") => {
            let is_nodes_own = tokens.get(at + 2).is_some_and(|it| it.text.starts_with("node:"));
            (!is_fixed() || !is_nodes_own).then_some(("it uses import()", "使用了 import()"))
        }
        "eval" if sign(1, "(") => Some(("it uses eval", "使用了 eval")),
        "module" if member.is_some_and(|member| OF_A_MODULE.contains(&member)) => {
            Some(("it looks at itself as a module", "读取了 module 的属性"))
        }
        "createRequire" => Some(("it makes a require of its own", "使用了 createRequire")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tokens::tokens;
    use super::{doubt_in, looks_around};

    #[test]
    fn what_behaves_the_same_in_one_file_is_no_doubt() {
        let rows = [
            "const a = require('a'), b = require(\"./b.json\")",
            "if (typeof require !== 'undefined') x = require('crypto')",
            "if (require.main === module) main()",
            "module.exports = { require: 1, eval: 2 }; a.require(b); a.eval(c)",
            "// require(x)\nconst text = 'eval(1) __dirname'",
            "import('node:fs').then((fs) => fs)",
            "var exported = module['default']; module.exports.id = 1",
        ];
        for source in rows {
            let tokens = tokens(source);
            assert_eq!((doubt_in(&tokens), looks_around(&tokens)), (None, false), "{source}");
        }
        assert!(looks_around(&tokens("read(`${__dirname}/x`)")));
    }

    #[test]
    fn what_could_be_told_apart_is_found_with_its_line() {
        let rows = [
            ("\nrequire(name)", 2, "computed name"),
            ("require('./' + name)", 1, "computed name"),
            ("require.resolve('x')", 1, "require.resolve"),
            ("load(require)", 1, "passes require on"),
            ("\n\neval('1')", 3, "eval"),
            ("import(name)", 1, "import()"),
            ("import('got')", 1, "import()"),
            ("module.parent.filename", 1, "as a module"),
            ("const { createRequire } = require('module')", 1, "of its own"),
            ("`${require(x)}`", 1, "computed name"),
        ];
        for (source, line, words) in rows {
            let (found, english, _) = doubt_in(&tokens(source)).unwrap();
            assert!(found == line && english.contains(words), "{source}: {found} {english}");
        }
    }
}
