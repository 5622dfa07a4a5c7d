//! Serving what the catalogue says: at the start of a server, and again when secrets change.

use functions::{Settings, Stored};

use super::entry::{Entry, Release};
use super::packages;
use crate::deploy::FunctionSettings;
use crate::environment::Environment;
use crate::error::{Code, Error, Result};
use crate::journal::Event;

/// Serves everything that was deployed before, without building anything. What cannot be served is
/// reported, and its callers are told.
pub(crate) async fn restore(environment: &Environment) {
    for entry in environment.releases().list() {
        restore_entry(environment, &entry).await;
        for (label, _) in entry.releases() {
            if let Some(reason) = environment.releases().broken(&entry.name, &label) {
                tracing::error!("{}:{label}: {reason}", entry.name);
            }
        }
    }
}

/// Serves every version of a function once more, because its settings mean something else now.
pub(super) async fn serve_again(environment: &Environment, name: &str) {
    let turn = environment.releases().turn(name);
    let _turn = turn.lock().await;
    if let Some(entry) = environment.releases().get(name) {
        restore_entry(environment, &entry).await;
    }
}

async fn restore_entry(environment: &Environment, entry: &Entry) {
    for (label, release) in entry.releases() {
        serve_noting(environment, &entry.name, &label, release).await;
    }
}

/// [`serve`], which notes what went wrong.
pub(super) async fn serve_noting(
    environment: &Environment,
    name: &str,
    label: &str,
    release: &Release,
) {
    let Err(error) = serve(environment, name, label, release).await else { return };
    let (subject, text) = (format!("{name}:{label}"), error.message().to_owned());
    environment.record(Event::Deployment { subject, succeeded: false, text });
}

/// Serves one version from its package. Running calls finish on what they began with.
///
/// # Errors
/// [`Code::DeployRefused`] when its package or a secret is missing; callers are told the same.
pub(crate) async fn serve(
    environment: &Environment,
    name: &str,
    label: &str,
    release: &Release,
) -> Result<()> {
    let outcome = try_serve(environment, name, label, release).await;
    let reason = outcome.as_ref().err().map(|error| error.message().to_owned());
    environment.releases().set_broken(name, label, reason);
    outcome
}

async fn try_serve(
    environment: &Environment,
    name: &str,
    label: &str,
    release: &Release,
) -> Result<()> {
    let stored = Stored {
        environment: environment.id().to_owned(),
        name: name.to_owned(),
        version: label.to_owned(),
        content_hash: release.content_hash.clone(),
        settings: with_secrets(environment, &release.settings)?,
    };
    packages::fetch(environment, &release.content_hash).await?;
    let restored = environment.functions().restore(stored).await;
    restored.map_err(|error| Error::from_room(Code::DeployRefused, error))
}

/// What a function runs with: its settings, and its secrets as variables.
///
/// # Errors
/// [`Code::DeployRefused`] when a secret is not set.
pub(crate) fn with_secrets(
    environment: &Environment,
    settings: &FunctionSettings,
) -> Result<Settings> {
    let mut run = settings.run();
    for name in &settings.secrets {
        let Some(value) = environment.secrets().get(name) else {
            return Err(Error::new(
                Code::DeployRefused,
                format!(
                    "The secret '{name}' is not set: `yunkai functions secrets set {name}` reads \
                     its value from the standard input. / 密钥「{name}」尚未设置:请运行 `yunkai \
                     functions secrets set {name}`(从标准输入读取内容)。"
                ),
            ));
        };
        run.variables.retain(|(existing, _)| existing != name);
        run.variables.push((name.clone(), value));
    }
    Ok(run)
}
