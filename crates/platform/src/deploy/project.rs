//! What a project says beside its code: the members of `yunkai.json`, each with a type of its own.
//!
//! A part of the product that a project may speak of adds its member here, typed in its own module
//! with `deny_unknown_fields`, so that mistakes are told with line and column. The same JSON is
//! what a deploy sends to a running server.

use std::collections::{BTreeMap, BTreeSet};

use rules::Acl;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::FunctionSettings;
use super::index::Index;
use crate::http::{Route, RouteTable};
use crate::indexes::IndexSpec;
use crate::services::{self, Services};
use crate::triggers;

/// Everything a project says; what it leaves out stays as it is on the server.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct ProjectSettings {
    /// Collections to create, by name.
    pub collections: BTreeMap<String, CollectionSettings>,
    /// The permissions of files.
    pub storage: Option<StorageSettings>,
    /// The folder of the hosted site, inside the project.
    pub hosting: Option<String>,
    /// What the functions' own files do not say, by name.
    pub functions: BTreeMap<String, FunctionSettings>,
    /// Paths that functions answer: all of them, also when there are none.
    pub routes: Vec<Route>,
    /// Existing back ends: all of them, also when there are none.
    pub services: Services,
}

/// One collection.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CollectionSettings {
    /// Its permission mode.
    #[serde(with = "acl", skip_serializing_if = "Option::is_none")]
    pub acl: Option<Acl>,
    /// Not supported yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<serde_json::Value>,
    /// Its indexes.
    pub indexes: Vec<Index>,
}

/// The storage of files.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StorageSettings {
    /// Its permission mode.
    #[serde(with = "acl", skip_serializing_if = "Option::is_none")]
    pub acl: Option<Acl>,
    /// Not supported yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<serde_json::Value>,
}

impl ProjectSettings {
    /// What the file's shape cannot rule out.
    ///
    /// # Errors
    /// The first mistake, in both languages and without the file's name.
    pub fn check(&self) -> Result<(), String> {
        if let Some(key) = self.not_yet_supported() {
            return Err(format!(
                "{key} is not supported by this version: take it out, or wait for the version that \
                 says so in CHANGELOG.md. / 当前版本不支持 {key},请移除,或等待后续版本(见 CHANGELOG.md)。"
            ));
        }
        if let Some((collection, name)) = self.twice() {
            return Err(format!(
                "collections.{collection}.indexes has two indexes named '{name}': give one another \
                 name. / collections.{collection}.indexes 中有两个名为「{name}」的索引,请改名。"
            ));
        }
        for (name, function) in &self.functions {
            triggers::check(name, &function.triggers).map_err(|it| it.message().to_owned())?;
        }
        RouteTable::new(self.routes.clone()).map_err(|error| error.to_string())?;
        services::check(&self.services).map_err(|error| error.to_string())
    }

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
        None
    }

    /// The first index name that stands twice, and its collection.
    fn twice(&self) -> Option<(&str, String)> {
        self.collections.iter().find_map(|(collection, it)| {
            let mut seen = BTreeSet::new();
            let mut names = it.indexes.iter().map(|index| index.spec().name);
            names.find(|name| !seen.insert(name.clone())).map(|name| (collection.as_str(), name))
        })
    }

    /// The indexes of every collection named, names filled in.
    #[must_use]
    pub fn indexes(&self) -> BTreeMap<String, Vec<IndexSpec>> {
        let specs = |it: &CollectionSettings| it.indexes.iter().map(Index::spec).collect();
        self.collections.iter().map(|(name, it)| (name.clone(), specs(it))).collect()
    }
}

/// A permission mode by its name.
mod acl {
    use super::{Acl, Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(acl: &Option<Acl>, serializer: S) -> Result<S::Ok, S::Error> {
        match acl {
            Some(acl) => serializer.collect_str(acl),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Acl>, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map(Some).map_err(serde::de::Error::custom)
    }
}
