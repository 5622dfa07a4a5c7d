//! Putting a project into an environment: collections and their permissions, storage, hosting,
//! functions.

mod index;
mod project;
mod settings;

use std::path::PathBuf;

use functions::{DeployReport, Package};

use crate::environment::Environment;
use crate::error::{Code, Error, Result};
use crate::http;
use crate::journal::Event;
use crate::services;
use crate::triggers::{self, TriggerSpec};

pub use functions::{FunctionInfo, Source};
pub use index::Index;
pub use project::{CollectionSettings, ProjectSettings, StorageSettings};
pub use settings::{FunctionKind, FunctionSettings, Permissions};

/// Applies what a project says of collections and files; creating what exists already is no error.
pub async fn apply_settings(environment: &Environment, settings: &ProjectSettings) -> Result<()> {
    for (name, collection) in &settings.collections {
        match environment.engine().create_collection(name).await {
            Ok(()) | Err(engine::Error::CollectionExists { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let acl = collection.acl.unwrap_or_default();
        environment.access().set_collection(name, acl).await?;
    }
    if let Some(acl) = settings.storage.as_ref().and_then(|storage| storage.acl) {
        environment.access().set_storage(acl).await?;
    }
    http::apply(environment, &settings.routes).await?;
    services::apply(environment, &settings.services).await?;
    Ok(())
}

/// Serves the site in a folder of this machine, or none.
pub fn host_folder(environment: &Environment, folder: Option<PathBuf>) {
    environment.set_hosting(folder);
}

/// Deploys one function from a folder and notes the outcome.
pub async fn deploy_function(
    environment: &Environment,
    name: &str,
    folder: PathBuf,
    settings: &FunctionSettings,
) -> Result<DeployReport> {
    let package = Package {
        environment: environment.id().to_owned(),
        name: name.to_owned(),
        version: functions::LATEST.to_owned(),
        source: Source::Folder(folder),
        settings: settings.run(),
    };
    let outcome = deploy_package(environment, package, &settings.triggers).await;
    let (succeeded, text) = match &outcome {
        Ok(report) => (true, words_of(report)),
        Err(error) => (false, error.to_string()),
    };
    environment.set_refusal(name, (!succeeded).then(|| text.clone()));
    let unchanged = outcome.as_ref().is_ok_and(|report| !report.changed);
    if !unchanged {
        environment.record(Event::Deployment { subject: name.to_owned(), succeeded, text });
    }
    outcome
}

/// The triggers are checked before and kept after: nothing is half deployed.
async fn deploy_package(
    environment: &Environment,
    package: Package,
    triggers: &[TriggerSpec],
) -> Result<DeployReport> {
    let name = package.name.clone();
    triggers::check(&name, triggers)
        .map_err(|error| Error::new(Code::DeployRefused, error.message()))?;
    let deployed = environment.functions().deploy(package).await;
    let report = deployed.map_err(|error| Error::from_room(Code::DeployRefused, error))?;
    triggers::apply(environment, &name, triggers).await?;
    Ok(report)
}

/// What a developer should read about a deploy, a line each.
fn words_of(report: &DeployReport) -> String {
    let unsupported = report.unsupported.iter().map(functions::UnsupportedCall::sentence);
    let all: Vec<String> = report.notices.iter().cloned().chain(unsupported).collect();
    all.join("\n")
}

/// Takes a function out of service; running calls finish.
pub async fn remove_function(environment: &Environment, name: &str) {
    let outcome = environment.functions().remove(environment.id(), name).await;
    environment.set_refusal(name, None);
    if let Err(error) = triggers::apply(environment, name, &[]).await {
        tracing::warn!(%error, function = name, "its triggers could not be taken away");
    }
    let (succeeded, text) = match outcome {
        Ok(()) => (true, "Removed. / 已移除。".to_owned()),
        Err(error) => (false, error.to_string()),
    };
    environment.record(Event::Deployment { subject: name.to_owned(), succeeded, text });
}

/// The functions in service.
pub fn list_functions(environment: &Environment) -> Vec<FunctionInfo> {
    environment.functions().list(environment.id())
}

/// How many workers wait for a function to run.
pub fn waiting_workers(environment: &Environment) -> usize {
    environment.functions().waiting_workers()
}
