//! Extended JSON, read liberally and written in two forms.
//!
//! Reading takes every dialect the vendor's SDKs send, mixed in any way: canonical and relaxed
//! extended JSON, the plain dialect (`{"$date":ms}`, `{"$regex","$options"}`), and server dates,
//! which become dates at once (protocol 03 §2). Writing is canonical (what Family B reads) or plain
//! (what Family A reads).

mod canonical;
mod date;
mod plain;
mod read;

pub use canonical::{canonical, canonical_raw, canonical_value};
pub use plain::{plain, plain_value};
pub use read::{from_json, parse};

/// Longest text [`parse`] takes: a document of the largest size, with room for its wrappers.
pub const TEXT_BYTES_MAX: usize = 4 * crate::DOCUMENT_BYTES_MAX;
