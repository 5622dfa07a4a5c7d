//! Does the memory of a server follow the number of its documents? A million are added, one to a
//! request, and the table shows what the process took on the way. The soak asks the same of half an
//! hour; this asks within minutes, and of more documents.

use anyhow::{Context, Result};

use crate::load::fill;
use crate::platform::{Platform, here};
use crate::{process, table};

/// How many documents; less by `YUNKAI_BENCH_DOCUMENTS`.
const DOCUMENTS: u64 = 1_000_000;
/// Documents of one row, and between two looks at the process.
const ROW: u64 = 100_000;
const LOOK: u64 = 5_000;
const CLIENTS: usize = 32;

/// Prints the table.
pub async fn run() -> Result<()> {
    let given = std::env::var("YUNKAI_BENCH_DOCUMENTS").ok().and_then(|text| text.parse().ok());
    let count: u64 = given.unwrap_or(DOCUMENTS);
    table::heading("Growth: the server while documents are added, one to a request");
    let platform = Platform::start(&here().join("project")).await?;
    let server = platform.process_id().context("the server ended")?;
    let shot = platform.adds();
    table::columns(&["documents", "MB (median)", "least", "most"]);
    table::row(&["0", &format!("{:.0}", process::resident_mb(server)?), "", ""]);
    for row in 0..count / ROW {
        let mut sizes = Vec::new();
        for look in 0..ROW / LOOK {
            fill(&shot, row * ROW + look * LOOK, LOOK, CLIENTS).await?;
            sizes.push(process::resident_mb(server)?);
        }
        sizes.sort_unstable_by(f64::total_cmp);
        let at = |place: usize| sizes.get(place).map_or_else(String::new, |it| format!("{it:.0}"));
        let last = sizes.len().saturating_sub(1);
        table::row(&[&((row + 1) * ROW).to_string(), &at(sizes.len() / 2), &at(0), &at(last)]);
    }
    Ok(())
}
