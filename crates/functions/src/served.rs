//! What is served at this moment: functions, their versions, waiting workers. It changes nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use crate::functions::Functions;
use crate::pool::Pool;
use crate::settings::{FunctionInfo, Kind, LATEST};

impl Functions {
    /// The functions of an environment, by name: each with its latest version, or, where only
    /// numbered ones are served, one of them.
    #[must_use]
    pub fn list(&self, environment: &str) -> Vec<FunctionInfo> {
        let pools = self.hall.pools.read().unwrap_or_else(PoisonError::into_inner);
        let functions = pools.get(environment).into_iter().flat_map(|functions| functions.values());
        functions.filter_map(|versions| main_version(versions)).map(|pool| pool.info()).collect()
    }

    /// The versions of one function that are served.
    #[must_use]
    pub fn versions(&self, environment: &str, name: &str) -> Vec<FunctionInfo> {
        let pools = self.hall.pools.read().unwrap_or_else(PoisonError::into_inner);
        let versions = pools.get(environment).and_then(|functions| functions.get(name));
        versions.into_iter().flat_map(|versions| versions.values()).map(|it| it.info()).collect()
    }

    /// How many waiting workers are ready to be given a function.
    #[must_use]
    pub fn waiting_workers(&self) -> usize {
        self.hall.ready_workers()
    }

    /// One function, as [`Self::list`] shows it.
    #[must_use]
    pub fn get(&self, environment: &str, name: &str) -> Option<FunctionInfo> {
        let pools = self.hall.pools.read().unwrap_or_else(PoisonError::into_inner);
        let versions = pools.get(environment)?.get(name)?;
        main_version(versions).map(|pool| pool.info())
    }

    /// One version of a function, when it is served.
    #[must_use]
    pub fn version(&self, environment: &str, name: &str, label: &str) -> Option<FunctionInfo> {
        self.hall.pool(environment, name, label).map(|pool| pool.info())
    }

    /// How a version of a function is called; `None` when it is not served. Cheap enough for every
    /// call.
    #[must_use]
    pub fn kind(&self, environment: &str, name: &str, label: &str) -> Option<Kind> {
        Some(self.hall.pool(environment, name, label)?.version()?.settings.kind)
    }
}

/// The version that stands for its function in lists.
fn main_version(versions: &BTreeMap<String, Arc<Pool>>) -> Option<&Arc<Pool>> {
    versions.get(LATEST).or_else(|| versions.values().next_back())
}
