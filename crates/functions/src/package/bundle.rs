//! Puts a function and its dependencies into one file with compiled code, for faster cold starts.
//!
//! Done only where nothing can be told apart afterwards: [`faithful`](super::faithful) looks at
//! every module that would go into the file, and one doubt leaves the function as it is. The files
//! stay where they are; the bundle lies beside them in `.yunkai/`. It needs esbuild on this machine
//! and never downloads it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::faithful;
use super::nodes::Node;
use super::report::Bundle;
use super::{Surveyed, Workshop};
use crate::assets::CarriedSdk;

/// Where a package keeps what the platform adds to it.
pub(super) const FOLDER: &str = ".yunkai";
/// Fewer modules and bytes than these load quickly enough as they are.
const MODULES_MIN: usize = 30;
const BYTES_MIN: u64 = 256 * 1024;
/// How far above a function's folder a project's `node_modules` may lie.
const ABOVE_MAX: usize = 6;
const WORDS_MAX: usize = 300;
const TOOL_TIME_MAX: Duration = Duration::from_secs(60);

/// What a bundle is made of.
pub(super) struct Recipe<'a> {
    pub node: &'a Node,
    pub memory_mb: u64,
    /// The platform's own SDK serves the function.
    pub carried: Option<&'a CarriedSdk>,
    pub esbuild: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Metafile {
    inputs: Map<String, Value>,
}

/// A reason, in both languages.
fn plain(english: &str, chinese: &str) -> Bundle {
    Bundle::Plain { reason: format!("{english} / {chinese}") }
}

/// esbuild of the function's project, where the project lies on this machine, or of the machine.
pub(super) fn find_esbuild(project: Option<&Path>) -> Option<PathBuf> {
    let above = project.into_iter().flat_map(|folder| folder.ancestors().take(ABOVE_MAX));
    let in_project = above.map(|folder| folder.join("node_modules/.bin/esbuild"));
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let on_machine: Vec<PathBuf> =
        std::env::split_paths(&paths).map(|folder| folder.join("esbuild")).collect();
    in_project.chain(on_machine).find(|path| path.is_file())
}

/// What the content hash has to know: with another recipe the same code runs otherwise.
pub(super) fn recipe_of(surveyed: &Surveyed, recipe: &Recipe<'_>) -> Option<String> {
    let esbuild = recipe.esbuild.as_ref()?;
    let (main, major) = (&surveyed.main, recipe.node.major);
    Some(format!("{main} {major} {} {}", recipe.carried.is_some(), esbuild.display()))
}

/// Makes the bundle in `tree`, or says why there is none.
pub(super) fn make(
    workshop: &Workshop,
    surveyed: &Surveyed,
    recipe: &Recipe<'_>,
    tree: &Path,
) -> Bundle {
    if [super::START_SCRIPT, super::MANY].contains(&&*surveyed.main) {
        return plain("the function has a server of its own", "云函数自带 HTTP 服务");
    }
    if surveyed.main.ends_with(".mjs") || surveyed.manifest.is_module() {
        return plain("the function is an ECMAScript module", "云函数为 ES 模块");
    }
    if !tree.join("node_modules").is_dir() {
        return plain("it has no dependencies to bundle", "没有需要打包的依赖");
    }
    let Some(esbuild) = &recipe.esbuild else {
        return plain("esbuild is not on this machine", "本机没有 esbuild");
    };
    let folder = tree.join(FOLDER);
    let made = fs::create_dir(&folder)
        .map_err(|error| plain(&error.to_string(), "无法写入"))
        .and_then(|()| run(esbuild, surveyed, recipe, tree));
    match made {
        Ok(bundle) => {
            compile(workshop, recipe, tree);
            if let Err(error) = super::npm::open_up(&folder) {
                tracing::warn!(%error, "a bundle could not be shared with workers");
            }
            bundle
        }
        Err(reason) => {
            // It may not be there.
            let _ = fs::remove_dir_all(&folder);
            reason
        }
    }
}

fn run(
    esbuild: &Path,
    surveyed: &Surveyed,
    recipe: &Recipe<'_>,
    tree: &Path,
) -> Result<Bundle, Bundle> {
    let folder = tree.join(FOLDER);
    let (file, metafile) = (folder.join("bundle.js"), folder.join("meta.json"));
    let mut command = Command::new(esbuild);
    command
        .arg(format!("./{}", surveyed.main))
        .args(["--bundle", "--platform=node", "--format=cjs", "--main-fields=main"])
        // No conditions but Node's own, and no settings of TypeScript: they could lead anywhere.
        .args(["--conditions=", "--tsconfig-raw={}", "--keep-names", "--log-level=error"])
        // A script of its own cannot import; what is imported here is Node's own.
        .arg("--supported:dynamic-import=false")
        .args(["--sourcemap=external", "--sources-content=false", "--color=false"])
        .arg(format!("--target=node{}", recipe.node.major))
        .arg(format!("--outfile={}", file.display()))
        .arg(format!("--metafile={}", metafile.display()))
        .current_dir(tree)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null());
    if recipe.carried.is_some() {
        command.arg("--external:wx-server-sdk");
    }
    let output = output_within_limit(command).map_err(|error| {
        plain(&format!("esbuild cannot be started ({error})"), "无法启动 esbuild")
    })?;
    if !output.status.success() {
        return Err(refused(&String::from_utf8_lossy(&output.stderr)));
    }
    let text = fs::read(&metafile).unwrap_or_default();
    let meta: Metafile = serde_json::from_slice(&text).map_err(|error| {
        plain(&format!("esbuild is of another kind ({error})"), "esbuild 版本不符")
    })?;
    let _ = fs::remove_file(&metafile);
    let placed = faithful::judge(&meta.inputs, &surveyed.main, tree)
        .map_err(|doubt| plain(&doubt.english, &doubt.chinese))?;
    tell_places(&file, &placed)?;
    let bytes = fs::metadata(&file).map_or(0, |metadata| metadata.len());
    if meta.inputs.len() < MODULES_MIN && bytes < BYTES_MIN {
        return Err(plain("it is small enough to load as it is", "代码较小,无需打包"));
    }
    let about = json!({ "main": surveyed.main }).to_string();
    fs::write(folder.join("bundle.json"), about)
        .map_err(|error| plain(&error.to_string(), "无法写入"))?;
    Ok(Bundle::Bundled { modules: meta.inputs.len() as u64, bytes })
}

/// Gives these modules a `__dirname` and a `__filename` of their own, on lines that are there: the
/// map of places stays right.
fn tell_places(file: &Path, placed: &[String]) -> Result<(), Bundle> {
    if placed.is_empty() {
        return Ok(());
    }
    let unreadable = |error: std::io::Error| plain(&error.to_string(), "无法读写");
    let mut text = fs::read_to_string(file).map_err(unreadable)?;
    for path in placed {
        let unknown =
            || plain(&format!("{path}: it uses __dirname"), &format!("{path}:使用了 __dirname"));
        let start = format!("\n  {}(", Value::from(path.as_str()));
        let mut places = text.match_indices(&start).map(|(at, _)| at + 1);
        let (Some(at), None) = (places.next(), places.next()) else { return Err(unknown()) };
        let mut end = at + text[at..].find('\n').ok_or_else(unknown)?;
        if !text[at..end].ends_with(") {") {
            return Err(unknown());
        }
        // A directive stays the first statement.
        let directive = text[end + 1..].lines().next().unwrap_or_default();
        if directive.trim() == "\"use strict\";" {
            end += 1 + directive.len();
        }
        let name = Value::from(path.as_str());
        let folder = Value::from(path.rsplit_once('/').map_or("", |(folder, _)| folder));
        let told = format!(" var __filename = __yunkai({name}), __dirname = __yunkai({folder});");
        text.insert_str(end, &told);
    }
    fs::write(file, text).map_err(unreadable)
}

/// Code that keeps a tool busy must not keep a deploy busy. Called on a thread that may block.
fn output_within_limit(command: Command) -> std::io::Result<Output> {
    let mut command = tokio::process::Command::from(command);
    command.kill_on_drop(true);
    tokio::runtime::Handle::current().block_on(async {
        let output = tokio::time::timeout(TOOL_TIME_MAX, command.output()).await;
        output.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
    })
}

/// esbuild's own words, first error only.
fn refused(text: &str) -> Bundle {
    let error = text.lines().find_map(|line| line.split_once("[ERROR] ")).map(|(_, words)| words);
    let words: String = error.unwrap_or("esbuild failed").chars().take(WORDS_MAX).collect();
    if words.contains("\".node\"") || words.contains(".node\" files") {
        return plain("it has a native addon", "包含原生扩展(.node)");
    }
    plain(&format!("esbuild: {words}"), &format!("esbuild:{words}"))
}

/// Whether there is no bundle, or one that is compiled for this Node.js and this memory.
pub(super) fn is_compiled(recipe: &Recipe<'_>, tree: &Path) -> bool {
    let flags = crate::worker::node_flags(recipe.memory_mb).join("_");
    let version = format!("code v{}.", recipe.node.major);
    let Ok(entries) = fs::read_dir(tree.join(FOLDER)) else { return true };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        name.to_str().is_some_and(|name| name.starts_with(&version) && name.ends_with(&flags))
    })
}

/// Compiles the bundle for the Node.js and the memory it will run with. Without, it loads slower.
pub(super) fn compile(workshop: &Workshop, recipe: &Recipe<'_>, tree: &Path) {
    let file = tree.join(FOLDER).join("bundle.js");
    if !file.is_file() {
        return;
    }
    let mut command = Command::new(&recipe.node.path);
    command
        .args(crate::worker::node_flags(recipe.memory_mb))
        .arg(workshop.runtime.join("compile.js"))
        .arg(tree)
        .env_clear()
        .stdin(Stdio::null());
    match output_within_limit(command) {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            let words = String::from_utf8_lossy(&output.stderr).into_owned();
            tracing::warn!(words, "the code of a bundle could not be compiled ahead");
        }
        Err(error) => tracing::warn!(%error, "Node.js could not be started to compile a bundle"),
    }
}
