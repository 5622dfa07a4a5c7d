//! The JavaScript this room brings along: the bootstrap of the workers and the carried copies of
//! `wx-server-sdk`, written out at start.
//!
//! The SDKs are bundled from npm by `carried/build.mjs` before the binary is built. A binary built
//! without them still compiles and runs functions; it says what is missing.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use rust_embed::RustEmbed;

use crate::error::Error;

#[derive(RustEmbed)]
#[folder = "runtime/"]
struct Runtime;

#[derive(RustEmbed)]
#[folder = "carried/dist/"]
struct Carried;

/// What to run when the SDKs were not bundled.
pub(crate) const CARRIED_MISSING: &str = "The carried wx-server-sdk is not built: run `npm ci && \
node build.mjs` in \
     crates/functions/carried and build again. / 未构建内置的 wx-server-sdk:请在 crates/functions/carried \
     目录执行 `npm ci && node build.mjs` 后重新构建。";

/// A copy of `wx-server-sdk` that came with the binary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CarriedSdk {
    pub version: node_semver::Version,
    /// Its folder below the runtime folder, with `index.js` and `package.json`.
    pub folder: PathBuf,
}

/// The carried copies, newest first, below `runtime`.
pub(crate) fn carried_sdks(runtime: &Path) -> Vec<CarriedSdk> {
    let mut sdks: Vec<CarriedSdk> = Carried::iter()
        .filter_map(|path| {
            let name = path.strip_suffix("/index.js")?;
            let version = name.strip_prefix("wx-server-sdk-")?.parse().ok()?;
            Some(CarriedSdk { version, folder: runtime.join("carried").join(name) })
        })
        .collect();
    sdks.sort_by(|a, b| b.version.cmp(&a.version));
    sdks
}

/// Writes the bootstrap and the SDKs into `runtime`, readable for every user.
pub(crate) fn write_out(runtime: &Path) -> Result<(), Error> {
    for folder in [runtime.to_owned(), runtime.join("carried")] {
        fs::create_dir_all(&folder).map_err(Error::disk("create", &folder))?;
        open_up(&folder, 0o755)?;
    }
    for path in Runtime::iter() {
        write_one(&runtime.join(&*path), Runtime::get(&path).map(|file| file.data))?;
    }
    for path in Carried::iter() {
        let target = runtime.join("carried").join(&*path);
        write_one(&target, Carried::get(&path).map(|file| file.data))?;
    }
    Ok(())
}

fn write_one(target: &Path, data: Option<Cow<'static, [u8]>>) -> Result<(), Error> {
    let Some(data) = data else { return Ok(()) };
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder).map_err(Error::disk("create", folder))?;
        open_up(folder, 0o755)?;
    }
    fs::write(target, data).map_err(Error::disk("write", target))?;
    open_up(target, 0o644)
}

/// Workers run as other users, whatever the umask of the server is.
fn open_up(path: &Path, mode: u32) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    let permissions = fs::Permissions::from_mode(mode);
    fs::set_permissions(path, permissions).map_err(Error::disk("share", path))
}
