//! The plain data that crosses this room's border: what a caller hands in and gets back.
//!
//! Nothing here is a wire format, and nothing here does anything.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::error::InvokeError;
use crate::package::{Bundle, UnsupportedCall, Zip};

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
    /// Other Node.js binaries by their major version, for functions that ask for one.
    pub nodes: BTreeMap<u32, PathBuf>,
    /// Whether functions may have the install scripts of their dependencies run. Those run with
    /// the rights of the server.
    pub install_scripts: bool,
    /// The program that is started as `launcher worker-enter …` and calls [`crate::enter`].
    pub launcher: PathBuf,
    /// How many confined workers wait for a function, started ahead of need.
    pub waiting_workers: usize,
    /// How many worker processes may serve functions at once, waiting ones not counted.
    pub workers_max: usize,
    /// How much memory the functions of all workers may be allowed together, in MB: the sum of
    /// their memory settings, waiting workers not counted. The memory of the machine when absent.
    pub memory_budget_mb: Option<u64>,
    /// How many calls of one version of a function may wait for a worker.
    pub queue_max: usize,
    /// `host[:port]` of the platform itself; connections to them use the worker's private socket.
    /// The first one is the host of `TCB_CONTEXT_CNFG`.
    pub redirected_hosts: Vec<String>,
    /// Whether workers are confined (Landlock, seccomp, namespaces, limits, uid).
    pub confine: bool,
    /// Whether functions may connect to loopback and link-local addresses that are not redirected.
    pub open_loopback: bool,
    /// Whether workers have a network of their own whose only way out is a gate of the server,
    /// where the kernel offers it.
    pub gate: bool,
    /// The function that runs under a debugger, in `dev`. Its one worker has no time limit.
    pub inspect: Option<Inspect>,
    /// After how long without a call a worker is stopped, in milliseconds, unless its function
    /// says otherwise. Default 60,000.
    pub idle_ms: u64,
    /// Whether a deploy prepares a worker before the first call.
    pub prepares_deployed: bool,
}

impl Options {
    /// Options with the defaults of `yunkai dev`; fields may be changed afterwards.
    #[must_use]
    pub fn new(data_dir: PathBuf, run_dir: PathBuf, node: PathBuf, launcher: PathBuf) -> Self {
        Self {
            data_dir,
            run_dir,
            node,
            nodes: BTreeMap::new(),
            install_scripts: true,
            launcher,
            waiting_workers: 1,
            workers_max: 16,
            memory_budget_mb: None,
            queue_max: 256,
            redirected_hosts: Vec::new(),
            confine: true,
            open_loopback: false,
            gate: true,
            inspect: None,
            idle_ms: 60_000,
            prepares_deployed: true,
        }
    }
}

/// Which function runs under a debugger, and where that listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspect {
    /// The function's name, in whatever environment.
    pub function: String,
    /// The port on 127.0.0.1.
    pub port: u16,
    /// Whether its first call waits for the debugger and every call stops before the handler.
    pub break_first: bool,
}

/// A function as it is handed in for deployment.
#[derive(Debug, Clone)]
pub struct Package {
    /// The environment it belongs to.
    pub environment: String,
    /// Its name: `^[A-Za-z][A-Za-z0-9_-]{0,59}$`.
    pub name: String,
    /// The label it is called by: [`LATEST`], which is replaced in place, or the text of a number,
    /// which keeps its code and settings for good.
    pub version: String,
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
    /// A zip archive, unpacked with limits.
    Zip(Zip),
}

/// A package that an earlier process deployed and that still lies in the data directory.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The environment it belongs to.
    pub environment: String,
    /// The function's name.
    pub name: String,
    /// See [`Package::version`].
    pub version: String,
    /// What [`DeployReport::content_hash`] said.
    pub content_hash: String,
    /// How it runs.
    pub settings: Settings,
}

/// The version that a call without a qualifier means.
pub const LATEST: &str = "$LATEST";

/// How a function is called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// By an event; its handler answers with a value.
    #[default]
    Event,
    /// By HTTP requests to a server of its own.
    Http,
}

/// Where a function may connect to, beside the platform. Entries are `host`, an address or a
/// CIDR block, each with an optional `:port`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// Nothing else may be reached when this is not empty.
    pub allow: Vec<String>,
    /// These may not be reached.
    pub deny: Vec<String>,
    /// Whether its workers use the machine's network themselves, for what the gate does not carry.
    pub direct: bool,
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
    /// How many workers are kept ready when nobody calls. Default 0.
    pub min_instances: u32,
    /// How many workers this function may have at once; only the limits of the server when absent.
    pub max_instances: Option<u32>,
    /// After how long without a call one of its workers is stopped, in milliseconds; the server's
    /// [`Options::idle_ms`] when absent.
    pub idle_ms: Option<u64>,
    /// Where it may connect to. Empty means the server's default.
    pub network: Network,
    /// How it is called.
    pub kind: Kind,
    /// The major version of Node.js it asks for; the server's when absent.
    pub node: Option<u32>,
    /// Whether dependencies may run their install scripts.
    pub install_scripts: bool,
    /// The interfaces of the open platform it may call, as `config.json` lists them; `*` stands for
    /// all, and is the default of functions that list none.
    pub permissions: Vec<String>,
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
            min_instances: 0,
            max_instances: None,
            idle_ms: None,
            network: Network::default(),
            kind: Kind::default(),
            node: None,
            install_scripts: false,
            permissions: vec!["*".to_owned()],
        }
    }
}

/// What a deploy did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployReport {
    /// The label it was deployed under; see [`Package::version`].
    pub version: String,
    /// Counts the deploys under this label that changed something, from 1, since the process
    /// started.
    pub revision: u64,
    /// SHA-256 of the code as it runs (dependencies included), 64 hex digits.
    pub content_hash: String,
    /// Bilingual sentences a developer should read; nothing failed.
    pub notices: Vec<String>,
    /// False when code and settings are what was already deployed.
    pub changed: bool,
    /// Version of the `wx-server-sdk` the function gets, when the platform's own copy serves it.
    pub carried_sdk: Option<String>,
    /// Calls in the code that will fail here; `notices` does not repeat them.
    pub unsupported: Vec<UnsupportedCall>,
    /// Whether workers load one file, or why they do not.
    pub bundle: Bundle,
}

/// A deployed function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionInfo {
    /// The environment it belongs to.
    pub environment: String,
    /// Its name.
    pub name: String,
    /// See [`Package::version`].
    pub version: String,
    /// See [`DeployReport::revision`].
    pub revision: u64,
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

/// Name and value of a variable of the process environment; most are the same for every call.
pub type Variable = (Cow<'static, str>, Cow<'static, str>);

/// One call of a function.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The environment of the function.
    pub environment: String,
    /// The function's name.
    pub function: String,
    /// The label of a version; [`LATEST`] when absent. Aliases are resolved before.
    pub qualifier: Option<String>,
    /// The event as JSON text, at most 6 MiB.
    pub event: String,
    /// The platform's id of this call; unique, without line breaks, at most 128 bytes.
    pub request_id: String,
    /// Process environment of this call alone: identity, credentials, call chain.
    pub variables: Vec<Variable>,
}

/// How a call ended, and what it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// What `main` returned, as JSON text (`null` for `undefined`), at most 6 MiB.
    pub result: Result<String, InvokeError>,
    /// What was measured; also of a call that failed.
    pub figures: Figures,
}

/// What a call took. All zero for a call that no worker began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// The label of the version that ran, or was asked for.
    pub version: String,
    /// Whether this was the first call of its worker.
    pub cold: bool,
    /// Waiting for a worker, in microseconds; `start_us` is not part of it.
    pub queued_us: u64,
    /// Giving the worker the function and loading its code, in microseconds; 0 when it was warm.
    pub start_us: u64,
    /// The handler itself, in microseconds.
    pub duration_us: u64,
    /// The most resident memory the worker was seen to use so far, in MB, sampled at most once a
    /// second. Nothing before the first sample.
    pub memory_mb: Option<u64>,
    /// The number of the worker; unique within the process.
    pub worker: Option<u64>,
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
