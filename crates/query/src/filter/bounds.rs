//! What a passing document must have at which paths, as intervals of an ordered index: the planner
//! asks this, never the filter's own tree. Bounds are necessary, not sufficient: a document found
//! by them is checked against the filter again, and what has no useful bounds is left out.
//!
//! An index holds, for each document, the keys of every value its path leads to: the elements of
//! an array in its place ([`value::key::UNDEFINED`] for an empty one), null for what is missing.

use std::fmt;
use std::ops::RangeInclusive;

use value::{Value, key};

use super::clause::{Clause, Comparison, ElementCondition, Test};
use super::{Filter, Node};

use crate::path::Path;
use crate::pattern::Pattern;

/// First byte of the key of a cell: on disk, and not that of any kind.
const CELL: u8 = 0x70;

/// All that is known of a filter: every member must hold.
#[derive(Clone, Debug, Default)]
pub struct Bounds {
    /// Clauses with useful intervals; one path may occur several times.
    pub clauses: Vec<PathBounds>,
    /// One entry per `$or`: one of its branches must hold.
    pub unions: Vec<Vec<Bounds>>,
    /// Whether this says everything the filter asks; otherwise some of it has no bounds.
    pub is_whole: bool,
}

/// One clause: some key of the document at this path lies in one of the intervals.
#[derive(Clone, Debug)]
pub struct PathBounds {
    /// Dotted path.
    pub path: String,
    /// Ascending, without overlaps; none at all when no document can pass.
    pub intervals: Vec<Interval>,
    /// Whether a document without arrays on the path passes the clause exactly when its key lies
    /// in the intervals.
    pub is_exact: bool,
    /// Clauses of one `$elemMatch` carry one number: the same element satisfies all of them.
    pub element: Option<usize>,
    /// Whether the intervals are of [`cell_key`]s: for an index of places, and only for that.
    pub is_geo: bool,
    /// Whether it is the element itself that is asked, not a field of it: then one key of the
    /// document lies within all clauses of that number.
    pub is_element: bool,
}

/// Keys `from <= key < to` in the order of [`value::key`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    from: Edge,
    to: Edge,
    is_point: bool,
}

/// A place between keys, and how it prints.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Edge {
    key: Vec<u8>,
    text: String,
}

impl Filter {
    /// The bounds of every document that passes.
    pub fn bounds(&self) -> Bounds {
        let mut gather = Gather { elements: 0 };
        gather.of(&self.node)
    }
}

struct Gather {
    /// `$elemMatch`es seen.
    elements: usize,
}

impl Gather {
    fn of(&mut self, node: &Node) -> Bounds {
        let mut bounds = Bounds { is_whole: true, ..Bounds::default() };
        self.node(node, &mut bounds);
        bounds
    }

    fn node(&mut self, node: &Node, into: &mut Bounds) {
        match node {
            Node::And(nodes) => nodes.iter().for_each(|node| self.node(node, into)),
            Node::Or(nodes) if nodes.len() == 1 => self.node(&nodes[0], into),
            Node::Or(nodes) => {
                let branches = nodes.iter().map(|node| self.of(node)).collect();
                into.unions.push(branches);
            }
            Node::Field(path, clauses) => {
                clauses.iter().for_each(|clause| self.clause(path, clause, into));
            }
            _ => into.is_whole = false,
        }
    }

    fn clause(&mut self, path: &Path, clause: &Clause, into: &mut Bounds) {
        match clause {
            Clause::Is(Test::Element(ElementCondition::Value(clauses))) => {
                self.elements += 1;
                into.is_whole = false;
                for clause in clauses {
                    self.push(path.text(), clause, Some(self.elements), into);
                }
            }
            Clause::Is(Test::Element(ElementCondition::Document(node))) => {
                self.elements += 1;
                into.is_whole = false;
                let element = self.elements;
                node.each_required(&mut |inner, clause| {
                    // An array among the elements is matched as a document named by index, which
                    // the keys of an index do not show.
                    if inner.segments()[0].index.is_none() {
                        let path = format!("{}.{}", path.text(), inner.text());
                        self.push_known(&path, clause, element, into);
                    }
                });
            }
            Clause::Is(Test::Geo(test)) => {
                into.is_whole = false;
                if let Some(ranges) = test.cell_ranges() {
                    into.clauses.push(PathBounds::of_cells(path.text(), &ranges));
                }
            }
            clause => {
                let is_used = self.push(path.text(), clause, None, into);
                into.is_whole &= is_used;
            }
        }
    }

    fn push(&self, path: &str, clause: &Clause, element: Option<usize>, into: &mut Bounds) -> bool {
        let Some((intervals, is_exact)) = of_clause(clause) else { return false };
        let intervals = merged(intervals);
        let (path, is_element) = (path.to_owned(), element.is_some());
        let is_geo = false;
        into.clauses.push(PathBounds { path, intervals, is_exact, element, is_geo, is_element });
        true
    }

    /// As [`Gather::push`], for a field of an element: a missing one has no key of its own.
    fn push_known(&self, path: &str, clause: &Clause, element: usize, into: &mut Bounds) {
        let Some((intervals, _)) = of_clause(clause) else { return };
        let null = key::encode(&Value::Null);
        if !intervals.iter().any(|interval| interval.contains(&null)) {
            let intervals = merged(intervals);
            let path = path.to_owned();
            into.clauses.push(PathBounds {
                path,
                intervals,
                is_exact: false,
                element: Some(element),
                is_geo: false,
                is_element: false,
            });
        }
    }
}

/// Intervals of a clause and whether they say all of it; `None` when it has no useful ones.
fn of_clause(clause: &Clause) -> Option<(Vec<Interval>, bool)> {
    match clause {
        Clause::Is(test) => of_test(test),
        // What is missing has the key of null.
        Clause::Not(inner) if matches!(inner.as_slice(), [Clause::Is(Test::Exists)]) => {
            Some((vec![Interval::point(&Value::Null)], false))
        }
        Clause::Not(_) => None,
    }
}

fn of_test(test: &Test) -> Option<(Vec<Interval>, bool)> {
    match test {
        Test::Compare(Comparison::Equal, value) => Some(of_equal(value)),
        Test::Compare(comparison, value) => of_range(*comparison, value),
        Test::In { values, patterns } => {
            let mut all = (Vec::new(), true);
            let parts = values.iter().map(of_equal).chain(patterns.iter().map(of_pattern));
            for (intervals, is_exact) in parts {
                all.0.extend(intervals);
                all.1 &= is_exact;
            }
            Some(all)
        }
        Test::Pattern(pattern) => Some(of_pattern(pattern)),
        Test::Modulo { .. } => Some((vec![numbers()], false)),
        Test::Never => Some((Vec::new(), true)),
        _ => None,
    }
}

fn of_equal(value: &Value) -> (Vec<Interval>, bool) {
    let Value::Array(elements) = value else {
        return (vec![Interval::point(value)], true);
    };
    // The array as a whole is not in the index, but its first element is; and an array within an
    // array is an element itself.
    let first = match elements.first() {
        Some(first) => Interval::point(first),
        None => Interval::lone(vec![key::UNDEFINED], "[]"),
    };
    (vec![first, Interval::point(value)], false)
}

fn of_range(comparison: Comparison, value: &Value) -> Option<(Vec<Interval>, bool)> {
    let with_equal = matches!(comparison, Comparison::GreaterOrEqual | Comparison::LessOrEqual);
    let kind = match value {
        // These reach beyond their kind, or ask something of an array as a whole.
        Value::MinKey | Value::MaxKey | Value::Array(_) => return None,
        Value::Null if with_equal => Interval::point(value),
        Value::Null => return Some((Vec::new(), true)),
        number if number.is_number() => {
            if number.as_f64().is_some_and(f64::is_nan) {
                let points = with_equal.then(|| Interval::point(value));
                return Some((points.into_iter().collect(), true));
            }
            numbers()
        }
        other => Interval::kind(other),
    };
    let point = Interval::point(value);
    let interval = match comparison {
        _ if kind.is_point => kind,
        Comparison::Greater => Interval::between(point.after(), kind.to),
        Comparison::GreaterOrEqual => Interval::between(point.from, kind.to),
        Comparison::Less => Interval::between(kind.from, point.before()),
        _ => Interval::between(kind.from, point.to),
    };
    Some((vec![interval], true))
}

/// Every number but NaN, which is only ever equal to itself.
fn numbers() -> Interval {
    let low = Interval::point(&Value::Double(f64::NEG_INFINITY));
    let high = Interval::point(&Value::Double(f64::INFINITY));
    Interval::between(low.from, high.to)
}

/// Strings that begin with what the expression begins with, and the expression itself as a value.
fn of_pattern(pattern: &Pattern) -> (Vec<Interval>, bool) {
    let (source, options) = (pattern.source(), pattern.options());
    let itself = Value::Regex { pattern: source.to_owned(), options: options.to_owned() };
    let (strings, is_exact) = match literal_prefix(source, options) {
        Some((prefix, is_all)) => {
            let mut from = key::encode(&Value::String(prefix.clone()));
            // Without the end of the string.
            from.truncate(from.len() - 2);
            (Interval::prefix(from, &format!("/^{prefix}/")), is_all)
        }
        None => (Interval::kind(&Value::String(String::new())), false),
    };
    (vec![strings, Interval::point(&itself)], is_exact)
}

/// The text every match begins with, and whether that is all the expression asks. `None` when it
/// is not anchored, or not that simple.
fn literal_prefix(source: &str, options: &str) -> Option<(String, bool)> {
    let is_plain = !options.contains(['i', 'm', 'x']) && !source.contains('|');
    let rest = source.strip_prefix('^').filter(|_| is_plain)?;
    let mut prefix = String::new();
    let mut letters = rest.chars().peekable();
    let mut is_all = true;
    while let Some(letter) = letters.next() {
        let literal = match letter {
            '\\' => letters.next().filter(|escaped| escaped.is_ascii_punctuation()),
            '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '^' | '$' => None,
            letter => Some(letter),
        };
        // What is repeated may be absent.
        let is_repeated = letters.peek().is_some_and(|next| "*+?{".contains(*next));
        match literal {
            Some(literal) if !is_repeated => prefix.push(literal),
            _ => {
                is_all = false;
                break;
            }
        }
    }
    (!prefix.is_empty()).then_some((prefix, is_all))
}

impl PathBounds {
    /// Places in these cells.
    pub fn of_cells(path: &str, ranges: &[RangeInclusive<u64>]) -> PathBounds {
        let interval = |range: &RangeInclusive<u64>| {
            let text = |cell: u64| format!("cell {cell:016x}");
            let (low, high) = (cell_key(*range.start()), cell_key(*range.end()));
            let end = successor(&high).unwrap_or_else(|| vec![0xFF]);
            let low = Edge { key: low, text: format!("[{}", text(*range.start())) };
            let high = Edge { key: end, text: format!("{}]", text(*range.end())) };
            Interval::between(low, high)
        };
        PathBounds {
            path: path.to_owned(),
            intervals: merged(ranges.iter().map(interval).collect()),
            is_exact: false,
            element: None,
            is_geo: true,
            is_element: false,
        }
    }
}

/// The key of a cell in an index of places; null has that of null.
pub fn cell_key(cell: u64) -> Vec<u8> {
    let mut key = vec![CELL];
    key.extend_from_slice(&cell.to_be_bytes());
    key
}

impl Interval {
    /// Everything.
    pub fn all() -> Interval {
        Interval {
            from: Edge { key: Vec::new(), text: "[MinKey".to_owned() },
            // Above every kind byte, complemented ones included.
            to: Edge { key: vec![0xFF], text: "MaxKey]".to_owned() },
            is_point: false,
        }
    }

    /// Exactly this value.
    pub fn point(value: &Value) -> Interval {
        Interval::lone(key::encode(value), &value::ejson::canonical_value(value))
    }

    /// All values of the same kind.
    fn kind(value: &Value) -> Interval {
        let kind = key::encode(value)[0];
        let name = value.kind_name();
        Interval {
            from: Edge { key: vec![kind], text: format!("[first {name}") },
            to: Edge { key: vec![kind + 1], text: format!("last {name}]") },
            is_point: false,
        }
    }

    fn between(from: Edge, to: Edge) -> Interval {
        Interval { from, to, is_point: false }
    }

    /// One whole key.
    fn lone(key: Vec<u8>, text: &str) -> Interval {
        Interval { is_point: true, ..Interval::prefix(key, text) }
    }

    /// Everything that begins with these bytes.
    fn prefix(key: Vec<u8>, text: &str) -> Interval {
        let end = successor(&key).unwrap_or_else(|| vec![0xFF]);
        Interval {
            from: Edge { key, text: format!("[{text}") },
            to: Edge { key: end, text: format!("{text}]") },
            is_point: false,
        }
    }

    /// The place just behind a point.
    fn after(&self) -> Edge {
        Edge { key: self.to.key.clone(), text: self.from.text.replacen('[', "(", 1) }
    }

    /// The place just before a point.
    fn before(&self) -> Edge {
        let text = self.to.text.strip_suffix(']').unwrap_or(&self.to.text);
        Edge { key: self.from.key.clone(), text: format!("{text})") }
    }

    /// The first key inside, or what every key inside is not below.
    pub fn from(&self) -> &[u8] {
        &self.from.key
    }

    /// What every key inside is below.
    pub fn to(&self) -> &[u8] {
        &self.to.key
    }

    /// Whether a key lies inside.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.from() <= key && key < self.to()
    }

    /// Whether one value alone lies inside, as by equality.
    pub fn is_point(&self) -> bool {
        self.is_point
    }

    /// Whether everything lies inside.
    pub fn is_all(&self) -> bool {
        self.from().is_empty() && self.to() == [0xFF]
    }
}

impl fmt::Display for Interval {
    /// As in `[1, 5)`; kinds are bounded by words: `["a", last string]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.from.text, self.to.text)
    }
}

/// The first string of bytes above everything that begins with `prefix`; `None` when there is none.
pub fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xFF)?;
    let mut next = prefix[..=last].to_vec();
    next[last] += 1;
    Some(next)
}

/// Ascending and without overlaps.
fn merged(mut intervals: Vec<Interval>) -> Vec<Interval> {
    intervals.retain(|interval| interval.from() < interval.to());
    intervals.sort_by(|a, b| a.from().cmp(b.from()).then(a.to().cmp(b.to())));
    let mut out: Vec<Interval> = Vec::with_capacity(intervals.len());
    for interval in intervals {
        match out.last_mut() {
            Some(last) if interval.from() < last.to() => {
                if interval.to() > last.to() {
                    last.to = interval.to;
                    last.is_point = false;
                }
            }
            _ => out.push(interval),
        }
    }
    out
}

/// What lies in both lists; both are ascending and without overlaps.
pub fn intersection(a: &[Interval], b: &[Interval]) -> Vec<Interval> {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    let mut out = Vec::new();
    while let (Some(one), Some(other)) = (a.peek(), b.peek()) {
        let from = if one.from() >= other.from() { &one.from } else { &other.from };
        let to = if one.to() <= other.to() { &one.to } else { &other.to };
        if from.key < to.key {
            // A point is never cut.
            let is_point = one.is_point || other.is_point;
            out.push(Interval { from: from.clone(), to: to.clone(), is_point });
        }
        if one.to() <= other.to() {
            a.next();
        } else {
            b.next();
        }
    }
    out
}
