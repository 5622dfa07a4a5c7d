//! Following the change log of a store that several nodes share: what another node deploys, names,
//! rolls back, sets or takes away is so on this node a moment later.
//!
//! Only what is kept in memory has to be followed; documents are read from the store anyway.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use engine::{ChangeRecord, Position};
use tokio_util::sync::CancellationToken;
use value::Value;

use super::catalogue::{COLLECTION, read_all};
use super::entry::Entry;
use super::{packages, restore, secrets, withdraw};
use crate::environment::Environment;
use crate::error::Result;
use crate::journal::Event;
use crate::{access, http, services, triggers};

/// Changes read at once.
const PAGE: usize = 256;
/// How long the follower waits after trouble.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// What changed, as far as it is kept in memory.
#[derive(Debug, Default, PartialEq, Eq)]
struct Changed {
    functions: BTreeSet<String>,
    secrets: bool,
    access: bool,
    routes: bool,
    services: bool,
    triggers: bool,
}

impl Changed {
    fn note(&mut self, collection: &str, id: &Value) {
        match (collection, id) {
            (COLLECTION, Value::String(name)) => drop(self.functions.insert(name.clone())),
            (secrets::COLLECTION, _) => self.secrets = true,
            (access::COLLECTION, _) => self.access = true,
            (http::COLLECTION, _) => self.routes = true,
            (services::COLLECTION, _) => self.services = true,
            (triggers::COLLECTION, _) => self.triggers = true,
            _ => {}
        }
    }

    /// Everything: when it is not known what changed.
    fn all(environment: &Environment, names: BTreeSet<String>) -> Self {
        let known = environment.releases().list();
        let functions = known.iter().map(|entry| entry.name.clone()).chain(names).collect();
        let yes = true;
        Self { functions, secrets: yes, access: yes, routes: yes, services: yes, triggers: yes }
    }

    async fn apply(&self, environment: &Environment) -> Result<()> {
        if self.access {
            environment.access().reload().await?;
        }
        if self.secrets {
            secrets::learn(environment).await?;
        }
        for name in &self.functions {
            learn(environment, name).await?;
        }
        if self.triggers {
            triggers::learn(environment).await?;
        }
        if self.routes {
            environment.set_routes(http::read(environment.engine()).await?);
        }
        if self.services {
            services::learn(environment).await?;
        }
        Ok(())
    }
}

/// Follows from where the environment was opened until the server stops.
pub(crate) async fn run(environment: Arc<Environment>, stop: CancellationToken) {
    let following = async {
        share_all(&environment).await;
        let mut position = environment.opened_at();
        while let Err(error) = follow(&environment, &mut position).await {
            tracing::warn!(%error, "what other nodes change could not be learnt; trying again");
            tokio::time::sleep(TRY_AGAIN).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = following => {}
    }
}

/// Ends with the engine.
async fn follow(environment: &Environment, position: &mut Position) -> Result<()> {
    let engine = environment.engine();
    loop {
        let page = match engine.changes(*position, PAGE).await {
            Ok(page) => page,
            Err(engine::Error::ChangesTooOld { .. }) => {
                let newest = engine.newest_change().await?;
                let stored = read_all(engine).await?.into_iter().map(|entry| entry.name);
                Changed::all(environment, stored.collect()).apply(environment).await?;
                *position = newest;
                continue;
            }
            Err(engine::Error::Closed) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        changed_in(&page.records).apply(environment).await?;
        *position = page.next;
        if page.is_end && engine.changed_past(*position).await.is_err() {
            return Ok(());
        }
    }
}

fn changed_in(records: &[ChangeRecord]) -> Changed {
    let mut changed = Changed::default();
    for record in records {
        changed.note(&record.collection, &record.id);
    }
    changed
}

/// Serves what the store says of a function now. This node's own changes are known already.
async fn learn(environment: &Environment, name: &str) -> Result<()> {
    let turn = environment.releases().turn(name);
    let _turn = turn.lock().await;
    learn_in_turn(environment, name).await
}

/// [`learn`] for whoever has the turn of the function: before a change, so that the change is made
/// to what is there.
pub(crate) async fn learn_in_turn(environment: &Environment, name: &str) -> Result<()> {
    if !environment.is_shared() {
        return Ok(());
    }
    let releases = environment.releases();
    let before = releases.get(name).map(|entry| Entry::clone(&entry));
    let after = releases.read(name).await?;
    if before == after {
        return Ok(());
    }
    let before = before.unwrap_or_default();
    let Some(after) = after else {
        releases.forget(name);
        // Nothing was in service when everything was broken.
        let _ = environment.functions().remove(environment.id(), name).await;
        environment.set_refusal(name, None);
        note(environment, name, "Removed by another node. / 已被其他节点移除。");
        return Ok(());
    };
    // First it can be served, then it is found.
    for (label, release) in after.releases() {
        let is_known = before.release(&label).is_some_and(|it| it.is_same(release));
        if !is_known || releases.broken(name, &label).is_some() {
            restore::serve_noting(environment, name, &label, release).await;
        }
    }
    releases.learn(after.clone());
    environment.set_refusal(name, None);
    for (label, _) in before.releases().filter(|(label, _)| after.release(label).is_none()) {
        withdraw(environment, name, &label).await;
    }
    note(environment, name, "Changed by another node. / 已由其他节点更新。");
    environment.tidy_packages();
    Ok(())
}

fn note(environment: &Environment, name: &str, text: &str) {
    let (subject, text) = (name.to_owned(), text.to_owned());
    environment.record(Event::Deployment { subject, succeeded: true, text });
}

/// What this node has and the store has not: deployed before nodes handed packages over.
async fn share_all(environment: &Environment) {
    for hash in environment.releases().content_hashes() {
        if !environment.functions().has_package(&hash).await {
            continue;
        }
        if let Err(error) = packages::share(environment, &hash).await {
            tracing::warn!(%error, hash, "a package could not be handed to other nodes");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_kept_in_memory_counts() {
        let mut changed = Changed::default();
        for collection in ["orders", "system.nodes", "system.packages", "system.usage"] {
            changed.note(collection, &Value::from("x"));
        }
        assert_eq!(changed, Changed::default());
        changed.note(COLLECTION, &Value::from("f"));
        changed.note(http::COLLECTION, &Value::from("project"));
        assert_eq!(changed.functions, BTreeSet::from(["f".to_owned()]));
        assert!(changed.routes && !changed.secrets);
    }
}
