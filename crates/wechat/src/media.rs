//! The media type of a file that came without one: by its first bytes, else by its name.
//! It refuses to decode anything.

/// First bytes and the type they mean.
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"ID3", "audio/mpeg"),
    (b"#!AMR", "audio/amr"),
];

/// File name endings and the type they mean.
const ENDINGS: &[(&str, &str)] = &[
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("png", "image/png"),
    ("gif", "image/gif"),
    ("bmp", "image/bmp"),
    ("webp", "image/webp"),
    ("mp3", "audio/mpeg"),
    ("amr", "audio/amr"),
    ("mp4", "video/mp4"),
];

/// The media type of `bytes` named `file_name`; `application/octet-stream` when nothing tells.
pub(crate) fn type_of(bytes: &[u8], file_name: &str) -> &'static str {
    let by_bytes = SIGNATURES.iter().find(|(first, _)| bytes.starts_with(first));
    if let Some((_, media_type)) = by_bytes {
        return media_type;
    }
    if bytes.get(4..8) == Some(b"ftyp") {
        return "video/mp4";
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return "image/webp";
    }
    let ending = file_name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let by_name = ENDINGS.iter().find(|(known, _)| ending.eq_ignore_ascii_case(known));
    by_name.map_or("application/octet-stream", |(_, media_type)| media_type)
}
