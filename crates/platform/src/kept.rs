//! Settings of a project that must be there after a restart: one document of a system collection,
//! its content as JSON text.
//!
//! For small settings that are read once and replaced whole; what grows or is changed by parts
//! has documents of its own.

use engine::{Change, Engine, Modify};
use query::Filter;
use serde::Serialize;
use serde::de::DeserializeOwned;
use value::{Document, RawDoc, RawValue, Value};

use crate::error::{Code, Error, Result};

/// The `_id` of the one document.
const ID: &str = "project";
/// The field that holds the text.
const FIELD: &str = "json";

/// What was kept last; the default when nothing was.
pub(crate) async fn read<T: DeserializeOwned + Default>(
    engine: &Engine,
    collection: &str,
) -> Result<T> {
    engine.ensure_collection(collection).await?;
    let Some(bytes) = engine.get(collection, &Value::from(ID)).await? else {
        return Ok(T::default());
    };
    let raw = RawDoc::new(&bytes).map_err(|error| damaged(collection, error))?;
    let Some(RawValue::String(text)) = raw.get(FIELD) else { return Ok(T::default()) };
    serde_json::from_str(text).map_err(|error| damaged(collection, error))
}

/// Keeps new settings in the place of the old ones; durable when it returns.
pub(crate) async fn write<T: Serialize>(
    engine: &Engine,
    collection: &str,
    settings: &T,
) -> Result<()> {
    let text = serde_json::to_string(settings).map_err(|error| damaged(collection, error))?;
    let key: Document = [("_id".to_owned(), Value::from(ID))].into_iter().collect();
    let content: Document = [(FIELD.to_owned(), Value::String(text))].into_iter().collect();
    engine
        .modify(Modify {
            collection: collection.to_owned(),
            filter: Filter::parse(&key)?,
            change: Change::Replace(content),
            multi: false,
            upsert: true,
        })
        .await?;
    Ok(())
}

fn damaged(collection: &str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    let message = format!(
        "The settings in {collection} cannot be read: deploy the project again. / 无法读取 \
         {collection} 中的设置,请重新部署项目。"
    );
    Error::with_cause(Code::StoreFailed, message, error)
}
