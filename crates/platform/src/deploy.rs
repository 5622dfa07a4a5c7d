//! Putting a project into an environment: collections and their permissions, storage, hosting,
//! functions.

use std::collections::BTreeMap;
use std::path::PathBuf;

use functions::{DeployReport, Package};
use rules::Acl;

use crate::environment::Environment;
use crate::error::{Code, Error, Result};
use crate::indexes::IndexSpec;
use crate::journal::Event;

pub use functions::{FunctionInfo, Settings as FunctionSettings, Source};

/// What a project folder says beside its functions.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct ProjectSettings {
    /// Collections to create, with their permission mode.
    pub collections: Vec<(String, Acl)>,
    /// The indexes of each of these collections, names filled in.
    pub indexes: BTreeMap<String, Vec<IndexSpec>>,
    /// The permission mode of files; unchanged when absent.
    pub storage: Option<Acl>,
    /// The folder of the hosted site.
    pub hosting: Option<PathBuf>,
}

/// Applies the settings; creating what exists already is no error.
pub async fn apply_settings(environment: &Environment, settings: &ProjectSettings) -> Result<()> {
    for (name, acl) in &settings.collections {
        match environment.engine().create_collection(name).await {
            Ok(()) | Err(engine::Error::CollectionExists { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        environment.access().set_collection(name, *acl).await?;
    }
    if let Some(acl) = settings.storage {
        environment.access().set_storage(acl).await?;
    }
    environment.set_hosting(settings.hosting.clone());
    Ok(())
}

/// Deploys one function from a folder and notes the outcome.
pub async fn deploy_function(
    environment: &Environment,
    name: &str,
    folder: PathBuf,
    settings: FunctionSettings,
) -> Result<DeployReport> {
    let package = Package {
        environment: environment.id().to_owned(),
        name: name.to_owned(),
        source: Source::Folder(folder),
        settings,
    };
    let outcome = environment.functions().deploy(package).await;
    let (succeeded, text) = match &outcome {
        Ok(report) => (true, report.notices.join("\n")),
        Err(error) => (false, error.to_string()),
    };
    environment.set_refusal(name, (!succeeded).then(|| text.clone()));
    let unchanged = outcome.as_ref().is_ok_and(|report| !report.changed);
    if !unchanged {
        environment.record(Event::Deployment { subject: name.to_owned(), succeeded, text });
    }
    outcome.map_err(|error| Error::from_room(Code::DeployRefused, error))
}

/// Takes a function out of service; running calls finish.
pub async fn remove_function(environment: &Environment, name: &str) {
    let outcome = environment.functions().remove(environment.id(), name).await;
    environment.set_refusal(name, None);
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
