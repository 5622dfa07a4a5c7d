//! Documents that expire: an index over a date may say after how many seconds. They are removed
//! like any other documents, through the commit queue and in portions, so the change log tells of
//! each. On several nodes each of them looks; what one removed the others do not find.

use std::sync::{Arc, Weak};
use std::time::Duration;

use query::Filter;
use value::{Document, Value};

use crate::index::Index;
use crate::{Error, Inner, Remove, write};

/// Removes what has expired by now and returns how many documents that were.
pub(crate) async fn remove_expired(inner: &Inner) -> Result<u64, Error> {
    let mut removed = 0;
    for index in inner.catalogue.indexes().expiring() {
        let names = inner.catalogue.names();
        let named = names.iter().find(|(_, known)| known.number == index.collection);
        let Some((name, _)) = named else { continue };
        let Some(filter) = expired(&index, inner.clock.now_ms()) else { continue };
        let remove = Remove { collection: name.clone(), filter, multi: true };
        match write::remove(inner, remove).await {
            Ok(more) => removed += more,
            // Dropped meanwhile.
            Err(Error::CollectionMissing { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(removed)
}

/// Dates long enough ago; of an array the earliest one counts.
fn expired(index: &Index, now_ms: i64) -> Option<Filter> {
    let (path, _) = index.spec.keys.first()?;
    let seconds = i64::try_from(index.spec.expire_after_seconds?).ok()?;
    let newest = now_ms.saturating_sub(seconds.saturating_mul(1_000));
    let mut condition = Document::new();
    condition.insert("$lte", Value::Date(newest));
    let mut filter = Document::new();
    filter.insert(path.as_str(), condition);
    Filter::parse(&filter).ok()
}

/// Looks again and again until the engine is gone. Time passes by the runtime; what has expired
/// is judged by the engine's clock.
pub(crate) async fn run(inner: Weak<Inner>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        let Some(inner) = Weak::upgrade(&inner) else { return };
        match remove_expired(&inner).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "expired documents were removed"),
            Err(Error::Closed) => return,
            Err(error) => tracing::warn!(%error, "removing expired documents failed"),
        }
        drop::<Arc<Inner>>(inner);
    }
}
