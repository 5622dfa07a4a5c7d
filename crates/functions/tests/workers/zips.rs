//! Packages that come as a zip: what is accepted, and what hostile ones are told.

use std::io::{Cursor, Write};

use functions::{DeployReport, Error, LATEST, Package, Settings, Source, Zip};
use serde_json::json;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::ground::{ENVIRONMENT, Ground};

const GOOD: (&str, &str) = ("index.js", "exports.main = () => 'zipped'");

fn zip_of(files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, text) in files {
        zip.start_file(*path, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

async fn deploy(ground: &Ground, name: &str, zip: Zip) -> Result<DeployReport, Error> {
    let (environment, name) = (ENVIRONMENT.to_owned(), name.to_owned());
    let (source, settings) = (Source::Zip(zip), Settings::default());
    let version = LATEST.to_owned();
    ground.functions.deploy(Package { environment, name, version, source, settings }).await
}

async fn refused(ground: &Ground, zip: Vec<u8>, words: &str) {
    match deploy(ground, "hostile", Zip::Bytes(zip.into())).await {
        Err(Error::MendPackage(text)) => {
            assert!(text.contains(words) && text.contains(" / "), "{words}: {text}");
        }
        answer => panic!("{words}: {answer:?}"),
    }
    assert!(ground.functions.list(ENVIRONMENT).is_empty(), "{words}");
    let packages = ground.folder.path().join("data/packages");
    assert_eq!(std::fs::read_dir(packages).unwrap().count(), 0, "{words}: something stayed behind");
}

pub async fn zips_are_deployed() {
    let ground = Ground::new().await;
    let package = ("package.json", r#"{"dependencies":{}}"#);
    let first = deploy(&ground, "plain", Zip::Bytes(zip_of(&[GOOD, package]).into())).await;
    assert_eq!(ground.call("plain", json!({})).await, "zipped");
    let folder = ground.folder(&[GOOD, package]);
    let same = ground.try_deploy("folder", &folder, Settings::default()).await.unwrap();
    assert_eq!(same.content_hash, first.unwrap().content_hash, "the same code has the same name");

    // One folder around everything, as tools and repositories make it; from a file, too.
    let files = [
        ("around/index.js", "exports.main = () => require('./lib/a.js')"),
        ("around/lib/a.js", "module.exports = 'inside'"),
        ("__MACOSX/around/._index.js", "x"),
        ("around/.DS_Store", "x"),
    ];
    let path = ground.folder.path().join("around.zip");
    std::fs::write(&path, zip_of(&files)).unwrap();
    deploy(&ground, "around", Zip::File(path)).await.unwrap();
    assert_eq!(ground.call("around", json!({})).await, "inside");

    let backslashes = zip_of(&[
        ("index.js", "exports.main = () => require('./b/c')"),
        ("b\\c.js", "module.exports = 'windows'"),
    ]);
    deploy(&ground, "windows", Zip::Bytes(backslashes.into())).await.unwrap();
    assert_eq!(ground.call("windows", json!({})).await, "windows");

    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    zip.add_symlink("link.js", "lib/a.js", options).unwrap();
    zip.start_file("lib/a.js", options).unwrap();
    zip.write_all(b"module.exports = 'linked'").unwrap();
    zip.start_file("index.js", options).unwrap();
    zip.write_all(b"exports.main = () => require('./link.js')").unwrap();
    let zip = zip.finish().unwrap().into_inner();
    deploy(&ground, "links", Zip::Bytes(zip.into())).await.unwrap();
    assert_eq!(ground.call("links", json!({})).await, "linked");
}

pub async fn hostile_zips_are_refused() {
    let ground = Ground::new().await;
    refused(&ground, b"PK\x03\x04 nothing of the kind".to_vec(), "cannot be read").await;
    refused(&ground, Vec::new(), "cannot be read").await;
    refused(&ground, zip_of(&[("main.js", "")]), "index.js is missing in the zip").await;
    refused(&ground, zip_of(&[GOOD, ("package.json", "{")]), "package.json is not valid").await;
    let long = format!("{}x", "long/".repeat(300));
    let rows = [
        ("../outside.js", "leaves the package"),
        ("a/../../outside.js", "leaves the package"),
        ("..\\outside.js", "leaves the package"),
        ("/etc/cron.d/x", "leaves the package"),
        ("C:\\x", "leaves the package"),
        ("index.js/below", "comes twice"),
        (&long, "too long or too deep"),
    ];
    for (path, words) in rows {
        refused(&ground, zip_of(&[GOOD, (path, "x")]), words).await;
    }
    // One name twice: the second entry is renamed in both places where a zip says it.
    let mut twice = zip_of(&[GOOD, ("indey.js", "exports.main = () => 'another'")]);
    while let Some(at) = twice.windows(8).position(|name| name == b"indey.js") {
        twice[at..at + 8].copy_from_slice(b"index.js");
    }
    refused(&ground, twice, "two entries have one name").await;
    for target in ["/etc", "../x", "a/../../x", ""] {
        let mut zip = ZipWriter::new_append(Cursor::new(zip_of(&[GOOD]))).unwrap();
        zip.add_symlink("way-out", target, SimpleFileOptions::default()).unwrap();
        refused(&ground, zip.finish().unwrap().into_inner(), "link leaves").await;
    }
    // Written through a link: the entry lies below what is a link already.
    let mut zip = ZipWriter::new_append(Cursor::new(zip_of(&[GOOD]))).unwrap();
    zip.add_symlink("way", "lib", SimpleFileOptions::default()).unwrap();
    zip.start_file("way/in.js", SimpleFileOptions::default()).unwrap();
    refused(&ground, zip.finish().unwrap().into_inner(), "comes twice").await;
}

pub async fn bombs_and_devices_are_refused() {
    let ground = Ground::new().await;
    let mut zip = ZipWriter::new_append(Cursor::new(zip_of(&[GOOD]))).unwrap();
    zip.start_file("zeros", SimpleFileOptions::default()).unwrap();
    let zeros = vec![0; 1024 * 1024];
    for _ in 0..40 {
        zip.write_all(&zeros).unwrap();
    }
    refused(&ground, zip.finish().unwrap().into_inner(), "as bombs do").await;
    // A device: the kind of file stands in the high half of the external attributes.
    let mut device = zip_of(&[GOOD, ("device", "")]);
    let central = device.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").unwrap();
    device[central + 38..central + 42].copy_from_slice(&(0o020_666_u32 << 16).to_le_bytes());
    refused(&ground, device, "neither file nor folder").await;
}

/// Sparse files: what is too large is refused before a byte of it is read.
pub async fn large_folders_are_refused() {
    let ground = Ground::new().await;
    let rows: [(&[u64], &str); 2] =
        [(&[301], "large-0 is larger than 300 MB"), (&[260, 260], "larger than 500 MB")];
    for (sizes_mb, words) in rows {
        let folder = ground.folder(&[GOOD]);
        for (number, size_mb) in sizes_mb.iter().enumerate() {
            let file = std::fs::File::create(folder.join(format!("large-{number}"))).unwrap();
            file.set_len(size_mb * 1024 * 1024).unwrap();
        }
        match ground.try_deploy("large", &folder, Settings::default()).await {
            Err(Error::MendPackage(text)) => assert!(text.contains(words), "{words}: {text}"),
            answer => panic!("{words}: {answer:?}"),
        }
    }
    assert!(ground.functions.list(ENVIRONMENT).is_empty());
}
