//! An expression as a tree, and how it is evaluated. What single operators compute is elsewhere.

use value::{ArrayView, DocView, Document, Value, View};

use super::form::Form;
use super::operator::Operator;
use super::scope::{Found, Scope};
use crate::Error;

/// A parsed expression.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    Constant(Value),
    /// `$$REMOVE`.
    Nothing,
    /// `$$NOW`.
    Now,
    /// `$a.b`: a path from `$$CURRENT`; empty is `$$CURRENT` itself.
    Field(Vec<String>),
    /// `$$ROOT` and paths from it.
    Root(Vec<String>),
    /// A variable and a path from it.
    Variable(usize, Vec<String>),
    /// A variable that gets its value before the expression runs.
    Free(String, Vec<String>),
    Object(Vec<(String, Node)>),
    List(Vec<Node>),
    /// An operator that looks at all its operands.
    Call(&'static Operator, Vec<Node>),
    /// An operator with rules of its own.
    Form(Box<Form>),
}

/// Operands of a call that need no list on the heap.
const FEW: usize = 4;

impl Node {
    pub(crate) fn eval<'s>(&'s self, scope: &Scope<'s>) -> Result<Found<'s>, Error> {
        match self {
            Node::Constant(value) => Ok(Found::Seen(View::from(value))),
            Node::Nothing => Ok(Found::Missing),
            Node::Now => Ok(Found::Made(Value::Date(scope.surroundings.now_ms()))),
            Node::Field(path) => follow(Some(scope.current), path),
            Node::Root(path) => follow(Some(View::Document(scope.root)), path),
            Node::Variable(level, path) => follow(scope.variable(*level), path),
            Node::Free(name, _) => Err(super::parse::undefined(name)),
            Node::Object(fields) => {
                let mut document = Document::with_capacity(fields.len());
                for (name, node) in fields {
                    if let Some(value) = node.eval(scope)?.into_value()? {
                        document.append(name.clone(), value);
                    }
                }
                Found::Made(Value::Document(document)).limited()
            }
            Node::List(nodes) => {
                let elements = nodes.iter().map(|node| node.eval(scope)?.into_value_or_null());
                Found::Made(Value::Array(elements.collect::<Result<_, _>>()?)).limited()
            }
            Node::Call(operator, nodes) => call(operator, nodes, scope),
            Node::Form(form) => form.eval(scope),
        }
    }

    /// Shows this node and every one within it.
    pub(crate) fn walk<'n>(&'n self, show: &mut dyn FnMut(&'n Node)) {
        show(self);
        match self {
            Node::Object(fields) => fields.iter().for_each(|(_, node)| node.walk(show)),
            Node::List(nodes) | Node::Call(_, nodes) => {
                nodes.iter().for_each(|node| node.walk(show));
            }
            Node::Form(form) => form.children().into_iter().for_each(|node| node.walk(show)),
            _ => {}
        }
    }

    /// [`Node::walk`], to change them.
    pub(crate) fn walk_mut(&mut self, show: &mut dyn FnMut(&mut Node)) {
        show(self);
        match self {
            Node::Object(fields) => fields.iter_mut().for_each(|(_, node)| node.walk_mut(show)),
            Node::List(nodes) | Node::Call(_, nodes) => {
                nodes.iter_mut().for_each(|node| node.walk_mut(show));
            }
            Node::Form(form) => form.children_mut().into_iter().for_each(|n| n.walk_mut(show)),
            _ => {}
        }
    }

    /// The conditions of an `$and`, or this one.
    pub(crate) fn conjuncts(&self) -> Vec<&Node> {
        match self {
            Node::Form(form) => match &**form {
                Form::And(nodes) => nodes.iter().flat_map(Node::conjuncts).collect(),
                _ => vec![self],
            },
            _ => vec![self],
        }
    }

    /// Name and operands of a call with two.
    pub(crate) fn as_pair(&self) -> Option<(&'static str, &Node, &Node)> {
        match self {
            Node::Call(operator, nodes) => match nodes.as_slice() {
                [a, b] => Some((operator.name, a, b)),
                _ => None,
            },
            _ => None,
        }
    }

    pub(crate) fn as_constant(&self) -> Option<&Value> {
        match self {
            Node::Constant(value) => Some(value),
            _ => None,
        }
    }
}

fn call<'s>(
    operator: &'static Operator,
    nodes: &'s [Node],
    scope: &Scope<'s>,
) -> Result<Found<'s>, Error> {
    let made = if nodes.len() <= FEW {
        let mut operands: [Found<'s>; FEW] = Default::default();
        for (place, node) in operands.iter_mut().zip(nodes) {
            *place = node.eval(scope)?;
        }
        (operator.run)(&mut operands[..nodes.len()], scope.surroundings)
    } else {
        let operands = nodes.iter().map(|node| node.eval(scope));
        let mut operands = operands.collect::<Result<Vec<_>, _>>()?;
        (operator.run)(&mut operands, scope.surroundings)
    };
    made?.limited()
}

/// Follows a path as expressions do: arrays on the way give the list of what their documents hold,
/// and a number is a name, never an index.
pub(crate) fn follow<'s>(start: Option<View<'s>>, path: &[String]) -> Result<Found<'s>, Error> {
    let Some(mut view) = start else {
        return Ok(Found::Missing);
    };
    for (at, name) in path.iter().enumerate() {
        view = match view {
            View::Document(document) => match document.get(name) {
                Some(inner) => inner,
                None => return Ok(Found::Missing),
            },
            View::Array(array) => return gather(&array, &path[at..]).map(Found::Made),
            _ => return Ok(Found::Missing),
        };
    }
    Ok(Found::Seen(view))
}

/// What the documents of an array hold at a path; other elements hold nothing.
fn gather(array: &ArrayView<'_>, path: &[String]) -> Result<Value, Error> {
    let mut found = Vec::new();
    for element in array.iter() {
        if let inner @ View::Document(_) = element?
            && let Some(value) = follow(Some(inner), path)?.into_value()?
        {
            found.push(value);
        }
    }
    Ok(Value::Array(found))
}

/// Evaluates over a document that has no variables around it.
pub(crate) fn root_scope<'s>(
    document: &DocView<'s>,
    surroundings: &'s super::Surroundings,
) -> Scope<'s> {
    Scope::new(*document, &[], surroundings)
}
