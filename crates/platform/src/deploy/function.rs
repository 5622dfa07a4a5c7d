//! Deploying one function: built, written down durably, then served.

use functions::{DeployReport, LATEST, Package, Prepared, Source, UnsupportedCall};

use super::FunctionSettings;
use crate::caller::Context;
use crate::database::check_privileged;
use crate::environment::Environment;
use crate::error::{Code, Error, Result};
use crate::journal::Event;
use crate::releases::{Entry, Release, learn_in_turn, serve, share, with_secrets, withdraw};
use crate::triggers;

/// How many numbered versions are kept when deploys publish them; versions that an alias leads to
/// are kept beyond.
pub const VERSIONS_KEPT: usize = 20;

/// A function to deploy.
#[derive(Debug, Clone)]
pub struct Deploy {
    /// Its name.
    pub name: String,
    /// Its code; absent when it is what `source_hash` says was sent before.
    pub source: Option<Source>,
    /// The hash of the code as it was sent.
    pub source_hash: Option<String>,
    /// How it runs.
    pub settings: FunctionSettings,
    /// Refuse code with calls that are not supported here.
    pub is_strict: bool,
    /// Make a numbered version of what changed, described like this.
    pub publish: Option<String>,
}

/// What a deploy did.
#[derive(Debug, Clone)]
pub struct Deployed {
    /// False when code and settings are what was deployed before.
    pub changed: bool,
    /// The numbered version that `$LATEST` is, if it is one.
    pub version: Option<u64>,
    /// What was found out about the package; nothing when no code was sent.
    pub report: Option<DeployReport>,
    /// The package's content hash.
    pub content_hash: String,
}

/// Deploys a function for its operator; see [`deploy_function`].
///
/// # Errors
/// As there, and [`Code::DatabasePermissionDenied`] for callers without privileges.
pub async fn deploy_for(context: &Context, deploy: Deploy) -> Result<Deployed> {
    check_privileged(context)?;
    deploy_function(&context.environment, deploy).await
}

/// Deploys a function and notes the outcome. What was deployed before serves until the new package
/// is complete and the catalogue says so, durably; running calls finish on it.
///
/// # Errors
/// [`Code::DeployRefused`] says what to mend; nothing is changed then.
pub async fn deploy_function(environment: &Environment, deploy: Deploy) -> Result<Deployed> {
    let turn = environment.releases().turn(&deploy.name);
    let _turn = turn.lock().await;
    let name = deploy.name.clone();
    let outcome = try_deploy(environment, deploy).await;
    let (succeeded, text) = match &outcome {
        Ok(deployed) => (true, remarks(deployed)),
        Err(error) => (false, error.message().to_owned()),
    };
    environment.set_refusal(&name, (!succeeded).then(|| text.clone()));
    if outcome.as_ref().map_or(true, |deployed| deployed.changed) {
        environment.record(Event::Deployment { subject: name, succeeded, text });
    }
    outcome
}

fn remarks(deployed: &Deployed) -> String {
    let Some(report) = &deployed.report else { return String::new() };
    let unsupported = report.unsupported.iter().map(UnsupportedCall::sentence);
    report.notices.iter().cloned().chain(unsupported).collect::<Vec<_>>().join("\n")
}

async fn try_deploy(environment: &Environment, deploy: Deploy) -> Result<Deployed> {
    let releases = environment.releases();
    let name = deploy.name.clone();
    learn_in_turn(environment, &name).await?;
    let before = releases.get(&name).map_or_else(Entry::default, |entry| Entry::clone(&entry));
    let before = Entry { name: name.clone(), ..before };
    let (content_hash, prepared) = prepare(environment, &deploy, &before).await?;
    let at_ms = environment.now_ms();
    let Deploy { source_hash, settings, publish, .. } = deploy;
    let release = Release { content_hash, source_hash, settings, at_ms, version: None };
    let planned = plan(&before, release, publish);
    if planned.entry != before {
        share(environment, &planned.release.content_hash).await?;
        releases.put(planned.entry.clone()).await?;
    }
    let report = match prepared {
        Some(prepared) => {
            let served = environment.functions().serve(prepared).await;
            releases.set_broken(&name, LATEST, None);
            Some(served.map_err(|it| Error::from_room(Code::DeployRefused, it))?)
        }
        None => {
            serve(environment, &name, LATEST, &planned.release).await?;
            None
        }
    };
    let triggers = &planned.release.settings.triggers;
    triggers::apply(environment, &name, triggers).await?;
    if let Some(number) = planned.published {
        serve(environment, &name, &number.to_string(), &planned.release).await?;
    }
    for (label, release) in planned.entry.releases() {
        // Its package may be the one that was made now.
        if releases.broken(&name, &label).is_some() {
            // It stays broken, with the reason.
            let _ = serve(environment, &name, &label, release).await;
        }
    }
    for number in planned.forgotten {
        withdraw(environment, &name, &number.to_string()).await;
    }
    if planned.changed {
        environment.tidy_packages();
    }
    let version = planned.entry.latest.as_ref().and_then(|latest| latest.version);
    let content_hash = planned.release.content_hash;
    Ok(Deployed { changed: planned.changed, version, report, content_hash })
}

/// Builds the package, or finds the one made of what was sent before.
async fn prepare(
    environment: &Environment,
    deploy: &Deploy,
    before: &Entry,
) -> Result<(String, Option<Prepared>)> {
    let Deploy { name, source, source_hash, settings, is_strict, publish: _ } = deploy;
    settings.check().map_err(|message| Error::new(Code::DeployRefused, message))?;
    triggers::check(name, &settings.triggers)
        .map_err(|error| Error::new(Code::DeployRefused, error.message()))?;
    let run = with_secrets(environment, settings)?;
    let Some(source) = source.clone() else {
        return Ok((sent_before(before, source_hash.as_deref(), settings)?, None));
    };
    let package = Package {
        environment: environment.id().to_owned(),
        name: name.clone(),
        version: LATEST.to_owned(),
        source,
        settings: run,
    };
    let prepared = environment.functions().prepare(package).await;
    let prepared = prepared.map_err(|it| Error::from_room(Code::DeployRefused, it))?;
    if *is_strict && !prepared.unsupported().is_empty() {
        return Err(unsupported(prepared.unsupported()));
    }
    Ok((prepared.content_hash().to_owned(), Some(prepared)))
}

/// What the catalogue will say.
struct Planned {
    entry: Entry,
    /// What `$LATEST` will be.
    release: Release,
    changed: bool,
    /// The numbered version that is made.
    published: Option<u64>,
    /// Numbered versions that are too old to be kept.
    forgotten: Vec<u64>,
}

fn plan(before: &Entry, mut release: Release, publish: Option<String>) -> Planned {
    let mut entry = before.clone();
    let same = before.latest.as_ref().filter(|latest| latest.is_same(&release));
    let changed = same.is_none();
    if let Some(same) = same {
        release.version = same.version;
        release.at_ms = same.at_ms;
    }
    entry.latest = Some(release.clone());
    let unpublished = publish.filter(|_| release.version.is_none());
    let published = unpublished.and_then(|description| entry.publish(description));
    let forgotten = published.map(|_| entry.forget_old(VERSIONS_KEPT)).unwrap_or_default();
    Planned { entry, release, changed, published, forgotten }
}

/// The package made of what was sent before, when the settings ask for the same package.
fn sent_before(
    entry: &Entry,
    source_hash: Option<&str>,
    settings: &FunctionSettings,
) -> Result<String> {
    let before = entry.latest.as_ref().filter(|before| {
        source_hash.is_some()
            && before.source_hash.as_deref() == source_hash
            && before.settings.builds_like(settings)
    });
    before.map(|before| before.content_hash.clone()).ok_or_else(|| {
        Error::new(
            Code::InvalidParameter,
            "The code of this function is needed: what was sent before is another. / 需要上传云函数代码:\
             与之前上传的内容不同。",
        )
    })
}

fn unsupported(calls: &[UnsupportedCall]) -> Error {
    let sentences: Vec<_> = calls.iter().map(UnsupportedCall::sentence).collect();
    let parts: Vec<_> = sentences.iter().filter_map(|it| it.split_once(" / ")).collect();
    let english: Vec<_> = parts.iter().map(|(english, _)| *english).collect();
    let chinese: String = parts.iter().map(|(_, chinese)| *chinese).collect();
    Error::new(Code::DeployRefused, format!("{} / {chinese}", english.join(" ")))
}

/// Takes a function out of service with all its versions; running calls finish.
///
/// # Errors
/// [`Code::FunctionMissing`] when there is none.
pub async fn remove_function(environment: &Environment, name: &str) -> Result<()> {
    let turn = environment.releases().turn(name);
    let _turn = turn.lock().await;
    if environment.releases().get(name).is_none() {
        return Err(crate::releases::missing(name));
    }
    triggers::apply(environment, name, &[]).await?;
    environment.releases().remove(name).await?;
    // Nothing was in service when everything was broken.
    let _ = environment.functions().remove(environment.id(), name).await;
    environment.set_refusal(name, None);
    let text = "Removed. / 已移除。".to_owned();
    environment.record(Event::Deployment { subject: name.to_owned(), succeeded: true, text });
    environment.tidy_packages();
    Ok(())
}

/// Takes `$LATEST` of a function out of service, because its folder is gone; what was published
/// stays. One without versions is removed.
///
/// # Errors
/// What the store says.
pub async fn remove_latest(environment: &Environment, name: &str) -> Result<()> {
    let Some(entry) = environment.releases().get(name) else { return Ok(()) };
    if entry.versions.is_empty() {
        return remove_function(environment, name).await;
    }
    if entry.latest.is_none() {
        return Ok(());
    }
    let turn = environment.releases().turn(name);
    let _turn = turn.lock().await;
    let mut entry = Entry::clone(&entry);
    entry.latest = None;
    environment.releases().put(entry).await?;
    triggers::apply(environment, name, &[]).await?;
    withdraw(environment, name, LATEST).await;
    let text = "Removed; its versions stay. / 已移除,已发布的版本保留。".to_owned();
    environment.record(Event::Deployment { subject: name.to_owned(), succeeded: true, text });
    environment.tidy_packages();
    Ok(())
}
