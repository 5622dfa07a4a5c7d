//! Confinement, as far as this machine offers it: only what `doctor` calls on is looked at.

use functions::{CheckState, Options, doctor};
use serde_json::{Value, json};

use crate::ground::{Ground, node};

fn options() -> Options {
    let folder = std::env::temp_dir();
    Options::new(folder.clone(), folder, node(), std::env::current_exe().unwrap())
}

fn is_on(name: &str) -> bool {
    doctor(&options()).iter().any(|check| check.name == name && check.state == CheckState::On)
}

pub async fn confinement_holds_where_it_is_on() {
    let ground = Ground::new().await;
    let code = r#"
        const fs = require('fs'), os = require('os'), path = require('path')
        const { spawnSync } = require('child_process')
        const attempt = (what) => {
          try { return what() ?? true } catch (error) { return error.code ?? String(error) } }
        exports.main = ({ secret, neighbour }) => ({
          secret: attempt(() => fs.readFileSync(secret, 'utf8')),
          neighbour: attempt(() => fs.readdirSync(neighbour)),
          own: attempt(() => fs.writeFileSync('index.js', '')),
          scratch: attempt(() => fs.writeFileSync(path.join(os.tmpdir(), 'a'), 'b')),
          tmp: attempt(() => fs.writeFileSync('/tmp/yunkai-test-of-tmp', 'b')),
          certificates: attempt(() => fs.readdirSync('/usr/share').length > 0),
          uid: process.getuid(),
          unshare: spawnSync('unshare', ['-U', 'true']).status,
        })"#;
    ground.deploy("probe", code).await;
    let here = env!("CARGO_MANIFEST_DIR");
    let event = json!({ "secret": format!("{here}/Cargo.toml"), "neighbour": here });
    let seen: Value = ground.call("probe", event).await;
    assert_eq!(seen["scratch"], true, "{seen}");
    assert_eq!(seen["certificates"], true, "{seen}");
    assert!(!std::path::Path::new("/tmp/yunkai-test-of-tmp").exists(), "{seen}");
    if is_on("landlock") {
        // A checkout below /tmp is hidden by the worker's own /tmp before Landlock is asked.
        for place in ["secret", "neighbour"] {
            assert!(seen[place] == "EACCES" || seen[place] == "ENOENT", "{place}: {seen}");
        }
        assert!(seen["own"] == "EACCES" || seen["own"] == "EROFS", "{seen}");
    }
    if is_on("mounts") {
        assert_eq!(seen["tmp"], true, "{seen}");
    }
    if is_on("uid") {
        assert!(seen["uid"].as_u64().unwrap() >= 62_000, "{seen}");
    }
    if is_on("seccomp") {
        assert_ne!(seen["unshare"], 0, "{seen}");
    }
}

pub async fn doctor_explains() {
    let checks = doctor(&options());
    let names: Vec<&str> = checks.iter().map(|check| check.name.as_str()).collect();
    for name in ["node", "carried-sdk", "landlock", "seccomp", "mounts", "uid", "limits", "network"]
    {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    let state = |options: &Options| {
        let checks = doctor(options);
        checks.into_iter().find(|check| check.name == "network")
    };
    let without = state(&Options { gate: false, ..options() }).unwrap();
    assert_eq!(without.state, CheckState::Partly);
    assert!(without.explanation.contains("functions.gate"), "{}", without.explanation);
    let bare = Options { confine: false, node: "/nowhere/node".into(), ..options() };
    let checks = doctor(&bare);
    let off = |name: &str| {
        checks.iter().any(|check| check.name == name && check.state == CheckState::Off)
    };
    assert!(off("node") && off("confinement"), "{checks:?}");
}
