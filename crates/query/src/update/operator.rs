//! The operators of an update, one at a time.

use std::cmp::Ordering;

use value::{Document, Value, compare};

use super::arithmetic::Arithmetic;
use super::array::{AddToSet, Pop, Pull, PullAll, Push};
use super::place;
use crate::Error;
use crate::path::Path;

/// An operator with its operand, checked.
#[derive(Debug, Clone)]
pub(super) enum Operator {
    Set(Value),
    Unset,
    Arithmetic(Arithmetic, Value),
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
const NAMES: [&str; 13] = [
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
    pub(super) fn parse(name: &str, path: &Path, operand: &Value) -> Result<Operator, Error> {
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
            "$rename" => rename(operand).map(Operator::Rename),
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

fn rename(operand: &Value) -> Result<Path, Error> {
    match operand {
        Value::String(target) => super::update_path(target),
        _ => Err(Error::malformed(
            "$rename needs the new name as text; correct the update.",
            "$rename 的内容应为新字段名,请修改。",
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
