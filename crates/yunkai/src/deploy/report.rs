//! What a deploy tells: one line per function, what was found in its code below it.

use anyhow::Result;
use serde_json::{Value as Json, json};

use crate::language::localized;
use crate::terminal::{self, plain};

/// The outcome of one function: what the server answered, or why it was refused.
pub fn line(name: &str, outcome: Result<Json>) -> Json {
    match outcome {
        Ok(mut answer) => {
            answer["name"] = name.into();
            answer
        }
        Err(error) => json!({ "name": name, "refused": format!("{error:#}") }),
    }
}

/// The outcome of the site.
pub fn hosting(outcome: Result<Json>) -> Json {
    line("hosting", outcome)
}

/// Prints the outcome of a function.
pub fn print(line: &Json) {
    let name = plain(&line["name"]);
    if let Some(reason) = line["refused"].as_str() {
        terminal::line(&format!("{name}  refused"));
        terminal::error(&format!("  {}", localized(reason)));
        return;
    }
    let changed = if line["changed"] == true { "changed" } else { "unchanged" };
    let version = match &line["version"] {
        Json::Null => "$LATEST".to_owned(),
        version => format!("version {version}"),
    };
    terminal::line(&format!("{name}  {changed}  {version}  {} ms", line["milliseconds"]));
    for notice in line["notices"].as_array().into_iter().flatten() {
        terminal::line(&format!("  {}", localized(&plain(notice))));
    }
    for call in line["unsupported"].as_array().into_iter().flatten() {
        let (file, at, call) = (plain(&call["file"]), &call["line"], plain(&call["call"]));
        terminal::line(&localized(&format!(
            "  {file}:{at}: {call} is not supported here and will fail when it is called / \
             {file}:{at}:暂不支持 {call},调用时会报错"
        )));
    }
    if let Some(reason) = line["bundle"]["reason"].as_str().filter(|reason| !reason.is_empty()) {
        terminal::line(&format!("  {}", localized(reason)));
    }
}

/// Prints the outcome of the site.
pub fn print_hosting(line: &Json) {
    match line["refused"].as_str() {
        Some(_) => print(line),
        None if line["changed"] == true => {
            terminal::line(&format!("hosting  changed  {} files", line["files"]));
        }
        None => terminal::line("hosting  unchanged"),
    }
}

/// Says which functions the server has beside those of the project.
pub fn print_others(names: &[String]) {
    if !names.is_empty() {
        let names = names.join(", ");
        terminal::line(&localized(&format!(
            "The server has more functions, which stay: {names}. / 服务器上还有其他云函数,予以保留:{names}。"
        )));
    }
}
