//! Settings of a project that must be there after a restart: one document of a system collection,
//! its content as JSON text.
//!
//! For small settings that are read once and replaced whole; what grows or is changed by parts
//! has documents of its own.

use engine::Engine;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Code, Error, Result};
use crate::shelf::Shelf;

/// The `_id` of the one document.
const ID: &str = "project";

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    #[serde(rename = "_id")]
    id: String,
    json: String,
}

/// What was kept last; the default when nothing was.
pub(crate) async fn read<T: DeserializeOwned + Default>(
    engine: &Engine,
    collection: &'static str,
) -> Result<T> {
    let shelf = Shelf::<Kept>::new(collection);
    shelf.open(engine).await?;
    let Some(kept) = shelf.get(engine, ID).await? else { return Ok(T::default()) };
    serde_json::from_str(&kept.json).map_err(|error| damaged(collection, error))
}

/// Keeps new settings in the place of the old ones; durable when it returns.
pub(crate) async fn write<T: Serialize>(
    engine: &Engine,
    collection: &'static str,
    settings: &T,
) -> Result<()> {
    let json = serde_json::to_string(settings).map_err(|error| damaged(collection, error))?;
    Shelf::new(collection).replace(engine, &Kept { id: ID.to_owned(), json }).await
}

fn damaged(collection: &str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    let message = format!(
        "The settings in {collection} cannot be read: deploy the project again. / 无法读取 \
         {collection} 中的设置,请重新部署项目。"
    );
    Error::with_cause(Code::StoreFailed, message, error)
}
