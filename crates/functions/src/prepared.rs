//! What lies between building a package and serving it: the moment in which a caller writes down
//! that it will be served.

use crate::package::{Built, UnsupportedCall};
use crate::settings::Settings;

/// A package that is complete, and serves nobody yet. Dropped, it is as if it had never been.
#[derive(Debug)]
pub struct Prepared {
    pub(crate) place: Place,
    pub(crate) settings: Settings,
    pub(crate) built: Built,
}

impl Prepared {
    /// See [`DeployReport::content_hash`].
    #[must_use]
    pub fn content_hash(&self) -> &str {
        &self.built.content_hash
    }

    /// See [`DeployReport::unsupported`].
    #[must_use]
    pub fn unsupported(&self) -> &[UnsupportedCall] {
        &self.built.unsupported
    }
}

/// Which version of which function.
#[derive(Debug)]
pub(crate) struct Place {
    pub environment: String,
    pub name: String,
    pub version: String,
}
