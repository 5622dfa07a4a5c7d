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
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

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
    trees: Mutex<HashMap<String, Weak<Tree>>>,
    counter: AtomicU64,
}

/// A package on disk; removed when no version uses it any more.
#[derive(Debug)]
pub(crate) struct Tree {
    pub path: PathBuf,
}

impl Drop for Tree {
    fn drop(&mut self) {
        // Workers hold links of their own, so a running call keeps its files.
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "a package stays behind");
        }
    }
}

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
    /// Prepares the folders. Packages of an earlier process are removed: the platform deploys anew.
    pub(crate) fn open(
        data_dir: &Path,
        runtime: &Path,
        node: &Path,
        carried: Vec<CarriedSdk>,
    ) -> Result<Self, Error> {
        let (packages, modules) = (data_dir.join("packages"), data_dir.join("modules"));
        if packages.exists() {
            fs::remove_dir_all(&packages).map_err(Error::disk("empty", &packages))?;
        }
        for folder in [&packages, &modules] {
            fs::create_dir_all(folder).map_err(Error::disk("create", folder))?;
        }
        Ok(Self {
            packages,
            modules,
            runtime: runtime.to_owned(),
            node: node.to_owned(),
            carried,
            trees: Mutex::default(),
            counter: AtomicU64::new(1),
        })
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
                workshop.assemble(&name, &surveyed, choice.modules.as_deref(), &mut notices)?;
            Ok(Built { tree, content_hash, carried: choice.carried, notices })
        })
        .await
    }

    /// Copies, links the installed modules in, checks the syntax, and gives the tree its name.
    fn assemble(
        &self,
        name: &str,
        surveyed: &Surveyed,
        modules: Option<&Path>,
        notices: &mut Vec<String>,
    ) -> Result<(Arc<Tree>, String), Error> {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        let tree = Tree { path: self.packages.join(number.to_string()) };
        let mut hash = source::copy(&surveyed.folder, &surveyed.items, &tree.path)?;
        if let Some(modules) = modules {
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
        let tree = Arc::new(tree);
        let mut trees = self.trees.lock().unwrap_or_else(PoisonError::into_inner);
        trees.retain(|_, tree| tree.strong_count() > 0);
        trees.insert(hash.clone(), Arc::downgrade(&tree));
        Ok((tree, hash))
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
