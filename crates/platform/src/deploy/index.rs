//! An index of a collection as `yunkai.json` writes it. What is wrong with it is said where it
//! stands.

use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::indexes::{IndexKind, IndexSpec};

/// `{ "name": …, "keys": [ { "field": 1 | -1 | "2dsphere" } … ], "unique": …, … }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(deserialize_with = "keys")]
    keys: Vec<Key>,
    #[serde(default)]
    unique: bool,
    #[serde(rename = "expireAfterSeconds", skip_serializing_if = "Option::is_none")]
    expire_after_seconds: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Key(String, IndexKind);

impl Index {
    /// What the platform is asked for; an index without a name is named after its keys.
    #[must_use]
    pub fn spec(&self) -> IndexSpec {
        let part = |Key(path, kind): &Key| match kind {
            IndexKind::Ascending => format!("{path}_1"),
            IndexKind::Descending => format!("{path}_-1"),
            IndexKind::Geo => format!("{path}_2dsphere"),
        };
        let made = || self.keys.iter().map(part).collect::<Vec<_>>().join("_");
        IndexSpec {
            name: self.name.clone().unwrap_or_else(made),
            keys: self.keys.iter().map(|Key(path, kind)| (path.clone(), *kind)).collect(),
            unique: self.unique,
            expire_after_seconds: self.expire_after_seconds,
        }
    }
}

fn keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Key>, D::Error> {
    let keys = Vec::<Key>::deserialize(deserializer)?;
    if keys.is_empty() {
        return Err(D::Error::custom("an index needs at least one key / 索引至少需要一个字段"));
    }
    Ok(keys)
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(KeyVisitor)
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Key(path, kind) = self;
        let mut map = serializer.serialize_map(Some(1))?;
        match kind {
            IndexKind::Ascending => map.serialize_entry(path, &1)?,
            IndexKind::Descending => map.serialize_entry(path, &-1)?,
            IndexKind::Geo => map.serialize_entry(path, "2dsphere")?,
        }
        map.end()
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("{ \"field\": 1 | -1 | \"2dsphere\" }")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Key, A::Error> {
        let expected = || {
            A::Error::custom(
                "a key is { \"field\": 1 | -1 | \"2dsphere\" }, one field each / 索引字段应写作 \
                 { \"字段\": 1 | -1 | \"2dsphere\" },每项一个字段",
            )
        };
        let (path, kind) = map.next_entry::<String, serde_json::Value>()?.ok_or_else(expected)?;
        let kind = match (kind.as_i64(), kind.as_str()) {
            (Some(1), _) => IndexKind::Ascending,
            (Some(-1), _) => IndexKind::Descending,
            (_, Some("2dsphere")) => IndexKind::Geo,
            _ => return Err(expected()),
        };
        if map.next_entry::<String, serde_json::Value>()?.is_some() {
            return Err(expected());
        }
        Ok(Key(path, kind))
    }
}
