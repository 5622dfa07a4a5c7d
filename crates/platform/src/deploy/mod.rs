//! Putting a project into an environment: collections and their permissions, storage, hosting,
//! functions.

mod function;
mod hosting;
mod index;
mod project;
mod settings;
mod upload;

use std::sync::Arc;

use crate::caller::Context;
use crate::database::check_privileged;
use crate::environment::Environment;
use crate::error::{Code, Error, Result};
use crate::http;
use crate::indexes;
use crate::services;

pub use function::{
    Deploy, Deployed, VERSIONS_KEPT, deploy_for, deploy_function, remove_function, remove_latest,
};
pub use functions::{Bundle, DeployReport, FunctionInfo, Source, UnsupportedCall, Zip};
pub(crate) use hosting::restore as restore_site;
pub use hosting::{Hosted, host_folder, host_zip, hosted};
pub use index::Index;
pub use project::{CollectionSettings, ProjectSettings, StorageSettings};
pub use settings::{
    FunctionKind, FunctionSettings, Network, Permissions, VARIABLES_BYTES_MAX, check_variable_name,
};
pub(crate) use upload::clean as clean_uploads;
pub use upload::{UPLOAD_BYTES_MAX, Upload, Uploaded};

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

/// The functions in service.
pub fn list_functions(environment: &Environment) -> Vec<FunctionInfo> {
    environment.functions().list(environment.id())
}

/// How many workers serve a function now, and how many calls wait for one.
pub fn load_of(environment: &Environment, name: &str) -> (usize, usize) {
    let served = environment.functions().versions(environment.id(), name);
    served.iter().fold((0, 0), |(workers, queued), it| (workers + it.workers, queued + it.queued))
}

/// Applies what a project says, for its operator; indexes are filled in the background.
///
/// # Errors
/// [`Code::InvalidParameter`] for what [`ProjectSettings::check`] finds; then nothing is applied.
pub async fn apply_project(context: &Context, settings: &ProjectSettings) -> Result<()> {
    check_privileged(context)?;
    settings.check().map_err(|message| Error::new(Code::InvalidParameter, message))?;
    apply_settings(&context.environment, settings).await?;
    let (environment, wanted) = (Arc::clone(&context.environment), settings.indexes());
    tokio::spawn(async move { indexes::apply(&environment, &wanted).await });
    Ok(())
}

/// How many workers wait for a function to run.
pub fn waiting_workers(environment: &Environment) -> usize {
    environment.functions().waiting_workers()
}
