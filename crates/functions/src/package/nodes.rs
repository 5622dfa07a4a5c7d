//! Which Node.js of this machine a function runs on.
//!
//! The usual one has waiting workers. Another one is used only when a function declares its very
//! major version; what it says about itself is checked before the first use.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::checks::runtime_major;
use crate::error::Error;
use crate::sandbox;
use crate::settings::Settings;

/// A Node.js of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub path: PathBuf,
    pub major: u32,
}

#[derive(Debug)]
pub(super) struct Nodes {
    pub usual: Node,
    others: BTreeMap<u32, PathBuf>,
    /// Which of them are what they are said to be.
    checked: Mutex<HashMap<u32, bool>>,
}

impl Nodes {
    pub(super) fn new(usual: PathBuf, major: u32, others: BTreeMap<u32, PathBuf>) -> Self {
        Self { usual: Node { path: usual, major }, others, checked: Mutex::default() }
    }

    /// The Node.js for these settings, and a notice when it is not the one asked for.
    pub(super) fn choose(&self, settings: &Settings) -> Result<(Node, Option<String>), Error> {
        let declared = runtime_major(settings.runtime.as_deref())?;
        let Some(asked) = settings.node.or(declared) else {
            return Ok((self.usual.clone(), None));
        };
        if asked == self.usual.major {
            return Ok((self.usual.clone(), None));
        }
        if let Some(node) = self.exact(asked) {
            return Ok((node, None));
        }
        let newer = || self.others.range(asked..).find_map(|(major, _)| self.exact(*major));
        let node = if asked < self.usual.major { None } else { newer() };
        let node = node.unwrap_or_else(|| self.usual.clone());
        let notice = format!(
            "Node.js {asked} is not on this machine; the function runs on Node.js {}. Install it, or \
             name it below [functions.node]. / 本机没有 Node.js {asked},云函数将使用 Node.js {} 运行。",
            node.major, node.major
        );
        Ok((node, Some(notice)))
    }

    fn exact(&self, major: u32) -> Option<Node> {
        let path = self.others.get(&major)?;
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        let fine = *checked.entry(major).or_insert_with(|| {
            let said = sandbox::version_of(path);
            let is_right = said.as_ref().map(|(found, _)| *found) == Ok(major);
            if !is_right {
                tracing::warn!(path = %path.display(), ?said, major, "this is not that Node.js");
            } else if !sandbox::is_reachable(path) {
                let path = path.display();
                tracing::warn!(%path, "users of functions cannot start this Node.js");
                return false;
            }
            is_right
        });
        fine.then(|| Node { path: path.clone(), major })
    }
}
