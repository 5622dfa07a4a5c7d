//! From a folder or a zip to a package: checked, copied, completed with its dependencies, bundled
//! where that helps, named by content.
//!
//! The source is only read. A package never changes once it exists; workers get it as hard links.
//! Nothing of the function is executed here, and install scripts run only where they are allowed.

mod archive;
mod bundle;
mod checks;
mod dependencies;
mod faithful;
mod kept;
mod manifest;
mod nodes;
mod npm;
mod npmrc;
mod parcel;
mod report;
mod seal;
mod source;
mod syntax;
mod tokens;
mod unsupported;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use crate::assets::CarriedSdk;
use crate::error::Error;
use crate::settings::{Kind, Options, Package, Settings, Source};
use bundle::Recipe;
pub(crate) use checks::split_handler;
pub(crate) use kept::Tree;
use kept::{Lost, Note, Trees, Unfinished};
use manifest::Manifest;
use nodes::Nodes;
pub use parcel::Parcel;
pub use report::{Bundle, UnsupportedCall, Zip};

/// The start script of functions with a server of their own (protocol 02 §4.7).
const START_SCRIPT: &str = "scf_bootstrap";
/// Several functions behind one server (protocol 02 §4.6).
const MANY: &str = "cloudbase-functions.json";

/// Where packages are made and kept.
#[derive(Debug)]
pub(crate) struct Workshop {
    packages: PathBuf,
    modules: PathBuf,
    runtime: PathBuf,
    nodes: Nodes,
    /// Whether functions may ask for install scripts.
    install_scripts: bool,
    carried: Vec<CarriedSdk>,
    trees: Trees,
    /// The packages that were found whole, by hash.
    whole: Mutex<HashSet<String>>,
    /// Held while a package gets its name.
    naming: Mutex<()>,
    /// Read by deploys, written while modules are removed.
    building: tokio::sync::RwLock<()>,
    counter: AtomicU64,
}

/// A package that is ready to be called.
#[derive(Debug)]
pub(crate) struct Built {
    pub tree: Arc<Tree>,
    pub content_hash: String,
    /// The carried SDK a `require('wx-server-sdk')` falls back to.
    pub carried: Option<CarriedSdk>,
    /// The Node.js it runs on, when that is not the usual one.
    pub node: Option<PathBuf>,
    pub notices: Vec<String>,
    pub unsupported: Vec<UnsupportedCall>,
    pub bundle: Bundle,
}

/// What is known of a source before anything is copied.
struct Surveyed {
    folder: PathBuf,
    items: Vec<source::Item>,
    manifest: Manifest,
    main: String,
    /// Holds what a zip was unpacked to.
    unpacked: Option<Unfinished>,
}

impl Workshop {
    /// Prepares the folders below `options.data_dir`. `node_major`: that of `options.node`.
    /// Packages of an earlier process stay until [`Self::tidy`].
    pub(crate) fn open(
        options: &Options,
        node_major: u32,
        runtime: &Path,
        carried: Vec<CarriedSdk>,
    ) -> Result<Self, Error> {
        let data_dir = &options.data_dir;
        let (packages, modules) = (data_dir.join("packages"), data_dir.join("modules"));
        for folder in [&packages, &modules] {
            fs::create_dir_all(folder).map_err(Error::disk("create", folder))?;
        }
        let workshop = Self {
            packages,
            modules,
            runtime: runtime.to_owned(),
            nodes: Nodes::new(options.node.clone(), node_major, options.nodes.clone()),
            install_scripts: options.install_scripts,
            carried,
            trees: Trees::default(),
            whole: Mutex::default(),
            naming: Mutex::default(),
            building: tokio::sync::RwLock::default(),
            counter: AtomicU64::new(1),
        };
        workshop.sweep()?;
        Ok(workshop)
    }

    /// Makes a package, or finds it made.
    pub(crate) async fn build(self: &Arc<Self>, package: &Package) -> Result<Built, Error> {
        checks::check_name(&package.name)?;
        checks::check_settings(&package.settings)?;
        self.check_scripts(&package.settings)?;
        let _building = self.building.read().await;
        let (surveyed, node, mut notices) = {
            let (package, workshop) = (package.clone(), Arc::clone(self));
            let (surveyed, (node, notice)) = blocking(move || {
                let node = workshop.nodes.choose(&package.settings)?;
                Ok((workshop.survey(&package)?, node))
            })
            .await?;
            (surveyed, node, Vec::from_iter(notice))
        };
        notices.extend(checks::remark(&package.settings));
        let choice = self.complete(&surveyed, &package.settings, &node, &mut notices).await?;
        let workshop = Arc::clone(self);
        let (name, memory_mb) = (package.name.clone(), package.settings.memory_mb);
        blocking(move || {
            let usual = node.path == workshop.nodes.usual.path;
            let carried = choice.carried.as_ref();
            let project = surveyed.unpacked.is_none().then_some(surveyed.folder.as_path());
            let esbuild = bundle::find_esbuild(project);
            let recipe = Recipe { node: &node, memory_mb, carried, esbuild };
            let (tree, content_hash, note) =
                workshop.assemble(&name, &surveyed, choice.modules.as_deref(), &recipe)?;
            notices.extend(note.notices);
            Ok(Built {
                tree,
                content_hash,
                carried: choice.carried,
                node: (!usual).then_some(node.path),
                notices,
                unsupported: note.unsupported,
                bundle: note.bundle,
            })
        })
        .await
    }

    /// A package that lies on the disk already.
    ///
    /// # Errors
    /// [`Error::MendPackage`] when it does not: it must be deployed again.
    pub(crate) fn find(&self, hash: &str, settings: &Settings) -> Result<Built, Error> {
        // First: a package that is found and not served would be removed.
        let (node, notice) = self.nodes.choose(settings)?;
        let (tree, note) = self.kept(hash).map_err(|lost| match lost {
            Lost::Absent => Error::MendPackage(format!(
                "The package {hash} is not on the disk any more; deploy the function again. / \
                 代码包 {hash} 已不在磁盘上,请重新部署云函数。"
            )),
            Lost::Torn => Error::MendPackage(format!(
                "The package {hash} is damaged: files are missing or changed, as after a loss of \
                 power. It is not run; deploy the function again. / 代码包 {hash} 已损坏(文件缺失或被改动,\
                 例如断电所致),不会运行,请重新部署云函数。"
            )),
        })?;
        let same = |sdk: &&CarriedSdk| Some(sdk.version.to_string()) == note.carried;
        let carried = match &note.carried {
            // Another build of this program may carry other copies.
            Some(_) => self.carried.iter().find(same).or(self.carried.first()).cloned(),
            None => None,
        };
        let node = (node.path != self.nodes.usual.path).then_some(node.path);
        let mut notices = Vec::from_iter(notice);
        notices.extend(note.notices);
        let (unsupported, bundle) = (note.unsupported, note.bundle);
        let content_hash = hash.to_owned();
        Ok(Built { tree, content_hash, carried, node, notices, unsupported, bundle })
    }

    fn check_scripts(&self, settings: &Settings) -> Result<(), Error> {
        if !settings.install_scripts || self.install_scripts {
            return Ok(());
        }
        Err(Error::MendPackage(
            "Install scripts are not allowed on this server: they run with its rights. Deploy the \
             function with its node_modules, or allow them with `install_scripts = true` below \
             [functions]. / 本服务器不允许运行 npm 安装脚本(它们以服务器权限运行)。请连同 node_modules 一起部署,\
             或在 [functions] 中设置 install_scripts = true。"
                .to_owned(),
        ))
    }

    fn survey(&self, package: &Package) -> Result<Surveyed, Error> {
        let (name, handler) = (&package.name, &package.settings.handler);
        let (folder, unpacked) = match &package.source {
            Source::Folder(folder) => (folder.clone(), None),
            Source::Zip(zip) => {
                let unpacked = self.unfinished(&self.packages);
                archive::unpack(name, zip, &unpacked.0)?;
                let root = archive::root_within(&unpacked.0, |root| {
                    let files = main_files(handler);
                    let mut files = files.iter().map(String::as_str).chain([START_SCRIPT, MANY]);
                    files.any(|file| root.join(file).is_file())
                });
                (root, Some(unpacked))
            }
        };
        let items = source::list(name, &folder)?;
        let manifest = Manifest::read(name, &folder)?;
        // What starts a server of its own; it is understood when it runs.
        let script = |path| items.iter().find(|item| item.is_file_at(path));
        let starts = script(START_SCRIPT).or_else(|| script(MANY));
        let main = match starts.filter(|_| package.settings.kind == Kind::Http) {
            Some(script) => script.path.clone(),
            None => find_main(name, handler, &folder, &items, unpacked.is_some())?,
        };
        Ok(Surveyed { folder, items, manifest, main, unpacked })
    }

    /// Copies, links the installed modules in, checks the code, bundles it, and gives the tree its
    /// name.
    fn assemble(
        &self,
        name: &str,
        surveyed: &Surveyed,
        modules: Option<&Path>,
        recipe: &Recipe<'_>,
    ) -> Result<(Arc<Tree>, String, Note), Error> {
        let folder = self.unfinished(&self.packages);
        fs::create_dir(&folder.0).map_err(Error::disk("create", &folder.0))?;
        let tree = &folder.code();
        let mut hash = source::copy(&surveyed.folder, &surveyed.items, tree)?;
        let installed = tree.join("node_modules");
        if let Some(modules) = modules {
            dependencies::merge(modules, &installed, recipe.carried.is_some())
                .map_err(Error::disk("link", &installed))?;
            // Installed modules are named by what they were installed from.
            hash.add(modules.file_name().unwrap_or_default().as_encoded_bytes());
        }
        let recipe_of = bundle::recipe_of(surveyed, recipe).filter(|_| installed.is_dir());
        hash.add(recipe_of.unwrap_or_default().as_bytes());
        let hash = hash.finish();
        if let Ok((tree, note)) = self.kept(&hash) {
            if !bundle::is_compiled(recipe, &tree.path) {
                bundle::compile(self, recipe, &tree.path);
            }
            return Ok((tree, hash, note));
        }
        let notices = syntax::check(self, &recipe.node.path, name, surveyed, tree)?;
        let unsupported = unsupported::find(surveyed, tree);
        let bundle = bundle::make(self, surveyed, recipe, tree);
        let modules = modules.and_then(|modules| modules.file_name()?.to_str().map(str::to_owned));
        let carried = recipe.carried.map(|sdk| sdk.version.to_string());
        let note = Note { carried, modules, notices, unsupported, bundle, seal: None };
        let (tree, note) = self.finish(&folder, &hash, note)?;
        Ok((tree, hash, note))
    }
}

/// Unpacks a site into a folder that does not exist yet, with the limits of packages; how many
/// files it has. Durable when it returns; after an error the caller removes what is there.
///
/// # Errors
/// [`Error::MendPackage`] says which entry is refused and why; [`Error::Disk`].
pub fn unpack_site(zip: &Zip, folder: &Path) -> Result<u64, Error> {
    const NAME: &str = "hosting";
    archive::unpack(NAME, zip, folder)?;
    // Links that leave the site are refused here.
    let items = source::list(NAME, folder)?;
    kept::make_durable(folder).map_err(Error::disk("sync", folder))?;
    Ok(items.iter().filter(|item| item.is_regular_file()).count() as u64)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(_) => Err(Error::ShuttingDown),
    }
}

/// Where the file of a handler may be, in the order in which it is looked for.
fn main_files(handler: &str) -> Vec<String> {
    let file = split_handler(handler).map_or(handler, |(file, _)| file);
    [".js", ".cjs", ".mjs", "/index.js", ""].map(|end| format!("{file}{end}")).into()
}

fn find_main(
    name: &str,
    handler: &str,
    folder: &Path,
    items: &[source::Item],
    zipped: bool,
) -> Result<String, Error> {
    let (file, _) = split_handler(handler).ok_or_else(|| checks::bad_handler(handler))?;
    let candidates = main_files(handler);
    let found = candidates.iter().find(|path| items.iter().any(|item| item.is_file_at(path)));
    let place = if zipped { "the zip".to_owned() } else { folder.display().to_string() };
    found.cloned().ok_or_else(|| {
        Error::MendPackage(format!(
            "Function \"{name}\": {file}.js is missing in {place}; its handler is \"{handler}\". Add \
             the file or \
             change the handler. / 云函数“{name}”的目录中缺少 {file}.js(入口为“{handler}”),请补充文件或修改入口。"
        ))
    })
}
