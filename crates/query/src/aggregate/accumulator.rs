//! What `$group`, `$bucket` and windows compute over many documents.

use std::collections::HashSet;

use value::{Document, Value, View, compare_views, key};

use crate::Error;
use crate::expression::operator::wrong;
use crate::expression::parse::{parse, raw_members};
use crate::expression::reducing::{Deviation, Sum, merge};
use crate::expression::{Found, Names, Node, Scope, element, size};
use crate::sort::{Sort, SortKey};

/// An accumulator as written.
#[derive(Debug, Clone)]
pub(crate) struct Accumulator {
    kind: Kind,
    operand: Node,
    /// How many, for those that keep several; may use the group's key as `$$ROOT`.
    n: Option<Node>,
    sort: Option<Sort>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    AddToSet,
    Avg,
    Bottom,
    Count,
    First,
    Last,
    Max,
    MergeObjects,
    Min,
    Push,
    StdDevPop,
    StdDevSamp,
    Sum,
    Top,
    MaxN,
    MinN,
}

impl Accumulator {
    /// Reads `{"$sum": "$x"}`.
    pub(crate) fn parse(value: &Value, names: &mut Names) -> Result<Accumulator, Error> {
        let (name, operand) = match value {
            Value::Document(document) if document.len() == 1 => {
                document.first().unwrap_or(("", &Value::Null))
            }
            _ => {
                return Err(Error::malformed(
                    "A field of a group must be one accumulator such as {\"$sum\": 1}; correct it.",
                    "分组字段必须是单个累加器,如 {\"$sum\": 1},请修改。",
                ));
            }
        };
        let plain = |kind, names: &mut Names| {
            if matches!(operand, Value::Array(operands) if operands.len() != 1) {
                return Err(wrong(name, "one operand, not a list", "单个参数,而不是数组"));
            }
            let operand = match operand {
                Value::Array(operands) => parse(&operands[0], names)?,
                other => parse(other, names)?,
            };
            Ok(Accumulator { kind, operand, n: None, sort: None })
        };
        match name {
            "$addToSet" => plain(Kind::AddToSet, names),
            "$avg" => plain(Kind::Avg, names),
            "$first" => plain(Kind::First, names),
            "$last" => plain(Kind::Last, names),
            "$max" => plain(Kind::Max, names),
            "$mergeObjects" => plain(Kind::MergeObjects, names),
            "$min" => plain(Kind::Min, names),
            "$push" => plain(Kind::Push, names),
            "$stdDevPop" => plain(Kind::StdDevPop, names),
            "$stdDevSamp" => plain(Kind::StdDevSamp, names),
            "$sum" => plain(Kind::Sum, names),
            "$count" => match operand {
                Value::Document(members) if members.is_empty() => Ok(Accumulator {
                    kind: Kind::Count,
                    operand: Node::Nothing,
                    n: None,
                    sort: None,
                }),
                _ => Err(wrong("$count", "an empty object in a group", "空对象(分组中)")),
            },
            "$top" | "$bottom" | "$topN" | "$bottomN" => ordered(name, operand, names),
            "$firstN" | "$lastN" | "$maxN" | "$minN" => several(name, operand, names),
            "$accumulator" => Err(Error::malformed(
                "$accumulator is not supported here; compute it in a cloud function.",
                "不支持 $accumulator,请在云函数中计算。",
            )),
            _ => Err(Error::unknown_operator(name, "group")),
        }
    }

    /// Begins a group; `n` is computed from the group's key.
    pub(crate) fn start(&self, group: &Value, scope: &Scope<'_>) -> Result<State, Error> {
        let n = match &self.n {
            None => 1,
            Some(node) => {
                let fallback = Document::new();
                let root = match group {
                    Value::Document(document) => document,
                    _ => &fallback,
                };
                element::count("n", &node.eval(&scope.rooted(root.into()))?)?
            }
        };
        Ok(match self.kind {
            Kind::AddToSet => State::Set { seen: HashSet::new(), values: Vec::new() },
            Kind::Avg => State::Average(Sum::default()),
            Kind::Count => State::Count(0),
            Kind::First | Kind::Last if self.n.is_none() => State::One(None),
            Kind::First | Kind::Last | Kind::Push => State::List { values: Vec::new(), n },
            Kind::Max | Kind::Min => State::One(None),
            Kind::MaxN | Kind::MinN => State::List { values: Vec::new(), n },
            Kind::MergeObjects => State::Merged(Document::new()),
            Kind::StdDevPop | Kind::StdDevSamp => State::Deviation(Deviation::default()),
            Kind::Sum => State::Sum(Sum::default()),
            Kind::Top | Kind::Bottom => State::Ordered { entries: Vec::new(), n, arrivals: 0 },
        })
    }

    /// Takes a document into a group; gives how many bytes more are held.
    pub(crate) fn add(&self, state: &mut State, scope: &Scope<'_>) -> Result<usize, Error> {
        if let (State::Sum(sum), Node::Constant(value)) = (&mut *state, &self.operand) {
            sum.add(&View::from(value));
            return Ok(0);
        }
        if let State::Count(count) = state {
            *count += 1;
            return Ok(0);
        }
        let found = self.operand.eval(scope)?;
        self.take(state, found, scope)
    }

    fn take(&self, state: &mut State, found: Found<'_>, scope: &Scope<'_>) -> Result<usize, Error> {
        match state {
            State::Sum(sum) | State::Average(sum) => {
                if let Some(view) = found.view() {
                    sum.add(&view);
                }
                Ok(0)
            }
            State::Deviation(deviation) => {
                if let Some(view) = found.view() {
                    deviation.add(&view);
                }
                Ok(0)
            }
            State::Count(_) => Ok(0),
            State::One(known) => self.take_one(known, found),
            State::Merged(merged) => {
                let before = size::of_document(merged);
                merge(merged, &found)?;
                Ok(size::of_document(merged).saturating_sub(before))
            }
            State::Set { seen, values } => {
                let Some(view) = found.view() else { return Ok(0) };
                let mut bytes = Vec::with_capacity(16);
                key::push_view(&view, &mut bytes);
                if seen.contains(&bytes) {
                    return Ok(0);
                }
                let value = found.into_value_or_null()?;
                let held = bytes.len() + held(&value) + 64;
                seen.insert(bytes);
                values.push(value);
                Ok(held)
            }
            State::List { values, n } => self.take_several(values, *n, found),
            State::Ordered { entries, n, arrivals } => {
                let Some(sort) = &self.sort else { return Ok(0) };
                *arrivals += 1;
                let place = (sort.key_of(&scope.root), *arrivals);
                let from_end = self.kind == Kind::Bottom;
                insert_ordered(entries, *n, from_end, place, found)
            }
        }
    }

    fn take_one(&self, known: &mut Option<Value>, found: Found<'_>) -> Result<usize, Error> {
        let replaces = match self.kind {
            Kind::First => known.is_none(),
            Kind::Last => true,
            kind => match (found.view(), &known) {
                (None | Some(View::Null), _) => false,
                (Some(_), None) => true,
                (Some(view), Some(known)) => {
                    let order = compare_views(&view, &View::from(known));
                    if kind == Kind::Max { order.is_gt() } else { order.is_lt() }
                }
            },
        };
        if !replaces {
            return Ok(0);
        }
        let before = known.as_ref().map_or(0, held);
        let value = found.into_value_or_null()?;
        let after = held(&value);
        *known = Some(value);
        Ok(after.saturating_sub(before))
    }

    fn take_several(
        &self,
        values: &mut Vec<Value>,
        n: usize,
        found: Found<'_>,
    ) -> Result<usize, Error> {
        match self.kind {
            Kind::Push if matches!(found, Found::Missing) => return Ok(0),
            Kind::First if values.len() >= n => return Ok(0),
            Kind::MaxN | Kind::MinN if found.is_nullish() => return Ok(0),
            _ => {}
        }
        let value = found.into_value_or_null()?;
        let bytes = held(&value);
        match self.kind {
            Kind::MaxN | Kind::MinN => {
                let after = |known: &Value| {
                    let order = value::compare(known, &value);
                    if self.kind == Kind::MinN { order.is_le() } else { order.is_ge() }
                };
                let place = values.partition_point(after);
                values.insert(place, value);
                values.truncate(n);
            }
            Kind::Last => {
                if values.len() == n {
                    values.remove(0);
                }
                values.push(value);
            }
            _ => values.push(value),
        }
        Ok(bytes)
    }

    /// What the group has come to.
    pub(crate) fn finish(&self, state: State) -> Value {
        match state {
            State::Sum(sum) => sum.total(),
            State::Average(sum) => sum.average(),
            State::Deviation(deviation) if self.kind == Kind::StdDevPop => {
                deviation.of_population()
            }
            State::Deviation(deviation) => deviation.of_sample(),
            State::Count(count) => i32::try_from(count).map_or(Value::Int64(count), Value::Int32),
            State::One(value) => value.unwrap_or(Value::Null),
            State::Merged(document) => Value::Document(document),
            State::Set { values, .. } | State::List { values, .. } => Value::Array(values),
            State::Ordered { entries, .. } => {
                let mut values = entries.into_iter().map(|(_, value)| value);
                if self.n.is_none() {
                    return values.next().unwrap_or(Value::Null);
                }
                Value::Array(values.collect())
            }
        }
    }
}

/// Keeps the first (or last) `n` entries in the order of their places.
fn insert_ordered(
    entries: &mut Vec<((SortKey, u64), Value)>,
    n: usize,
    from_end: bool,
    place: (SortKey, u64),
    found: Found<'_>,
) -> Result<usize, Error> {
    let at = entries.partition_point(|(known, _)| *known < place);
    let full = entries.len() >= n;
    if full && (if from_end { at == 0 } else { at == entries.len() }) {
        return Ok(0);
    }
    let value = found.into_value_or_null()?;
    let bytes = held(&value) + place.0.len() + 48;
    entries.insert(at, (place, value));
    if full {
        if from_end {
            entries.remove(0);
        } else {
            entries.pop();
        }
    }
    Ok(bytes)
}

/// Bytes a value takes in memory, about.
fn held(value: &Value) -> usize {
    std::mem::size_of::<Value>() + 4 * size::of(value)
}

/// `$top` and its like: `{sortBy, output}` and for several `n`.
fn ordered(name: &str, operand: &Value, names: &mut Names) -> Result<Accumulator, Error> {
    let many = name.ends_with('N');
    let known: &[&str] = if many { &["sortBy", "output", "n"] } else { &["sortBy", "output"] };
    let parts = raw_members(name, operand, known, known.len())?;
    let Some(Value::Document(sort)) = parts[0] else {
        return Err(wrong(name, "fields as sortBy", "字段作为 sortBy"));
    };
    let n = parts.get(2).copied().flatten().map(|n| parse(n, names)).transpose()?;
    Ok(Accumulator {
        kind: if name.starts_with("$top") { Kind::Top } else { Kind::Bottom },
        operand: parse(parts[1].unwrap_or(&Value::Null), names)?,
        n,
        sort: Some(Sort::parse(sort)?),
    })
}

/// `$firstN` and its like: `{input, n}`.
fn several(name: &str, operand: &Value, names: &mut Names) -> Result<Accumulator, Error> {
    let parts = raw_members(name, operand, &["input", "n"], 2)?;
    let kind = match name {
        "$firstN" => Kind::First,
        "$lastN" => Kind::Last,
        "$maxN" => Kind::MaxN,
        _ => Kind::MinN,
    };
    Ok(Accumulator {
        kind,
        operand: parse(parts[0].unwrap_or(&Value::Null), names)?,
        n: Some(parse(parts[1].unwrap_or(&Value::Null), names)?),
        sort: None,
    })
}

/// An accumulator on its way.
#[derive(Debug, Clone)]
pub(crate) enum State {
    Sum(Sum),
    Average(Sum),
    Deviation(Deviation),
    Count(i64),
    One(Option<Value>),
    Merged(Document),
    Set { seen: HashSet<Vec<u8>>, values: Vec<Value> },
    List { values: Vec<Value>, n: usize },
    Ordered { entries: Vec<((SortKey, u64), Value)>, n: usize, arrivals: u64 },
}
