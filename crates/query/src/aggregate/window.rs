//! `$setWindowFields`: fields computed from the documents around each one, within its partition
//! and in an order; and `$fill`, which is made of it.

use std::sync::Arc;

use value::{Document, Value, View};

use super::accumulator::Accumulator;
use super::stage::Stage;
use crate::expression::operator::{whole_of, wrong};
use crate::expression::parse::{parse as parse_node, raw_members, segments};
use crate::expression::{Names, Node};
use crate::{Error, Sort};

/// A parsed `$setWindowFields`.
#[derive(Debug, Clone)]
pub(crate) struct Windows {
    pub(super) partition: Node,
    pub(super) sort: Sort,
    /// The value documents are sorted by, when it is one field.
    pub(super) place: Option<Node>,
    pub(super) fields: Vec<(Vec<String>, Function)>,
}

/// What a field is computed by.
#[derive(Debug, Clone)]
pub(crate) enum Function {
    Accumulate(Box<Accumulator>, Window),
    Rank,
    DenseRank,
    DocumentNumber,
    /// The value some documents away, or a default.
    Shift {
        output: Node,
        by: i64,
        default: Value,
    },
    /// The last value that was there.
    Carry(Node),
    /// Between the values that are there, in proportion to the place.
    Linear(Node),
}

/// Which documents around one are meant: how many from it, or how far in the order.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Window {
    Documents { from: Option<i64>, to: Option<i64> },
    Range { from: Option<f64>, to: Option<f64> },
}

impl Windows {
    pub(crate) fn parse(operand: &Value, names: &mut Names) -> Result<Windows, Error> {
        let stage = "$setWindowFields";
        let parts = raw_members(stage, operand, &["output", "partitionBy", "sortBy"], 1)?;
        let (sort, place) = read_sort(stage, parts[2])?;
        let Some(Value::Document(output)) = parts[0] else {
            return Err(wrong(stage, "an object as output", "对象作为 output"));
        };
        let mut fields = Vec::with_capacity(output.len());
        for (name, value) in output.iter() {
            let Value::Document(written) = value else {
                return Err(wrong(stage, "one function for each field", "每个字段一个窗口函数"));
            };
            let function = read_function(written, place.is_some(), !sort.is_empty(), names)?;
            fields.push((segments(name)?, function));
        }
        let partition = match parts[1] {
            Some(by) => parse_node(by, names)?,
            None => Node::Constant(Value::Null),
        };
        Ok(Windows { partition, sort, place, fields })
    }
}

fn read_sort(stage: &str, written: Option<&Value>) -> Result<(Sort, Option<Node>), Error> {
    match written {
        None => Ok((Sort::none(), None)),
        Some(Value::Document(written)) => {
            let place = match (written.first(), written.len()) {
                (Some((path, direction)), 1) if direction.as_i64() == Some(1) => {
                    Some(Node::Field(segments(path)?))
                }
                _ => None,
            };
            Ok((Sort::parse(written)?, place))
        }
        Some(_) => Err(wrong(stage, "fields as sortBy", "字段作为 sortBy")),
    }
}

fn read_function(
    written: &Document,
    has_place: bool,
    has_order: bool,
    names: &mut Names,
) -> Result<Function, Error> {
    let mut function = written.clone();
    let window = function.remove("window");
    let (name, operand) = match (function.first(), function.len()) {
        (Some((name, operand)), 1) => (name.to_owned(), operand.clone()),
        _ => {
            return Err(wrong(
                "$setWindowFields",
                "one function for each field",
                "每个字段一个窗口函数",
            ));
        }
    };
    let ranked = match name.as_str() {
        "$rank" => Some(Function::Rank),
        "$denseRank" => Some(Function::DenseRank),
        "$documentNumber" => Some(Function::DocumentNumber),
        "$shift" => Some(read_shift(&operand, names)?),
        "$locf" => Some(Function::Carry(parse_node(&operand, names)?)),
        "$linearFill" if has_place => Some(Function::Linear(parse_node(&operand, names)?)),
        "$linearFill" => {
            return Err(wrong(
                "$linearFill",
                "a sortBy of one ascending field",
                "单个升序字段的 sortBy",
            ));
        }
        "$derivative" | "$integral" | "$expMovingAvg" | "$covariancePop" | "$covarianceSamp" => {
            return Err(Error::unknown_operator(&name, "window"));
        }
        _ => None,
    };
    if let Some(ranked) = ranked {
        if window.is_some() {
            return Err(wrong(&name, "no window", "去掉 window"));
        }
        if !has_order && !matches!(ranked, Function::Carry(_)) {
            return Err(wrong(&name, "a sortBy", "sortBy"));
        }
        return Ok(ranked);
    }
    let accumulator = Accumulator::parse(&Value::Document(function), names)?;
    let window = read_window(window.as_ref(), has_place)?;
    Ok(Function::Accumulate(Box::new(accumulator), window))
}

fn read_shift(operand: &Value, names: &mut Names) -> Result<Function, Error> {
    let parts = raw_members("$shift", operand, &["output", "by", "default"], 2)?;
    let by = parts[1].and_then(|by| whole_of(&View::from(by)));
    let default = match parts[2] {
        None => Value::Null,
        Some(default) => match parse_node(default, names)? {
            Node::Constant(default) => default,
            _ => return Err(wrong("$shift", "a constant default", "常量 default")),
        },
    };
    Ok(Function::Shift {
        output: parse_node(parts[0].unwrap_or(&Value::Null), names)?,
        by: by.ok_or_else(|| wrong("$shift", "a whole number as by", "整数作为 by"))?,
        default,
    })
}

fn read_window(written: Option<&Value>, has_place: bool) -> Result<Window, Error> {
    let Some(written) = written else {
        return Ok(Window::Documents { from: None, to: None });
    };
    let parts = raw_members("window", written, &["documents", "range", "unit"], 0)?;
    let refused = || {
        wrong(
            "window",
            "documents or range as [from, to] of numbers, \"current\" or \"unbounded\"",
            "documents 或 range,形如 [起, 止],可为数字、\"current\" 或 \"unbounded\"",
        )
    };
    let bounds = |value: &Value| -> Result<[Option<f64>; 2], Error> {
        let Value::Array(bounds) = value else { return Err(refused()) };
        let [from, to] = bounds.as_slice() else { return Err(refused()) };
        let bound = |bound: &Value| match bound {
            Value::String(text) if text == "unbounded" => Ok(None),
            Value::String(text) if text == "current" => Ok(Some(0.0)),
            number => number.as_f64().map(Some).ok_or_else(refused),
        };
        let both = [bound(from)?, bound(to)?];
        match both {
            [Some(from), Some(to)] if from > to => Err(refused()),
            both => Ok(both),
        }
    };
    match (parts[0], parts[1]) {
        (Some(documents), None) if parts[2].is_none() => {
            let [from, to] = bounds(documents)?;
            let number = |bound: Option<f64>| bound.map(|bound| bound as i64);
            Ok(Window::Documents { from: number(from), to: number(to) })
        }
        (None, Some(range)) if has_place => {
            let unit = match parts[2].and_then(Value::as_str) {
                None if parts[2].is_none() => 1.0,
                Some("week") => 604_800_000.0,
                Some("day") => 86_400_000.0,
                Some("hour") => 3_600_000.0,
                Some("minute") => 60_000.0,
                Some("second") => 1000.0,
                Some("millisecond") => 1.0,
                _ => {
                    return Err(wrong(
                        "window",
                        "a unit from week to millisecond",
                        "week 到 millisecond 之间的 unit",
                    ));
                }
            };
            let [from, to] = bounds(range)?;
            Ok(Window::Range { from: from.map(|n| n * unit), to: to.map(|n| n * unit) })
        }
        (None, Some(_)) => Err(wrong(
            "window",
            "a sortBy of one ascending field for range",
            "range 需要单个升序字段的 sortBy",
        )),
        _ => Err(refused()),
    }
}

/// `$fill` as the stages it is made of.
pub(crate) fn parse_fill(operand: &Value, names: &mut Names) -> Result<Vec<Stage>, Error> {
    let known = ["output", "partitionBy", "partitionByFields", "sortBy"];
    let parts = raw_members("$fill", operand, &known, 1)?;
    let Some(Value::Document(output)) = parts[0] else {
        return Err(wrong("$fill", "an object as output", "对象作为 output"));
    };
    let partition = match (parts[1], parts[2]) {
        (Some(by), None) => parse_node(by, names)?,
        (None, Some(Value::Array(fields))) => {
            let paths = fields.iter().map(|field| match field {
                Value::String(path) => Ok(Value::String(format!("${path}"))),
                _ => Err(wrong(
                    "$fill",
                    "names as partitionByFields",
                    "字段名作为 partitionByFields",
                )),
            });
            parse_node(&Value::Array(paths.collect::<Result<_, Error>>()?), names)?
        }
        (None, None) => Node::Constant(Value::Null),
        _ => {
            return Err(wrong(
                "$fill",
                "partitionBy or partitionByFields",
                "partitionBy 或 partitionByFields",
            ));
        }
    };
    let (sort, place) = read_sort("$fill", parts[3])?;
    let (mut constants, mut fields) = (Document::new(), Vec::new());
    for (name, written) in output.iter() {
        let path = segments(name)?;
        let value = raw_members("$fill", written, &["value", "method"], 0)?;
        let method = value[1].and_then(Value::as_str);
        match (value[0], method) {
            (Some(value), None) => {
                let operands = vec![Value::String(format!("${name}")), value.clone()];
                let fallback = Document::from_iter([("$ifNull", Value::Array(operands))]);
                constants.insert(name, fallback);
            }
            (None, Some("locf")) if !sort.is_empty() => {
                fields.push((path.clone(), Function::Carry(Node::Field(path))));
            }
            (None, Some("linear")) if place.is_some() => {
                fields.push((path.clone(), Function::Linear(Node::Field(path))));
            }
            _ => {
                return Err(wrong(
                    "$fill",
                    "a value, or the method locf or linear with a sortBy",
                    "value,或带 sortBy 的 locf、linear 方法",
                ));
            }
        }
    }
    let mut stages = Vec::new();
    if !fields.is_empty() {
        stages.push(Stage::Windows(Arc::new(Windows { partition, sort, place, fields })));
    }
    if !constants.is_empty() {
        let shape = super::shape::Shape::add("$fill", &constants.into(), names)?;
        stages.push(Stage::Shape(Arc::new(shape)));
    }
    Ok(stages)
}
