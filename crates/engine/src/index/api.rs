//! Indexes as callers create, drop, list and question them.

use crate::index::check;
use crate::index::known::Build;
use crate::index::{Index, IndexInfo, IndexSpec};
use crate::intent::{Intent, Outcome, Target};
use crate::plan::{self, Explanation};
use crate::{Engine, Error, Find, find, ttl};

impl Engine {
    /// Creates an index and returns its name once it is filled and in use. Writes go on
    /// meanwhile. Asking for one that exists just so is no error.
    ///
    /// # Errors
    ///
    /// [`Error::IndexRefused`], [`Error::IndexExists`] and [`Error::TooManyIndexes`] at once;
    /// [`Error::DuplicateKey`] or [`Error::ParallelArrays`] when the documents do not allow it:
    /// then nothing of the index is left. [`Error::CollectionMissing`], or what the store
    /// reports.
    pub async fn create_index(&self, collection: &str, spec: IndexSpec) -> Result<String, Error> {
        let spec = spec.checked()?;
        let name = spec.name.clone();
        let target = self.index_target(collection).await?;
        loop {
            let intent = Intent::CreateIndex { target: target.clone(), spec: spec.clone() };
            let outcome = self.inner.committer.submit(intent).await?;
            let Outcome::Indexed(number) = outcome else { return Err(Error::Defect) };
            match self.inner.catalogue.built(number).await? {
                Build::Done => return Ok(name),
                // Commits fail: asking again says why, or makes it go on.
                Build::UnderWay => {}
                Build::Failed(Some(error)) => return Err(error),
                Build::Failed(None) => return Err(Error::IndexMissing { name }),
            }
        }
    }

    /// Drops an index. Its space is reclaimed in the background.
    ///
    /// # Errors
    ///
    /// [`Error::IndexMissing`], [`Error::IndexRefused`] for the one over `_id`,
    /// [`Error::CollectionMissing`], or what the store reports.
    pub async fn drop_index(&self, collection: &str, name: &str) -> Result<(), Error> {
        let target = self.index_target(collection).await?;
        let intent = Intent::DropIndex { target, name: name.to_owned() };
        self.inner.committer.submit(intent).await?;
        Ok(())
    }

    /// The indexes of a collection, the one over `_id` first.
    ///
    /// # Errors
    ///
    /// [`Error::CollectionMissing`], or what the store reports.
    pub async fn indexes(&self, collection: &str) -> Result<Vec<IndexInfo>, Error> {
        let (_, collection) = self.inner.snapshot_of(collection).await?;
        let primary = Index::primary(collection.number).info();
        let others = self.inner.catalogue.indexes().of(collection.number);
        Ok(std::iter::once(primary).chain(others.iter().map(|index| index.info())).collect())
    }

    /// Runs a find and says how it was carried out, in place of the documents.
    ///
    /// # Errors
    ///
    /// As [`Engine::find`].
    pub async fn explain(&self, find: &Find) -> Result<Explanation, Error> {
        let reading = self.inner.reading(&find.collection).await?;
        let question = find::question(&reading, find);
        plan::explain(&reading, &question, find, &self.inner.clock).await
    }

    /// Removes what indexes with `expire_after_seconds` say has expired, and returns how many
    /// documents that were. A background task does this by itself, see
    /// [`crate::Options::expiry_interval_ms`].
    ///
    /// # Errors
    ///
    /// What the store reports.
    pub async fn remove_expired(&self) -> Result<u64, Error> {
        ttl::remove_expired(&self.inner).await
    }

    /// Compares every index of a collection with its documents and returns one sentence per
    /// difference: none in a sound database. It reads everything; for tests and after damage.
    ///
    /// # Errors
    ///
    /// [`Error::CollectionMissing`], or what the store reports.
    pub async fn check_indexes(&self, collection: &str) -> Result<Vec<String>, Error> {
        check::check(&self.inner.reading(collection).await?).await
    }

    async fn index_target(&self, collection: &str) -> Result<Target, Error> {
        let known = self.inner.collection(collection).await?;
        Ok(Target { name: collection.into(), collection: known })
    }
}
