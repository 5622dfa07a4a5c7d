//! Finding Node.js on this machine: the usual one, and others that functions may ask for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

/// The oldest Node.js that is the usual one.
pub const NODE_MAJOR_MIN: u32 = 20;
/// The oldest Node.js that a function may ask for.
const OTHER_MAJOR_MIN: u32 = 18;
/// The newest `nodeN` that is looked for by its name.
const NAMED_MAJOR_MAX: u32 = 40;

/// The first `node` of the `PATH`, resolved, when it is new enough.
pub fn find() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let Some(found) =
        std::env::split_paths(&path).map(|it| it.join("node")).find(|it| it.is_file())
    else {
        bail!(
            "Node.js was not found: install Node.js {NODE_MAJOR_MIN} or newer. / 未找到 Node.js:请安装 \
             {NODE_MAJOR_MIN} 或更高版本。"
        );
    };
    let found = std::fs::canonicalize(&found).unwrap_or(found);
    let output = Command::new(&found).arg("--version").output()?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let major = version.trim_start_matches('v').split('.').next().and_then(|it| it.parse().ok());
    if major.is_none_or(|major: u32| major < NODE_MAJOR_MIN) {
        bail!(
            "Node.js {version} at {0} is too old: install Node.js {NODE_MAJOR_MIN} or newer. / {0} 的 \
             Node.js {version} 版本过低:请安装 {NODE_MAJOR_MIN} 或更高版本。",
            found.display()
        );
    }
    Ok(found)
}

/// The Node.js binaries beside the usual one, by major version: what the configuration names, then
/// `nodeN` of the `PATH`, then where version managers and archives put them. They are not started.
pub fn others(configured: &BTreeMap<String, PathBuf>) -> Result<BTreeMap<u32, PathBuf>> {
    let mut found = BTreeMap::new();
    for (major, path) in configured {
        let parsed = major.parse().ok().filter(|major| *major >= OTHER_MAJOR_MIN);
        let (Some(major), true) = (parsed, path.is_file()) else {
            bail!(
                "functions.node.{major}: \"{0}\" is not a Node.js {major}: write a major version \
                 from {OTHER_MAJOR_MIN} and the path of its binary. / functions.node.{major}:“{0}”\
                 无效,请填写主版本号(不低于 {OTHER_MAJOR_MIN})与可执行文件路径。",
                path.display()
            );
        };
        found.insert(major, path.clone());
    }
    let paths = std::env::var_os("PATH").unwrap_or_default();
    for folder in std::env::split_paths(&paths) {
        for major in OTHER_MAJOR_MIN..=NAMED_MAJOR_MAX {
            let path = folder.join(format!("node{major}"));
            if path.is_file() {
                found.entry(major).or_insert(path);
            }
        }
    }
    let home = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let nvm = home("NVM_DIR").or_else(|| Some(home("HOME")?.join(".nvm")));
    let n = home("N_PREFIX").unwrap_or_else(|| PathBuf::from("/usr/local"));
    let managed = [nvm.map(|nvm| nvm.join("versions/node")), Some(n.join("n/versions/node"))];
    for folder in managed.into_iter().flatten() {
        take_newest(&folder, "", &mut found);
    }
    take_newest(Path::new("/opt"), "node", &mut found);
    Ok(found)
}

/// Takes the newest version of each major in `folder`, whose folders are named by their version.
fn take_newest(folder: &Path, prefix: &str, found: &mut BTreeMap<u32, PathBuf>) {
    let mut newest: BTreeMap<u32, (Vec<u32>, PathBuf)> = BTreeMap::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(version) = name.strip_prefix(prefix).map(version_in) else { continue };
        let path = entry.path().join("bin/node");
        let Some(major) = version.first().copied().filter(|major| *major >= OTHER_MAJOR_MIN) else {
            continue;
        };
        let is_newer = newest.get(&major).is_none_or(|(known, _)| *known < version);
        if path.is_file() && is_newer {
            newest.insert(major, (version, path));
        }
    }
    for (major, (_, path)) in newest {
        found.entry(major).or_insert(path);
    }
}

/// The numbers of `v22.1.0`, `-v22.1.0-linux-x64` or `22`.
fn version_in(name: &str) -> Vec<u32> {
    let name = name.trim_start_matches(['-', '_', 'v']);
    let end = name.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
    name[..end.unwrap_or(name.len())].split('.').map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use super::{others, take_newest, version_in};

    #[test]
    fn versions_are_read_from_the_names_of_folders() {
        let rows: [(&str, &[u32]); 5] = [
            ("v22.1.0", &[22, 1, 0]),
            ("-v22.1.0-linux-x64", &[22, 1, 0]),
            ("20.9", &[20, 9]),
            ("22", &[22]),
            ("jsdoc", &[]),
        ];
        for (name, version) in rows {
            assert_eq!(version_in(name), version, "{name}");
        }
    }

    #[test]
    fn the_newest_of_each_major_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        for version in ["v16.1.0", "v20.2.0", "v20.10.0", "v22.0.0"] {
            let bin = folder.path().join(version).join("bin");
            std::fs::create_dir_all(&bin).unwrap();
            std::fs::write(bin.join("node"), "").unwrap();
        }
        let known = PathBuf::from("/known/22");
        let mut found = BTreeMap::from([(22, known.clone())]);
        take_newest(folder.path(), "", &mut found);
        let newest = folder.path().join("v20.10.0/bin/node");
        assert_eq!(found, BTreeMap::from([(20, newest), (22, known)]));
    }

    #[test]
    fn a_configured_binary_that_is_not_there_is_refused() {
        for (major, path) in [("22", "/nowhere/node"), ("twenty", "/bin/sh"), ("16", "/bin/sh")] {
            let configured = BTreeMap::from([(major.to_owned(), PathBuf::from(path))]);
            let error = others(&configured).unwrap_err().to_string();
            assert!(error.contains(&format!("functions.node.{major}")), "{error}");
        }
    }
}
