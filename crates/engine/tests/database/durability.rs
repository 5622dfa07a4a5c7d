//! What is acknowledged stays: over closing, dropping, and killing the process amid writes.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use engine::{Clock, Engine};
use store::{FjallOptions, Store};
use value::Value;

use crate::{THINGS, contents, documents, filter, number, update};

/// Present in the environment of a test that was started again to be killed.
const KILLED: &str = "YUNKAI_TEST_KILLED";

/// Present in the environment of a test that was started again on a disk of its own to fill it.
const FULL_DISK: &str = "YUNKAI_TEST_FULL_DISK";

async fn open(directory: &Path) -> Engine {
    let store = Store::fjall(directory, FjallOptions::default()).unwrap();
    Engine::open(store, Clock::system()).await.unwrap()
}

#[tokio::test]
async fn reopening_finds_everything() {
    let directory = tempfile::tempdir().unwrap();
    let mut expected = String::new();
    for round in 0..6 {
        let engine = open(directory.path()).await;
        engine.ensure_collection(THINGS).await.unwrap();
        assert_eq!(contents(&engine).await, expected, "round {round}");
        assert_eq!(engine.count(THINGS, &filter("{}")).await.unwrap(), round);
        let added = format!(r#"{{"_id":"round {round}","n":{round}}}"#);
        engine.insert(THINGS, documents(&format!("[{added}]"))).await.unwrap();
        expected = format!("{expected} {added}").trim_start().to_owned();

        // A collection dropped in one life stays dropped and its name is free in the next.
        let passing = format!("passing {}", round / 2);
        if round % 2 == 0 {
            engine.create_collection(&passing).await.unwrap();
            engine.insert(&passing, documents("[{},{}]")).await.unwrap();
            engine.close().await.unwrap();
        } else {
            assert_eq!(engine.count(&passing, &filter("{}")).await.unwrap(), 2);
            engine.drop_collection(&passing).await.unwrap();
        }
    }
    assert_eq!(open(directory.path()).await.collections().await, [THINGS]);
}

/// Starts itself again, lets it write with 16 tasks, kills it after some acknowledgements, and
/// looks for every one of them; five times on the same directory.
#[test]
fn acknowledged_writes_survive_a_kill() {
    if let Ok(directory) = std::env::var(KILLED) {
        return write_until_killed(Path::new(&directory));
    }
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeSet::new();
    let mut increments = 0;
    for acknowledgements in [1, 40, 333, 90, 700] {
        let name = "durability::acknowledged_writes_survive_a_kill";
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(KILLED, directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = 0;
        while let Some(line) = lines.next().transpose().unwrap() {
            // The harness writes to the same stream, now and then without a line break.
            let Some((_, id)) = line.split_once("stored ") else { continue };
            acknowledged.insert(id.to_owned());
            increments += 1;
            seen += 1;
            if seen == acknowledgements {
                child.kill().unwrap();
            }
        }
        assert!(seen >= acknowledgements, "the child ended by itself");
        child.wait().unwrap();
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let engine = open(directory.path()).await;
            for id in &acknowledged {
                let found = engine.get(THINGS, &Value::String(id.clone())).await.unwrap();
                assert!(found.is_some(), "{id} was acknowledged and is gone");
            }
            let counted = engine.count(THINGS, &filter("{}")).await.unwrap();
            let stored =
                engine.count(THINGS, &filter(r#"{"_id":{"$exists":true}}"#)).await.unwrap();
            assert_eq!(counted, stored, "the count kept beside the documents");
            assert!(number(&engine, "counter", "n").await >= increments);
        });
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn write_until_killed(directory: &Path) {
    let engine = open(directory).await;
    engine.ensure_collection(THINGS).await.unwrap();
    let tasks = (0..16).map(|_| tokio::spawn(write_and_tell(engine.clone())));
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

/// Writes for ever and prints what was acknowledged.
async fn write_and_tell(engine: Engine) {
    loop {
        let count = update(r#"{"_id":"counter"}"#, r#"{"$inc":{"n":1}}"#);
        engine.modify(engine::Modify { upsert: true, ..count }).await.unwrap();
        let ids = engine.insert(THINGS, documents(r#"[{"text":"x"}]"#)).await.unwrap();
        let Some(Value::String(id)) = ids.first() else { panic!("{ids:?}") };
        let line = format!("stored {id}\n");
        // A parent that is gone needs no more lines.
        if std::io::stdout().lock().write_all(line.as_bytes()).is_err() {
            return;
        }
    }
}

/// Runs itself again on a file system of 8 MiB of its own, where the machine allows that to
/// this user, and fills it.
#[test]
fn a_full_disk_refuses_writes_and_loses_nothing() {
    if let Ok(directory) = std::env::var(FULL_DISK) {
        return fill_disk(Path::new(&directory));
    }
    let directory = tempfile::tempdir().unwrap();
    let name = "durability::a_full_disk_refuses_writes_and_loses_nothing";
    let inside = "mount -t tmpfs -o size=8m none \"$0\" && exec \"$1\" --exact \"$2\" --nocapture";
    let may =
        Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "none", "/mnt"]).output();
    if !may.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this user may not mount a file system of its own here");
        return;
    }
    let output = Command::new("unshare")
        .args(["-rm", "sh", "-c", inside])
        .arg(directory.path())
        .arg(std::env::current_exe().unwrap())
        .arg(name)
        .env(FULL_DISK, directory.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn fill_disk(directory: &Path) {
    let engine = open(directory).await;
    engine.create_collection(THINGS).await.unwrap();
    let ballast = directory.join("ballast");
    std::fs::write(&ballast, vec![0; 1 << 20]).unwrap();
    let tasks = (0..16).map(|_| tokio::spawn(insert_until_refused(engine.clone())));
    let mut acknowledged = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        acknowledged.extend(task.await.unwrap());
    }
    assert!(acknowledged.len() > 50, "{}", acknowledged.len());

    let count = || async { engine.count(THINGS, &filter("{}")).await.unwrap() };
    assert_eq!(count().await, acknowledged.len() as u64, "reads go on");
    for _ in 0..3 {
        let refused = engine.insert(THINGS, documents("[{}]")).await.unwrap_err();
        assert!(refused.to_string().contains("restart"), "{refused}");
    }
    assert_eq!(count().await, acknowledged.len() as u64, "what was refused left nothing");

    std::fs::remove_file(&ballast).unwrap();
    drop(engine);
    let engine = open(directory).await;
    for id in &acknowledged {
        assert!(engine.get(THINGS, id).await.unwrap().is_some(), "{id:?} was acknowledged");
    }
    engine.insert(THINGS, documents("[{}]")).await.unwrap();
}

async fn insert_until_refused(engine: Engine) -> Vec<Value> {
    let mut acknowledged = Vec::new();
    loop {
        // Ids are chance, so a text made of them does not compress.
        let text: String = (0..300).map(|_| engine::new_id(0)).collect();
        let document = value::Document::from_iter([("text", text)]);
        match engine.insert(THINGS, vec![document]).await {
            Ok(ids) => acknowledged.extend(ids),
            Err(_) => return acknowledged,
        }
    }
}
