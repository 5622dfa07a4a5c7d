//! The files of the repository, without what was built or fetched.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Folders that hold nothing written by hand.
const SKIPPED: [&str; 7] =
    ["target", "node_modules", "dist", "corpus", "artifacts", "miniprogram_npm", "vendor"];

/// The root of the repository.
pub fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap_or(root)
}

/// Every file below `root` whose name ends in one of `extensions`, relative to `root` with `/`
/// between the parts, sorted. Hidden folders and built ones are left out.
pub fn files(root: &Path, extensions: &[&str]) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type()?;
            if kind.is_dir() && !name.starts_with('.') && !SKIPPED.contains(&name.as_str()) {
                folders.push(entry.path());
            }
            let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
            if kind.is_file() && extensions.contains(&extension) {
                let path = entry.path();
                let relative = path.strip_prefix(root).unwrap_or(&path);
                found.push(relative.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    found.sort();
    Ok(found)
}
