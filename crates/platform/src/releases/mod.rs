//! The catalogue of functions: which versions there are, which one serves a call, and the secrets
//! they are given.
//!
//! The catalogue is documents of the environment; packages lie in the data directory. A change is
//! durable first and served then, so that a process that dies in between serves the one or the
//! other, never half of each.

mod catalogue;
mod change;
mod entry;
mod follow;
mod packages;
mod resolve;
mod restore;
pub mod secrets;

pub use catalogue::Releases;
pub use change::{
    RolledBack, delete_alias, delete_function, delete_version, entry_of, list, publish, roll_back,
    set_alias,
};
pub use entry::{Alias, DEFAULT, Entry, LATEST, Release, Share, Version};
pub use resolve::{Chance, resolve};
pub use secrets::Secrets;

pub(crate) use change::withdraw;
pub(crate) use follow::{learn_in_turn, run as follow};
pub(crate) use packages::{share, tidy};
pub(crate) use restore::{restore, serve, with_secrets};

use std::sync::Arc;

use crate::environment::Environment;
use crate::error::{Code, Error};

/// Every function of an environment, by name.
pub fn all(environment: &Environment) -> Vec<Arc<Entry>> {
    environment.releases().list()
}

/// Why a version that the catalogue names cannot be served, if it cannot.
pub fn reason(environment: &Environment, name: &str, label: &str) -> Option<String> {
    environment.releases().broken(name, label)
}

/// The error for a function that is not in the catalogue.
pub(crate) fn missing(name: &str) -> Error {
    Error::new(
        Code::FunctionMissing,
        format!(
            "Function \"{name}\" was not found. Deploy it first. / 找不到云函数“{name}”,请先部署。"
        ),
    )
}
