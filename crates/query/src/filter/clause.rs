//! What is asked of one value: comparisons, membership, shape.

use std::cmp::Ordering;

use value::{ArrayView, DocView, Document, Value, View, compare_views};

use super::Node;
use super::bits::Bits;
use super::geo::GeoTest;
use super::kind::Kinds;
use super::operand::truncated;
use crate::Error;
use crate::path::{self, Leaf};
use crate::pattern::Pattern;

/// A test, or the contrary of several at once.
#[derive(Debug, Clone)]
pub(crate) enum Clause {
    /// Some value at the path passes.
    Is(Test),
    /// Not all of these hold.
    Not(Vec<Clause>),
}

/// What one value is asked.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    Compare(Comparison, Value),
    /// Values are sorted by [`value::compare`] and unique.
    In {
        values: Vec<Value>,
        patterns: Vec<Pattern>,
    },
    Pattern(Pattern),
    Exists,
    /// Remainder after division, both truncated to whole numbers; the divisor is not zero.
    Modulo {
        divisor: i64,
        remainder: i64,
    },
    Size(usize),
    /// Some element of an array passes.
    Element(ElementCondition),
    Kind(Kinds),
    Bits(Bits),
    Geo(GeoTest),
    /// Nothing passes: `$all: []`.
    Never,
}

/// What `$elemMatch` asks of one element.
#[derive(Debug, Clone)]
pub(crate) enum ElementCondition {
    /// To be a document that passes.
    Document(Box<Node>),
    /// All of these, of the element itself.
    Value(Vec<Clause>),
}

/// The five orders; "not equal" is a [`Clause::Not`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// Whether all clauses hold for a value at the end of a path, entering it when it is an array.
pub(crate) fn all_on_leaf(clauses: &[Clause], value: &View<'_>) -> Result<bool, Error> {
    for clause in clauses {
        let holds = match clause {
            Clause::Is(test) => path::any_leaf(value, test.leaf(), &mut |view| test.check(view))?,
            Clause::Not(inner) => !all_on_leaf(inner, value)?,
        };
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether all clauses hold for exactly this value.
fn all_on_element(clauses: &[Clause], value: &View<'_>) -> Result<bool, Error> {
    for clause in clauses {
        let holds = match clause {
            Clause::Is(test) => test.check(Some(value))?,
            Clause::Not(inner) => !all_on_element(inner, value)?,
        };
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Test {
    /// What an array at the end of the path means to this test.
    pub(super) fn leaf(&self) -> Leaf {
        match self {
            Test::Size(_) | Test::Element(_) => Leaf::Whole,
            _ => Leaf::Expand,
        }
    }

    /// Whether a value passes; `None` is a missing one.
    pub(super) fn check(&self, view: Option<&View<'_>>) -> Result<bool, Error> {
        let Some(view) = view else {
            return Ok(self.holds_for_missing());
        };
        match self {
            Test::Compare(comparison, operand) => Ok(comparison.holds(view, &View::from(operand))),
            Test::In { values, patterns } => {
                let known = values
                    .binary_search_by(|value| compare_views(&View::from(value), view))
                    .is_ok();
                if known {
                    return Ok(true);
                }
                for pattern in patterns {
                    if check_pattern(pattern, view)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Test::Pattern(pattern) => check_pattern(pattern, view),
            Test::Exists => Ok(true),
            Test::Modulo { divisor, remainder } => {
                Ok(truncated(view)
                    .is_some_and(|number| number.wrapping_rem(*divisor) == *remainder))
            }
            Test::Size(size) => match view {
                // Counting stops one past the wanted size.
                View::Array(array) => {
                    Ok(array.iter().take(size.saturating_add(1)).count() == *size)
                }
                _ => Ok(false),
            },
            Test::Element(condition) => match view {
                View::Array(array) => Ok(condition.first_in(array)?.is_some()),
                _ => Ok(false),
            },
            Test::Kind(kinds) => Ok(kinds.contains(view)),
            Test::Bits(bits) => Ok(bits.check(view)),
            Test::Geo(test) => Ok(test.check(view)),
            Test::Never => Ok(false),
        }
    }

    fn holds_for_missing(&self) -> bool {
        match self {
            Test::Compare(comparison, Value::Null) => comparison.includes_equal(),
            Test::In { values, .. } => values.contains(&Value::Null),
            _ => false,
        }
    }
}

impl ElementCondition {
    /// The index of the first element that passes.
    pub(super) fn first_index_in(&self, array: &ArrayView<'_>) -> Result<Option<usize>, Error> {
        for (index, element) in array.iter().enumerate() {
            if self.passes(&element?)? {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    /// The first element that passes.
    pub(crate) fn first_in<'a>(&self, array: &ArrayView<'a>) -> Result<Option<View<'a>>, Error> {
        for element in array.iter() {
            let element = element?;
            if self.passes(&element)? {
                return Ok(Some(element));
            }
        }
        Ok(None)
    }

    fn passes(&self, element: &View<'_>) -> Result<bool, Error> {
        match (self, element) {
            (ElementCondition::Value(clauses), element) => all_on_element(clauses, element),
            (ElementCondition::Document(node), View::Document(document)) => node.check(document),
            // An array is a document named by index; matching it so is rare and costs a copy.
            (ElementCondition::Document(node), View::Array(array)) => {
                let mut named = Document::new();
                for (index, element) in array.iter().enumerate() {
                    named.append(index.to_string(), element?.to_value()?);
                }
                node.check(&DocView::Owned(&named))
            }
            (ElementCondition::Document(_), _) => Ok(false),
        }
    }
}

fn check_pattern(pattern: &Pattern, view: &View<'_>) -> Result<bool, Error> {
    match view {
        View::String(text) => pattern.is_match(text),
        View::Regex { pattern: source, options } => Ok(pattern.is(source, options)),
        _ => Ok(false),
    }
}

impl Comparison {
    fn includes_equal(self) -> bool {
        !matches!(self, Comparison::Greater | Comparison::Less)
    }

    /// Ranges stay within one kind: a string is neither more nor less than a number. MinKey and
    /// MaxKey are the exception, and NaN is only ever equal to NaN.
    fn holds(self, view: &View<'_>, operand: &View<'_>) -> bool {
        if !same_kind(view, operand) {
            return match operand {
                View::MinKey => matches!(self, Comparison::Greater | Comparison::GreaterOrEqual),
                View::MaxKey => matches!(self, Comparison::Less | Comparison::LessOrEqual),
                _ => false,
            };
        }
        let order = compare_views(view, operand);
        if is_nan(view) || is_nan(operand) {
            return self.includes_equal() && order.is_eq();
        }
        match self {
            Comparison::Equal => order == Ordering::Equal,
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterOrEqual => order.is_ge(),
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
        }
    }
}

fn is_nan(view: &View<'_>) -> bool {
    match *view {
        View::Double(number) => number.is_nan(),
        View::Decimal128(bytes) => Value::Decimal128(bytes).as_f64().is_some_and(f64::is_nan),
        _ => false,
    }
}

fn same_kind(a: &View<'_>, b: &View<'_>) -> bool {
    let is_number = |view: &View<'_>| {
        matches!(view, View::Int32(_) | View::Int64(_) | View::Double(_) | View::Decimal128(_))
    };
    std::mem::discriminant(a) == std::mem::discriminant(b) || (is_number(a) && is_number(b))
}
