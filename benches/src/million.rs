//! A million photos: loading them with two indexes, opening them in another process, and grouping
//! them, against PostgreSQL's `jsonb` and SQLite's JSON on the same documents.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use engine::{Aggregation, Clock, Engine, Find};
use query::Pipeline;
use store::{FjallOptions, Store};
use value::{Document, Value, ejson};

use crate::photos::{self, photo, scramble};
use crate::platform::here;
use crate::postgres::Postgres;
use crate::{ROUNDS, hot, table};

/// How many photos there are; less by `YUNKAI_BENCH_PHOTOS`, to try the bench itself.
fn count() -> u64 {
    let given = std::env::var("YUNKAI_BENCH_PHOTOS").ok().and_then(|text| text.parse().ok());
    given.unwrap_or(1_000_000)
}

/// Documents per insert, and how many loaders there are.
const PORTION: u64 = 1_000;
const LOADERS: u64 = 4;

/// Reads of the process that opened the database.
const READS: u64 = 20_000;
const FINDS: u64 = 2_000;

/// Prints the tables.
pub async fn run() -> Result<()> {
    let folder = tempfile::tempdir_in(here().join("../target"))?;
    let data = folder.path().join("data");
    load(&data).await?;
    open_apart(&data)?;
    group(&data, folder.path()).await
}

async fn load(data: &Path) -> Result<()> {
    let count = count();
    table::heading(&format!("Loading {} photos with two indexes", table::rate(count as f64)));
    let engine =
        Engine::open(Store::fjall(data, FjallOptions::default())?, Clock::system()).await?;
    engine.create_collection("photos").await?;
    hot::index(&engine, "album").await?;
    hot::index(&engine, "takenAt").await?;
    let started = Instant::now();
    let loaders: Vec<_> = (0..LOADERS)
        .map(|loader| {
            let engine = engine.clone();
            tokio::spawn(async move {
                for portion in (loader..count / PORTION).step_by(usize::try_from(LOADERS)?) {
                    let numbers = portion * PORTION..(portion + 1) * PORTION;
                    let documents = numbers.map(|number| photo(number, count)).collect();
                    engine.insert("photos", documents).await?;
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for loader in loaders {
        loader.await??;
    }
    let elapsed = started.elapsed();
    engine.close().await?;
    let bytes = size_of(data)?;
    table::columns(&["photos/s", "took", "on disk"]);
    table::row(&[
        &table::rate(count as f64 / elapsed.as_secs_f64()),
        &format!("{:.1} s", elapsed.as_secs_f64()),
        &format!("{:.0} MB", bytes as f64 / 1e6),
    ]);
    Ok(())
}

fn size_of(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { size_of(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}

/// Opens the database in processes of their own, which print the rows.
fn open_apart(data: &Path) -> Result<()> {
    table::heading("Opening that database in a process of its own");
    table::columns(&["opened in", "resident", "resident after reads", "of it anonymous"]);
    for _ in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe()?);
        let status = child.arg("open").arg(data).status()?;
        ensure!(status.success(), "the process that opens the database failed");
    }
    Ok(())
}

/// The other process: opens, tells, reads, tells.
pub async fn open(data: &Path) -> Result<()> {
    let started = Instant::now();
    let engine =
        Engine::open(Store::fjall(data, FjallOptions::default())?, Clock::system()).await?;
    ensure!(engine.get("photos", &Value::from(photos::id(1))).await?.is_some(), "photo 1 is lost");
    let opened = started.elapsed();
    let resident = memory("VmRSS")?;
    let count = count();
    for read in 0..READS {
        let id = Value::from(photos::id(scramble(read) % count));
        ensure!(engine.get("photos", &id).await?.is_some(), "{id:?} is lost");
    }
    for find in 0..FINDS {
        let found = engine.find(album_of(scramble(find) % photos::albums(count))?).await?;
        ensure!(found.len() as u64 == photos::ALBUM_PHOTOS, "{} of an album", found.len());
    }
    table::row(&[&table::duration(opened), &resident, &memory("VmRSS")?, &memory("RssAnon")?]);
    engine.close().await?;
    Ok(())
}

/// The photos of one album.
pub fn album_of(number: u64) -> Result<Find> {
    let filter: Document =
        [("album".to_owned(), Value::String(photos::album(number)))].into_iter().collect();
    hot::find(&filter)
}

/// A line of this process's status, in MB.
fn memory(name: &str) -> Result<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kilobytes: f64 = line
        .and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok())
        .ok_or_else(|| anyhow!("no {name}"))?;
    Ok(format!("{:.0} MB", kilobytes / 1_024.0))
}

/// Count, sum and maximum by camera.
async fn group(data: &Path, folder: &Path) -> Result<()> {
    table::heading("Grouping them by camera: count, sum, maximum (median of 5 alternating rounds)");
    let engine =
        Engine::open(Store::fjall(data, FjallOptions::default())?, Clock::system()).await?;
    let stage = ejson::parse(
        r#"{"$group": {"_id": "$camera", "n": {"$sum": 1}, "width": {"$sum": "$width"},
            "latest": {"$max": "$takenAt"}}}"#,
        0,
    )?;
    let Value::Document(stage) = stage else { return Err(anyhow!("no stage")) };
    let pipeline = Pipeline::parse(&[stage])?;
    let lines = photos::json_lines(folder, count())?;
    let postgres = Postgres::start();
    postgres.run("create table documents (doc jsonb)")?;
    postgres.run(&format!(
        "\\copy documents from '{}' with (format csv, quote e'\\x01', delimiter e'\\x02')",
        lines.display()
    ))?;
    postgres.run("vacuum analyze")?;
    let sqlite = Sqlite::with(folder.join("photos.sqlite"), &lines)?;
    let mut times: [Vec<Duration>; 3] = Default::default();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let groups = engine.aggregate("photos", &pipeline, &Aggregation::new(0)).await?;
        times[0].push(started.elapsed());
        let started = Instant::now();
        let theirs = postgres.run(
            "select doc->>'camera', count(*), sum((doc->>'width')::bigint), \
             max((doc->>'takenAt')::bigint) from documents group by 1",
        )?;
        times[1].push(started.elapsed());
        let started = Instant::now();
        let others = sqlite.run(
            "select json_extract(doc, '$.camera') camera, count(*), \
             sum(json_extract(doc, '$.width')), max(json_extract(doc, '$.takenAt')) \
             from documents group by camera;",
        )?;
        times[2].push(started.elapsed());
        let counts = (groups.len(), theirs.lines().count(), others.lines().count());
        ensure!(counts.0 == counts.1 && counts.0 == counts.2, "different groups: {counts:?}");
    }
    let medians = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    table::columns(&["database", "took", "theirs ÷ ours"]);
    for (name, took) in ["yunkai", "PostgreSQL, jsonb", "SQLite, JSON"].iter().zip(medians) {
        let ratio = format!("{:.2}", took.as_secs_f64() / medians[0].as_secs_f64());
        let ratio = if *name == "yunkai" { "" } else { ratio.as_str() };
        table::row(&[name, &table::duration(took), ratio]);
    }
    engine.close().await?;
    Ok(())
}

/// SQLite by its command line.
struct Sqlite {
    file: PathBuf,
}

impl Sqlite {
    fn with(file: PathBuf, lines: &Path) -> Result<Self> {
        let sqlite = Self { file };
        sqlite.run(&format!(
            "create table documents (doc text);\n.mode ascii\n.separator \"\\002\" \"\\n\"\n\
             .import {} documents",
            lines.display()
        ))?;
        Ok(sqlite)
    }

    fn run(&self, commands: &str) -> Result<String> {
        let mut child = Command::new("sqlite3")
            .arg(&self.file)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .context("sqlite3 (Debian: apt-get install sqlite3)")?;
        let mut input = child.stdin.take().ok_or_else(|| anyhow!("no standard input"))?;
        input.write_all(commands.as_bytes())?;
        drop(input);
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "sqlite3 failed");
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
