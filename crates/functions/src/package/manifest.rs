//! What a function's `package.json` says that matters here: dependencies, and whether `.js` files
//! are
//! modules. A missing file is an empty one; many functions have none.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::Deserialize;

use crate::error::Error;

/// The part of `package.json` that is read.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Manifest {
    /// Package to range, as npm means them.
    #[serde(default)]
    pub dependencies: BTreeMap<String, String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
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
}
