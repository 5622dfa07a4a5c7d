//! `yunkai database indexes` and `explain`.

use std::time::Duration;

use anyhow::{Result, anyhow};
use indicatif::ProgressBar;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::question_body;
use crate::arguments::{IndexesCommand, Question};
use crate::client::Client;
use crate::language::localized;
use crate::terminal::{self, plain, table};

/// Lists, creates or drops indexes.
pub async fn run(client: &Client, command: IndexesCommand) -> Result<()> {
    match command {
        IndexesCommand::List { collection, json } => list(client, &collection, json).await,
        IndexesCommand::Create { collection, keys, name, unique, expire_after_seconds } => {
            // The keys keep their order: it is that of importance.
            let keys: Json = serde_json::from_str(&keys)
                .map_err(|error| anyhow!("--keys: {error} / --keys 不是合法的 JSON:{error}"))?;
            let mut body = json!({ "keys": keys, "unique": unique });
            if let Some(name) = name {
                body["name"] = name.into();
            }
            if let Some(seconds) = expire_after_seconds {
                body["expireAfterSeconds"] = seconds.into();
            }
            let bar = ProgressBar::new_spinner();
            bar.enable_steady_tick(Duration::from_millis(100));
            bar.set_message(localized("filling the index … / 正在建立索引……"));
            let path = ["collections", &collection, "indexes"];
            let outcome = client.ask(Method::POST, &path, Some(&body)).await;
            bar.finish_and_clear();
            let name = plain(&outcome?["name"]);
            let done = format!("The index {name} is in use. / 索引 {name} 已启用。");
            terminal::line(&localized(&done));
            Ok(())
        }
        IndexesCommand::Drop { collection, name } => {
            let path = ["collections", &collection, "indexes", &name];
            client.ask(Method::DELETE, &path, None).await?;
            terminal::line(&localized(&format!("Dropped {name}. / 已删除索引 {name}。")));
            Ok(())
        }
    }
}

async fn list(client: &Client, collection: &str, json: bool) -> Result<()> {
    let path = ["collections", collection, "indexes"];
    let answer = client.ask(Method::GET, &path, None).await?;
    let list = answer["indexes"].as_array().cloned().unwrap_or_default();
    if json {
        terminal::line(&Json::Array(list).to_string());
        return Ok(());
    }
    let row = |it: &Json| {
        let mut notes = Vec::new();
        if it["unique"] == true {
            notes.push("unique".to_owned());
        }
        if let Some(seconds) = it["expireAfterSeconds"].as_u64() {
            notes.push(format!("expires after {seconds} s"));
        }
        [plain(&it["name"]), it["keys"].to_string(), plain(&it["state"]), notes.join(", ")]
    };
    let rows: Vec<[String; 4]> = list.iter().map(row).collect();
    table(["NAME", "KEYS", "STATE", ""], &rows);
    Ok(())
}

/// Says how a query is carried out.
pub async fn explain(
    client: &Client,
    collection: &str,
    question: Question,
    json: bool,
) -> Result<()> {
    let body = question_body(&question);
    let path = ["collections", collection, "explain"];
    let told = client.ask(Method::POST, &path, Some(&body)).await?;
    if json {
        terminal::line(&told.to_string());
        return Ok(());
    }
    for used in told["used"].as_array().into_iter().flatten() {
        let order = if used["reverse"] == true { " (reverse)" } else { "" };
        let bounds = used["bounds"].as_array().into_iter().flatten().map(|bound| {
            let intervals = bound["intervals"].as_array().into_iter().flatten().map(plain);
            format!("{}: {}", plain(&bound["path"]), intervals.collect::<Vec<_>>().join(" "))
        });
        let bounds = bounds.collect::<Vec<_>>().join("; ");
        terminal::line(&format!("{:20} {}{order}  {bounds}", "index", plain(&used["index"])));
    }
    for (label, key) in [
        ("keys examined", "keysExamined"),
        ("documents examined", "documentsExamined"),
        ("returned", "returned"),
        ("sorted in memory", "sortedInMemory"),
        ("milliseconds", "milliseconds"),
    ] {
        terminal::line(&format!("{label:20} {}", plain(&told[key])));
    }
    for rejected in told["rejected"].as_array().into_iter().flatten() {
        terminal::line(&format!("{:20} {}", "not chosen", plain(&rejected["index"])));
    }
    if !told["suggestion"].is_null() {
        let keys = &told["suggestion"];
        terminal::line(&localized(&format!(
            "An index would help: yunkai database indexes create {collection} --keys '{keys}' / \
             建议创建索引:yunkai database indexes create {collection} --keys '{keys}'"
        )));
    }
    Ok(())
}
