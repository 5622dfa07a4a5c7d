//! What may be asked of an index, as plain data, and what is refused with a reason in both
//! languages. It also turns a spec into the document the catalogue keeps, and back.

use value::{DEPTH_MAX, Document, Value};

use super::{Flags, Index, PRIMARY_NAME};
use crate::Error;

/// Indexes a collection can have at most, the one over `_id` included; MongoDB's limit.
pub const INDEXES_MAX: usize = 64;

/// Indexes per collection that the vendors' plans document for clients. Nothing here enforces it.
pub const INDEXES_PLAN_MAX: usize = 20;

/// Fields an index may have; MongoDB's limit.
const FIELDS_MAX: usize = 32;

/// Longest name in bytes; MongoDB's limit of old, which keeps names printable.
const NAME_BYTES_MAX: usize = 127;

/// Longest time to live in seconds; MongoDB's limit.
const EXPIRE_SECONDS_MAX: u64 = 2_147_483_647;

/// How a field of an index is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexKind {
    /// Smallest first: `1`.
    Ascending,
    /// Largest first: `-1`.
    Descending,
    /// Places on the earth: `"2dsphere"`.
    Geo,
}

/// An index to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexSpec {
    /// Its name, unique within the collection; empty means a name made of the keys: `a_1_b_-1`.
    pub name: String,
    /// Dotted paths in order of importance.
    pub keys: Vec<(String, IndexKind)>,
    /// Refuse two documents with the same key. A missing field counts as null, so only one
    /// document may lack all fields of a unique index.
    pub unique: bool,
    /// Remove documents this many seconds after the date in the index's only field.
    pub expire_after_seconds: Option<u64>,
}

impl IndexKind {
    fn parse(value: &Value) -> Option<IndexKind> {
        match value {
            Value::String(kind) if kind == "2dsphere" => Some(IndexKind::Geo),
            number => match number.as_i64()? {
                1 => Some(IndexKind::Ascending),
                -1 => Some(IndexKind::Descending),
                _ => None,
            },
        }
    }

    fn value(self) -> Value {
        match self {
            IndexKind::Ascending => Value::Int32(1),
            IndexKind::Descending => Value::Int32(-1),
            IndexKind::Geo => Value::from("2dsphere"),
        }
    }
}

impl IndexSpec {
    /// Reads the keys as everybody writes them: `{"a": 1, "b": -1, "place": "2dsphere"}`.
    ///
    /// # Errors
    ///
    /// [`Error::IndexRefused`] for any other direction.
    pub fn parse_keys(keys: &Document) -> Result<Vec<(String, IndexKind)>, Error> {
        let parse = |(path, kind): (&str, &Value)| match IndexKind::parse(kind) {
            Some(kind) => Ok((path.to_owned(), kind)),
            None => Err(refused(
                format!("the kind of the field '{path}' must be 1, -1 or \"2dsphere\""),
                format!("字段“{path}”的类型只能是 1、-1 或 \"2dsphere\""),
            )),
        };
        keys.iter().map(parse).collect()
    }

    /// The spec with its name filled in, when it may be created.
    pub(crate) fn checked(mut self) -> Result<IndexSpec, Error> {
        self.check_keys()?;
        if self.name.is_empty() {
            self.name = self.made_name();
        }
        let is_fine = self.name.len() <= NAME_BYTES_MAX
            && !self.name.contains(['$', '\0'])
            && self.name != "*";
        if !is_fine {
            return Err(refused(
                format!("its name must have at most {NAME_BYTES_MAX} bytes and no `$` or NUL"),
                format!("索引名不能超过 {NAME_BYTES_MAX} 字节，且不含 `$` 与空字符"),
            ));
        }
        if self.name == PRIMARY_NAME {
            return Err(refused(
                "every collection has the index over _id already".to_owned(),
                "_id 索引已存在，无需创建".to_owned(),
            ));
        }
        self.check_expiry()?;
        Ok(self)
    }

    fn check_keys(&self) -> Result<(), Error> {
        if self.keys.is_empty() || self.keys.len() > FIELDS_MAX {
            return Err(refused(
                format!("it must have 1 to {FIELDS_MAX} fields"),
                format!("索引须包含 1 到 {FIELDS_MAX} 个字段"),
            ));
        }
        for (at, (path, _)) in self.keys.iter().enumerate() {
            let is_fine = path.split('.').count() < DEPTH_MAX
                && path.split('.').all(|name| !name.is_empty() && !name.starts_with('$'))
                && !path.contains('\0');
            if !is_fine {
                return Err(refused(
                    format!("'{path}' is no field: names between dots, none beginning with `$`"),
                    format!("“{path}”不是有效字段：点号之间须有名称，且不以 `$` 开头"),
                ));
            }
            if self.keys[..at].iter().any(|(other, _)| other == path) {
                return Err(refused(
                    format!("the field '{path}' occurs twice"),
                    format!("字段“{path}”重复"),
                ));
            }
        }
        if self.keys.len() == 1 && self.keys[0].0 == "_id" {
            return Err(refused(
                "every collection has the index over _id already".to_owned(),
                "_id 索引已存在，无需创建".to_owned(),
            ));
        }
        let geo = self.keys.iter().filter(|(_, kind)| *kind == IndexKind::Geo).count();
        if geo > 1 || (geo == 1 && self.unique) {
            return Err(refused(
                "it may have one 2dsphere field, and then cannot be unique".to_owned(),
                "每个索引最多一个 2dsphere 字段，且不能唯一".to_owned(),
            ));
        }
        Ok(())
    }

    fn check_expiry(&self) -> Result<(), Error> {
        let Some(seconds) = self.expire_after_seconds else { return Ok(()) };
        let is_plain = matches!(self.keys.as_slice(), [(_, kind)] if *kind != IndexKind::Geo);
        if !is_plain || seconds > EXPIRE_SECONDS_MAX {
            return Err(refused(
                format!(
                    "expireAfterSeconds needs an index over one date field and 0 to \
                     {EXPIRE_SECONDS_MAX} seconds"
                ),
                format!(
                    "expireAfterSeconds 仅用于单个日期字段的索引，取值 0 到 {EXPIRE_SECONDS_MAX} 秒"
                ),
            ));
        }
        Ok(())
    }

    /// `a_1_b_-1`, cut at a character when it would be too long.
    fn made_name(&self) -> String {
        let part = |(path, kind): &(String, IndexKind)| match kind {
            IndexKind::Ascending => format!("{path}_1"),
            IndexKind::Descending => format!("{path}_-1"),
            IndexKind::Geo => format!("{path}_2dsphere"),
        };
        let parts: Vec<String> = self.keys.iter().map(part).collect();
        let mut name = parts.join("_");
        while name.len() > NAME_BYTES_MAX {
            name.pop();
        }
        name
    }
}

impl Index {
    /// What the catalogue keeps.
    pub(crate) fn to_document(&self) -> Document {
        let mut keys = Document::new();
        for (path, kind) in &self.spec.keys {
            keys.insert(path.as_str(), kind.value());
        }
        let mut document = Document::new();
        document.insert("name", self.spec.name.as_str());
        document.insert("keys", keys);
        document.insert("unique", self.spec.unique);
        if let Some(seconds) = self.spec.expire_after_seconds {
            document.insert("expireAfterSeconds", i64::try_from(seconds).unwrap_or(i64::MAX));
        }
        document.insert("multikey", i64::from(self.flags.multikey));
        document.insert("cut", self.flags.is_cut);
        if let Some(ready_at) = self.ready_at {
            document.insert("readyAt", i64::try_from(ready_at).unwrap_or(i64::MAX));
        }
        document
    }

    /// [`Index::to_document`] read back; `None` when it cannot be one.
    pub(crate) fn from_document(
        collection: u32,
        number: u32,
        document: &Document,
    ) -> Option<Index> {
        let whole = |name: &str| document.get(name).and_then(Value::as_i64);
        let flag = |name: &str| document.get(name).and_then(Value::as_bool);
        let keys = document.get("keys")?.as_document()?;
        let spec = IndexSpec {
            name: document.get("name")?.as_str()?.to_owned(),
            keys: IndexSpec::parse_keys(keys).ok()?,
            unique: flag("unique")?,
            expire_after_seconds: whole("expireAfterSeconds").and_then(|n| n.try_into().ok()),
        };
        let multikey = u32::try_from(whole("multikey")?).ok()?;
        let flags = Flags { multikey, is_cut: flag("cut")? };
        let ready_at = whole("readyAt").and_then(|commit| commit.try_into().ok());
        Some(Index { flags, ready_at, ..Index::new(collection, number, spec) })
    }
}

fn refused(reason: String, reason_zh: String) -> Error {
    Error::IndexRefused { reason, reason_zh }
}
