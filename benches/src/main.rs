//! Side-by-side comparisons: ours and its peers under the same load generator, in one run on one
//! machine, in alternating rounds. Prints tables; judges nothing.
//!
//! `cargo run --release -p benches -- [call|documents|engine|growth|memory|million|
//! neighbour|soak|valley]`

mod bare;
mod call;
mod documents;
mod growth;
mod hot;
mod load;
mod log_writer;
mod memory;
mod million;
mod neighbour;
mod open_loop;
mod parse_server;
mod peers;
mod photos;
mod platform;
mod postgres;
mod process;
mod soak;
mod table;
mod valley;

use std::path::Path;

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
            valley::run().await?;
            neighbour::run().await?;
            hot::run().await?;
            million::run().await?;
            documents::run().await
        }
        "memory" => memory::run().await,
        "call" => call::run().await,
        "documents" => documents::run().await,
        "growth" => growth::run().await,
        "neighbour" => neighbour::run().await,
        "soak" => soak::run().await,
        "valley" => valley::run().await,
        "engine" => hot::run().await,
        "million" => million::run().await,
        // What `million` starts.
        "open" => million::open(Path::new(&std::env::args().nth(2).unwrap_or_default())).await,
        other => bail!(
            "no bench '{other}': call, documents, engine, growth, memory, million, neighbour, soak, \
             valley"
        ),
    }
}
