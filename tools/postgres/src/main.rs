//! The same by command line, for tests that are not Rust: prints the address of a fresh server
//! and stops it when standard input closes. `--durable` makes commits wait for the disk.

use std::io::{Read, Write};

use throwaway_postgres::{Cluster, Disk};

fn main() -> std::io::Result<()> {
    let is_durable = std::env::args().any(|argument| argument == "--durable");
    let cluster = Cluster::start(if is_durable { Disk::Durable } else { Disk::Quick });
    let mut output = std::io::stdout();
    writeln!(output, "{}", cluster.address())?;
    output.flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    drop(cluster);
    Ok(())
}
