//! Which function answers a path: prefixes of whole segments, the longest wins.
//!
//! Pure: it neither waits nor knows what a request is beyond its path.

use serde::{Deserialize, Serialize};

use crate::error::{Code, Error, Result};

/// Paths of the platform itself, which no route may take.
const RESERVED: [&str; 3] = ["auth", "v1", "v2"];
/// The most routes of a project.
const ROUTES_MAX: usize = 500;

/// One line of the route table, as `yunkai.json` writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Route {
    /// The prefix, `/` or `/segment/…` without a slash at its end; whole segments count.
    pub path: String,
    /// The function that answers.
    pub function: String,
    /// True: callers without a token of this environment are refused.
    #[serde(default)]
    pub auth: bool,
    /// True: the function sees the whole path; else what follows the prefix.
    #[serde(default)]
    pub keep_prefix: bool,
    /// False: the platform adds no cross-origin headers and leaves preflights to the function.
    #[serde(default = "yes")]
    pub cors: bool,
}

fn yes() -> bool {
    true
}

/// A route that answers a path, and what of the path is left for the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched<'a> {
    /// The route.
    pub route: &'a Route,
    /// What the function sees as its path; begins with `/`, still percent-encoded.
    pub path: String,
}

/// The routes of an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteTable {
    /// Those with the most segments first.
    routes: Vec<Route>,
}

impl RouteTable {
    /// A table of these routes.
    ///
    /// # Errors
    /// A path that is none, is taken by the platform or stands twice; too many routes.
    pub fn new(mut routes: Vec<Route>) -> Result<Self> {
        if routes.len() > ROUTES_MAX {
            return Err(refused(format!(
                "routes: {} are more than {ROUTES_MAX}: use fewer and let the function look at the \
                 rest of the path. / routes 数量 {} 超过上限 {ROUTES_MAX},请合并路由并在云函数中区分\
                 路径。",
                routes.len(),
                routes.len()
            )));
        }
        for (place, route) in routes.iter().enumerate() {
            check(place, route)?;
            if routes[..place].iter().any(|other| other.path == route.path) {
                return Err(refused(format!(
                    "routes[{place}].path: {0} stands twice: take one of them out. / routes\
                     [{place}].path:{0} 重复出现,请删除其中一条。",
                    route.path
                )));
            }
        }
        routes.sort_by_key(|route| std::cmp::Reverse(segments(&route.path).count()));
        Ok(Self { routes })
    }

    /// The routes, those with the most segments first.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The route of a path as it stands in a request (percent-encoded, no query).
    pub fn find(&self, path: &str) -> Option<Matched<'_>> {
        self.routes.iter().find_map(|route| {
            let rest = rest_of(&route.path, path)?;
            let path = if route.keep_prefix { path.to_owned() } else { rest };
            Some(Matched { route, path })
        })
    }
}

/// Whether the path is the prefix or lies below it.
pub(crate) fn covers(prefix: &str, path: &str) -> bool {
    rest_of(prefix, path).is_some()
}

/// What follows the prefix; nothing when the path is another one.
fn rest_of(prefix: &str, path: &str) -> Option<String> {
    let mut rest = path.strip_prefix('/')?;
    for expected in segments(prefix) {
        let (first, after) = rest.split_once('/').unwrap_or((rest, ""));
        let first = percent_encoding::percent_decode_str(first).decode_utf8().ok()?;
        if first != expected {
            return None;
        }
        rest = after;
    }
    Some(format!("/{rest}"))
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

/// Whether a prefix may be taken by a project; else why not, in both languages.
pub(crate) fn check_path(path: &str) -> std::result::Result<(), String> {
    let said =
        |english: &str, chinese: &str| Err(format!("'{path}' {english}. / 「{path}」{chinese}。"));
    let plain = |c: char| !c.is_control() && !c.is_whitespace() && !"?#%*\\".contains(c);
    let inner = path.strip_prefix('/').unwrap_or_default();
    let is_path = path == "/"
        || (path.starts_with('/')
            && path.len() <= 512
            && inner.split('/').all(|it| !matches!(it, "" | "." | "..") && it.chars().all(plain)));
    if !is_path {
        return said(
            "is no prefix: write /segment/… or a slash alone, without a slash at the end, %, ?, # and *",
            "不是合法的前缀:请写 /段/… 或单个斜杠,结尾不带斜杠,不含 %、?、# 和 *",
        );
    }
    let first = segments(path).next().unwrap_or_default();
    if first.starts_with('_') || RESERVED.contains(&first) {
        return said("belongs to the platform: choose another one", "由平台保留,请更换路径");
    }
    Ok(())
}

fn check(place: usize, route: &Route) -> Result<()> {
    check_path(&route.path).map_err(|why| {
        let (english, chinese) = why.split_once(" / ").unwrap_or((&why, &why));
        refused(format!("routes[{place}].path: {english} / routes[{place}].path:{chinese}"))
    })?;
    if route.function.is_empty() {
        return Err(refused(format!(
            "routes[{place}].function: names no function. / routes[{place}].function:未填写函数名。"
        )));
    }
    Ok(())
}

fn refused(message: String) -> Error {
    Error::new(Code::InvalidParameter, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(paths: &[&str]) -> Result<RouteTable> {
        let route = |path: &&str| Route {
            path: (*path).to_owned(),
            function: format!("f{path}"),
            auth: false,
            keep_prefix: path.contains("keep"),
            cors: true,
        };
        RouteTable::new(paths.iter().map(route).collect())
    }

    #[test]
    fn the_longest_prefix_of_whole_segments_wins() {
        let table = table(&["/", "/api", "/api/v1/users", "/api/v1", "/相册", "/keep/it"]).unwrap();
        for (path, expected, rest) in [
            ("/", "f/", "/"),
            ("/other", "f/", "/other"),
            ("/api", "f/api", "/"),
            ("/api/", "f/api", "/"),
            ("/api/x/", "f/api", "/x/"),
            ("/apix", "f/", "/apix"),
            ("/api/v1/users/7", "f/api/v1/users", "/7"),
            ("/api/v1/user", "f/api/v1", "/user"),
            ("/api%2Fv1", "f/", "/api%2Fv1"),
            ("/%61pi/a%2Fb", "f/api", "/a%2Fb"),
            ("/%E7%9B%B8%E5%86%8C/1", "f/相册", "/1"),
            ("/keep/it/whole", "f/keep/it", "/keep/it/whole"),
            ("/api//x", "f/api", "//x"),
        ] {
            let found = table.find(path).unwrap();
            assert_eq!((found.route.function.as_str(), found.path.as_str()), (expected, rest));
        }
    }

    #[test]
    fn without_a_route_there_is_no_answer() {
        let table = table(&["/api"]).unwrap();
        for path in ["/", "/apis", "*", "", "/API"] {
            assert!(table.find(path).is_none(), "{path}");
        }
    }

    #[test]
    fn paths_that_are_none_and_those_of_the_platform_are_refused() {
        for path in [
            "",
            "api",
            "/api/",
            "//",
            "/a//b",
            "/a/../b",
            "/a?b",
            "/a b",
            "/%61",
            "/a*",
            "/_api",
            "/_console/x",
            "/v1",
            "/v1/functions",
            "/auth",
            "/\n",
        ] {
            assert!(table(&[path]).is_err(), "{path:?}");
        }
        assert!(table(&["/a", "/a"]).is_err());
        assert!(table(&["/admin", "/web", "/api/v1", "/authors"]).is_ok());
    }
}
