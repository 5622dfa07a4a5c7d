//! From a document to a projection.

use value::{Document, Value};

use super::{FIELDS_MAX, Fields, Rule, Slice, find};
use crate::Error;
use crate::expression::Expression;
use crate::filter::{element, is_operators};
use crate::path::Path;

#[derive(Default)]
pub(super) struct Parser {
    pub(super) fields: Fields,
    /// Whether named fields are the ones kept; unknown until the first that says so.
    pub(super) including: Option<bool>,
    pub(super) id: Option<bool>,
    /// How many rules there are, nested ones included.
    named: usize,
    /// Computed fields, in the order they were written.
    pub(super) computed: Vec<(String, Expression)>,
    /// The positional path.
    pub(super) positional: Option<String>,
}

impl Parser {
    pub(super) fn member(&mut self, name: &str, value: &Value) -> Result<(), Error> {
        if name.starts_with('$') {
            return Err(Error::unknown_operator(name, ""));
        }
        match value {
            Value::String(path) if path.starts_with('$') => self.compute(name, value),
            Value::Document(document) if is_expression(document) => self.compute(name, value),
            Value::Document(document) if is_operators(document) => {
                let rule = operator(name, document)?;
                check_path(name)?;
                if matches!(rule, Rule::ElementMatch(_)) {
                    self.says(name, true)?;
                }
                self.add(name, rule)
            }
            // `{"a": {"b": 1}}` says the same as `{"a.b": 1}`.
            Value::Document(document) if !document.is_empty() => document
                .iter()
                .try_for_each(|(inner, value)| self.member(&format!("{name}.{inner}"), value)),
            Value::Bool(kept) => self.flag(name, *kept),
            other if other.is_number() => self.flag(name, other.as_f64() != Some(0.0)),
            _ => Err(Error::malformed(
                format_args!("The projection of '{name}' must be 1, 0 or an operator; correct it."),
                format_args!("'{name}' 的投影值应为 1、0 或操作符,请修改。"),
            )),
        }
    }

    fn flag(&mut self, name: &str, kept: bool) -> Result<(), Error> {
        if name == "_id" {
            self.id = Some(kept);
            return Ok(());
        }
        if let Some(array) = name.strip_suffix(".$") {
            return self.matched(name, array, kept);
        }
        check_path(name)?;
        self.says(name, kept)?;
        self.add(name, if kept { Rule::Keep } else { Rule::Drop })
    }

    /// `{"total": {"$add": ["$a", "$b"]}}`
    fn compute(&mut self, name: &str, value: &Value) -> Result<(), Error> {
        check_path(name)?;
        if name.contains('.') || name == "_id" {
            return Err(Error::malformed(
                format_args!("'{name}' cannot be computed by a projection; use an aggregation."),
                format_args!("投影不能计算 '{name}',请改用聚合。"),
            ));
        }
        if needs_clock(value) {
            return Err(Error::malformed(
                format_args!(
                    "The projection of '{name}' asks for the time or for chance; use an \
                     aggregation."
                ),
                format_args!("'{name}' 的投影使用了当前时间或随机数,请改用聚合。"),
            ));
        }
        self.says(name, true)?;
        self.add(name, Rule::Computed)?;
        self.computed.push((name.to_owned(), Expression::parse(value)?));
        Ok(())
    }

    /// `{"a.$": 1}`
    fn matched(&mut self, name: &str, array: &str, kept: bool) -> Result<(), Error> {
        check_path(array)?;
        if !kept {
            return Err(Error::malformed(
                format_args!("The positional projection '{name}' can only include; use 1."),
                format_args!("位置投影 '{name}' 只能用于包含字段,请改为 1。"),
            ));
        }
        if let Some(other) = self.positional.replace(name.to_owned()) {
            return Err(Error::malformed(
                format_args!(
                    "Cannot specify more than one positional projection per query: '{other}' and \
                     '{name}'; remove one."
                ),
                format_args!("一次查询只能有一个位置投影,'{other}' 与 '{name}' 请保留其一。"),
            ));
        }
        self.says(name, true)?;
        self.add(array, Rule::Matched)
    }

    fn says(&mut self, name: &str, including: bool) -> Result<(), Error> {
        match self.including.replace(including) {
            Some(before) if before != including => Err(Error::malformed(
                format_args!(
                    "A projection names fields to keep or fields to leave out, not both; '{name}' \
                     does not fit the others."
                ),
                format_args!("投影不能同时包含与排除字段,'{name}' 与其他字段不一致,请修改。"),
            )),
            _ => Ok(()),
        }
    }

    fn add(&mut self, name: &str, rule: Rule) -> Result<(), Error> {
        self.named += 1;
        if self.named > FIELDS_MAX {
            return Err(Error::malformed(
                format_args!("A projection may name {FIELDS_MAX} fields; name fewer."),
                format_args!("投影字段不能超过 {FIELDS_MAX} 个,请减少。"),
            ));
        }
        let path = Path::parse(name)?;
        let (last, parents) = path.segments().split_last().expect("a path is never empty");
        let collision = || {
            Error::malformed(
                format_args!("The projection of '{name}' collides with another one; remove one."),
                format_args!("'{name}' 的投影与其他字段冲突,请删除其一。"),
            )
        };
        let mut fields = &mut self.fields;
        for parent in parents {
            let position = fields.iter().position(|(field, _)| *field == parent.name);
            let position = position.unwrap_or_else(|| {
                fields.push((parent.name.clone(), Rule::Nested(Fields::new())));
                fields.len() - 1
            });
            fields = match &mut fields[position].1 {
                Rule::Nested(inner) => inner,
                _ => return Err(collision()),
            };
        }
        if find(fields, &last.name).is_some() {
            return Err(collision());
        }
        fields.push((last.name.clone(), rule));
        Ok(())
    }
}

/// Names of fields are neither empty nor operators.
fn check_path(path: &str) -> Result<(), Error> {
    let broken = path.split('.').find(|name| name.is_empty() || name.starts_with('$'));
    match broken {
        None => Ok(()),
        Some("") => Err(Error::malformed(
            format_args!("The path '{path}' has an empty field name; correct the projection."),
            format_args!("投影路径 '{path}' 中有空字段名,请修改。"),
        )),
        Some("$") => Err(Error::malformed(
            format_args!("The positional operator of '{path}' must come last; correct it."),
            format_args!("'{path}' 中的位置操作符必须在末尾,请修改。"),
        )),
        Some(operator) => Err(Error::unknown_operator(operator, path)),
    }
}

fn operator(path: &str, document: &Document) -> Result<Rule, Error> {
    match document.first() {
        Some(("$meta", _)) => Err(Error::malformed(
            format_args!(
                "$meta at '{path}' needs a full-text index, which this platform does not have; \
                 leave it out."
            ),
            format_args!("'{path}' 处的 $meta 需要全文索引,本平台不支持,请去掉。"),
        )),
        Some(("$elemMatch", _)) if path.contains('.') => Err(Error::malformed(
            format_args!(
                "Cannot use $elemMatch projection on a nested field: '{path}'; use an aggregation."
            ),
            format_args!("$elemMatch 投影不能用于嵌套字段 '{path}',请改用聚合。"),
        )),
        Some(("$slice", operand)) if document.len() == 1 => {
            slice(operand).map(Rule::Slice).ok_or_else(|| {
                Error::malformed(
                    format_args!("$slice of '{path}' needs a count or [skip, limit]; correct it."),
                    format_args!("'{path}' 的 $slice 应为数量或 [跳过数, 数量],请修改。"),
                )
            })
        }
        Some(("$elemMatch", operand)) if document.len() == 1 => {
            element(operand, path).map(Rule::ElementMatch)
        }
        Some((name, _)) => Err(Error::unknown_operator(name, path)),
        None => Err(Error::unknown_operator("", path)),
    }
}

fn slice(operand: &Value) -> Option<Slice> {
    if let Value::Array(parts) = operand {
        let [skip, limit] = parts.as_slice() else {
            return None;
        };
        let limit = usize::try_from(limit.as_i64()?).ok().filter(|limit| *limit > 0)?;
        return Some(Slice { skip: skip.as_i64()?, limit });
    }
    let count = operand.as_i64()?;
    Some(match usize::try_from(count) {
        Ok(limit) => Slice { skip: 0, limit },
        Err(_) => Slice { skip: count, limit: usize::MAX },
    })
}

/// Whether operators compute a value rather than choose from what is stored.
fn is_expression(document: &Document) -> bool {
    match document.first() {
        // With a number first it is the skip of the projection's own `$slice`.
        Some(("$slice", Value::Array(parts))) => parts.first().is_some_and(|first| match first {
            Value::String(path) => path.starts_with('$'),
            other => matches!(other, Value::Document(_)),
        }),
        Some(("$slice" | "$elemMatch" | "$meta", _)) => false,
        Some((name, _)) => name.starts_with('$'),
        None => false,
    }
}

/// Whether an expression depends on more than the document.
fn needs_clock(value: &Value) -> bool {
    match value {
        Value::String(text) => text.starts_with("$$NOW") || text.starts_with("$$CLUSTER_TIME"),
        Value::Array(parts) => parts.iter().any(needs_clock),
        Value::Document(document) => {
            document.iter().any(|(name, inner)| name == "$rand" || needs_clock(inner))
        }
        _ => false,
    }
}
