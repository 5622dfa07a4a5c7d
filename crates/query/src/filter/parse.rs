//! From a document to a filter. Whatever is not understood is refused by name, and what would take
//! too much work by its limit.

use std::sync::Arc;

use value::{DEPTH_MAX, Document, Value};

use super::clause::{Clause, ElementCondition, Test};
use super::geo::{self, GeoTest};
use super::operand::{equal, list, refused, regex, simple, wrong};
use super::{Expr, Node, schema};
use crate::path::Path;
use crate::pattern::Pattern;
use crate::{Error, repair};

/// Most conditions of one filter.
const CLAUSES_MAX: usize = 20_000;

/// Reads one filter and counts what it holds.
pub(crate) struct Parser {
    depth: usize,
    clauses: usize,
    near: NearPlace,
}

/// Whether a near condition may stand where the parser is.
#[derive(Clone, Copy, PartialEq)]
enum NearPlace {
    Open,
    /// There is one already.
    Taken,
    /// Below an operator that knows no order.
    Closed,
}

impl Parser {
    /// For a whole filter.
    pub(super) fn new() -> Parser {
        Parser { depth: 0, clauses: 0, near: NearPlace::Open }
    }

    /// For conditions that select but do not order: of array elements, and of `$match`.
    pub(crate) fn without_near() -> Parser {
        Parser { near: NearPlace::Closed, ..Parser::new() }
    }

    /// Goes one level down, at most as deep as documents are.
    fn deeper<T>(
        &mut self,
        path: &str,
        read: impl FnOnce(&mut Parser) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.depth >= DEPTH_MAX {
            let place = crate::error::place(path);
            return Err(Error::malformed(
                format_args!(
                    "The query is nested deeper than {DEPTH_MAX} levels{place}; flatten it."
                ),
                format_args!("查询嵌套超过 {DEPTH_MAX} 层{place},请简化。"),
            ));
        }
        self.depth += 1;
        let found = read(self);
        self.depth -= 1;
        found
    }

    /// [`Parser::deeper`], where no near condition may stand.
    fn closed<T>(
        &mut self,
        path: &str,
        read: impl FnOnce(&mut Parser) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let near = std::mem::replace(&mut self.near, NearPlace::Closed);
        let found = self.deeper(path, read);
        self.near = near;
        found
    }

    fn count(&mut self, path: &str) -> Result<(), Error> {
        self.clauses += 1;
        if self.clauses <= CLAUSES_MAX {
            return Ok(());
        }
        let place = crate::error::place(path);
        Err(Error::malformed(
            format_args!("A query may hold {CLAUSES_MAX} conditions{place}; split it."),
            format_args!("一次查询最多 {CLAUSES_MAX} 个条件{place},请拆分。"),
        ))
    }

    /// A whole filter: all its members hold.
    pub(crate) fn conjunction(&mut self, filter: &Document) -> Result<Node, Error> {
        let mut nodes = Vec::with_capacity(filter.len());
        for (name, value) in filter.iter() {
            self.count(name)?;
            match name {
                "$and" => nodes.push(Node::And(self.branches(name, value)?)),
                "$or" => nodes.push(Node::Or(self.branches(name, value)?)),
                "$nor" => nodes.push(Node::Nor(self.branches(name, value)?)),
                "$comment" => {}
                "$jsonSchema" => nodes.push(Node::Schema(Arc::new(schema::parse(value)?))),
                "$expr" => nodes.push(Node::Expr(Box::new(Expr::parse(value)?))),
                "$alwaysTrue" | "$alwaysFalse" => nodes.push(always(name, value)?),
                _ if name.starts_with('$') => return Err(refused(name, "")),
                _ => {
                    let path = Path::parse(name)?;
                    nodes.push(Node::Field(path, self.condition(value, name)?));
                }
            }
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::And(nodes) })
    }

    fn branches(&mut self, operator: &str, value: &Value) -> Result<Vec<Node>, Error> {
        let expected = || wrong(operator, "", "a list of filters", "非空的条件数组");
        let branches = match value {
            Value::Array(branches) if !branches.is_empty() => branches,
            _ => return Err(expected()),
        };
        let read = |parser: &mut Parser| {
            let parse = |branch: &Value| match branch {
                Value::Document(filter) => parser.conjunction(filter),
                _ => Err(expected()),
            };
            branches.iter().map(parse).collect()
        };
        if operator == "$and" { self.deeper(operator, read) } else { self.closed(operator, read) }
    }

    /// What is asked of a field: operators, a regular expression, or a value it must equal.
    pub(crate) fn condition(&mut self, value: &Value, path: &str) -> Result<Vec<Clause>, Error> {
        match value {
            Value::Document(document) if is_operators(document) => self.operators(document, path),
            Value::Regex { pattern, options } => {
                Ok(vec![Clause::Is(Test::Pattern(Pattern::compile(pattern, options)?))])
            }
            value => Ok(vec![equal(value)]),
        }
    }

    fn operators(&mut self, document: &Document, path: &str) -> Result<Vec<Clause>, Error> {
        let has_near = || document.contains_key("$near") || document.contains_key("$nearSphere");
        let mut clauses = Vec::with_capacity(document.len());
        for (name, operand) in document.iter() {
            self.count(path)?;
            match name {
                "$all" => clauses.extend(self.all(operand, path)?),
                "$regex" => clauses.push(Clause::Is(regex(document, operand, path)?)),
                "$options" if document.contains_key("$regex") => {}
                "$options" => return Err(wrong(name, path, "$regex beside it", "同时给出 $regex")),
                "$maxDistance" | "$minDistance" if has_near() => {}
                "$not" => clauses.push(self.not(operand, path)?),
                "$elemMatch" => {
                    clauses.push(Clause::Is(Test::Element(self.element(operand, path)?)));
                }
                "$near" | "$nearSphere" => {
                    self.take_near(name, path)?;
                    clauses.push(Clause::Is(geo::near(name, operand, document, path)?.into()));
                }
                "$geoWithin" | "$within" => {
                    clauses.push(Clause::Is(geo::within(name, operand, path)?.into()));
                }
                "$geoIntersects" => {
                    clauses.push(Clause::Is(geo::intersects(name, operand, path)?.into()));
                }
                _ => clauses.push(simple(name, operand, path)?),
            }
        }
        Ok(clauses)
    }

    /// One near condition orders the answer; it cannot be one branch among others.
    fn take_near(&mut self, name: &str, path: &str) -> Result<(), Error> {
        let place = crate::error::place(path);
        match std::mem::replace(&mut self.near, NearPlace::Taken) {
            NearPlace::Open => Ok(()),
            NearPlace::Taken => Err(Error::malformed(
                format_args!("{name}{place}: a query may have one near condition; remove one."),
                format_args!("{name}{place}:一次查询只能有一个 near 条件,请删除其一。"),
            )),
            NearPlace::Closed => Err(Error::malformed(
                format_args!(
                    "{name}{place} is not allowed in this context; put it at top level or into \
                     $and, or use $geoWithin with $centerSphere."
                ),
                format_args!(
                    "{name}{place} 不能用在这里,请放到最外层或 $and 中,或改用 $geoWithin 与 \
                     $centerSphere。"
                ),
            )),
        }
    }

    fn not(&mut self, operand: &Value, path: &str) -> Result<Clause, Error> {
        match operand {
            Value::Document(document) if is_operators(document) => {
                self.closed(path, |parser| Ok(Clause::Not(parser.operators(document, path)?)))
            }
            Value::Regex { .. } => Ok(Clause::Not(self.condition(operand, path)?)),
            _ => {
                Err(wrong("$not", path, "operators or a regular expression", "操作符或正则表达式"))
            }
        }
    }

    /// Each member of `$all` is asked on its own; an empty list matches nothing.
    fn all(&mut self, operand: &Value, path: &str) -> Result<Vec<Clause>, Error> {
        let list = list("$all", operand, path)?;
        if list.is_empty() {
            return Ok(vec![Clause::Is(Test::Never)]);
        }
        let inner = |member: &Value| match member {
            Value::Document(document) if is_operators(document) => Some(document.clone()),
            _ => None,
        };
        let elements = list.iter().filter(|member| inner(member).is_some()).count();
        let mut clauses = Vec::with_capacity(list.len());
        for member in list {
            self.count(path)?;
            match inner(member) {
                Some(document) if document.len() == 1 && elements == list.len() => {
                    let Some(condition) = document.get("$elemMatch") else {
                        return Err(only_values(path));
                    };
                    clauses.push(Clause::Is(Test::Element(self.element(condition, path)?)));
                }
                Some(_) => return Err(only_values(path)),
                None => clauses.extend(self.condition(member, path)?),
            }
        }
        Ok(clauses)
    }

    /// `$elemMatch` of operators asks the elements themselves, of fields asks documents among them.
    pub(crate) fn element(
        &mut self,
        operand: &Value,
        path: &str,
    ) -> Result<ElementCondition, Error> {
        let inner = match operand {
            Value::Document(inner) => repair::elem_match(inner)?,
            // `{"$regex": …}` is a regular expression by the time it is read from extended JSON.
            Value::Regex { .. } => {
                return Ok(ElementCondition::Value(self.condition(operand, path)?));
            }
            _ => return Err(wrong("$elemMatch", path, "a condition", "条件对象")),
        };
        self.closed(path, |parser| match inner.first() {
            Some((name, _)) if name.starts_with('$') && !is_logic(name) => {
                Ok(ElementCondition::Value(parser.operators(&inner, path)?))
            }
            _ => Ok(ElementCondition::Document(Box::new(parser.conjunction(&inner)?))),
        })
    }
}

impl From<GeoTest> for Test {
    fn from(test: GeoTest) -> Test {
        Test::Geo(test)
    }
}

/// [`Parser::condition`] of something that is no filter.
pub(crate) fn condition(value: &Value, path: &str) -> Result<Vec<Clause>, Error> {
    Parser::without_near().condition(value, path)
}

/// [`Parser::element`] of something that is no filter.
pub(crate) fn element(operand: &Value, path: &str) -> Result<ElementCondition, Error> {
    Parser::without_near().element(operand, path)
}

/// Whether a document is a list of operators rather than a value.
pub(crate) fn is_operators(document: &Document) -> bool {
    document.first().is_some_and(|(name, _)| name.starts_with('$'))
}

/// Whether an operator combines filters rather than asking something of a value.
pub(crate) fn is_logic(operator: &str) -> bool {
    matches!(operator, "$and" | "$or" | "$nor")
}

/// What programs write where they want a filter without conditions, or one nothing passes.
fn always(name: &str, value: &Value) -> Result<Node, Error> {
    if value.as_f64() != Some(1.0) {
        return Err(wrong(name, "", "the number 1", "数字 1"));
    }
    let nothing = Node::And(Vec::new());
    Ok(if name == "$alwaysTrue" { nothing } else { Node::Nor(vec![nothing]) })
}

fn only_values(path: &str) -> Error {
    wrong("$all", path, "values or $elemMatch, all of one sort", "普通值或 $elemMatch,且不能混用")
}
