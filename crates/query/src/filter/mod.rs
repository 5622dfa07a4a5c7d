//! Which documents are meant: a filter is parsed once and matched against BSON bytes in place.

mod bits;
pub mod bounds;
mod clause;
mod expr;
mod geo;
mod kind;
mod operand;
mod parse;
mod roots;
mod schema;

use std::sync::Arc;

use value::{DocView, Document, RawDoc, Value, View};

use crate::Error;
use crate::path::{self, Path};
use clause::Comparison;
pub(crate) use clause::{Clause, ElementCondition, Test, all_on_leaf};
pub(crate) use expr::Expr;
use geo::GeoTest;
pub use geo::{Metric, Near};
use parse::Parser;
pub(crate) use parse::{condition, element, is_logic, is_operators};
pub(crate) use roots::roots;

/// A parsed filter. Clones share compiled regular expressions.
#[derive(Debug, Clone)]
pub struct Filter {
    node: Node,
}

/// A filter as a tree.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Nor(Vec<Node>),
    Field(Path, Vec<Clause>),
    /// The whole document fits.
    Schema(Arc<schema::Schema>),
    /// `$expr`; boxed because it is rare and large.
    Expr(Box<Expr>),
}

impl Filter {
    /// Reads a filter such as `{"a": {"$gt": 1}, "$or": […]}`.
    ///
    /// # Errors
    /// [`Error::UnknownOperator`] with the operator and its path, [`Error::Malformed`] for operands
    /// of the wrong kind.
    pub fn parse(filter: &Document) -> Result<Filter, Error> {
        Filter { node: Parser::new().conjunction(filter)? }.closed()
    }

    /// [`Filter::parse`] where documents only pass or do not: a stage of an aggregation, the
    /// elements of an array. A near condition, which also orders, is refused.
    ///
    /// # Errors
    /// As [`Filter::parse`].
    pub fn parse_unordered(filter: &Document) -> Result<Filter, Error> {
        Filter::parse_open(filter)?.closed()
    }

    /// [`Filter::parse_unordered`], but `$expr` may use variables that [`Filter::bind`] defines.
    pub(crate) fn parse_open(filter: &Document) -> Result<Filter, Error> {
        Ok(Filter { node: Parser::without_near().conjunction(filter)? })
    }

    fn closed(self) -> Result<Filter, Error> {
        self.check_closed(&[])?;
        Ok(self)
    }

    /// Where in an index of the places at `path` every passing document is listed; `None` when the
    /// filter does not say. A near condition without a greatest distance does not: see
    /// [`Filter::near`] and [`crate::geo::circle_ranges`].
    pub fn cell_ranges(&self, path: &str) -> Option<crate::geo::CellRanges> {
        let mut found = None;
        self.node.each_required(&mut |known, clause| {
            if let Clause::Is(Test::Geo(test)) = clause
                && found.is_none()
                && known.text() == path
            {
                found = test.cell_ranges();
            }
        });
        found
    }

    /// The near condition, when there is one: documents that pass then come by distance unless a
    /// sort says otherwise.
    pub fn near(&self) -> Option<&Near> {
        let mut found = None;
        self.node.each_required(&mut |_, clause| {
            if let Clause::Is(Test::Geo(GeoTest::Near(near))) = clause {
                found = Some(&**near);
            }
        });
        found
    }

    /// Refuses variables other than these.
    pub(crate) fn check_closed(&self, names: &[String]) -> Result<(), Error> {
        let mut closed = Ok(());
        self.node.each_expr(&mut |expr| {
            if let Some(open) = expr.open_variable()
                && !names.iter().any(|name| name == open)
            {
                closed = Err(crate::expression::parse::undefined(open));
            }
        });
        closed
    }

    /// Gives `$$NOW` its value, in milliseconds since 1970. Without it a filter that asks for the
    /// time is refused when it is applied.
    #[must_use]
    pub fn at(self, now_ms: i64) -> Filter {
        self.bind(&[], &[], now_ms)
    }

    /// Gives the variables in `$expr` their values, and `$$NOW` its.
    pub(crate) fn bind(
        mut self,
        names: &[String],
        values: &[Option<Value>],
        now_ms: i64,
    ) -> Filter {
        self.node.each_expr_mut(&mut |expr| expr.bind(names, values, now_ms));
        self
    }

    /// The tree, for what looks for more than matching.
    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    /// A filter made in code.
    pub(crate) fn of(node: Node) -> Filter {
        Filter { node }
    }

    /// The filter every document passes.
    pub fn all() -> Filter {
        Filter { node: Node::And(Vec::new()) }
    }

    /// Whether a document passes, decoding only the fields looked at. A regular expression that
    /// gives up on a document does not match it, and broken bytes never match; [`Filter::check`]
    /// tells these apart.
    pub fn matches(&self, document: &RawDoc<'_>) -> bool {
        self.check(&DocView::Raw(*document)).unwrap_or(false)
    }

    /// [`Filter::matches`] for a document in memory.
    pub fn matches_document(&self, document: &Document) -> bool {
        self.check(&DocView::Owned(document)).unwrap_or(false)
    }

    /// Whether a document of either origin passes.
    ///
    /// # Errors
    /// A regular expression that takes too many steps, and broken BSON bytes.
    pub fn check(&self, document: &DocView<'_>) -> Result<bool, Error> {
        self.node.check(document)
    }

    /// Which element of an array made the document pass: what the positional `$` of updates and
    /// projections means. `None` when the document does not pass, or not by an element; with
    /// several conditions on arrays the last one tells.
    ///
    /// # Errors
    /// As [`Filter::check`].
    pub fn matched_element(&self, document: &DocView<'_>) -> Result<Option<usize>, Error> {
        Ok(self.node.element(document)?.flatten())
    }

    /// Both filters at once.
    #[must_use]
    pub fn and(self, other: Filter) -> Filter {
        let mut nodes = Vec::new();
        for node in [self.node, other.node] {
            match node {
                Node::And(inner) => nodes.extend(inner),
                other => nodes.push(other),
            }
        }
        Filter { node: Node::And(nodes) }
    }

    /// Whether every document passes.
    pub fn is_all(&self) -> bool {
        matches!(&self.node, Node::And(nodes) if nodes.is_empty())
    }

    /// The ids one of which a passing document must have, when `_id` is pinned by equality or `$in`
    /// at top level or within `$and`; the fewest when it is pinned several times. Documents
    /// found by id must still be matched.
    pub fn id_points(&self) -> Option<Vec<Value>> {
        let mut fewest: Option<&[Value]> = None;
        self.node.each_required(&mut |path, clause| {
            if path.text() == "_id"
                && let Some(points) = clause.points()
                && fewest.is_none_or(|known| points.len() < known.len())
            {
                fewest = Some(points);
            }
        });
        fewest.map(<[Value]>::to_vec)
    }

    /// The one value a path must equal, at top level or within `$and`, by equality or an `$in` of
    /// one. In a stored array, "equals" means one element does, as everywhere in filters; and
    /// equality with null includes a missing field.
    pub fn equality(&self, path: &str) -> Option<&Value> {
        let mut found = None;
        self.node.each_required(&mut |known, clause| {
            if found.is_none()
                && known.text() == path
                && let Some([value]) = clause.points()
            {
                found = Some(value);
            }
        });
        found
    }

    /// The equalities as a document, dotted paths nested: what an upsert inserts before its update
    /// is applied. Where two paths contradict each other the first stays.
    pub fn seed(&self) -> Document {
        let mut seed = Document::new();
        self.node.each_required(&mut |path, clause| {
            if let Some([value]) = clause.points()
                && seed.get_path(path.text()).is_none()
            {
                // A path through a value that is no object has no place in the seed.
                let _ = crate::update::place::write(&mut seed, path, value.clone());
            }
        });
        seed
    }
}

impl Node {
    fn check(&self, document: &DocView<'_>) -> Result<bool, Error> {
        match self {
            Node::And(nodes) => {
                for node in nodes {
                    if !node.check(document)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Node::Or(nodes) => any(nodes, document),
            Node::Nor(nodes) => Ok(!any(nodes, document)?),
            Node::Field(path, clauses) => all_on_path(clauses, document, path),
            Node::Schema(schema) => schema.fits(document),
            Node::Expr(expr) => expr.check(document),
        }
    }

    /// Shows every `$expr`, wherever it is.
    pub(crate) fn each_expr<'f>(&'f self, show: &mut impl FnMut(&'f Expr)) {
        match self {
            Node::And(nodes) | Node::Or(nodes) | Node::Nor(nodes) => {
                nodes.iter().for_each(|node| node.each_expr(show));
            }
            Node::Expr(expr) => show(expr),
            _ => {}
        }
    }

    fn each_expr_mut(&mut self, show: &mut impl FnMut(&mut Expr)) {
        match self {
            Node::And(nodes) | Node::Or(nodes) | Node::Nor(nodes) => {
                nodes.iter_mut().for_each(|node| node.each_expr_mut(show));
            }
            Node::Expr(expr) => show(expr),
            _ => {}
        }
    }

    /// `None` when the document does not pass; otherwise the element that made it pass, if one did.
    fn element(&self, document: &DocView<'_>) -> Result<Option<Option<usize>>, Error> {
        match self {
            Node::And(nodes) => {
                let mut element = None;
                for node in nodes {
                    match node.element(document)? {
                        None => return Ok(None),
                        Some(found) => element = found.or(element),
                    }
                }
                Ok(Some(element))
            }
            Node::Or(nodes) => {
                for node in nodes {
                    if let Some(found) = node.element(document)? {
                        return Ok(Some(found));
                    }
                }
                Ok(None)
            }
            Node::Field(path, clauses) => {
                let mut element = None;
                for clause in clauses {
                    match clause.element(document, path)? {
                        None => return Ok(None),
                        Some(found) => element = found.or(element),
                    }
                }
                Ok(Some(element))
            }
            other => Ok(other.check(document)?.then_some(None)),
        }
    }

    /// Shows every clause that each passing document must satisfy.
    fn each_required<'f>(&'f self, show: &mut impl FnMut(&'f Path, &'f Clause)) {
        match self {
            Node::And(nodes) => nodes.iter().for_each(|node| node.each_required(show)),
            Node::Field(path, clauses) => clauses.iter().for_each(|clause| show(path, clause)),
            // An `$or` of one is that one.
            Node::Or(nodes) if nodes.len() == 1 => nodes[0].each_required(show),
            Node::Or(_) | Node::Nor(_) | Node::Schema(_) | Node::Expr(_) => {}
        }
    }
}

fn any(nodes: &[Node], document: &DocView<'_>) -> Result<bool, Error> {
    for node in nodes {
        if node.check(document)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether all clauses hold at a path. Each looks for its own witness: in an array one element may
/// satisfy `$gt` and another `$lt`.
fn all_on_path(clauses: &[Clause], document: &DocView<'_>, path: &Path) -> Result<bool, Error> {
    for clause in clauses {
        let holds = match clause {
            Clause::Is(test) => {
                path::any(document, path.segments(), test.leaf(), &mut |view| test.check(view))?
            }
            Clause::Not(inner) => !all_on_path(inner, document, path)?,
        };
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Clause {
    /// As [`Node::element`].
    fn element(&self, document: &DocView<'_>, path: &Path) -> Result<Option<Option<usize>>, Error> {
        let Clause::Is(test) = self else {
            let holds = all_on_path(std::slice::from_ref(self), document, path)?;
            return Ok(holds.then_some(None));
        };
        let mut inner = None;
        let outer = path::any_element(document, path.segments(), test.leaf(), &mut |view| {
            if let (Test::Element(condition), Some(View::Array(array))) = (test, view) {
                inner = condition.first_index_in(array)?;
                return Ok(inner.is_some());
            }
            test.check(view)
        })?;
        Ok(outer.map(|outer| outer.or(inner)))
    }

    /// The values one of which is required, when they can be listed.
    fn points(&self) -> Option<&[Value]> {
        match self {
            Clause::Is(Test::Compare(Comparison::Equal, value)) => {
                Some(std::slice::from_ref(value))
            }
            Clause::Is(Test::In { values, patterns }) if patterns.is_empty() => Some(values),
            _ => None,
        }
    }
}
