//! Dependencies that a package declares and does not bring: the carried `wx-server-sdk` where its
//! range allows, npm for the rest.
//!
//! Order for the SDK: the function's own copy; a carried one in the declared range (`latest` is the
//! newest); npm; and when npm fails, the nearest carried one, with a notice.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::Ordering;
use std::time::Duration;

use node_semver::Range;
use sha2::{Digest, Sha256};

use super::{Surveyed, Workshop};
use crate::assets::{self, CarriedSdk};
use crate::error::Error;
use crate::slot::link_tree;

const SDK: &str = "wx-server-sdk";
const INSTALL_TIME_MAX: Duration = Duration::from_secs(300);
const NPM_LINES_MAX: usize = 8;

/// Where the dependencies of a package come from.
pub(super) struct Choice {
    pub carried: Option<CarriedSdk>,
    /// A folder of `modules/` whose `node_modules` completes the package.
    pub modules: Option<PathBuf>,
}

impl Workshop {
    pub(super) async fn complete(
        &self,
        surveyed: &Surveyed,
        install: bool,
        notices: &mut Vec<String>,
    ) -> Result<Choice, Error> {
        let declared = &surveyed.manifest.dependencies;
        let brings = |name: &str| {
            surveyed.folder.join("node_modules").join(name).join("package.json").is_file()
        };
        let mut missing: BTreeMap<&str, &str> = declared
            .iter()
            .filter(|(name, _)| !brings(name))
            .map(|(name, range)| (name.as_str(), range.as_str()))
            .collect();
        if let Some((name, range)) = missing.iter().find(|(_, range)| is_local(range)) {
            return Err(local(name, range));
        }
        let wanted = missing.remove(SDK);
        let fitting = match wanted {
            Some(range) => self.fitting(range),
            None if brings(SDK) => None,
            None => self.carried.first().cloned(),
        };
        if wanted.is_some() && self.carried.is_empty() {
            notices.push(assets::CARRIED_MISSING.to_owned());
        }
        if let Some(range) = wanted.filter(|_| fitting.is_none()) {
            return self.complete_with_sdk(surveyed, missing, range, install, notices).await;
        }
        let modules = self.modules_for(surveyed, &missing, install, notices).await?;
        Ok(Choice { carried: fitting, modules })
    }

    /// No carried copy fits the range: npm first, else the nearest one.
    async fn complete_with_sdk(
        &self,
        surveyed: &Surveyed,
        missing: BTreeMap<&str, &str>,
        range: &str,
        install: bool,
        notices: &mut Vec<String>,
    ) -> Result<Choice, Error> {
        let mut reason = "installation is switched off / 已关闭依赖安装".to_owned();
        if install {
            let mut all = missing.clone();
            all.insert(SDK, range);
            match self.modules_for(surveyed, &all, true, notices).await {
                Ok(modules) => return Ok(Choice { carried: None, modules }),
                Err(Error::InstallDependencies(text)) => reason = text,
                Err(error) => return Err(error),
            }
        }
        let modules = self.modules_for(surveyed, &missing, install, notices).await?;
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
        surveyed: &Surveyed,
        missing: &BTreeMap<&str, &str>,
        install: bool,
        notices: &mut Vec<String>,
    ) -> Result<Option<PathBuf>, Error> {
        if missing.is_empty() {
            return Ok(None);
        }
        if !install {
            let names: Vec<&str> = missing.keys().copied().collect();
            let names = names.join(", ");
            notices.push(format!(
                "These dependencies are declared but absent, and installation is switched off: \
                 {names}. / \
                 以下依赖已声明但缺失,且已关闭安装:{names}。"
            ));
            return Ok(None);
        }
        let mut wanted = surveyed.manifest.dependencies.clone();
        if !missing.contains_key(SDK) {
            wanted.remove(SDK);
        }
        self.install(&surveyed.folder, &wanted).await.map(Some)
    }

    /// Installs into `modules/HASH`, or finds it there.
    async fn install(
        &self,
        folder: &Path,
        wanted: &BTreeMap<String, String>,
    ) -> Result<PathBuf, Error> {
        let manifest = serde_json::json!({ "private": true, "dependencies": wanted }).to_string();
        let lock = fs::read(folder.join("package-lock.json")).unwrap_or_default();
        let mut hash = Sha256::new();
        hash.update((manifest.len() as u64).to_le_bytes());
        hash.update(manifest.as_bytes());
        hash.update(&lock);
        let target = self.modules.join(hex::encode(hash.finalize()));
        if target.is_dir() {
            return Ok(target);
        }
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        let staging = Staging(self.modules.join(format!("unfinished-{number}")));
        fs::create_dir_all(&staging.0).map_err(Error::disk("create", &staging.0))?;
        let path = staging.0.join("package.json");
        fs::write(&path, manifest).map_err(Error::disk("write", path))?;
        if !lock.is_empty() {
            let path = staging.0.join("package-lock.json");
            fs::write(&path, lock).map_err(Error::disk("write", path))?;
        }
        self.run_npm(&staging.0).await?;
        open_up(&staging.0).map_err(Error::disk("share", &staging.0))?;
        match fs::rename(&staging.0, &target) {
            // Two functions with the same dependencies may be deployed at the same moment.
            Err(error) if !target.is_dir() => Err(Error::disk("rename", target)(error)),
            _ => Ok(target),
        }
    }

    async fn run_npm(&self, folder: &Path) -> Result<(), Error> {
        let beside = self.node.with_file_name("npm");
        let npm = if beside.is_file() { beside } else { PathBuf::from("npm") };
        let mut command = tokio::process::Command::new(&npm);
        command
            .args(["install", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"])
            .args(["--loglevel=error", "--fetch-retries=1", "--fetch-retry-mintimeout=500"])
            .args(["--prefer-offline", "--no-update-notifier"])
            .current_dir(folder)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        if let Some(bin) = self.node.parent() {
            let paths = std::env::var_os("PATH").unwrap_or_default();
            let paths = std::iter::once(bin.to_owned()).chain(std::env::split_paths(&paths));
            command.env("PATH", std::env::join_paths(paths).unwrap_or_default());
        }
        let output = match tokio::time::timeout(INSTALL_TIME_MAX, command.output()).await {
            Ok(Ok(output)) => output,
            Ok(Err(error)) => return Err(failed(&format!("{}: {error}", npm.display()))),
            Err(_) => return Err(failed("it took more than five minutes / 超过五分钟")),
        };
        if output.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = text
            .lines()
            .map(|line| line.trim_start_matches("npm error").trim_start_matches("npm ERR!").trim())
            .filter(|line| !line.is_empty() && !line.contains("complete log of this run"))
            .take(NPM_LINES_MAX)
            .collect();
        Err(failed(&lines.join("; ")))
    }
}

/// Whether npm would take this dependency from the server's own disk.
fn is_local(range: &str) -> bool {
    let range = range.trim();
    ["file:", "link:", "portal:", "workspace:", ".", "/", "~/"]
        .iter()
        .any(|start| range.starts_with(start))
}

fn local(name: &str, range: &str) -> Error {
    Error::MendPackage(format!(
        "Dependency \"{name}\": \"{range}\" is outside the package. Copy it into the function's folder, \
         or deploy the function with its node_modules. / 依赖“{name}”指向代码包之外({range}),请将其复制到\
         云函数目录,或连同 node_modules 一起部署。"
    ))
}

fn failed(why: &str) -> Error {
    Error::InstallDependencies(format!(
        "npm could not install the dependencies: {why}. Check the names in package.json and the \
         network, or \
         deploy the function with its node_modules. / npm 安装依赖失败:{why}。请检查 package.json 与网络,\
         或连同 node_modules 一起部署。"
    ))
}

/// Workers run as other users: what npm installed must be readable whatever the umask is.
fn open_up(path: &Path) -> io::Result<()> {
    let metadata = path.symlink_metadata()?;
    if metadata.is_symlink() {
        return Ok(());
    }
    let mode = metadata.permissions().mode();
    let wanted = match (metadata.is_dir(), mode & 0o100 != 0) {
        (true, _) => 0o755,
        (false, true) => 0o555,
        (false, false) => 0o444,
    };
    if mode & 0o777 != wanted {
        fs::set_permissions(path, fs::Permissions::from_mode(wanted))?;
    }
    if metadata.is_dir() {
        for entry in fs::read_dir(path)? {
            open_up(&entry?.path())?;
        }
    }
    Ok(())
}

/// A folder that is removed unless it was renamed away.
struct Staging(PathBuf);

impl Drop for Staging {
    fn drop(&mut self) {
        // Usually it is not there any more.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Adds what is installed in `modules` to `target`, never replacing what the function brings.
pub(super) fn merge(modules: &Path, target: &Path) -> io::Result<()> {
    let installed = modules.join("node_modules");
    if !installed.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(target)?;
    for entry in fs::read_dir(installed)? {
        let entry = entry?;
        let name = entry.file_name();
        let (from, to) = (entry.path(), target.join(&name));
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
