//! Runs a pipeline over collections that are given with it.

use std::collections::HashMap;

use anyhow::Result;
use query::aggregate::{Limits, Request, Run, Step};
use query::expression::Surroundings;
use query::{Error, Pipeline};
use serde_json::Value as Json;
use value::{DocView, Document, ejson};

use crate::case;

/// The results, in their order. `collections` are those that the pipeline looks up, by name.
pub fn run(documents: Vec<Document>, collections: &Json, stages: &Json) -> Result<Json> {
    let mut known = HashMap::from([(None, documents)]);
    for (name, documents) in collections.as_object().into_iter().flatten() {
        known.insert(Some(name.clone()), case::documents(documents)?);
    }
    let pipeline = Pipeline::parse(&case::documents(stages)?)?;
    let mut run = Run::new(&pipeline, Surroundings::new(0, 0), &Limits::default());
    let mut results = Vec::new();
    loop {
        let step = run.step()?;
        for bytes in run.take()? {
            results.push(ejson::plain(&Document::from_bytes(&bytes)?));
        }
        match step {
            Step::Turn => {}
            Step::Read(read) => {
                let none = Vec::new();
                let from = known.get(&read.request.collection).unwrap_or(&none);
                run.supply(wanted(from, &read.request)?, true)?;
            }
            Step::Done => return Ok(Json::Array(results)),
        }
    }
}

fn wanted(documents: &[Document], request: &Request) -> Result<Vec<bytes::Bytes>, Error> {
    let mut found = Vec::new();
    for one in documents {
        if request.filter.check(&DocView::Owned(one))? {
            found.push(bytes::Bytes::from(one.to_bytes()));
        }
    }
    if !request.sort.is_empty() {
        let place = |bytes: &bytes::Bytes| {
            value::RawDoc::new(bytes).map(|document| request.sort.key(&document)).ok()
        };
        found.sort_by_cached_key(place);
    }
    let skip = usize::try_from(request.skip).unwrap_or(usize::MAX);
    let limit = request.limit.map_or(usize::MAX, |limit| limit.try_into().unwrap_or(usize::MAX));
    Ok(found.into_iter().skip(skip).take(limit).collect())
}
