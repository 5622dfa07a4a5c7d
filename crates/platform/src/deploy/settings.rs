//! How one function runs, as projects, deploys and the catalogue write it.
//!
//! The vendors' files and `yunkai.json` each say some of it; the later one wins member by member.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::triggers::TriggerSpec;

/// What is known of a function beside its code; what is absent has its default.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct FunctionSettings {
    /// `file.export`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handler: Option<String>,
    /// The runtime's name as the vendors write it: `Nodejs18.15`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime: Option<String>,
    /// Seconds, 0.001 to 900.
    #[serde(deserialize_with = "seconds", skip_serializing_if = "Option::is_none")]
    pub timeout: Option<f64>,
    /// MB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// How it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<FunctionKind>,
    /// Environment variables; values of any kind become text.
    #[serde(deserialize_with = "texts", skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Whether dependencies that are declared and absent are installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub install_dependency: Option<bool>,
    /// What it may call of WeChat; all when absent (`docs/decisions/0085`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Permissions>,
    /// The major version of Node.js.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<u32>,
    /// Whether dependencies may run their install scripts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub install_scripts: Option<bool>,
    /// Where it may connect to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    /// What runs it without a call.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<TriggerSpec>,
}

/// `"permissions"` of WeChat DevTools' `config.json`.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permissions {
    /// The open APIs the function may call: `subscribeMessage.send`.
    #[serde(default)]
    pub openapi: Vec<String>,
}

/// How a function is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FunctionKind {
    /// With an event.
    Event,
    /// By HTTP, on a port.
    Http,
}

/// Where a function may connect to: host names, addresses and blocks, each with or without `:port`.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// Nothing else, when there is something in it.
    pub allow: Vec<String>,
    /// Not these.
    pub deny: Vec<String>,
}

/// Takes what the later one says, member by member.
macro_rules! take {
    ($self:ident, $later:ident, $($member:ident)*) => {
        $(if $later.$member.is_some() { $self.$member = $later.$member; })*
    };
}

impl FunctionSettings {
    /// Lets a later file's word win.
    pub fn overlay(&mut self, later: Self) {
        take!(self, later, handler runtime timeout memory install_dependency permissions);
        take!(self, later, node install_scripts kind network);
        self.env.extend(later.env);
        self.triggers.retain(|it| later.triggers.iter().all(|other| other.name() != it.name()));
        self.triggers.extend(later.triggers);
    }

    /// The settings that the function runs with.
    #[must_use]
    pub fn run(&self) -> functions::Settings {
        let mut run = functions::Settings::default();
        if let Some(handler) = &self.handler {
            run.handler.clone_from(handler);
        }
        if let Some(timeout_s) = self.timeout {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let timeout_ms = (timeout_s * 1_000.0) as u64;
            run.timeout_ms = timeout_ms;
        }
        run.memory_mb = self.memory.unwrap_or(run.memory_mb);
        run.install_dependencies = self.install_dependency.unwrap_or(run.install_dependencies);
        run.runtime.clone_from(&self.runtime);
        if let Some(permissions) = &self.permissions {
            run.permissions.clone_from(&permissions.openapi);
        }
        run.node = self.node;
        run.install_scripts = self.install_scripts.unwrap_or(run.install_scripts);
        if let Some(kind) = self.kind {
            run.kind = match kind {
                FunctionKind::Event => functions::Kind::Event,
                FunctionKind::Http => functions::Kind::Http,
            };
        }
        if let Some(Network { allow, deny }) = &self.network {
            run.network = functions::Network { allow: allow.clone(), deny: deny.clone() };
        }
        run.variables = self.env.iter().map(|(name, it)| (name.clone(), it.clone())).collect();
        run
    }
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    if (0.001..=900.0).contains(&seconds) {
        return Ok(Some(seconds));
    }
    Err(D::Error::custom("a timeout is 0.001 to 900 seconds / 超时须为 0.001 到 900 秒"))
}

fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let values = BTreeMap::<String, serde_json::Value>::deserialize(deserializer)?;
    let text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    Ok(values.into_iter().map(|(name, value)| (name, text(value))).collect())
}
