//! `$group`: documents with equal keys become one. A group is found by the bytes of its key, so
//! that a document of a known group costs no copy.

use std::collections::HashMap;
use std::sync::Arc;

use value::{Document, Value, View, key};

use super::accumulator::{Accumulator, State};
use super::document::Doc;
use super::work::{Context, Io, PORTION, Progress, Work};
use crate::Error;
use crate::expression::operator::wrong;
use crate::expression::{Names, Node, Scope, parse};

/// A parsed `$group`.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) id: Node,
    pub(crate) fields: Vec<(String, Accumulator)>,
}

impl Group {
    /// Reads `{_id: expression, name: {$accumulator: …}, …}`.
    pub(crate) fn parse(operand: &Value, names: &mut Names) -> Result<Group, Error> {
        let Value::Document(specification) = operand else {
            return Err(wrong("$group", "an object", "对象"));
        };
        let mut id = None;
        let mut fields = Vec::new();
        for (name, value) in specification.iter() {
            if name == "_id" {
                id = Some(parse::parse(value, names)?);
            } else {
                fields.push((name.to_owned(), field(name, value, names)?));
            }
        }
        let id =
            id.ok_or_else(|| wrong("$group", "an _id (null for one group)", "_id(单组时为 null)"))?;
        Ok(Group { id, fields })
    }
}

/// One field of a group or a bucket.
pub(crate) fn field(name: &str, value: &Value, names: &mut Names) -> Result<Accumulator, Error> {
    if name.is_empty() || name.contains('.') || name.starts_with('$') {
        return Err(Error::malformed(
            format_args!("The group field '{name}' must not be empty, begin with $ or hold a dot."),
            format_args!("分组字段名 '{name}' 不能为空、以 $ 开头或包含点号,请修改。"),
        ));
    }
    Accumulator::parse(value, names)
}

/// One group on its way.
struct Open {
    id: Value,
    states: Vec<State>,
}

/// The stage at work.
pub(crate) struct Grouping {
    group: Arc<Group>,
    places: HashMap<Box<[u8]>, usize>,
    open: Vec<Open>,
    held: usize,
    key: Vec<u8>,
    closing: Option<std::vec::IntoIter<Open>>,
}

impl Grouping {
    pub(crate) fn new(group: Arc<Group>) -> Grouping {
        Grouping {
            group,
            places: HashMap::new(),
            open: Vec::new(),
            held: 0,
            key: Vec::new(),
            closing: None,
        }
    }

    fn take(&mut self, document: &Doc, context: &mut Context<'_>) -> Result<(), Error> {
        context.surroundings.refill();
        let scope = Scope::new(document.view()?, context.variables, context.surroundings);
        let id = self.group.id.eval(&scope)?;
        self.key.clear();
        key::push_view(&id.view().unwrap_or(View::Null), &mut self.key);
        let mut held = 0;
        let place = match self.places.get(self.key.as_slice()) {
            Some(place) => *place,
            None => {
                let id = id.into_value_or_null()?;
                let states = self
                    .group
                    .fields
                    .iter()
                    .map(|(_, accumulator)| accumulator.start(&id, &scope))
                    .collect::<Result<Vec<_>, _>>()?;
                held += 4 * self.key.len() + 128 + states.len() * std::mem::size_of::<State>();
                self.open.push(Open { id, states });
                self.places.insert(self.key.as_slice().into(), self.open.len() - 1);
                self.open.len() - 1
            }
        };
        let states = &mut self.open[place].states;
        for (state, (_, accumulator)) in states.iter_mut().zip(&self.group.fields) {
            held += accumulator.add(state, &scope)?;
        }
        if held > 0 {
            self.held += held;
            context.memory.take(held)?;
        }
        Ok(())
    }

    fn close(&self, open: Open) -> Result<Doc, Error> {
        let mut document = Document::with_capacity(self.group.fields.len() + 1);
        document.append("_id".to_owned(), open.id);
        for (state, (name, accumulator)) in open.states.into_iter().zip(&self.group.fields) {
            document.append(name.clone(), accumulator.finish(state));
        }
        Doc::made(document)
    }
}

impl Work for Grouping {
    fn work(&mut self, io: &mut Io<'_>, context: &mut Context<'_>) -> Result<Progress, Error> {
        if let Some(mut closing) = self.closing.take() {
            for open in closing.by_ref().take(PORTION) {
                io.out.push_back(self.close(open)?);
            }
            if closing.len() > 0 {
                self.closing = Some(closing);
                return Ok(Progress::Worked);
            }
            context.memory.give(self.held);
            return Ok(Progress::Finished);
        }
        let worked = !io.inbox.is_empty();
        while let Some(document) = io.inbox.pop_front() {
            self.take(&document, context)?;
        }
        if io.ended {
            self.places = HashMap::new();
            self.closing = Some(std::mem::take(&mut self.open).into_iter());
            return Ok(Progress::Worked);
        }
        Ok(if worked { Progress::Worked } else { Progress::Idle })
    }
}
