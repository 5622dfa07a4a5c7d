//! How documents change. An update is parsed once and applied to many documents; a document that an
//! update cannot be applied to stays exactly as it was.

mod arithmetic;
mod array;
mod bitwise;
mod operator;
pub(crate) mod place;
mod positional;

use std::cmp::Ordering;

use value::{DocView, Document, Value, equals};

use crate::path::{Path, Segment};
use crate::{Error, Filter};
use operator::Operator;
use positional::{ArrayFilters, Filling};

/// Most changes of one update: each costs a look through the fields of its document.
const CHANGES_MAX: usize = 10_000;

/// A parsed update.
#[derive(Debug, Clone)]
pub struct Update {
    changes: Vec<Change>,
    array_filters: ArrayFilters,
    /// Whether a path has a place that only a document can fill.
    is_open: bool,
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
    /// more than 10,000 changes. `$currentDate` needs [`Update::parse_at`].
    pub fn parse(update: &Document) -> Result<Update, Error> {
        Update::read(update, &[], None)
    }

    /// [`Update::parse`] with the conditions that `$[name]` in paths refers to.
    ///
    /// # Errors
    /// As [`Update::parse`], and array filters that are unknown, unused or not about one name.
    pub fn parse_with(update: &Document, array_filters: &[Document]) -> Result<Update, Error> {
        Update::read(update, array_filters, None)
    }

    /// [`Update::parse_with`] at a moment, in milliseconds since 1970: what `$currentDate` sets.
    ///
    /// # Errors
    /// As [`Update::parse_with`].
    pub fn parse_at(
        update: &Document,
        array_filters: &[Document],
        now_ms: i64,
    ) -> Result<Update, Error> {
        Update::read(update, array_filters, Some(now_ms))
    }

    fn read(
        update: &Document,
        array_filters: &[Document],
        now_ms: Option<i64>,
    ) -> Result<Update, Error> {
        let mut changes = Vec::new();
        for (name, fields) in update.iter() {
            let only_on_insert = name == "$setOnInsert";
            let Value::Document(fields) = fields else {
                return Err(not_fields(name));
            };
            for (path, operand) in fields.iter() {
                let path = update_path(path)?;
                let operator = Operator::parse(name, &path, operand, now_ms)?;
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
        let array_filters = ArrayFilters::parse(array_filters)?;
        array_filters.check(changes.iter().map(|change| &change.path))?;
        refuse_overlaps(changes.iter().flat_map(Change::paths).collect())?;
        changes.sort_by(|one, other| by_path(one.destination(), other.destination()));
        let is_open = changes.iter().any(|change| positional::is_open(&change.path));
        Ok(Update { changes, array_filters, is_open })
    }

    /// Changes the document; `true` when it really became another: setting a field to the value it
    /// has is no change. On an error the document stays as it was.
    ///
    /// # Errors
    /// [`Error::Conflict`] when a stored value is of the wrong kind, or a positional `$` has no
    /// element; [`Error::Malformed`] for a change of `_id`, [`Error::Value`] for a result beyond
    /// the limits.
    pub fn apply(&self, document: &mut Document) -> Result<bool, Error> {
        self.apply_changes(document, false, None)
    }

    /// [`Update::apply`] to a document that passes `filter`, which tells what `$` means.
    ///
    /// # Errors
    /// As [`Update::apply`].
    pub fn apply_matching(&self, document: &mut Document, filter: &Filter) -> Result<bool, Error> {
        let needs_match =
            self.is_open && self.changes.iter().any(|change| positional::needs_match(&change.path));
        let matched = match needs_match {
            true => filter.matched_element(&DocView::Owned(document))?,
            false => None,
        };
        self.apply_changes(document, false, matched)
    }

    /// [`Update::apply`] together with `$setOnInsert`, on the seed of an upsert.
    ///
    /// # Errors
    /// As [`Update::apply`].
    pub fn apply_on_insert(&self, document: &mut Document) -> Result<bool, Error> {
        self.apply_changes(document, true, None)
    }

    fn apply_changes(
        &self,
        document: &mut Document,
        inserting: bool,
        matched: Option<usize>,
    ) -> Result<bool, Error> {
        let mut changed = document.clone();
        let due = self.changes.iter().filter(|change| inserting || !change.only_on_insert);
        if self.is_open {
            for (path, operator) in self.filled(document, due, matched)? {
                operator.apply(&mut changed, &path)?;
            }
        } else {
            due.into_iter().try_for_each(|it| it.operator.apply(&mut changed, &it.path))?;
        }
        keep_id(document, &mut changed)?;
        if changed == *document {
            return Ok(false);
        }
        changed.check_limits()?;
        *document = changed;
        Ok(true)
    }

    /// The changes with every place of their paths filled, in the order they happen.
    fn filled<'c>(
        &self,
        document: &Document,
        changes: impl Iterator<Item = &'c Change>,
        matched: Option<usize>,
    ) -> Result<Vec<(Path, &'c Operator)>, Error> {
        let filling = Filling { filters: &self.array_filters, matched };
        let mut filled = Vec::new();
        for change in changes {
            if let Operator::Rename(_) = change.operator {
                filled.push((change.path.clone(), &change.operator));
                continue;
            }
            let paths = filling.fill(document, &change.path)?;
            filled.extend(paths.into_iter().map(|path| (path, &change.operator)));
        }
        refuse_overlaps(filled.iter().map(|(path, _)| path).collect())?;
        let destination = |(path, operator): &(Path, &'c Operator)| match operator {
            Operator::Rename(target) => target.clone(),
            _ => path.clone(),
        };
        filled.sort_by(|one, other| by_path(&destination(one), &destination(other)));
        Ok(filled)
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
        if segment.name.starts_with('$') && !positional::is_placeholder(&segment.name) {
            return Err(Error::unknown_operator(&segment.name, text));
        }
    }
    positional::check_path(&path)?;
    Ok(path)
}

/// Two changes at one path, or one within the other, have no agreed order.
fn refuse_overlaps(mut paths: Vec<&Path>) -> Result<(), Error> {
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
