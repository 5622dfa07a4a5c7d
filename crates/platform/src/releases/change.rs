//! Publishing, naming, rolling back and deleting versions. Only for privileged callers.

use std::sync::Arc;

use tokio::sync::OwnedMutexGuard;

use super::entry::{Alias, DEFAULT, Entry, LATEST, number};
use super::resolve::no_qualifier;
use super::{learn_in_turn, missing, serve};
use crate::caller::Context;
use crate::database::check_privileged;
use crate::environment::Environment;
use crate::error::{Code, Error, Result};
use crate::journal::Event;
use crate::triggers;

/// The longest description of a version or an alias, in bytes.
const DESCRIPTION_BYTES_MAX: usize = 1_000;
/// How many aliases a function may have.
const ALIASES_MAX: usize = 100;

/// Every function of the environment, by name.
pub fn list(context: &Context) -> Result<Vec<Arc<Entry>>> {
    check_privileged(context)?;
    Ok(context.environment.releases().list())
}

/// One function.
///
/// # Errors
/// [`Code::FunctionMissing`].
pub fn entry_of(context: &Context, name: &str) -> Result<Arc<Entry>> {
    check_privileged(context)?;
    context.environment.releases().get(name).ok_or_else(|| missing(name))
}

/// Makes a numbered version of `$LATEST`, or says which one it is already.
///
/// # Errors
/// [`Code::FunctionMissing`] when there is no such function or no `$LATEST` of it.
pub async fn publish(context: &Context, name: &str, description: String) -> Result<u64> {
    check_description(&description)?;
    let (_turn, mut entry) = begin(context, name).await?;
    let (environment, entry) = (&context.environment, &mut entry);
    let existing = entry.latest.as_ref().and_then(|latest| latest.version);
    let number = entry.publish(description).ok_or_else(|| no_qualifier(entry, LATEST))?;
    if existing != Some(number) {
        environment.releases().put(entry.clone()).await?;
        let release = &entry.versions[&number].release;
        serve(environment, name, &number.to_string(), release).await?;
    }
    Ok(number)
}

/// What a roll back did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolledBack {
    /// The version that `$LATEST` is now.
    pub version: u64,
    /// What the operator should know, in both languages.
    pub notices: Vec<String>,
}

/// Lets `$LATEST` be an earlier version, at once; running calls finish on what they began with.
///
/// Without a number: the version before the one that `$LATEST` is.
///
/// # Errors
/// [`Code::FunctionMissing`] for an unknown function or version; [`Code::InvalidParameter`] when
/// there is nothing to go back to; [`Code::DeployRefused`] when the version's package is gone, then
/// nothing is changed.
pub async fn roll_back(context: &Context, name: &str, to: Option<u64>) -> Result<RolledBack> {
    let (_turn, mut entry) = begin(context, name).await?;
    let (environment, entry) = (&context.environment, &mut entry);
    let version = to.or_else(|| entry.before_latest()).ok_or_else(|| nowhere(name))?;
    let label = version.to_string();
    let release = entry.release(&label).ok_or_else(|| no_qualifier(entry, &label))?;
    if let Some(reason) = environment.releases().broken(name, &label) {
        return Err(Error::new(Code::DeployRefused, format!("{name}:{label}: {reason}")));
    }
    let mut release = release.clone();
    release.version = Some(version);
    release.at_ms = environment.now_ms();
    entry.latest = Some(release.clone());
    environment.releases().put(entry.clone()).await?;
    serve(environment, name, LATEST, &release).await?;
    triggers::apply(environment, name, &release.settings.triggers).await?;
    environment.set_refusal(name, None);
    let text = format!("$LATEST is version {version} again. / $LATEST 已回滚到版本 {version}。");
    note(environment, name, text);
    let mut notices = Vec::new();
    if entry.aliases.contains_key(DEFAULT) {
        notices.push(format!(
            "Calls without a qualifier go where the alias {DEFAULT} says, not to {LATEST}. / \
             未指定版本的调用由别名 {DEFAULT} 决定,不会使用 {LATEST}。"
        ));
    }
    Ok(RolledBack { version, notices })
}

/// Creates an alias or moves it.
///
/// # Errors
/// [`Code::InvalidParameter`] for a name that no alias can have and for weights that do not make
/// 100; [`Code::FunctionMissing`] for an unknown function or version.
pub async fn set_alias(context: &Context, name: &str, alias: &str, to: Alias) -> Result<()> {
    check_alias_name(alias)?;
    check_description(&to.description)?;
    check_split(&to)?;
    let (_turn, mut entry) = begin(context, name).await?;
    let (environment, entry) = (&context.environment, &mut entry);
    for share in &to.split {
        if entry.release(&share.version).is_none() {
            return Err(no_qualifier(entry, &share.version));
        }
    }
    if entry.aliases.len() >= ALIASES_MAX && !entry.aliases.contains_key(alias) {
        let message = format!(
            "A function has at most {ALIASES_MAX} aliases. / 每个云函数最多 {ALIASES_MAX} 个别名。"
        );
        return Err(Error::new(Code::InvalidParameter, message));
    }
    entry.aliases.insert(alias.to_owned(), to);
    environment.releases().put(entry.clone()).await
}

/// Deletes an alias.
///
/// # Errors
/// [`Code::FunctionMissing`] when there is none.
pub async fn delete_alias(context: &Context, name: &str, alias: &str) -> Result<()> {
    let (_turn, mut entry) = begin(context, name).await?;
    let (environment, entry) = (&context.environment, &mut entry);
    if entry.aliases.remove(alias).is_none() {
        return Err(no_qualifier(entry, alias));
    }
    environment.releases().put(entry.clone()).await
}

/// Deletes a numbered version that no alias leads to; running calls finish.
///
/// # Errors
/// [`Code::FunctionMissing`] when there is none; [`Code::InvalidParameter`] when an alias leads to
/// it.
pub async fn delete_version(context: &Context, name: &str, label: &str) -> Result<()> {
    let (_turn, mut entry) = begin(context, name).await?;
    let (environment, entry) = (&context.environment, &mut entry);
    let known = number(label).filter(|it| entry.versions.contains_key(it));
    let Some(known) = known else { return Err(no_qualifier(entry, label)) };
    let aliases = entry.aliases_of(label).collect::<Vec<_>>().join(", ");
    if !aliases.is_empty() {
        return Err(Error::new(
            Code::InvalidParameter,
            format!(
                "Version {label} of \"{name}\" is what {aliases} leads to: move the alias first. \
                 / 云函数“{name}”的版本 {label} 正被别名 {aliases} 使用:请先调整别名。"
            ),
        ));
    }
    entry.versions.remove(&known);
    if let Some(latest) = entry.latest.as_mut().filter(|it| it.version == Some(known)) {
        latest.version = None;
    }
    environment.releases().put(entry.clone()).await?;
    withdraw(environment, name, label).await;
    environment.tidy_packages();
    Ok(())
}

/// Deletes a function with all its versions and aliases; running calls finish.
///
/// # Errors
/// [`Code::FunctionMissing`] when there is none.
pub async fn delete_function(context: &Context, name: &str) -> Result<()> {
    check_privileged(context)?;
    crate::deploy::remove_function(&context.environment, name).await
}

/// Takes a version out of service, where it is in service.
pub(crate) async fn withdraw(environment: &Environment, name: &str, label: &str) {
    // One that was broken never was in service.
    let _ = environment.functions().withdraw(environment.id(), name, label).await;
    environment.releases().set_broken(name, label, None);
}

/// One function to change; nothing else changes it while the turn is held.
async fn begin(context: &Context, name: &str) -> Result<(OwnedMutexGuard<()>, Entry)> {
    check_privileged(context)?;
    let releases = context.environment.releases();
    let turn = releases.turn(name).lock_owned().await;
    learn_in_turn(&context.environment, name).await?;
    let entry = releases.get(name).ok_or_else(|| missing(name))?;
    Ok((turn, Entry::clone(&entry)))
}

fn note(environment: &Environment, name: &str, text: String) {
    let subject = name.to_owned();
    environment.record(Event::Deployment { subject, succeeded: true, text });
}

fn nowhere(name: &str) -> Error {
    Error::new(
        Code::InvalidParameter,
        format!(
            "\"{name}\" has no earlier version to go back to: `yunkai functions versions {name}` \
             lists what there is. / 云函数“{name}”没有更早的版本可回滚:可用 `yunkai functions versions \
             {name}` 查看。"
        ),
    )
}

fn check_description(description: &str) -> Result<()> {
    if description.len() <= DESCRIPTION_BYTES_MAX {
        return Ok(());
    }
    Err(Error::new(
        Code::InvalidParameter,
        "A description has at most 1,000 bytes. / 描述最长 1000 字节。",
    ))
}

/// A name that cannot be taken for a number, or `$DEFAULT`.
fn check_alias_name(alias: &str) -> Result<()> {
    let mut letters = alias.chars();
    let fits = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'))
        && alias.len() <= 64;
    if fits || alias == DEFAULT {
        return Ok(());
    }
    Err(Error::new(
        Code::InvalidParameter,
        format!(
            "'{alias}' cannot be an alias: begin with a letter, then letters, digits, - and _, at \
             most 64; or {DEFAULT}. / 别名「{alias}」不合法:以字母开头,仅含字母、数字、- 和 _,最长 64 个\
             字符;或 {DEFAULT}。"
        ),
    ))
}

fn check_split(alias: &Alias) -> Result<()> {
    let total: u64 = alias.split.iter().map(|share| u64::from(share.weight)).sum();
    let each_once = alias.split.iter().enumerate().all(|(at, share)| {
        share.weight > 0 && alias.split[..at].iter().all(|it| it.version != share.version)
    });
    if total == 100 && each_once {
        return Ok(());
    }
    Err(Error::new(
        Code::InvalidParameter,
        "An alias names versions with weights in per cent that make 100, each version once: \
         1=90 2=10. / 别名须给出各版本的百分比权重,合计为 100,且版本不重复,例如 1=90 2=10。",
    ))
}
