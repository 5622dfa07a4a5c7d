//! What the catalogue knows of one function: what `$LATEST` is, its numbered versions, its aliases.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::deploy::FunctionSettings;

/// The version that a call without a qualifier means, unless [`DEFAULT`] is an alias.
pub const LATEST: &str = "$LATEST";
/// An alias of this name says where calls without a qualifier go.
pub const DEFAULT: &str = "$DEFAULT";

/// One function.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// What `$LATEST` is; nothing when only numbered versions are left.
    pub latest: Option<Release>,
    /// Numbered versions, which never change.
    pub versions: BTreeMap<u64, Version>,
    /// The highest number ever given out, so that none comes twice.
    pub newest_number: u64,
    /// Names for versions.
    pub aliases: BTreeMap<String, Alias>,
}

/// Code and settings that belong together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Release {
    /// The package's content hash.
    pub content_hash: String,
    /// The hash of what was sent, by which a client sees whether it must send again.
    pub source_hash: Option<String>,
    /// How it runs; secrets by name.
    pub settings: FunctionSettings,
    /// When it was deployed, ms since 1970.
    pub at_ms: i64,
    /// The numbered version with the same code and settings, if there is one.
    pub version: Option<u64>,
}

/// One numbered version.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Version {
    /// Its code and settings.
    pub release: Release,
    /// What its publisher says of it.
    pub description: String,
}

/// A name for a version, or for several that share the calls.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Alias {
    /// What it is for.
    pub description: String,
    /// Which share of the calls goes where; the weights make 100.
    pub split: Vec<Share>,
}

/// A share of the calls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Share {
    /// `$LATEST` or the text of a number.
    pub version: String,
    /// Per cent.
    pub weight: u32,
}

impl Release {
    /// Whether both are the same code, run in the same way.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.content_hash == other.content_hash && self.settings == other.settings
    }
}

impl Entry {
    /// The release behind a label.
    #[must_use]
    pub fn release(&self, label: &str) -> Option<&Release> {
        if label == LATEST {
            return self.latest.as_ref();
        }
        self.versions.get(&number(label)?).map(|version| &version.release)
    }

    /// Every label with its release.
    pub fn releases(&self) -> impl Iterator<Item = (String, &Release)> {
        let latest = self.latest.iter().map(|release| (LATEST.to_owned(), release));
        let numbered = self.versions.iter().map(|(number, it)| (number.to_string(), &it.release));
        latest.chain(numbered)
    }

    /// The aliases that lead to a version.
    pub fn aliases_of<'a>(&'a self, label: &'a str) -> impl Iterator<Item = &'a str> {
        let leads = move |alias: &Alias| alias.split.iter().any(|share| share.version == label);
        self.aliases.iter().filter(move |(_, it)| leads(it)).map(|(name, _)| name.as_str())
    }

    /// What can be called, for sentences.
    #[must_use]
    pub fn qualifiers(&self) -> String {
        let labels = self.releases().map(|(label, _)| label);
        labels.chain(self.aliases.keys().cloned()).collect::<Vec<_>>().join(", ")
    }

    /// Makes a numbered version of `$LATEST`; the one there is when it has one already.
    ///
    /// Returns nothing when there is no `$LATEST`.
    pub fn publish(&mut self, description: String) -> Option<u64> {
        let latest = self.latest.as_mut()?;
        if let Some(number) = latest.version.filter(|it| self.versions.contains_key(it)) {
            return Some(number);
        }
        self.newest_number += 1;
        let number = self.newest_number;
        latest.version = Some(number);
        let release = latest.clone();
        self.versions.insert(number, Version { release, description });
        Some(number)
    }

    /// The version that a roll back without a number goes to: the one before what `$LATEST` is, or
    /// the newest one when `$LATEST` was never published.
    #[must_use]
    pub fn before_latest(&self) -> Option<u64> {
        let current = self.latest.as_ref().and_then(|latest| latest.version);
        let earlier = ..current.unwrap_or(u64::MAX);
        self.versions.range(earlier).next_back().map(|(number, _)| *number)
    }

    /// Forgets the oldest versions above a count that nobody names; returns their numbers.
    pub fn forget_old(&mut self, kept_max: usize) -> Vec<u64> {
        let current = self.latest.as_ref().and_then(|latest| latest.version);
        let too_many = self.versions.len().saturating_sub(kept_max);
        let is_free = |number: &u64| {
            Some(*number) != current && self.aliases_of(&number.to_string()).next().is_none()
        };
        let old: Vec<u64> = self.versions.keys().copied().filter(is_free).take(too_many).collect();
        for number in &old {
            self.versions.remove(number);
        }
        old
    }
}

/// The number of a label that is one.
#[must_use]
pub fn number(label: &str) -> Option<u64> {
    let fits = label.bytes().all(|byte| byte.is_ascii_digit()) && !label.starts_with('0');
    label.parse().ok().filter(|_| fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(hash: &str) -> Entry {
        let latest = Release { content_hash: hash.to_owned(), ..Release::default() };
        Entry { name: "f".to_owned(), latest: Some(latest), ..Entry::default() }
    }

    fn deploy(entry: &mut Entry, hash: &str) {
        entry.latest = Some(Release { content_hash: hash.to_owned(), ..Release::default() });
    }

    #[test]
    fn publishing_twice_gives_one_number_and_no_number_comes_twice() {
        let mut entry = entry("a");
        assert_eq!(entry.publish(String::new()), Some(1));
        assert_eq!(entry.publish(String::new()), Some(1));
        deploy(&mut entry, "b");
        assert_eq!(entry.publish(String::new()), Some(2));
        entry.versions.remove(&2);
        deploy(&mut entry, "c");
        assert_eq!(entry.publish(String::new()), Some(3));
    }

    #[test]
    fn rolling_back_goes_one_version_further_each_time() {
        let mut entry = entry("a");
        assert_eq!(entry.before_latest(), None);
        for hash in ["a", "b", "c"] {
            deploy(&mut entry, hash);
            entry.publish(String::new());
        }
        assert_eq!(entry.before_latest(), Some(2));
        entry.latest = Some(entry.versions[&2].release.clone());
        assert_eq!(entry.before_latest(), Some(1));
        deploy(&mut entry, "d");
        assert_eq!(entry.before_latest(), Some(3));
    }

    #[test]
    fn old_versions_are_forgotten_unless_something_names_them() {
        let mut entry = entry("");
        for hash in ["a", "b", "c", "d"] {
            deploy(&mut entry, hash);
            entry.publish(String::new());
        }
        let split = vec![Share { version: "1".to_owned(), weight: 100 }];
        entry.aliases.insert("live".to_owned(), Alias { split, ..Alias::default() });
        assert_eq!(entry.forget_old(2), [2, 3]);
        assert_eq!(entry.versions.keys().copied().collect::<Vec<_>>(), [1, 4]);
    }

    #[test]
    fn labels_are_numbers_as_they_are_written() {
        assert_eq!(number("12"), Some(12));
        for label in ["", "0", "01", "+1", "-1", "1.0", "$LATEST"] {
            assert_eq!(number(label), None, "{label}");
        }
    }
}
