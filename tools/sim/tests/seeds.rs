//! Seeds for as long as `YUNKAI_SIM_SECONDS` says (60, shared by both parts), from
//! `YUNKAI_SIM_SEED` on (0). A failure prints its seed; `cargo run -p sim -- --seed N` repeats it.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;
use std::time::{Duration, Instant};

use sim::disk::Syncing;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn worlds_keep_their_promises_when_the_power_fails() {
    let end = Instant::now() + Duration::from_secs(setting("YUNKAI_SIM_SECONDS", 60)) / 2;
    let first = setting("YUNKAI_SIM_SEED", 0);
    let (mut worlds, mut crashes, mut operations) = (0, 0, 0);
    while worlds < 3 || Instant::now() < end {
        let seed = first + worlds;
        match sim::world::run(seed) {
            Ok(tally) => {
                crashes += tally.crashes;
                operations += tally.operations;
            }
            Err(error) => panic!("seed {seed}: {error:#}"),
        }
        worlds += 1;
    }
    println!("{worlds} worlds, {crashes} crashes, {operations} operations");
}

#[test]
fn whatever_a_loss_of_power_leaves_on_the_disk_opens_with_all_that_was_acknowledged() {
    let end = Instant::now() + Duration::from_secs(setting("YUNKAI_SIM_SECONDS", 60)) / 2;
    let first = setting("YUNKAI_SIM_SEED", 0);
    let (mut seeds, mut losses) = (0, 0);
    while seeds == 0 || Instant::now() < end {
        let program = Path::new(env!("CARGO_BIN_EXE_sim"));
        losses += sim::power::run(first + seeds, program, Syncing::Done).unwrap().losses;
        seeds += 1;
    }
    println!("{seeds} seeds, {losses} losses of power");
}

/// Nothing is silently wrong; and most is noticed, though some small files have bytes that nobody
/// reads.
#[test]
fn a_flipped_byte_of_a_closed_database_is_noticed_or_harmless() {
    let program = Path::new(env!("CARGO_BIN_EXE_sim"));
    let figures = sim::damage::flip(setting("YUNKAI_SIM_SEED", 0), 60, program).unwrap();
    println!("{figures}");
    assert!(figures.noticed() * 10 >= figures.flips() * 6, "{figures}");
}

/// The simulation itself: it must find fault with a disk that only pretends to sync the journal.
#[test]
fn a_disk_that_feigns_its_syncs_is_found_out() {
    let program = Path::new(env!("CARGO_BIN_EXE_sim"));
    let found = sim::power::run(0, program, Syncing::Feigned(".jnl")).unwrap_err();
    let found = format!("{found:#}");
    // Found by what it lost, not by a failure of the simulation. What is lost is up to the threads
    // of the recorded process: a repetition records another tape.
    assert!(found.contains(" opening: ") || found.contains("does not open"), "{found}");
}

#[test]
fn a_seed_repeats_its_world() {
    for seed in 0..10 {
        let first = sim::world::run(seed).unwrap().transcript;
        assert_eq!(sim::world::run(seed).unwrap().transcript, first, "seed {seed}");
    }
}
