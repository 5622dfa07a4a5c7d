//! `sim --seconds 3600 --seed 1`: worlds for as long as one likes, one seed after another. With a
//! seed and no seconds: that one. It prints what it did and, at the first contradiction, its seed.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Parser;

/// Worlds in which power fails.
#[derive(Parser)]
struct Arguments {
    /// How long to go on; without it, one world is run.
    #[arg(long)]
    seconds: Option<u64>,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

#[expect(clippy::print_stdout, reason = "what it did is what this program is for")]
fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let end = Instant::now() + Duration::from_secs(arguments.seconds.unwrap_or(0));
    let (mut worlds, mut crashes, mut operations) = (0, 0, 0);
    loop {
        let seed = arguments.seed + worlds;
        let tally = sim::world::run(seed).with_context(|| format!("seed {seed}"))?;
        worlds += 1;
        crashes += tally.crashes;
        operations += tally.operations;
        if Instant::now() >= end {
            println!("{worlds} worlds, {crashes} crashes, {operations} operations: all hold");
            return Ok(());
        }
    }
}
