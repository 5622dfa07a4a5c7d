//! `yunkai database`: collections of a running server.

mod export;
mod import;
mod indexes;

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::arguments::{Database, DatabaseCommand, Question};
use crate::client::Client;
use crate::terminal::{self, plain, table};

/// Runs a command.
pub async fn run(database: Database) -> Result<()> {
    let client = Client::find(database.target)?;
    match database.command {
        DatabaseCommand::Collections { json } => collections(&client, json).await,
        DatabaseCommand::Query { collection, question, json } => {
            query(&client, &collection, question, json).await
        }
        DatabaseCommand::Explain { collection, question, json } => {
            indexes::explain(&client, &collection, question, json).await
        }
        DatabaseCommand::Indexes(command) => indexes::run(&client, command).await,
        DatabaseCommand::Import(import) => import::run(&client, import).await,
        DatabaseCommand::Export(export) => export::run(&client, export).await,
    }
}

async fn collections(client: &Client, json: bool) -> Result<()> {
    let answer = client.ask(Method::GET, &["collections"], None).await?;
    let list = answer["collections"].as_array().cloned().unwrap_or_default();
    if json {
        terminal::line(&Json::Array(list).to_string());
        return Ok(());
    }
    let rows: Vec<[String; 3]> =
        list.iter().map(|it| ["name", "documents", "acl"].map(|key| plain(&it[key]))).collect();
    table(["NAME", "DOCUMENTS", "ACL"], &rows);
    Ok(())
}

async fn query(client: &Client, collection: &str, question: Question, json: bool) -> Result<()> {
    let body = question_body(&question);
    let path = ["collections", collection, "query"];
    let answer = client.ask(Method::POST, &path, Some(&body)).await?;
    let list = answer["documents"].as_array().cloned().unwrap_or_default();
    if json {
        terminal::line(&Json::Array(list).to_string());
    } else {
        list.iter().for_each(|document| terminal::line(&document.to_string()));
    }
    Ok(())
}

/// The parameters that say which documents; the server reads the texts.
fn question_body(question: &Question) -> Json {
    let mut body = json!({});
    let texts = [("filter", &question.filter), ("sort", &question.sort)];
    for (name, text) in texts {
        if let Some(text) = text {
            body[name] = text.as_str().into();
        }
    }
    if !question.fields.is_empty() {
        let fields = question.fields.iter().map(|field| (field.clone(), Json::from(1)));
        body["projection"] = Json::Object(fields.collect());
    }
    for (name, number) in [("skip", question.skip), ("limit", question.limit)] {
        if let Some(number) = number {
            body[name] = number.into();
        }
    }
    body
}
