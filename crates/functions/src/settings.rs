//! The plain data that crosses this room's border: what a caller hands in and gets back.
//!
//! Nothing here is a wire format, and nothing here does anything.

use std::path::PathBuf;

/// Largest event and largest result, in bytes (protocol 02 §3.1).
pub(crate) const RESULT_BYTES_MAX: usize = 6 * 1024 * 1024;

/// How the runtime is set up, once per process.
#[derive(Debug, Clone)]
pub struct Options {
    /// Durable folder of this room: `packages/` (deployed code), `modules/` (installed
    /// dependencies).
    pub data_dir: PathBuf,
    /// Folder of slots and sockets, emptied at start. At most 80 bytes: Unix socket paths end at
    /// 108.
    pub run_dir: PathBuf,
    /// The Node.js binary, version 20 or newer.
    pub node: PathBuf,
    /// The program that is started as `launcher worker-enter …` and calls [`crate::enter`].
    pub launcher: PathBuf,
    /// How many confined workers wait for a function, started ahead of need.
    pub waiting_workers: usize,
    /// How many worker processes may exist at once, waiting ones not counted.
    pub workers_max: usize,
    /// How many calls of one function may wait for a worker.
    pub queue_max: usize,
    /// `host[:port]` of the platform itself; connections to them use the worker's private socket.
    /// The first one is the host of `TCB_CONTEXT_CNFG`.
    pub redirected_hosts: Vec<String>,
    /// Whether workers are confined (Landlock, seccomp, namespaces, limits, uid).
    pub confine: bool,
    /// Whether functions may connect to loopback and link-local addresses that are not redirected.
    pub open_loopback: bool,
    /// After how long without a call a worker is stopped, in milliseconds. Default 60,000.
    pub idle_ms: u64,
}

impl Options {
    /// Options with the defaults of `yunkai dev`; fields may be changed afterwards.
    #[must_use]
    pub fn new(data_dir: PathBuf, run_dir: PathBuf, node: PathBuf, launcher: PathBuf) -> Self {
        Self {
            data_dir,
            run_dir,
            node,
            launcher,
            waiting_workers: 1,
            workers_max: 16,
            queue_max: 256,
            redirected_hosts: Vec::new(),
            confine: true,
            open_loopback: false,
            idle_ms: 60_000,
        }
    }
}

/// A function as it is handed in for deployment.
#[derive(Debug, Clone)]
pub struct Package {
    /// The environment it belongs to.
    pub environment: String,
    /// Its name: `^[A-Za-z][A-Za-z0-9_-]{0,59}$`.
    pub name: String,
    /// Where its code lies.
    pub source: Source,
    /// How it runs.
    pub settings: Settings,
}

/// Where the code of a package comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A folder of this machine. It is copied; later edits change nothing until the next deploy.
    Folder(PathBuf),
}

/// How a function runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `file.export` with the file relative to the package, without its extension.
    pub handler: String,
    /// Time limit of one call in milliseconds, 1..=900,000.
    pub timeout_ms: u64,
    /// Memory limit in MB, 64..=8,192.
    pub memory_mb: u64,
    /// Variables of the process environment, in every call.
    pub variables: Vec<(String, String)>,
    /// The declared runtime, e.g. `Nodejs18.15`. Only Node.js runtimes are served.
    pub runtime: Option<String>,
    /// Whether dependencies that are declared and absent are installed at deploy.
    pub install_dependencies: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            handler: "index.main".to_owned(),
            timeout_ms: 20_000,
            memory_mb: 256,
            variables: Vec::new(),
            runtime: None,
            install_dependencies: true,
        }
    }
}

/// What a deploy did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployReport {
    /// Counts the deploys of this function that changed something, from 1, since the process
    /// started.
    pub version: u64,
    /// SHA-256 of the code as it runs (dependencies included), 64 hex digits.
    pub content_hash: String,
    /// Bilingual sentences a developer should read; nothing failed.
    pub notices: Vec<String>,
    /// False when code and settings are what was already deployed.
    pub changed: bool,
    /// Version of the `wx-server-sdk` the function gets, when the platform's own copy serves it.
    pub carried_sdk: Option<String>,
}

/// A deployed function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionInfo {
    /// The environment it belongs to.
    pub environment: String,
    /// Its name.
    pub name: String,
    /// See [`DeployReport::version`].
    pub version: u64,
    /// See [`DeployReport::content_hash`].
    pub content_hash: String,
    /// How it runs.
    pub settings: Settings,
    /// Version of the carried `wx-server-sdk` it uses, if it does.
    pub carried_sdk: Option<String>,
    /// Worker processes that serve it now.
    pub workers: usize,
    /// Calls that wait for a worker now.
    pub queued: usize,
}

/// One call of a function.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The environment of the function.
    pub environment: String,
    /// The function's name.
    pub function: String,
    /// `$LATEST`, a version, or nothing.
    pub qualifier: Option<String>,
    /// The event as JSON text, at most 6 MiB.
    pub event: String,
    /// The platform's id of this call; unique, without line breaks, at most 128 bytes.
    pub request_id: String,
    /// Process environment of this call alone: identity, credentials, call chain.
    pub variables: Vec<(String, String)>,
}

/// The result of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What `main` returned, as JSON text (`null` for `undefined`), at most 6 MiB.
    pub result: String,
    /// Time from handing the event to the worker to its result, loading included, in microseconds.
    pub duration_us: u64,
    /// Time before that: waiting for a worker, or for one to start, in microseconds.
    pub queued_us: u64,
    /// Whether this was the first call of its worker.
    pub cold: bool,
    /// Resident memory of the worker in MB, sampled at most once a second.
    pub memory_mb: Option<u64>,
}

/// How serious a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// `console.debug`, `console.trace`.
    Debug,
    /// `console.log`, `console.info`, standard output.
    Info,
    /// `console.warn`.
    Warn,
    /// `console.error`, standard error, and what the platform reports about the worker.
    Error,
}

/// One entry of a function's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The environment of the function; empty for lines of workers without a function.
    pub environment: String,
    /// The function; empty for lines of workers without a function.
    pub function: String,
    /// The invocation that wrote it, when it is known.
    pub request_id: Option<String>,
    /// How serious it is.
    pub level: LogLevel,
    /// When it was written, in milliseconds since 1970.
    pub time_ms: i64,
    /// The text, line breaks inside, none at its end. Longer than 32 KiB is cut and says so.
    pub text: String,
    /// True when the platform, not the function, wrote the line.
    pub from_platform: bool,
}

/// Whether a measure is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckState {
    /// Fully.
    On,
    /// Not at all.
    Off,
    /// In part; the explanation says which.
    Partly,
}

/// One line of `yunkai doctor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// A stable short name, e.g. `landlock`.
    pub name: String,
    /// Whether it is in force here.
    pub state: CheckState,
    /// Bilingual: what it means and, when it is off, what would turn it on.
    pub explanation: String,
}
