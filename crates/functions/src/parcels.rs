//! Packages on their way between nodes: made into parcels here, and kept from parcels there.

use std::sync::Arc;

use crate::error::Error;
use crate::functions::Functions;
use crate::package::{Parcel, Workshop};

impl Functions {
    /// Whether the package of this content hash is on the disk, and whole.
    pub async fn has_package(&self, content_hash: &str) -> bool {
        let hash = content_hash.to_owned();
        self.in_workshop(move |workshop| Ok(workshop.has(&hash))).await.unwrap_or(false)
    }

    /// A parcel of a package: one file.
    ///
    /// # Errors
    /// [`Error::Disk`].
    pub async fn pack(&self, content_hash: &str) -> Result<Parcel, Error> {
        let hash = content_hash.to_owned();
        self.in_workshop(move |workshop| workshop.pack(&hash)).await
    }

    /// Where a parcel that arrives is to be written; there is no file yet.
    #[must_use]
    pub fn parcel(&self) -> Parcel {
        self.workshop.parcel()
    }

    /// Keeps the package of a parcel that arrived.
    ///
    /// # Errors
    /// [`Error::Disk`], also for a parcel that is damaged.
    pub async fn unpack(&self, content_hash: &str, parcel: Parcel) -> Result<(), Error> {
        let hash = content_hash.to_owned();
        self.in_workshop(move |workshop| workshop.unpack(&hash, &parcel)).await
    }

    async fn in_workshop<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Workshop) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let workshop = Arc::clone(&self.workshop);
        let done = tokio::task::spawn_blocking(move || work(&workshop)).await;
        done.map_err(|_| Error::ShuttingDown)?
    }
}
