//! `$project`, `$addFields`, `$set`, `$unset`: which fields go on, and which are computed.
//! `projection` serves queries; this one has expressions and MongoDB's rules for them.

use value::{DocView, Document, Value, View};

use super::document::Doc;
use super::work::{Context, Io, Progress, Work};
use crate::Error;
use crate::expression::{Names, Node, Scope, operator, parse};

/// Most fields a stage may name.
const FIELDS_MAX: usize = 1000;

/// A parsed stage of this family.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    mode: Mode,
    fields: Fields,
    keeps_id: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Only what is named.
    Include,
    /// All but what is named.
    Exclude,
    /// Everything, and what is computed.
    Add,
}

type Fields = Vec<(String, Rule)>;

#[derive(Debug, Clone)]
enum Rule {
    Keep,
    Drop,
    Compute(Node),
    Nested(Fields),
}

impl Shape {
    /// `$project`.
    pub(crate) fn project(operand: &Value, names: &mut Names) -> Result<Shape, Error> {
        let specification = fields_of("$project", operand)?;
        let mut parser = Parser { names, fields: Fields::new(), including: None, named: 0 };
        let mut id = None;
        for (name, value) in specification.iter() {
            match (name, flag(value)) {
                ("_id", Some(kept)) => id = Some(kept),
                _ => parser.member(name, value, false)?,
            }
        }
        let only_id = parser.fields.is_empty() && id == Some(true);
        let include = parser.including.unwrap_or(only_id);
        let mode = if include { Mode::Include } else { Mode::Exclude };
        Ok(Shape { mode, fields: parser.fields, keeps_id: id.unwrap_or(true) })
    }

    /// `$addFields` and `$set`.
    pub(crate) fn add(name: &str, operand: &Value, names: &mut Names) -> Result<Shape, Error> {
        let specification = fields_of(name, operand)?;
        let mut parser = Parser { names, fields: Fields::new(), including: None, named: 0 };
        for (name, value) in specification.iter() {
            parser.member(name, value, true)?;
        }
        Ok(Shape { mode: Mode::Add, fields: parser.fields, keeps_id: true })
    }

    /// `$unset`: a path or several.
    pub(crate) fn unset(operand: &Value) -> Result<Shape, Error> {
        let paths = match operand {
            Value::String(path) => vec![path.as_str()],
            Value::Array(paths) if !paths.is_empty() => {
                paths.iter().map(Value::as_str).collect::<Option<_>>().ok_or_else(wrong_unset)?
            }
            _ => return Err(wrong_unset()),
        };
        let mut names = Names::default();
        let mut parser =
            Parser { names: &mut names, fields: Fields::new(), including: None, named: 0 };
        for path in paths {
            parser.member(path, &Value::Bool(false), false)?;
        }
        Ok(Shape { mode: Mode::Exclude, fields: parser.fields, keeps_id: true })
    }

    /// Sets one field to what another stage has found.
    pub(crate) fn set_path(document: &mut Document, path: &[String], value: Value) {
        set(document, path, Some(value));
    }

    /// Whether a field at the top passes as it is.
    pub(crate) fn leaves(&self, name: &str) -> bool {
        let rule = find(&self.fields, name);
        match self.mode {
            Mode::Include if name == "_id" && rule.is_none() => self.keeps_id,
            Mode::Include => matches!(rule, Some(Rule::Keep)),
            Mode::Exclude => rule.is_none() && (name != "_id" || self.keeps_id),
            Mode::Add => rule.is_none(),
        }
    }

    fn apply(&self, document: Doc, context: &Context<'_>) -> Result<Doc, Error> {
        context.surroundings.refill();
        let mut computed = Vec::new();
        {
            let view = document.view()?;
            let scope = Scope::new(view, context.variables, context.surroundings);
            compute(&self.fields, &scope, &mut computed)?;
        }
        let mut made = match self.mode {
            Mode::Add => document.into_document()?,
            _ => self.cut(&document.view()?)?,
        };
        apply_computed(&self.fields, &mut made, &mut computed.into_iter());
        Doc::made(made)
    }

    /// The document without what does not go on, computed fields aside.
    fn cut(&self, view: &DocView<'_>) -> Result<Document, Error> {
        let mut out = Document::new();
        for field in view.iter() {
            let (name, value) = field?;
            let kept = match find(&self.fields, name) {
                None if name == "_id" => self.keeps_id.then(|| value.to_value()).transpose()?,
                rule => self.keep(rule, &value)?,
            };
            if let Some(kept) = kept {
                out.append(name.to_owned(), kept);
            }
        }
        Ok(out)
    }

    fn keep(&self, rule: Option<&Rule>, value: &View<'_>) -> Result<Option<Value>, Error> {
        let including = self.mode == Mode::Include;
        Ok(match rule {
            None if including => None,
            Some(Rule::Drop | Rule::Compute(_)) => None,
            None | Some(Rule::Keep) => Some(value.to_value()?),
            Some(Rule::Nested(fields)) => self.nested(fields, value)?,
        })
    }

    fn nested(&self, fields: &Fields, value: &View<'_>) -> Result<Option<Value>, Error> {
        match value {
            View::Document(document) => {
                let mut out = Document::new();
                for field in document.iter() {
                    let (name, value) = field?;
                    if let Some(kept) = self.keep(find(fields, name), &value)? {
                        out.append(name.to_owned(), kept);
                    }
                }
                Ok(Some(Value::Document(out)))
            }
            View::Array(array) => {
                let mut kept = Vec::new();
                for element in array.iter() {
                    kept.extend(self.nested(fields, &element?)?);
                }
                Ok(Some(Value::Array(kept)))
            }
            value if self.mode == Mode::Exclude => Ok(Some(value.to_value()?)),
            _ => Ok(None),
        }
    }
}

fn find<'f>(fields: &'f Fields, name: &str) -> Option<&'f Rule> {
    fields.iter().find(|(field, _)| field == name).map(|(_, rule)| rule)
}

fn wrong_unset() -> Error {
    operator::wrong("$unset", "a field path or a list of them", "字段路径或其数组")
}

fn fields_of<'v>(stage: &str, operand: &'v Value) -> Result<&'v Document, Error> {
    match operand {
        Value::Document(document) if !document.is_empty() => Ok(document),
        _ => {
            Err(operator::wrong(stage, "an object with at least one field", "至少含一个字段的对象"))
        }
    }
}

/// Whether a value says to keep or to drop rather than what to compute.
fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(kept) => Some(*kept),
        number if number.is_number() => Some(number.as_f64() != Some(0.0)),
        _ => None,
    }
}

/// All computed values, in the order of their rules, while the document is still whole.
fn compute(fields: &Fields, scope: &Scope<'_>, out: &mut Vec<Option<Value>>) -> Result<(), Error> {
    for (_, rule) in fields {
        match rule {
            Rule::Compute(node) => out.push(node.eval(scope)?.into_value()?),
            Rule::Nested(inner) => compute(inner, scope, out)?,
            Rule::Keep | Rule::Drop => {}
        }
    }
    Ok(())
}

/// Puts computed values into their places; what has no value is removed.
fn apply_computed(
    fields: &Fields,
    document: &mut Document,
    computed: &mut (impl Iterator<Item = Option<Value>> + Clone),
) {
    for (name, rule) in fields {
        match rule {
            Rule::Compute(_) => match computed.next().flatten() {
                Some(value) => {
                    document.insert(name.as_str(), value);
                }
                None => {
                    document.remove(name);
                }
            },
            Rule::Nested(inner) if computes(inner) => {
                let old = document.get_mut(name).map(|old| std::mem::replace(old, Value::Null));
                let value = apply_nested(inner, old, computed);
                document.insert(name.as_str(), value);
            }
            _ => {}
        }
    }
}

fn computes(fields: &Fields) -> bool {
    fields.iter().any(|(_, rule)| match rule {
        Rule::Compute(_) => true,
        Rule::Nested(inner) => computes(inner),
        _ => false,
    })
}

fn apply_nested(
    fields: &Fields,
    value: Option<Value>,
    computed: &mut (impl Iterator<Item = Option<Value>> + Clone),
) -> Value {
    match value {
        Some(Value::Document(mut document)) => {
            apply_computed(fields, &mut document, computed);
            Value::Document(document)
        }
        // Every element gets the same values.
        Some(Value::Array(elements)) => {
            let start = computed.clone();
            skip(fields, computed);
            let each = elements
                .into_iter()
                .map(|element| apply_nested(fields, Some(element), &mut start.clone()));
            Value::Array(each.collect())
        }
        _ => {
            let mut document = Document::new();
            apply_computed(fields, &mut document, computed);
            Value::Document(document)
        }
    }
}

/// Passes over the values of these rules.
fn skip(fields: &Fields, computed: &mut impl Iterator<Item = Option<Value>>) {
    for (_, rule) in fields {
        match rule {
            Rule::Compute(_) => {
                computed.next();
            }
            Rule::Nested(inner) => skip(inner, computed),
            _ => {}
        }
    }
}

fn set(document: &mut Document, path: &[String], value: Option<Value>) {
    let fields = path.iter().rev().fold(None, |inner: Option<Rule>, name| {
        let rule = inner.unwrap_or(Rule::Compute(Node::Nothing));
        Some(Rule::Nested(vec![(name.clone(), rule)]))
    });
    if let Some(Rule::Nested(fields)) = fields {
        apply_computed(&fields, document, &mut std::iter::once(value));
    }
}

struct Parser<'n> {
    names: &'n mut Names,
    fields: Fields,
    including: Option<bool>,
    named: usize,
}

impl Parser<'_> {
    /// One member: a flag, an expression, or an object of further members.
    fn member(&mut self, path: &str, value: &Value, adding: bool) -> Result<(), Error> {
        let rule = match value {
            Value::Document(inner) if !inner.is_empty() && !crate::filter::is_operators(inner) => {
                return inner.iter().try_for_each(|(name, value)| {
                    parse::segments(name)?;
                    self.member(&format!("{path}.{name}"), value, adding)
                });
            }
            value => match flag(value).filter(|_| !adding) {
                Some(kept) => {
                    self.says(path, kept)?;
                    if kept { Rule::Keep } else { Rule::Drop }
                }
                None => {
                    if !adding {
                        self.says(path, true)?;
                    }
                    Rule::Compute(parse::parse(value, self.names)?)
                }
            },
        };
        self.put(path, rule)
    }

    fn says(&mut self, path: &str, including: bool) -> Result<(), Error> {
        match self.including.replace(including) {
            Some(before) if before != including => Err(Error::malformed(
                format_args!(
                    "A projection keeps or computes fields, or leaves fields out, not both; \
                     '{path}' does not fit the others."
                ),
                format_args!("投影不能同时包含与排除字段,'{path}' 与其他字段不一致,请修改。"),
            )),
            _ => Ok(()),
        }
    }

    fn put(&mut self, path: &str, rule: Rule) -> Result<(), Error> {
        self.named += 1;
        if self.named > FIELDS_MAX {
            return Err(Error::malformed(
                format_args!("A stage may name {FIELDS_MAX} fields; name fewer."),
                format_args!("单个阶段最多指定 {FIELDS_MAX} 个字段,请减少。"),
            ));
        }
        let collision = || {
            Error::malformed(
                format_args!("Invalid path '{path}': it collides with another one; remove one."),
                format_args!("路径 '{path}' 与其他路径冲突,请删除其一。"),
            )
        };
        let mut segments = parse::segments(path)?;
        let last = segments.pop().unwrap_or_default();
        let mut fields = &mut self.fields;
        for parent in segments {
            let at = fields.iter().position(|(name, _)| *name == parent).unwrap_or_else(|| {
                fields.push((parent, Rule::Nested(Fields::new())));
                fields.len() - 1
            });
            fields = match &mut fields[at].1 {
                Rule::Nested(inner) => inner,
                _ => return Err(collision()),
            };
        }
        if find(fields, &last).is_some() {
            return Err(collision());
        }
        fields.push((last, rule));
        Ok(())
    }
}

/// The stage at work.
pub(crate) struct Shaping(pub(crate) std::sync::Arc<Shape>);

impl Work for Shaping {
    fn work(&mut self, io: &mut Io<'_>, context: &mut Context<'_>) -> Result<Progress, Error> {
        io.each(|document| self.0.apply(document, context).map(Some))
    }
}
