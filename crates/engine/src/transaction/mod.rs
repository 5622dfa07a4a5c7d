//! Transactions: what one caller reads and writes as if alone. Reads come from the snapshot of
//! the beginning with the caller's own writes on top; writes stay here until the commit, which is
//! one intent in the commit queue. It takes place only when nothing that was read has changed
//! since: documents by their keys, queries by judging the changes' documents with their filters.
//! So committed transactions are serialisable, phantoms included.
//!
//! A transaction never waits for another and holds no locks; it refuses to try again by itself,
//! because only the caller knows what its reads led to.

mod aggregate;
mod commit;
mod reads;
mod view;
mod writes;

use std::sync::Arc;

use bytes::Bytes;
use query::Filter;
use tokio::sync::{Mutex, MutexGuard};
use value::{Document, Value};

pub(crate) use commit::TransactionCommit;

use crate::{Engine, Error, Find, Inner, Modified, Modify, Remove};
use view::View;

/// Reads and writes that take place together or not at all. Calls on one transaction run one
/// after another. Dropping it is a rollback.
#[derive(Debug)]
pub struct Transaction {
    inner: Arc<Inner>,
    began_ms: i64,
    view: Mutex<View>,
}

impl Engine {
    /// Begins a transaction on what is committed now. It must be committed within
    /// [`crate::Options::transaction_ms`].
    ///
    /// # Errors
    ///
    /// [`Error::Closed`], or what the store reports.
    pub async fn begin(&self) -> Result<Transaction, Error> {
        let inner = Arc::clone(&self.inner);
        let snapshot = inner.snapshot().await?;
        let began_ms = inner.clock.now_ms();
        let view = Mutex::new(View::new(snapshot, inner.catalogue.clone()));
        Ok(Transaction { inner, began_ms, view })
    }
}

impl Transaction {
    /// As [`Engine::find`], own writes included.
    ///
    /// # Errors
    ///
    /// As [`Engine::find`]; [`Error::TransactionExpired`], [`Error::TransactionTooLarge`], and
    /// [`Error::Conflict`] when the snapshot is no longer kept.
    pub async fn find(&self, find: Find) -> Result<Vec<Bytes>, Error> {
        let mut view = self.view().await?;
        let collection = self.inner.collection(&find.collection).await?;
        view.find(collection, &find).await.map_err(explain)
    }

    /// As [`Engine::count`], own writes included.
    ///
    /// # Errors
    ///
    /// As [`Transaction::find`].
    pub async fn count(&self, collection: &str, filter: &Filter) -> Result<u64, Error> {
        let mut view = self.view().await?;
        let collection = self.inner.collection(collection).await?;
        view.count(collection, filter).await.map_err(explain)
    }

    /// As [`Engine::get`], own writes included.
    ///
    /// # Errors
    ///
    /// As [`Transaction::find`].
    pub async fn get(&self, collection: &str, id: &Value) -> Result<Option<Bytes>, Error> {
        let found = self.get_many(collection, std::slice::from_ref(id)).await?;
        Ok(found.into_iter().next().flatten())
    }

    /// As [`Engine::get_many`], own writes included.
    ///
    /// # Errors
    ///
    /// As [`Transaction::find`].
    pub async fn get_many(
        &self,
        collection: &str,
        ids: &[Value],
    ) -> Result<Vec<Option<Bytes>>, Error> {
        let mut view = self.view().await?;
        let collection = self.inner.collection(collection).await?;
        view.get_many(collection, ids).await.map_err(explain)
    }

    /// As [`Engine::insert`], visible to this transaction until the commit. A refused insert
    /// leaves the transaction as it was.
    ///
    /// # Errors
    ///
    /// As [`Engine::insert`] and [`Transaction::find`]. Collections are not created here.
    pub async fn insert(
        &self,
        collection: &str,
        documents: Vec<Document>,
    ) -> Result<Vec<Value>, Error> {
        let mut view = self.view().await?;
        let target = self.inner.target(collection).await?;
        writes::insert(&self.inner, &mut view, &target, documents).await.map_err(explain)
    }

    /// As [`Engine::modify`], visible to this transaction until the commit. All documents that
    /// match are changed, or none.
    ///
    /// # Errors
    ///
    /// As [`Engine::modify`] and [`Transaction::find`].
    pub async fn modify(&self, modify: Modify) -> Result<Modified, Error> {
        let mut view = self.view().await?;
        let target = self.inner.target(&modify.collection).await?;
        writes::modify(&self.inner, &mut view, &target, modify).await.map_err(explain)
    }

    /// As [`Engine::remove`], visible to this transaction until the commit.
    ///
    /// # Errors
    ///
    /// As [`Engine::remove`] and [`Transaction::find`].
    pub async fn remove(&self, remove: Remove) -> Result<u64, Error> {
        let mut view = self.view().await?;
        let target = self.inner.target(&remove.collection).await?;
        writes::remove(&self.inner, &mut view, &target, remove).await.map_err(explain)
    }

    /// Makes the writes visible to everybody and durable, all of them. A transaction that wrote
    /// nothing always succeeds: what it read was true at its beginning.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] when something it read has changed since its beginning: begin again.
    /// [`Error::TransactionExpired`], [`Error::DuplicateKey`], or what the store reports. After
    /// an error nothing was written.
    pub async fn commit(self) -> Result<(), Error> {
        self.check_time()?;
        let Transaction { inner, view, .. } = self;
        commit::commit(&inner, view.into_inner()).await
    }

    /// Forgets all writes. The same as dropping it, in so many words.
    pub fn rollback(self) {
        drop(self);
    }

    async fn view(&self) -> Result<MutexGuard<'_, View>, Error> {
        let view = self.view.lock().await;
        self.check_time()?;
        Ok(view)
    }

    fn check_time(&self) -> Result<(), Error> {
        let limit_ms = self.inner.options.transaction_ms;
        if self.inner.clock.now_ms().saturating_sub(self.began_ms) > limit_ms {
            return Err(Error::TransactionExpired { limit_ms });
        }
        Ok(())
    }
}

/// A snapshot that is no longer kept is a conflict: begin again.
fn explain(error: Error) -> Error {
    match error {
        Error::Store(error) if matches!(*error, store::Error::SnapshotTooOld) => Error::Conflict,
        other => other,
    }
}
