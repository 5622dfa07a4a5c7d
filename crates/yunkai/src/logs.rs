//! `yunkai logs`: what happened on a running server, printed oldest first, and what comes.

use anyhow::Result;
use futures_util::StreamExt;
use reqwest::Method;
use serde_json::Value as Json;

use crate::arguments::{Logs, WantedLogs};
use crate::client::Client;
use crate::language::localized;
use crate::terminal;

/// Runs the command.
pub async fn run(logs: Logs) -> Result<()> {
    let client = Client::find(logs.target)?;
    print(&client, logs.function.as_deref(), &logs.wanted).await
}

/// Prints entries, of one function or of all.
pub async fn print(client: &Client, function: Option<&str>, wanted: &WantedLogs) -> Result<()> {
    let limit = wanted.limit.map(|limit| limit.to_string());
    let texts = [
        ("function", function),
        ("since", wanted.since.as_deref()),
        ("until", wanted.until.as_deref()),
        ("requestId", wanted.request.as_deref()),
        ("openid", wanted.openid.as_deref()),
        ("text", wanted.text.as_deref()),
        ("level", wanted.level.as_deref()),
        ("limit", limit.as_deref()),
        ("errors", wanted.errors.then_some("1")),
        ("cold", wanted.cold.then_some("1")),
        ("follow", wanted.follow.then_some("1")),
    ];
    let query: Vec<_> = texts.iter().filter_map(|(name, text)| Some((*name, (*text)?))).collect();
    let response = client.send(client.api(Method::GET, &["logs"], &query)).await?;
    if wanted.follow {
        return follow(client, response, wanted.json).await;
    }
    let text = response.text().await.map_err(|error| client.unreachable(&error))?;
    let answer: Json = serde_json::from_str(&text)?;
    let entries = answer["entries"].as_array().cloned().unwrap_or_default();
    entries.iter().rev().for_each(|entry| show(entry, wanted.json));
    Ok(())
}

/// Prints lines as they come, until the server stops.
async fn follow(client: &Client, response: reqwest::Response, json: bool) -> Result<()> {
    let mut chunks = response.bytes_stream();
    let mut begun = Vec::new();
    while let Some(chunk) = chunks.next().await {
        begun.extend_from_slice(&chunk.map_err(|error| client.unreachable(&error))?);
        let Some(end) = begun.iter().rposition(|byte| *byte == b'\n') else { continue };
        let lines: Vec<u8> = begun.drain(..=end).collect();
        for line in String::from_utf8_lossy(&lines).lines() {
            if let Ok(entry) = serde_json::from_str(line) {
                show(&entry, json);
            }
        }
    }
    Ok(())
}

fn show(entry: &Json, json: bool) {
    if json {
        return terminal::line(&entry.to_string());
    }
    let text = |name: &str| entry[name].as_str().unwrap_or_default();
    let time = terminal::time(entry["atMs"].as_i64().unwrap_or_default());
    match text("kind") {
        "log" => {
            let id = if text("requestId").is_empty() { "-" } else { text("requestId") };
            let (function, level) = (text("function"), terminal::tint(text("level")));
            let head = format!("{time} {} {id} {level}", terminal::bold(function));
            text("text").lines().for_each(|line| terminal::line(&format!("{head} {line}")));
        }
        "invocation" => {
            let ms = entry["totalUs"].as_u64().unwrap_or_default() / 1_000;
            let cold = if entry["cold"] == true { " cold" } else { "" };
            let head = format!("{time} {} {}", terminal::bold(text("function")), text("requestId"));
            let trigger = text("trigger");
            match entry["error"]["message"].as_str() {
                None => terminal::line(&format!("{head} done {ms} ms{cold} {trigger}")),
                Some(message) => terminal::line(&format!(
                    "{head} {} {ms} ms{cold} {trigger} {}",
                    terminal::tint("error"),
                    localized(message)
                )),
            }
        }
        "deployment" => {
            let outcome = if entry["succeeded"] == true { "deployed" } else { "not deployed" };
            let (subject, why) = (terminal::bold(text("subject")), localized(text("text")));
            terminal::line(format!("{time} {subject} {outcome} {why}").trim_end());
        }
        "we-chat" => terminal::line(&format!("{time} wechat {}", text("title"))),
        _ => terminal::line(&format!("{time} {}", localized(text("text")))),
    }
}
