//! The stages there are: how they are read, and how they are started.

use std::sync::Arc;

use value::{Document, Value};

use super::bucket::{self, BucketAuto, Bucketing};
use super::facet::{Facet, Faceting};
use super::geo_near::{GeoNear, Measuring};
use super::graph::{GraphLookup, Walking};
use super::group::{Group, Grouping};
use super::lookup::{LookingUp, Lookup};
use super::shape::{Shape, Shaping};
use super::simple::{Counting, Limiting, Matching, Redacting, Replacing, Skipping};
use super::sorting::{Sampling, Sorting};
use super::source::Bound;
use super::union::{Union, Uniting};
use super::unwind::{Unwind, Unwinding};
use super::window::{self, Windows};
use super::windowing::Windowing;
use super::work::Work;
use crate::expression::operator::wrong;
use crate::expression::{Names, Node, parse};
use crate::{Error, Filter, Sort};

/// A stage and where it was written.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(crate) position: usize,
    pub(crate) name: &'static str,
    pub(crate) stage: Stage,
}

/// A parsed stage.
#[derive(Debug, Clone)]
pub(crate) enum Stage {
    Match(Filter),
    Shape(Arc<Shape>),
    ReplaceRoot(Arc<Node>),
    Redact(Arc<Node>),
    Group(Arc<Group>),
    /// With the limit that follows it, skipped documents included.
    Sort {
        sort: Sort,
        limit: Option<u64>,
    },
    Limit(u64),
    Skip(u64),
    Count(String),
    Sample(u64),
    Unwind(Arc<Unwind>),
    BucketAuto(Arc<BucketAuto>),
    Facet(Arc<Facet>),
    Lookup(Arc<Lookup>),
    Union(Arc<Union>),
    GeoNear(Arc<GeoNear>),
    GraphLookup(Arc<GraphLookup>),
    Windows(Arc<Windows>),
}

/// The names of all stages, so that a parsed one can keep its own.
const NAMES: &[&str] = &[
    "$addFields",
    "$bucket",
    "$bucketAuto",
    "$count",
    "$facet",
    "$fill",
    "$setWindowFields",
    "$geoNear",
    "$graphLookup",
    "$group",
    "$limit",
    "$lookup",
    "$match",
    "$project",
    "$redact",
    "$replaceRoot",
    "$replaceWith",
    "$sample",
    "$set",
    "$skip",
    "$sort",
    "$sortByCount",
    "$unionWith",
    "$unset",
    "$unwind",
];

/// Reads one stage; some are several simpler ones.
pub(crate) fn parse_stage(
    position: usize,
    stage: &Document,
    names: &mut Names,
) -> Result<Vec<Placed>, Error> {
    let (Some((name, operand)), 1) = (stage.first(), stage.len()) else {
        return Err(Error::malformed(
            format_args!("pipeline[{position}] must have exactly one member; correct it."),
            format_args!("pipeline[{position}] 必须只含一个成员,请修改。"),
        ));
    };
    let Some(known) = NAMES.iter().find(|known| **known == name) else {
        return Err(unknown(position, name));
    };
    let stages =
        parse_known(known, operand, names).map_err(|error| error.in_stage(position, known))?;
    Ok(stages.into_iter().map(|stage| Placed { position, name: known, stage }).collect())
}

fn unknown(position: usize, name: &str) -> Error {
    if matches!(name, "$merge" | "$out") {
        return Error::malformed(
            format_args!(
                "pipeline[{position}] {name}: an aggregation does not write; write its results in \
                 a cloud function."
            ),
            format_args!("pipeline[{position}] {name}:聚合不能写入数据,请在云函数中写入结果。"),
        );
    }
    Error::malformed(
        format_args!(
            "pipeline[{position}]: unrecognized pipeline stage name '{name}'; use one of the \
             documented stages."
        ),
        format_args!("pipeline[{position}]:不支持聚合阶段 '{name}',请使用文档列出的阶段。"),
    )
}

fn parse_known(name: &str, operand: &Value, names: &mut Names) -> Result<Vec<Stage>, Error> {
    let stage = match name {
        "$addFields" | "$set" => Stage::Shape(Arc::new(Shape::add(name, operand, names)?)),
        "$project" => Stage::Shape(Arc::new(Shape::project(operand, names)?)),
        "$unset" => Stage::Shape(Arc::new(Shape::unset(operand)?)),
        "$match" => Stage::Match(filter(operand, names)?),
        "$group" => Stage::Group(Arc::new(Group::parse(operand, names)?)),
        "$sort" => Stage::Sort { sort: sort(operand)?, limit: None },
        "$limit" => Stage::Limit(count(name, operand, 1)?),
        "$skip" => Stage::Skip(count(name, operand, 0)?),
        "$count" => Stage::Count(count_name(operand)?),
        "$sample" => Stage::Sample(sample_size(operand)?),
        "$unwind" => Stage::Unwind(Arc::new(Unwind::parse(operand)?)),
        "$replaceRoot" => {
            let parts = parse::members(name, operand, &["newRoot"], 1, names)?;
            Stage::ReplaceRoot(Arc::new(parts.into_iter().next().unwrap_or(Node::Nothing)))
        }
        "$replaceWith" => Stage::ReplaceRoot(Arc::new(parse::parse(operand, names)?)),
        "$redact" => {
            let mut names = names.clone();
            names.redacting = true;
            Stage::Redact(Arc::new(parse::parse(operand, &mut names)?))
        }
        "$sortByCount" => return sort_by_count(operand, names),
        "$bucket" => return bucket::parse(operand, names),
        "$bucketAuto" => Stage::BucketAuto(Arc::new(BucketAuto::parse(operand, names)?)),
        "$facet" => Stage::Facet(Arc::new(Facet::parse(operand, names)?)),
        "$lookup" => Stage::Lookup(Arc::new(Lookup::parse(operand, names)?)),
        "$fill" => return window::parse_fill(operand, names),
        "$setWindowFields" => Stage::Windows(Arc::new(Windows::parse(operand, names)?)),
        "$geoNear" => return GeoNear::parse(operand),
        "$graphLookup" => Stage::GraphLookup(Arc::new(GraphLookup::parse(operand, names)?)),
        "$unionWith" => Stage::Union(Arc::new(Union::parse(operand, names)?)),
        _ => return Err(Error::unknown_operator(name, "")),
    };
    Ok(vec![stage])
}

/// A filter; `$expr` in it may use the variables around the pipeline.
fn filter(operand: &Value, names: &Names) -> Result<Filter, Error> {
    let Value::Document(filter) = operand else {
        return Err(wrong("$match", "a filter", "条件对象"));
    };
    let filter = Filter::parse_open(filter)?;
    filter.check_closed(names.all())?;
    Ok(filter)
}

fn sort(operand: &Value) -> Result<Sort, Error> {
    match operand {
        Value::Document(sort) if !sort.is_empty() => Sort::parse(sort),
        _ => Err(wrong("$sort", "at least one field", "至少一个字段")),
    }
}

/// A whole number however it is stored.
pub(crate) fn count(name: &str, operand: &Value, least: u64) -> Result<u64, Error> {
    let number = operand.as_i64().and_then(|number| u64::try_from(number).ok());
    number.filter(|number| *number >= least).ok_or_else(|| {
        wrong(
            name,
            &format!("a whole number of at least {least}"),
            &format!("不小于 {least} 的整数"),
        )
    })
}

fn count_name(operand: &Value) -> Result<String, Error> {
    match operand {
        Value::String(name)
            if !name.is_empty() && !name.starts_with('$') && !name.contains(['.', '\0']) =>
        {
            Ok(name.clone())
        }
        _ => Err(wrong("$count", "a field name without $ and dots", "不含 $ 与点号的字段名")),
    }
}

/// `{size: 3}`, or the bare number some SDKs send.
fn sample_size(operand: &Value) -> Result<u64, Error> {
    match operand {
        Value::Document(members) if members.len() == 1 => {
            count("$sample", members.get("size").unwrap_or(&Value::Null), 1)
        }
        other => count("$sample", other, 1),
    }
}

fn sort_by_count(operand: &Value, names: &mut Names) -> Result<Vec<Stage>, Error> {
    if !matches!(operand, Value::String(path) if path.starts_with('$'))
        && !matches!(operand, Value::Document(_))
    {
        return Err(wrong("$sortByCount", "a path or an expression", "路径或表达式"));
    }
    let sum = Document::from_iter([("$sum", 1)]);
    let group = Document::from_iter([("_id", operand.clone()), ("count", sum.into())]);
    Ok(vec![
        Stage::Group(Arc::new(Group::parse(&group.into(), names)?)),
        Stage::Sort { sort: Sort::parse(&Document::from_iter([("count", -1)]))?, limit: None },
    ])
}

impl Stage {
    /// The stage at work.
    pub(crate) fn start(&self, bound: &Bound<'_>) -> Box<dyn Work> {
        match self {
            Stage::Match(filter) => Box::new(Matching(bound.filter(filter))),
            Stage::Shape(shape) => Box::new(Shaping(Arc::clone(shape))),
            Stage::ReplaceRoot(root) => Box::new(Replacing(Arc::clone(root))),
            Stage::Redact(redact) => Box::new(Redacting(Arc::clone(redact))),
            Stage::Group(group) => Box::new(Grouping::new(Arc::clone(group))),
            Stage::Sort { sort, limit } => Box::new(Sorting::new(sort.clone(), *limit)),
            Stage::Limit(limit) => Box::new(Limiting(*limit)),
            Stage::Skip(skip) => Box::new(Skipping(*skip)),
            Stage::Count(name) => Box::new(Counting { name: name.clone(), count: 0 }),
            Stage::Sample(size) => Box::new(Sampling::new(*size)),
            Stage::Unwind(unwind) => Box::new(Unwinding::new(Arc::clone(unwind))),
            Stage::BucketAuto(bucket) => Box::new(Bucketing::new(Arc::clone(bucket))),
            Stage::Facet(facet) => Box::new(Faceting::new(Arc::clone(facet))),
            Stage::Lookup(lookup) => Box::new(LookingUp::new(Arc::clone(lookup))),
            Stage::GeoNear(geo_near) => Box::new(Measuring(Arc::clone(geo_near))),
            Stage::GraphLookup(graph) => Box::new(Walking::new(Arc::clone(graph))),
            Stage::Windows(windows) => Box::new(Windowing::new(Arc::clone(windows))),
            Stage::Union(union) => Box::new(Uniting::new(Arc::clone(union))),
        }
    }

    /// Pipelines and collections within this stage.
    pub(crate) fn collections(&self, out: &mut Vec<String>) {
        match self {
            Stage::Lookup(lookup) => lookup.collections(out),
            Stage::Union(union) => union.collections(out),
            Stage::GraphLookup(graph) => graph.collections(out),
            Stage::Facet(facet) => facet.collections(out),
            _ => {}
        }
    }
}
