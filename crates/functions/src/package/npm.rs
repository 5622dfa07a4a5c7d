//! Runs npm in a folder of its own, and keeps what it installed by what was asked for.
//!
//! A lock file is followed to the letter (`npm ci`). Install scripts are off unless the function
//! asks for them and the server allows it. npm sees little of the server's environment, and takes
//! nothing from the server's disk.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Workshop;
use super::kept::make_durable;
use super::nodes::Node;
use super::npmrc::{self, Npmrc};
use crate::error::Error;

const INSTALL_TIME_MAX: Duration = Duration::from_secs(300);
const NPM_LINES_MAX: usize = 8;
/// What npm may see of the server's environment: where things are and how the network is reached.
const PASSED_ON: &[&str] = &[
    "PATH",
    "HOME",
    "TMPDIR",
    "LANG",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// What npm is asked for.
pub(super) struct Order {
    /// `package.json` as npm gets it.
    pub manifest: Value,
    /// `package-lock.json` or `npm-shrinkwrap.json`, with its text.
    pub lock: Option<(&'static str, Vec<u8>)>,
    pub scripts: bool,
    /// Where packages come from, as the function says.
    pub npmrc: Npmrc,
}

impl Workshop {
    /// Installs into `modules/HASH`, or finds it there.
    pub(super) async fn install(&self, order: &Order, node: &Node) -> Result<PathBuf, Error> {
        let manifest = order.manifest.to_string();
        let mut hash = Sha256::new();
        let lock = order.lock.as_ref().map_or(&[][..], |(_, text)| text);
        // What scripts build is for one Node.js.
        let scripts = if order.scripts { node.major.to_string() } else { String::new() };
        let npmrc = order.npmrc.text.as_bytes();
        let parts = [manifest.as_bytes(), lock, scripts.as_bytes(), npmrc];
        // Nothing changes for those that say nothing.
        for part in &parts[..if npmrc.is_empty() { 3 } else { 4 }] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let target = self.modules.join(hex::encode(hash.finalize()));
        if target.is_dir() {
            return Ok(target);
        }
        let folder = self.unfinished(&self.modules);
        fs::create_dir_all(&folder.0).map_err(Error::disk("create", &folder.0))?;
        let path = folder.0.join("package.json");
        fs::write(&path, manifest).map_err(Error::disk("write", path))?;
        if let Some((name, text)) = &order.lock {
            let path = folder.0.join(name);
            fs::write(&path, text).map_err(Error::disk("write", path))?;
        }
        let npmrc = folder.0.join(npmrc::FILE);
        if !order.npmrc.filled.is_empty() {
            write_private(&npmrc, &order.npmrc.filled).map_err(Error::disk("write", &npmrc))?;
        }
        run(&folder.0, order, node).await?;
        // It may hold a token, which nobody needs any more.
        if !order.npmrc.filled.is_empty() {
            fs::remove_file(&npmrc).map_err(Error::disk("remove", &npmrc))?;
        }
        let (at, shared) = (folder.0.clone(), folder.0.clone());
        let opened = super::blocking(move || {
            open_up(&at).and_then(|()| make_durable(&at)).map_err(Error::disk("share", shared))
        });
        opened.await?;
        match fs::rename(&folder.0, &target) {
            // Two functions with the same dependencies may be deployed at the same moment.
            Err(error) if !target.is_dir() => Err(Error::disk("rename", target)(error)),
            _ => Ok(target),
        }
    }
}

async fn run(folder: &Path, order: &Order, node: &Node) -> Result<(), Error> {
    let beside = node.path.with_file_name("npm");
    let npm = if beside.is_file() { beside } else { PathBuf::from("npm") };
    let mut command = tokio::process::Command::new(&npm);
    command
        .arg(if order.lock.is_some() { "ci" } else { "install" })
        .args(["--omit=dev", "--no-audit", "--no-fund", "--no-update-notifier"])
        .arg(format!("--ignore-scripts={}", !order.scripts))
        .args(["--loglevel=error", "--fetch-retries=1", "--fetch-retry-mintimeout=500"])
        .arg("--prefer-offline")
        .current_dir(folder)
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| {
            let name = name.to_string_lossy();
            PASSED_ON.contains(&&*name) || name.to_ascii_lowercase().starts_with("npm_config_")
        }))
        .stdin(Stdio::null())
        .kill_on_drop(true);
    if let Some(bin) = node.path.parent() {
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(bin.to_owned()).chain(std::env::split_paths(&paths));
        command.env("PATH", std::env::join_paths(paths).unwrap_or_default());
    }
    let output = match tokio::time::timeout(INSTALL_TIME_MAX, command.output()).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => return Err(failed(&format!("{}: {error}", npm.display()), false)),
        Err(_) => return Err(failed("it took more than five minutes / 超过五分钟", false)),
    };
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.trim_start_matches("npm error").trim_start_matches("npm ERR!").trim())
        .filter(|line| !line.is_empty() && !line.contains("complete log of this run"))
        .filter(|line| !line.starts_with("npm warn"))
        .take(NPM_LINES_MAX)
        .collect();
    let lines = order.npmrc.redact(&lines.join("; "));
    let unlocked = lines.contains("in sync") || lines.contains("EUSAGE");
    Err(failed(&lines, unlocked))
}

/// Writes a file that only the server may read.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

/// `unlocked`: the lock file does not belong to the package.json.
fn failed(why: &str, unlocked: bool) -> Error {
    let (english, chinese) = if unlocked {
        (
            "Run `npm install` where the function is written, and deploy it with the new lock file",
            "请在本地执行 npm install 更新锁文件后重新部署",
        )
    } else {
        (
            "Check the names in package.json, the registry and its token (.npmrc), and the network \
             (without one, deploy the function with its node_modules)",
            "请检查 package.json、.npmrc 中的仓库地址与令牌以及网络;离线时请连同 node_modules 一起部署",
        )
    };
    Error::InstallDependencies(format!(
        "npm could not install the dependencies: {why}. {english}. / npm 安装依赖失败:{why}。{chinese}。"
    ))
}

/// Packages that wanted to run a script at their installation, by what npm noted.
pub(super) fn with_scripts(modules: &Path) -> Vec<String> {
    let note = fs::read(modules.join("node_modules/.package-lock.json")).unwrap_or_default();
    let note: Value = serde_json::from_slice(&note).unwrap_or_default();
    let packages = note["packages"].as_object().into_iter().flatten();
    let mut names: Vec<String> = packages
        .filter(|(_, package)| package["hasInstallScript"] == true)
        .filter_map(|(path, _)| Some(path.rsplit_once("node_modules/")?.1.to_owned()))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The first entry of a lock file that npm would take from the server's own disk.
pub(super) fn local_entry(lock: &Value) -> Option<String> {
    match lock {
        Value::Object(fields) => fields.iter().find_map(|(name, value)| match value {
            Value::Bool(true) if name == "link" => Some("link".to_owned()),
            Value::String(text) if matches!(name.as_str(), "resolved" | "version") => {
                is_local(text).then(|| text.clone())
            }
            value => local_entry(value),
        }),
        Value::Array(items) => items.iter().find_map(local_entry),
        _ => None,
    }
}

/// Whether npm would take this dependency from the server's own disk.
pub(super) fn is_local(range: &str) -> bool {
    let range = range.trim();
    ["file:", "link:", "portal:", "workspace:", ".", "/", "~/", "git+file:"]
        .iter()
        .any(|start| range.to_ascii_lowercase().starts_with(start))
}

/// Workers run as other users: what npm installed must be readable whatever the umask is.
pub(super) fn open_up(path: &Path) -> io::Result<()> {
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
