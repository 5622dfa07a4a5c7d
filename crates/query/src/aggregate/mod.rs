//! Aggregation: documents through stages, without waiting.
//!
//! A [`Pipeline`] is parsed once. A [`Run`] is one execution: it says what it needs next
//! ([`Step::Read`] names a collection and a filter), takes pages of raw documents and puts results
//! out. Documents flow one by one; only stages that must hold something hold it, within a limit.
//!
//! - `stage` lists the stages, `run` moves documents through them, `work` is what a stage does;
//! - `source` decides what the first read does itself, `optimize` moves filters forward;
//! - one module per family of stages; `accumulator` is what groups compute.
//!
//! Refused: stages that write (`$merge`, `$out`).

mod accumulator;
mod bucket;
mod document;
mod facet;
mod geo_near;
mod graph;
mod group;
mod joining;
mod lookup;
mod optimize;
mod run;
mod shape;
mod simple;
mod sorting;
mod source;
mod stage;
mod union;
mod unwind;
mod window;
mod windowing;
mod work;

use value::{Document, Value};

use crate::Error;
use crate::expression::Names;
pub use run::{Read, Request, Run, Step};
use stage::Placed;

/// Most stages of a pipeline, those of inner ones not counted; MongoDB's limit.
const STAGES_MAX: usize = 1000;

/// Most pipelines within each other.
const NESTED_MAX: usize = 20;

/// What a run may hold.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes that all stages together may hold in memory.
    pub memory_bytes: usize,
}

impl Default for Limits {
    /// 100 MB.
    fn default() -> Limits {
        Limits { memory_bytes: 100_000_000 }
    }
}

/// A parsed pipeline.
#[derive(Debug, Clone)]
pub struct Pipeline {
    stages: Vec<Placed>,
}

impl Pipeline {
    /// Reads stages such as `[{"$match": {…}}, {"$group": {…}}]`.
    ///
    /// # Errors
    /// Unknown and unsupported stages and operators, wrong operands; each with the stage it is in.
    pub fn parse(stages: &[Document]) -> Result<Pipeline, Error> {
        let stages = parse_stages(stages.iter().map(Some), &mut Names::default())?;
        Ok(Pipeline { stages })
    }

    /// The collections it reads besides its own, sorted, each once.
    pub fn collections(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.stages.iter().for_each(|placed| placed.stage.collections(&mut names));
        names.sort();
        names.dedup();
        names
    }
}

/// The stages of a pipeline within a stage.
fn sub_pipeline(stages: &Value, names: &mut Names) -> Result<Vec<Placed>, Error> {
    let Value::Array(stages) = stages else {
        return Err(Error::malformed(
            "A pipeline must be a list of stages; correct it.",
            "管道必须是由阶段组成的数组,请修改。",
        ));
    };
    parse_stages(stages.iter().map(Value::as_document), names)
}

fn parse_stages<'s>(
    stages: impl ExactSizeIterator<Item = Option<&'s Document>>,
    names: &mut Names,
) -> Result<Vec<Placed>, Error> {
    names.nested += 1;
    if stages.len() > STAGES_MAX || names.nested > NESTED_MAX {
        return Err(Error::malformed(
            format_args!(
                "A pipeline may have {STAGES_MAX} stages and be nested {NESTED_MAX} deep; use \
                 fewer."
            ),
            format_args!("管道最多 {STAGES_MAX} 个阶段、嵌套 {NESTED_MAX} 层,请减少。"),
        ));
    }
    let mut parsed = Vec::with_capacity(stages.len());
    for (position, stage) in stages.enumerate() {
        let Some(stage) = stage else {
            return Err(Error::malformed(
                format_args!("pipeline[{position}] must be an object; correct it."),
                format_args!("pipeline[{position}] 必须是对象,请修改。"),
            ));
        };
        let mut placed = stage::parse_stage(position, stage, names)?;
        if position > 0 && placed.iter().any(|placed| placed.name == "$geoNear") {
            return Err(Error::malformed(
                format_args!(
                    "pipeline[{position}] $geoNear is only valid as the first stage; move it."
                ),
                format_args!("pipeline[{position}] $geoNear 只能作为第一个阶段,请移动。"),
            ));
        }
        parsed.append(&mut placed);
    }
    names.nested -= 1;
    Ok(optimize::optimize(parsed))
}
