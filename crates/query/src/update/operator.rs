//! The operators of an update, one at a time.

use std::cmp::Ordering;

use value::{Document, Value, compare};

use super::arithmetic::Arithmetic;
use super::array::{AddToSet, Pop, Pull, PullAll, Push};
use super::bitwise::Bitwise;
use super::{place, positional};
use crate::Error;
use crate::path::Path;

/// An operator with its operand, checked.
#[derive(Debug, Clone)]
pub(super) enum Operator {
    Set(Value),
    Unset,
    Arithmetic(Arithmetic, Value),
    Bitwise(Bitwise),
    /// Keeps the operand when it compares this way to what is stored.
    Bound(Ordering, Value),
    /// To this path.
    Rename(Path),
    Push(Push),
    Pop(Pop),
    Pull(Pull),
    PullAll(PullAll),
    AddToSet(AddToSet),
}

/// Every operator there is; [`Operator::parse`] has an arm for each.
const NAMES: [&str; 15] = [
    "$set",
    "$setOnInsert",
    "$unset",
    "$inc",
    "$mul",
    "$min",
    "$max",
    "$rename",
    "$push",
    "$pop",
    "$pull",
    "$pullAll",
    "$addToSet",
    "$bit",
    "$currentDate",
];

impl Operator {
    /// Refuses an operator that does not exist.
    pub(super) fn check_name(name: &str) -> Result<(), Error> {
        match name {
            _ if NAMES.contains(&name) => Ok(()),
            _ if !name.starts_with('$') => Err(super::not_fields(name)),
            _ => Err(Error::unknown_operator(name, "")),
        }
    }

    /// Reads the operand of one field.
    pub(super) fn parse(
        name: &str,
        path: &Path,
        operand: &Value,
        now_ms: Option<i64>,
    ) -> Result<Operator, Error> {
        let arithmetic = |arithmetic: Arithmetic| {
            arithmetic.check_amount(path, operand)?;
            Ok(Operator::Arithmetic(arithmetic, operand.clone()))
        };
        match name {
            "$set" | "$setOnInsert" => Ok(Operator::Set(operand.clone())),
            "$unset" => Ok(Operator::Unset),
            "$inc" => arithmetic(Arithmetic::Add),
            "$mul" => arithmetic(Arithmetic::Multiply),
            "$min" => Ok(Operator::Bound(Ordering::Less, operand.clone())),
            "$max" => Ok(Operator::Bound(Ordering::Greater, operand.clone())),
            "$rename" => rename(path, operand).map(Operator::Rename),
            "$bit" => Bitwise::parse(path, operand).map(Operator::Bitwise),
            "$currentDate" => current_date(path, operand, now_ms).map(Operator::Set),
            "$push" => Push::parse(path, operand).map(Operator::Push),
            "$pop" => Pop::parse(path, operand).map(Operator::Pop),
            "$pull" => Pull::parse(path, operand).map(Operator::Pull),
            "$pullAll" => PullAll::parse(path, operand).map(Operator::PullAll),
            "$addToSet" => AddToSet::parse(path, operand).map(Operator::AddToSet),
            _ if !name.starts_with('$') => Err(super::not_fields(name)),
            _ => Err(Error::unknown_operator(name, path.text())),
        }
    }

    /// Changes the document at the path.
    pub(super) fn apply(&self, document: &mut Document, path: &Path) -> Result<(), Error> {
        match self {
            Operator::Set(value) => place::write(document, path, value.clone()),
            Operator::Unset => {
                place::remove(document, path);
                Ok(())
            }
            Operator::Arithmetic(arithmetic, amount) => match place::find_mut(document, path) {
                Some(stored) => {
                    *stored = arithmetic.apply(path, stored, amount)?;
                    Ok(())
                }
                None => place::write(document, path, arithmetic.of_nothing(amount)),
            },
            Operator::Bitwise(bitwise) => match place::find_mut(document, path) {
                Some(stored) => {
                    *stored = bitwise.apply(path, Some(stored))?;
                    Ok(())
                }
                None => place::write(document, path, bitwise.apply(path, None)?),
            },
            Operator::Bound(wanted, bound) => match place::find_mut(document, path) {
                Some(stored) => {
                    if compare(bound, stored) == *wanted {
                        stored.clone_from(bound);
                    }
                    Ok(())
                }
                None => place::write(document, path, bound.clone()),
            },
            Operator::Rename(target) => apply_rename(document, path, target),
            Operator::Push(push) => push.apply(document, path),
            Operator::Pop(pop) => pop.apply(document, path),
            Operator::Pull(pull) => pull.apply(document, path),
            Operator::PullAll(pull) => pull.apply(document, path),
            Operator::AddToSet(add) => add.apply(document, path),
        }
    }
}

fn rename(source: &Path, operand: &Value) -> Result<Path, Error> {
    let Value::String(target) = operand else {
        return Err(Error::malformed(
            "$rename needs the new name as text; correct the update.",
            "$rename 的内容应为新字段名,请修改。",
        ));
    };
    let target = super::update_path(target)?;
    for path in [source, &target] {
        if positional::is_open(path) {
            let path = path.text();
            return Err(Error::malformed(
                format_args!("A field of $rename may not be dynamic: '{path}'; name it."),
                format_args!("$rename 的字段不能使用位置操作符:'{path}',请写明字段名。"),
            ));
        }
    }
    Ok(target)
}

/// What `$currentDate` sets: `true` means a date, as `{"$type": "date"}` does.
fn current_date(path: &Path, operand: &Value, now_ms: Option<i64>) -> Result<Value, Error> {
    let path = path.text();
    let now_ms = now_ms.ok_or_else(|| {
        Error::malformed(
            format_args!("$currentDate at '{path}' has no clock here; set a date."),
            format_args!("此处无法为 '{path}' 使用 $currentDate,请直接设置日期。"),
        )
    })?;
    let kind = match operand {
        Value::Bool(_) => Some("date"),
        Value::Document(document) if document.len() == 1 => {
            document.get("$type").and_then(Value::as_str)
        }
        _ => None,
    };
    match kind {
        Some("date") => Ok(Value::Date(now_ms)),
        Some("timestamp") => {
            let seconds = u32::try_from(now_ms / 1000).unwrap_or(0);
            Ok(Value::Timestamp(u64::from(seconds) << 32 | 1))
        }
        _ => Err(Error::malformed(
            format_args!(
                "$currentDate at '{path}' needs true, {{$type: \"date\"}} or {{$type: \
                 \"timestamp\"}}; correct the update."
            ),
            format_args!(
                "'{path}' 处的 $currentDate 应为 true、{{$type: \"date\"}} 或 {{$type: \
                 \"timestamp\"}},请修改。"
            ),
        )),
    }
}

/// Moves a field; a missing one stays missing. Neither end may lie within an array.
fn apply_rename(document: &mut Document, source: &Path, target: &Path) -> Result<(), Error> {
    if place::find_mut(document, source).is_none() {
        return Ok(());
    }
    for path in [source, target] {
        if let Some(array) = place::array_on_the_way(document, path) {
            return Err(Error::conflict(
                format_args!(
                    "$rename cannot reach '{}' because '{array}' is an array; use $set and $unset.",
                    path.text()
                ),
                format_args!(
                    "'{array}' 是数组,$rename 无法到达 '{}',请改用 $set 与 $unset。",
                    path.text()
                ),
            ));
        }
    }
    match place::remove(document, source) {
        Some(value) => {
            // MongoDB puts a renamed field at the end even where the new name existed.
            place::remove(document, target);
            place::write(document, target, value)
        }
        None => Ok(()),
    }
}
