//! A disk that is full, then read-only: errors that say so, nothing half written, nothing lost.
//!
//! Runs itself again in a namespace with a small file system of its own, where the machine lets
//! an ordinary user have one; elsewhere it says that it was skipped.

#![allow(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

mod support;

use std::{
    path::Path,
    process::{Command, Output},
};

use files::{Error, Files, Processing};
use image::ImageFormat;
use support::{Room, plain};

/// Present when the test was started again on the small file system.
const SMALL_DISK: &str = "YUNKAI_TEST_SMALL_DISK";

fn unshare(args: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c"]).args(args);
    command
}

#[test]
fn a_full_or_read_only_disk_is_reported_and_keeps_what_it_has() {
    if let Ok(directory) = std::env::var(SMALL_DISK) {
        return on_small_disk(Path::new(&directory));
    }
    let directory = tempfile::tempdir().unwrap();
    let mount = "mount -t tmpfs -o size=4m none \"$0\"";
    let may = unshare(&[mount]).arg(directory.path()).output();
    if !may.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this user may not mount a file system of its own here");
        return;
    }
    let again = format!("{mount} && exec \"$1\" --nocapture");
    let Output { status, stdout, stderr } = unshare(&[&again])
        .arg(directory.path())
        .arg(std::env::current_exe().unwrap())
        .env(SMALL_DISK, directory.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&stdout) + String::from_utf8_lossy(&stderr);
    assert!(status.success() && text.contains("1 passed"), "{text}");
}

#[tokio::main(flavor = "current_thread")]
async fn on_small_disk(directory: &Path) {
    let room = Room::open_in(directory).await;
    let picture = plain(300, 300, ImageFormat::Bmp);
    let kept = room.put("kept.bmp", &picture).await;
    let processing = Processing::parse("imageMogr2/thumbnail/299x").unwrap();

    for size in [8 << 20, 4 << 20] {
        let error = room.write("kept.bmp", None, &vec![1; size]).await.unwrap_err();
        assert!(matches!(error, Error::DiskFull), "{error}");
        assert!(room.on_disk("temp").is_empty());
    }
    std::fs::write(directory.join("ballast"), vec![0; 4 << 20]).unwrap_err();
    let error = room.write("new", None, &[1; 50_000]).await.unwrap_err();
    assert!(matches!(error, Error::DiskFull), "{error}");
    let error = room.files.variant(&kept, &processing).await.unwrap_err();
    assert!(matches!(error, Error::DiskFull), "{error}");
    assert!(room.on_disk("temp").is_empty());
    assert!(room.on_disk("variants").is_empty());
    assert_eq!(room.files.record("new").await.unwrap(), None);
    assert_eq!(room.read("kept.bmp").await.unwrap(), picture);

    let copy = room.files.copy("kept.bmp", "copy.bmp", None).await.unwrap();
    assert_eq!(copy.blob, kept.blob, "a copy needs no bytes");
    assert!(room.files.delete("kept.bmp").await.unwrap());
    assert!(room.files.delete("copy.bmp").await.unwrap(), "deleting works on a full disk");
    assert!(room.on_disk("blobs").is_empty());
    let again = room.put("again", &[1; 50_000]).await;
    std::fs::remove_file(directory.join("ballast")).unwrap();

    let remount = ["-o", "remount,ro"];
    assert!(Command::new("mount").args(remount).arg(directory).status().unwrap().success());
    let error = room.write("more", None, b"x").await.unwrap_err();
    assert!(matches!(error, Error::ReadOnly), "{error}");
    assert_eq!(room.files.record("again").await.unwrap(), Some(again));
    assert_eq!(room.read("again").await.unwrap(), [1; 50_000]);
    let dir = directory.join("files-of-another");
    let opened = Files::open(dir, room.engine.clone(), [7; 32], "env-2", "b").await;
    assert!(matches!(opened.err(), Some(Error::ReadOnly)));
}
