//! Which collections exist, as every reader sees it: the committed truth, published by the
//! committer after each commit that changed it. It never runs ahead of the store.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::Error;

const NAME_CHARACTERS_MAX: usize = 128;

/// A collection as the engine knows it. Its number outlives no drop: a collection that is
/// created again under its old name has another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Collection {
    pub(crate) number: u32,
}

/// Name → collection.
pub(crate) type Names = BTreeMap<String, Collection>;

/// The published catalogue; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalogue {
    names: Arc<RwLock<Arc<Names>>>,
}

impl Catalogue {
    pub(crate) fn new() -> Catalogue {
        Catalogue::default()
    }

    pub(crate) fn get(&self, name: &str) -> Option<Collection> {
        self.published().get(name).copied()
    }

    /// All names, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        self.published().keys().cloned().collect()
    }

    pub(crate) fn publish(&self, names: Names) {
        *self.names.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(names);
    }

    fn published(&self) -> Arc<Names> {
        Arc::clone(&self.names.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Refuses names that are empty, longer than 128 characters, or hold `$` or NUL.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let is_fine = !name.is_empty()
        && name.chars().count() <= NAME_CHARACTERS_MAX
        && !name.contains(['$', '\0']);
    if is_fine { Ok(()) } else { Err(Error::CollectionNameRefused { name: name.to_owned() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules() {
        let longest = "集".repeat(NAME_CHARACTERS_MAX);
        let too_long = "a".repeat(NAME_CHARACTERS_MAX + 1);
        let rows = [
            ("albums", true),
            ("system.files", true),
            ("相册", true),
            (longest.as_str(), true),
            ("", false),
            ("a$b", false),
            ("a\0b", false),
            (too_long.as_str(), false),
        ];
        for (name, is_fine) in rows {
            assert_eq!(check_name(name).is_ok(), is_fine, "{name:?}");
        }
    }
}
