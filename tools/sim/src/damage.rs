//! Damage: one flipped byte in a closed database of some thousand documents, data in tables and in
//! the journal. Whoever reads everything must be told, or find everything: a document that is
//! missing or different without an error is a contradiction.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use store::{FjallOptions, Store};
use value::{Document, Value};

use crate::client;
use crate::dice::Dice;
use crate::power::{listing, quick_folder};
use crate::workload::{LISTS, THINGS};
use crate::world::on_one_thread;

/// Documents, and how many are inserted with one call.
const DOCUMENTS: u64 = 4_000;
const AT_ONCE: u64 = 20;

/// Small, so that most of the data is in tables; the rest is only in the journal.
fn options() -> FjallOptions {
    let (cache_bytes, memtable_bytes) = (4 << 20, 256 << 10);
    FjallOptions { cache_bytes, memtable_bytes, worker_threads: 1, ..FjallOptions::default() }
}

/// What became of a flip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    RefusedAtOpen,
    ReportedAtRead,
    Ended,
    NoEffect,
}

/// How many flips ended how, by kind of file.
#[derive(Debug, Default)]
pub struct Figures {
    counts: BTreeMap<(&'static str, Fate), u64>,
}

impl Figures {
    /// Flips of bytes that say something: in the lock and the version of the format nothing does.
    pub fn flips(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Flips that led to an error.
    pub fn noticed(&self) -> u64 {
        let noticed = self.counts.iter().filter(|((_, fate), _)| *fate != Fate::NoEffect);
        noticed.map(|(_, count)| count).sum()
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} flips, {} noticed", self.flips(), self.noticed())?;
        for ((file, fate), count) in &self.counts {
            let fate = match fate {
                Fate::RefusedAtOpen => "refused at open",
                Fate::ReportedAtRead => "reported at read",
                Fate::Ended => "ended the process",
                Fate::NoEffect => "no effect",
            };
            write!(f, "\n  {file}, {fate}: {count}")?;
        }
        Ok(())
    }
}

/// Flips one byte per seed, from `first` on, each in a fresh copy of the same database.
///
/// # Errors
///
/// Documents that are missing or different without an error, with the seed and the place.
pub fn flip(first: u64, flips: u64, program: &Path) -> Result<Figures> {
    let folder = quick_folder()?;
    let (original, copy) = (folder.path().join("original"), folder.path().join("copy"));
    let expected = digest(&on_one_thread(make(&original))?).into_bytes();
    let files: Vec<(String, u64)> =
        listing(&original)?.into_iter().filter(|(_, length)| *length > 0).collect();
    let bytes: u64 = files.iter().map(|(_, length)| length).sum();
    let mut figures = Figures::default();
    for seed in first..first + flips {
        let mut dice = Dice::new(seed, 0);
        // Half of them anywhere in the data, half in any file however small.
        let mut place = dice.below(bytes);
        let mut chosen = &files[dice.below(files.len() as u64) as usize];
        if dice.once_in(2) {
            for file in &files {
                chosen = file;
                if place < file.1 {
                    break;
                }
                place -= file.1;
            }
        }
        let (path, place) = (&chosen.0, place % chosen.1);
        copy_folder(&original, &copy)?;
        let file = fs::File::options().read(true).write(true).open(copy.join(path))?;
        let mut byte = [0];
        file.read_exact_at(&mut byte, place)?;
        file.write_all_at(&[byte[0] ^ (1 << dice.below(8))], place)?;
        let output = Command::new(program).arg("look").arg(&copy).output()?;
        let fate = match output.status.code() {
            Some(REFUSED) => Fate::RefusedAtOpen,
            Some(REPORTED) => Fate::ReportedAtRead,
            Some(0) => {
                let same = output.stdout == expected;
                ensure!(same, "seed {seed}: {path} at {place}: silently wrong");
                Fate::NoEffect
            }
            _ => Fate::Ended,
        };
        *figures.counts.entry((kind(path), fate)).or_default() += 1;
    }
    Ok(figures)
}

fn kind(path: &str) -> &'static str {
    match path {
        _ if path.ends_with(".jnl") => "journal",
        _ if path.contains("/tables/") => "table",
        "last-commit" => "last-commit",
        _ => "list of tables",
    }
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    for (path, _) in listing(from)? {
        let target = to.join(&path);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::copy(from.join(&path), target)?;
    }
    Ok(())
}

/// A database with documents that do not compress, closed.
async fn make(folder: &Path) -> Result<Vec<Document>> {
    let store = Store::fjall(folder, options())?;
    let engine = client::open(&store).await?;
    for first in (0..DOCUMENTS).step_by(AT_ONCE as usize) {
        let document = |number: u64| {
            let mut dice = Dice::new(number, 1);
            let text = (0..40).map(|_| format!("{:08x}", dice.throw() as u32)).collect();
            let id = format!("{number:06}");
            Document::from_iter([("_id", Value::String(id)), ("text", Value::String(text))])
        };
        engine.insert(THINGS, (first..first + AT_ONCE).map(document).collect()).await?;
    }
    let everything = documents(&engine).await?;
    engine.close().await?;
    ensure!(everything.len() as u64 > DOCUMENTS, "all are there");
    Ok(everything)
}

async fn documents(engine: &engine::Engine) -> Result<Vec<Document>, engine::Error> {
    let mut all = client::all(engine, LISTS).await?;
    all.extend(client::all(engine, THINGS).await?);
    Ok(all)
}

/// Exit codes of [`look`].
const REFUSED: i32 = 3;
const REPORTED: i32 = 4;

/// Reads everything, the change log included, in a process of its own, which damage may end, and
/// prints a digest of it.
///
/// # Errors
///
/// None; what goes wrong is in the exit code.
#[expect(clippy::print_stdout, reason = "this is how the process answers")]
pub fn look(folder: &Path) -> Result<()> {
    let read = async {
        let Ok(store) = Store::fjall(folder, options()) else { return Err(REFUSED) };
        let Ok(engine) = client::open(&store).await else { return Err(REFUSED) };
        let Ok(found) = documents(&engine).await else { return Err(REPORTED) };
        match crate::check::replay(&engine).await {
            Ok(_) => Ok(digest(&found)),
            Err(error) if error.chain().any(|cause| cause.is::<engine::Error>()) => Err(REPORTED),
            // A change log that reads well and tells something else is worse than none.
            Err(_) => Ok("another change log".to_owned()),
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    match runtime.block_on(read) {
        Ok(digest) => {
            print!("{digest}");
            Ok(())
        }
        Err(code) => std::process::exit(code),
    }
}

/// FNV-1a over all bytes: enough to tell two contents apart.
fn digest(documents: &[Document]) -> String {
    let bytes = documents.iter().flat_map(|document| document.to_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{} documents, {hash:016x}", documents.len())
}
