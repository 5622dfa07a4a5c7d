//! One case: what is asked of the language and what it answers.

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value as Json, json};

use query::expression::{Expression, Surroundings};
use query::{Filter, Projection, Sort, Update};
use value::{DocView, Document, RawDoc, Value, ejson};

use crate::pipeline;

/// `{"ok": …}` or `{"error": "…"}`.
pub fn answer(line: &str) -> Json {
    let outcome = serde_json::from_str(line).context("a case is one line of JSON");
    match outcome.and_then(|case: Json| ask(&case)) {
        Ok(answer) => json!({ "ok": answer }),
        Err(error) => json!({ "error": error.to_string() }),
    }
}

fn ask(case: &Json) -> Result<Json> {
    let documents = documents(&case["documents"])?;
    match case["kind"].as_str().unwrap_or_default() {
        "canonical" => Ok(documents.iter().map(ejson::canonical).collect()),
        "expression" => valued(&documents, &case["expression"]),
        "pipeline" => pipeline::run(documents, &case["collections"], &case["pipeline"]),
        "filter" => matches(&documents, &case["filter"]),
        "sort" => order(&documents, &case["sort"]),
        "projection" => projected(&documents, &case["projection"]),
        "update" => updated(&documents, case),
        other => bail!("no kind of case is called '{other}'"),
    }
}

/// The indexes of the documents that pass.
fn matches(documents: &[Document], filter: &Json) -> Result<Json> {
    let filter = Filter::parse(&document(filter)?)?;
    let mut found = Vec::new();
    for (index, document) in documents.iter().enumerate() {
        if filter.matches(&RawDoc::new(&document.to_bytes())?) {
            found.push(index);
        }
    }
    Ok(json!(found))
}

/// The indexes of the documents in their order.
fn order(documents: &[Document], sort: &Json) -> Result<Json> {
    let sort = Sort::parse(&document(sort)?)?;
    let mut keyed = Vec::new();
    for (index, document) in documents.iter().enumerate() {
        keyed.push((sort.key(&RawDoc::new(&document.to_bytes())?), index));
    }
    keyed.sort();
    Ok(keyed.into_iter().map(|(_, index)| index).collect())
}

/// The documents as projected.
fn projected(documents: &[Document], projection: &Json) -> Result<Json> {
    let projection = Projection::parse(&document(projection)?)?;
    let apply = |document: &Document| -> Result<Json> {
        Ok(ejson::plain(&projection.apply(&RawDoc::new(&document.to_bytes())?)?))
    };
    documents.iter().map(apply).collect()
}

/// Per document: whether it changed and what it became, or its error.
fn updated(documents: &[Document], case: &Json) -> Result<Json> {
    let update = Update::parse(&document(&case["update"])?)?;
    let apply = |before: &Document| {
        let mut after = before.clone();
        match update.apply(&mut after) {
            Ok(changed) => json!({ "changed": changed, "document": ejson::plain(&after) }),
            Err(error) => json!({ "error": error.to_string() }),
        }
    };
    Ok(documents.iter().map(apply).collect())
}

/// What the expression gives for the only document: `{"value": …}`, or nothing.
fn valued(only: &[Document], expression: &Json) -> Result<Json> {
    let expression = Expression::parse(&ejson::from_json(expression, 0)?)?;
    let document = only.first().ok_or_else(|| anyhow!("no document"))?;
    let value = expression.evaluate(&DocView::Owned(document), &Surroundings::new(0, 0))?;
    Ok(value.map_or(json!({}), |value| json!({ "value": ejson::plain_value(&value) })))
}

pub(crate) fn documents(json: &Json) -> Result<Vec<Document>> {
    let list = json.as_array().ok_or_else(|| anyhow!("documents is no list"))?;
    list.iter().map(document).collect()
}

pub(crate) fn document(json: &Json) -> Result<Document> {
    match ejson::from_json(json, 0)? {
        Value::Document(document) => Ok(document),
        other => bail!("not a document: {other:?}"),
    }
}
