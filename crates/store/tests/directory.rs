//! What the directory promises across processes: contents survive a clean close and a dropped
//! handle, one process at a time, and damage or loss is refused instead of being passed over.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::process::Command;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use store::{Batch, Bytes, Error, FjallOptions, Store};

/// Present in the environment of a test that was started again inside a full disk.
const FULL_DISK: &str = "YUNKAI_TEST_FULL_DISK";

fn open(directory: &Path) -> Result<Store, Error> {
    let options = FjallOptions { memtable_bytes: 1 << 20, ..FjallOptions::default() };
    Store::fjall(directory, options)
}

async fn put(store: &Store, key: String, value: Vec<u8>) -> Result<u64, Error> {
    let mut batch = Batch::new();
    batch.put(key, value);
    store.turn().await?.commit(batch).await
}

async fn keys(store: &Store) -> Result<usize, Error> {
    Ok(contents(store).await?.len())
}

async fn contents(store: &Store) -> Result<Vec<(Bytes, Bytes)>, Error> {
    let snapshot = store.snapshot().await?;
    let (mut from, mut contents) = (Bound::Unbounded, Vec::new());
    loop {
        let bound = from.as_ref().map(|key: &Bytes| &key[..]);
        let page = snapshot.range(bound, Bound::Unbounded, false, 1_000).await?;
        let Some((last, _)) = page.last() else { return Ok(contents) };
        from = Bound::Excluded(last.clone());
        contents.extend(page);
    }
}

async fn fill(store: &Store, commits: usize) {
    for number in 0..commits {
        // What does not compress, so that it takes its space.
        let mut random = SmallRng::seed_from_u64(number as u64);
        let value = (0..300).map(|_| random.random()).collect();
        put(store, format!("key {number:05}"), value).await.unwrap();
    }
}

#[tokio::test]
async fn contents_survive_closing_and_dropping() {
    let directory = tempfile::tempdir().unwrap();
    for round in 0..6_usize {
        let store = open(directory.path()).unwrap();
        assert_eq!(store.newest().await.unwrap(), round as u64);
        assert_eq!(keys(&store).await.unwrap(), round);
        put(&store, format!("round {round}"), vec![]).await.unwrap();
        if round % 2 == 0 {
            store.close().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_directory_serves_one_handle_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    let refused = open(directory.path()).unwrap_err();
    assert!(matches!(refused, Error::StoreLocked { .. }), "{refused}");
    let text = refused.to_string();
    assert!(text.contains("in use by another process") && text.contains("另一个进程"), "{text}");
    drop(store);
    open(directory.path()).unwrap();
}

#[tokio::test]
async fn a_first_start_that_was_cut_short_is_begun_again() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("tables.new")).unwrap();
    fs::write(directory.path().join("tables.new/0.jnl"), b"half").unwrap();
    let store = open(directory.path()).unwrap();
    put(&store, "a".to_owned(), vec![]).await.unwrap();
}

#[tokio::test]
async fn older_contents_than_acknowledged_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (live, older) = (directory.path().join("live"), directory.path().join("older"));
    let store = open(&live).unwrap();
    fill(&store, 5).await;
    store.close().await.unwrap();
    drop(store);
    copy(&live.join("tables"), &older);
    let store = open(&live).unwrap();
    fill(&store, 5).await;
    store.close().await.unwrap();
    drop(store);

    fs::rename(live.join("tables"), directory.path().join("newest")).unwrap();
    let missing = open(&live).unwrap_err();
    assert!(matches!(missing, Error::StoreDamaged { .. }), "{missing}");
    copy(&older, &live.join("tables"));
    let behind = open(&live).unwrap_err();
    assert!(behind.to_string().contains("ends at commit 5, but 10 commits"), "{behind}");
    fs::remove_dir_all(live.join("tables")).unwrap();
    fs::rename(directory.path().join("newest"), live.join("tables")).unwrap();
    assert_eq!(open(&live).unwrap().newest().await.unwrap(), 10);
}

/// Flips one byte at places all over the files of a closed store: the store either refuses, at
/// open or at read, or gives back everything. Once with all data in the journal, once with most
/// of it in tables.
#[tokio::test]
async fn a_flipped_byte_is_never_silently_accepted() {
    for commits in [300, 4_000] {
        let directory = quick_directory();
        let original = directory.path().join("original");
        let store = open(&original).unwrap();
        fill(&store, commits).await;
        let expected = contents(&store).await.unwrap();
        assert_eq!(expected.len(), commits);
        store.close().await.unwrap();
        drop(store);

        let (mut noticed, mut flips) = (0, 0);
        for path in files(&original) {
            let written = written_bytes(&path);
            if written == 0 {
                continue;
            }
            let most = if written > 10_000 { 10 } else { 2 };
            for place in (0..most).map(|flip| written / 9 + flip * written / (most + 1)) {
                flips += 1;
                let copied = directory.path().join("copy");
                copy(&original, &copied);
                flip(&copied.join(path.strip_prefix(&original).unwrap()), place);
                let read = match open(&copied) {
                    Ok(store) => contents(&store).await,
                    Err(error) => Err(error),
                };
                match read {
                    Ok(found) => assert!(found == expected, "{} at {place}", path.display()),
                    Err(_) => noticed += 1,
                }
                fs::remove_dir_all(&copied).unwrap();
            }
        }
        assert!(noticed > flips / 3, "only {noticed} of {flips} flips were noticed");
    }
}

/// A folder in memory where there is one: the test opens some hundred stores, and each opening
/// waits for the disk several times.
fn quick_directory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// How far a file is written: journals are longer than what is in them.
fn written_bytes(path: &Path) -> usize {
    let bytes = fs::read(path).unwrap();
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

fn flip(path: &Path, place: usize) {
    let mut file = fs::File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.seek(SeekFrom::Start(place as u64)).unwrap();
    file.read_exact(&mut byte).unwrap();
    file.seek(SeekFrom::Start(place as u64)).unwrap();
    file.write_all(&[byte[0] ^ 0x10]).unwrap();
}

/// Runs itself again on a file system of 8 MiB of its own, where the machine allows that to
/// this user, and fills it.
#[test]
fn a_full_disk_acknowledges_nothing_and_keeps_what_was_acknowledged() {
    if let Ok(directory) = std::env::var(FULL_DISK) {
        return fill_disk(Path::new(&directory));
    }
    let directory = tempfile::tempdir().unwrap();
    let inside = "mount -t tmpfs -o size=8m none \"$0\" && exec \"$1\" --exact \"$2\" --nocapture";
    let name = "a_full_disk_acknowledges_nothing_and_keeps_what_was_acknowledged";
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

#[tokio::main(flavor = "current_thread")]
async fn fill_disk(directory: &Path) {
    let store = open(directory).unwrap();
    let ballast = directory.join("ballast");
    fs::write(&ballast, vec![0; 1 << 20]).unwrap();
    let mut acknowledged = 0;
    let refused = loop {
        // What does not compress, so that the disk fills.
        let value = (0..20_000).map(|_| rand::random()).collect();
        match put(&store, format!("key {acknowledged:05}"), value).await {
            Ok(_) => acknowledged += 1,
            Err(error) => break error,
        }
        assert!(acknowledged < 10_000, "the disk never fills");
    };
    // Which one depends on who meets the full disk first: the commit, or a table being written.
    assert!(matches!(refused, Error::DiskFull | Error::RestartNeeded), "{refused}");
    assert!(acknowledged > 50);
    let again = put(&store, "again".to_owned(), vec![]).await.unwrap_err();
    assert!(matches!(again, Error::DiskFull | Error::RestartNeeded), "{again}");
    assert_eq!(keys(&store).await.unwrap(), acknowledged, "reads go on");

    // Space comes back; a restart finds what was acknowledged and takes writes again.
    fs::remove_file(&ballast).unwrap();
    drop(store);
    let store = open(directory).unwrap();
    assert!(keys(&store).await.unwrap() >= acknowledged);
    put(&store, "after".to_owned(), vec![]).await.unwrap();
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Copies a folder; what journals were given in advance stays a hole.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for path in files(from) {
        let target = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        let written = &fs::read(&path).unwrap()[..written_bytes(&path)];
        fs::write(&target, written).unwrap();
        let length = fs::metadata(&path).unwrap().len();
        fs::File::options().write(true).open(&target).unwrap().set_len(length).unwrap();
    }
}
