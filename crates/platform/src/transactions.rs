//! Transactions that are open, by id. An id names the node that holds its transaction and is bound
//! to the caller who began it; anybody else's is as good as none.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::Transaction;
use tokio::sync::{OwnedRwLockReadGuard, RwLock};

use crate::caller::{Caller, Context};
use crate::environment::Environment;
use crate::error::{Code, Error, Result};

/// The most transactions open at once in one environment.
const OPEN_MAX: usize = 1_000;
/// The most that one signed-in user has open at once.
const OPEN_PER_USER_MAX: usize = 10;
/// How long an entry is kept, in ms: longer than a transaction may take, so that one that is too
/// late hears that it is.
const KEPT_MS: i64 = 60_000;
/// How often is looked for entries that nobody will end.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// A transaction while something happens in it.
pub(crate) type Open = OwnedRwLockReadGuard<Option<Transaction>, Transaction>;

/// Who began a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Owner {
    Keys,
    Invocation(String),
    User(String),
}

#[derive(Debug)]
struct Entry {
    owner: Owner,
    began_ms: i64,
    /// Empty once it has ended.
    transaction: Arc<RwLock<Option<Transaction>>>,
}

/// The open transactions of one environment on this node.
#[derive(Debug)]
pub(crate) struct Transactions {
    node: String,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    entries: HashMap<String, Entry>,
    /// Whether a task is there that forgets what is old.
    is_watched: bool,
}

impl Default for Transactions {
    fn default() -> Self {
        Self { node: hex::encode(rand::random::<[u8; 4]>()), table: Mutex::default() }
    }
}

/// Begins a transaction and answers its id.
///
/// # Errors
/// Nobody signed in, too many open ones, and faults of the store.
pub async fn begin(context: &Context) -> Result<String> {
    let owner = owner(context)?;
    let transactions = context.environment.transactions();
    let transaction = context.environment.engine().begin().await?;
    let id = format!("{}-{}", transactions.node, hex::encode(rand::random::<[u8; 16]>()));
    let entry = Entry {
        owner,
        began_ms: context.now_ms,
        transaction: Arc::new(RwLock::new(Some(transaction))),
    };
    if transactions.admit(id.clone(), entry)? {
        watch_over(&context.environment);
    }
    Ok(id)
}

/// Forgets what nobody ends, until none is left: an open transaction keeps its snapshot, and with
/// it everything that was overwritten since.
fn watch_over(environment: &Arc<Environment>) {
    let environment = Arc::downgrade(environment);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let Some(environment) = environment.upgrade() else { return };
            if environment.transactions().forget_old(environment.now_ms()) {
                return;
            }
        }
    });
}

/// Makes everything that was written in the transaction take place, or nothing of it.
///
/// # Errors
/// [`Code::TransactionConflict`] when something it read has changed: begin again.
pub async fn commit(context: &Context, id: &str) -> Result<()> {
    let transaction = take(context, id).await?;
    Ok(transaction.commit().await?)
}

/// Forgets everything that was written in the transaction.
///
/// # Errors
/// An id that is not of an open transaction of this caller.
pub async fn abort(context: &Context, id: &str) -> Result<()> {
    take(context, id).await?.rollback();
    Ok(())
}

/// The transaction, for one operation; others may run beside it.
pub(crate) async fn enter(context: &Context, id: &str) -> Result<Open> {
    let transaction = find(context, id)?;
    let guard = transaction.read_owned().await;
    OwnedRwLockReadGuard::try_map(guard, Option::as_ref).map_err(|_| missing(id))
}

/// What an operation of a transaction came to.
pub(crate) fn settled<T>(
    context: &Context,
    id: &str,
    outcome: std::result::Result<T, engine::Error>,
) -> Result<T> {
    forget_if_over(context, id, &outcome);
    Ok(outcome?)
}

/// A transaction that can only be begun again is over.
pub(crate) fn forget_if_over<T>(
    context: &Context,
    id: &str,
    outcome: &std::result::Result<T, engine::Error>,
) {
    if let Err(engine::Error::Conflict | engine::Error::TransactionExpired { .. }) = outcome {
        context.environment.transactions().lock().entries.remove(id);
    }
}

/// Takes the transaction out for good, after the operations that are under way in it.
async fn take(context: &Context, id: &str) -> Result<Transaction> {
    let transaction = find(context, id)?;
    context.environment.transactions().lock().entries.remove(id);
    let mut transaction = transaction.write_owned().await;
    transaction.take().ok_or_else(|| missing(id))
}

fn find(context: &Context, id: &str) -> Result<Arc<RwLock<Option<Transaction>>>> {
    let owner = owner(context)?;
    let transactions = context.environment.transactions();
    if id.split_once('-').is_none_or(|(node, _)| node != transactions.node) {
        return Err(Error::new(
            Code::DatabaseRefused,
            format!(
                "The transaction '{id}' was not begun on this server, or before it started: begin \
                 again. / 事务「{id}」不属于本服务节点或已随重启失效,请重新开始事务。"
            ),
        ));
    }
    let table = transactions.lock();
    let entry = table.entries.get(id).filter(|entry| entry.owner == owner);
    entry.map(|entry| Arc::clone(&entry.transaction)).ok_or_else(|| missing(id))
}

impl Transactions {
    /// Takes an entry in; forgets those that nobody will end any more, and refuses more than there
    /// may be. Answers whether somebody has to begin watching over them.
    fn admit(&self, id: String, entry: Entry) -> Result<bool> {
        let mut table = self.lock();
        table.forget_old(entry.began_ms);
        let is_user = matches!(entry.owner, Owner::User(_));
        let own = table.entries.values().filter(|other| other.owner == entry.owner).count();
        if table.entries.len() < OPEN_MAX && (!is_user || own < OPEN_PER_USER_MAX) {
            table.entries.insert(id, entry);
            return Ok(!std::mem::replace(&mut table.is_watched, true));
        }
        Err(Error::new(
            Code::Overloaded,
            "Too many transactions are open: commit or roll back each of them. / 未结束的事务过多:\
             请提交或回滚每个事务。",
        ))
    }

    /// Forgets what is too old; whether none is left, and so nobody watches any more.
    fn forget_old(&self, now_ms: i64) -> bool {
        let mut table = self.lock();
        table.forget_old(now_ms);
        table.is_watched = !table.entries.is_empty();
        !table.is_watched
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn forget_old(&mut self, now_ms: i64) {
        self.entries.retain(|_, entry| now_ms - entry.began_ms < KEPT_MS);
    }
}

fn owner(context: &Context) -> Result<Owner> {
    match &context.caller {
        Caller::Administrator => Ok(Owner::Keys),
        Caller::Function(invocation) => Ok(Owner::Invocation(invocation.request_id.clone())),
        Caller::User(user) => Ok(Owner::User(user.uid.clone())),
        Caller::Nobody => Err(crate::sign_in::not_signed_in()),
    }
}

fn missing(id: &str) -> Error {
    Error::new(
        Code::DatabaseRefused,
        format!(
            "The transaction '{id}' is not open: it was committed, rolled back, or took too long. \
             Begin again. / 事务「{id}」未开启:可能已提交、回滚或超时,请重新开始事务。"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun_at(began_ms: i64) -> Entry {
        Entry { owner: Owner::Keys, began_ms, transaction: Arc::default() }
    }

    #[test]
    fn what_nobody_ends_is_forgotten_and_watched_until_then() {
        let transactions = Transactions::default();
        let needs_watching = |id: &str, at| transactions.admit(id.to_owned(), begun_at(at));
        assert!(needs_watching("a", 0).unwrap());
        assert!(!needs_watching("b", 50_000).unwrap());
        assert!(!transactions.forget_old(KEPT_MS));
        let left: Vec<String> = transactions.lock().entries.keys().cloned().collect();
        assert_eq!(left, ["b"]);
        assert!(transactions.forget_old(50_000 + KEPT_MS));
        assert!(needs_watching("c", 200_000).unwrap());
    }
}
