//! The packages on disk, `packages/HASH/`: the code in `code/`, what was found out beside it.
//!
//! A package appears there by one rename, when it is complete, so what an earlier process deployed
//! can be served again. It goes when no version uses it any more.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use serde::{Deserialize, Serialize};

use super::report::{Bundle, UnsupportedCall};
use super::{Workshop, seal};
use crate::error::Error;

/// What folders in the making begin with; a start removes what an earlier process left of them.
const UNFINISHED: &str = "unfinished-";
/// What folders that are being removed end with.
const GONE: &str = ".gone";
pub(super) const CODE: &str = "code";
pub(super) const NOTE: &str = "about.json";
/// So many files and folders are made durable one by one; more, with all the disk has waiting.
pub(super) const SYNC_FILES_MAX: usize = 64;

/// The packages in use, by content hash.
pub(super) type Trees = Arc<Mutex<HashMap<String, Weak<Tree>>>>;

/// A package on disk. It outlives the process when a version uses it; else it is removed when it
/// is dropped.
#[derive(Debug)]
pub(crate) struct Tree {
    /// The folder of the code.
    pub path: PathBuf,
    folder: PathBuf,
    hash: String,
    versions: AtomicUsize,
    trees: Trees,
}

impl Tree {
    /// A version uses it.
    pub(crate) fn keep(&self) {
        self.versions.fetch_add(1, Ordering::Relaxed);
    }

    /// A version that used it was replaced or withdrawn.
    pub(crate) fn release(&self) {
        self.versions.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if self.versions.load(Ordering::Relaxed) > 0 {
            return;
        }
        let mut trees = self.trees.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody may have found it on the disk meanwhile.
        if trees.get(&self.hash).is_some_and(|tree| tree.strong_count() > 0) {
            return;
        }
        trees.remove(&self.hash);
        // Renamed first: what has the name of its content is always complete.
        let aside = self.folder.with_extension(&GONE[1..]);
        let renamed = fs::rename(&self.folder, &aside);
        drop(trees);
        // Workers hold links of their own, so a running call keeps its files.
        if let Err(error) = renamed.and_then(|()| fs::remove_dir_all(&aside)) {
            tracing::warn!(path = %self.folder.display(), %error, "a package stays behind");
        }
    }
}

/// What was found out when the package was made.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Note {
    /// The version of the carried SDK it uses, if it does.
    pub carried: Option<String>,
    /// Its dependencies came from this folder of `modules/`.
    pub modules: Option<String>,
    pub notices: Vec<String>,
    pub unsupported: Vec<UnsupportedCall>,
    pub bundle: Bundle,
    /// What the folder held; packages of older releases have none.
    #[serde(default)]
    pub seal: Option<String>,
}

/// Why there is no package of a hash.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lost {
    Absent,
    /// Files are missing or others than they were.
    Torn,
}

/// A folder that is removed unless it was renamed away.
#[derive(Debug)]
pub(super) struct Unfinished(pub PathBuf);

impl Unfinished {
    /// Where the code of a package goes.
    pub(super) fn code(&self) -> PathBuf {
        self.0.join(CODE)
    }

    /// The path, which nothing removes any more but a start.
    pub(super) fn into_path(mut self) -> PathBuf {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Usually it is not there any more. What lies there may be a parcel, which is a file.
        let _ = fs::remove_dir_all(&self.0).or_else(|_| fs::remove_file(&self.0));
    }
}

impl Workshop {
    /// A place for a new folder in `parent`; it does not exist yet.
    pub(super) fn unfinished(&self, parent: &Path) -> Unfinished {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        Unfinished(parent.join(format!("{UNFINISHED}{number}")))
    }

    fn trees(&self) -> MutexGuard<'_, HashMap<String, Weak<Tree>>> {
        self.trees.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The package of this content, when it is on disk and whole.
    pub(super) fn kept(&self, hash: &str) -> Result<(Arc<Tree>, Note), Lost> {
        let (folder, note) = (self.packages.join(hash), self.note(hash)?);
        let mut trees = self.trees();
        // It may have been removed meanwhile.
        if !folder.join(NOTE).is_file() {
            return Err(Lost::Absent);
        }
        let tree = trees.get(hash).and_then(Weak::upgrade).unwrap_or_else(|| {
            let (path, trees) = (folder.join(CODE), Arc::clone(&self.trees));
            let (hash, versions) = (hash.to_owned(), AtomicUsize::new(0));
            Arc::new(Tree { path, folder, hash, versions, trees })
        });
        trees.retain(|_, tree| tree.strong_count() > 0);
        trees.insert(hash.to_owned(), Arc::downgrade(&tree));
        Ok((tree, note))
    }

    /// What was found out about a package that is on disk and whole.
    pub(super) fn note(&self, hash: &str) -> Result<Note, Lost> {
        let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        let folder = self.packages.join(hash);
        let text = fs::read(folder.join(NOTE)).ok().filter(|_| is_hash).ok_or(Lost::Absent)?;
        let note = serde_json::from_slice(&text).map_err(|_| Lost::Torn)?;
        self.check_seal(hash, &folder, &note)?;
        Ok(note)
    }

    /// Each package is looked at once in the life of a process.
    fn check_seal(&self, hash: &str, folder: &Path, note: &Note) -> Result<(), Lost> {
        let Some(seal) = &note.seal else { return Ok(()) };
        let mut whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        if !whole.contains(hash) {
            if seal::of(&folder.join(CODE)).ok().as_ref() != Some(seal) {
                return Err(Lost::Torn);
            }
            whole.insert(hash.to_owned());
        }
        Ok(())
    }

    /// Gives a complete folder its name.
    pub(super) fn finish(
        &self,
        folder: &Unfinished,
        hash: &str,
        mut note: Note,
    ) -> Result<(Arc<Tree>, Note), Error> {
        note.seal = Some(seal::of(&folder.code()).map_err(Error::disk("read", folder.code()))?);
        let path = folder.0.join(NOTE);
        let text = serde_json::to_vec(&note).expect("a note has only texts and numbers");
        fs::write(&path, text).map_err(Error::disk("write", path))?;
        seal::sync(&folder.0).map_err(Error::disk("sync", &folder.0))?;
        // Two functions with the same code may be deployed at the same moment.
        let _naming = self.naming.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(kept) = self.kept(hash) {
            return Ok(kept);
        }
        let target = self.packages.join(hash);
        // What lies there, torn or without a note that can be read, is of no use to anybody.
        let useless = self.unfinished(&self.packages);
        let _ = fs::rename(&target, &useless.0);
        fs::rename(&folder.0, &target).map_err(Error::disk("rename", &target))?;
        let synced = fs::File::open(&self.packages).and_then(|packages| packages.sync_all());
        synced.map_err(Error::disk("sync", &self.packages))?;
        let kept = self.kept(hash);
        kept.map_err(|_| Error::disk("read", target)(std::io::ErrorKind::NotFound.into()))
    }

    /// Removes the packages that no version uses, and the installed modules that no package came
    /// from: of deploys long gone, and of an earlier process.
    /// What is in `stays` stays.
    pub(crate) fn tidy(&self, stays: &BTreeSet<String>) -> Result<(), Error> {
        // Removed at the end, when nobody waits for the table of packages.
        let mut gone = Vec::new();
        for hash in names(&self.packages)? {
            let trees = self.trees();
            let is_used = trees.get(&hash).is_some_and(|tree| tree.strong_count() > 0);
            let stays = is_used || stays.contains(&hash);
            if stays || hash.starts_with(UNFINISHED) || hash.ends_with(GONE) {
                continue;
            }
            let aside = self.unfinished(&self.packages);
            let path = self.packages.join(&hash);
            fs::rename(&path, &aside.0).map_err(Error::disk("remove", path))?;
            gone.push(aside);
        }
        drop(gone);
        // A deploy may be about to use modules that no package names yet.
        let Ok(_alone) = self.building.try_write() else { return Ok(()) };
        let mut used = BTreeSet::new();
        for hash in names(&self.packages)? {
            let note = fs::read(self.packages.join(hash).join(NOTE)).ok();
            let note: Option<Note> = note.and_then(|note| serde_json::from_slice(&note).ok());
            used.extend(note.and_then(|note| note.modules));
        }
        for name in names(&self.modules)? {
            if !used.contains(&name) {
                drop(Unfinished(self.modules.join(name)));
            }
        }
        Ok(())
    }

    /// Removes what an earlier process did not finish.
    pub(super) fn sweep(&self) -> Result<(), Error> {
        for folder in [&self.packages, &self.modules] {
            let names = names(folder)?.into_iter();
            for name in names.filter(|it| it.starts_with(UNFINISHED) || it.ends_with(GONE)) {
                drop(Unfinished(folder.join(name)));
            }
        }
        Ok(())
    }
}

fn names(folder: &Path) -> Result<Vec<String>, Error> {
    let entries = fs::read_dir(folder).map_err(Error::disk("list", folder))?;
    Ok(entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect())
}

/// All that was written to the disk of this folder outlives a loss of power.
pub(super) fn make_durable(folder: &Path) -> std::io::Result<()> {
    let folder = fs::File::open(folder)?;
    #[cfg(target_os = "linux")]
    nix::unistd::syncfs(&folder)?;
    folder.sync_all()
}
