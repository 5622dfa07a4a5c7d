//! Packages: what is refused and why, where dependencies come from, what counts as a change.

use std::os::unix::fs::symlink;

use functions::{Error, InvokeError, Settings};
use serde_json::{Value, json};

use crate::ground::{ENVIRONMENT, Ground};

pub async fn bad_packages_are_refused_with_a_reason() {
    let ground = Ground::new().await;
    let good = ("index.js", "exports.main = () => 1");
    let with = |change: fn(&mut Settings)| {
        let mut settings = Settings::default();
        change(&mut settings);
        settings
    };
    let usual = Settings::default();
    let outside = ground.folder(&[good]);
    symlink("/etc/passwd", outside.join("x")).unwrap();
    let dangling = ground.folder(&[good]);
    symlink("nowhere", dangling.join("x")).unwrap();
    let rows = [
        ("a", ground.folder(&[("main.js", "")]), usual.clone(), "index.js is missing"),
        (
            "a",
            ground.folder(&[("index.js", "\n\nconst = 1")]),
            usual.clone(),
            "index.js:3 SyntaxError",
        ),
        ("a", ground.folder(&[("index.js", "await 1")]), usual.clone(), "index.js:1 SyntaxError"),
        (
            "a",
            ground.folder(&[good, ("package.json", "{")]),
            usual.clone(),
            "package.json is not valid",
        ),
        (
            "a",
            ground.folder(&[good, ("package.json", r#"{"dependencies":[]}"#)]),
            usual.clone(),
            "package.json is not valid",
        ),
        ("a", ground.folder.path().join("absent"), usual.clone(), "is not a folder"),
        ("a", outside, usual.clone(), "x: the symbolic link leaves"),
        ("a", dangling, usual.clone(), "x: the symbolic link leaves"),
        ("1a", ground.folder(&[good]), usual.clone(), "is not a function name"),
        ("../a", ground.folder(&[good]), usual.clone(), "is not a function name"),
        ("", ground.folder(&[good]), usual.clone(), "is not a function name"),
        (
            "a",
            ground.folder(&[good]),
            with(|s| s.handler = "../index.main".to_owned()),
            "is not a handler",
        ),
        ("a", ground.folder(&[good]), with(|s| s.handler = "index".to_owned()), "is not a handler"),
        ("a", ground.folder(&[good]), with(|s| s.memory_mb = 1), "1 MB of memory"),
        ("a", ground.folder(&[good]), with(|s| s.timeout_ms = 0), "timeout of 0 ms"),
        (
            "a",
            ground.folder(&[good]),
            with(|s| s.runtime = Some("Php7.4".to_owned())),
            "\"Php7.4\" is not served",
        ),
        (
            "a",
            ground.folder(&[good]),
            with(|s| s.variables = vec![("A-B".to_owned(), String::new())]),
            "not a variable name",
        ),
    ];
    for (name, folder, settings, words) in rows {
        match ground.try_deploy(name, &folder, settings).await {
            Err(Error::MendPackage(text)) => {
                assert!(text.contains(words) && text.contains(" / "), "{words}: {text}");
            }
            answer => panic!("{words}: {answer:?}"),
        }
    }
    assert!(ground.functions.list(ENVIRONMENT).is_empty());
    let beside = ground.folder(&[good, ("old.js", "const = 1"), ("inside.js", "")]);
    symlink("inside.js", beside.join("link.js")).unwrap();
    let report = ground.try_deploy("a", &beside, usual).await.unwrap();
    assert!(
        report.notices.len() == 1 && report.notices[0].contains("old.js:1"),
        "{:?}",
        report.notices
    );
}

pub async fn dependencies_are_resolved_in_order() {
    let ground = Ground::new().await;
    let index = ("index.js", "exports.main = () => require('wx-server-sdk').version");
    let own = ("node_modules/wx-server-sdk/index.js", "exports.version = 'own'");
    let own_manifest = ("node_modules/wx-server-sdk/package.json", r#"{"version":"9.9.9"}"#);
    let offline = Settings { install_dependencies: false, ..Settings::default() };
    let rows: [(&str, Option<Value>, bool, &str, usize); 7] = [
        ("own", Some(json!({ "wx-server-sdk": "~2.4.0" })), true, "own", 0),
        ("none", None, false, "4.0.2", 0),
        ("any", Some(json!({ "wx-server-sdk": "*" })), false, "4.0.2", 0),
        ("two", Some(json!({ "wx-server-sdk": "^2.1.2" })), false, "2.6.3", 0),
        // Nothing carried fits, and installing is off: the nearest generation, with a notice.
        ("old", Some(json!({ "wx-server-sdk": "~1.8.0" })), false, "2.6.3", 1),
        ("three", Some(json!({ "wx-server-sdk": "~3.0.1" })), false, "4.0.2", 1),
        ("absent", Some(json!({ "wx-server-sdk": "latest", "left-out": "1" })), false, "4.0.2", 1),
    ];
    for (name, dependencies, brings, version, notices) in rows {
        let manifest =
            json!({ "dependencies": dependencies.clone().unwrap_or_default() }).to_string();
        let mut files = vec![index];
        if dependencies.is_some() {
            files.push(("package.json", &manifest));
        }
        if brings {
            files.extend([own, own_manifest]);
        }
        let report =
            ground.try_deploy(name, &ground.folder(&files), offline.clone()).await.unwrap();
        assert_eq!(report.notices.len(), notices, "{name}: {:?}", report.notices);
        assert_eq!(ground.call(name, json!({})).await, version, "{name}");
    }
    // npm installs what is missing, from a folder here: no registry is needed.
    let library = ground.folder(&[
        ("index.js", "module.exports = 'library'"),
        ("package.json", r#"{"name":"library","version":"1.0.0"}"#),
    ]);
    let packed = std::process::Command::new("npm")
        .args(["pack", "--silent"])
        .current_dir(&library)
        .output()
        .unwrap();
    let archive = library.join(String::from_utf8(packed.stdout).unwrap().trim());
    let manifest =
        json!({ "dependencies": { "library": format!("file:{}", archive.display()) } }).to_string();
    let files =
        [("index.js", "exports.main = () => require('library')"), ("package.json", &*manifest)];
    let folder = ground.folder(&files);
    ground.try_deploy("npm", &folder, Settings::default()).await.unwrap();
    assert_eq!(ground.call("npm", json!({})).await, "library");
    assert!(!folder.join("node_modules").exists(), "the source folder is only read");
    let manifest = json!({ "dependencies": { "x": "file:/nowhere/x.tgz" } }).to_string();
    let folder = ground.folder(&[index, ("package.json", &manifest)]);
    match ground.try_deploy("npm", &folder, Settings::default()).await {
        Err(Error::InstallDependencies(text)) => assert!(text.contains("ENOENT"), "{text}"),
        answer => panic!("{answer:?}"),
    }
    assert_eq!(ground.call("npm", json!({})).await, "library", "a failed deploy changes nothing");
}

pub async fn equal_packages_change_nothing() {
    let ground = Ground::new().await;
    let first = ground.deploy("f", "exports.main = () => 1").await;
    assert_eq!((first.version, first.changed), (1, true));
    let second = ground.deploy("f", "exports.main = () => 1").await;
    assert_eq!(
        (second.version, second.changed, &second.content_hash),
        (1, false, &first.content_hash)
    );
    let third =
        ground.deploy_with("f", "exports.main = () => 1", |settings| settings.timeout_ms = 7).await;
    assert_eq!((third.version, third.changed, &third.content_hash), (2, true, &first.content_hash));
    let fourth = ground.deploy("f", "exports.main = () => 2").await;
    assert_eq!((fourth.version, fourth.changed), (3, true));
    assert_ne!(fourth.content_hash, first.content_hash);
    let kept = std::fs::read_dir(ground.folder.path().join("data/packages")).unwrap().count();
    assert_eq!(kept, 1, "packages no version uses are removed");
}

pub async fn functions_are_listed_and_removed() {
    let ground = Ground::new().await;
    for name in ["b", "a"] {
        ground.deploy(name, "exports.main = () => 1").await;
    }
    let names: Vec<String> =
        ground.functions.list(ENVIRONMENT).into_iter().map(|info| info.name).collect();
    assert_eq!(names, ["a", "b"]);
    assert!(ground.functions.list("another").is_empty());
    let mut invocation = ground.invocation("a", &json!({}));
    invocation.qualifier = Some("$LATEST".to_owned());
    assert_eq!(ground.functions.invoke(invocation.clone()).await.unwrap().result, "1");
    invocation.qualifier = Some("7".to_owned());
    let answer = ground.functions.invoke(invocation).await;
    assert_eq!(answer, Err(InvokeError::NotFound { name: "a:7".to_owned() }));
    ground.functions.remove(ENVIRONMENT, "a").await.unwrap();
    assert!(matches!(ground.functions.remove(ENVIRONMENT, "a").await, Err(Error::NotFound { .. })));
    let answer = ground.invoke("a", json!({})).await;
    assert_eq!(answer, Err(InvokeError::NotFound { name: "a".to_owned() }));
    assert!(ground.functions.get(ENVIRONMENT, "a").is_none());
}
