//! From a folder to a package: checked, copied, completed with its dependencies, named by content.
//!
//! The source folder is only read. A package never changes once it exists; workers get it as hard
//! links. Nothing of the function is executed here, and npm runs without install scripts.

mod dependencies;
mod manifest;
mod source;
mod syntax;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde::{Deserialize, Serialize};

use crate::assets::CarriedSdk;
use crate::error::Error;
use crate::settings::{Package, Settings, Source};
use manifest::Manifest;

/// Where packages are made and kept.
#[derive(Debug)]
pub(crate) struct Workshop {
    packages: PathBuf,
    modules: PathBuf,
    runtime: PathBuf,
    node: PathBuf,
    carried: Vec<CarriedSdk>,
    trees: Trees,
    counter: AtomicU64,
}

/// The packages in use, by content hash.
type Trees = Arc<Mutex<HashMap<String, Weak<Tree>>>>;

/// A package on disk, `packages/HASH/` with its code in `code/`. It outlives the process when a
/// version uses it; else it is removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Tree {
    /// The folder of the code.
    pub path: PathBuf,
    folder: PathBuf,
    /// Empty while the package is in the making.
    hash: String,
    versions: AtomicUsize,
    trees: Trees,
}

impl Tree {
    fn new(folder: PathBuf, hash: String, trees: &Trees) -> Self {
        let (path, trees) = (folder.join("code"), Arc::clone(trees));
        Self { path, folder, hash, versions: AtomicUsize::new(0), trees }
    }

    /// A version uses it.
    pub(crate) fn keep(&self) {
        self.versions.fetch_add(1, Ordering::Relaxed);
    }

    /// A version that used it was replaced or withdrawn.
    pub(crate) fn release(&self) {
        self.versions.fetch_sub(1, Ordering::Relaxed);
    }

    /// Takes the folder out of the way of a package with the same name.
    fn step_aside(&self) -> Option<PathBuf> {
        if self.hash.is_empty() {
            return Some(self.folder.clone());
        }
        let mut trees = self.trees.lock().unwrap_or_else(PoisonError::into_inner);
        if trees.get(&self.hash).is_some_and(|tree| tree.strong_count() > 0) {
            return None;
        }
        trees.remove(&self.hash);
        let aside = self.folder.with_extension("gone");
        fs::rename(&self.folder, &aside).ok().map(|()| aside)
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if self.versions.load(Ordering::Relaxed) > 0 {
            return;
        }
        // Workers hold links of their own, so a running call keeps its files.
        if let Some(folder) = self.step_aside()
            && let Err(error) = fs::remove_dir_all(&folder)
        {
            tracing::warn!(path = %folder.display(), %error, "a package stays behind");
        }
    }
}

/// What is kept beside the code of a package.
#[derive(Debug, Serialize, Deserialize)]
struct About {
    /// The version of the carried SDK it uses, if it does.
    carried: Option<String>,
}

const ABOUT: &str = "about.json";

/// A package that is ready to be called.
#[derive(Debug)]
pub(crate) struct Built {
    pub tree: Arc<Tree>,
    pub content_hash: String,
    /// The carried SDK a `require('wx-server-sdk')` falls back to.
    pub carried: Option<CarriedSdk>,
    pub notices: Vec<String>,
}

/// What is known of a source folder before anything is copied.
struct Surveyed {
    folder: PathBuf,
    items: Vec<source::Item>,
    manifest: Manifest,
    main: String,
}

impl Workshop {
    /// Prepares the folders. Packages of an earlier process stay until [`Self::tidy`].
    pub(crate) fn open(
        data_dir: &Path,
        runtime: &Path,
        node: &Path,
        carried: Vec<CarriedSdk>,
    ) -> Result<Self, Error> {
        let (packages, modules) = (data_dir.join("packages"), data_dir.join("modules"));
        for folder in [&packages, &modules] {
            fs::create_dir_all(folder).map_err(Error::disk("create", folder))?;
        }
        Ok(Self {
            packages,
            modules,
            runtime: runtime.to_owned(),
            node: node.to_owned(),
            carried,
            trees: Trees::default(),
            counter: AtomicU64::new(1),
        })
    }

    /// Removes the packages that no version uses: of deploys long gone, and of an earlier process.
    pub(crate) fn tidy(&self) -> Result<(), Error> {
        let trees = self.trees.lock().unwrap_or_else(PoisonError::into_inner);
        let listed = fs::read_dir(&self.packages);
        for entry in listed.map_err(Error::disk("list", &self.packages))? {
            let entry = entry.map_err(Error::disk("list", &self.packages))?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let in_the_making = name
                .parse::<u64>()
                .is_ok_and(|number| (1..self.counter.load(Ordering::Relaxed)).contains(&number));
            let in_use = trees.get(&*name).is_some_and(|tree| tree.strong_count() > 0);
            if !in_the_making && !in_use {
                let path = entry.path();
                fs::remove_dir_all(&path).map_err(Error::disk("remove", &path))?;
            }
        }
        Ok(())
    }

    /// A package that lies on the disk already.
    pub(crate) fn find(&self, content_hash: &str) -> Result<Built, Error> {
        let folder = self.packages.join(content_hash);
        let path = folder.join(ABOUT);
        let text = fs::read(&path).map_err(Error::disk("read", &path))?;
        let about: About = serde_json::from_slice(&text)
            .map_err(|error| Error::disk("read", &path)(error.into()))?;
        let same = |sdk: &&CarriedSdk| Some(sdk.version.to_string()) == about.carried;
        let carried = match &about.carried {
            // Another build of this program may carry other copies.
            Some(_) => self.carried.iter().find(same).or(self.carried.first()).cloned(),
            None => None,
        };
        let mut trees = self.trees.lock().unwrap_or_else(PoisonError::into_inner);
        let content_hash = content_hash.to_owned();
        let tree = match trees.get(&content_hash).and_then(Weak::upgrade) {
            Some(tree) => tree,
            None => {
                let tree = Arc::new(Tree::new(folder, content_hash.clone(), &self.trees));
                trees.insert(content_hash.clone(), Arc::downgrade(&tree));
                tree
            }
        };
        Ok(Built { tree, content_hash, carried, notices: Vec::new() })
    }

    /// Makes a package.
    pub(crate) async fn build(self: &Arc<Self>, package: &Package) -> Result<Built, Error> {
        check_name(&package.name)?;
        check_settings(&package.settings)?;
        let surveyed = {
            let package = package.clone();
            blocking(move || survey(&package)).await?
        };
        let mut notices = Vec::new();
        let choice =
            self.complete(&surveyed, package.settings.install_dependencies, &mut notices).await?;
        let workshop = Arc::clone(self);
        let name = package.name.clone();
        blocking(move || {
            let (tree, content_hash) =
                workshop.assemble(&name, &surveyed, &choice, &mut notices)?;
            Ok(Built { tree, content_hash, carried: choice.carried, notices })
        })
        .await
    }

    /// Copies, links the installed modules in, checks the syntax, and gives the tree its name.
    fn assemble(
        &self,
        name: &str,
        surveyed: &Surveyed,
        choice: &dependencies::Choice,
        notices: &mut Vec<String>,
    ) -> Result<(Arc<Tree>, String), Error> {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        let folder = self.packages.join(number.to_string());
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(Error::disk("empty", &folder))?;
        }
        fs::create_dir(&folder).map_err(Error::disk("create", &folder))?;
        let tree = Tree::new(folder, String::new(), &self.trees);
        let mut hash = source::copy(&surveyed.folder, &surveyed.items, &tree.path)?;
        if let Some(modules) = &choice.modules {
            let target = tree.path.join("node_modules");
            dependencies::merge(modules, &target).map_err(Error::disk("link", &target))?;
            hash.add_modules(modules);
        }
        let hash = hash.finish();
        let kept = self.trees.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned();
        if let Some(same) = kept.and_then(|tree| tree.upgrade()) {
            return Ok((same, hash));
        }
        notices.extend(syntax::check(self, name, surveyed, &tree.path)?);
        let about = About { carried: choice.carried.as_ref().map(|sdk| sdk.version.to_string()) };
        let text = serde_json::to_vec(&about).expect("a struct of text has a JSON form");
        let path = tree.folder.join(ABOUT);
        fs::write(&path, text).map_err(Error::disk("write", &path))?;
        Ok((self.name(&tree, &hash)?, hash))
    }

    /// Moves a finished package to the place of its name.
    fn name(&self, made: &Tree, hash: &str) -> Result<Arc<Tree>, Error> {
        let mut trees = self.trees.lock().unwrap_or_else(PoisonError::into_inner);
        trees.retain(|_, tree| tree.strong_count() > 0);
        if let Some(same) = trees.get(hash).and_then(Weak::upgrade) {
            return Ok(same);
        }
        let folder = self.packages.join(hash);
        // Left by an earlier process, which may have died while writing it.
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(Error::disk("remove", &folder))?;
        }
        fs::rename(&made.folder, &folder).map_err(Error::disk("name", &folder))?;
        // Nothing is left to remove.
        made.keep();
        let tree = Arc::new(Tree::new(folder, hash.to_owned(), &self.trees));
        trees.insert(hash.to_owned(), Arc::downgrade(&tree));
        Ok(tree)
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(_) => Err(Error::ShuttingDown),
    }
}

fn survey(package: &Package) -> Result<Surveyed, Error> {
    let Source::Folder(folder) = &package.source;
    let items = source::list(&package.name, folder)?;
    let manifest = Manifest::read(&package.name, folder)?;
    let main = find_main(&package.name, &package.settings.handler, folder, &items)?;
    Ok(Surveyed { folder: folder.clone(), items, manifest, main })
}

/// The file of a handler and the export in it.
pub(crate) fn split_handler(handler: &str) -> Option<(&str, &str)> {
    let (file, export) = handler.rsplit_once('.')?;
    let inside =
        Path::new(file).components().all(|part| matches!(part, std::path::Component::Normal(_)));
    (inside && !file.is_empty() && !export.is_empty()).then_some((file, export))
}

fn find_main(
    name: &str,
    handler: &str,
    folder: &Path,
    items: &[source::Item],
) -> Result<String, Error> {
    let (file, _) = split_handler(handler).ok_or_else(|| bad_handler(handler))?;
    let candidates = [".js", ".cjs", ".mjs", "/index.js", ""].map(|end| format!("{file}{end}"));
    let found = candidates.iter().find(|path| items.iter().any(|item| item.is_file_at(path)));
    found.cloned().ok_or_else(|| {
        Error::MendPackage(format!(
            "Function \"{name}\": {file}.js is missing in {}; its handler is \"{handler}\". Add \
             the file or \
             change the handler. / 云函数“{name}”的目录中缺少 {file}.js(入口为“{handler}”),请补充文件或修改入口。",
            folder.display()
        ))
    })
}

fn bad_handler(handler: &str) -> Error {
    Error::MendPackage(format!(
        "\"{handler}\" is not a handler; write FILE.EXPORT with a file of the package, such as \
         index.main. / \
         入口“{handler}”格式不正确,应为“文件.导出名”,例如 index.main。"
    ))
}

/// Names the vendor allows too (protocol 02 §5.3), and nothing that could be a path.
fn check_name(name: &str) -> Result<(), Error> {
    let mut letters = name.chars();
    let fine = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'))
        && name.len() <= 60;
    if fine {
        return Ok(());
    }
    Err(Error::MendPackage(format!(
        "{name:?} is not a function name: begin with a letter, then letters, digits, - and _, at \
         most 60. / \
         云函数名 {name:?} 不合法:以字母开头,仅含字母、数字、- 和 _,最长 60 个字符。"
    )))
}

fn check_settings(settings: &Settings) -> Result<(), Error> {
    if split_handler(&settings.handler).is_none() {
        return Err(bad_handler(&settings.handler));
    }
    if !(1..=900_000).contains(&settings.timeout_ms) {
        return Err(Error::MendPackage(format!(
            "A timeout of {} ms is outside 1..900,000. / 超时时间 {} 毫秒超出范围(1 至 900000)。",
            settings.timeout_ms, settings.timeout_ms
        )));
    }
    if !(64..=8192).contains(&settings.memory_mb) {
        return Err(Error::MendPackage(format!(
            "{} MB of memory is outside 64..8,192. / 内存 {} MB 超出范围(64 至 8192)。",
            settings.memory_mb, settings.memory_mb
        )));
    }
    if let Some(runtime) = &settings.runtime
        && !runtime.to_ascii_lowercase().starts_with("nodejs")
    {
        return Err(Error::MendPackage(format!(
            "Runtime \"{runtime}\" is not served; only Node.js is. / 不支持运行时“{runtime}”,目前仅支持 \
             Node.js。"
        )));
    }
    for (name, value) in &settings.variables {
        let fine = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
            && !value.contains('\0');
        if !fine {
            return Err(Error::MendPackage(format!(
                "{name:?} is not a variable name: begin with a letter, then letters, digits and \
                 _. / \
                 环境变量名 {name:?} 不合法:以字母开头,仅含字母、数字和 _。"
            )));
        }
    }
    Ok(())
}
