//! Permission modes: what a caller who is not an administrator may do with a document or a file.
//!
//! This room answers questions and does nothing else. It is pure: it reads no clock, no document
//! and no file, and it never learns who an administrator is (they are let through before anybody
//! asks here). Today it holds the four simple modes of the platform (protocol 03 §8.3 for
//! documents, 04 §5 for files). The security-rule language, in which a collection states its own
//! conditions, will live here too, behind the same three answers.
//!
//! The three answers are [`Decision::Allow`], [`Decision::AllowOwn`] and [`Decision::Deny`].
//! `AllowOwn` is not a question to somebody else: [`Decision::narrow`] turns it into the query that
//! simply does not see what belongs to others, so a foreign document is "not found" and never
//! "forbidden", exactly as on the platform.

mod acl;
mod decision;

pub use acl::{Acl, Error, Operation};
pub use decision::{CallerIdentity, Decision};
