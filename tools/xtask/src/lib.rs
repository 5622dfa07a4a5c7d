//! House rules as checks: the project reads its own tree and says what breaks its plan.
//!
//! `imports` holds the table of who may import whom; `sources` looks at every source file;
//! `documents` at the pages a reader expects. Each check takes text and returns sentences, so that
//! each can be shown to fail; `tests/house.rs` runs them over the repository. What rustc and clippy
//! refuse already (unsafe code, `unwrap`, print macros) is not repeated here.

pub mod documents;
pub mod imports;
pub mod sources;
pub mod tree;
