//! What a function's `package.json` says that matters here: dependencies, and whether `.js` files
//! are
//! modules. A missing file is an empty one; many functions have none.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::Error;

/// What of a manifest decides about the versions of others; a lock file is compared with it.
const DECIDING: &[&str] = &[
    "name",
    "version",
    "dependencies",
    "devDependencies",
    "optionalDependencies",
    "peerDependencies",
    "peerDependenciesMeta",
    "overrides",
    "bundleDependencies",
];

/// The part of `package.json` that is read.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Manifest {
    /// Package to range, as npm means them.
    #[serde(default)]
    pub dependencies: BTreeMap<String, String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    /// Everything else, as it is written.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl Manifest {
    pub(super) fn read(name: &str, folder: &Path) -> Result<Self, Error> {
        let path = folder.join("package.json");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(Error::disk("read", path)(error)),
        };
        // Editors on Windows begin the file with a byte order mark.
        serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
            Error::MendPackage(format!(
                "Function \"{name}\": package.json is not valid: {error}. / \
                 云函数“{name}”的 package.json 格式错误:{error}。"
            ))
        })
    }

    /// Whether `.js` files are ECMAScript modules.
    pub(super) fn is_module(&self) -> bool {
        self.kind.as_deref() == Some("module")
    }

    /// What `npm ci` gets: without scripts and without what npm need not know.
    pub(super) fn for_lock(&self) -> Value {
        let mut kept = Map::new();
        for name in DECIDING {
            let value = match *name {
                "dependencies" => serde_json::to_value(&self.dependencies).ok(),
                name => self.rest.get(name).cloned(),
            };
            if let Some(value) = value {
                kept.insert((*name).to_owned(), value);
            }
        }
        kept.into()
    }

    /// What decides about versions beside the dependencies, without a lock file.
    pub(super) fn beside_dependencies(&self) -> impl Iterator<Item = (&str, Value)> {
        ["optionalDependencies", "overrides"]
            .into_iter()
            .filter_map(|name| Some((name, self.rest.get(name)?.clone())))
    }
}
