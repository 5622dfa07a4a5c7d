//! Finds calls of the vendors' SDKs that this platform does not answer, with file and line.
//!
//! It follows the names that a file gives to an SDK and to what `init` returns, and reports the
//! methods of the table below on them, nothing else: an alarm that is false teaches people to read
//! over alarms. Code in `node_modules` is not looked at.

use std::fs;
use std::path::Path;

use super::Surveyed;
use super::report::UnsupportedCall;
use super::tokens::{Kind, Token, tokens};

/// What is not answered (COMPAT.md): package, then its methods.
const TABLE: &[(&str, &[&str])] = &[
    (
        "wx-server-sdk",
        &[
            "ai",
            "callDataSource",
            "callHTTPFunction",
            "callWXSvrkit",
            "extend",
            "getAPIs",
            "models",
        ],
    ),
    ("@cloudbase/node-sdk", OF_THE_APP),
    ("tcb-admin-node", OF_THE_APP),
];
const OF_THE_APP: &[&str] = &[
    "ai",
    "callApis",
    "copyFile",
    "getFileAuthority",
    "invokeExtension",
    "models",
    "mysql",
    "rdb",
    "sendTemplateNotification",
];
/// Calls on an SDK whose result has the same methods.
const SAME_AGAIN: &[&str] = &["init", "createNewInstance"];
/// A file larger than this was made by a tool.
const FILE_BYTES_MAX: u64 = 512 * 1024;
const FILES_MAX: usize = 2_000;
const CALLS_MAX: usize = 100;

/// The calls in the function's own files, by file and line.
pub(super) fn find(surveyed: &Surveyed, tree: &Path) -> Vec<UnsupportedCall> {
    let mut found = Vec::new();
    let files = surveyed.items.iter().filter(|item| item.is_regular_file());
    let files = files.map(|item| item.path.as_str()).filter(|path| is_own_code(path));
    for path in files.take(FILES_MAX) {
        let at = tree.join(path);
        if fs::metadata(&at).is_ok_and(|metadata| metadata.len() > FILE_BYTES_MAX) {
            continue;
        }
        let Ok(source) = fs::read_to_string(&at) else { continue };
        for (line, call) in calls_in(&source) {
            found.push(UnsupportedCall { file: path.to_owned(), line, call });
        }
        if found.len() > CALLS_MAX {
            found.truncate(CALLS_MAX);
            break;
        }
    }
    found
}

fn is_own_code(path: &str) -> bool {
    let script = [".js", ".cjs", ".mjs"].iter().any(|end| path.ends_with(end));
    script && !path.ends_with(".min.js") && !path.split('/').any(|part| part == "node_modules")
}

/// Lines and calls of one file.
fn calls_in(source: &str) -> Vec<(u32, String)> {
    if !TABLE.iter().any(|(sdk, _)| source.contains(sdk)) {
        return Vec::new();
    }
    let tokens = tokens(source);
    let mut found = Vec::new();
    // Names of the SDK and of its apps, each with the row of the table.
    let mut names: Vec<(&str, usize)> = Vec::new();
    for at in 0..tokens.len() {
        if let Some((row, after)) = sdk_at(&tokens, at) {
            name_before(&tokens, at, row, &mut names, &mut found);
            follow(&tokens, after, row, &mut found);
        }
        if let Some((_, row)) = names.iter().find(|(name, _)| tokens[at].is_name(name)).copied()
            && !at.checked_sub(1).is_some_and(|before| tokens[before].is_sign("."))
        {
            let is_app = follow(&tokens, at + 1, row, &mut found);
            if is_app {
                name_before(&tokens, at, row, &mut names, &mut found);
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

/// `require('sdk')` at this place, or the text of `from 'sdk'`: the row, and what comes after.
fn sdk_at(tokens: &[Token<'_>], at: usize) -> Option<(usize, usize)> {
    let row_of = |token: &Token<'_>| {
        let is_text = token.kind == Kind::Text;
        TABLE.iter().position(|(sdk, _)| is_text && *sdk == token.text)
    };
    if tokens[at].is_name("require") && tokens.get(at + 1)?.is_sign("(") {
        return Some((row_of(tokens.get(at + 2)?)?, at + 4));
    }
    if tokens[at].is_name("from") {
        return Some((row_of(tokens.get(at + 1)?)?, at + 2));
    }
    None
}

/// Remembers the name that what begins at `at` is given, or reports what is taken out of it.
fn name_before<'a>(
    tokens: &[Token<'a>],
    at: usize,
    row: usize,
    names: &mut Vec<(&'a str, usize)>,
    found: &mut Vec<(u32, String)>,
) {
    // `const name =`, `import name from`, `import * as name from`, with a word of its own between.
    let Some(mut before) = at.checked_sub(1) else { return };
    if tokens[at].is_name("from") {
        before = at;
    } else if tokens[before].is_name("await") && before > 0 {
        before -= 1;
    }
    if !tokens[before].is_sign("=") && !tokens[before].is_name("from") {
        return;
    }
    let Some(target) = before.checked_sub(1).map(|target| (target, &tokens[target])) else {
        return;
    };
    match target {
        (_, token) if token.kind == Kind::Name => {
            // A property of something else is not followed.
            let is_property = target.0 > 0 && tokens[target.0 - 1].is_sign(".");
            if !is_property && !names.iter().any(|(name, _)| *name == token.text) {
                names.push((token.text, row));
            }
        }
        (end, token) if token.is_sign("}") => {
            let inside = tokens[..end].iter().rev().take_while(|token| !token.is_sign("{"));
            for token in inside.filter(|token| token.kind == Kind::Name) {
                report(token, row, found);
            }
        }
        _ => {}
    }
}

/// Reports `.method` at `at`. True when what stands there is an app of the same SDK.
fn follow(tokens: &[Token<'_>], at: usize, row: usize, found: &mut Vec<(u32, String)>) -> bool {
    let (Some(dot), Some(method)) = (tokens.get(at), tokens.get(at + 1)) else { return false };
    if !dot.is_sign(".") || method.kind != Kind::Name {
        return false;
    }
    let is_set = tokens.get(at + 2).is_some_and(|token| token.is_sign("="))
        && !tokens.get(at + 3).is_some_and(|token| token.is_sign("="));
    if !is_set {
        report(method, row, found);
    }
    SAME_AGAIN.contains(&method.text)
}

fn report(method: &Token<'_>, row: usize, found: &mut Vec<(u32, String)>) {
    let (sdk, methods) = TABLE[row];
    if methods.contains(&method.text) {
        let object = if sdk == "wx-server-sdk" { "cloud" } else { "app" };
        found.push((method.line, format!("{object}.{}", method.text)));
    }
}

#[cfg(test)]
mod tests {
    use super::calls_in;

    #[test]
    fn calls_are_found_by_the_names_of_the_sdk() {
        let rows: &[(&str, &[&str])] = &[
            ("const c = require('wx-server-sdk')\nc.init()\nc.ai().x()", &["3 cloud.ai"]),
            (
                "import c from 'wx-server-sdk'\nawait c.callDataSource({})",
                &["2 cloud.callDataSource"],
            ),
            ("import * as c from 'wx-server-sdk'; c?.callWXSvrkit()", &["1 cloud.callWXSvrkit"]),
            ("const { ai, init } = require(\"wx-server-sdk\")", &["1 cloud.ai"]),
            ("require('wx-server-sdk').models", &["1 cloud.models"]),
            (
                "const tcb = require('@cloudbase/node-sdk')\nconst app = tcb.init({})\n\
                 app.rdb().from('t')\napp.copyFile([])",
                &["3 app.rdb", "4 app.copyFile"],
            ),
            ("import tcb from 'tcb-admin-node'\nlet a = tcb.init()\na.models", &["3 app.models"]),
        ];
        for (source, expected) in rows {
            let found: Vec<String> =
                calls_in(source).iter().map(|(line, call)| format!("{line} {call}")).collect();
            assert_eq!(&found, expected, "{source}");
        }
    }

    #[test]
    fn what_only_looks_like_such_a_call_is_no_alarm() {
        let rows = [
            "const cloud = { ai() {} }\ncloud.ai()",
            "const cloud = require('wx-server-sdk')\nother.cloud.ai()\nmodels.ai()",
            "const cloud = require('wx-server-sdk')\n// cloud.ai()\nlog('cloud.ai()', `cloud.ai()`)",
            "const cloud = require('wx-server-sdk')\ncloud.models = {}\ncloud.database().ai",
            "const cloud = require('wx-server-sdk')\nconst db = cloud.database()\ndb.models",
            "const x = 'wx-server-sdk'\nx.ai()",
            "const db = cloud.init().database()\ncloud.ai()",
        ];
        for source in rows {
            assert_eq!(calls_in(source), [], "{source}");
        }
    }
}
