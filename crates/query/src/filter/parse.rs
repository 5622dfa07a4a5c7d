//! From a document to a filter. Whatever is not understood is refused by name.

use value::{Document, Value, View, compare, compare_views};

use super::Node;
use super::clause::{Clause, Comparison, ElementCondition, Test};
use crate::path::Path;
use crate::pattern::Pattern;
use crate::{Error, repair};

/// A whole filter: all its members hold.
pub(super) fn conjunction(filter: &Document) -> Result<Node, Error> {
    let mut nodes = Vec::with_capacity(filter.len());
    for (name, value) in filter.iter() {
        match name {
            "$and" => nodes.push(Node::And(branches(name, value)?)),
            "$or" => nodes.push(Node::Or(branches(name, value)?)),
            "$nor" => nodes.push(Node::Nor(branches(name, value)?)),
            "$comment" => {}
            _ if name.starts_with('$') => return Err(Error::unknown_operator(name, "")),
            _ => nodes.push(Node::Field(Path::parse(name)?, condition(value, name)?)),
        }
    }
    Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::And(nodes) })
}

fn branches(operator: &str, value: &Value) -> Result<Vec<Node>, Error> {
    let branches = match value {
        Value::Array(branches) if !branches.is_empty() => branches,
        _ => return Err(wrong(operator, "", "a list of filters", "非空的条件数组")),
    };
    let parse = |branch: &Value| match branch {
        Value::Document(filter) => conjunction(filter),
        _ => Err(wrong(operator, "", "a list of filters", "非空的条件数组")),
    };
    branches.iter().map(parse).collect()
}

/// What is asked of a field: operators, a regular expression, or a value it must equal.
pub(crate) fn condition(value: &Value, path: &str) -> Result<Vec<Clause>, Error> {
    match value {
        Value::Document(document) if is_operators(document) => operators(document, path),
        Value::Regex { pattern, options } => {
            Ok(vec![Clause::Is(Test::Pattern(Pattern::compile(pattern, options)?))])
        }
        value => Ok(vec![equal(value)]),
    }
}

/// Whether a document is a list of operators rather than a value.
pub(crate) fn is_operators(document: &Document) -> bool {
    document.first().is_some_and(|(name, _)| name.starts_with('$'))
}

/// Whether an operator combines filters rather than asking something of a value.
pub(crate) fn is_logic(operator: &str) -> bool {
    matches!(operator, "$and" | "$or" | "$nor")
}

fn equal(value: &Value) -> Clause {
    Clause::Is(Test::Compare(Comparison::Equal, value.clone()))
}

fn operators(document: &Document, path: &str) -> Result<Vec<Clause>, Error> {
    let mut clauses = Vec::with_capacity(document.len());
    for (name, operand) in document.iter() {
        match name {
            "$all" => clauses.extend(all(operand, path)?),
            "$regex" => clauses.push(Clause::Is(regex(document, operand, path)?)),
            "$options" if document.contains_key("$regex") => {}
            _ => clauses.push(operator(name, operand, path)?),
        }
    }
    Ok(clauses)
}

fn operator(name: &str, operand: &Value, path: &str) -> Result<Clause, Error> {
    let compare = |comparison| Ok(Clause::Is(Test::Compare(comparison, operand.clone())));
    match name {
        "$eq" => Ok(equal(operand)),
        "$gt" => compare(Comparison::Greater),
        "$gte" => compare(Comparison::GreaterOrEqual),
        "$lt" => compare(Comparison::Less),
        "$lte" => compare(Comparison::LessOrEqual),
        "$ne" if matches!(operand, Value::Regex { .. }) => Err(wrong(
            "$ne",
            path,
            "a value; use $not with a regular expression",
            "普通值(正则请用 $not)",
        )),
        "$ne" => Ok(Clause::Not(vec![equal(operand)])),
        "$in" => Ok(Clause::Is(one_of("$in", operand, path)?)),
        "$nin" => Ok(Clause::Not(vec![Clause::Is(one_of("$nin", operand, path)?)])),
        "$not" => not(operand, path),
        "$exists" if is_true(operand) => Ok(Clause::Is(Test::Exists)),
        "$exists" => Ok(Clause::Not(vec![Clause::Is(Test::Exists)])),
        "$mod" => modulo(operand, path),
        "$size" => size(operand, path),
        "$elemMatch" => Ok(Clause::Is(Test::Element(element(operand, path)?))),
        _ => Err(Error::unknown_operator(name, path)),
    }
}

fn not(operand: &Value, path: &str) -> Result<Clause, Error> {
    match operand {
        Value::Document(document) if is_operators(document) => {
            Ok(Clause::Not(operators(document, path)?))
        }
        Value::Regex { .. } => Ok(Clause::Not(condition(operand, path)?)),
        _ => Err(wrong("$not", path, "operators or a regular expression", "操作符或正则表达式")),
    }
}

fn is_true(operand: &Value) -> bool {
    match operand {
        Value::Bool(flag) => *flag,
        Value::Null => false,
        other => other.as_f64() != Some(0.0),
    }
}

fn one_of(operator: &str, operand: &Value, path: &str) -> Result<Test, Error> {
    let Value::Array(list) = operand else {
        return Err(wrong(operator, path, "a list", "数组"));
    };
    let (mut values, mut patterns) = (Vec::with_capacity(list.len()), Vec::new());
    for value in list {
        match value {
            Value::Regex { pattern, options } => {
                patterns.push(Pattern::compile(pattern, options)?);
            }
            Value::Document(document) if is_operators(document) => {
                return Err(wrong(operator, path, "values, not operators", "普通值而不是操作符"));
            }
            value => values.push(value.clone()),
        }
    }
    values.sort_by(compare);
    values.dedup_by(|a, b| compare_views(&View::from(&*a), &View::from(&*b)).is_eq());
    Ok(Test::In { values, patterns })
}

/// `$regex` with its sibling `$options`; the pattern may itself be a regular expression value.
fn regex(document: &Document, operand: &Value, path: &str) -> Result<Test, Error> {
    let (pattern, own_options) = match operand {
        Value::String(pattern) => (pattern, ""),
        Value::Regex { pattern, options } => (pattern, options.as_str()),
        _ => return Err(wrong("$regex", path, "a pattern", "正则表达式")),
    };
    let options = match document.get("$options") {
        None | Some(Value::Null) => own_options,
        Some(Value::String(options)) => options,
        Some(_) => return Err(wrong("$options", path, "letters such as \"i\"", "字母,如 \"i\"")),
    };
    Ok(Test::Pattern(Pattern::compile(pattern, options)?))
}

/// Each member of `$all` is asked on its own; an empty list matches nothing.
fn all(operand: &Value, path: &str) -> Result<Vec<Clause>, Error> {
    let Value::Array(list) = operand else {
        return Err(wrong("$all", path, "a list", "数组"));
    };
    if list.is_empty() {
        return Ok(vec![Clause::Is(Test::Never)]);
    }
    let mut clauses = Vec::with_capacity(list.len());
    for member in list {
        match member {
            Value::Document(document) if is_operators(document) => match document.first() {
                Some(("$elemMatch", inner)) if document.len() == 1 => {
                    clauses.push(Clause::Is(Test::Element(element(inner, path)?)));
                }
                _ => {
                    return Err(wrong("$all", path, "values or $elemMatch", "普通值或 $elemMatch"));
                }
            },
            member => clauses.extend(condition(member, path)?),
        }
    }
    Ok(clauses)
}

fn modulo(operand: &Value, path: &str) -> Result<Clause, Error> {
    let wrong = || wrong("$mod", path, "[divisor, remainder], divisor not 0", "[除数(非 0), 余数]");
    let repaired = repair::modulus(operand);
    let parts = match (&repaired, operand) {
        (Some(parts), _) => parts.as_slice(),
        (None, Value::Array(parts)) => parts.as_slice(),
        _ => return Err(wrong()),
    };
    let [divisor, remainder] = parts else {
        return Err(wrong());
    };
    let whole = |value: &Value| match value {
        Value::Double(number) => Value::Double(number.trunc()).as_i64(),
        other => other.as_i64(),
    };
    match (whole(divisor), whole(remainder)) {
        (Some(0), _) | (None, _) | (_, None) => Err(wrong()),
        (Some(divisor), Some(remainder)) => Ok(Clause::Is(Test::Modulo { divisor, remainder })),
    }
}

fn size(operand: &Value, path: &str) -> Result<Clause, Error> {
    let size = operand.as_i64().and_then(|size| usize::try_from(size).ok());
    size.map(|size| Clause::Is(Test::Size(size)))
        .ok_or_else(|| wrong("$size", path, "a whole number of at least 0", "非负整数"))
}

/// `$elemMatch` of operators asks the elements themselves, of fields asks documents among them.
pub(crate) fn element(operand: &Value, path: &str) -> Result<ElementCondition, Error> {
    let inner = match operand {
        Value::Document(inner) => repair::elem_match(inner)?,
        // `{"$regex": …}` is a regular expression by the time it is read from extended JSON.
        Value::Regex { .. } => return Ok(ElementCondition::Value(condition(operand, path)?)),
        _ => return Err(wrong("$elemMatch", path, "a condition", "条件对象")),
    };
    match inner.first() {
        Some((name, _)) if name.starts_with('$') && !is_logic(name) => {
            Ok(ElementCondition::Value(operators(&inner, path)?))
        }
        _ => Ok(ElementCondition::Document(Box::new(conjunction(&inner)?))),
    }
}

fn wrong(operator: &str, path: &str, english: &str, chinese: &str) -> Error {
    let place = crate::error::place(path);
    Error::malformed(
        format_args!("{operator}{place} needs {english}; correct the query."),
        format_args!("{operator}{place} 需要{chinese},请修改查询。"),
    )
}
