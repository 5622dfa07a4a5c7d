//! The document language as a child process, so that tests in other languages can compare it with
//! other implementations of the same language. Reads one case per line, answers one line each.
//!
//! A case has the shape of the rows in `crates/query/tests/cases` plus `kind`, and `documents`
//! everywhere. An answer is `{"ok": …}` or `{"error": "…"}`; documents are extended JSON.
//!
//! Refuses to compare: what is right is decided by whoever asks.

mod case;
mod pipeline;

use std::io::{BufRead, BufWriter, Write};

use anyhow::Result;

fn main() -> Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let answer = case::answer(&line?);
        writeln!(out, "{answer}")?;
        // Whoever asks waits for the answer before the next batch; the pipe must not hold it back.
        out.flush()?;
    }
    Ok(())
}
