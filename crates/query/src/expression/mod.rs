//! Values computed from documents: `{"$add": ["$a", 1]}`.
//!
//! An expression is parsed once and evaluated many times over [`DocView`]s: field paths look at the
//! bytes in place, and nothing is copied before something new is made of it. Null and missing
//! operands, promotion of numbers and the order of kinds follow MongoDB.
//!
//! - `parse` reads, `node` is the tree, `form` holds operators with rules of their own;
//! - `operator` is the table of all others, which are grouped by what they work on;
//! - `scope` is what an expression sees, with time and chance as parameters.
//!
//! Refused: `$function` and `$accumulator` (there is no JavaScript in the database), `$meta`.

mod arithmetic;
mod array;
mod compare;
mod convert;
mod date;
pub(crate) mod decimal;
pub(crate) mod element;
mod form;
pub(crate) mod node;
mod number;
mod object;
pub(crate) mod operator;
pub(crate) mod parse;
pub(crate) mod reducing;
mod regex;
pub(crate) mod scope;
mod set;
pub(crate) mod size;
mod sorting;
mod string;
mod substring;
mod trigonometry;

use value::{DocView, Value};

use crate::Error;
pub(crate) use form::check_variable;
pub(crate) use node::Node;
pub use scope::Surroundings;
pub(crate) use scope::{Found, Names, Scope};

/// A parsed expression.
#[derive(Debug, Clone)]
pub struct Expression {
    node: Node,
}

impl Expression {
    /// Reads an expression such as `{"$multiply": ["$price", "$count"]}`.
    ///
    /// # Errors
    /// [`Error::UnknownOperator`], and [`Error::Malformed`] for operands that can never fit.
    pub fn parse(expression: &Value) -> Result<Expression, Error> {
        Ok(Expression { node: parse::parse(expression, &mut Names::default())? })
    }

    /// The value for a document, `None` when there is none (a missing field, `$$REMOVE`).
    ///
    /// # Errors
    /// Operands of a kind the operator does not take, results beyond the limits of a document, and
    /// loops over too many elements.
    pub fn evaluate(
        &self,
        document: &DocView<'_>,
        surroundings: &Surroundings,
    ) -> Result<Option<Value>, Error> {
        surroundings.refill();
        self.node.eval(&node::root_scope(document, surroundings))?.into_value()
    }
}
