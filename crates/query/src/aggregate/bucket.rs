//! `$bucket` (a group by given boundaries) and `$bucketAuto` (boundaries that share out evenly).

use std::sync::Arc;

use value::{Document, Value, compare};

use super::accumulator::Accumulator;
use super::document::Doc;
use super::group::{Group, field};
use super::simple::value_or_null;
use super::stage::{Stage, count};
use super::work::{Context, Io, Progress, Work};
use crate::expression::operator::{kind_name, wrong};
use crate::expression::parse::{parse as parse_node, raw_members};
use crate::expression::{Names, Node, Scope, size};
use crate::{Error, Sort};

/// `$bucket` as a group over a `$switch`, sorted.
pub(crate) fn parse(operand: &Value, names: &mut Names) -> Result<Vec<Stage>, Error> {
    let known = ["groupBy", "boundaries", "default", "output"];
    let parts = raw_members("$bucket", operand, &known, 2)?;
    let by = parts[0].unwrap_or(&Value::Null);
    check_by("$bucket", by)?;
    let Some(Value::Array(written)) = parts[1] else {
        return Err(wrong("$bucket", "a list as boundaries", "数组作为 boundaries"));
    };
    let mut boundaries = Vec::with_capacity(written.len());
    for boundary in written {
        boundaries.push(constant("boundaries", boundary, names)?);
    }
    check_boundaries(&boundaries)?;
    let case = |pair: &[Value]| {
        let low = compared("$gte", by, &pair[0]);
        let high = compared("$lt", by, &pair[1]);
        let both = Document::from_iter([("$and", Value::Array(vec![low, high]))]);
        let then = literal(&pair[0]);
        Value::Document(Document::from_iter([("case", both.into()), ("then", then)]))
    };
    let branches: Vec<Value> = boundaries.windows(2).map(case).collect();
    let mut switch = Document::from_iter([("branches", Value::Array(branches))]);
    if let Some(default) = parts[2] {
        let default = constant("default", default, names)?;
        let (first, last) = (&boundaries[0], &boundaries[boundaries.len() - 1]);
        if compare(&default, first).is_ge() && compare(&default, last).is_lt() {
            return Err(wrong("$bucket", "a default outside the boundaries", "边界之外的 default"));
        }
        switch.insert("default", literal(&default));
    }
    let id = Document::from_iter([("$switch", switch)]);
    let group = Group { id: parse_node(&id.into(), names)?, fields: output(parts[3], names)? };
    let sort = Sort::parse(&Document::from_iter([("_id", 1)]))?;
    Ok(vec![Stage::Group(Arc::new(group)), Stage::Sort { sort, limit: None }])
}

fn literal(value: &Value) -> Value {
    Value::Document(Document::from_iter([("$literal", value.clone())]))
}

fn compared(operator: &str, by: &Value, boundary: &Value) -> Value {
    let operands = Value::Array(vec![by.clone(), literal(boundary)]);
    Value::Document(Document::from_iter([(operator, operands)]))
}

fn check_by(stage: &str, by: &Value) -> Result<(), Error> {
    match by {
        Value::String(path) if path.starts_with('$') => Ok(()),
        Value::Document(_) => Ok(()),
        _ => Err(wrong(stage, "a path or an expression as groupBy", "路径或表达式作为 groupBy")),
    }
}

fn constant(what: &str, value: &Value, names: &mut Names) -> Result<Value, Error> {
    let node = parse_node(value, names)?;
    node.as_constant().cloned().ok_or_else(|| {
        wrong("$bucket", &format!("constants as {what}"), &format!("常量作为 {what}"))
    })
}

fn check_boundaries(boundaries: &[Value]) -> Result<(), Error> {
    let kind = |value: &Value| {
        if value.is_number() { "number" } else { kind_name(Some(&value.into())) }
    };
    let ascending =
        |pair: &[Value]| kind(&pair[0]) == kind(&pair[1]) && compare(&pair[0], &pair[1]).is_lt();
    if boundaries.len() >= 2 && boundaries.windows(2).all(ascending) {
        return Ok(());
    }
    Err(wrong(
        "$bucket",
        "at least two boundaries of one kind in ascending order",
        "至少两个同类型且递增的 boundaries",
    ))
}

/// The accumulators of the output; a count when there are none.
fn output(written: Option<&Value>, names: &mut Names) -> Result<Vec<(String, Accumulator)>, Error> {
    let count = Document::from_iter([("count", Document::from_iter([("$sum", 1)]))]);
    let written = match written {
        None => &count,
        Some(Value::Document(written)) => written,
        Some(_) => return Err(wrong("$bucket", "an object as output", "对象作为 output")),
    };
    let fields = written.iter();
    fields.map(|(name, value)| Ok((name.to_owned(), field(name, value, names)?))).collect()
}

/// A parsed `$bucketAuto`.
#[derive(Debug, Clone)]
pub(crate) struct BucketAuto {
    by: Node,
    buckets: usize,
    output: Vec<(String, Accumulator)>,
}

impl BucketAuto {
    pub(crate) fn parse(operand: &Value, names: &mut Names) -> Result<BucketAuto, Error> {
        let known = ["groupBy", "buckets", "output", "granularity"];
        let parts = raw_members("$bucketAuto", operand, &known, 2)?;
        let by = parts[0].unwrap_or(&Value::Null);
        check_by("$bucketAuto", by)?;
        if parts[3].is_some() {
            return Err(wrong(
                "$bucketAuto",
                "no granularity, which is not supported; use $bucket with boundaries",
                "去掉 granularity(暂不支持),可改用带 boundaries 的 $bucket",
            ));
        }
        let buckets = count("$bucketAuto", parts[1].unwrap_or(&Value::Null), 1)?;
        Ok(BucketAuto {
            by: parse_node(by, names)?,
            buckets: usize::try_from(buckets).unwrap_or(usize::MAX),
            output: output(parts[2], names)?,
        })
    }
}

/// `$bucketAuto` at work.
pub(crate) struct Bucketing {
    bucket: Arc<BucketAuto>,
    held: usize,
    entries: Vec<(Value, Doc)>,
}

impl Bucketing {
    pub(crate) fn new(bucket: Arc<BucketAuto>) -> Bucketing {
        Bucketing { bucket, held: 0, entries: Vec::new() }
    }

    fn close(&mut self, context: &mut Context<'_>, io: &mut Io<'_>) -> Result<(), Error> {
        self.entries.sort_by(|(a, _), (b, _)| compare(a, b));
        let total = self.entries.len();
        let size = (total as f64 / self.bucket.buckets as f64).round().max(1.0) as usize;
        let (mut start, mut made) = (0, 0);
        while start < total {
            made += 1;
            let mut end =
                if made == self.bucket.buckets { total } else { (start + size).min(total) };
            while end < total && compare(&self.entries[end - 1].0, &self.entries[end].0).is_eq() {
                end += 1;
            }
            // A bucket ends where the next one begins; the last one ends with its last value.
            let max = self.entries.get(end).unwrap_or(&self.entries[end - 1]).0.clone();
            let id = Document::from_iter([("min", self.entries[start].0.clone()), ("max", max)]);
            io.out.push_back(self.bucket_of(id, start..end, context)?);
            start = end;
        }
        Ok(())
    }

    fn bucket_of(
        &self,
        id: Document,
        range: std::ops::Range<usize>,
        context: &mut Context<'_>,
    ) -> Result<Doc, Error> {
        let id = Value::Document(id);
        let empty = Document::new();
        let scope = Scope::new((&empty).into(), context.variables, context.surroundings);
        let starts = self.bucket.output.iter().map(|(_, field)| field.start(&id, &scope));
        let mut states = starts.collect::<Result<Vec<_>, _>>()?;
        for (_, document) in &self.entries[range] {
            context.surroundings.refill();
            let scope = Scope::new(document.view()?, context.variables, context.surroundings);
            for (state, (_, field)) in states.iter_mut().zip(&self.bucket.output) {
                context.memory.take(field.add(state, &scope)?)?;
            }
        }
        let mut document = Document::from_iter([("_id", id)]);
        for (state, (name, field)) in states.into_iter().zip(&self.bucket.output) {
            document.append(name.clone(), field.finish(state));
        }
        Doc::made(document)
    }
}

impl Work for Bucketing {
    fn work(&mut self, io: &mut Io<'_>, context: &mut Context<'_>) -> Result<Progress, Error> {
        let worked = !io.inbox.is_empty();
        while let Some(document) = io.inbox.pop_front() {
            context.surroundings.refill();
            let scope = Scope::new(document.view()?, context.variables, context.surroundings);
            let by = value_or_null(&self.bucket.by, &scope)?;
            let held = document.held_bytes() + 4 * size::of(&by);
            self.held += held;
            context.memory.take(held)?;
            self.entries.push((by, document));
        }
        if io.ended {
            self.close(context, io)?;
            context.memory.give(self.held);
        }
        Ok(io.through(worked))
    }
}
