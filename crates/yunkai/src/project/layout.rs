//! Where the two vendors' tools keep functions and their settings (protocol 02 §5).

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use anyhow::{Result, bail};
use platform::deploy::{FunctionKind, FunctionSettings, Permissions};
use platform::triggers::{TimerSpec, TriggerSpec};
use serde::Deserialize;

use super::json;

/// What `project.config.json` or `cloudbaserc.json` says.
#[derive(Debug, Default)]
pub struct Layout {
    /// The environment's id.
    pub environment: Option<String>,
    /// The mini program's AppID, when the project has a real one.
    pub app_id: Option<String>,
    /// The folder that holds one folder per function.
    pub function_root: Option<PathBuf>,
    /// Functions named by `cloudbaserc.json`; its list is complete when there is one.
    listed: Option<Vec<CloudbasercFunction>>,
    project: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProjectConfig {
    appid: Option<String>,
    cloudfunction_root: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cloudbaserc {
    env_id: Option<String>,
    function_root: Option<String>,
    functions: Option<Vec<CloudbasercFunction>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CloudbasercFunction {
    name: String,
    dir: Option<String>,
    handler: Option<String>,
    timeout: Option<f64>,
    memory_size: Option<u64>,
    env_variables: Option<BTreeMap<String, serde_json::Value>>,
    install_dependency: Option<bool>,
    runtime: Option<String>,
    /// `Event`, `HTTP`.
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    triggers: Vec<VendorTrigger>,
    ignore: Option<serde_json::Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConfigJson {
    permissions: Option<Permissions>,
    timeout: Option<f64>,
    memory_size: Option<u64>,
    env_variables: Option<BTreeMap<String, serde_json::Value>>,
    #[serde(default)]
    triggers: Vec<VendorTrigger>,
}

/// The vendors' tools know timers alone; what else stands there they ignore.
#[derive(Debug, Clone, Deserialize)]
struct VendorTrigger {
    name: String,
    #[serde(rename = "type", default)]
    kind: VendorTriggerKind,
    config: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum VendorTriggerKind {
    #[default]
    Timer,
}

/// Reads the layout of a project folder.
pub fn read(project: &Path) -> Result<Layout> {
    let mut layout = Layout { project: project.to_owned(), ..Layout::default() };
    let config = json::read::<ProjectConfig>(&project.join("project.config.json"))?;
    layout.app_id =
        config.as_ref().and_then(|config| config.appid.clone()).filter(|id| is_app_id(id));
    if let Some(rc) = json::read::<Cloudbaserc>(&project.join("cloudbaserc.json"))? {
        // `{{env.ENV_ID}}` is a template of the vendor's tool, not an id.
        layout.environment = rc.env_id.filter(|id| !id.is_empty() && !id.contains('{'));
        let root = rc.function_root.as_deref().unwrap_or("functions");
        layout.function_root = Some(inside(project, "functionRoot", root)?);
        layout.listed = rc.functions;
    } else if let Some(config) = json::read::<ProjectConfig>(&project.join("project.config.json"))?
    {
        if let Some(root) = config.cloudfunction_root.filter(|root| !root.is_empty()) {
            layout.function_root = Some(inside(project, "cloudfunctionRoot", &root)?);
        }
    } else {
        bail!(
            "{0} is no project: it has neither project.config.json (WeChat DevTools) nor \
             cloudbaserc.json (CloudBase CLI). / {0} 不是项目目录:缺少 project.config.json(微信开发者\
             工具)或 cloudbaserc.json(CloudBase CLI)。",
            project.display()
        );
    }
    Ok(layout)
}

/// Not `touristappid` and other stand-ins of the developer tools.
fn is_app_id(id: &str) -> bool {
    id.len() > 2 && id.starts_with("wx") && id.bytes().all(|b| b.is_ascii_alphanumeric())
}

impl Layout {
    /// Name and folder of every function there is now.
    pub fn folders(&self) -> Result<Vec<(String, PathBuf)>> {
        if let Some(listed) = &self.listed {
            return listed
                .iter()
                .map(|function| Ok((function.name.clone(), self.folder_of(function)?)))
                .collect();
        }
        let Some(root) = self.function_root.as_deref().filter(|root| root.is_dir()) else {
            return Ok(Vec::new());
        };
        let mut folders = Vec::new();
        for entry in std::fs::read_dir(root)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let hidden = name.starts_with('.') || name == "node_modules";
            if !hidden && entry.path().is_dir() {
                folders.push((name, entry.path()));
            }
        }
        Ok(folders)
    }

    /// What `cloudbaserc.json` says of a function.
    pub fn settings(&self, name: &str) -> FunctionSettings {
        let listed = self.listed.as_deref().unwrap_or_default();
        let Some(function) = listed.iter().find(|function| function.name == name) else {
            return FunctionSettings::default();
        };
        let kind = match function.kind.as_deref() {
            Some("HTTP" | "http") => Some(FunctionKind::Http),
            Some("Event" | "event") => Some(FunctionKind::Event),
            _ => None,
        };
        FunctionSettings {
            kind,
            handler: function.handler.clone(),
            runtime: function.runtime.clone(),
            install_dependency: function.install_dependency,
            triggers: timers(&function.triggers),
            ..settings(function.timeout, function.memory_size, function.env_variables.as_ref())
        }
    }

    /// What the `ignore` of `cloudbaserc.json` leaves out of a function's package.
    pub fn ignored(&self, name: &str) -> Vec<String> {
        let listed = self.listed.as_deref().unwrap_or_default();
        let function = listed.iter().find(|function| function.name == name);
        match function.and_then(|function| function.ignore.as_ref()) {
            Some(serde_json::Value::String(glob)) => vec![glob.clone()],
            Some(serde_json::Value::Array(globs)) => {
                globs.iter().filter_map(|glob| glob.as_str().map(str::to_owned)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn folder_of(&self, function: &CloudbasercFunction) -> Result<PathBuf> {
        if let Some(dir) = &function.dir {
            return inside(&self.project, "dir", dir);
        }
        let root = self.function_root.clone().unwrap_or_else(|| self.project.join("functions"));
        inside(&root, "name", &function.name)
    }
}

/// What the `config.json` of a function's own folder says.
pub fn config_json(folder: &Path) -> Result<FunctionSettings> {
    let config: ConfigJson = json::read(&folder.join("config.json"))?.unwrap_or_default();
    Ok(FunctionSettings {
        permissions: config.permissions.clone(),
        triggers: timers(&config.triggers),
        ..settings(config.timeout, config.memory_size, config.env_variables.as_ref())
    })
}

fn timers(triggers: &[VendorTrigger]) -> Vec<TriggerSpec> {
    let timer = |it: &VendorTrigger| {
        let VendorTriggerKind::Timer = it.kind;
        TriggerSpec::Timer(TimerSpec::new(&it.name, &it.config))
    };
    triggers.iter().map(timer).collect()
}

/// What both files say: a timeout in seconds, memory in MB, variables of any kind.
fn settings(
    timeout_s: Option<f64>,
    memory_mb: Option<u64>,
    variables: Option<&BTreeMap<String, serde_json::Value>>,
) -> FunctionSettings {
    let text =
        |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    FunctionSettings {
        timeout: timeout_s.filter(|it| (0.001..=900.0).contains(it)),
        memory: memory_mb,
        env: variables.into_iter().flatten().map(|(name, it)| (name.clone(), text(it))).collect(),
        ..FunctionSettings::default()
    }
}

/// A folder named by the project must lie inside it.
pub fn inside(base: &Path, key: &str, relative: &str) -> Result<PathBuf> {
    let path = Path::new(relative.trim_end_matches('/'));
    let fits =
        path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !fits {
        bail!(
            "\"{key}\" must name a folder inside the project, not '{relative}'. / \"{key}\" 必须是项目\
             内的目录,不能是「{relative}」。"
        );
    }
    Ok(base.join(path))
}
