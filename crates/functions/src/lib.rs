//! Cloud functions: packages, Node workers, invocations, confinement.
//!
//! A function is deployed from a folder, kept as a content-addressed package, and run by Node.js
//! processes, one invocation at a time each. This room is the only one that knows processes. It
//! refuses to know who may call a function, what an HTTP status is, or what a document looks like.

mod connection;
mod error;
mod settings;

pub use connection::{ConnectionOwner, INVOCATION_HEADER, WorkerConnection};
pub use error::{Error, InvokeError};
pub use settings::{
    Check, CheckState, DeployReport, FunctionInfo, Invocation, LogLevel, LogLine, Options, Outcome,
    Package, Settings, Source,
};

use tokio::sync::mpsc;

/// What comes out of the workers, for the platform to serve. Both streams are bounded.
#[derive(Debug)]
pub struct Streams {
    /// Connections that functions made to the platform.
    pub connections: mpsc::Receiver<WorkerConnection>,
    /// Log lines. When the reader is too slow, lines are dropped and a later line says how many.
    pub logs: mpsc::Receiver<LogLine>,
}

/// The function runtime. Cloning it gives another handle to the same one.
#[derive(Debug, Clone)]
pub struct Functions {}

impl Functions {
    /// Starts the runtime: prepares its folders and the waiting workers.
    pub async fn start(_options: Options) -> Result<(Self, Streams), Error> {
        Err(Error::ShuttingDown)
    }

    /// Checks a package, keeps it, and sends new calls to it. Running calls finish on the old one.
    pub async fn deploy(&self, _package: Package) -> Result<DeployReport, Error> {
        Err(Error::ShuttingDown)
    }

    /// Removes a function. Running calls finish; waiting ones are answered `NotFound`.
    pub async fn remove(&self, _environment: &str, _name: &str) -> Result<(), Error> {
        Err(Error::ShuttingDown)
    }

    /// The functions of an environment, by name.
    #[must_use]
    pub fn list(&self, _environment: &str) -> Vec<FunctionInfo> {
        Vec::new()
    }

    /// One function.
    #[must_use]
    pub fn get(&self, _environment: &str, _name: &str) -> Option<FunctionInfo> {
        None
    }

    /// Calls a function and waits for its result.
    pub async fn invoke(&self, _invocation: Invocation) -> Result<Outcome, InvokeError> {
        Err(InvokeError::ShuttingDown)
    }

    /// Stops taking calls, lets running ones finish for a moment, and ends every worker.
    pub async fn shutdown(&self) {}
}

/// The body of `yunkai worker-enter ARGUMENT…`: limits this process and becomes Node.
///
/// Must be called before any thread is started. Returns only when it failed.
#[must_use]
pub fn enter(_arguments: &[String]) -> std::process::ExitCode {
    std::process::ExitCode::FAILURE
}

/// What confinement this machine offers, and whether Node and the carried SDKs are usable.
#[must_use]
pub fn doctor(_options: &Options) -> Vec<Check> {
    Vec::new()
}
