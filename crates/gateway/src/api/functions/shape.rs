//! Functions as clients of the API and the console read them. Values of secrets are not in here.

use platform::Environment;
use platform::deploy;
use platform::releases::{self, Entry, LATEST, Release};
use serde_json::{Value as Json, json};

/// Every function, and how many workers wait for one.
pub fn list(environment: &Environment) -> Json {
    let entries = releases::all(environment);
    let functions: Vec<_> = entries.iter().map(|entry| function(environment, entry)).collect();
    json!({ "functions": functions, "waitingWorkers": deploy::waiting_workers(environment) })
}

/// One function.
pub fn function(environment: &Environment, entry: &Entry) -> Json {
    let (workers, queued) = deploy::load_of(environment, &entry.name);
    let mut shape = json!({
        "name": entry.name,
        "version": entry.latest.as_ref().and_then(|latest| latest.version),
        "workers": workers,
        "queued": queued,
        "latest": entry.latest.as_ref().map(release),
        "versions": versions(environment, entry),
        "aliases": aliases(entry),
    });
    let label = entry.latest.as_ref().map(|_| LATEST);
    if let Some(reason) = label.and_then(|it| releases::reason(environment, &entry.name, it)) {
        shape["refused"] = reason.into();
    }
    shape
}

/// The numbered versions, newest first.
pub fn versions(environment: &Environment, entry: &Entry) -> Vec<Json> {
    let version = |(number, it): (&u64, &releases::Version)| {
        let label = number.to_string();
        let mut shape = release(&it.release);
        shape["version"] = (*number).into();
        shape["description"] = it.description.as_str().into();
        shape["aliases"] = entry.aliases_of(&label).collect::<Vec<_>>().into();
        if let Some(reason) = releases::reason(environment, &entry.name, &label) {
            shape["refused"] = reason.into();
        }
        shape
    };
    entry.versions.iter().rev().map(version).collect()
}

fn release(release: &Release) -> Json {
    let mut shape = json!({
        "contentHash": release.content_hash,
        "deployedAt": value::ejson::print_date(release.at_ms),
        "settings": serde_json::to_value(&release.settings).unwrap_or_default(),
    });
    if let Some(version) = release.version {
        shape["version"] = version.into();
    }
    if let Some(hash) = &release.source_hash {
        shape["sourceHash"] = hash.as_str().into();
    }
    shape
}

fn aliases(entry: &Entry) -> Vec<Json> {
    let mut shapes = Vec::new();
    for (name, alias) in &entry.aliases {
        let (description, split) = (&alias.description, &alias.split);
        shapes.push(json!({ "name": name, "description": description, "split": split }));
    }
    shapes
}
