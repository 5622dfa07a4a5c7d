//! What stands in a pool: versions to serve, calls that wait, workers that idle. It does nothing.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{mpsc, oneshot};

use crate::assets::CarriedSdk;
use crate::error::InvokeError;
use crate::package::Tree;
use crate::room::Share;
use crate::settings::{Ended, Figures, Invocation, Settings};

/// One deployed state of a function.
#[derive(Debug)]
pub(crate) struct Version {
    /// Counts the deploys under the label.
    pub revision: u64,
    /// What it is called by.
    pub label: String,
    pub content_hash: String,
    pub settings: Settings,
    pub tree: Arc<Tree>,
    pub carried: Option<CarriedSdk>,
    pub make: Make,
}

/// What its workers must be started with, when a waiting one will not do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Make {
    /// The Node.js it runs on, when that is not the usual one.
    pub node: Option<PathBuf>,
    /// The machine's network, where others have a gate.
    pub direct: bool,
}

impl Make {
    /// Whether any waiting worker will do.
    pub(crate) fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// A call on its way to a worker.
#[derive(Debug)]
pub(crate) struct Job {
    pub invocation: Invocation,
    pub reply: oneshot::Sender<Ended>,
    pub since: Instant,
}

impl Job {
    /// Answers a call that no worker began. A caller that no longer waits needs no answer.
    pub(crate) fn refuse(self, version: &str, error: InvokeError) {
        let queued_us = crate::worker::micros(self.since.elapsed());
        let version = version.to_owned();
        let figures = Figures { version, queued_us, ..Figures::default() };
        let _ = self.reply.send(Ended { result: Err(error), figures });
    }
}

/// How a worker is reached while it is idle.
#[derive(Debug)]
pub(crate) struct Seat {
    pub worker: u64,
    /// Nothing sends it home.
    pub jobs: mpsc::UnboundedSender<Option<Job>>,
    pub since: Instant,
    /// What it uses of the server's limits.
    pub share: Arc<Share>,
}

impl Seat {
    /// Sends the worker home. One that has just died needs no telling.
    pub(crate) fn dismiss(self) {
        let _ = self.jobs.send(None);
    }
}
