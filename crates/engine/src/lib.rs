//! Documents: collections, one commit queue, durable writes.
//!
//! An [`Engine`] is the database of one environment over one [`store::Store`]. Reads take a
//! snapshot and look at raw BSON bytes in pages. Writes become intents in **one commit queue**:
//! a committer thread takes everything that waits, reads the documents the intents need with one
//! call, applies the intents one after another on top of each other, and makes **one** durable
//! batch of documents, counts and change records. So concurrent increments of a document never
//! conflict and never get lost, and the price of durability is shared by everybody who waits.
//! An intent that fails fails alone; if the batch fails, nobody is told otherwise.
//!
//! Where to read on: [`request`](crate::Find) for what can be asked, `write` and `find` for what
//! callers do, `index` and `plan` for how documents are found,
//! `intent` and `committer` for what the queue does, `layout` for the keys.
//!
//! This crate refuses to judge callers (that is `platform`), to know wire formats, and to read
//! the system time anywhere but in [`Clock::system`].

mod aggregate;
mod catalogue;
mod changes;
mod chunk;
mod clock;
mod committer;
mod cursor;
mod error;
mod find;
mod follow;
mod id;
mod index;
mod intent;
mod layout;
mod near;
mod options;
mod overlay;
mod plan;
mod portion;
mod reading;
mod recent;
mod request;
mod scan;
mod state;
mod transaction;
mod ttl;
mod write;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use store::{Snapshot, Store};
use value::{Document, Value};

pub use aggregate::Aggregation;
pub use changes::{ChangeKind, ChangePage, ChangeRecord, Position};
pub use clock::Clock;
pub use cursor::Cursor;
pub use error::Error;
pub use id::new_id;
pub use index::{INDEXES_MAX, INDEXES_PLAN_MAX, IndexInfo, IndexKind, IndexSpec, IndexState};
pub use options::Options;
pub use plan::{Bound, Explanation, IndexUse, Rejected};
// The rooms beside `platform` say what they want of documents without knowing `query`.
pub use query::{Filter, Projection, Sort, Update};
/// Largest document in bytes of BSON (protocol 03 §10).
pub use value::DOCUMENT_BYTES_MAX;

pub use request::{Change, Find, Modified, Modify, Remove};
pub use transaction::Transaction;

use catalogue::{Catalogue, Collection};
use committer::{Committer, Ways};
use intent::Intent;
use reading::Reading;
use recent::Recent;

/// The database of one environment. Clones share it; dropping the last clone without
/// [`Engine::close`] is as safe as losing power: everything acknowledged is kept.
#[derive(Clone, Debug)]
pub struct Engine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    clock: Clock,
    options: Options,
    catalogue: Catalogue,
    recent: Recent,
    committer: Committer,
}

impl Engine {
    /// Opens the database in `store`, an empty one included. Several engines may share a store
    /// that other nodes write to as well.
    ///
    /// # Errors
    ///
    /// What the store reports, and [`store::Error::StoreDamaged`] when its contents do not read
    /// as a database.
    pub async fn open(store: Store, clock: Clock) -> Result<Engine, Error> {
        Engine::open_with(store, clock, Options::default()).await
    }

    /// As [`Engine::open`], with limits of one's own.
    ///
    /// # Errors
    ///
    /// As [`Engine::open`].
    pub async fn open_with(store: Store, clock: Clock, options: Options) -> Result<Engine, Error> {
        let catalogue = Catalogue::new();
        let recent = Recent::new(0, options.recent_changes_bytes);
        let expiry_ms = options.expiry_interval_ms;
        let is_simulated = options.committer_on_runtime;
        let ways = Ways { store, clock, options, catalogue, recent };
        let committer = Committer::start(ways.clone()).await?;
        let Ways { store, clock, options, catalogue, recent } = ways;
        let inner = Arc::new(Inner { store, clock, options, catalogue, recent, committer });
        if expiry_ms > 0
            && !is_simulated
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let every = Duration::from_millis(expiry_ms);
            runtime.spawn(ttl::run(Arc::downgrade(&inner), every));
        }
        Ok(Engine { inner })
    }

    /// The clock the engine was opened with.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// Creates a collection.
    ///
    /// # Errors
    ///
    /// [`Error::CollectionExists`], [`Error::CollectionNameRefused`], or what the store reports.
    pub async fn create_collection(&self, name: &str) -> Result<(), Error> {
        catalogue::check_name(name)?;
        let intent = Intent::CreateCollection { name: name.to_owned(), may_exist: false };
        self.inner.committer.submit(intent).await?;
        Ok(())
    }

    /// Creates a collection unless it exists.
    ///
    /// # Errors
    ///
    /// [`Error::CollectionNameRefused`], or what the store reports.
    pub async fn ensure_collection(&self, name: &str) -> Result<(), Error> {
        self.inner.reach_newest().await?;
        if self.has_collection(name) {
            return Ok(());
        }
        catalogue::check_name(name)?;
        let intent = Intent::CreateCollection { name: name.to_owned(), may_exist: true };
        self.inner.committer.submit(intent).await?;
        Ok(())
    }

    /// Removes a collection with all its documents. They vanish at once; their space is
    /// reclaimed in the background.
    ///
    /// # Errors
    ///
    /// [`Error::CollectionMissing`], or what the store reports.
    pub async fn drop_collection(&self, name: &str) -> Result<(), Error> {
        let intent = Intent::DropCollection { name: name.to_owned() };
        self.inner.committer.submit(intent).await?;
        Ok(())
    }

    /// Names of all collections, sorted; the platform's own (`system.…`) included.
    pub async fn collections(&self) -> Vec<String> {
        // A store that does not answer leaves what was last known.
        let _ = self.inner.reach_newest().await;
        self.inner.catalogue.names().keys().cloned().collect()
    }

    /// Whether the collection exists, as far as this node knows.
    pub fn has_collection(&self, name: &str) -> bool {
        self.inner.catalogue.get(name).is_some()
    }

    /// The documents (BSON) that match, sorted, cut and projected.
    ///
    /// # Errors
    ///
    /// [`Error::CollectionMissing`], or what the store or the query reports.
    pub async fn find(&self, find: Find) -> Result<Vec<Bytes>, Error> {
        find::find(&self.inner.reading(&find.collection).await?, &find).await
    }

    /// How many documents match. Without a condition no document is looked at.
    ///
    /// # Errors
    ///
    /// [`Error::CollectionMissing`], or what the store reports.
    pub async fn count(&self, collection: &str, filter: &Filter) -> Result<u64, Error> {
        find::count(&self.inner.reading(collection).await?, filter).await
    }

    /// The document (BSON) with this `_id`.
    ///
    /// # Errors
    ///
    /// [`Error::CollectionMissing`], or what the store reports.
    pub async fn get(&self, collection: &str, id: &Value) -> Result<Option<Bytes>, Error> {
        let found = self.get_many(collection, std::slice::from_ref(id)).await?;
        Ok(found.into_iter().next().flatten())
    }

    /// The documents (BSON) with these `_id`s, in their order, `None` where there is none;
    /// all as of one moment.
    ///
    /// # Errors
    ///
    /// [`Error::CollectionMissing`], or what the store reports.
    pub async fn get_many(
        &self,
        collection: &str,
        ids: &[Value],
    ) -> Result<Vec<Option<Bytes>>, Error> {
        let (snapshot, collection) = self.inner.snapshot_of(collection).await?;
        find::get_many(&snapshot, collection, ids).await
    }

    /// Inserts all documents or none and returns their `_id`s in order. A document without
    /// `_id` gets a string of 32 lower-case hexadecimal digits.
    ///
    /// # Errors
    ///
    /// [`Error::CollectionMissing`], [`Error::DuplicateKey`], [`Error::IdRefused`],
    /// [`Error::DocumentTooLarge`], [`Error::WriteTooLarge`], or what the store reports.
    pub async fn insert(
        &self,
        collection: &str,
        documents: Vec<Document>,
    ) -> Result<Vec<Value>, Error> {
        write::insert(&self.inner, collection, documents).await
    }

    /// Changes the documents that match; with `upsert` inserts one when none does.
    ///
    /// Each document is changed atomically and judged by the filter at that very moment. With
    /// `multi` over many documents the change is made in portions; when one fails, earlier
    /// portions stay.
    ///
    /// # Errors
    ///
    /// [`Error::CollectionMissing`], [`Error::DuplicateKey`], [`Error::IdRefused`],
    /// [`Error::DocumentTooLarge`], [`Error::Contended`], [`Error::Query`], or what the store
    /// reports.
    pub async fn modify(&self, modify: Modify) -> Result<Modified, Error> {
        write::modify(&self.inner, modify).await
    }

    /// Removes the documents that match and returns how many.
    ///
    /// # Errors
    ///
    /// [`Error::CollectionMissing`], [`Error::Contended`], or what the store reports.
    pub async fn remove(&self, remove: Remove) -> Result<u64, Error> {
        write::remove(&self.inner, remove).await
    }

    /// The changes after the position, at most `limit` of them: in order, without gaps, each
    /// once. Follow the log with the page's `next`; to follow a snapshot, begin at
    /// [`Position::end_of`] its commit.
    ///
    /// # Errors
    ///
    /// [`Error::ChangesTooOld`] when changes after the position are no longer kept, or what the
    /// store reports.
    pub async fn changes(&self, after: Position, limit: usize) -> Result<ChangePage, Error> {
        follow::page(&self.inner, after, limit).await
    }

    /// Position of the newest change, also of other nodes; [`Position::START`] when there never
    /// was one.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`], or what the store reports.
    pub async fn newest_change(&self) -> Result<Position, Error> {
        self.inner.reach_newest().await?;
        Ok(self.inner.catalogue.newest())
    }

    /// Waits until there are changes after the position.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] when the engine is closed before that.
    pub async fn changed_past(&self, position: Position) -> Result<(), Error> {
        self.inner.catalogue.changed_past(position).await
    }

    /// Commits what is queued, closes the store and refuses everything afterwards with
    /// [`Error::Closed`]. Closing twice is no error.
    ///
    /// # Errors
    ///
    /// What the store reports; everything acknowledged is safe nevertheless.
    pub async fn close(&self) -> Result<(), Error> {
        self.inner.committer.close().await
    }
}

impl Inner {
    /// The newest commit and the collection of this name, for reading. The snapshot comes first:
    /// the catalogue may be newer than it, but never older.
    async fn snapshot_of(&self, name: &str) -> Result<(Snapshot, Collection), Error> {
        let snapshot = self.snapshot().await?;
        let missing = || Error::CollectionMissing { name: name.to_owned() };
        let collection = self.catalogue.get(name).ok_or_else(missing)?;
        Ok((snapshot, collection))
    }

    /// The newest commit, once the catalogue knows of it.
    async fn snapshot(&self) -> Result<Snapshot, Error> {
        if self.catalogue.is_closed() {
            return Err(Error::Closed);
        }
        let snapshot = self.store.snapshot().await?;
        self.catalogue.reach(snapshot.number()).await?;
        Ok(snapshot)
    }

    /// A collection for reading, with the indexes that may be used.
    async fn reading(&self, name: &str) -> Result<Reading, Error> {
        let (snapshot, collection) = self.snapshot_of(name).await?;
        let indexes = self.catalogue.indexes().of(collection.number);
        Ok(Reading::new(snapshot, collection, &indexes))
    }

    /// The collection of this name, for writing. One that this node does not know may have been
    /// created on another.
    async fn collection(&self, name: &str) -> Result<Collection, Error> {
        match self.catalogue.get(name) {
            Some(_) if self.catalogue.is_closed() => Err(Error::Closed),
            Some(collection) => Ok(collection),
            None => Ok(self.snapshot_of(name).await?.1),
        }
    }

    /// Waits until this node knows the newest commit.
    async fn reach_newest(&self) -> Result<(), Error> {
        if self.catalogue.is_closed() {
            return Err(Error::Closed);
        }
        self.catalogue.reach(self.store.newest().await?).await
    }
}
