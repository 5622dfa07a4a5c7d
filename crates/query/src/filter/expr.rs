//! `$expr`: a filter that computes. Variables of an enclosing `$lookup` are put in before it runs.

use value::{DocView, Value};

use crate::Error;
use crate::expression::node::{Node, follow};
use crate::expression::scope::{Names, Scope, Surroundings};

/// A condition computed from the whole document.
#[derive(Debug, Clone)]
pub(crate) struct Expr {
    node: Node,
    /// What `$$NOW` says; unknown until it is said.
    now_ms: Option<i64>,
}

impl Expr {
    /// Reads the expression; variables that nothing within it defines stay open.
    pub(crate) fn parse(expression: &Value) -> Result<Expr, Error> {
        let node = crate::expression::parse::parse(expression, &mut Names::open())?;
        Ok(Expr { node, now_ms: None })
    }

    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    /// The first variable that is still open.
    pub(crate) fn open_variable(&self) -> Option<&str> {
        let mut open = None;
        self.node.walk(&mut |node| {
            if let Node::Free(name, _) = node
                && open.is_none()
            {
                open = Some(name.as_str());
            }
        });
        open
    }

    /// Puts the values of variables in their places, and the time.
    pub(crate) fn bind(&mut self, names: &[String], values: &[Option<Value>], now_ms: i64) {
        self.now_ms = Some(now_ms);
        self.node.walk_mut(&mut |node| {
            let Node::Free(name, path) = node else { return };
            let Some(at) = names.iter().rposition(|known| known == name) else { return };
            let value = values.get(at).and_then(Option::as_ref);
            let found = follow(value.map(Into::into), path).and_then(|found| found.into_value());
            *node = found.ok().flatten().map_or(Node::Nothing, Node::Constant);
        });
    }

    /// Whether the expression is true of a document.
    pub(crate) fn check(&self, document: &DocView<'_>) -> Result<bool, Error> {
        let surroundings = Surroundings::new(self.now_ms.unwrap_or(0), 0);
        if self.now_ms.is_none() && self.mentions_now() {
            return Err(Error::malformed(
                "$$NOW has no value in this filter; use an aggregation or pass the date itself.",
                "此查询条件中 $$NOW 没有值,请使用聚合或直接传入日期。",
            ));
        }
        Ok(self.node.eval(&Scope::new(*document, &[], &surroundings))?.is_true())
    }

    fn mentions_now(&self) -> bool {
        let mut mentions = false;
        self.node.walk(&mut |node| mentions |= matches!(node, Node::Now));
        mentions
    }
}
