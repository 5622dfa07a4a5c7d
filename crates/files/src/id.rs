//! File ids and the rules of file paths.
//!
//! A path is a name, never a place on the disk: bytes lie in blobs named by their content, so no
//! path can reach outside. The rules below only keep names unambiguous in URLs and in lists.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::Error;

/// The longest path, in bytes of UTF-8.
pub const PATH_BYTES_MAX: usize = 1024;

/// The id of a file as clients know it: `cloud://{env}.{bucket}/{path}` or `cloud://{env}/{path}`.
///
/// The path is kept decoded; Chinese and any other UTF-8 is welcome (protocol 04 §1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileId {
    /// The environment.
    pub env_id: String,
    /// The bucket, when the id names it.
    pub bucket: Option<String>,
    /// The path, already checked by [`check_path`].
    pub path: String,
}

impl FileId {
    /// Reads an id. Fails with [`Error::InvalidFileId`] or [`Error::InvalidPath`].
    ///
    /// Whether environment and bucket are the right ones is for the caller to say.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let invalid = || Error::InvalidFileId(text.to_owned());
        let rest = text.strip_prefix("cloud://").ok_or_else(invalid)?;
        let (host, path) = rest.split_once('/').ok_or_else(invalid)?;
        let (env_id, bucket) = match host.split_once('.') {
            Some((env_id, bucket)) => (env_id, Some(bucket)),
            None => (host, None),
        };
        let is_name = |name: &str| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        };
        if !is_name(env_id) || !bucket.is_none_or(is_name) {
            return Err(invalid());
        }
        check_path(path)?;
        Ok(Self {
            env_id: env_id.to_owned(),
            bucket: bucket.map(str::to_owned),
            path: path.to_owned(),
        })
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "cloud://{}", self.env_id)?;
        if let Some(bucket) = &self.bucket {
            write!(formatter, ".{bucket}")?;
        }
        write!(formatter, "/{}", self.path)
    }
}

/// The bucket of an environment: `{4 hex}-{env}-{appid or "local"}`, the same on every start.
pub fn bucket(env_id: &str, app_id: Option<&str>) -> String {
    let digest = Sha256::digest(env_id.as_bytes());
    format!("{}-{env_id}-{}", hex::encode(&digest[..2]), app_id.unwrap_or("local"))
}

/// What stays as it is in the path of a URL: the unreserved characters, and `/` between segments.
const KEPT: AsciiSet =
    NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// A path percent-encoded as it stands in a URL, segments still separated by `/`.
pub fn encode_path(path: &str) -> String {
    utf8_percent_encode(path, &KEPT).to_string()
}

/// Checks a path: not empty, at most [`PATH_BYTES_MAX`] bytes, no leading `/`, no empty, `.` or
/// `..` segment, no control character. Unicode is not normalised: two spellings are two files.
pub fn check_path(path: &str) -> Result<(), Error> {
    let rules: [(bool, &'static str, &'static str); 6] = [
        (path.is_empty(), "The file path is empty.", "文件路径为空，"),
        (
            path.len() > PATH_BYTES_MAX,
            "The file path is longer than 1024 bytes.",
            "文件路径超过 1024 字节，",
        ),
        (path.starts_with('/'), "The file path begins with '/'.", "文件路径不能以 / 开头，"),
        (path.contains("//"), "The file path contains '//'.", "文件路径不能包含 //，"),
        (
            path.split('/').any(|segment| segment == "." || segment == ".."),
            "The file path has a segment '.' or '..'.",
            "文件路径不能包含 . 或 .. 段，",
        ),
        (
            path.chars().any(char::is_control),
            "The file path contains a control character.",
            "文件路径不能包含控制字符，",
        ),
    ];
    match rules.iter().find(|(broken, _, _)| *broken) {
        Some((_, reason, chinese)) => Err(Error::InvalidPath { reason, chinese }),
        None => Ok(()),
    }
}
