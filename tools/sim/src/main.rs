//! `sim --seconds 3600 --seed 1`: both simulations, one seed after another, for as long as one
//! likes; without seconds, that seed alone. Prints what it did and, at the first contradiction, its
//! seed.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use sim::disk::Syncing;

/// Worlds in which power fails.
#[derive(Parser)]
struct Arguments {
    /// How long to go on; without it, one seed is run.
    #[arg(long)]
    seconds: Option<u64>,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Subcommand)]
enum Part {
    /// Only the simulated disk.
    Worlds,
    /// Only recorded files.
    Power,
    /// Flips bytes of a closed database, one per seed, and counts what is noticed.
    Damage {
        /// How many.
        #[arg(long, default_value_t = 1000)]
        flips: u64,
    },
    /// The process that looks at a damaged database.
    #[command(hide = true)]
    Look { data: PathBuf },
    /// The process that part (b) records.
    #[command(hide = true)]
    Child { data: PathBuf, marks: PathBuf, seed: u64, begun: usize },
}

#[expect(clippy::print_stdout, reason = "what it did is what this program is for")]
fn main() -> Result<()> {
    let Arguments { seconds, seed: first, part } = Arguments::parse();
    if let Some(Part::Child { data, marks, seed, begun }) = part {
        return sim::power::live(&data, &marks, seed, begun);
    }
    if let Some(Part::Look { data }) = part {
        return sim::damage::look(&data);
    }
    let program = std::env::current_exe()?;
    if let Some(Part::Damage { flips }) = part {
        println!("{}", sim::damage::flip(first, flips, &program)?);
        return Ok(());
    }
    let begin = Instant::now();
    let until = |share: f64| begin + Duration::from_secs(seconds.unwrap_or(0)).mul_f64(share);
    if !matches!(part, Some(Part::Power)) {
        let end = until(if part.is_some() { 1.0 } else { 0.5 });
        let (mut worlds, mut crashes, mut operations) = (0, 0, 0);
        while worlds == 0 || Instant::now() < end {
            let seed = first + worlds;
            let tally = sim::world::run(seed).with_context(|| format!("seed {seed}"))?;
            worlds += 1;
            crashes += tally.crashes;
            operations += tally.operations;
        }
        println!("simulated disk: {worlds} seeds, {crashes} crashes, {operations} operations");
    }
    if !matches!(part, Some(Part::Worlds)) {
        let (mut seeds, mut losses, mut operations, mut records) = (0, 0, 0, 0);
        while seeds == 0 || Instant::now() < until(1.0) {
            let tally = sim::power::run(first + seeds, &program, Syncing::Done)?;
            seeds += 1;
            losses += tally.losses;
            operations += tally.operations;
            records += tally.records;
        }
        println!(
            "recorded files: {seeds} seeds, {losses} losses of power, {operations} operations, \
             {records} file calls"
        );
    }
    Ok(())
}
