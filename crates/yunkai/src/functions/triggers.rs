//! Triggers and dead letters on the command line: what runs functions by itself, and what of it
//! could not be done.

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::arguments::DeadLettersCommand;
use crate::client::Client;
use crate::terminal::{self, plain, table};

/// What a trigger waits for, by kind; the first member that is there says it.
const WHEN: [&str; 6] = ["config", "collection", "prefix", "path", "stream", "msgType"];

/// `triggers`: with what comes next.
pub async fn list(client: &Client, json: bool) -> Result<()> {
    let answer = client.ask_api(Method::GET, &["triggers"], None).await?;
    let list = answer["triggers"].as_array().cloned().unwrap_or_default();
    if json {
        terminal::line(&Json::Array(list).to_string());
        return Ok(());
    }
    let row = |it: &Json| {
        let when = WHEN.iter().find_map(|name| it[*name].as_str()).unwrap_or_default();
        let latest = &it["latest"];
        let latest = match latest.is_object() {
            true => format!("{} {}", plain(&latest["tick"]), plain(&latest["state"])),
            false => String::new(),
        };
        [
            plain(&it["function"]),
            plain(&it["name"]),
            plain(&it["type"]),
            when.to_owned(),
            it["next"][0].as_str().unwrap_or_default().to_owned(),
            latest,
        ]
    };
    let rows: Vec<_> = list.iter().map(row).collect();
    table(["FUNCTION", "NAME", "TYPE", "WHEN", "NEXT", "LATEST"], &rows);
    Ok(())
}

/// `invoke NAME --timer TRIGGER`: prints what the function returns.
pub async fn fire(client: &Client, function: &str, timer: &str) -> Result<()> {
    let body = json!({ "timer": timer });
    let path = ["functions", function, "invoke"];
    let answer = client.ask_api(Method::POST, &path, Some(&body)).await?;
    terminal::line(&answer["result"].to_string());
    Ok(())
}

/// `dead-letters list | retry | delete`; `retry` prints the id of the asynchronous call.
pub async fn dead_letters(client: &Client, command: DeadLettersCommand) -> Result<()> {
    match command {
        DeadLettersCommand::List { limit, json } => {
            let limit = limit.map(|limit| limit.to_string());
            let query: Vec<_> = limit.iter().map(|limit| ("limit", limit.as_str())).collect();
            let request = client.api(Method::GET, &["dead-letters"], &query);
            let answer = client.read(request).await?;
            let list = answer["deadLetters"].as_array().cloned().unwrap_or_default();
            if json {
                terminal::line(&Json::Array(list).to_string());
                return Ok(());
            }
            let rows: Vec<_> = list.iter().map(row).collect();
            table(["ID", "AT", "FUNCTION", "TRIGGER", "ATTEMPTS", "ERROR"], &rows);
            Ok(())
        }
        DeadLettersCommand::Retry { id } => {
            let path = ["dead-letters", &id, "retry"];
            let answer = client.ask_api(Method::POST, &path, None).await?;
            terminal::line(&plain(&answer["id"]));
            Ok(())
        }
        DeadLettersCommand::Delete { id } => {
            client.ask_api(Method::DELETE, &["dead-letters", &id], None).await.map(drop)
        }
    }
}

fn row(letter: &Json) -> [String; 6] {
    let error = letter["error"].as_str().unwrap_or_default();
    [
        plain(&letter["id"]),
        terminal::time(letter["at"].as_i64().unwrap_or_default()),
        plain(&letter["function"]),
        plain(&letter["trigger"]),
        plain(&letter["attempts"]),
        error.lines().next().unwrap_or_default().to_owned(),
    ]
}
