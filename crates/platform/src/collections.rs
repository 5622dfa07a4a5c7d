//! Collections as their administrator sees them: which there are, how full, under which mode.

use rules::Acl;

use crate::caller::Context;
use crate::database::{RESERVED_PREFIX, check_name, check_privileged};
use crate::error::Result;

/// One collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// Its name.
    pub name: String,
    /// How many documents it holds.
    pub documents: u64,
    /// Its permission mode.
    pub acl: Acl,
}

/// Every collection of the environment but the platform's own, by name; only for privileged
/// callers.
pub async fn list(context: &Context) -> Result<Vec<Info>> {
    check_privileged(context)?;
    let environment = &context.environment;
    let mut list = Vec::new();
    for name in environment.engine().collections().await {
        if name.starts_with(RESERVED_PREFIX) {
            continue;
        }
        let documents = environment.engine().count(&name, &query::Filter::all()).await?;
        let acl = environment.access().collection(&name);
        list.push(Info { name, documents, acl });
    }
    Ok(list)
}

/// Removes a collection with all its documents; only for privileged callers.
pub async fn drop_collection(context: &Context, name: &str) -> Result<()> {
    check_privileged(context)?;
    check_name(name)?;
    Ok(context.environment.engine().drop_collection(name).await?)
}
