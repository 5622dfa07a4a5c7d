//! Side-by-side comparisons: ours and its peers under the same load generator, in one run on one
//! machine, in alternating rounds. Prints tables; judges nothing.
//!
//! `cargo run --release -p benches -- [call|documents|memory]`

mod call;
mod documents;
mod load;
mod log_writer;
mod memory;
mod parse_server;
mod peers;
mod photos;
mod platform;
mod postgres;
mod table;

use anyhow::{Result, bail};

/// How many alternating rounds a figure is the median of.
const ROUNDS: usize = 5;

#[tokio::main]
async fn main() -> Result<()> {
    let only = std::env::args().nth(1).unwrap_or_default();
    match only.as_str() {
        "" => {
            memory::run().await?;
            call::run().await?;
            documents::run().await
        }
        "memory" => memory::run().await,
        "call" => call::run().await,
        "documents" => documents::run().await,
        other => bail!("no bench '{other}': call, documents, memory"),
    }
}
