//! Which address of a service a request may reach: below its base address, on the paths that the
//! project allows, and nowhere else.
//!
//! Pure. A path that different servers read differently (dot segments, encoded slashes) is refused,
//! never repaired.

use percent_encoding::percent_decode_str;

/// Why a path may not be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is no path, or one that servers read differently.
    Ambiguous,
    /// No allowed path covers it.
    NotAllowed,
}

/// Checks a path with its query as it stands in a request.
///
/// # Errors
/// Why it may not be asked for.
pub fn check(target: &str, allowed: &[String]) -> Result<(), Refusal> {
    let path = target.split('?').next().unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\\#\"<>^`{|}".contains(&byte);
    let Some(inner) = path.strip_prefix('/') else { return Err(Refusal::Ambiguous) };
    if !target.bytes().all(|byte| is_plain(byte) || byte == b'"' || byte == b'|') {
        return Err(Refusal::Ambiguous);
    }
    let mut segments = Vec::new();
    for segment in inner.split('/') {
        segments.push(decoded(segment).ok_or(Refusal::Ambiguous)?);
    }
    // Only the last one may be empty: `//` is one slash to some servers.
    if segments.iter().rev().skip(1).any(String::is_empty) {
        return Err(Refusal::Ambiguous);
    }
    let covers = |prefix: &String| {
        let mut expected = prefix.split('/').filter(|it| !it.is_empty());
        let mut found = segments.iter();
        expected.all(|expected| found.next().is_some_and(|found| found == expected))
    };
    if allowed.is_empty() || allowed.iter().any(covers) { Ok(()) } else { Err(Refusal::NotAllowed) }
}

/// A segment in the clear; nothing when a server could see more than one segment in it, or another
/// one.
fn decoded(segment: &str) -> Option<String> {
    let bytes = segment.as_bytes();
    let whole = |place: usize| {
        let hex = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
        bytes[place] != b'%' || (hex(place + 1) && hex(place + 2))
    };
    if !(0..bytes.len()).all(whole) {
        return None;
    }
    let text = percent_decode_str(segment).decode_utf8().ok()?.into_owned();
    // Some servers cut `;parameters` off first, some decode twice.
    let name = text.split(';').next().unwrap_or_default();
    let twice = text.to_ascii_lowercase();
    let hides = ["%2e", "%2f", "%5c", "%25", "%00"].iter().any(|it| twice.contains(it));
    let breaks = text.chars().any(|c| c.is_control() || c == '/' || c == '\\');
    (!hides && !breaks && !matches!(name, "." | "..")).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allowed_paths_are_prefixes_of_whole_segments() {
        let allowed = ["/api/users".to_owned(), "/相册/".to_owned()];
        for (target, expected) in [
            ("/api/users", Ok(())),
            ("/api/users/", Ok(())),
            ("/api/users/7?x=../..&y=%2F", Ok(())),
            ("/%61pi/users/a.b", Ok(())),
            ("/%E7%9B%B8%E5%86%8C/1", Ok(())),
            ("/api/users2", Err(Refusal::NotAllowed)),
            ("/api", Err(Refusal::NotAllowed)),
            ("/API/users", Err(Refusal::NotAllowed)),
            ("/", Err(Refusal::NotAllowed)),
        ] {
            assert_eq!(check(target, &allowed), expected, "{target}");
        }
        assert_eq!(check("/anything", &[]), Ok(()));
    }

    #[test]
    fn what_servers_read_differently_is_refused() {
        for target in [
            "",
            "api/users",
            "http://elsewhere/",
            "/api/users/../admin",
            "/api/users/./x",
            "/api/users/%2e%2e/admin",
            "/api/users/.%2E/admin",
            "/api/users/%252e%252e/admin",
            "/api/users%2Fadmin",
            "/api/users%5cadmin",
            "/api/users\\..\\admin",
            "/api/users/..;/admin",
            "/api/users/..;x=1/admin",
            "//elsewhere/api",
            "/api//users",
            "/api/users/%",
            "/api/users/%zz",
            "/api/users/%00",
            "/api/users/%ff",
            "/api/users/a b",
            "/api/users#x",
            "/api/users\r\nx: y",
            "/api/users?x=\n",
        ] {
            assert_eq!(check(target, &[]), Err(Refusal::Ambiguous), "{target:?}");
        }
    }
}
