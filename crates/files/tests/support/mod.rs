//! What the tests of this room share: an environment on a temporary directory, and pictures.
#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

use std::{
    io::{self, Cursor},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use engine::{Clock, Engine};
use files::{FileRecord, Files, Upload};
use futures_util::stream;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use store::Store;
use tempfile::TempDir;

pub const NOW_MS: i64 = 1_700_000_000_000;

/// Files of one environment on an engine in memory.
pub struct Room {
    dir: PathBuf,
    /// Removes the directory in the end, when it is one of ours.
    _temporary: Option<TempDir>,
    pub engine: Engine,
    pub files: Files,
}

impl Room {
    pub async fn open() -> Self {
        let temporary = TempDir::new().unwrap();
        let room = Self::open_in(temporary.path()).await;
        Self { _temporary: Some(temporary), ..room }
    }

    pub async fn open_in(dir: &Path) -> Self {
        let engine = Engine::open(Store::memory(), Clock::fixed(NOW_MS)).await.unwrap();
        let files = Self::files_in(dir, &engine).await;
        Self { dir: dir.to_owned(), _temporary: None, engine, files }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What a start after a crash does: the same directory and documents, opened anew.
    pub async fn reopen(&mut self) {
        self.files = Self::files_in(&self.dir, &self.engine).await;
    }

    async fn files_in(dir: &Path, engine: &Engine) -> Files {
        let bucket = files::bucket("env-1", None);
        Files::open(dir.to_owned(), engine.clone(), [7; 32], "env-1", bucket).await.unwrap()
    }

    pub async fn put(&self, path: &str, bytes: &[u8]) -> FileRecord {
        self.write(path, None, bytes).await.unwrap()
    }

    pub async fn write(
        &self,
        path: &str,
        owner: Option<&str>,
        bytes: &[u8],
    ) -> Result<FileRecord, files::Error> {
        let upload =
            Upload { path: path.to_owned(), owner: owner.map(str::to_owned), ..Upload::default() };
        self.files.write(upload, body(bytes), 64 << 20).await
    }

    pub async fn read(&self, path: &str) -> Option<Vec<u8>> {
        let record = self.files.record(path).await.unwrap()?;
        Some(std::fs::read(self.files.blob_path(&record)).unwrap())
    }

    /// Every file below a folder of the directory.
    pub fn on_disk(&self, folder: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.dir.join(folder)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { found.push(path) }
            }
        }
        found
    }
}

/// A body in chunks of uneven sizes.
pub fn body(bytes: &[u8]) -> impl futures_util::Stream<Item = io::Result<Bytes>> + Send + use<> {
    let chunks: Vec<_> = bytes.chunks(70_001).map(|c| Ok(Bytes::copy_from_slice(c))).collect();
    stream::iter(chunks)
}

pub fn encode(pixels: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(pixels.clone()).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A plain picture of one colour.
pub fn plain(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    encode(&RgbImage::from_pixel(width, height, Rgb([90, 120, 150])), format)
}

/// A JPEG with an EXIF segment behind its first marker: the orientation, and a GPS tag to lose.
pub fn with_exif(jpeg: &[u8], orientation: u16) -> Vec<u8> {
    let mut tiff = b"MM\0*\0\0\0\x08\0\x02".to_vec();
    tiff.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1]);
    tiff.extend(orientation.to_be_bytes());
    tiff.extend([0, 0]);
    // GPS IFD pointer to an empty directory right behind.
    tiff.extend([0x88, 0x25, 0, 4, 0, 0, 0, 1, 0, 0, 0, 38]);
    tiff.extend([0, 0, 0, 0]);
    tiff.extend([0, 0, 0, 0, 0, 0]);
    let mut bytes = jpeg[..2].to_vec();
    bytes.extend([0xFF, 0xE1]);
    bytes.extend(u16::try_from(tiff.len() + 8).unwrap().to_be_bytes());
    bytes.extend(b"Exif\0\0");
    bytes.extend(tiff);
    bytes.extend(&jpeg[2..]);
    bytes
}
