//! The wire: HTTP in, operations out.
//!
//! A request comes in on the listener or on the private socket of a worker. [`admin`] and [`web`]
//! read the vendors' envelopes into typed `platform` calls; [`auth`] is the sign-in protocol of the
//! newer client SDKs; [`file_transfer`] moves bytes; [`console`] shows what happens; everything
//! else is
//! the hosted site. The shapes of the wire live here and nowhere below, and so do the vendors'
//! error
//! codes ([`codes`]) and HTTP statuses.
//!
//! What this room never does: decide who may do what. Every power lies behind `platform`, and the
//! compiler sees to it that this room can reach nothing else.

mod actions;
mod admin;
mod api;
mod auth;
mod codes;
mod console;
mod encode;
mod envelope;
mod file_transfer;
mod hosting;
mod http_routes;
mod metrics;
mod multipart;
mod open_api_messages;
mod origin;
mod push;
mod reply;
mod rest;
mod routes;
mod server;
mod services;
mod sockets;
mod streams;
mod upload;
mod v1_functions;
mod web;

pub use origin::WORKER_HOST;
pub use server::{Gateway, GatewayOptions, local_url, serve, serve_console};
