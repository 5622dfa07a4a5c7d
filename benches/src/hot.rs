//! The engine without a wire, over a hot set of photos: point reads, finds by an index, and small
//! durable transactions, against fjall without anything of ours.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use engine::{
    Change, Clock, Engine, Error, Filter, Find, IndexKind, IndexSpec, Modify, Projection, Sort,
    Update,
};
use store::{FjallOptions, Store};
use value::{Document, Value, ejson};

use crate::bare::Bare;
use crate::load::{self, Measured, measured};
use crate::photos::{self, photo, scramble};
use crate::platform::here;
use crate::{ROUNDS, million, table};

/// Photos of the hot set.
const PHOTOS: u64 = 100_000;

/// Reads and finds of one round.
const READS: u64 = 200_000;
const FINDS: u64 = 20_000;

const LASTING: Duration = Duration::from_secs(3);
const WRITERS: [usize; 3] = [1, 16, 64];

/// Prints the tables.
pub async fn run() -> Result<()> {
    let folder = tempfile::tempdir_in(here().join("../target"))?;
    let store = Store::fjall(folder.path().join("ours"), FjallOptions::default())?;
    let engine = Engine::open(store, Clock::system()).await?;
    engine.create_collection("photos").await?;
    for portion in 0..PHOTOS / 1_000 {
        let numbers = portion * 1_000..(portion + 1) * 1_000;
        engine.insert("photos", numbers.map(|number| photo(number, PHOTOS)).collect()).await?;
    }
    index(&engine, "album").await?;
    let bare = Bare::with_photos(&folder.path().join("bare"), PHOTOS)?;
    reads(&engine, &bare).await?;
    index(&engine, "likes").await?;
    transactions(&engine, &bare).await?;
    engine.close().await?;
    Ok(())
}

/// An ascending index over one field.
pub async fn index(engine: &Engine, field: &str) -> Result<()> {
    let keys = vec![(field.to_owned(), IndexKind::Ascending)];
    let spec = IndexSpec { name: String::new(), keys, unique: false, expire_after_seconds: None };
    engine.create_index("photos", spec).await?;
    Ok(())
}

/// The first twenty photos that match.
pub fn find(filter: &Document) -> Result<Find> {
    Ok(Find {
        collection: "photos".to_owned(),
        filter: Filter::parse(filter)?,
        sort: Sort::parse(&Document::new())?,
        projection: Projection::parse(&Document::new())?,
        skip: 0,
        limit: Some(photos::ALBUM_PHOTOS),
    })
}

/// One after another, so on one core.
async fn reads(engine: &Engine, bare: &Bare) -> Result<()> {
    table::heading(&format!("Reads of a hot set, one at a time (median of {ROUNDS} rounds)"));
    let mut rounds: [Vec<Measured>; 3] = Default::default();
    for round in 0..=ROUNDS as u64 {
        let started = Instant::now();
        for read in 0..READS {
            let id = Value::from(photos::id(scramble(read + round) % PHOTOS));
            ensure!(engine.get("photos", &id).await?.is_some(), "{id:?} is lost");
        }
        let ours = each(started, READS);
        let started = Instant::now();
        for read in 0..READS {
            bare.get(scramble(read + round) % PHOTOS)?;
        }
        let theirs = each(started, READS);
        let started = Instant::now();
        for number in 0..FINDS {
            let album = scramble(number + round) % photos::albums(PHOTOS);
            let found = engine.find(million::album_of(album)?).await?;
            ensure!(found.len() as u64 == photos::ALBUM_PHOTOS, "{} of an album", found.len());
        }
        let finds = each(started, FINDS);
        // The first round warms up.
        if round > 0 {
            for (rounds, measured) in rounds.iter_mut().zip([ours, theirs, finds]) {
                rounds.push(measured);
            }
        }
    }
    let [ours, theirs, finds] = rounds.map(load::median);
    table::columns(&["what", "per second", "each"]);
    let names = ["point read", "point read of bare fjall", "find of 20 by an index"];
    for (name, measured) in names.into_iter().zip([ours, theirs, finds]) {
        let each = format!("{:.2} µs", 1e6 / measured.per_second);
        table::row(&[name, &table::rate(measured.per_second), &each]);
    }
    Ok(())
}

/// The rate of so many calls since then.
fn each(started: Instant, calls: u64) -> Measured {
    #[expect(clippy::cast_precision_loss, reason = "a count of calls")]
    let per_second = calls as f64 / started.elapsed().as_secs_f64();
    Measured { per_second, ..Measured::default() }
}

async fn transactions(engine: &Engine, bare: &Bare) -> Result<()> {
    table::heading(&format!(
        "Durable transactions: read a photo, change it and its index entry (median of {ROUNDS} \
         alternating rounds)"
    ));
    table::columns(&["writers", "on", "per second", "p50", "p99", "ours ÷ bare"]);
    for writers in WRITERS {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(fire(engine, writers).await?);
            theirs.push(bare.fire(writers, LASTING).await?);
        }
        let (ours, theirs) = (load::median(ours), load::median(theirs));
        let ratio = format!("{:.2}", ours.per_second / theirs.per_second);
        for (name, measured, ratio) in [("yunkai", ours, ratio.as_str()), ("fjall", theirs, "")] {
            table::row(&[
                &writers.to_string(),
                name,
                &table::rate(measured.per_second),
                &table::duration(measured.p50),
                &table::duration(measured.p99),
                ratio,
            ]);
        }
    }
    Ok(())
}

/// `writers` tasks, each with one transaction after another.
async fn fire(engine: &Engine, writers: usize) -> Result<Measured> {
    let started = Instant::now();
    let tasks: Vec<_> = (0..writers as u64)
        .map(|writer| {
            let engine = engine.clone();
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                let mut number = scramble(writer);
                while started.elapsed() < LASTING {
                    number = scramble(number);
                    let sent = Instant::now();
                    transaction(&engine, number % PHOTOS).await?;
                    latencies.push(sent.elapsed());
                }
                anyhow::Ok(latencies)
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await??);
    }
    Ok(measured(latencies, started.elapsed()))
}

/// Reads a photo and gives it another like, again when somebody else was quicker.
async fn transaction(engine: &Engine, number: u64) -> Result<()> {
    let id = Value::from(photos::id(number));
    let filter: Document = [("_id".to_owned(), id.clone())].into_iter().collect();
    let Value::Document(update) = ejson::parse(r#"{"$inc": {"likes": 1}}"#, 0)? else {
        unreachable!("it is a document")
    };
    loop {
        let transaction = engine.begin().await?;
        ensure!(transaction.get("photos", &id).await?.is_some(), "{id:?} is lost");
        let modify = Modify {
            collection: "photos".to_owned(),
            filter: Filter::parse(&filter)?,
            change: Change::Operators(Update::parse(&update)?),
            multi: false,
            upsert: false,
        };
        transaction.modify(modify).await?;
        match transaction.commit().await {
            Err(Error::Conflict) => {}
            outcome => return Ok(outcome?),
        }
    }
}
