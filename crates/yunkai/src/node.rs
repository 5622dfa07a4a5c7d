//! Finding Node.js on this machine.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

/// The oldest Node.js that functions run on.
pub const NODE_MAJOR_MIN: u32 = 20;

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
