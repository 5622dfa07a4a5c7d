//! How documents change. An update is parsed once and applied to many documents; a document that an
//! update cannot be applied to stays exactly as it was.

mod arithmetic;
mod array;
mod operator;
pub(crate) mod place;

use std::cmp::Ordering;

use value::{Document, Value, equals};

use crate::Error;
use crate::path::{Path, Segment};
use operator::Operator;

/// Most changes of one update: each costs a look through the fields of its document.
const CHANGES_MAX: usize = 10_000;

/// A parsed update.
#[derive(Debug, Clone)]
pub struct Update {
    changes: Vec<Change>,
}

/// One operator at one path.
#[derive(Debug, Clone)]
struct Change {
    path: Path,
    operator: Operator,
    /// From `$setOnInsert`.
    only_on_insert: bool,
}

impl Update {
    /// Reads `{"$set": {"a": 1}, "$inc": {"b": 1}}`. Changes happen in the order of their
    /// paths, numbers by their size, as in MongoDB: so are new fields appended and arrays filled.
    ///
    /// # Errors
    /// Unknown operators, operands of the wrong kind, two changes at one path or within each other,
    /// positional segments (`$`, `$[]`), more than 10,000 changes.
    pub fn parse(update: &Document) -> Result<Update, Error> {
        let mut changes = Vec::new();
        for (name, fields) in update.iter() {
            let only_on_insert = name == "$setOnInsert";
            let Value::Document(fields) = fields else {
                return Err(not_fields(name));
            };
            for (path, operand) in fields.iter() {
                let path = update_path(path)?;
                let operator = Operator::parse(name, &path, operand)?;
                changes.push(Change { path, operator, only_on_insert });
            }
            // An operator without fields must still exist.
            if fields.is_empty() {
                Operator::check_name(name)?;
            }
        }
        if changes.len() > CHANGES_MAX {
            return Err(Error::malformed(
                format_args!("An update may change {CHANGES_MAX} fields; split it."),
                format_args!("一次更新不能超过 {CHANGES_MAX} 个字段,请拆分。"),
            ));
        }
        refuse_overlaps(&changes)?;
        changes.sort_by(|one, other| by_path(one.destination(), other.destination()));
        Ok(Update { changes })
    }

    /// Changes the document; `true` when it really became another: setting a field to the value it
    /// has is no change. On an error the document stays as it was.
    ///
    /// # Errors
    /// [`Error::Conflict`] when a stored value is of the wrong kind, [`Error::Malformed`] for a
    /// change of `_id`, [`Error::Value`] for a result beyond the limits.
    pub fn apply(&self, document: &mut Document) -> Result<bool, Error> {
        self.apply_changes(document, false)
    }

    /// [`Update::apply`] together with `$setOnInsert`, on the seed of an upsert.
    ///
    /// # Errors
    /// As [`Update::apply`].
    pub fn apply_on_insert(&self, document: &mut Document) -> Result<bool, Error> {
        self.apply_changes(document, true)
    }

    fn apply_changes(&self, document: &mut Document, inserting: bool) -> Result<bool, Error> {
        let mut changed = document.clone();
        for change in &self.changes {
            if inserting || !change.only_on_insert {
                change.operator.apply(&mut changed, &change.path)?;
            }
        }
        keep_id(document, &mut changed)?;
        if changed == *document {
            return Ok(false);
        }
        changed.check_limits()?;
        *document = changed;
        Ok(true)
    }
}

/// An id may be set where there is none, and to what it is; anything else is refused.
fn keep_id(before: &Document, after: &mut Document) -> Result<(), Error> {
    let Some(id) = before.get("_id") else {
        return Ok(());
    };
    match after.get_mut("_id") {
        Some(same) if equals(same, id) => {
            // 1 and 1.0 are one id; the stored kind stays.
            same.clone_from(id);
            Ok(())
        }
        _ => Err(Error::malformed(
            "_id cannot be changed; remove it from the update.",
            "不能修改 _id,请从更新内容中去掉 _id。",
        )),
    }
}

fn not_fields(operator: &str) -> Error {
    if !operator.starts_with('$') {
        return Error::malformed(
            format_args!("An update consists of operators; put '{operator}' into $set."),
            format_args!("更新内容应由操作符组成,请把 '{operator}' 放入 $set。"),
        );
    }
    Error::malformed(
        format_args!("{operator} needs an object of fields; correct the update."),
        format_args!("{operator} 的内容应为字段对象,请修改。"),
    )
}

fn update_path(text: &str) -> Result<Path, Error> {
    let path = Path::parse(text)?;
    for segment in path.segments() {
        if segment.name.is_empty() {
            return Err(Error::malformed(
                format_args!("The path '{text}' has an empty field name; correct it."),
                format_args!("路径 '{text}' 中有空字段名,请修改。"),
            ));
        }
        if segment.name.starts_with('$') {
            return Err(Error::unknown_operator(&segment.name, text));
        }
    }
    Ok(path)
}

/// Two changes at one path, or one within the other, have no agreed order.
fn refuse_overlaps(changes: &[Change]) -> Result<(), Error> {
    let mut paths: Vec<&Path> = changes.iter().flat_map(Change::paths).collect();
    let names = |path: &Path| -> Vec<String> {
        path.segments().iter().map(|segment: &Segment| segment.name.clone()).collect()
    };
    // Sorted by segments, a path is directly followed by one that lies within it, if any does.
    paths.sort_by_cached_key(|path| names(path));
    for pair in paths.windows(2) {
        if pair[1].segments().starts_with(pair[0].segments()) {
            let (outer, inner) = (pair[0].text(), pair[1].text());
            return Err(Error::malformed(
                format_args!(
                    "Updating the path '{inner}' would create a conflict at '{outer}'; update one \
                     of them at a time."
                ),
                format_args!("'{inner}' 与 '{outer}' 的更新冲突,请分开更新。"),
            ));
        }
    }
    Ok(())
}

fn by_path(one: &Path, other: &Path) -> Ordering {
    let by_segment = |(one, other): (&Segment, &Segment)| match (one.index, other.index) {
        (Some(one), Some(other)) => one.cmp(&other),
        _ => one.name.cmp(&other.name),
    };
    let mut pairs = one.segments().iter().zip(other.segments()).map(by_segment);
    pairs.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

impl Change {
    /// Where the change ends up.
    fn destination(&self) -> &Path {
        match &self.operator {
            Operator::Rename(target) => target,
            _ => &self.path,
        }
    }

    /// Every path this change touches.
    fn paths(&self) -> impl Iterator<Item = &Path> {
        let target = match &self.operator {
            Operator::Rename(target) => Some(target),
            _ => None,
        };
        std::iter::once(&self.path).chain(target)
    }
}
