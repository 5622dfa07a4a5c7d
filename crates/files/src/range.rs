//! The `Range` header of a download, read against the size of the file.

/// Which bytes to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// All of them (status 200): no header, a unit other than bytes, several ranges, or nonsense,
    /// which HTTP says to ignore.
    Full,
    /// `start..=end`, both inside the file (status 206).
    Partial {
        /// First byte.
        start: u64,
        /// Last byte, inclusive.
        end: u64,
    },
    /// Nothing of what was asked exists (status 416, `Content-Range: bytes */size`).
    Unsatisfiable,
}

impl Range {
    /// Reads a `Range` header value, for instance `bytes=0-99`, `bytes=100-` or `bytes=-20`.
    pub fn parse(header: Option<&str>, size: u64) -> Self {
        let Some(spec) = header.and_then(|header| header.trim().strip_prefix("bytes=")) else {
            return Self::Full;
        };
        let Some((first, last)) = spec.trim().split_once('-') else { return Self::Full };
        match (number(first), number(last)) {
            (Some(Bound::Open), Some(Bound::At(length))) => suffix(length, size),
            (Some(Bound::At(start)), Some(Bound::Open)) => within(start, u64::MAX, size),
            (Some(Bound::At(start)), Some(Bound::At(end))) if start <= end => {
                within(start, end, size)
            }
            _ => Self::Full,
        }
    }

    /// How many bytes this is of a file of `size` bytes.
    pub fn length(self, size: u64) -> u64 {
        match self {
            Self::Full => size,
            Self::Partial { start, end } => end - start + 1,
            Self::Unsatisfiable => 0,
        }
    }
}

enum Bound {
    Open,
    At(u64),
}

/// Digits only; a number too large for 64 bits is simply beyond every file.
fn number(text: &str) -> Option<Bound> {
    if text.is_empty() {
        return Some(Bound::Open);
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| Bound::At(text.parse().unwrap_or(u64::MAX)))
}

fn suffix(length: u64, size: u64) -> Range {
    if length == 0 || size == 0 {
        return Range::Unsatisfiable;
    }
    Range::Partial { start: size.saturating_sub(length), end: size - 1 }
}

fn within(start: u64, end: u64, size: u64) -> Range {
    if start >= size {
        return Range::Unsatisfiable;
    }
    Range::Partial { start, end: end.min(size - 1) }
}
