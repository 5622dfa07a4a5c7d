//! The media type of a file: as given, else by the extension of its path, else by its first bytes.

/// What a file is when nothing tells.
pub(crate) const UNKNOWN: &str = "application/octet-stream";

/// How many first bytes [`choose`] wants to see.
pub(crate) const HEAD_BYTES: usize = 16;

const BY_EXTENSION: &[(&str, &str)] = &[
    ("7z", "application/x-7z-compressed"),
    ("aac", "audio/aac"),
    ("amr", "audio/amr"),
    ("apk", "application/vnd.android.package-archive"),
    ("avi", "video/x-msvideo"),
    ("avif", "image/avif"),
    ("bmp", "image/bmp"),
    ("css", "text/css; charset=utf-8"),
    ("csv", "text/csv; charset=utf-8"),
    ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("flac", "audio/flac"),
    ("gif", "image/gif"),
    ("gz", "application/gzip"),
    ("heic", "image/heic"),
    ("heif", "image/heif"),
    ("htm", "text/html; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("ico", "image/x-icon"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("m4a", "audio/mp4"),
    ("md", "text/markdown; charset=utf-8"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("ogg", "audio/ogg"),
    ("otf", "font/otf"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("ppt", "application/vnd.ms-powerpoint"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("rar", "application/vnd.rar"),
    ("svg", "image/svg+xml"),
    ("tar", "application/x-tar"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("ttf", "font/ttf"),
    ("txt", "text/plain; charset=utf-8"),
    ("wasm", "application/wasm"),
    ("wav", "audio/wav"),
    ("webm", "video/webm"),
    ("webp", "image/webp"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
    ("xls", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("xml", "application/xml"),
    ("zip", "application/zip"),
];

/// Chooses the media type. A given `application/octet-stream` says nothing: the server SDKs send
/// it for every file (protocol 04 §2.1).
pub(crate) fn choose(given: Option<&str>, path: &str, head: &[u8]) -> String {
    let given = given.map(str::trim).filter(|given| is_media_type(given) && *given != UNKNOWN);
    given.or_else(|| by_extension(path)).or_else(|| sniff(head)).unwrap_or(UNKNOWN).to_owned()
}

/// The media type that the extension of a path stands for.
pub(crate) fn by_extension(path: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next()?;
    let extension = name.rsplit_once('.')?.1.to_ascii_lowercase();
    let found = BY_EXTENSION.binary_search_by(|(known, _)| (*known).cmp(extension.as_str()));
    found.ok().map(|index| BY_EXTENSION[index].1)
}

/// The media type that the first bytes give away.
pub(crate) fn sniff(head: &[u8]) -> Option<&'static str> {
    let at = |offset: usize, magic: &[u8]| head.get(offset..).is_some_and(|h| h.starts_with(magic));
    let known: [(bool, &'static str); 11] = [
        (at(0, b"\xFF\xD8\xFF"), "image/jpeg"),
        (at(0, b"\x89PNG\r\n\x1A\n"), "image/png"),
        (at(0, b"GIF8"), "image/gif"),
        (at(0, b"RIFF") && at(8, b"WEBP"), "image/webp"),
        (at(0, b"BM"), "image/bmp"),
        (at(4, b"ftyphei"), "image/heic"),
        (at(4, b"ftyp"), "video/mp4"),
        (at(0, b"%PDF-"), "application/pdf"),
        (at(0, b"PK\x03\x04"), "application/zip"),
        (at(0, b"\x1F\x8B"), "application/gzip"),
        (at(0, b"ID3"), "audio/mpeg"),
    ];
    known.iter().find(|(matches, _)| *matches).map(|(_, media_type)| *media_type)
}

/// Something that may stand in a header: `type/subtype` and parameters, printable ASCII.
fn is_media_type(text: &str) -> bool {
    text.len() <= 255
        && text.split_once('/').is_some_and(|(kind, rest)| !kind.is_empty() && !rest.is_empty())
        && text.bytes().all(|byte| (0x20..0x7F).contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_it_can_be_searched() {
        assert!(BY_EXTENSION.is_sorted());
    }

    #[test]
    fn given_then_extension_then_bytes() {
        let jpeg = b"\xFF\xD8\xFF\xE0....";
        for (given, path, head, expected) in [
            (Some("image/png"), "a.jpg", &jpeg[..], "image/png"),
            (Some("application/octet-stream"), "a.PNG", jpeg, "image/png"),
            (Some("nonsense"), "相册/雪山.jpeg", b"", "image/jpeg"),
            (Some("text/x\r\nSet-Cookie: a"), "a.txt", b"", "text/plain; charset=utf-8"),
            (None, "v1.0/photo", jpeg, "image/jpeg"),
            (None, "photo.unknown", b"GIF89a", "image/gif"),
            (None, "x", b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
            (None, "x", b"RIFF\0\0\0\0WAVE", UNKNOWN),
            (None, "x", b"", UNKNOWN),
        ] {
            assert_eq!(choose(given, path, head), expected, "{given:?} {path}");
        }
    }
}
