//! What a package is made of and what was found in it: plain data for callers.

use std::path::PathBuf;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// A zip archive with the code of a function, at its top or in one folder at the top.
#[derive(Debug, Clone)]
pub enum Zip {
    /// The archive itself.
    Bytes(Bytes),
    /// A file of this machine; it is only read.
    File(PathBuf),
}

/// Whether a function's code was put into one file at deploy, for faster cold starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "form")]
pub enum Bundle {
    /// Workers load one file with its compiled code.
    Bundled {
        /// How many modules are in it.
        modules: u64,
        /// Its size in bytes.
        bytes: u64,
    },
    /// Workers load the files as they are.
    Plain {
        /// Bilingual: why there is no bundle.
        reason: String,
    },
}

/// A call of the vendor's SDK that this platform does not answer, found in the code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnsupportedCall {
    /// The file, relative to the package.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The call as it is documented, e.g. `cloud.callDataSource`.
    pub call: String,
}

impl UnsupportedCall {
    /// A bilingual sentence with the place.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self { file, line, call } = self;
        format!(
            "{file}:{line} uses {call}, which this platform does not support: it will fail when it \
             is called. / {file}:{line} 使用了暂不支持的 {call},调用时会报错。"
        )
    }
}
