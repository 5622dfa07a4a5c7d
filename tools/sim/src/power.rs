//! Part (b): the engine on fjall in a process of its own, its file calls recorded; then the power
//! fails at many places of the recording, in many legal ways, and the engine must open what is
//! left.
//!
//! One seed is a few generations: each records a process that begins in a state that a loss of
//! power left, so that recoveries are interrupted, too. The process runs the clients and the
//! committer in one thread; what stays to chance is when fjall's own threads write tables. So a
//! failure keeps the state of the disk that was judged, beside the recording.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use store::{FjallOptions, Store};

use crate::check;
use crate::client::{self, Clients};
use crate::dice::Dice;
use crate::disk::{Disk, Syncing};
use crate::history::{Answer, Event, History};
use crate::tape::{self, Record};
use crate::workload::Number;
use crate::world::on_one_thread;

/// Generations of a seed, and losses of power in each.
const GENERATIONS: u64 = 3;
const LOSSES: usize = 30;

/// What a seed came to.
#[derive(Debug, Default)]
pub struct Tally {
    /// How often the power failed.
    pub losses: usize,
    /// Changes of files and marks on the tapes.
    pub records: usize,
    /// Operations begun.
    pub operations: usize,
}

/// How the store of a seed uses the machine: memtables small enough that tables are written.
fn options(seed: u64) -> FjallOptions {
    let memtable_bytes = 1 << (13 + seed % 6);
    FjallOptions { memtable_bytes, worker_threads: 1, ..FjallOptions::default() }
}

/// Runs a seed; `program` is a program of which `child` begins [`live`].
///
/// # Errors
///
/// What contradicts the promises of the engine, with the place of the recording.
pub fn run(seed: u64, program: &Path, syncing: Syncing) -> Result<Tally> {
    let folder = quick_folder()?;
    let recorder = compile(folder.path())?;
    let mut dice = Dice::new(seed, u64::MAX - 1);
    let mut tally = Tally::default();
    let data = folder.path().join("data");
    fs::create_dir(&data)?;
    let mut earlier = Vec::new();
    for generation in 0..GENERATIONS {
        let begun = tape::of_directory(&data)?;
        let first = begun.len();
        let log = folder.path().join(format!("log-{generation}"));
        record(program, &recorder, &data, &log, seed, earlier.len())?;
        let mut whole = begun;
        whole.extend(tape::parse(&fs::read(&log)?)?);
        check_recording(&whole, &data, folder.path())?;
        tally.records += whole.len() - first;
        let crash = folder.path().join("crash");
        let (mut length, mut state) = (whole.len(), 0);
        for _ in 0..LOSSES {
            length = first + dice.below((whole.len() - first) as u64 + 1) as usize;
            state = dice.throw();
            if let Err(error) = judge(seed, &whole[..length], &earlier, (state, syncing), &crash) {
                let place = format!("seed {seed}, generation {generation}, record {length}");
                // Faults of a disk that feigns are looked for; nobody studies them.
                if syncing != Syncing::Done {
                    return Err(error.context(place));
                }
                let kept = folder.keep();
                rebuild(&whole[..length], (state, syncing), &kept.join("state"))?;
                let kept = kept.display();
                return Err(error.context(format!("{place}; kept in {kept}")));
            }
            tally.losses += 1;
        }
        // The next generation begins in a state that was judged.
        earlier = events(&whole[..length], &earlier)?;
        tally.operations = earlier.len();
        fs::remove_dir_all(&data)?;
        rebuild(&whole[..length], (state, syncing), &data)?;
    }
    Ok(tally)
}

/// A folder in memory where there is one: nothing here waits for a real disk.
pub(crate) fn quick_folder() -> Result<tempfile::TempDir> {
    Ok(tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())?)
}

fn compile(folder: &Path) -> Result<PathBuf> {
    let (source, library) = (folder.join("recorder.c"), folder.join("recorder.so"));
    fs::write(&source, include_str!("recorder.c"))?;
    let status = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&library, &source])
        .args(["-ldl", "-lpthread"])
        .status()
        .context("the C compiler `cc` is needed to build the recorder")?;
    ensure!(status.success(), "the recorder does not compile");
    Ok(library)
}

fn record(
    program: &Path,
    recorder: &Path,
    data: &Path,
    log: &Path,
    seed: u64,
    begun: usize,
) -> Result<()> {
    let marks = log.with_extension("marks");
    let output = Command::new(program)
        .arg("child")
        .args([data, &marks])
        .args([seed.to_string(), begun.to_string()])
        .env("LD_PRELOAD", recorder)
        .env("SIM_ROOT", data)
        .env("SIM_LOG", log)
        .env("SIM_MARKS", &marks)
        .output()?;
    ensure!(
        output.status.success(),
        "the recorded process failed: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// A recording that explains the directory byte for byte missed nothing.
fn check_recording(tape: &[Record], data: &Path, folder: &Path) -> Result<()> {
    let rebuilt = folder.join("rebuilt");
    Disk::at(tape, Syncing::Done)?.write_whole(&rebuilt)?;
    let (expected, found) = (listing(data)?, listing(&rebuilt)?);
    ensure!(expected == found, "the recorder missed a call: {expected:?} became {found:?}");
    for (path, _) in expected {
        let same = fs::read(data.join(&path))? == fs::read(rebuilt.join(&path))?;
        ensure!(same, "the recorder missed a write to {path}");
    }
    fs::remove_dir_all(&rebuilt)?;
    Ok(())
}

/// Paths and lengths of all files below a folder, sorted.
pub(crate) fn listing(root: &Path) -> Result<Vec<(String, u64)>> {
    let (mut found, mut folders) = (Vec::new(), vec![root.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                let path = entry.path();
                let path = path.strip_prefix(root)?.to_string_lossy().into_owned();
                found.push((path, entry.metadata()?.len()));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What was asked and acknowledged before the end of this tape.
fn events(tape: &[Record], earlier: &[Event]) -> Result<Vec<Event>> {
    let mut events = earlier.to_vec();
    for record in tape {
        let Record::Mark(mark) = record else { continue };
        let words: Vec<&str> = mark.split_whitespace().collect();
        match words.as_slice() {
            ["begin", number] => {
                let number: Number = number.parse()?;
                ensure!(number as usize == events.len() + 1, "operation {number} is out of order");
                let (began, ended, answer) = (0, u64::MAX, Answer::Unknown);
                events.push(Event { number, began, ended, answer });
            }
            [word, number, done] => {
                let number: usize = number.parse()?;
                let answer = match *word {
                    "done" => Answer::Done(done.parse()?),
                    "refused" => Answer::Refused,
                    _ => bail!("a mark nobody knows: {mark}"),
                };
                events.get_mut(number - 1).context("an answer without a question")?.answer = answer;
            }
            _ => bail!("a mark nobody knows: {mark}"),
        }
    }
    Ok(events)
}

/// Makes one of the states that a loss of power at the end of the tape can leave.
fn rebuild(tape: &[Record], (state, syncing): (u64, Syncing), folder: &Path) -> Result<()> {
    Disk::at(tape, syncing)?.write_lost(folder, &mut Dice::new(state, 0))
}

/// Makes such a state and opens it, twice.
fn judge(
    seed: u64,
    tape: &[Record],
    earlier: &[Event],
    state: (u64, Syncing),
    crash: &Path,
) -> Result<()> {
    let events = events(tape, earlier)?;
    if crash.exists() {
        fs::remove_dir_all(crash)?;
    }
    rebuild(tape, state, crash)?;
    on_one_thread(async {
        for opening in ["first", "second"] {
            let store = Store::fjall(crash, options(seed)).context("the store does not open")?;
            let checked = check::everything(&store, seed, &events).await;
            checked.with_context(|| format!("{opening} opening"))?;
        }
        Ok(())
    })
}

/// The recorded process: works in `data`, says to the file `marks` what it begins and what was
/// acknowledged, and ends without closing anything. `begun` operations were begun before it.
///
/// # Errors
///
/// Any operation that fails: nothing is wrong with the disk while it runs.
pub fn live(data: &Path, marks: &Path, seed: u64, begun: usize) -> Result<()> {
    let history = History::marking(begun, fs::File::create(marks)?);
    let mut dice = Dice::new(seed, begun as u64);
    on_one_thread(async {
        for _ in 0..1 + dice.below(2) {
            let store = Store::fjall(data, options(seed))?;
            let engine = client::open(&store).await?;
            let clients = Clients { nodes: vec![engine.clone()], history: history.clone(), seed };
            let most = 60 + dice.below(100);
            if let Some(complaint) = clients.work(&mut dice, 4, most).await? {
                bail!("{complaint}");
            }
            if dice.once_in(2) {
                engine.close().await?;
            }
            drop((clients, engine, store));
            // The committer ends when nobody can ask it any more.
            tokio::task::yield_now().await;
        }
        Ok(())
    })
}
