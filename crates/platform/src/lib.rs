//! The product without a wire: every operation, authorised.
//!
//! A [`Platform`] is one server: its environments, the worker pool they share, WeChat (real or
//! simulated) and the journal. Whoever wants something builds a [`Context`] — which environment,
//! who asks, over which address — and calls a function of [`database`], [`storage`], [`calls`],
//! [`open_api`], [`sign_in`], [`deploy`] or [`releases`]. Each checks the caller before it touches
//! a room below, so a wire has no powers of its own: a second wire would change nothing here.
//!
//! What this room never does: speak HTTP, know vendor codes, print, read the process environment.

pub mod access;
mod background;
pub mod caller;
pub mod calls;
pub mod collections;
pub mod database;
pub mod deploy;
pub mod directory;
pub mod environment;
mod error;
pub mod http;
pub mod indexes;
pub mod invocations;
pub mod journal;
mod kept;
pub mod keys;
pub mod metrics;
pub mod open_api;
pub mod pay;
pub mod push;
pub mod records;
pub mod releases;
mod rooms;
mod server;
pub mod services;
mod shelf;
pub mod sign_in;
pub mod sockets;
pub mod storage;
pub mod transactions;
pub mod transfer;
pub mod triggers;

pub use caller::{Caller, Context, User};
pub use environment::{Environment, new_request_id};
pub use error::{Code, Error, Result};
pub use functions::{
    ConnectionOwner as WorkerPeer, INVOCATION_HEADER, InvokeError, WorkerConnection,
};
pub use rules::Acl;
/// How WeChat is reached, paid through and listened to.
pub mod wechat_options {
    pub use wechat::HttpOptions;
    pub use wechat::pay::{Mode, PayOptions, SignType};
    pub use wechat::push::PushOptions;
}

pub use server::{Options, Platform, StoreOptions, WeChatOptions};
