//! `$jsonSchema`: the keywords of draft 4 that MongoDB has, with `bsonType` beside `type`. A
//! keyword says something of values of its own kind only: `minimum` lets every string pass.

mod parse;

use value::{ArrayView, DocView, Value, View, compare_views, key};

use super::kind::Kinds;
use crate::Error;
use crate::pattern::Pattern;
pub(super) use parse::parse;

/// What one value must be; all rules hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct Schema {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
enum Rule {
    Kinds(Kinds),
    /// One of these values, as keys.
    Enum(Vec<Vec<u8>>),
    Number(NumberRule),
    /// Characters of a string.
    Length(Count),
    Pattern(Pattern),
    /// Elements of an array.
    Size(Count),
    Unique,
    Items(Items),
    /// Fields of an object.
    Fields(Count),
    Required(Vec<String>),
    Properties(Properties),
    /// When the field is there: these fields must be, or the object must fit a schema.
    Dependency(String, Dependency),
    All(Vec<Schema>),
    Any(Vec<Schema>),
    One(Vec<Schema>),
    Not(Box<Schema>),
}

#[derive(Debug, Clone)]
enum NumberRule {
    Least { bound: Value, exclusive: bool },
    Most { bound: Value, exclusive: bool },
    MultipleOf(Value),
}

#[derive(Debug, Clone, Copy)]
enum Count {
    Least(usize),
    Most(usize),
}

impl Count {
    fn holds(self, count: usize) -> bool {
        match self {
            Count::Least(least) => count >= least,
            Count::Most(most) => count <= most,
        }
    }
}

/// Schemas of elements: the first ones one by one, then one for all others.
#[derive(Debug, Clone, Default)]
struct Items {
    first: Vec<Schema>,
    others: Others,
}

/// Schemas of fields.
#[derive(Debug, Clone, Default)]
struct Properties {
    named: Vec<(String, Schema)>,
    matching: Vec<(Pattern, Schema)>,
    others: Others,
}

/// What is said of members without a schema of their own.
#[derive(Debug, Clone, Default)]
enum Others {
    #[default]
    Allowed,
    Refused,
    Schema(Box<Schema>),
}

impl Others {
    fn allow(&self, view: &View<'_>) -> Result<bool, Error> {
        match self {
            Others::Allowed => Ok(true),
            Others::Refused => Ok(false),
            Others::Schema(schema) => schema.check(view),
        }
    }
}

#[derive(Debug, Clone)]
enum Dependency {
    Fields(Vec<String>),
    Schema(Schema),
}

impl Schema {
    /// Whether a document fits.
    pub(super) fn fits(&self, document: &DocView<'_>) -> Result<bool, Error> {
        self.check(&View::Document(*document))
    }

    fn check(&self, view: &View<'_>) -> Result<bool, Error> {
        for rule in &self.rules {
            if !rule.check(view)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Rule {
    fn check(&self, view: &View<'_>) -> Result<bool, Error> {
        Ok(match (self, view) {
            (Rule::Kinds(kinds), view) => kinds.contains(view),
            (Rule::Enum(keys), view) => keys.contains(&unordered_key(view)?),
            (Rule::Number(rule), view) if view.is_number() => rule.holds(view),
            (Rule::Length(count), View::String(text)) => count.holds(text.chars().count()),
            (Rule::Pattern(pattern), View::String(text)) => pattern.is_match(text)?,
            (Rule::Size(count), View::Array(array)) => count.holds(array.iter().count()),
            (Rule::Unique, View::Array(array)) => are_unique(array)?,
            (Rule::Items(items), View::Array(array)) => items.hold(array)?,
            (Rule::Fields(count), View::Document(document)) => count.holds(document.iter().count()),
            (Rule::Required(names), View::Document(document)) => {
                names.iter().all(|name| document.get(name).is_some())
            }
            (Rule::Properties(properties), View::Document(document)) => {
                properties.hold(document)?
            }
            (Rule::Dependency(name, then), View::Document(document)) => {
                document.get(name).is_none() || then.holds(document)?
            }
            (Rule::All(schemas), view) => count(schemas, view)? == schemas.len(),
            (Rule::Any(schemas), view) => count(schemas, view)? > 0,
            (Rule::One(schemas), view) => count(schemas, view)? == 1,
            (Rule::Not(schema), view) => !schema.check(view)?,
            _ => true,
        })
    }
}

fn count(schemas: &[Schema], view: &View<'_>) -> Result<usize, Error> {
    let mut fitting = 0;
    for schema in schemas {
        fitting += usize::from(schema.check(view)?);
    }
    Ok(fitting)
}

impl NumberRule {
    fn holds(&self, view: &View<'_>) -> bool {
        match self {
            NumberRule::Least { bound, exclusive } => {
                let order = compare_views(view, &View::from(bound));
                order.is_gt() || (!exclusive && order.is_eq())
            }
            NumberRule::Most { bound, exclusive } => {
                let order = compare_views(view, &View::from(bound));
                order.is_lt() || (!exclusive && order.is_eq())
            }
            NumberRule::MultipleOf(step) => match (view.as_i64(), step.as_i64()) {
                (Some(number), Some(step)) => number.checked_rem(step).is_none_or(|rest| rest == 0),
                _ => {
                    let (number, step) = (view.as_f64(), step.as_f64());
                    number.zip(step).is_some_and(|(number, step)| number % step == 0.0)
                }
            },
        }
    }
}

impl Items {
    fn hold(&self, array: &ArrayView<'_>) -> Result<bool, Error> {
        for (index, element) in array.iter().enumerate() {
            let element = element?;
            let fits = match self.first.get(index) {
                Some(schema) => schema.check(&element)?,
                None => self.others.allow(&element)?,
            };
            if !fits {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Properties {
    fn hold(&self, document: &DocView<'_>) -> Result<bool, Error> {
        for field in document.iter() {
            let (name, value) = field?;
            let mut is_known = false;
            if let Some((_, schema)) = self.named.iter().find(|(known, _)| known == name) {
                is_known = true;
                if !schema.check(&value)? {
                    return Ok(false);
                }
            }
            for (pattern, schema) in &self.matching {
                if pattern.is_match(name)? {
                    is_known = true;
                    if !schema.check(&value)? {
                        return Ok(false);
                    }
                }
            }
            if !is_known && !self.others.allow(&value)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Dependency {
    fn holds(&self, document: &DocView<'_>) -> Result<bool, Error> {
        match self {
            Dependency::Fields(names) => Ok(names.iter().all(|name| document.get(name).is_some())),
            Dependency::Schema(schema) => schema.fits(document),
        }
    }
}

fn are_unique(array: &ArrayView<'_>) -> Result<bool, Error> {
    let mut seen = std::collections::HashSet::new();
    for element in array.iter() {
        if !seen.insert(unordered_key(&element?)?) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A key under which objects are the same whatever the order of their fields.
fn unordered_key(view: &View<'_>) -> Result<Vec<u8>, Error> {
    Ok(key::encode(&sorted(view.to_value()?)))
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Document(document) => {
            let mut fields: Vec<(String, Value)> =
                document.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Document(fields.into_iter().collect())
        }
        Value::Array(elements) => Value::Array(elements.into_iter().map(sorted).collect()),
        other => other,
    }
}
