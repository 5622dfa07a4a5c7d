//! Uploaded bytes: ids, blobs on the local disk, signed links, image variants.
//!
//! A file is a path; a path points to a blob; a blob is immutable bytes named by their SHA-256.
//! Writing streams the body into a temporary file while hashing it, syncs it, moves it to its name
//! and only then lets the path point to it, in one document of the engine. So a reader sees the
//! old bytes or the new, never half, and the same content twice lies on the disk once.
//!
//! Where to read: `files` is the tour; `ledger` says which blob is still needed and holds the one
//! invariant worth knowing; `blobs` is the disk; `links` are the signatures; `processing` reads
//! what a link asks of a picture and `picture` makes it, on blocking threads, within limits, once.
//!
//! This room refuses to judge callers (`platform` asks `rules`) and to speak HTTP: it hands out
//! query strings, tokens, ranges and paths on the disk, and the gateway does the rest.

mod blobs;
mod content_type;
mod error;
mod files;
mod id;
mod ledger;
mod links;
mod locks;
mod picture;
mod processing;
mod range;
mod record;
mod variants;

pub use error::Error;
pub use files::{Files, Upload};
pub use id::{FileId, PATH_BYTES_MAX, bucket, check_path, encode_path};
pub use links::{LinkError, UploadTicket};
pub use processing::{Processing, SIDE_MAX};
pub use range::Range;
pub use record::FileRecord;
pub use variants::Variant;
