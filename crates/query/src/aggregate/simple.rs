//! Stages that look at one document at a time, or count them: `$match`, `$limit`, `$skip`,
//! `$count`, `$replaceRoot`, `$redact`.

use std::sync::Arc;

use value::{DocView, Document, Value, View};

use super::document::Doc;
use super::work::{Context, Io, Progress, Work};
use crate::expression::operator::{wrong, wrong_kind};
use crate::expression::{Found, Node, Scope};
use crate::{Error, Filter};

/// `$match`.
pub(crate) struct Matching(pub(crate) Filter);

impl Work for Matching {
    fn work(&mut self, io: &mut Io<'_>, _: &mut Context<'_>) -> Result<Progress, Error> {
        io.each(|document| {
            let passes = self.0.check(&document.view()?)?;
            Ok(passes.then_some(document))
        })
    }
}

/// `$limit`.
pub(crate) struct Limiting(pub(crate) u64);

impl Work for Limiting {
    fn work(&mut self, io: &mut Io<'_>, _: &mut Context<'_>) -> Result<Progress, Error> {
        let worked = !io.inbox.is_empty();
        while self.0 > 0
            && let Some(document) = io.inbox.pop_front()
        {
            self.0 -= 1;
            io.out.push_back(document);
        }
        Ok(if self.0 == 0 { Progress::Finished } else { io.through(worked) })
    }
}

/// `$skip`.
pub(crate) struct Skipping(pub(crate) u64);

impl Work for Skipping {
    fn work(&mut self, io: &mut Io<'_>, _: &mut Context<'_>) -> Result<Progress, Error> {
        io.each(|document| {
            let skipped = self.0 > 0;
            self.0 -= u64::from(skipped);
            Ok((!skipped).then_some(document))
        })
    }
}

/// `$count`: one document, or none when nothing came in.
pub(crate) struct Counting {
    pub(crate) name: String,
    pub(crate) count: i64,
}

impl Work for Counting {
    fn work(&mut self, io: &mut Io<'_>, _: &mut Context<'_>) -> Result<Progress, Error> {
        let worked = !io.inbox.is_empty();
        self.count += i64::try_from(io.inbox.len()).unwrap_or(i64::MAX);
        io.inbox.clear();
        if io.ended && self.count > 0 {
            let count = i32::try_from(self.count).map_or(Value::Int64(self.count), Value::Int32);
            io.out.push_back(Doc::Made(Document::from_iter([(self.name.clone(), count)])));
        }
        Ok(io.through(worked))
    }
}

/// `$replaceRoot`.
pub(crate) struct Replacing(pub(crate) Arc<Node>);

impl Work for Replacing {
    fn work(&mut self, io: &mut Io<'_>, context: &mut Context<'_>) -> Result<Progress, Error> {
        io.each(|document| {
            context.surroundings.refill();
            let view = document.view()?;
            let scope = Scope::new(view, context.variables, context.surroundings);
            let found = self.0.eval(&scope)?;
            match found.view() {
                Some(View::Document(_)) => {}
                _ => {
                    return Err(wrong_kind("newRoot", "an object", "对象", &found));
                }
            }
            match found.into_value()? {
                Some(Value::Document(root)) => Doc::made(root).map(Some),
                _ => Ok(None),
            }
        })
    }
}

/// `$redact`.
pub(crate) struct Redacting(pub(crate) Arc<Node>);

impl Work for Redacting {
    fn work(&mut self, io: &mut Io<'_>, context: &mut Context<'_>) -> Result<Progress, Error> {
        io.each(|document| {
            context.surroundings.refill();
            let view = document.view()?;
            let scope = Scope::new(view, context.variables, context.surroundings);
            Ok(match redact(&self.0, &view, &scope)? {
                Redacted::Kept => Some(document),
                Redacted::Cut(document) => Some(Doc::Made(document)),
                Redacted::Gone => None,
            })
        })
    }
}

enum Redacted {
    Kept,
    Cut(Document),
    Gone,
}

/// Judges a document with itself as `$$CURRENT`, then the documents in it.
fn redact(node: &Node, document: &DocView<'_>, scope: &Scope<'_>) -> Result<Redacted, Error> {
    context_spend(scope)?;
    let scope = scope.at(View::Document(*document));
    let verdict = node.eval(&scope)?;
    match verdict.view() {
        Some(View::String("keep")) => Ok(Redacted::Kept),
        Some(View::String("prune")) => Ok(Redacted::Gone),
        Some(View::String("descend")) => {
            let mut cut = Document::new();
            for field in document.iter() {
                let (name, value) = field?;
                if let Some(value) = descend(node, &value, &scope)? {
                    cut.append(name.to_owned(), value);
                }
            }
            Ok(Redacted::Cut(cut))
        }
        _ => Err(wrong("$redact", "$$DESCEND, $$PRUNE or $$KEEP", "$$DESCEND、$$PRUNE 或 $$KEEP")),
    }
}

fn descend(node: &Node, value: &View<'_>, scope: &Scope<'_>) -> Result<Option<Value>, Error> {
    match value {
        View::Document(document) => Ok(match redact(node, document, scope)? {
            Redacted::Kept => Some(value.to_value()?),
            Redacted::Cut(document) => Some(Value::Document(document)),
            Redacted::Gone => None,
        }),
        View::Array(array) => {
            let mut kept = Vec::new();
            for element in array.iter() {
                kept.extend(descend(node, &element?, scope)?);
            }
            Ok(Some(Value::Array(kept)))
        }
        other => Ok(Some(other.to_value()?)),
    }
}

fn context_spend(scope: &Scope<'_>) -> Result<(), Error> {
    scope.surroundings.spend(1)
}

/// The value of an expression, or null.
pub(crate) fn value_or_null(node: &Node, scope: &Scope<'_>) -> Result<Value, Error> {
    node.eval(scope).and_then(Found::into_value_or_null)
}
