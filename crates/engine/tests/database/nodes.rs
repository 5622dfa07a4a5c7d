//! Several processes on one environment, each with an engine of its own over the same schema of
//! PostgreSQL: what any of them acknowledged took place once, whoever else wrote meanwhile and
//! whoever was killed.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use engine::{Clock, Engine, Error, IndexSpec, Modify};
use store::{PostgresOptions, Store};
use value::{Document, Value};

use crate::{THINGS, document, documents, filter, kind, number, update};

/// Present in the environment of a process that is one of the nodes.
const NODE: &str = "YUNKAI_TEST_NODE";

const NAME: &str = "nodes::what_four_processes_acknowledge_takes_place_once";
const NODES: usize = 4;
const TASKS: usize = 6;
const ROUNDS: usize = 12;
const STOCK: usize = 40;

/// A collection with a unique index.
const SLOTS: &str = "slots";

/// How many answers the killed node gives before it is killed.
const KILLED_AFTER: usize = 60;

async fn open(address: &str) -> Engine {
    let store = Store::postgres(PostgresOptions::parse(address).unwrap()).await.unwrap();
    Engine::open(store, Clock::system()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_four_processes_acknowledge_takes_place_once() {
    if let Ok(address) = std::env::var(NODE) {
        return be_a_node(&address).await;
    }
    let address = throwaway_postgres::fresh_address();
    let engine = open(&address).await;
    prepare(&engine).await;
    let heard = tokio::task::spawn_blocking(move || {
        let nodes: Vec<Child> = (0..NODES).map(|_| start(&address)).collect();
        let hear = |(place, node)| std::thread::spawn(move || hear(node, place == 0));
        let heard: Vec<_> = nodes.into_iter().enumerate().map(hear).collect();
        heard.into_iter().map(|node| node.join().unwrap()).collect::<Vec<_>>()
    });
    let heard = heard.await.unwrap();
    let all: Vec<&str> = heard.iter().flatten().map(String::as_str).collect();
    let said = |what: &str| all.iter().filter(|line| **line == what).count() as i64;

    // The killed node may have done one more thing per task without saying so.
    let more = 0..=TASKS as i64;
    for id in ["a", "b"] {
        let unsaid = number(&engine, id, "n").await - said(&format!("counted {id}"));
        assert!(more.contains(&unsaid), "{id}: {unsaid} more than acknowledged");
    }
    let sold = STOCK as i64 - number(&engine, "s", "n").await;
    assert!(sold <= STOCK as i64 && more.contains(&(sold - said("sold"))), "{sold} sold");

    let inserted: Vec<&&str> = all.iter().filter(|line| line.starts_with("inserted ")).collect();
    let ids: BTreeSet<&&&str> = inserted.iter().collect();
    assert_eq!(ids.len(), inserted.len(), "an id was given twice");
    let kept = engine.count(THINGS, &filter(r#"{"kind":"inserted"}"#)).await.unwrap() as i64;
    assert!(more.contains(&(kept - inserted.len() as i64)), "{kept} were kept");

    for round in 0..ROUNDS * TASKS {
        let won = said(&format!("won {round}"));
        let is_there = engine.get(THINGS, &Value::String(format!("c{round}"))).await.unwrap();
        assert!(won <= 1 && (is_there.is_some() || won == 0), "round {round} was won {won} times");
        let took = said(&format!("took {round}"));
        let taken = engine.count(SLOTS, &filter(&format!(r#"{{"slot":{round}}}"#))).await.unwrap();
        assert!(took <= 1 && taken <= 1 && taken as i64 >= took, "{round}: {took} of {taken}");
    }
    assert_eq!(engine.check_indexes(SLOTS).await.unwrap(), [""; 0]);

    let (from, to) = (number(&engine, "from", "n").await, number(&engine, "to", "n").await);
    let moves = engine.count(THINGS, &filter(r#"{"kind":"move"}"#)).await.unwrap() as i64;
    assert_eq!((from, to), (-moves, moves), "a transaction was torn or lost");
    assert!(more.contains(&(moves - said("moved"))), "{moves} moves");
    let lines: Vec<usize> = heard.iter().map(Vec::len).collect();
    assert!(lines[1..].iter().all(|count| *count >= TASKS * ROUNDS * 4), "{lines:?}");
}

/// What the nodes find.
async fn prepare(engine: &Engine) {
    engine.create_collection(THINGS).await.unwrap();
    let stock = format!(r#"{{"_id":"s","n":{STOCK}}}"#);
    let things = format!(
        r#"[{{"_id":"a","name":"a","n":0}},{{"_id":"b","n":0}},{stock},
        {{"_id":"from","n":0}},{{"_id":"to","n":0}}]"#
    );
    engine.insert(THINGS, documents(&things)).await.unwrap();
    let slots = IndexSpec {
        name: String::new(),
        keys: IndexSpec::parse_keys(&document(r#"{"slot":1}"#)).unwrap(),
        unique: true,
        expire_after_seconds: None,
    };
    engine.create_collection(SLOTS).await.unwrap();
    engine.create_index(SLOTS, slots).await.unwrap();
}

fn start(address: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture", "--test-threads=1"])
        .env(NODE, address)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What a node says it did; a doomed one is killed in the middle.
fn hear(mut node: Child, is_doomed: bool) -> Vec<String> {
    let mut heard = Vec::new();
    for line in BufReader::new(node.stdout.take().unwrap()).lines() {
        if let Some(said) = line.unwrap().strip_prefix("node: ") {
            heard.push(said.to_owned());
        }
        if is_doomed && heard.len() == KILLED_AFTER {
            node.kill().unwrap();
        }
    }
    assert_eq!(node.wait().unwrap().success(), !is_doomed);
    heard
}

fn say(what: &str) {
    // One call per line, so that lines of several tasks do not mix.
    std::io::stdout().write_all(format!("\nnode: {what}\n").as_bytes()).unwrap();
}

async fn be_a_node(address: &str) {
    let engine = open(address).await;
    let tasks: Vec<_> = (0..TASKS).map(|task| tokio::spawn(work(engine.clone(), task))).collect();
    for task in tasks {
        task.await.unwrap();
    }
    engine.close().await.unwrap();
}

async fn work(engine: Engine, task: usize) {
    for round in 0..ROUNDS {
        // By its `_id`, and by what it looks like.
        let by = if round % 2 == 0 { r#"{"_id":"a"}"# } else { r#"{"name":"a"}"# };
        for (by, id) in [(by, "a"), (r#"{"_id":"b"}"#, "b")] {
            let done = engine.modify(update(by, r#"{"$inc":{"n":1}}"#)).await.unwrap();
            assert_eq!(done.modified, 1);
            say(&format!("counted {id}"));
        }
        let ids = engine.insert(THINGS, documents(r#"[{"kind":"inserted"}]"#)).await.unwrap();
        say(&format!("inserted {:?}", ids[0]));

        let buy = update(r#"{"_id":"s","n":{"$gt":0}}"#, r#"{"$inc":{"n":-1}}"#);
        if engine.modify(buy).await.unwrap().modified == 1 {
            say("sold");
        }
        // Every process tries each of these; one of them is the first.
        let place = round * TASKS + task;
        let claim = format!(r#"{{"_id":"c{place}"}}"#);
        let claim = Modify { upsert: true, ..update(&claim, r#"{"$inc":{"claims":1}}"#) };
        if engine.modify(claim).await.unwrap().upserted_id.is_some() {
            say(&format!("won {place}"));
        }
        match engine.insert(SLOTS, documents(&format!(r#"[{{"slot":{place}}}]"#))).await {
            Ok(_) => say(&format!("took {place}")),
            Err(error) => assert_eq!(kind(&error), "DuplicateKey", "{error}"),
        }
        while let Err(error) = transfer(&engine).await {
            assert!(matches!(error, Error::Conflict), "{error}");
        }
        say("moved");
    }
}

/// Moves one from here to there and makes a note, in one transaction.
async fn transfer(engine: &Engine) -> Result<(), Error> {
    let transaction = engine.begin().await?;
    for (id, by) in [("from", -1), ("to", 1)] {
        let id = Value::String(id.to_owned());
        let found = transaction.get(THINGS, &id).await?.unwrap();
        let found = Document::from_bytes(&found).unwrap();
        let Some(Value::Int32(before)) = found.get("n") else { panic!("{found:?}") };
        let set = format!(r#"{{"$set":{{"n":{}}}}}"#, before + by);
        let by_id = format!(r#"{{"_id":{}}}"#, if by < 0 { r#""from""# } else { r#""to""# });
        transaction.modify(update(&by_id, &set)).await?;
    }
    transaction.insert(THINGS, documents(r#"[{"kind":"move"}]"#)).await?;
    transaction.commit().await
}
