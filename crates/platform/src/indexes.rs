//! Indexes as their administrator sees them, and what a project's file says of them.
//!
//! An index of `yunkai.json` is created at deploy, made anew when the file says something else, and
//! dropped when the file no longer has it; what was created otherwise is left alone. Which came
//! from the file is kept in `system.indexes`.

use std::collections::BTreeMap;

pub use engine::{Explanation, IndexInfo, IndexKind, IndexSpec, IndexState};

use engine::{Change, Modify, Remove};
use query::{Filter, Projection, Sort};
use value::{Document, RawDoc, Value};

use crate::caller::Context;
use crate::database::{self, check_name, check_privileged};
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::journal::Event;

/// Which indexes came from the project's file.
const COLLECTION: &str = "system.indexes";

/// The indexes of a collection, that of `_id` first; only for privileged callers.
pub async fn list(context: &Context, collection: &str) -> Result<Vec<IndexInfo>> {
    check(context, collection)?;
    Ok(context.environment.engine().indexes(collection).await?)
}

/// Creates an index and answers its name once it is in use; only for privileged callers.
pub async fn create(context: &Context, collection: &str, spec: IndexSpec) -> Result<String> {
    check(context, collection)?;
    Ok(context.environment.engine().create_index(collection, spec).await?)
}

/// Drops an index; only for privileged callers.
pub async fn drop_index(context: &Context, collection: &str, name: &str) -> Result<()> {
    check(context, collection)?;
    Ok(context.environment.engine().drop_index(collection, name).await?)
}

/// Runs a query and says how it was carried out; only for privileged callers.
pub async fn explain(context: &Context, find: database::Find) -> Result<Explanation> {
    check(context, &find.collection)?;
    let find = engine::Find {
        filter: Filter::parse(&find.filter)?,
        sort: Sort::parse(&find.order)?,
        projection: Projection::parse(&find.projection)?,
        collection: find.collection,
        skip: find.skip,
        limit: find.limit,
    };
    Ok(context.environment.engine().explain(&find).await?)
}

/// Reads the keys of an index: `{"a": 1, "b": -1, "place": "2dsphere"}`.
pub fn parse_keys(keys: &Document) -> Result<Vec<(String, IndexKind)>> {
    Ok(IndexSpec::parse_keys(keys)?)
}

fn check(context: &Context, collection: &str) -> Result<()> {
    check_privileged(context)?;
    check_name(collection)
}

/// Makes the indexes of each named collection what the project's file says. Every one that is
/// created, dropped or refused is noted in the journal; one that is refused keeps no other.
pub async fn apply(environment: &Environment, wanted: &BTreeMap<String, Vec<IndexSpec>>) {
    // One after another: a later file must not be overtaken by an earlier one.
    let _turn = environment.index_turn().lock().await;
    if let Err(error) = try_apply(environment, wanted).await {
        note(environment, "indexes", Some(&error));
    }
}

async fn try_apply(
    environment: &Environment,
    wanted: &BTreeMap<String, Vec<IndexSpec>>,
) -> Result<()> {
    environment.engine().ensure_collection(COLLECTION).await?;
    for (collection, name) in from_file(environment).await? {
        let specs = wanted.get(&collection).map(Vec::as_slice).unwrap_or_default();
        if !specs.iter().any(|spec| spec.name == name) {
            drop_one(environment, &collection, &name).await?;
        }
    }
    for (collection, specs) in wanted {
        for spec in specs {
            let subject = format!("{collection}.{}", spec.name);
            match create_one(environment, collection, spec).await {
                Ok(true) => note(environment, &subject, None),
                Ok(false) => {}
                Err(error) => note(environment, &subject, Some(&error)),
            }
        }
    }
    Ok(())
}

/// Creates an index unless it is there just so; says whether anything was done.
async fn create_one(environment: &Environment, collection: &str, spec: &IndexSpec) -> Result<bool> {
    let engine = environment.engine();
    let existing = engine.indexes(collection).await?;
    let same_name = existing.iter().find(|it| it.spec.name == spec.name);
    if same_name.is_some_and(|it| it.spec == *spec && it.state == IndexState::Ready) {
        remember(environment, collection, &spec.name).await?;
        return Ok(false);
    }
    if same_name.is_some_and(|it| it.spec != *spec) {
        engine.drop_index(collection, &spec.name).await?;
    }
    remember(environment, collection, &spec.name).await?;
    environment.record(Event::Notice {
        text: format!(
            "The index {collection}.{0} is being filled; queries use it when it is ready. / 正在建立\
             索引 {collection}.{0},完成后查询将自动使用。",
            spec.name
        ),
    });
    engine.create_index(collection, spec.clone()).await?;
    Ok(true)
}

async fn drop_one(environment: &Environment, collection: &str, name: &str) -> Result<()> {
    match environment.engine().drop_index(collection, name).await {
        Ok(()) | Err(engine::Error::IndexMissing { .. }) => {}
        Err(engine::Error::CollectionMissing { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let filter = Filter::parse(&key(collection, name))?;
    let remove = Remove { collection: COLLECTION.to_owned(), filter, multi: false };
    environment.engine().remove(remove).await?;
    let text = "Dropped: it is no longer in yunkai.json. / 已删除:yunkai.json 中不再包含该索引。";
    let subject = format!("{collection}.{name}");
    environment.record(Event::Deployment { subject, succeeded: true, text: text.to_owned() });
    Ok(())
}

fn key(collection: &str, name: &str) -> Document {
    // Neither name can be mistaken for the other's part.
    let id = serde_json::json!([collection, name]).to_string();
    [("_id".to_owned(), Value::String(id))].into_iter().collect()
}

async fn remember(environment: &Environment, collection: &str, name: &str) -> Result<()> {
    let text = |text: &str| Value::String(text.to_owned());
    let origin = [("collection".to_owned(), text(collection)), ("index".to_owned(), text(name))];
    let origin: Document = origin.into_iter().collect();
    let modify = Modify {
        collection: COLLECTION.to_owned(),
        filter: Filter::parse(&key(collection, name))?,
        change: Change::Replace(origin),
        multi: false,
        upsert: true,
    };
    environment.engine().modify(modify).await?;
    Ok(())
}

/// Collection and name of every index that came from the file.
async fn from_file(environment: &Environment) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut cursor = environment.engine().cursor(COLLECTION, Filter::all()).await?;
    loop {
        let page = cursor.next(100, usize::MAX).await?;
        if page.is_empty() {
            return Ok(found);
        }
        for bytes in page {
            let document = RawDoc::new(&bytes).and_then(|raw| raw.to_document());
            let Ok(origin) = document else { continue };
            if let (Some(Value::String(collection)), Some(Value::String(name))) =
                (origin.get("collection"), origin.get("index"))
            {
                found.push((collection.clone(), name.clone()));
            }
        }
    }
}

fn note(environment: &Environment, subject: &str, error: Option<&Error>) {
    let text = match error {
        None => "The index is ready. / 索引已就绪。".to_owned(),
        Some(error) => error.message().to_owned(),
    };
    let subject = format!("index {subject}");
    environment.record(Event::Deployment { subject, succeeded: error.is_none(), text });
}
