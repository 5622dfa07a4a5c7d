//! `yunkai functions`: functions of a running server.

mod triggers;
mod versions;

use std::io::Read;

use anyhow::{Context, Result, bail};
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::arguments::{Functions, FunctionsCommand, SecretsCommand};
use crate::client::Client;
use crate::terminal::{self, plain, table};
use crate::{deploy, logs, project};

/// Runs a command.
pub async fn run(functions: Functions) -> Result<()> {
    let client = Client::find(functions.target.into())?;
    match functions.command {
        FunctionsCommand::List { json } => list(&client, json).await,
        FunctionsCommand::Deploy { name, dir, how, json } => {
            let project = project::Project::read(&dir)?;
            deploy::one(&client, &project, &name, &how, json).await
        }
        FunctionsCommand::Invoke { name, timer: Some(timer), .. } => {
            triggers::fire(&client, &name, &timer).await
        }
        FunctionsCommand::Invoke { name, data, user, qualifier, later, timer: None, push } => {
            let how = json!({ "as": user, "qualifier": qualifier, "async": later, "push": push });
            invoke(&client, &name, &data, how).await
        }
        FunctionsCommand::Triggers { json } => triggers::list(&client, json).await,
        FunctionsCommand::DeadLetters(command) => triggers::dead_letters(&client, command).await,
        FunctionsCommand::Logs { name, wanted } => {
            logs::print(&client, name.as_deref(), &wanted).await
        }
        FunctionsCommand::Versions { name, json } => versions::list(&client, &name, json).await,
        FunctionsCommand::Publish { name, description } => {
            versions::publish(&client, &name, &description).await
        }
        FunctionsCommand::Alias(command) => versions::alias(&client, command).await,
        FunctionsCommand::Rollback { name, to } => versions::roll_back(&client, &name, to).await,
        FunctionsCommand::Delete { name, version } => {
            let version = version.map(|version| version.to_string());
            let mut path = vec!["functions", &name];
            path.extend(version.iter().flat_map(|version| ["versions", version]));
            client.ask_api(Method::DELETE, &path, None).await.map(drop)
        }
        FunctionsCommand::Secrets(command) => secrets(&client, command).await,
    }
}

async fn list(client: &Client, json: bool) -> Result<()> {
    let answer = client.ask_api(Method::GET, &["functions"], None).await?;
    let list = answer["functions"].as_array().cloned().unwrap_or_default();
    if json {
        terminal::line(&Json::Array(list).to_string());
        return Ok(());
    }
    let row = |it: &Json| {
        let versions = it["versions"].as_array().map_or(0, Vec::len).to_string();
        let aliases = names(&it["aliases"], "name");
        let latest = match (&it["latest"], &it["version"]) {
            (Json::Null, _) => "-".to_owned(),
            (_, Json::Null) => "$LATEST".to_owned(),
            (_, version) => version.to_string(),
        };
        [plain(&it["name"]), latest, versions, aliases, plain(&it["workers"])]
    };
    let rows: Vec<_> = list.iter().map(row).collect();
    table(["NAME", "VERSION", "VERSIONS", "ALIASES", "WORKERS"], &rows);
    for it in list.iter().filter(|it| it["refused"].is_string()) {
        terminal::error(&plain(&it["refused"]));
    }
    Ok(())
}

/// The members of that name of every object in a list, with commas between; or texts as they are.
fn names(list: &Json, member: &str) -> String {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    let name = |it: &Json| plain(if it.is_object() { &it[member] } else { it });
    list.iter().map(name).collect::<Vec<_>>().join(", ")
}

async fn invoke(client: &Client, name: &str, data: &str, how: Json) -> Result<()> {
    let mut body = how;
    body["data"] = match serde_json::from_str(data) {
        Ok(data) => data,
        Err(error) => bail!("--data is not JSON: {error}. / --data 不是合法的 JSON:{error}。"),
    };
    let answer = client.ask_api(Method::POST, &["functions", name, "invoke"], Some(&body)).await?;
    match answer.get("result") {
        Some(result) => terminal::line(&result.to_string()),
        None => terminal::line(&plain(&answer["requestId"])),
    }
    Ok(())
}

async fn secrets(client: &Client, command: SecretsCommand) -> Result<()> {
    match command {
        SecretsCommand::Set { name } => {
            let mut value = String::new();
            std::io::stdin().read_to_string(&mut value).context("standard input")?;
            // What a shell's echo adds.
            let value = value.strip_suffix('\n').unwrap_or(&value);
            let value = value.strip_suffix('\r').unwrap_or(value);
            let body = json!({ "value": value });
            client.ask_api(Method::PUT, &["secrets", &name], Some(&body)).await.map(drop)
        }
        SecretsCommand::List { json } => {
            let answer = client.ask_api(Method::GET, &["secrets"], None).await?;
            let list = answer["secrets"].as_array().cloned().unwrap_or_default();
            if json {
                terminal::line(&Json::Array(list).to_string());
                return Ok(());
            }
            let row = |it: &Json| [plain(&it["name"]), names(&it["functions"], "name")];
            let rows: Vec<_> = list.iter().map(row).collect();
            table(["NAME", "FUNCTIONS"], &rows);
            Ok(())
        }
        SecretsCommand::Delete { name } => {
            client.ask_api(Method::DELETE, &["secrets", &name], None).await.map(drop)
        }
    }
}
