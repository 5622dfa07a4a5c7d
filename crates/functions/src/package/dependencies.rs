//! Dependencies that a package declares and does not bring: the carried `wx-server-sdk` where its
//! range allows, npm for the rest.
//!
//! Order for the SDK: the function's own copy; a carried one in the declared range (`latest` is the
//! newest); npm; and when npm fails, the nearest carried one, with a notice. A lock file decides
//! about everything else (`docs/decisions/0060`).

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use node_semver::Range;
use serde_json::{Value, json};

use super::nodes::Node;
use super::npm::{Order, is_local, local_entry, with_scripts};
use super::npmrc::{self, Npmrc};
use super::{Surveyed, Workshop};
use crate::assets::{self, CarriedSdk};
use crate::error::Error;
use crate::settings::Settings;
use crate::slot::link_tree;

const SDK: &str = "wx-server-sdk";
/// Lock files that npm follows, the one it prefers first.
const LOCKS: &[&str] = &["npm-shrinkwrap.json", "package-lock.json"];
/// Lock files of others.
const FOREIGN_LOCKS: &[&str] = &["yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb"];

/// Where the dependencies of a package come from.
pub(super) struct Choice {
    pub carried: Option<CarriedSdk>,
    /// A folder of `modules/` whose `node_modules` completes the package.
    pub modules: Option<PathBuf>,
}

/// What an installation is about.
struct Wish<'a> {
    surveyed: &'a Surveyed,
    settings: &'a Settings,
    node: &'a Node,
}

impl Workshop {
    pub(super) async fn complete(
        &self,
        surveyed: &Surveyed,
        settings: &Settings,
        node: &Node,
        notices: &mut Vec<String>,
    ) -> Result<Choice, Error> {
        let declared = &surveyed.manifest.dependencies;
        let mut missing: BTreeMap<&str, &str> = declared
            .iter()
            .filter(|(name, _)| !brings(&surveyed.folder, name))
            .map(|(name, range)| (name.as_str(), range.as_str()))
            .collect();
        if let Some((name, range)) = missing.iter().find(|(_, range)| is_local(range)) {
            return Err(local(name, range));
        }
        let wanted = missing.remove(SDK);
        let fitting = match wanted {
            Some(range) => self.fitting(range),
            None if brings(&surveyed.folder, SDK) => None,
            None => self.carried.first().cloned(),
        };
        if wanted.is_some() && self.carried.is_empty() {
            notices.push(assets::CARRIED_MISSING.to_owned());
        }
        let wish = Wish { surveyed, settings, node };
        if let Some(range) = wanted.filter(|_| fitting.is_none()) {
            return self.complete_with_sdk(&wish, missing, range, notices).await;
        }
        let modules = self.modules_for(&wish, &missing, fitting.is_none(), notices).await?;
        Ok(Choice { carried: fitting, modules })
    }

    /// No carried copy fits the range: npm first, else the nearest one.
    async fn complete_with_sdk(
        &self,
        wish: &Wish<'_>,
        missing: BTreeMap<&str, &str>,
        range: &str,
        notices: &mut Vec<String>,
    ) -> Result<Choice, Error> {
        let mut reason = "installation is switched off / 已关闭依赖安装".to_owned();
        if wish.settings.install_dependencies {
            let mut all = missing.clone();
            all.insert(SDK, range);
            match self.modules_for(wish, &all, true, notices).await {
                Ok(modules) => return Ok(Choice { carried: None, modules }),
                Err(Error::InstallDependencies(text)) => reason = text,
                Err(error) => return Err(error),
            }
        }
        let modules = self.modules_for(wish, &missing, false, notices).await?;
        let Some(nearest) = self.nearest(range) else {
            return Err(Error::InstallDependencies(reason));
        };
        notices.push(format!(
            "wx-server-sdk {range} could not be installed; {} is used instead ({reason}). / \
             无法安装 wx-server-sdk {range},已改用内置的 {}。",
            nearest.version, nearest.version
        ));
        Ok(Choice { carried: Some(nearest), modules })
    }

    fn fitting(&self, range: &str) -> Option<CarriedSdk> {
        if matches!(range.trim(), "" | "*" | "latest" | "x") {
            return self.carried.first().cloned();
        }
        let range = Range::parse(range).ok()?;
        self.carried.iter().find(|sdk| range.satisfies(&sdk.version)).cloned()
    }

    /// The carried copy of the generation a range speaks of: 3 and above is the newest's.
    fn nearest(&self, range: &str) -> Option<CarriedSdk> {
        let digits = range.trim_start_matches(|letter: char| !letter.is_ascii_digit());
        let end = digits.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(digits.len());
        let major: u64 = digits[..end].parse().unwrap_or(u64::MAX);
        let not_newer = self.carried.iter().filter(|sdk| sdk.version.major <= major.max(2));
        let newest_allowed = if major >= 3 { self.carried.first() } else { None };
        newest_allowed.or_else(|| not_newer.max_by_key(|sdk| &sdk.version)).cloned()
    }

    async fn modules_for(
        &self,
        wish: &Wish<'_>,
        missing: &BTreeMap<&str, &str>,
        with_sdk: bool,
        notices: &mut Vec<String>,
    ) -> Result<Option<PathBuf>, Error> {
        if missing.is_empty() {
            return Ok(None);
        }
        if !wish.settings.install_dependencies {
            let names: Vec<&str> = missing.keys().copied().collect();
            let names = names.join(", ");
            notices.push(format!(
                "These dependencies are declared but absent, and installation is switched off: \
                 {names}. / \
                 以下依赖已声明但缺失,且已关闭安装:{names}。"
            ));
            return Ok(None);
        }
        let order = order(wish, with_sdk)?;
        if !order.npmrc.ignored.is_empty() {
            let ignored = order.npmrc.ignored.join(", ");
            notices.push(format!(
                "Of .npmrc only registries and who asks there count; these settings are left out: \
                 {ignored}. / .npmrc 中仅支持仓库地址与认证设置,以下设置已忽略:{ignored}。"
            ));
        }
        if order.lock.is_none()
            && let Some(found) =
                FOREIGN_LOCKS.iter().find(|name| wish.surveyed.folder.join(name).is_file())
        {
            notices.push(format!(
                "{found} is not read: only npm's package-lock.json fixes versions here. / \
                 不读取 {found},请提供 package-lock.json 以固定依赖版本。"
            ));
        }
        let modules = self.install(&order, wish.node).await?;
        let skipped = if order.scripts { Vec::new() } else { with_scripts(&modules) };
        if !skipped.is_empty() {
            let skipped = skipped.join(", ");
            notices.push(format!(
                "These packages have install scripts, which were not run: {skipped}. If one of them \
                 does not load, allow them (\"installScripts\": true) or deploy node_modules. / \
                 以下依赖带有安装脚本,未执行:{skipped}。若无法加载,请设置 \"installScripts\": true 或连同 \
                 node_modules 部署。"
            ));
        }
        Ok(Some(modules))
    }
}

fn brings(folder: &Path, name: &str) -> bool {
    folder.join("node_modules").join(name).join("package.json").is_file()
}

/// With a lock file npm gets the manifest it belongs to; else only what is needed.
fn order(wish: &Wish<'_>, with_sdk: bool) -> Result<Order, Error> {
    let (folder, scripts) = (&wish.surveyed.folder, wish.settings.install_scripts);
    let manifest = &wish.surveyed.manifest;
    let npmrc = fs::read_to_string(folder.join(npmrc::FILE)).unwrap_or_default();
    let npmrc = Npmrc::read(&npmrc, &wish.settings.variables)?;
    for name in LOCKS {
        let Ok(text) = fs::read(folder.join(name)) else { continue };
        let lock: Value = serde_json::from_slice(&text).map_err(|error| {
            Error::MendPackage(format!(
                "{name} is not valid: {error}. Run `npm install` again, or remove it. / \
                 {name} 格式错误:{error},请重新执行 npm install 或删除该文件。"
            ))
        })?;
        if let Some(entry) = local_entry(&lock) {
            return Err(local(name, &entry));
        }
        let manifest = manifest.for_lock();
        return Ok(Order { manifest, lock: Some((name, text)), scripts, npmrc });
    }
    let mut wanted = manifest.dependencies.clone();
    if !with_sdk {
        wanted.remove(SDK);
    }
    let mut all = json!({ "private": true, "dependencies": wanted });
    for (name, value) in manifest.beside_dependencies() {
        all[name] = value;
    }
    Ok(Order { manifest: all, lock: None, scripts, npmrc })
}

fn local(name: &str, range: &str) -> Error {
    Error::MendPackage(format!(
        "Dependency \"{name}\": \"{range}\" is outside the package. Copy it into the function's folder, \
         or deploy the function with its node_modules. / 依赖“{name}”指向代码包之外({range}),请将其复制到\
         云函数目录,或连同 node_modules 一起部署。"
    ))
}

/// Adds what is installed in `modules` to `target`, never replacing what the function brings.
/// `carried`: the platform's own SDK serves the function, whatever else a lock file brought.
pub(super) fn merge(modules: &Path, target: &Path, carried: bool) -> io::Result<()> {
    let installed = modules.join("node_modules");
    if !installed.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(target)?;
    for entry in fs::read_dir(installed)? {
        let entry = entry?;
        let name = entry.file_name();
        let (from, to) = (entry.path(), target.join(&name));
        if (carried && name == SDK) || name == ".package-lock.json" {
            continue;
        }
        let is_scope = entry.file_type()?.is_dir() && name.as_encoded_bytes().starts_with(b"@");
        if is_scope && to.is_dir() {
            for entry in fs::read_dir(from)? {
                let entry = entry?;
                add(&entry.path(), &to.join(entry.file_name()))?;
            }
        } else {
            add(&from, &to)?;
        }
    }
    Ok(())
}

fn add(from: &Path, to: &Path) -> io::Result<()> {
    if to.symlink_metadata().is_ok() {
        return Ok(());
    }
    // A link is never followed here: it may lead out of what npm installed.
    let kind = from.symlink_metadata()?.file_type();
    if kind.is_symlink() {
        std::os::unix::fs::symlink(fs::read_link(from)?, to)
    } else if kind.is_dir() {
        link_tree(from, to)
    } else {
        fs::copy(from, to).map(|_| ())
    }
}
