//! Cloud functions: packages, Node workers, invocations, confinement.
//!
//! A function is deployed from a folder, kept as a package named by its content
//! ([`Functions::deploy`]), and run by Node.js processes ([`Functions::invoke`]). The story of a
//! call:
//!
//! 1. a *pool* (one per version of a function) gives the call to an idle worker, or lets it wait
//!    in line;
//! 2. when calls wait, the *hall* hands over a *waiting worker*: a confined process that already
//!    runs the bootstrap and has `wx-server-sdk` loaded; the package is hard-linked into its
//!    *slot*;
//! 3. the worker gets the event and the call's variables as a *frame* and answers with the result;
//! 4. what the function asks of the platform meanwhile arrives on the worker's private socket
//!    ([`Streams::connections`]), each request marked with its invocation.
//!
//! One process runs one invocation at a time, because the vendor's SDK reads the caller's identity
//! from the process environment. This room is the only one that knows processes. It refuses to know
//! who may call a function, what an HTTP status is, or what a document looks like.

mod ahead;
mod assets;
mod connection;
mod error;
mod frames;
mod functions;
mod hall;
mod job;
mod logs;
mod package;
mod parcels;
mod pool;
mod prepared;
mod process;
mod redact;
mod room;
mod sandbox;
mod scaler;
mod served;
mod settings;
mod slot;
mod worker;

pub use connection::{ConnectionOwner, INVOCATION_HEADER, RECENT_MAX, WorkerConnection};
pub use error::{Error, InvokeError};
pub use functions::{Functions, Streams};
pub use package::{Bundle, Parcel, UnsupportedCall, Zip, unpack_site};
pub use prepared::Prepared;
pub use redact::redact;
pub use sandbox::{doctor, enter};
pub use settings::{
    Check, CheckState, DeployReport, Ended, Figures, FunctionInfo, Inspect, Invocation, Kind,
    LATEST, LogLevel, LogLine, Network, Options, Package, Settings, Source, Stored, Variable,
};
