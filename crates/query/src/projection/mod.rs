//! Which fields are returned: some of them, all but some, parts of arrays, computed ones.

mod parse;

use value::{DocView, Document, RawDoc, Value, View};

use crate::expression::{Expression, Surroundings};
use crate::filter::ElementCondition;
use crate::{Error, Filter};
use parse::Parser;

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
    /// Fields that are computed, in the order they were written.
    computed: Vec<(String, Expression)>,
}

/// Rules by field name; a handful, so a list.
type Fields = Vec<(String, Rule)>;

#[derive(Debug, Clone)]
enum Rule {
    Keep,
    Drop,
    Slice(Slice),
    ElementMatch(ElementCondition),
    /// Gives way to what is computed.
    Computed,
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

impl Default for Projection {
    /// Keeps everything.
    fn default() -> Projection {
        Projection {
            fields: Fields::new(),
            keeps_others: true,
            keeps_id: true,
            is_positional: false,
            computed: Vec::new(),
        }
    }
}

impl Projection {
    /// The projection that keeps everything.
    pub fn none() -> Projection {
        Projection::default()
    }

    /// True when documents pass as they are.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.keeps_others && self.keeps_id
    }

    /// Reads `{"a": 1, "b.c": 1}` (only these and `_id`), `{"a": 0}` (all but these), `$slice`,
    /// `$elemMatch`, the positional `{"a.$": 1}` and computed fields, which come last. `_id` may
    /// be said apart from the others. An empty projection keeps everything.
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
            computed: parser.computed,
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
        if !self.computed.is_empty() {
            // Parsing has refused what depends on the time or on chance.
            let surroundings = Surroundings::new(0, 0);
            for (name, expression) in &self.computed {
                if let Some(value) = expression.evaluate(&DocView::Raw(*document), &surroundings)? {
                    out.append(name.clone(), value);
                }
            }
            out.check_limits()?;
        }
        Ok(out)
    }

    fn keep(&self, rule: Option<&Rule>, value: &View<'_>) -> Result<Option<Value>, Error> {
        Ok(match rule {
            None if !self.keeps_others => None,
            Some(Rule::Drop | Rule::Computed) => None,
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
