//! The hosted site: a folder of the project in `dev`; under `serve` what was deployed last, kept in
//! the data directory.
//!
//! ```text
//! hosting/current.json   which folder is served, and the hash it was sent with
//! hosting/ID/            a site, complete and unchanged since
//! ```

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use functions::Zip;
use serde::{Deserialize, Serialize};

use crate::caller::Context;
use crate::database::check_privileged;
use crate::environment::Environment;
use crate::error::{Code, Error, Result};

const CURRENT: &str = "current.json";

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Current {
    folder: String,
    source_hash: Option<String>,
}

/// What a deploy of a site did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosted {
    /// How many files it has.
    pub files: u64,
}

/// Serves the site in a folder of this machine, or none.
pub fn host_folder(environment: &Environment, folder: Option<PathBuf>) {
    environment.set_hosting(folder);
}

/// The hash that the site was sent with, if one was sent.
///
/// # Errors
/// [`Code::DatabasePermissionDenied`] for callers without privileges.
pub fn hosted(context: &Context) -> Result<Option<String>> {
    check_privileged(context)?;
    Ok(current(&place(&context.environment)).and_then(|current| current.source_hash))
}

/// Keeps a site that was sent as a zip and serves it from now on; it takes the place of the one
/// before at once. A reader in the middle of a file finishes it.
///
/// # Errors
/// [`Code::DeployRefused`] says what of the zip is refused; then the old site stays.
pub async fn host_zip(context: &Context, zip: Zip, source_hash: Option<String>) -> Result<Hosted> {
    check_privileged(context)?;
    let environment = &context.environment;
    let _turn = environment.hosting_turn().lock().await;
    let place = place(environment);
    let kept = tokio::task::spawn_blocking(move || keep(&place, &zip, source_hash)).await;
    let kept =
        kept.map_err(|error| Error::with_cause(Code::Internal, "Stopped. / 已中止。", error));
    let (folder, files) = kept??;
    environment.set_hosting(Some(folder));
    Ok(Hosted { files })
}

/// Serves what was kept by an earlier process, and removes what it did not finish.
pub(crate) fn restore(environment: &Environment) {
    let place = place(environment);
    let Some(current) = current(&place) else { return };
    remove_others(&place, &current.folder);
    environment.set_hosting(Some(place.join(current.folder)));
}

fn place(environment: &Environment) -> PathBuf {
    environment.folder().join("hosting")
}

fn current(place: &Path) -> Option<Current> {
    let text = fs::read(place.join(CURRENT)).ok()?;
    let current: Current = serde_json::from_slice(&text).ok()?;
    // A name, never a way out of the folder.
    current.folder.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(current)
}

fn keep(place: &Path, zip: &Zip, source_hash: Option<String>) -> Result<(PathBuf, u64)> {
    let name = hex::encode(rand::random::<[u8; 12]>());
    let folder = place.join(&name);
    let kept = (|| {
        fs::create_dir_all(place).map_err(|error| failed(place, error))?;
        let files = functions::unpack_site(zip, &folder)
            .map_err(|error| Error::from_room(Code::DeployRefused, error))?;
        let current = Current { folder: name.clone(), source_hash };
        write_durably(place, &current).map_err(|error| failed(place, error))?;
        Ok(files)
    })();
    match kept {
        Ok(files) => {
            remove_others(place, &name);
            Ok((folder, files))
        }
        Err(error) => {
            // It may not have been made.
            let _ = fs::remove_dir_all(&folder);
            Err(error)
        }
    }
}

/// Writes beside the target and renames, so that a crash leaves the old site or the new one.
fn write_durably(place: &Path, current: &Current) -> std::io::Result<()> {
    let beside = place.join("current.new");
    let mut file = fs::File::create(&beside)?;
    file.write_all(&serde_json::to_vec(current)?)?;
    file.sync_all()?;
    fs::rename(&beside, place.join(CURRENT))?;
    fs::File::open(place)?.sync_all()
}

fn remove_others(place: &Path, kept: &str) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        if entry.path().is_dir() && entry.file_name() != kept {
            // What stays behind is tried again at the next deploy.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn failed(place: &Path, error: std::io::Error) -> Error {
    let message = format!(
        "The site cannot be kept in {0}: {error}. Check free space and permissions. / 无法保存网站到 \
         {0}:{error}。请检查磁盘空间和权限。",
        place.display()
    );
    Error::with_cause(Code::StoreFailed, message, error)
}
