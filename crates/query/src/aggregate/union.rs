//! `$unionWith`: the documents so far, then those of another collection.

use std::sync::Arc;

use value::Value;

use super::run::{Chain, ChainStep};
use super::stage::Placed;
use super::work::{Context, Io, Progress, Work};
use crate::Error;
use crate::expression::Names;
use crate::expression::operator::wrong;
use crate::expression::parse::raw_members;

/// A parsed `$unionWith`.
#[derive(Debug, Clone)]
pub(crate) struct Union {
    collection: String,
    stages: Vec<Placed>,
    names: Vec<String>,
}

impl Union {
    pub(crate) fn parse(operand: &Value, names: &mut Names) -> Result<Union, Error> {
        let (collection, pipeline) = match operand {
            Value::String(_) => (Some(operand), None),
            other => {
                let parts = raw_members("$unionWith", other, &["coll", "pipeline"], 1)?;
                (parts[0], parts[1])
            }
        };
        let Some(Value::String(collection)) = collection else {
            return Err(wrong("$unionWith", "a collection's name as coll", "集合名作为 coll"));
        };
        let stages = pipeline
            .map(|stages| super::sub_pipeline(stages, names))
            .transpose()?
            .unwrap_or_default();
        Ok(Union { collection: collection.clone(), stages, names: names.all().to_vec() })
    }

    pub(crate) fn collections(&self, out: &mut Vec<String>) {
        out.push(self.collection.clone());
        self.stages.iter().for_each(|placed| placed.stage.collections(out));
    }
}

/// The stage at work.
pub(crate) struct Uniting {
    union: Arc<Union>,
    chain: Option<Chain>,
}

impl Uniting {
    pub(crate) fn new(union: Arc<Union>) -> Uniting {
        Uniting { union, chain: None }
    }
}

impl Work for Uniting {
    fn work(&mut self, io: &mut Io<'_>, context: &mut Context<'_>) -> Result<Progress, Error> {
        let worked = !io.inbox.is_empty();
        io.out.append(io.inbox);
        if worked || !io.ended {
            return Ok(if worked { Progress::Worked } else { Progress::Idle });
        }
        let chain = self.chain.get_or_insert_with(|| {
            Chain::reading(
                &self.union.stages,
                &self.union.names,
                Some(&self.union.collection),
                context.variables,
                context.surroundings,
                context.next_read,
            )
        });
        let step = chain.step(context)?;
        io.out.append(&mut chain.out);
        Ok(match step {
            ChainStep::Turn => Progress::Worked,
            ChainStep::Read(read) => Progress::Read(read),
            ChainStep::Hungry | ChainStep::Done => Progress::Finished,
        })
    }

    fn supply(
        &mut self,
        page: Vec<bytes::Bytes>,
        ended: bool,
        context: &mut Context<'_>,
    ) -> Result<(), Error> {
        match &mut self.chain {
            Some(chain) => chain.supply(page, ended, context),
            None => Ok(()),
        }
    }
}
