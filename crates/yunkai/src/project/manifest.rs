//! `yunkai.json`: what the vendors' files cannot say. Unknown keys are errors with their place.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Result, bail};
use platform::Acl;
use platform::deploy::{FunctionSettings, ProjectSettings};
use serde::{Deserialize, Deserializer, de::Error as _};

use super::{index::Index, json, layout};

/// The file, as far as this version understands it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Manifest {
    collections: BTreeMap<String, Collection>,
    storage: Option<Storage>,
    hosting: Option<String>,
    functions: BTreeMap<String, Function>,
    /// Parts of the contract that this version cannot honour; anything in them is refused.
    routes: Vec<serde_json::Value>,
    services: BTreeMap<String, serde_json::Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Collection {
    #[serde(deserialize_with = "acl")]
    acl: Option<Acl>,
    rule: Option<serde_json::Value>,
    indexes: Vec<Index>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Storage {
    #[serde(deserialize_with = "acl")]
    acl: Option<Acl>,
    rule: Option<serde_json::Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Function {
    #[serde(deserialize_with = "seconds")]
    timeout: Option<f64>,
    memory: Option<u64>,
    env: BTreeMap<String, serde_json::Value>,
    triggers: Vec<serde_json::Value>,
}

fn acl<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Acl>, D::Error> {
    let name = String::deserialize(deserializer)?;
    name.parse().map(Some).map_err(D::Error::custom)
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    if (0.001..=900.0).contains(&seconds) {
        return Ok(Some(seconds));
    }
    Err(D::Error::custom("a timeout is 0.001 to 900 seconds / 超时须为 0.001 到 900 秒"))
}

/// Reads `yunkai.json`; a project without one has an empty manifest.
pub fn read(project: &Path) -> Result<Manifest> {
    let path = project.join("yunkai.json");
    let manifest: Manifest = json::read(&path)?.unwrap_or_default();
    if let Some(hosting) = &manifest.hosting {
        layout::inside(project, "hosting", hosting)?;
    }
    if let Some(key) = manifest.not_yet_supported() {
        bail!(
            "{0}: {key} is not supported by this version: take it out, or wait for the version that \
             says so in CHANGELOG.md. / {0}:当前版本不支持 {key},请移除,或等待后续版本(见 CHANGELOG.md)。",
            path.display()
        );
    }
    if let Some((collection, name)) = manifest.twice() {
        bail!(
            "{0}: collections.{collection}.indexes has two indexes named '{name}': give one another \
             name. / {0}:collections.{collection}.indexes 中有两个名为「{name}」的索引,请改名。",
            path.display()
        );
    }
    Ok(manifest)
}

impl Manifest {
    /// What the file asks for that would otherwise be silently ignored.
    fn not_yet_supported(&self) -> Option<String> {
        for (name, collection) in &self.collections {
            if collection.rule.is_some() {
                return Some(format!("collections.{name}.rule"));
            }
        }
        if self.storage.as_ref().is_some_and(|storage| storage.rule.is_some()) {
            return Some("storage.rule".to_owned());
        }
        if !self.routes.is_empty() {
            return Some("routes".to_owned());
        }
        if !self.services.is_empty() {
            return Some("services".to_owned());
        }
        let with_triggers = self.functions.iter().find(|(_, it)| !it.triggers.is_empty());
        with_triggers.map(|(name, _)| format!("functions.{name}.triggers"))
    }

    /// The first index name that stands twice, and its collection.
    fn twice(&self) -> Option<(&str, String)> {
        self.collections.iter().find_map(|(collection, it)| {
            let mut seen = BTreeSet::new();
            let mut names = it.indexes.iter().map(|index| index.spec().name);
            names.find(|name| !seen.insert(name.clone())).map(|name| (collection.as_str(), name))
        })
    }

    /// Collections, their indexes, storage and hosting.
    pub fn project_settings(&self, project: &Path) -> ProjectSettings {
        ProjectSettings {
            collections: self
                .collections
                .iter()
                .map(|(name, collection)| (name.clone(), collection.acl.unwrap_or_default()))
                .collect(),
            indexes: self
                .collections
                .iter()
                .map(|(name, it)| (name.clone(), it.indexes.iter().map(Index::spec).collect()))
                .collect(),
            storage: self.storage.as_ref().and_then(|storage| storage.acl),
            hosting: self.hosting.as_ref().map(|folder| project.join(folder)),
        }
    }

    /// The settings of one function.
    pub fn apply(&self, name: &str, settings: &mut FunctionSettings) {
        if let Some(function) = self.functions.get(name) {
            layout::apply(settings, function.timeout, function.memory, Some(&function.env));
        }
    }
}
