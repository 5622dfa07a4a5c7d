//! What a field can hold, how two values compare, how a value becomes an ordered key.
//!
//! - [`Value`] and [`Document`] own their data; [`RawDoc`] and [`RawValue`] borrow BSON bytes and
//!   decode only what is asked for; [`View`] looks at either without caring which.
//! - [`compare`] is MongoDB's order across kinds; [`key`] turns a value into bytes whose `memcmp`
//!   order is the same.
//! - [`ejson`] reads every JSON dialect the vendor's SDKs send and writes the two they read.
//!
//! Pure: no clock, no chance, no IO. Nothing here panics on foreign bytes or text.

mod bson;
pub mod calendar;
mod compare;
pub mod decimal;
mod document;
pub mod ejson;
mod error;
pub mod key;
mod number;
mod raw;
mod value;
mod view;

pub use compare::{compare, compare_views, equals};
pub use document::{Document, parse_index};
pub use error::Error;
pub use raw::{RawArray, RawDoc, RawFields, RawValue};
pub use value::Value;
pub use view::{ArrayView, DocView, View};

/// Largest BSON document in bytes; MongoDB's limit.
pub const DOCUMENT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Most levels of objects and arrays within each other, the document itself included;
/// MongoDB's limit. It also bounds every recursion over foreign data.
pub const DEPTH_MAX: usize = 100;
