//! Extended JSON, read liberally and written in two forms.
//!
//! Reading takes every dialect the vendor's SDKs send, mixed in any way: canonical and relaxed
//! extended JSON, the plain dialect (`{"$date":ms}`, `{"$regex","$options"}`), and server dates,
//! which become dates at once (protocol 03 §2). Writing is canonical (what Family B reads), plain
//! (what Family A reads) or relaxed (what files hold).

mod canonical;
mod date;
mod plain;
mod read;
mod relaxed;

pub use canonical::{canonical, canonical_raw, canonical_value};
pub use plain::{plain, plain_value};
pub use read::{from_json, parse};
pub use relaxed::{relaxed_raw, relaxed_value};

/// Longest text [`parse`] takes: a document of the largest size, with room for its wrappers.
pub const TEXT_BYTES_MAX: usize = 4 * crate::DOCUMENT_BYTES_MAX;

/// Milliseconds since 1970 of an ISO 8601 text such as `2026-11-20T09:48:00.123Z`; a text without
/// a zone counts as UTC. `None` when it is no date.
pub fn parse_date(text: &str) -> Option<i64> {
    date::parse(text)
}

/// `2026-11-20T09:48:00.123Z`; `None` outside the years 0 to 9999.
pub fn print_date(ms: i64) -> Option<String> {
    date::print(ms)
}
