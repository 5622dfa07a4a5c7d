//! Dates.
use super::operator::Operator;
pub(crate) const OPERATORS: &[Operator] = &[];
