//! `yunkai deploy`: a project into a running server. Only what changed is sent; one function that
//! is refused keeps none of the others from being deployed.

mod archive;
mod glob;
mod report;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, anyhow, bail};
use indicatif::ProgressBar;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value as Json, json};

use crate::arguments::{self, How};
use crate::client::Client;
use crate::project::{Project, ProjectFunction};
use archive::Selection;

/// Deploys a project.
pub async fn run(deploy: arguments::Deploy) -> Result<()> {
    let project = Project::read(&deploy.dir)?;
    let mut target = deploy.target;
    target.data = target.data.or_else(|| Some(deploy.dir.join(".yunkai")));
    let client = Client::find(target)?;
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(std::time::Duration::from_millis(100));
    bar.set_message("yunkai.json");
    let settings = serde_json::to_value(&project.settings)?;
    client.ask_api(Method::PUT, &["project"], Some(&settings)).await?;
    let known = known(&client).await?;
    let mut lines = Vec::new();
    for (name, function) in project.functions()? {
        bar.set_message(name.clone());
        let outcome = match function {
            Ok(function) => send(&client, &function, known.get(&name), &deploy.how).await,
            Err(error) => Err(error),
        };
        let line = report::line(&name, outcome);
        if !deploy.json {
            bar.suspend(|| report::print(&line));
        }
        lines.push(line);
    }
    let hosting = match &project.hosting {
        Some(folder) => {
            bar.set_message("hosting");
            Some(report::hosting(host(&client, folder).await))
        }
        None => None,
    };
    bar.finish_and_clear();
    if deploy.json {
        crate::terminal::line(&json!({ "functions": lines, "hosting": hosting }).to_string());
    } else {
        hosting.iter().for_each(report::print_hosting);
        let others = known.keys().filter(|name| lines.iter().all(|it| it["name"] != name.as_str()));
        report::print_others(&others.cloned().collect::<Vec<_>>());
    }
    refused(lines.iter().chain(&hosting))
}

/// Deploys one function of a project.
pub async fn one(
    client: &Client,
    project: &Project,
    name: &str,
    how: &How,
    json: bool,
) -> Result<()> {
    let mut functions = project.functions()?.into_iter();
    let Some((_, function)) = functions.find(|(found, _)| found == name) else {
        bail!(
            "This project has no function \"{name}\": --dir names another project folder. / 项目中没有\
             云函数“{name}”:可用 --dir 指定其他项目目录。"
        );
    };
    let known = known(client).await?;
    let outcome = match function {
        Ok(function) => send(client, &function, known.get(name), how).await,
        Err(error) => Err(error),
    };
    let line = report::line(name, outcome);
    if json {
        crate::terminal::line(&line.to_string());
    } else {
        report::print(&line);
    }
    refused(std::iter::once(&line))
}

fn refused<'a>(lines: impl Iterator<Item = &'a Json>) -> Result<()> {
    let refused: Vec<_> =
        lines.filter(|line| line["refused"].is_string()).map(|line| &line["name"]).collect();
    if refused.is_empty() {
        return Ok(());
    }
    let names = refused.iter().filter_map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
    Err(anyhow!(
        "Not deployed: {names}. What the server had of it is still in service. / 未部署:{names}。服务器上\
         原有的内容仍在运行。"
    ))
}

/// What the server has of each function it can call: `sourceHash` and `settings`.
async fn known(client: &Client) -> Result<BTreeMap<String, Json>> {
    let answer = client.ask_api(Method::GET, &["functions"], None).await?;
    let list = answer["functions"].as_array().cloned().unwrap_or_default();
    let known = |it: Json| {
        // What cannot be called must be sent again.
        let latest = if it["refused"].is_string() { Json::Null } else { it["latest"].clone() };
        Some((it["name"].as_str()?.to_owned(), latest))
    };
    Ok(list.into_iter().filter_map(known).collect())
}

/// Sends a function: its code only when the server has another, or would build it otherwise.
async fn send(
    client: &Client,
    function: &ProjectFunction,
    latest: Option<&Json>,
    how: &How,
) -> Result<Json> {
    let mut ignored = function.ignored.clone();
    if function.settings.install_dependency == Some(true) {
        ignored.push("node_modules/**".to_owned());
    }
    let (folder, name) = (function.folder.clone(), function.name.clone());
    let selection = blocking(move || {
        let selection = Selection::of(&folder, &ignored)?;
        let hash = selection.hash()?;
        Ok((selection, hash))
    });
    let (selection, hash) = selection.await?;
    let settings = serde_json::to_string(&function.settings)?;
    let has_it = latest.is_some_and(|latest| {
        let kept = serde_json::from_value(latest["settings"].clone());
        let alike = kept
            .is_ok_and(|it: platform::deploy::FunctionSettings| it.builds_like(&function.settings));
        latest["sourceHash"] == hash && alike && !how.strict
    });
    let mut form = Form::new().text("settings", settings).text("sourceHash", hash);
    if how.strict {
        form = form.text("strict", "true");
    }
    if !how.no_publish {
        form = form.text("publish", how.description.clone());
    }
    if !has_it {
        let zip = blocking(move || selection.zip()).await?;
        form = form.part("code", Part::bytes(zip).mime_str("application/zip")?);
    }
    client.read(client.api(Method::PUT, &["functions", &name], &[]).multipart(form)).await
}

/// Sends the site, unless the server has it.
async fn host(client: &Client, folder: &Path) -> Result<Json> {
    if !folder.is_dir() {
        bail!(
            "The folder of the site does not exist: {0}. Build the front end first. / 网站目录不存在:\
             {0}。请先构建前端。",
            folder.display()
        );
    }
    let folder = folder.to_owned();
    let selection = blocking(move || {
        let selection = Selection::of(&folder, &[])?;
        let hash = selection.hash()?;
        Ok((selection, hash))
    });
    let (selection, hash) = selection.await?;
    let hosted = client.ask_api(Method::GET, &["hosting"], None).await?;
    if hosted["sourceHash"] == hash {
        return Ok(json!({ "changed": false }));
    }
    let zip = blocking(move || selection.zip()).await?;
    let request = client.api(Method::PUT, &["hosting"], &[("sourceHash", &hash)]).body(zip);
    client.read(request).await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await?
}
