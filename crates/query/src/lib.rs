//! The document language as pure functions: filter, project, sort, update.
//!
//! Each part is parsed once from a [`value::Document`] and then applied to many documents:
//! [`Filter`], [`Sort`] and [`Projection`] read BSON bytes in place, [`Update`] changes a document
//! in memory. The semantics are MongoDB's; the vendor SDKs' known mistakes (protocol 03 §5) are
//! repaired on the way in, in `repair`.
//!
//! [`Pipeline`]s of an aggregation compute with [`expression`]s.
//!
//! Pure: no clock, no chance, no IO. An operator that is not known is refused by name, never
//! ignored.

pub mod aggregate;
mod dialect;
mod error;
pub mod expression;
mod filter;
pub mod geo;
mod path;
mod pattern;
mod projection;
mod repair;
mod sort;
mod update;

pub use aggregate::Pipeline;
pub use error::Error;
pub use filter::{Filter, Metric, Near, bounds};
pub use projection::Projection;
pub use sort::{Sort, SortKey};
pub use update::Update;
