//! Dead letters: what was accepted, or is owed to a change or a file, and could not be done. Each
//! is kept in `system.dead_letters` for a month, to be looked at, tried again, or deleted.

use engine::{Engine, Transaction};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::queue::{self, Kept};
use crate::environment::new_request_id;
use crate::error::Result;
use crate::shelf::{Shelf, date};

/// How long a dead letter is kept, in ms.
pub(super) const REMEMBERED_MS: i64 = 30 * 24 * 3_600_000;

const LETTERS: Shelf<DeadLetter> = Shelf::new("system.dead_letters");

/// What could not be done.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// Its id.
    #[serde(rename = "_id")]
    pub id: String,
    /// The id of the call, or `function/trigger` of what was owed.
    pub of: String,
    /// What was to run.
    #[serde(flatten)]
    pub what: Kept,
    /// How often it was begun.
    pub attempts: u32,
    /// Why the last attempt failed.
    pub error: String,
    /// When it was given up, ms since 1970.
    pub at: i64,
}

impl DeadLetter {
    pub(super) fn new(engine: &Engine, of: &str, what: Kept, attempts: u32, error: &str) -> Self {
        let at = engine.clock().now_ms();
        let (id, of, error) = (engine::new_id(at), of.to_owned(), error.to_owned());
        Self { id, of, what, attempts, error, at }
    }
}

pub(super) async fn prepare(engine: &Engine) -> Result<()> {
    LETTERS.prepare(engine, &["at"]).await
}

/// Keeps a letter: when this returns, it is durable.
pub(super) async fn add(engine: &Engine, letter: &DeadLetter) -> Result<()> {
    let transaction = engine.begin().await?;
    add_in(&transaction, letter).await?;
    Ok(transaction.commit().await?)
}

/// [`add`] within a transaction.
pub(super) async fn add_in(transaction: &Transaction, letter: &DeadLetter) -> Result<()> {
    LETTERS.insert_in(transaction, letter).await?;
    let expiry = json!({ "$set": { "expiresAt": date(letter.at + REMEMBERED_MS) } });
    LETTERS.change_in(transaction, &json!({ "_id": letter.id }), &expiry).await?;
    Ok(())
}

/// The newest letters, newest first.
pub(super) async fn latest(engine: &Engine, limit: u64) -> Result<Vec<DeadLetter>> {
    LETTERS.find(engine, &json!({}), "-at", limit).await
}

/// Makes a call of a letter; the call's id, or none when there is no such letter.
pub(super) async fn retry(engine: &Engine, id: &str) -> Result<Option<String>> {
    let Some(letter) = LETTERS.get(engine, id).await? else { return Ok(None) };
    let transaction = engine.begin().await?;
    if LETTERS.remove_in(&transaction, &json!({ "_id": id })).await? == 0 {
        return Ok(None);
    }
    let call = new_request_id();
    queue::accept_in(&transaction, call.clone(), letter.what, engine.clock().now_ms()).await?;
    match transaction.commit().await {
        Ok(()) => Ok(Some(call)),
        Err(engine::Error::Conflict) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Deletes a letter; whether there was one.
pub(super) async fn delete(engine: &Engine, id: &str) -> Result<bool> {
    Ok(LETTERS.remove(engine, &json!({ "_id": id })).await? > 0)
}
