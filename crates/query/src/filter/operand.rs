//! Operands of single operators: what each takes, and what is said when it gets something else.

use value::{Document, Value, View, compare, compare_views};

use super::bits::Bits;
use super::clause::{Clause, Comparison, Test};
use super::kind::Kinds;
use crate::pattern::Pattern;
use crate::{Error, repair};

/// Most members of `$in`, `$nin` and `$all`.
const LIST_MAX: usize = 100_000;
/// Most regular expressions among them: each is tried on every document.
const PATTERNS_MAX: usize = 1000;

/// A test of equality.
pub(super) fn equal(value: &Value) -> Clause {
    Clause::Is(Test::Compare(Comparison::Equal, value.clone()))
}

/// An operator whose operand holds no further condition.
pub(super) fn simple(name: &str, operand: &Value, path: &str) -> Result<Clause, Error> {
    let compare = |comparison| {
        if matches!(operand, Value::Regex { .. }) {
            return Err(no_pattern(name, path));
        }
        Ok(Clause::Is(Test::Compare(comparison, operand.clone())))
    };
    match name {
        "$eq" => Ok(equal(operand)),
        "$gt" => compare(Comparison::Greater),
        "$gte" => compare(Comparison::GreaterOrEqual),
        "$lt" => compare(Comparison::Less),
        "$lte" => compare(Comparison::LessOrEqual),
        "$ne" if matches!(operand, Value::Regex { .. }) => Err(no_pattern(name, path)),
        "$ne" => Ok(Clause::Not(vec![equal(operand)])),
        "$in" => Ok(Clause::Is(one_of("$in", operand, path)?)),
        "$nin" => Ok(Clause::Not(vec![Clause::Is(one_of("$nin", operand, path)?)])),
        "$exists" if is_true(operand) => Ok(Clause::Is(Test::Exists)),
        "$exists" => Ok(Clause::Not(vec![Clause::Is(Test::Exists)])),
        "$mod" => modulo(operand, path),
        "$size" => size(operand, path),
        "$type" => Ok(Clause::Is(Test::Kind(Kinds::parse(name, operand, path)?))),
        "$bitsAllSet" | "$bitsAllClear" | "$bitsAnySet" | "$bitsAnyClear" => {
            Ok(Clause::Is(Test::Bits(Bits::parse(name, operand, path)?)))
        }
        _ => Err(refused(name, path)),
    }
}

/// What MongoDB has and this platform has not, with the reason; other names are unknown.
pub(super) fn refused(name: &str, path: &str) -> Error {
    let place = crate::error::place(path);
    let (english, chinese) = match name {
        "$where" | "$function" | "$accumulator" => (
            "runs JavaScript on stored documents, which this platform never does; use $expr or a \
             function",
            "需要在数据库中执行 JavaScript,本平台不支持,请改用 $expr 或云函数",
        ),
        "$text" | "$search" => (
            "needs a full-text index, which this platform does not have; use a regular expression",
            "需要全文索引,本平台不支持,请改用正则表达式",
        ),
        "$rand" | "$sampleRate" => (
            "answers by chance; use the aggregation stage $sample",
            "结果是随机的,请改用聚合阶段 $sample",
        ),
        _ => return Error::unknown_operator(name, path),
    };
    Error::malformed(
        format_args!("{name}{place} {english}."),
        format_args!("{name}{place} {chinese}。"),
    )
}

fn no_pattern(name: &str, path: &str) -> Error {
    wrong(name, path, "a value; use $not with a regular expression", "普通值(正则请用 $not)")
}

fn is_true(operand: &Value) -> bool {
    match operand {
        Value::Bool(flag) => *flag,
        Value::Null => false,
        other => other.as_f64() != Some(0.0),
    }
}

/// A list within its limit.
pub(super) fn list<'v>(
    operator: &str,
    operand: &'v Value,
    path: &str,
) -> Result<&'v [Value], Error> {
    let Value::Array(list) = operand else {
        return Err(wrong(operator, path, "a list", "数组"));
    };
    if list.len() > LIST_MAX {
        let (most, place) = (LIST_MAX, crate::error::place(path));
        return Err(Error::malformed(
            format_args!("{operator}{place} takes at most {most} values; ask several times."),
            format_args!("{operator}{place} 最多 {most} 个值,请分多次查询。"),
        ));
    }
    Ok(list)
}

fn one_of(operator: &str, operand: &Value, path: &str) -> Result<Test, Error> {
    let list = list(operator, operand, path)?;
    let (mut values, mut patterns) = (Vec::with_capacity(list.len()), Vec::new());
    for value in list {
        match value {
            Value::Regex { pattern, options } => {
                patterns.push(Pattern::compile(pattern, options)?);
                if patterns.len() > PATTERNS_MAX {
                    return Err(wrong(
                        operator,
                        path,
                        "at most 1000 regular expressions",
                        "不超过 1000 个正则表达式",
                    ));
                }
            }
            Value::Document(document) if super::is_operators(document) => {
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
pub(super) fn regex(document: &Document, operand: &Value, path: &str) -> Result<Test, Error> {
    let (pattern, own_options) = match operand {
        Value::String(pattern) => (pattern, ""),
        Value::Regex { pattern, options } => (pattern, options.as_str()),
        _ => return Err(wrong("$regex", path, "a pattern", "正则表达式")),
    };
    let options = match document.get("$options") {
        None | Some(Value::Null) => own_options,
        Some(Value::String(options)) if own_options.is_empty() || options.is_empty() => {
            if options.is_empty() { own_options } else { options }
        }
        Some(Value::String(_)) => {
            return Err(wrong(
                "$options",
                path,
                "to stand alone: the regular expression has options of its own",
                "与正则自带的选项二选一",
            ));
        }
        Some(_) => return Err(wrong("$options", path, "letters such as \"i\"", "字母,如 \"i\"")),
    };
    Ok(Test::Pattern(Pattern::compile(pattern, options)?))
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
    match (truncated(&View::from(divisor)), truncated(&View::from(remainder))) {
        (Some(0), _) | (None, _) | (_, None) => Err(wrong()),
        (Some(divisor), Some(remainder)) => Ok(Clause::Is(Test::Modulo { divisor, remainder })),
    }
}

/// A number cut to a whole one; `None` for what is no number or has no whole part in 64 bits.
/// Decimals are cut as the doubles nearest to them.
pub(super) fn truncated(view: &View<'_>) -> Option<i64> {
    match view {
        View::Double(_) | View::Decimal128(_) => Value::Double(view.as_f64()?.trunc()).as_i64(),
        other => other.as_i64(),
    }
}

fn size(operand: &Value, path: &str) -> Result<Clause, Error> {
    let size = operand.as_i64().and_then(|size| usize::try_from(size).ok());
    size.map(|size| Clause::Is(Test::Size(size)))
        .ok_or_else(|| wrong("$size", path, "a whole number of at least 0", "非负整数"))
}

/// An operator that got something else than it takes.
pub(super) fn wrong(operator: &str, path: &str, english: &str, chinese: &str) -> Error {
    let place = crate::error::place(path);
    Error::malformed(
        format_args!("{operator}{place} needs {english}; correct the query."),
        format_args!("{operator}{place} 需要{chinese},请修改查询。"),
    )
}
