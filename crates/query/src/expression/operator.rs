//! The table of operators that look at all their operands, and the sentences they refuse with.

use value::View;

use super::scope::{Found, Surroundings};
use crate::Error;

/// Computes a result from evaluated operands.
pub(crate) type Run = for<'s> fn(&mut [Found<'s>], &Surroundings) -> Result<Found<'s>, Error>;

/// An operator: its name, what operands it takes, what it does with them.
#[derive(Debug)]
pub(crate) struct Operator {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) run: Run,
}

/// Which operands an operator takes.
#[derive(Debug)]
pub(crate) enum Shape {
    /// A list of so many, or the only one as it is.
    Count(usize, usize),
    /// A document with these members; the first ones are required.
    Named(&'static [&'static str], usize),
    /// As this, or the only operand as it is for the first member.
    NamedOrOne(&'static [&'static str], usize),
}

/// No upper limit of operands.
pub(crate) const ANY: usize = usize::MAX;

pub(crate) const fn plain(name: &'static str, min: usize, max: usize, run: Run) -> Operator {
    Operator { name, shape: Shape::Count(min, max), run }
}

pub(crate) const fn named(
    name: &'static str,
    members: &'static [&'static str],
    required: usize,
    run: Run,
) -> Operator {
    Operator { name, shape: Shape::Named(members, required), run }
}

/// The operator of this name.
pub(crate) fn find(name: &str) -> Option<&'static Operator> {
    const FAMILIES: &[&[Operator]] = &[
        super::arithmetic::OPERATORS,
        super::trigonometry::OPERATORS,
        super::compare::OPERATORS,
        super::array::OPERATORS,
        super::element::OPERATORS,
        super::reducing::OPERATORS,
        super::object::OPERATORS,
        super::set::OPERATORS,
        super::string::OPERATORS,
        super::substring::OPERATORS,
        super::convert::OPERATORS,
        super::date::OPERATORS,
    ];
    FAMILIES.iter().flat_map(|family| family.iter()).find(|operator| operator.name == name)
}

/// `$x needs …; correct the expression.`
pub(crate) fn wrong(operator: &str, english: &str, chinese: &str) -> Error {
    Error::malformed(
        format_args!("{operator} needs {english}; correct the expression."),
        format_args!("{operator} 需要{chinese},请修改表达式。"),
    )
}

/// `$x needs …, not string; correct the expression or the document.`
pub(crate) fn wrong_kind(operator: &str, english: &str, chinese: &str, found: &Found) -> Error {
    let kind = kind_name(found.view().as_ref());
    Error::malformed(
        format_args!(
            "{operator} needs {english}, not {kind}; correct the expression or the document."
        ),
        format_args!("{operator} 需要{chinese},而不是 {kind},请修改表达式或文档。"),
    )
}

/// The kind's name as `$type` says it.
pub(crate) fn kind_name(view: Option<&View<'_>>) -> &'static str {
    match view {
        None => "missing",
        Some(View::MinKey) => "minKey",
        Some(View::Null) => "null",
        Some(View::Bool(_)) => "bool",
        Some(View::Int32(_)) => "int",
        Some(View::Int64(_)) => "long",
        Some(View::Double(_)) => "double",
        Some(View::Decimal128(_)) => "decimal",
        Some(View::String(_)) => "string",
        Some(View::Document(_)) => "object",
        Some(View::Array(_)) => "array",
        Some(View::Binary { .. }) => "binData",
        Some(View::ObjectId(_)) => "objectId",
        Some(View::Date(_)) => "date",
        Some(View::Regex { .. }) => "regex",
        Some(View::Timestamp(_)) => "timestamp",
        Some(View::MaxKey) => "maxKey",
    }
}

/// A whole number, however it is stored; fractions are refused.
pub(crate) fn whole(operator: &str, what: &str, found: &Found) -> Result<i64, Error> {
    let number = found.view().and_then(|view| whole_of(&view));
    number.ok_or_else(|| {
        wrong_kind(
            operator,
            &format!("a whole number as {what}"),
            &format!("整数作为 {what}"),
            found,
        )
    })
}

/// The whole number of any numeric kind.
pub(crate) fn whole_of(view: &View<'_>) -> Option<i64> {
    match *view {
        View::Int32(number) => Some(i64::from(number)),
        View::Int64(number) => Some(number),
        View::Double(number) => value::Value::Double(number).as_i64(),
        View::Decimal128(bytes) => {
            let number = value::Value::Decimal128(bytes).as_f64()?;
            value::Value::Double(number).as_i64()
        }
        _ => None,
    }
}
