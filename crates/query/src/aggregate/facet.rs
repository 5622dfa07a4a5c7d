//! `$facet`: several pipelines over the same documents, each as a list in one document.

use std::sync::Arc;

use value::{Document, Value};

use super::document::Doc;
use super::run::{Chain, ChainStep};
use super::stage::Placed;
use super::work::{Context, Io, Progress, Work};
use crate::Error;
use crate::expression::Names;
use crate::expression::operator::wrong;

/// A parsed `$facet`.
#[derive(Debug, Clone)]
pub(crate) struct Facet {
    pipelines: Vec<(String, Vec<Placed>)>,
    names: Vec<String>,
}

impl Facet {
    pub(crate) fn parse(operand: &Value, names: &mut Names) -> Result<Facet, Error> {
        let facets = match operand {
            Value::Document(facets) if !facets.is_empty() => facets,
            _ => {
                return Err(wrong(
                    "$facet",
                    "an object with at least one pipeline",
                    "至少含一个管道的对象",
                ));
            }
        };
        let mut pipelines = Vec::with_capacity(facets.len());
        for (name, stages) in facets.iter() {
            if name.is_empty() || name.starts_with('$') || name.contains('.') {
                return Err(wrong("$facet", "names without $ and dots", "不含 $ 与点号的名称"));
            }
            let stages = super::sub_pipeline(stages, names)?;
            if let Some(placed) =
                stages.iter().find(|placed| matches!(placed.name, "$facet" | "$geoNear"))
            {
                return Err(Error::malformed(
                    format_args!("{} is not allowed within $facet; move it out.", placed.name),
                    format_args!("$facet 内不能使用 {},请移到外面。", placed.name),
                ));
            }
            pipelines.push((name.to_owned(), stages));
        }
        Ok(Facet { pipelines, names: names.all().to_vec() })
    }

    pub(crate) fn collections(&self, out: &mut Vec<String>) {
        let stages = self.pipelines.iter().flat_map(|(_, stages)| stages);
        stages.for_each(|placed| placed.stage.collections(out));
    }
}

struct Open {
    chain: Chain,
    results: Vec<Value>,
}

/// The stage at work.
pub(crate) struct Faceting {
    facet: Arc<Facet>,
    open: Vec<Open>,
    waiting: usize,
    ended: bool,
    held: usize,
}

impl Faceting {
    pub(crate) fn new(facet: Arc<Facet>) -> Faceting {
        Faceting { facet, open: Vec::new(), waiting: 0, ended: false, held: 0 }
    }

    fn start(&mut self, context: &Context<'_>) {
        let open = |(_, stages): &(String, Vec<Placed>)| Open {
            chain: Chain::fed(stages, &self.facet.names, context.variables, context.surroundings),
            results: Vec::new(),
        };
        self.open = self.facet.pipelines.iter().map(open).collect();
    }
}

impl Work for Faceting {
    fn work(&mut self, io: &mut Io<'_>, context: &mut Context<'_>) -> Result<Progress, Error> {
        if self.open.is_empty() {
            self.start(context);
        }
        for (at, open) in self.open.iter_mut().enumerate() {
            match open.chain.step(context)? {
                ChainStep::Turn => return Ok(Progress::Worked),
                ChainStep::Read(read) => {
                    self.waiting = at;
                    return Ok(Progress::Read(read));
                }
                ChainStep::Hungry | ChainStep::Done => {}
            }
            for document in open.chain.out.drain(..) {
                let held = document.held_bytes();
                self.held += held;
                context.memory.take(held)?;
                open.results.push(Value::Document(document.into_document()?));
            }
        }
        if !io.inbox.is_empty() {
            for document in io.inbox.drain(..) {
                self.open.iter_mut().for_each(|open| open.chain.feed(document.clone()));
            }
            return Ok(Progress::Worked);
        }
        if !io.ended {
            return Ok(Progress::Idle);
        }
        if !self.ended {
            self.ended = true;
            self.open.iter_mut().for_each(|open| open.chain.end());
            return Ok(Progress::Worked);
        }
        let mut document = Document::new();
        for (open, (name, _)) in self.open.drain(..).zip(&self.facet.pipelines) {
            document.append(name.clone(), Value::Array(open.results));
        }
        context.memory.give(self.held);
        io.out.push_back(Doc::made(document)?);
        Ok(Progress::Finished)
    }

    fn supply(
        &mut self,
        page: Vec<bytes::Bytes>,
        ended: bool,
        context: &mut Context<'_>,
    ) -> Result<(), Error> {
        match self.open.get_mut(self.waiting) {
            Some(open) => open.chain.supply(page, ended, context),
            None => Ok(()),
        }
    }
}
