//! Which fields at the top of a document a filter looks at, so that a pipeline may filter early.

use super::Node;
use crate::expression::node::Node as Expression;

/// Collects them; false when they cannot be told.
pub(crate) fn roots(node: &Node, out: &mut Vec<String>) -> bool {
    match node {
        Node::And(nodes) | Node::Or(nodes) | Node::Nor(nodes) => {
            nodes.iter().all(|node| roots(node, out))
        }
        Node::Field(path, _) => {
            out.push(path.segments()[0].name.clone());
            true
        }
        Node::Expr(expr) => {
            let mut told = true;
            expr.node().walk(&mut |node| match node {
                Expression::Field(path) if !path.is_empty() => out.push(path[0].clone()),
                Expression::Root(path) if !path.is_empty() => out.push(path[0].clone()),
                Expression::Field(_) | Expression::Root(_) => told = false,
                _ => {}
            });
            told
        }
        _ => false,
    }
}
