//! Versions and aliases on the command line.

use anyhow::{Result, anyhow};
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::names;
use crate::arguments::AliasCommand;
use crate::client::Client;
use crate::language::localized;
use crate::terminal::{self, plain, table};

/// `versions NAME`.
pub async fn list(client: &Client, name: &str, json: bool) -> Result<()> {
    let answer = client.ask_api(Method::GET, &["functions", name, "versions"], None).await?;
    let list = answer["versions"].as_array().cloned().unwrap_or_default();
    if json {
        terminal::line(&Json::Array(list).to_string());
        return Ok(());
    }
    let row = |it: &Json| {
        let at = plain(&it["deployedAt"]);
        let hash = plain(&it["contentHash"]).chars().take(12).collect();
        [plain(&it["version"]), at, hash, names(&it["aliases"], "name"), plain(&it["description"])]
    };
    let rows: Vec<_> = list.iter().map(row).collect();
    table(["VERSION", "DEPLOYED", "CONTENT", "ALIASES", "DESCRIPTION"], &rows);
    Ok(())
}

/// `publish NAME`: prints the number.
pub async fn publish(client: &Client, name: &str, description: &str) -> Result<()> {
    let body = json!({ "description": description });
    let path = ["functions", name, "versions"];
    let answer = client.ask_api(Method::POST, &path, Some(&body)).await?;
    terminal::line(&answer["version"].to_string());
    Ok(())
}

/// `rollback NAME`: prints the number that `$LATEST` is now.
pub async fn roll_back(client: &Client, name: &str, to: Option<u64>) -> Result<()> {
    let path = ["functions", name, "rollback"];
    let answer = client.ask_api(Method::POST, &path, Some(&json!({ "to": to }))).await?;
    terminal::line(&answer["version"].to_string());
    for notice in answer["notices"].as_array().into_iter().flatten() {
        terminal::line(&localized(&plain(notice)));
    }
    Ok(())
}

/// `alias list | set | delete`.
pub async fn alias(client: &Client, command: AliasCommand) -> Result<()> {
    match command {
        AliasCommand::List { name, json } => {
            let answer = client.ask_api(Method::GET, &["functions", &name], None).await?;
            let list = answer["aliases"].as_array().cloned().unwrap_or_default();
            if json {
                terminal::line(&Json::Array(list).to_string());
                return Ok(());
            }
            let row =
                |it: &Json| [plain(&it["name"]), split(&it["split"]), plain(&it["description"])];
            let rows: Vec<_> = list.iter().map(row).collect();
            table(["ALIAS", "VERSIONS", "DESCRIPTION"], &rows);
            Ok(())
        }
        AliasCommand::Set { name, alias, versions, description } => {
            let shares = versions.iter().map(|it| share(it, versions.len() == 1));
            let split = shares.collect::<Result<Vec<_>>>()?;
            let body = json!({ "description": description, "split": split });
            let path = ["functions", &name, "aliases", &alias];
            client.ask_api(Method::PUT, &path, Some(&body)).await.map(drop)
        }
        AliasCommand::Delete { name, alias } => {
            let path = ["functions", &name, "aliases", &alias];
            client.ask_api(Method::DELETE, &path, None).await.map(drop)
        }
    }
}

/// `2=10`, or `2` when it is the only one.
fn share(text: &str, is_only: bool) -> Result<Json> {
    let wrong = || {
        anyhow!(
            "'{text}' is no share: write VERSION=PERCENT, such as 1=90 2=10. / 「{text}」不合法:应写作 \
             版本=百分比,例如 1=90 2=10。"
        )
    };
    let (version, weight) = match text.split_once('=') {
        Some((version, weight)) => (version, weight.parse::<u32>().map_err(|_| wrong())?),
        None if is_only => (text, 100),
        None => return Err(wrong()),
    };
    Ok(json!({ "version": version, "weight": weight }))
}

fn split(split: &Json) -> String {
    let shares = split.as_array().map(Vec::as_slice).unwrap_or_default();
    let share = |it: &Json| format!("{}={}", plain(&it["version"]), it["weight"]);
    shares.iter().map(share).collect::<Vec<_>>().join(" ")
}
