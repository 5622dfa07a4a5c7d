//! Which fields are returned: some of them, all but some, parts of arrays.

use value::{DocView, Document, RawDoc, Value, View};

use crate::Error;
use crate::filter::{ElementCondition, element, is_operators};
use crate::path::Path;

/// Most fields a projection may name: each costs a look for every field of every document.
const FIELDS_MAX: usize = 1000;

/// A parsed projection.
#[derive(Debug, Clone)]
pub struct Projection {
    fields: Fields,
    /// What happens to fields that are not named.
    keeps_others: bool,
    keeps_id: bool,
}

/// Rules by field name; a handful, so a list.
type Fields = Vec<(String, Rule)>;

#[derive(Debug, Clone)]
enum Rule {
    Keep,
    Drop,
    Slice(Slice),
    ElementMatch(ElementCondition),
    Nested(Fields),
}

/// `$slice: n` or `$slice: [skip, limit]`; negative counts from the end.
#[derive(Debug, Clone, Copy)]
struct Slice {
    skip: i64,
    limit: usize,
}

impl Projection {
    /// True when documents pass as they are.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.keeps_others && self.keeps_id
    }

    /// Reads `{"a": 1, "b.c": 1}` (only these and `_id`), `{"a": 0}` (all but these), `$slice` and
    /// `$elemMatch`. `_id` may be said apart from the others. An empty projection keeps everything.
    ///
    /// # Errors
    /// Inclusion mixed with exclusion, paths within each other, unknown operators, more than 1000
    /// fields.
    pub fn parse(projection: &Document) -> Result<Projection, Error> {
        let mut parser = Parser { fields: Fields::new(), including: None, id: None, named: 0 };
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
        })
    }

    /// The projected document, in the order of the original. Only what is kept is decoded.
    ///
    /// # Errors
    /// Broken BSON bytes, and an `$elemMatch` whose regular expression takes too many steps.
    pub fn apply(&self, document: &RawDoc<'_>) -> Result<Document, Error> {
        let mut out = Document::new();
        for field in document.iter() {
            let (name, value) = field?;
            let kept = match find(&self.fields, name) {
                None if name == "_id" => self.keeps_id.then(|| value.to_value()).transpose()?,
                rule => self.keep(rule, &View::from(value))?,
            };
            if let Some(kept) = kept {
                out.append(name.to_owned(), kept);
            }
        }
        Ok(out)
    }

    fn keep(&self, rule: Option<&Rule>, value: &View<'_>) -> Result<Option<Value>, Error> {
        Ok(match rule {
            None if !self.keeps_others => None,
            Some(Rule::Drop) => None,
            None | Some(Rule::Keep) => Some(value.to_value()?),
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

struct Parser {
    fields: Fields,
    /// Whether named fields are the ones kept; unknown until the first that says so.
    including: Option<bool>,
    id: Option<bool>,
    /// How many rules there are, nested ones included.
    named: usize,
}

impl Parser {
    fn member(&mut self, name: &str, value: &Value) -> Result<(), Error> {
        if name.starts_with('$') {
            return Err(Error::unknown_operator(name, ""));
        }
        match value {
            Value::Document(document) if is_operators(document) => {
                let rule = operator(name, document)?;
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
        self.says(name, kept)?;
        self.add(name, if kept { Rule::Keep } else { Rule::Drop })
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

fn operator(path: &str, document: &Document) -> Result<Rule, Error> {
    match document.first() {
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
