//! What a deploy does to packages: lock files, install scripts, other versions of Node.js, calls
//! that are not supported, one file instead of many.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use functions::{Bundle, DeployReport, Error, LATEST, Package, Settings, Source};
use serde_json::{Value, json};

use crate::deploy::serve;
use crate::ground::{ENVIRONMENT, Ground, node};

/// Paths and texts.
type Files = &'static [(&'static str, &'static str)];

/// A package for npm, as an archive.
fn pack(ground: &Ground, files: &[(&str, &str)]) -> (Vec<u8>, String) {
    let library = ground.folder(files);
    let output = Command::new("npm").args(["pack", "--json"]).current_dir(&library).output();
    let packed: Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
    let packed = packed.get(0).cloned().unwrap_or_else(|| {
        packed.as_object().and_then(|all| all.values().next().cloned()).unwrap()
    });
    let archive = fs::read(library.join(packed["filename"].as_str().unwrap())).unwrap();
    (archive, packed["integrity"].as_str().unwrap().to_owned())
}

pub async fn a_lock_file_is_followed_to_the_letter() {
    let ground = Ground::new().await;
    let code = ("index.js", "exports.main = () => require('library')");
    let (archive, integrity) = pack(
        &ground,
        &[
            ("index.js", "module.exports = 'locked'"),
            ("package.json", r#"{"name":"library","version":"1.2.3"}"#),
        ],
    );
    let address = serve(archive).await;
    let resolved = format!("http://{address}/library.tgz");
    let manifest = |dependencies: Value| {
        json!({
            "name": "f", "version": "1.0.0",
            "scripts": { "postinstall": "exit 1" },
            "dependencies": dependencies,
        })
        .to_string()
    };
    let good = manifest(json!({ "library": "^1.0.0" }));
    let locked = |resolved: &str| {
        json!({
            "name": "f", "version": "1.0.0", "lockfileVersion": 3, "requires": true,
            "packages": {
                "": { "name": "f", "version": "1.0.0", "dependencies": { "library": "^1.0.0" } },
                "node_modules/library": {
                    "version": "1.2.3", "resolved": resolved, "integrity": integrity,
                },
            },
        })
        .to_string()
    };
    let deploy = async |manifest: &str, lock: &str| {
        let files = [code, ("package.json", manifest), ("package-lock.json", lock)];
        ground.try_deploy("f", &ground.folder(&files), Settings::default()).await
    };
    deploy(&good, &locked(&resolved)).await.unwrap();
    assert_eq!(ground.call("f", json!({})).await, "locked");
    let more = manifest(json!({ "library": "^1.0.0", "another": resolved }));
    match deploy(&more, &locked(&resolved)).await {
        Err(Error::InstallDependencies(text)) => assert!(text.contains("new lock file"), "{text}"),
        answer => panic!("{answer:?}"),
    }
    for (lock, words) in [
        (locked("file:/etc/library.tgz"), "outside the package"),
        (locked(&resolved).replace("\"integrity\"", "\"link\":true,\"i\""), "outside"),
        ("{".to_owned(), "package-lock.json is not valid"),
    ] {
        match deploy(&good, &lock).await {
            Err(Error::MendPackage(text)) => assert!(text.contains(words), "{text}"),
            answer => panic!("{words}: {answer:?}"),
        }
    }
    assert_eq!(ground.call("f", json!({})).await, "locked", "what was there is still served");
    modules_go_with_the_last_package(&ground).await;
}

async fn modules_go_with_the_last_package(ground: &Ground) {
    let modules = ground.folder.path().join("data/modules");
    ground.functions.tidy([].into()).await.unwrap();
    assert_eq!(fs::read_dir(&modules).unwrap().count(), 1, "modules in use stay");
    ground.deploy("f", "exports.main = () => 1").await;
    // The worker of the old version holds its package until it is gone.
    let mut kept = 1;
    for _ in 0..3000 {
        ground.functions.tidy([].into()).await.unwrap();
        kept = fs::read_dir(&modules).unwrap().count();
        if kept == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(kept, 0, "modules nobody uses go");
}

pub async fn install_scripts_run_only_where_they_are_allowed() {
    let script = "node -e \"require('fs').writeFileSync('made.js', 'module.exports = 1')\"";
    let manifest = json!({
        "name": "library", "version": "1.0.0", "scripts": { "install": script },
    });
    let manifest = manifest.to_string();
    let code = "exports.main = () => require('library')";
    let library = "try { module.exports = require('./made.js') } catch { module.exports = 0 }";
    let run = async |allowed: bool, asked: bool| {
        let ground = Ground::with(|options| options.install_scripts = allowed).await;
        let files = [("index.js", library), ("package.json", &*manifest)];
        let address = serve(pack(&ground, &files).0).await;
        let wants =
            json!({ "dependencies": { "library": format!("http://{address}/library.tgz") } });
        let folder = ground.folder(&[("index.js", code), ("package.json", &wants.to_string())]);
        let settings = Settings { install_scripts: asked, ..Settings::default() };
        let report = ground.try_deploy("f", &folder, settings).await?;
        Ok::<_, Error>((report.notices, ground.call("f", json!({})).await))
    };
    let (notices, result) = run(true, false).await.unwrap();
    assert_eq!(result, 0);
    assert!(notices[0].contains("not run: library"), "{notices:?}");
    let (notices, result) = run(true, true).await.unwrap();
    assert_eq!((result, notices), (json!(1), vec![]));
    let refused = run(false, true).await.unwrap_err().to_string();
    assert!(refused.contains("install_scripts = true"), "{refused}");
}

/// A stand-in for another Node.js: the usual one, which says another version and can be told.
fn another_node(ground: &Path, major: u32) -> PathBuf {
    let path = ground.join(format!("node{major}"));
    let text = format!(
        "#!/bin/sh\n[ \"$1\" = --version ] && echo v{major}.1.0 && exit\n\
         ANOTHER_NODE={major} exec {} \"$@\"\n",
        node().display()
    );
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

pub async fn a_function_runs_on_the_node_it_asks_for() {
    let programs = tempfile::tempdir().unwrap();
    fs::set_permissions(programs.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let ground = Ground::with(|options| {
        // The stand-in lies in a folder that confined workers do not see.
        options.confine = false;
        for major in [96, 98] {
            options.nodes.insert(major, another_node(programs.path(), major));
        }
        // This one is not what it is said to be.
        options.nodes.insert(18, programs.path().join("node98"));
    })
    .await;
    let code = "exports.main = () => process.env.ANOTHER_NODE ?? 'usual'";
    let usual = sandbox_major();
    let rows: [(Option<u32>, Option<&str>, &str, usize); 7] = [
        (None, None, "usual", 0),
        (Some(96), None, "96", 0),
        (Some(98), Some("Nodejs18.15"), "98", 0),
        (Some(97), None, "98", 1),
        (Some(99), None, "usual", 1),
        (Some(18), None, "usual", 1),
        (Some(usual), None, "usual", 0),
    ];
    for (asked, runtime, ran, notices) in rows {
        let report = ground
            .deploy_with("f", code, |settings| {
                settings.node = asked;
                settings.runtime = runtime.map(str::to_owned);
            })
            .await;
        assert_eq!(report.notices.len(), notices, "{asked:?}: {:?}", report.notices);
        assert_eq!(ground.call("f", json!({})).await, ran, "{asked:?}");
    }
}

fn sandbox_major() -> u32 {
    let output = Command::new(node()).arg("--version").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text[1..].split('.').next().unwrap().parse().unwrap()
}

pub async fn calls_that_are_not_supported_are_named_with_their_place() {
    let ground = Ground::new().await;
    let index = "const cloud = require('wx-server-sdk')\ncloud.init()\n\
                 exports.main = () => cloud.callDataSource({})";
    let inside = "require('wx-server-sdk').callWXSvrkit({})";
    let files = [("index.js", index), ("lib/a.js", inside), ("node_modules/x/x.js", inside)];
    let folder = ground.folder(&files);
    for _ in 0..2 {
        let report = ground.try_deploy("f", &folder, Settings::default()).await.unwrap();
        let places: Vec<String> = report
            .unsupported
            .iter()
            .map(|found| format!("{}:{} {}", found.file, found.line, found.call))
            .collect();
        assert_eq!(places, ["index.js:3 cloud.callDataSource", "lib/a.js:1 cloud.callWXSvrkit"]);
        assert!(report.unsupported[0].sentence().contains(" / "));
    }
    let package = Package {
        environment: ENVIRONMENT.to_owned(),
        name: "not-deployed".to_owned(),
        version: LATEST.to_owned(),
        source: Source::Folder(folder),
        settings: Settings::default(),
    };
    assert_eq!(ground.functions.prepare(package).await.unwrap().unsupported().len(), 2);
    assert!(ground.functions.get(ENVIRONMENT, "not-deployed").is_none());
}

pub async fn a_package_without_a_readable_note_is_made_again() {
    let ground = Ground::new().await;
    let code = "exports.main = () => 'again'";
    let first = ground.deploy("f", code).await;
    let package = ground.folder.path().join("data/packages").join(&first.content_hash);
    for note in ["{", r#"{"carried":null}"#] {
        fs::write(package.join("about.json"), note).unwrap();
        let again = ground.deploy("g", code).await;
        assert_eq!(again.content_hash, first.content_hash);
        assert_eq!(ground.call("g", json!({})).await, "again");
        assert_eq!(ground.call("f", json!({})).await, "again");
        let note = fs::read_to_string(package.join("about.json")).unwrap();
        assert!(note.contains("notices"), "{note}");
    }
}

/// Forty modules, so that a bundle is worth it, and some that are easily told apart in one file.
fn many_modules(ground: &Ground, main: &str, more: &[(&str, &str)]) -> PathBuf {
    let numbers: Vec<(String, String)> = (0..40)
        .map(|number| {
            let path = format!("node_modules/many/{number}.js");
            (path, format!("exports.value = {number}"))
        })
        .collect();
    let sum: String = (0..40).map(|number| format!("+ require('./{number}.js').value")).collect();
    let sum = format!("module.exports = 0 {sum}");
    let mut files: Vec<(&str, &str)> =
        vec![("index.js", main), ("node_modules/many/index.js", &sum)];
    files.extend(numbers.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    files.push(("node_modules/many/package.json", r#"{"name":"many","version":"1.0.0"}"#));
    files.extend(more);
    ground.folder(&files)
}

/// esbuild where a project has it: above the folders of functions.
fn bring_esbuild(ground: &Ground) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["carried", "../../tests", "../../sdk", "../../apps/album"];
    let found = folders.map(|folder| root.join(folder).join("node_modules/esbuild/bin/esbuild"));
    let own = found.iter().find(|path| path.is_file());
    let own = own.expect("run `npm ci` in crates/functions/carried or in tests");
    let bin = ground.folder.path().join("node_modules/.bin");
    fs::create_dir_all(&bin).unwrap();
    std::os::unix::fs::symlink(own, bin.join("esbuild")).unwrap();
}

const FAITHFUL: &str = r#"
const fs = require('fs')
const path = require('path')
const many = require('many')
const data = require('./data.json')
const where = require('many/lib/where.js')
class Shape { name() { return new.target === undefined } }
function Shape2() {}
let calls = 0
exports.main = async (event, context) => {
  if (event.fail) throw new TypeError('wrong: ' + event.fail)
  if (event.code) {
    const code = fs.readdirSync('.yunkai').find((name) => name.startsWith('code '))
    const text = fs.readFileSync('.yunkai/bundle.js', 'utf8')
    const names = 'exports, require, module, __filename, __dirname, __yunkai'
    const cachedData = fs.readFileSync('.yunkai/' + code)
    const options = { filename: '.yunkai/bundle.js', cachedData }
    const vm = require('vm')
    return new vm.Script(`(function (${names}) { ${text}\n})`, options).cachedDataRejected
  }
  if (event.stack) return new Error('x').stack.split('\n')[1].trim()
  calls += 1
  return {
    many, data, calls, where: where(path, fs), loose: require('many/loose.js'),
    dirname: path.relative(process.cwd(), __dirname), filename: path.basename(__filename),
    file: fs.readFileSync(path.join(__dirname, 'own.txt'), 'utf8'),
    beside: fs.readFileSync('./own.txt', 'utf8'),
    names: [Shape.name, Shape2.name], main: require.main === module,
    exportsThis: this === undefined, again: require('./self.js') === require('./self.js'),
    missing: missing(), lazy: (await import('node:os')).EOL,
    sloppy: (function () { return this === globalThis })(),
    sdk: typeof require('wx-server-sdk').init, function: context.function_name,
  }
}
function missing() { try { return require('not-there') } catch (error) { return error.code } }
"#;

const WHERE: &str = r#"'use strict'
module.exports = (path, fs) => [
  path.relative(process.cwd(), __dirname), path.basename(__filename),
  fs.readFileSync(path.join(__dirname, 'own.txt'), 'utf8'),
  (function () { return this === undefined })(),
]
"#;

pub async fn a_bundle_behaves_as_the_files_it_is_made_of() {
    let more = [
        ("own.txt", "own"),
        ("data.json", r#"{"a":[1]}"#),
        ("self.js", "exports.loaded = require('./self.js')"),
        ("node_modules/many/lib/where.js", WHERE),
        ("node_modules/many/lib/own.txt", "its own"),
        ("node_modules/many/loose.js", "it = __filename.endsWith('loose.js')\nmodule.exports = it"),
    ];
    let mut answers = Vec::new();
    for with_esbuild in [false, true] {
        let ground = Ground::new().await;
        if with_esbuild {
            bring_esbuild(&ground);
        }
        let folder = many_modules(&ground, FAITHFUL, &more);
        // The second call must find what the first one left in the worker's memory.
        let settings = Settings { max_instances: Some(1), ..Settings::default() };
        let deployed = ground.try_deploy("f", &folder, settings).await.unwrap();
        let is_bundled = matches!(deployed.bundle, Bundle::Bundled { modules: 45.., .. });
        let machine_has = find_on_path("esbuild");
        assert_eq!(is_bundled, with_esbuild || machine_has, "{:?}", deployed.bundle);
        if is_bundled {
            let rejected = ground.call("f", json!({ "code": true })).await;
            assert_eq!(rejected, false, "the compiled code fits the worker");
        }
        let first = ground.call("f", json!({})).await;
        let second = ground.call("f", json!({})).await;
        let failed = ground.invoke("f", json!({ "fail": "so" })).await.unwrap_err();
        let stack = ground.call("f", json!({ "stack": true })).await;
        // A frame may lose the name of its function, which is not part of its place.
        let place = stack.as_str().unwrap().trim_end_matches(')');
        let stack = place.rsplit('/').next().unwrap().to_owned();
        answers.push((first, second, failed.to_string(), stack));
    }
    assert_eq!(answers[0].0["many"], 780);
    assert_eq!(
        answers[0].0["where"],
        json!(["node_modules/many/lib", "where.js", "its own", true])
    );
    assert_eq!(answers[0].0["loose"], true);
    assert!(answers[0].3.starts_with("index.js:21:"), "{}", answers[0].3);
    assert_eq!(answers[0], answers[1]);
}

fn find_on_path(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&paths).any(|folder| folder.join(program).is_file())
}

pub async fn what_a_bundle_would_change_stays_in_its_files() {
    let ground = Ground::new().await;
    bring_esbuild(&ground);
    let plain = "exports.main = () => require('many')";
    let dynamic = "exports.main = (event) => require(event.name ?? 'many')";
    let rows: &[(&str, Files, &str)] = &[
        (dynamic, &[], "index.js:1: it requires a computed name"),
        ("exports.main = () => eval('require(\"many\")')", &[], "index.js:1: it uses eval"),
        ("require.resolve('many'); exports.main = () => require('many')", &[], "require.resolve"),
        (
            "const m = require('many'); try { require('many/a.node') } catch {}\n\
             exports.main = () => m",
            &[("node_modules/many/a.node", "binary")],
            "native addon",
        ),
        (
            "require('self/own.js'); exports.main = () => require('many')",
            &[("self/own.js", "")],
            "Could not resolve \"self/own.js\"",
        ),
        (
            "exports.late = () => require('many/esm.mjs'); exports.main = () => require('many')",
            &[("node_modules/many/esm.mjs", "export default 1")],
            "it is an ECMAScript module",
        ),
        (
            "exports.main = async () => (await import('many')).default",
            &[],
            "index.js:1: it uses import()",
        ),
    ];
    for (main, more, words) in rows {
        let folder = many_modules(&ground, main, more);
        let deployed = ground.try_deploy("f", &folder, Settings::default()).await.unwrap();
        assert!(reason(&deployed).contains(words), "{main}: {:?}", deployed.bundle);
        assert_eq!(ground.call("f", json!({})).await, 780, "{main}");
    }
    let small = ground.folder(&[("index.js", plain), ("node_modules/many/index.js", "")]);
    let deployed = ground.try_deploy("f", &small, Settings::default()).await.unwrap();
    assert!(reason(&deployed).contains("small enough"), "{:?}", deployed.bundle);
    let alone = ground.deploy("f", "exports.main = () => 1").await;
    assert!(reason(&alone).contains("no dependencies"), "{:?}", alone.bundle);
}

fn reason(report: &DeployReport) -> &str {
    match &report.bundle {
        Bundle::Plain { reason } => reason,
        Bundle::Bundled { .. } => "bundled",
    }
}
