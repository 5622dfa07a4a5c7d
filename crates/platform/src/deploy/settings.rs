//! How one function runs, as projects, deploys and the catalogue write it.
//!
//! The vendors' files and `yunkai.json` each say some of it; the later one wins member by member.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::triggers::TriggerSpec;
/// The vendor's limit for the variables of a function: names and values together, in bytes
/// (protocol 02 §3.3).
pub const VARIABLES_BYTES_MAX: usize = 4_096;
/// What variables of the platform begin with; the third is the vendor's own spelling.
const RESERVED: &[&str] = &["SCF_", "QCLOUD_", "TECENTCLOUD_", "TENCENTCLOUD_"];

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
    /// Names of secrets; each is a variable of that name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
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
    /// How many workers stay when nobody calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_instances: Option<u32>,
    /// How many workers there may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_instances: Option<u32>,
    /// After how many seconds without a call a worker ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_seconds: Option<u64>,
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
    /// Over the machine's own network, for what the gate does not carry.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub direct: bool,
}

impl Network {
    fn run(&self) -> functions::Network {
        let Self { allow, deny, direct } = self.clone();
        functions::Network { allow, deny, direct }
    }
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
        take!(self, later, min_instances max_instances idle_seconds);
        self.env.extend(later.env);
        self.triggers.retain(|it| later.triggers.iter().all(|other| other.name() != it.name()));
        self.secrets.extend(later.secrets);
        self.triggers.extend(later.triggers);
    }

    /// The settings that the function runs with, secrets aside.
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
        run.min_instances = self.min_instances.unwrap_or(run.min_instances);
        run.max_instances = self.max_instances;
        run.idle_ms = self.idle_seconds.map(|seconds| seconds.saturating_mul(1_000));
        run.node = self.node;
        run.install_scripts = self.install_scripts.unwrap_or(run.install_scripts);
        if let Some(kind) = self.kind {
            run.kind = match kind {
                FunctionKind::Event => functions::Kind::Event,
                FunctionKind::Http => functions::Kind::Http,
            };
        }
        run.network = self.network.as_ref().map(Network::run).unwrap_or_default();
        run.variables = self.env.iter().map(|(name, it)| (name.clone(), it.clone())).collect();
        run
    }

    /// Whether the same code makes the same package under both settings.
    #[must_use]
    pub fn builds_like(&self, other: &Self) -> bool {
        let of = |it: &Self| {
            let scripts = (it.install_dependency, it.install_scripts);
            (it.handler.clone(), it.runtime.clone(), it.node, it.kind, scripts)
        };
        of(self) == of(other)
    }

    /// What the shape cannot rule out: names and size of variables.
    ///
    /// # Errors
    /// The first mistake, in both languages.
    pub fn check(&self) -> Result<(), String> {
        for name in self.env.keys().chain(&self.secrets) {
            check_variable_name(name)?;
        }
        if let Some(name) = self.secrets.iter().find(|name| self.env.contains_key(*name)) {
            return Err(format!(
                "{name} is both a variable and a secret: take one of them out. / {name} 同时是环境变量\
                 和密钥:请移除其一。"
            ));
        }
        let bytes: usize = self.env.iter().map(|(name, value)| name.len() + value.len()).sum();
        if bytes > VARIABLES_BYTES_MAX {
            return Err(format!(
                "The environment variables are {bytes} bytes, more than the {VARIABLES_BYTES_MAX} \
                 allowed: keep what is large in a file or in the database. / 环境变量共 {bytes} 字节,\
                 超过上限 {VARIABLES_BYTES_MAX} 字节:请将较大的内容放入文件或数据库。"
            ));
        }
        if let (Some(min), Some(max)) = (self.min_instances, self.max_instances)
            && min > max
        {
            return Err(format!(
                "minInstances {min} is more than maxInstances {max}. / minInstances {min} 大于 \
                 maxInstances {max}。"
            ));
        }
        self.network.as_ref().map_or(Ok(()), |network| network.run().check())
    }
}

/// Whether a variable of a function may have this name.
///
/// # Errors
/// What is wrong with it, in both languages.
pub fn check_variable_name(name: &str) -> Result<(), String> {
    let fits = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.len() <= 128;
    if !fits {
        return Err(format!(
            "{name:?} is not a variable name: begin with a letter, then letters, digits and _. / \
             环境变量名 {name:?} 不合法:以字母开头,仅含字母、数字和 _。"
        ));
    }
    if let Some(prefix) = RESERVED.iter().find(|prefix| name.starts_with(**prefix)) {
        return Err(format!(
            "{name} cannot be set: names that begin with {prefix} belong to the platform. / 不能设置 \
             {name}:以 {prefix} 开头的名称由平台保留。"
        ));
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_have_the_vendors_limits() {
        for name in ["A", "a_1", "APP_KEY", "TCB_OWN"] {
            assert_eq!(check_variable_name(name), Ok(()), "{name}");
        }
        for name in ["", "1A", "_A", "A-B", "A B", "SCF_X", "QCLOUD_X", "TENCENTCLOUD_REGION"] {
            assert!(check_variable_name(name).is_err(), "{name}");
        }
        let with = |bytes| FunctionSettings {
            env: [("A".to_owned(), "x".repeat(bytes))].into(),
            ..FunctionSettings::default()
        };
        assert!(with(VARIABLES_BYTES_MAX - 1).check().is_ok());
        assert!(with(VARIABLES_BYTES_MAX).check().is_err());
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let check = |text: &str| serde_json::from_str::<FunctionSettings>(text).unwrap().check();
        for text in [
            r#"{"minInstances":2,"maxInstances":2}"#,
            r#"{"network":{"allow":["*.a-b.com:443","10.0.0.0/8","[fe80::1]:80","::1"]}}"#,
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        for text in [
            r#"{"minInstances":3,"maxInstances":2}"#,
            r#"{"network":{"allow":["a b"]}}"#,
            r#"{"network":{"deny":[""]}}"#,
            r#"{"network":{"deny":["https://example.com"]}}"#,
        ] {
            assert!(check(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let text = r#"{"timeout":3.5,"env":{"A":"1"},"secrets":["B"],"network":{"deny":["10.0.0.0/8"],"direct":true},"kind":"http"}"#;
        let settings: FunctionSettings = serde_json::from_str(text).unwrap();
        let again = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<FunctionSettings>(&again).unwrap(), settings);
        assert_eq!(serde_json::to_string(&FunctionSettings::default()).unwrap(), "{}");
    }
}
