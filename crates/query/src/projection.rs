//! Which fields are returned: some of them, all but some, parts of arrays.

use value::{DocView, Document, RawDoc, Value, View};

use crate::filter::{ElementCondition, element, is_operators};
use crate::path::Path;
use crate::{Error, Filter};

/// Most fields a projection may name: each costs a look for every field of every document.
const FIELDS_MAX: usize = 1000;

/// A parsed projection.
#[derive(Debug, Clone)]
pub struct Projection {
    fields: Fields,
    /// What happens to fields that are not named.
    keeps_others: bool,
    keeps_id: bool,
    /// Whether there is a rule that needs to know which element the filter matched.
    is_positional: bool,
}

/// Rules by field name; a handful, so a list.
type Fields = Vec<(String, Rule)>;

#[derive(Debug, Clone)]
enum Rule {
    Keep,
    Drop,
    Slice(Slice),
    ElementMatch(ElementCondition),
    /// Of the first array on the way, the element the filter matched.
    Matched,
    Nested(Fields),
}

/// `$slice: n` or `$slice: [skip, limit]`; negative counts from the end.
#[derive(Debug, Clone, Copy)]
struct Slice {
    skip: i64,
    limit: usize,
}

impl Projection {
    /// The projection that keeps everything.
    pub fn none() -> Projection {
        Projection {
            fields: Fields::new(),
            keeps_others: true,
            keeps_id: true,
            is_positional: false,
        }
    }

    /// True when documents pass as they are.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.keeps_others && self.keeps_id
    }

    /// Reads `{"a": 1, "b.c": 1}` (only these and `_id`), `{"a": 0}` (all but these), `$slice`,
    /// `$elemMatch` and the positional `{"a.$": 1}`. `_id` may be said apart from the others. An
    /// empty projection keeps everything.
    ///
    /// # Errors
    /// Inclusion mixed with exclusion, paths within each other, unknown operators, more than 1000
    /// fields, more than one positional path.
    pub fn parse(projection: &Document) -> Result<Projection, Error> {
        let mut parser = Parser::default();
        for (name, value) in projection.iter() {
            parser.member(name, value)?;
        }
        // `{"_id": 1}` alone asks for nothing but the id.
        let only_id = parser.fields.is_empty() && parser.id == Some(true);
        let including = parser.including.unwrap_or(only_id);
        Ok(Projection {
            fields: parser.fields,
            keeps_others: !including,
            keeps_id: parser.id.unwrap_or(true),
            is_positional: parser.positional.is_some(),
        })
    }

    /// The projected document, in the order of the original, fields of `$elemMatch` last. Only
    /// what is kept is decoded.
    ///
    /// # Errors
    /// Broken BSON bytes, an `$elemMatch` whose regular expression takes too many steps, and a
    /// positional path, which needs [`Projection::apply_matching`].
    pub fn apply(&self, document: &RawDoc<'_>) -> Result<Document, Error> {
        self.apply_at(document, None)
    }

    /// [`Projection::apply`] to a document that passes `filter`, which tells what `$` means.
    ///
    /// # Errors
    /// As [`Projection::apply`], and [`Error::Conflict`] when the document did not pass by an
    /// element of the array.
    pub fn apply_matching(
        &self,
        document: &RawDoc<'_>,
        filter: &Filter,
    ) -> Result<Document, Error> {
        let matched = match self.is_positional {
            true => filter.matched_element(&DocView::Raw(*document))?,
            false => None,
        };
        self.apply_at(document, matched)
    }

    fn apply_at(&self, document: &RawDoc<'_>, matched: Option<usize>) -> Result<Document, Error> {
        let mut out = Document::new();
        let mut last = Vec::new();
        for field in document.iter() {
            let (name, value) = field?;
            let value = View::from(value);
            let rule = find(&self.fields, name);
            let kept = match rule {
                None if name == "_id" => self.keeps_id.then(|| value.to_value()).transpose()?,
                Some(rule) if self.is_positional && rule.is_positional() => {
                    positional(rule, &value, matched, name)?
                }
                rule => self.keep(rule, &value)?,
            };
            match (kept, rule) {
                (Some(kept), Some(Rule::ElementMatch(_))) => last.push((name.to_owned(), kept)),
                (Some(kept), _) => out.append(name.to_owned(), kept),
                (None, _) => {}
            }
        }
        last.into_iter().for_each(|(name, kept)| out.append(name, kept));
        Ok(out)
    }

    fn keep(&self, rule: Option<&Rule>, value: &View<'_>) -> Result<Option<Value>, Error> {
        Ok(match rule {
            None if !self.keeps_others => None,
            Some(Rule::Drop) => None,
            None | Some(Rule::Keep | Rule::Matched) => Some(value.to_value()?),
            Some(Rule::Slice(slice)) => Some(slice.apply(value)?),
            Some(Rule::ElementMatch(condition)) => first_element(condition, value)?,
            Some(Rule::Nested(fields)) => self.nested(fields, value)?,
        })
    }

    /// A field with rules for what is in it: documents are entered, also those in arrays; other
    /// values stay when everything not named does.
    fn nested(&self, fields: &Fields, value: &View<'_>) -> Result<Option<Value>, Error> {
        match value {
            View::Document(document) => self.nested_document(fields, document).map(Some),
            View::Array(array) => {
                let mut kept = Vec::new();
                for element in array.iter() {
                    kept.extend(self.nested(fields, &element?)?);
                }
                Ok(Some(Value::Array(kept)))
            }
            _ if self.keeps_others => Ok(Some(value.to_value()?)),
            _ => Ok(None),
        }
    }

    fn nested_document(&self, fields: &Fields, document: &DocView<'_>) -> Result<Value, Error> {
        let mut out = Document::new();
        for field in document.iter() {
            let (name, value) = field?;
            if let Some(kept) = self.keep(find(fields, name), &value)? {
                out.append(name.to_owned(), kept);
            }
        }
        Ok(Value::Document(out))
    }
}

impl Rule {
    fn is_positional(&self) -> bool {
        match self {
            Rule::Matched => true,
            Rule::Nested(fields) => fields.iter().any(|(_, rule)| rule.is_positional()),
            _ => false,
        }
    }
}

/// A field with a positional rule in it: of the first array on the way only the matched element
/// stays. Its path is the only rule below, so nothing else is kept.
fn positional(
    rule: &Rule,
    value: &View<'_>,
    matched: Option<usize>,
    name: &str,
) -> Result<Option<Value>, Error> {
    match (rule, value) {
        (_, View::Array(array)) => {
            let element = matched.and_then(|index| array.get(index)).ok_or_else(|| {
                Error::conflict(
                    format_args!(
                        "The positional operator '.$' couldn't find a matching element in the array \
                         '{name}'; let the query ask for an element of it."
                    ),
                    format_args!("数组 '{name}' 没有与查询匹配的元素,请在查询条件中包含该数组。"),
                )
            })?;
            let element = match (rule, &element) {
                (Rule::Nested(fields), View::Document(document)) => below(fields, document)?,
                _ => element.to_value()?,
            };
            Ok(Some(Value::Array(vec![element])))
        }
        (Rule::Nested(fields), View::Document(document)) => {
            let mut out = Document::new();
            for field in document.iter() {
                let (name, value) = field?;
                let kept = match find(fields, name) {
                    Some(rule) if rule.is_positional() => positional(rule, &value, matched, name)?,
                    Some(_) => Some(value.to_value()?),
                    None => None,
                };
                kept.into_iter().for_each(|kept| out.append(name.to_owned(), kept));
            }
            Ok(Some(Value::Document(out)))
        }
        (Rule::Nested(_), _) => Ok(None),
        (_, other) => Ok(Some(other.to_value()?)),
    }
}

/// What the rules keep of a document behind the positional array.
fn below(fields: &Fields, document: &DocView<'_>) -> Result<Value, Error> {
    let mut out = Document::new();
    for field in document.iter() {
        let (name, value) = field?;
        let kept = match (find(fields, name), &value) {
            (Some(Rule::Nested(inner)), View::Document(document)) => below(inner, document)?,
            (Some(_), value) => value.to_value()?,
            (None, _) => continue,
        };
        out.append(name.to_owned(), kept);
    }
    Ok(Value::Document(out))
}

fn find<'f>(fields: &'f Fields, name: &str) -> Option<&'f Rule> {
    fields.iter().find(|(field, _)| field == name).map(|(_, rule)| rule)
}

impl Slice {
    fn apply(self, value: &View<'_>) -> Result<Value, Error> {
        let View::Array(array) = value else {
            return Ok(value.to_value()?);
        };
        let skip = match usize::try_from(self.skip) {
            Ok(skip) => skip,
            // From the end, or from the start when that is beyond it.
            Err(_) => {
                let back = usize::try_from(self.skip.unsigned_abs()).unwrap_or(usize::MAX);
                array.iter().count().saturating_sub(back)
            }
        };
        let kept = array.iter().skip(skip).take(self.limit);
        kept.map(|element| Ok(element?.to_value()?)).collect::<Result<_, _>>().map(Value::Array)
    }
}

/// The first element that passes, alone in an array.
fn first_element(condition: &ElementCondition, value: &View<'_>) -> Result<Option<Value>, Error> {
    match value {
        View::Array(array) => match condition.first_in(array)? {
            Some(element) => Ok(Some(Value::Array(vec![element.to_value()?]))),
            None => Ok(None),
        },
        _ => Ok(None),
    }
}

#[derive(Default)]
struct Parser {
    fields: Fields,
    /// Whether named fields are the ones kept; unknown until the first that says so.
    including: Option<bool>,
    id: Option<bool>,
    /// How many rules there are, nested ones included.
    named: usize,
    /// The positional path.
    positional: Option<String>,
}

impl Parser {
    fn member(&mut self, name: &str, value: &Value) -> Result<(), Error> {
        if name.starts_with('$') {
            return Err(Error::unknown_operator(name, ""));
        }
        match value {
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
