//! Bytes in, bytes out: paths, blobs, overwriting, deleting, copying, interruptions, restarts.

#![allow(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

mod support;

use std::io;
use std::time::Duration;

use bytes::Bytes;
use files::{Error, FileId, Upload};
use futures_util::{StreamExt as _, stream};
use support::{NOW_MS, Room, body};

#[test]
fn paths_are_names_and_nothing_else() {
    let long = "长".repeat(342);
    for (path, good) in [
        ("a.jpg", true),
        ("相册/2024 夏/雪山 🏔.jpg", true),
        ("a/..b/...c/.d", true),
        ("..jpg", true),
        ("a\\b", true),
        ("e\u{301}", true),
        (&long[..1023], true),
        (long.as_str(), false),
        ("", false),
        ("/etc/passwd", false),
        ("a//b", false),
        ("..", false),
        (".", false),
        ("../a", false),
        ("a/../../b", false),
        ("a/./b", false),
        ("a/..", false),
        ("a\0b", false),
        ("a\nb", false),
        ("a\u{7f}", false),
        ("a\u{85}", false),
    ] {
        assert_eq!(files::check_path(path).is_ok(), good, "{path:?}");
        let id = format!("cloud://env-1.bucket/{path}");
        assert_eq!(FileId::parse(&id).is_ok(), good, "{id:?}");
    }
}

#[test]
fn ids_are_read_and_written() {
    let bucket = files::bucket("env-1", None);
    assert!(bucket.ends_with("-env-1-local") && bucket.len() == 4 + "-env-1-local".len());
    assert_eq!(bucket, files::bucket("env-1", None));
    assert!(files::bucket("env-1", Some("wx12")).ends_with("-env-1-wx12"));
    for (text, env_id, bucket, path) in [
        ("cloud://env-1.6c61-env-1-125/dir/a.txt", "env-1", Some("6c61-env-1-125"), "dir/a.txt"),
        ("cloud://env-1/相册/雪山.jpg", "env-1", None, "相册/雪山.jpg"),
        ("cloud://e/a?b#c%20 d", "e", None, "a?b#c%20 d"),
    ] {
        let id = FileId::parse(text).unwrap();
        assert_eq!((id.env_id.as_str(), id.bucket.as_deref()), (env_id, bucket), "{text}");
        assert_eq!(id.path, path);
        assert_eq!(id.to_string(), text);
    }
    for text in [
        "",
        "cloud://",
        "cloud://env",
        "cloud:///a",
        "http://env/a",
        "cloud://a b/c",
        "cloud://env./a",
        "cloud://.b/a",
        "cloud://env/",
    ] {
        assert!(FileId::parse(text).is_err(), "{text}");
    }
}

#[test]
fn paths_are_encoded_for_addresses() {
    for (path, encoded) in [
        ("a/b-c_d~e.jpg", "a/b-c_d~e.jpg"),
        ("雪 山.jpg", "%E9%9B%AA%20%E5%B1%B1.jpg"),
        ("a?b#c%d&e+f", "a%3Fb%23c%25d%26e%2Bf"),
    ] {
        assert_eq!(files::encode_path(path), encoded);
    }
}

#[tokio::test]
async fn what_is_written_is_read() {
    let room = Room::open().await;
    let large: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
    for (path, bytes, content_type) in [
        ("空.txt", &b""[..], "text/plain; charset=utf-8"),
        ("相册/雪山.jpg", b"hello", "image/jpeg"),
        ("large", &large, "application/octet-stream"),
    ] {
        let record = room.write(path, Some("o1"), bytes).await.unwrap();
        assert_eq!(record.size, bytes.len() as u64);
        assert_eq!(record.content_type, content_type);
        assert_eq!(record.owner.as_deref(), Some("o1"));
        assert_eq!((record.created_at_ms, record.updated_at_ms), (NOW_MS, NOW_MS));
        assert_eq!(room.files.record(path).await.unwrap(), Some(record.clone()));
        assert_eq!(room.read(path).await.as_deref(), Some(bytes));
        assert!(room.files.open_blob(&record).await.is_ok());
    }
    let hello = room.files.record("相册/雪山.jpg").await.unwrap().unwrap();
    assert_eq!(hello.etag(), "\"5d41402abc4b2a76b9719d911017c592\"");
    assert_eq!(hello.blob, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    assert_eq!(
        room.files.file_id("a").to_string(),
        format!("cloud://env-1.{}/a", room.files.bucket())
    );
    assert_eq!(room.files.record("nothing").await.unwrap(), None);
}

#[tokio::test]
async fn the_same_content_lies_on_the_disk_once_and_as_long_as_it_is_needed() {
    let room = Room::open().await;
    room.put("a", b"same").await;
    room.put("b", b"same").await;
    room.put("b", b"same").await;
    assert_eq!(room.on_disk("blobs").len(), 1);

    room.put("a", b"other").await;
    assert_eq!(room.on_disk("blobs").len(), 2, "b still needs the old content");
    assert!(room.files.delete("b").await.unwrap());
    assert_eq!(room.on_disk("blobs").len(), 1);
    assert!(!room.files.delete("b").await.unwrap(), "it was deleted before");
    assert_eq!(room.read("a").await.unwrap(), b"other");

    let copy = room.files.copy("a", "拷贝/c", Some("o2".to_owned())).await.unwrap();
    assert_eq!(copy.owner.as_deref(), Some("o2"));
    assert!(room.files.delete("a").await.unwrap());
    assert_eq!(room.read("拷贝/c").await.unwrap(), b"other");
    assert!(room.files.delete("拷贝/c").await.unwrap());
    assert!(room.on_disk("blobs").is_empty());
    assert!(room.on_disk("doubts").is_empty());

    let missing = room.files.copy("a", "d", None).await.unwrap_err();
    assert!(matches!(missing, Error::NotFound(path) if path == "a"));
    let outside = room.files.copy("a", "../d", None).await.unwrap_err();
    assert!(matches!(outside, Error::InvalidPath { .. }));
}

#[tokio::test]
async fn lists_are_pages_in_the_order_of_paths() {
    let room = Room::open().await;
    for path in ["b/2", "a", "b/1", "相册/乙", "相册/甲", "c", "b/3"] {
        room.put(path, path.as_bytes()).await;
    }
    for (prefix, after, limit, expected) in [
        ("", None, 100, &["a", "b/1", "b/2", "b/3", "c", "相册/乙", "相册/甲"][..]),
        ("b/", None, 2, &["b/1", "b/2"]),
        ("b/", Some("b/2"), 2, &["b/3"]),
        ("相册/", None, 9, &["相册/乙", "相册/甲"]),
        ("zzz", None, 9, &[]),
    ] {
        let found = room.files.list(prefix, after, limit).await.unwrap();
        let paths: Vec<_> = found.iter().map(|record| record.path.as_str()).collect();
        assert_eq!(paths, expected, "{prefix} {after:?}");
    }
}

#[tokio::test]
async fn a_body_that_fails_leaves_nothing_and_the_old_file_stays() {
    let room = Room::open().await;
    room.put("a", b"old").await;
    let upload = || Upload { path: "a".to_owned(), ..Upload::default() };

    let broken = body(&[1; 500_000]).chain(stream::iter([Err(io::Error::other("gone"))]));
    let error = room.files.write(upload(), broken, u64::MAX).await.unwrap_err();
    assert!(matches!(error, Error::Interrupted(_)), "{error}");

    let error = room.files.write(upload(), body(&[1; 500_001]), 500_000).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { max_bytes: 500_000 }), "{error}");
    assert!(room.files.write(upload(), body(b"123"), 3).await.is_ok(), "the limit itself is fine");
    room.put("a", b"old").await;

    let bad = Upload { path: "../../a".to_owned(), ..Upload::default() };
    let never_read = stream::poll_fn(|_| -> std::task::Poll<Option<io::Result<Bytes>>> {
        panic!("a refused path must not read the body")
    });
    let error = room.files.write(bad, never_read, u64::MAX).await.unwrap_err();
    assert!(matches!(error, Error::InvalidPath { .. }), "{error}");

    assert_eq!(room.read("a").await.unwrap(), b"old");
    assert_eq!(room.on_disk("blobs").len(), 1);
    assert!(room.on_disk("temp").is_empty());
}

#[tokio::test]
async fn a_sender_who_hangs_up_leaves_nothing() {
    let room = Room::open().await;
    let endless = body(&[1; 400_000]).chain(stream::pending());
    let upload = Upload { path: "a".to_owned(), ..Upload::default() };
    let mut write = Box::pin(room.files.write(upload, endless, u64::MAX));
    // Drive it until bytes have reached the disk, then drop it as a closed connection does.
    while room.on_disk("temp").iter().all(|path| path.metadata().is_ok_and(|m| m.len() == 0)) {
        tokio::select! {
            biased;
            _ = &mut write => panic!("the body never ends"),
            () = tokio::task::yield_now() => {}
        }
    }
    drop(write);
    // A chunk that is just being written ends on a thread of its own.
    let gone = async {
        while !room.on_disk("temp").is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), gone).await.expect("the file goes");
    assert_eq!(room.files.record("a").await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_uploads_copies_and_deletes_of_one_content_never_lose_bytes() {
    let room = std::sync::Arc::new(Room::open().await);
    for round in 0..10 {
        let mut tasks = tokio::task::JoinSet::new();
        for worker in 0..12 {
            let room = std::sync::Arc::clone(&room);
            tasks.spawn(async move {
                let path = format!("p{}", worker % 4);
                match worker % 3 {
                    0 => drop(room.put(&path, b"shared").await),
                    1 => drop(room.files.delete(&path).await.unwrap()),
                    _ => drop(room.files.copy("p0", &path, None).await),
                }
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        let records = room.files.list("", None, 100).await.unwrap();
        for record in &records {
            assert_eq!(room.read(&record.path).await.unwrap(), b"shared", "round {round}");
        }
        assert_eq!(room.on_disk("blobs").len(), usize::from(!records.is_empty()), "round {round}");
    }
    assert!(room.on_disk("temp").is_empty());
}

#[tokio::test]
async fn a_start_after_a_crash_clears_what_was_under_way() {
    let mut room = Room::open().await;
    let kept = room.put("kept", b"kept").await;
    // A process that died while receiving, and one that died before it could let a blob go.
    std::fs::write(room.dir().join("temp/half"), b"ha").unwrap();
    let orphan = room.put("orphan", b"orphan").await;
    let filter = value::Document::from_iter([("_id".to_owned(), value::Value::from("orphan"))]);
    let collection = "system.files".to_owned();
    let filter = query::Filter::parse(&filter).unwrap();
    room.engine.remove(engine::Remove { collection, filter, multi: false }).await.unwrap();
    for blob in [&kept.blob, &orphan.blob] {
        std::fs::write(room.dir().join("doubts").join(blob), b"").unwrap();
    }
    room.reopen().await;
    assert!(room.on_disk("temp").is_empty());
    assert!(room.on_disk("doubts").is_empty());
    assert_eq!(room.on_disk("blobs"), [room.files.blob_path(&kept)]);
    assert_eq!(room.read("kept").await.unwrap(), b"kept");
}

#[tokio::test]
async fn disk_errors_are_told_apart() {
    for (kind, full, read_only) in [
        (io::ErrorKind::StorageFull, true, false),
        (io::ErrorKind::QuotaExceeded, true, false),
        (io::ErrorKind::ReadOnlyFilesystem, false, true),
        (io::ErrorKind::PermissionDenied, false, true),
        (io::ErrorKind::NotADirectory, false, false),
    ] {
        let error = Error::from(io::Error::from(kind));
        assert_eq!(matches!(error, Error::DiskFull), full, "{kind:?}");
        assert_eq!(matches!(error, Error::ReadOnly), read_only, "{kind:?}");
        assert!(error.to_string().contains(" / "), "both languages: {error}");
    }
    // The disk fails under a running upload: an error, no record, no half file.
    let room = Room::open().await;
    std::fs::remove_dir(room.dir().join("blobs")).unwrap();
    std::fs::write(room.dir().join("blobs"), b"not a folder").unwrap();
    let error = room.write("a", None, b"x").await.unwrap_err();
    assert!(matches!(error, Error::Disk(_)), "{error}");
    assert_eq!(room.files.record("a").await.unwrap(), None);
    assert!(room.on_disk("temp").is_empty());
}
