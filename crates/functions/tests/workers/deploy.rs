//! Packages: what is refused and why, where dependencies come from, what counts as a change.

use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::Path;

use functions::{Error, InvokeError, Settings};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use crate::ground::{ENVIRONMENT, Ground};

const GOOD: (&str, &str) = ("index.js", "exports.main = () => 1");

/// Deploys what must be refused, with `words` in a message of both languages.
async fn refused(ground: &Ground, name: &str, folder: &Path, settings: Settings, words: &str) {
    match ground.try_deploy(name, folder, settings).await {
        Err(Error::MendPackage(text)) => {
            assert!(text.contains(words) && text.contains(" / "), "{words}: {text}");
        }
        answer => panic!("{words}: {answer:?}"),
    }
    assert!(ground.functions.list(ENVIRONMENT).is_empty(), "{words}");
}

pub async fn bad_folders_are_refused_with_a_reason() {
    let ground = Ground::new().await;
    let rows: [(&[(&str, &str)], &str); 5] = [
        (&[("main.js", "")], "index.js is missing"),
        (&[("index.js", "\n\nconst = 1")], "index.js:3 SyntaxError"),
        (&[("index.js", "await 1")], "index.js:1 SyntaxError"),
        (&[GOOD, ("package.json", "{")], "package.json is not valid"),
        (&[GOOD, ("package.json", r#"{"dependencies":[]}"#)], "package.json is not valid"),
    ];
    for (files, words) in rows {
        refused(&ground, "a", &ground.folder(files), Settings::default(), words).await;
    }
    for target in ["/etc/passwd", "../outside", "nowhere"] {
        let folder = ground.folder(&[GOOD]);
        symlink(target, folder.join("x")).unwrap();
        let words = "x: the symbolic link leaves";
        refused(&ground, "a", &folder, Settings::default(), words).await;
    }
    let absent = ground.folder.path().join("absent");
    refused(&ground, "a", &absent, Settings::default(), "is not a folder").await;
    let beside = ground.folder(&[GOOD, ("old.js", "const = 1"), ("inside.js", "")]);
    symlink("inside.js", beside.join("link.js")).unwrap();
    let report = ground.try_deploy("a", &beside, Settings::default()).await.unwrap();
    let [notice] = &report.notices[..] else { panic!("{:?}", report.notices) };
    assert!(notice.contains("old.js:1"), "{notice}");
}

type Change = fn(&mut Settings);

pub async fn bad_names_and_settings_are_refused() {
    let ground = Ground::new().await;
    let folder = ground.folder(&[GOOD]);
    for name in ["1a", "../a", "", "a b", "云", &"a".repeat(61)] {
        refused(&ground, name, &folder, Settings::default(), "is not a function name").await;
    }
    let rows: [(Change, &str); 9] = [
        (|settings| settings.handler = "../index.main".to_owned(), "is not a handler"),
        (|settings| settings.handler = "/etc/x.main".to_owned(), "is not a handler"),
        (|settings| settings.handler = "index".to_owned(), "is not a handler"),
        (|settings| settings.memory_mb = 1, "1 MB of memory"),
        (|settings| settings.timeout_ms = 0, "timeout of 0 ms"),
        (|settings| settings.runtime = Some("Php7.4".to_owned()), "\"Php7.4\" is not served"),
        (|settings| settings.runtime = Some("Nodejs99.1".to_owned()), "Known are Nodejs24.11"),
        (|settings| settings.runtime = Some("Nodejs18x".to_owned()), "Known are Nodejs24.11"),
        (|settings| settings.variables = vec![("A-B".into(), String::new())], "variable name"),
    ];
    for (change, words) in rows {
        let mut settings = Settings::default();
        change(&mut settings);
        refused(&ground, "a", &folder, settings, words).await;
    }
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
}

/// npm takes a package by its address here, so no registry is needed.
pub async fn missing_dependencies_are_installed() {
    let ground = Ground::new().await;
    let manifest = r#"{"name":"library","version":"1.0.0"}"#;
    let files = [("index.js", "module.exports = 'library'"), ("package.json", manifest)];
    let library = ground.folder(&files);
    let mut pack = std::process::Command::new("npm");
    let packed = pack.args(["pack", "--silent"]).current_dir(&library).output().unwrap();
    let archive = library.join(String::from_utf8(packed.stdout).unwrap().trim());
    let address = serve(std::fs::read(archive).unwrap()).await;
    let deploy = async |specification: String| {
        let manifest = json!({ "dependencies": { "library": specification } }).to_string();
        let code = "exports.main = () => require('library')";
        let folder = ground.folder(&[("index.js", code), ("package.json", &manifest)]);
        let report = ground.try_deploy("npm", &folder, Settings::default()).await;
        assert!(!folder.join("node_modules").exists(), "the source folder is only read");
        report
    };
    deploy(format!("http://{address}/library.tgz")).await.unwrap();
    assert_eq!(ground.call("npm", json!({})).await, "library");
    match deploy(format!("http://{address}/absent.tgz")).await {
        Err(Error::InstallDependencies(text)) => assert!(text.contains("404"), "{text}"),
        answer => panic!("{answer:?}"),
    }
    for specification in ["file:/etc", "../x", "/etc", "link:../x"] {
        match deploy(specification.to_owned()).await {
            Err(Error::MendPackage(text)) => {
                assert!(text.contains("outside the package"), "{text}");
            }
            answer => panic!("{answer:?}"),
        }
    }
    assert_eq!(ground.call("npm", json!({})).await, "library", "a failed deploy changes nothing");
}

/// Serves these bytes as `/library.tgz` and nothing else.
pub async fn serve(bytes: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            let mut request = String::new();
            while !request.ends_with("\r\n\r\n") {
                if stream.read_line(&mut request).await.unwrap_or(0) == 0 {
                    break;
                }
            }
            let found = request.starts_with("GET /library.tgz ");
            let (status, body) =
                if found { ("200 OK", &bytes[..]) } else { ("404 Not Found", &[][..]) };
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
            );
            let _ = stream.write_all(&[head.as_bytes(), body].concat()).await;
        }
    });
    address
}

pub async fn equal_packages_change_nothing() {
    let ground = Ground::new().await;
    let first = ground.deploy("f", "exports.main = () => 1").await;
    assert_eq!((first.revision, first.changed), (1, true));
    let second = ground.deploy("f", "exports.main = () => 1").await;
    assert_eq!(
        (second.revision, second.changed, &second.content_hash),
        (1, false, &first.content_hash)
    );
    let third =
        ground.deploy_with("f", "exports.main = () => 1", |settings| settings.timeout_ms = 7).await;
    assert_eq!(
        (third.revision, third.changed, &third.content_hash),
        (2, true, &first.content_hash)
    );
    let fourth = ground.deploy("f", "exports.main = () => 2").await;
    assert_eq!((fourth.revision, fourth.changed), (3, true));
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
    assert_eq!(ground.functions.invoke(invocation.clone()).await.result.unwrap(), "1");
    invocation.qualifier = Some("7".to_owned());
    let answer = ground.functions.invoke(invocation).await.result;
    assert_eq!(answer, Err(InvokeError::NotFound { name: "a:7".to_owned() }));
    ground.functions.remove(ENVIRONMENT, "a").await.unwrap();
    assert!(matches!(ground.functions.remove(ENVIRONMENT, "a").await, Err(Error::NotFound { .. })));
    let answer = ground.invoke("a", json!({})).await;
    assert_eq!(answer, Err(InvokeError::NotFound { name: "a".to_owned() }));
    assert!(ground.functions.get(ENVIRONMENT, "a").is_none());
}
