//! `$lookup` as it is written: by equal fields, by a pipeline with variables, or both. What it does
//! is in `joining`.

use value::{DocView, Document, RawDoc, Value, View, key};

use super::stage::{Placed, Stage};
use crate::expression::operator::wrong;
use crate::expression::parse::{parse as parse_node, raw_members, segments};
use crate::expression::{Names, Node, check_variable};
use crate::filter::{Clause, Node as FilterNode, Test};
use crate::path::{self, Leaf, Path};
use crate::{Error, Filter};

pub(crate) use super::joining::LookingUp;

/// A parsed `$lookup`.
#[derive(Debug, Clone)]
pub(crate) struct Lookup {
    pub(super) from: String,
    pub(super) into: Vec<String>,
    pub(super) join: Join,
    pub(super) lets: Vec<Node>,
    /// Conditions of the inner pipeline that use no `let` variable.
    pub(super) filter: Filter,
    /// The inner pipeline without the stages that `filter` does.
    pub(super) stages: Vec<Placed>,
    pub(super) outer_names: Vec<String>,
    pub(super) inner_names: Vec<String>,
}

/// How foreign documents are found for several documents at once.
#[derive(Debug, Clone)]
pub(crate) enum Join {
    /// `localField` and `foreignField`.
    Fields { local: Path, foreign: Path },
    /// `{$expr: {$eq: ["$foreign", "$$variable"]}}` in the inner pipeline, which judges again.
    Variable { foreign: Path, level: usize, path: Vec<String>, each: bool },
    /// All of them.
    All,
}

impl Lookup {
    pub(crate) fn parse(operand: &Value, names: &mut Names) -> Result<Lookup, Error> {
        let known = ["from", "as", "localField", "foreignField", "let", "pipeline"];
        let parts = raw_members("$lookup", operand, &known, 2)?;
        let text = |at: usize| match parts[at] {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.as_str())),
            Some(_) => {
                let english = format!("text as {}", known[at]);
                Err(wrong("$lookup", &english, &format!("文本作为 {}", known[at])))
            }
        };
        let from = text(0)?.unwrap_or_default().to_owned();
        let into = segments(text(1)?.unwrap_or_default())?;
        let by_fields = match (text(2)?, text(3)?) {
            (Some(local), Some(foreign)) => {
                segments(local)?;
                segments(foreign)?;
                Some(Join::Fields { local: Path::parse(local)?, foreign: Path::parse(foreign)? })
            }
            (None, None) if parts[5].is_some() => None,
            _ => {
                return Err(wrong(
                    "$lookup",
                    "localField and foreignField, or a pipeline",
                    "localField 与 foreignField,或 pipeline",
                ));
            }
        };
        let (lets, let_names) = read_lets(parts[4], names)?;
        let outer_names = names.all().to_vec();
        let inner_names = [outer_names.clone(), let_names].concat();
        let mut inner = Names::new(inner_names.clone(), names.nested);
        let stages = match parts[5] {
            Some(stages) => super::sub_pipeline(stages, &mut inner)?,
            None => Vec::new(),
        };
        let lookup = Lookup {
            from,
            into,
            join: Join::All,
            lets,
            filter: Filter::all(),
            stages,
            outer_names,
            inner_names,
        };
        Ok(lookup.planned(by_fields))
    }

    /// Takes out of the inner pipeline what one read can do for many documents.
    fn planned(mut self, by_fields: Option<Join>) -> Lookup {
        let fresh = &self.inner_names[self.outer_names.len()..];
        let (mut filter, mut done, mut join) = (Filter::all(), 0, by_fields);
        let mut still_whole = true;
        for placed in &self.stages {
            let Stage::Match(stage) = &placed.stage else { break };
            let mut uses_any = false;
            for conjunct in conjuncts(stage.node()) {
                if uses(conjunct, fresh) {
                    uses_any = true;
                    join = join.or_else(|| self.join_of(conjunct));
                } else {
                    filter = filter.and(Filter::of(conjunct.clone()));
                }
            }
            still_whole &= !uses_any;
            done += usize::from(still_whole);
        }
        self.stages.drain(..done);
        self.filter = filter;
        self.join = join.unwrap_or(Join::All);
        self
    }

    /// The join in a condition, when there is one.
    fn join_of(&self, condition: &FilterNode) -> Option<Join> {
        let FilterNode::Expr(expr) = condition else { return None };
        let level = |name: &String| self.inner_names.iter().rposition(|known| known == name);
        expr.node().conjuncts().into_iter().find_map(|node| {
            let (name, a, b) = node.as_pair()?;
            let (field, free, each) = match (name, a, b) {
                ("$eq", Node::Field(field), Node::Free(free, path))
                | ("$eq", Node::Free(free, path), Node::Field(field)) => {
                    (field, (free, path), false)
                }
                ("$in", Node::Field(field), Node::Free(free, path)) => (field, (free, path), true),
                _ => return None,
            };
            // A longer path may gather lists, which a filter does not compare in the same way.
            let [name] = field.as_slice() else { return None };
            let foreign = Path::parse(name).ok()?;
            Some(Join::Variable { foreign, level: level(free.0)?, path: free.1.clone(), each })
        })
    }

    /// Whether a field at the top of a document passes as it is.
    pub(crate) fn leaves(&self, name: &str) -> bool {
        self.into[0] != name
    }

    pub(crate) fn collections(&self, out: &mut Vec<String>) {
        out.push(self.from.clone());
        self.stages.iter().for_each(|placed| placed.stage.collections(out));
    }
}

fn conjuncts(node: &FilterNode) -> Vec<&FilterNode> {
    match node {
        FilterNode::And(nodes) => nodes.iter().flat_map(conjuncts).collect(),
        other => vec![other],
    }
}

/// Whether a condition uses one of these variables.
fn uses(condition: &FilterNode, names: &[String]) -> bool {
    let mut uses = false;
    condition.each_expr(&mut |expr| {
        expr.node().walk(&mut |node| {
            uses |= matches!(node, Node::Free(name, _) if names.contains(name));
        });
    });
    uses
}

fn read_lets(
    written: Option<&Value>,
    names: &mut Names,
) -> Result<(Vec<Node>, Vec<String>), Error> {
    let written = match written {
        None => return Ok((Vec::new(), Vec::new())),
        Some(Value::Document(written)) => written,
        Some(_) => return Err(wrong("$lookup", "an object as let", "对象作为 let")),
    };
    let (mut lets, mut let_names) = (Vec::new(), Vec::new());
    for (name, value) in written.iter() {
        check_variable("$lookup", name)?;
        lets.push(parse_node(value, names)?);
        let_names.push(name.to_owned());
    }
    Ok((lets, let_names))
}

/// The keys of everything a local field leads to: an array stands for its elements, nothing for
/// null; an empty array for nothing at all.
pub(super) fn local_keys(
    view: &DocView<'_>,
    local: &Path,
    show: &mut impl FnMut(Vec<u8>, Value),
) -> Result<(), Error> {
    path::any(view, local.segments(), Leaf::Whole, &mut |found| {
        match found {
            None => show_view(&View::Null, show)?,
            Some(View::Array(elements)) => {
                for element in elements.iter() {
                    show_view(&element?, show)?;
                }
            }
            Some(view) => show_view(view, show)?,
        }
        Ok(false)
    })?;
    Ok(())
}

/// One value as a key.
pub(super) fn show_view(
    view: &View<'_>,
    show: &mut impl FnMut(Vec<u8>, Value),
) -> Result<(), Error> {
    let mut bytes = Vec::with_capacity(16);
    key::push_view(view, &mut bytes);
    show(bytes, view.to_value()?);
    Ok(())
}

/// The keys by which a filter would find a foreign document.
pub(super) fn foreign_keys(
    bytes: &[u8],
    foreign: &Path,
    show: &mut impl FnMut(&[u8]),
) -> Result<(), Error> {
    let document = DocView::Raw(RawDoc::new(bytes)?);
    let mut buffer = Vec::with_capacity(16);
    path::any(&document, foreign.segments(), Leaf::Expand, &mut |found| {
        buffer.clear();
        key::push_view(found.unwrap_or(&View::Null), &mut buffer);
        show(&buffer);
        Ok(false)
    })?;
    Ok(())
}

/// The filter for documents that have one of these values at a path.
pub(super) fn one_of(path: &Path, mut values: Vec<Value>) -> Filter {
    values.sort_by(value::compare);
    let test = Test::In { values, patterns: Vec::new() };
    Filter::of(FilterNode::Field(path.clone(), vec![Clause::Is(test)]))
}

/// A document's size as a value, for what is held.
pub(super) fn document_value(bytes: &[u8]) -> Result<Value, Error> {
    Ok(Value::Document(Document::from_bytes(bytes)?))
}
