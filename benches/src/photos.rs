//! The documents of the benches: photos in albums of twenty, about 400 bytes each, told by number.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use value::{Document, Value, ejson};

/// Photos of one album.
pub const ALBUM_PHOTOS: u64 = 20;

/// Different cameras.
const CAMERAS: u64 = 50;

/// The photo's `_id`.
pub fn id(number: u64) -> String {
    format!("photo-{number}")
}

/// The album with this number. An album's photos lie far apart, as those of real ones do.
pub fn album(number: u64) -> String {
    format!("album-{number}")
}

/// How many albums so many photos fill.
pub fn albums(photos: u64) -> u64 {
    photos / ALBUM_PHOTOS
}

/// One of `photos` photos.
pub fn photo(number: u64, photos: u64) -> Document {
    let album = number % albums(photos);
    let number_text = format!("{number:08}");
    let whole = |value: u64| Value::from(i64::try_from(value).unwrap_or(i64::MAX));
    let tags = ["sea", "evening", "family"].map(|tag| Value::String(tag.to_owned()));
    let fields = [
        ("_id", Value::String(id(number))),
        ("album", Value::String(self::album(album))),
        ("file", Value::String(format!("cloud://bench.6265-bench/albums/{number_text}.jpg"))),
        ("camera", Value::String(format!("camera-{}", scramble(number) % CAMERAS))),
        ("width", whole(3_000 + number % 1_100)),
        ("height", whole(3_024)),
        ("likes", whole(0)),
        ("tags", Value::Array(tags.to_vec())),
        ("note", Value::String("海边的傍晚,孩子们在沙滩上跑。".to_owned())),
        ("takenAt", whole(1_795_161_345_703 + number * 1_000)),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The photos as a file of JSON lines; answers its path.
pub fn json_lines(folder: &Path, count: u64) -> Result<PathBuf> {
    let path = folder.join("photos.jsonl");
    let mut file = BufWriter::new(std::fs::File::create(&path)?);
    for number in 0..count {
        writeln!(file, "{}", ejson::plain(&photo(number, count)))?;
    }
    file.flush()?;
    Ok(path)
}

/// A number of the same range of bits, far from its neighbours': splitmix64.
pub fn scramble(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}
