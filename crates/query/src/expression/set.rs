//! Placeholder table.
use super::operator::Operator;
pub(crate) const OPERATORS: &[Operator] = &[];
