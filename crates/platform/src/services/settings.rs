//! What `yunkai.json` says about an existing back end.

use std::collections::BTreeMap;

use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::error::{Code, Error, Result};

/// The services of a project by name.
pub type Services = BTreeMap<String, Service>;

/// One existing back end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Service {
    /// Its base address, `http://` or `https://`; a path in it stands before every path.
    pub url: String,
    /// How long it may take to answer, and between two parts of an answer, in ms.
    #[serde(default = "timeout_ms")]
    pub timeout_ms: u64,
    /// Prefixes of whole segments that may be asked for; all when empty.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Whether clients reach it by `callContainer`; functions always do.
    #[serde(default = "clients")]
    pub clients: bool,
    /// How often a request that may be repeated is repeated when no connection came about.
    #[serde(default = "retries")]
    pub retries: u32,
    /// So many failures in a row stop requests for a while; 0 never does.
    #[serde(default = "failures")]
    pub breaker_failures: u32,
    /// For how long they stop, in ms.
    #[serde(default = "open_ms")]
    pub breaker_open_ms: u64,
}

fn timeout_ms() -> u64 {
    5_000
}

fn clients() -> bool {
    true
}

fn retries() -> u32 {
    2
}

fn failures() -> u32 {
    5
}

fn open_ms() -> u64 {
    10_000
}

/// Checks the services of a project.
///
/// # Errors
/// The first thing that cannot be, with its place.
pub fn check(services: &Services) -> Result<()> {
    services.iter().try_for_each(|(name, service)| {
        check_one(name, service).map_err(|(place, english, chinese)| {
            let place = format!("services.{name}{place}");
            Error::new(Code::InvalidParameter, format!("{place}: {english}. / {place}:{chinese}。"))
        })
    })
}

type Complaint = (&'static str, &'static str, &'static str);

fn check_one(name: &str, service: &Service) -> std::result::Result<(), Complaint> {
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty()
        || name.len() > 40
        || !name.chars().all(letters)
        || name.starts_with('-')
        || name.ends_with('-')
    {
        return Err((
            "",
            "a service's name is 1 to 40 of a-z, 0-9 and -, because it is part of a host name",
            "服务名须为 1 到 40 位小写字母、数字和 -(它是主机名的一部分)",
        ));
    }
    let url = Url::parse(&service.url).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    if url.is_none() {
        return Err((
            ".url",
            "write http://host or https://host, without user, query and fragment",
            "请写 http://host 或 https://host,不含用户名、查询参数和片段",
        ));
    }
    if !(1..=900_000).contains(&service.timeout_ms) {
        return Err((".timeoutMs", "a time limit is 1 to 900000 ms", "超时须为 1 到 900000 毫秒"));
    }
    if !service.paths.iter().all(|path| is_prefix(path)) {
        return Err((
            ".paths",
            "a path begins with a slash and has no . or .. segments, query or escapes",
            "路径须以斜杠开头,不含 .、..、查询参数和转义",
        ));
    }
    if service.retries > 5 {
        return Err((".retries", "a request is repeated 5 times at most", "最多重试 5 次"));
    }
    if !(1..=3_600_000).contains(&service.breaker_open_ms) {
        return Err((".breakerOpenMs", "1 to 3600000 ms", "须为 1 到 3600000 毫秒"));
    }
    Ok(())
}

/// In the clear, as people write it.
fn is_prefix(path: &str) -> bool {
    let plain = |c: char| !c.is_control() && !c.is_whitespace() && !"?#%\\;".contains(c);
    path.starts_with('/')
        && path.len() <= 512
        && path.chars().all(plain)
        && !path.split('/').any(|it| matches!(it, "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn services(text: &str) -> Result<Services> {
        let services = serde_json::from_str(text)
            .map_err(|error| Error::new(Code::InvalidParameter, error.to_string()))?;
        check(&services)?;
        Ok(services)
    }

    #[test]
    fn a_service_needs_an_address_only() {
        let services = services(r#"{"legacy":{"url":"http://10.0.0.5:8080/base"}}"#).unwrap();
        let legacy = &services["legacy"];
        assert_eq!((legacy.timeout_ms, legacy.retries, legacy.clients), (5_000, 2, true));
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_place() {
        for (text, place) in [
            (r#"{"Legacy":{"url":"http://h"}}"#, "services.Legacy:"),
            (r#"{"a.b":{"url":"http://h"}}"#, "services.a.b:"),
            (r#"{"a":{"url":"ftp://h"}}"#, "services.a.url"),
            (r#"{"a":{"url":"http://u:p@h"}}"#, "services.a.url"),
            (r#"{"a":{"url":"http://h/?x=1"}}"#, "services.a.url"),
            (r#"{"a":{"url":"h"}}"#, "services.a.url"),
            (r#"{"a":{"url":"http://h","timeoutMs":0}}"#, "services.a.timeoutMs"),
            (r#"{"a":{"url":"http://h","paths":["x"]}}"#, "services.a.paths"),
            (r#"{"a":{"url":"http://h","paths":["/a/../b"]}}"#, "services.a.paths"),
            (r#"{"a":{"url":"http://h","retries":9}}"#, "services.a.retries"),
            (r#"{"a":{"url":"http://h","path":[]}}"#, "path"),
        ] {
            let error = services(text).unwrap_err().to_string();
            assert!(error.contains(place), "{text}: {error}");
        }
    }
}
