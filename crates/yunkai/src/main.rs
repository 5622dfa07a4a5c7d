//! The `yunkai` binary.
fn main() {}
