//! The records of streams: numbered without gaps in the order of acceptance.
//!
//! ```text
//! system.streams        {_id: stream, next}
//! system.stream_records {_id: "stream/number", data, key?, at}
//! ```
//! `data` is JSON text, for names in it may be such as a document cannot have.

use engine::{Engine, Transaction};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::error::{Code, Error, Result};
use crate::shelf::Shelf;

/// The largest record, in bytes of its JSON text.
pub const RECORD_BYTES_MAX: usize = 256 * 1024;
/// The most records of one request.
pub const RECORDS_AT_ONCE_MAX: usize = 500;
/// The most bytes of one request.
const BYTES_AT_ONCE_MAX: usize = 5 * 1024 * 1024;
/// How many records a stream keeps for its slowest consumer.
pub const UNREAD_MAX: i64 = 1_000_000;
/// How often an acceptance that another node outran is tried again.
const TRIES: usize = 100;

const STREAMS: Shelf<Head> = Shelf::new("system.streams");
const RECORDS: Shelf<Record> = Shelf::new("system.stream_records");

/// A record as a producer hands it in.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The record as JSON text.
    pub data: String,
    /// What the producer calls the record's group; consumers see it as `partitionKey`.
    pub key: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    #[serde(rename = "_id")]
    stream: String,
    /// The number of the next record.
    next: i64,
    /// The oldest record that is kept; `next` when there is none.
    #[serde(default)]
    oldest: i64,
}

/// A record as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    #[serde(rename = "_id")]
    id: String,
    pub(super) number: i64,
    pub(super) data: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
    /// When it was accepted, ms since 1970.
    pub(super) at: i64,
}

pub(super) async fn prepare(engine: &Engine) -> Result<()> {
    STREAMS.prepare(engine, &[]).await?;
    RECORDS.prepare(engine, &[]).await
}

fn id(stream: &str, number: i64) -> String {
    format!("{stream}/{number:019}")
}

/// Accepts records: when this returns, they are durable. Their numbers.
pub(super) async fn append(engine: &Engine, stream: &str, entries: Vec<Entry>) -> Result<Vec<i64>> {
    check(&entries)?;
    for _ in 0..TRIES {
        let transaction = engine.begin().await?;
        let numbers = append_in(engine, &transaction, stream, &entries).await?;
        match transaction.commit().await {
            Ok(()) => return Ok(numbers),
            Err(engine::Error::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(engine::Error::Contended.into())
}

async fn append_in(
    engine: &Engine,
    transaction: &Transaction,
    stream: &str,
    entries: &[Entry],
) -> Result<Vec<i64>> {
    let head = STREAMS.get_in(transaction, stream).await?;
    let (first, oldest) = head.as_ref().map_or((1, 1), |head| (head.next, head.oldest));
    if first - oldest >= UNREAD_MAX {
        return Err(Error::new(
            Code::Overloaded,
            format!(
                "The stream '{stream}' holds {UNREAD_MAX} unread records: look why its consumer is \
                 behind, and send again later. / 流「{stream}」未消费的记录已达 {UNREAD_MAX} 条:请检\
                 查消费函数后重试。"
            ),
        ));
    }
    let at = engine.clock().now_ms();
    let mut number = first;
    for entry in entries {
        let (data, key) = (entry.data.clone(), entry.key.clone());
        RECORDS
            .insert_in(transaction, &Record { id: id(stream, number), number, data, key, at })
            .await?;
        number += 1;
    }
    match head {
        Some(_) => {
            let update = json!({ "$set": { "next": number } });
            STREAMS.change_in(transaction, &json!({ "_id": stream }), &update).await?;
        }
        None => {
            let head = Head { stream: stream.to_owned(), next: number, oldest };
            STREAMS.insert_in(transaction, &head).await?;
        }
    }
    Ok((first..number).collect())
}

fn check(entries: &[Entry]) -> Result<()> {
    if entries.is_empty() || entries.len() > RECORDS_AT_ONCE_MAX {
        return Err(Error::new(
            Code::InvalidParameter,
            format!(
                "Send 1 to {RECORDS_AT_ONCE_MAX} records at once. / 每次请发送 1 到 \
                 {RECORDS_AT_ONCE_MAX} 条记录。"
            ),
        ));
    }
    let bytes = |entry: &Entry| entry.data.len() + entry.key.as_ref().map_or(0, String::len);
    let total: usize = entries.iter().map(bytes).sum();
    if total > BYTES_AT_ONCE_MAX || entries.iter().any(|entry| bytes(entry) > RECORD_BYTES_MAX) {
        return Err(Error::new(
            Code::PayloadTooLarge,
            "A record has at most 256 KB, a request at most 5 MB: keep what is larger in a file \
             and send its fileID. / 单条记录不能超过 256 KB,单次请求不能超过 5 MB:请上传文件后发送其 \
             fileID。",
        ));
    }
    Ok(())
}

/// The number the next record will get, and that of the oldest that is kept.
pub(super) async fn bounds(engine: &Engine, stream: &str) -> Result<(i64, i64)> {
    let head = STREAMS.get(engine, stream).await?;
    Ok(head.map_or((1, 1), |head| (head.next, head.oldest)))
}

/// Up to `count` records behind `after`, in order, of at most `bytes` together (at least one).
pub(super) async fn read(
    engine: &Engine,
    stream: &str,
    after: i64,
    count: u32,
    bytes: usize,
) -> Result<Vec<Record>> {
    let (next, _) = bounds(engine, stream).await?;
    let end = next.min(after + 1 + i64::from(count));
    let ids: Vec<_> = (after + 1..end).map(|number| id(stream, number)).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let found =
        RECORDS.find(engine, &json!({ "_id": { "$in": ids } }), "_id", u64::from(count)).await?;
    let mut total = 0;
    let fits = |record: &Record| {
        let is_first = total == 0;
        total += record.data.len();
        is_first || total <= bytes
    };
    Ok(found.into_iter().take_while(fits).collect())
}

/// Removes the records below `keep_from`, a portion at a time.
pub(super) async fn trim(engine: &Engine, stream: &str, keep_from: i64) -> Result<()> {
    const PORTION: i64 = 1_000;
    loop {
        let (next, oldest) = bounds(engine, stream).await?;
        let end = keep_from.min(next).min(oldest + PORTION);
        if oldest >= end {
            return Ok(());
        }
        let ids: Vec<_> = (oldest..end).map(|number| id(stream, number)).collect();
        RECORDS.remove(engine, &json!({ "_id": { "$in": ids } })).await?;
        let update = json!({ "$max": { "oldest": end } });
        STREAMS.change(engine, &json!({ "_id": stream }), &update).await?;
    }
}
