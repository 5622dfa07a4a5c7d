//! Packages in the store that several nodes share: what is deployed on one node can be served by
//! all. A package travels as a parcel, in parts.
//!
//! ```text
//! system.packages {_id: HASH, upload, parts, at}   written last: what has it is complete
//! system.packages {_id: upload-ID, upload, at}     an upload that is under way, or was
//! system.parcels  {_id: ID/00000, bytes}           a part
//! ```

use std::collections::BTreeSet;
use std::path::Path;

use engine::{Engine, Remove};
use functions::Parcel;
use query::Filter;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use value::{Document, RawDoc, RawValue, Value, ejson};

use super::catalogue::read_all;
use crate::environment::Environment;
use crate::error::{Code, Error, Result};
use crate::journal::Event;
use crate::shelf::Shelf;

const HEADS: Shelf<Head> = Shelf::new("system.packages");
const PARTS: &str = "system.parcels";
const PART_BYTES: usize = 1024 * 1024;
/// A larger parcel stays where it was made: it would push other changes out of the change log.
const PARCEL_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// How long a package that nobody names stays: its catalogue entry may be about to be written.
const STAYS_MS: i64 = 3_600_000;

/// A package, or an upload that is not one yet.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    #[serde(rename = "_id")]
    id: String,
    upload: String,
    parts: Option<usize>,
    at: i64,
}

/// Puts a package into the store, unless it is there or nobody shares the store.
///
/// # Errors
/// What the store or the disk reports.
pub(crate) async fn share(environment: &Environment, hash: &str) -> Result<()> {
    if !environment.is_shared() {
        return Ok(());
    }
    let engine = environment.engine();
    HEADS.open(engine).await?;
    if HEADS.get(engine, hash).await?.is_some() {
        return Ok(());
    }
    engine.ensure_collection(PARTS).await?;
    let parcel = environment.functions().pack(hash).await;
    let parcel = parcel.map_err(|error| Error::from_room(Code::Internal, error))?;
    let bytes = tokio::fs::metadata(parcel.path()).await.map_err(disk)?.len();
    if bytes > PARCEL_BYTES_MAX {
        note_too_large(environment, hash, bytes);
        return Ok(());
    }
    let upload = hex::encode(rand::random::<[u8; 12]>());
    let at = environment.now_ms();
    let begun = Head { id: format!("upload-{upload}"), upload, parts: None, at };
    HEADS.add(engine, &begun).await?;
    let parts = Some(send(engine, &begun.upload, parcel.path()).await?);
    let whole = Head { id: hash.to_owned(), upload: begun.upload, parts, at };
    if !HEADS.add(engine, &whole).await? {
        // Another node was quicker.
        remove_parts(engine, &whole.upload).await?;
    }
    HEADS.remove(engine, &json!({ "_id": begun.id })).await.map(drop)
}

/// Fetches a package that another node shared, when it is not here, or torn. What is not in the
/// store either is left to whoever looks for it.
///
/// # Errors
/// What the store or the disk reports.
pub(crate) async fn fetch(environment: &Environment, hash: &str) -> Result<()> {
    let functions = environment.functions();
    if !environment.is_shared() || functions.has_package(hash).await {
        return Ok(());
    }
    HEADS.open(environment.engine()).await?;
    let Some(head) = HEADS.get(environment.engine(), hash).await? else { return Ok(()) };
    let parcel = functions.parcel();
    receive(environment.engine(), &head, &parcel).await?;
    let unpacked = functions.unpack(hash, parcel).await;
    unpacked.map_err(|error| Error::from_room(Code::Internal, error))
}

/// Removes the packages that no node's functions use any more, and uploads that were given up.
///
/// # Errors
/// What the store reports.
pub(crate) async fn tidy(environment: &Environment) -> Result<()> {
    if !environment.is_shared() {
        return Ok(());
    }
    let engine = environment.engine();
    HEADS.open(engine).await?;
    let entries = read_all(engine).await?;
    let releases = entries.iter().flat_map(|entry| entry.releases());
    let used: BTreeSet<&str> = releases.map(|(_, it)| it.content_hash.as_str()).collect();
    for head in HEADS.all(engine).await? {
        let is_young = head.at > environment.now_ms() - STAYS_MS;
        if is_young || used.contains(&*head.id) {
            continue;
        }
        // First the head: a package without all its parts must not be found.
        HEADS.remove(engine, &json!({ "_id": head.id })).await?;
        remove_parts(engine, &head.upload).await?;
    }
    Ok(())
}

async fn send(engine: &Engine, upload: &str, path: &Path) -> Result<usize> {
    let mut file = File::open(path).await.map_err(disk)?;
    for number in 0.. {
        let mut bytes = Vec::with_capacity(PART_BYTES);
        let mut part = (&mut file).take(PART_BYTES as u64);
        if part.read_to_end(&mut bytes).await.map_err(disk)? == 0 {
            return Ok(number);
        }
        let mut document = Document::new();
        document.insert("_id", Value::String(part_id(upload, number)));
        document.insert("bytes", Value::Binary { subtype: 0, bytes });
        engine.insert(PARTS, vec![document]).await?;
    }
    Ok(0)
}

async fn receive(engine: &Engine, head: &Head, parcel: &Parcel) -> Result<()> {
    let mut file = File::create_new(parcel.path()).await.map_err(disk)?;
    for number in 0..head.parts.ok_or_else(damaged)? {
        let id = Value::String(part_id(&head.upload, number));
        let found = engine.get(PARTS, &id).await?.ok_or_else(damaged)?;
        let raw = RawDoc::new(&found).map_err(|_| damaged())?;
        let Some(RawValue::Binary { bytes, .. }) = raw.get("bytes") else { return Err(damaged()) };
        file.write_all(bytes).await.map_err(disk)?;
    }
    file.flush().await.map_err(disk)
}

async fn remove_parts(engine: &Engine, upload: &str) -> Result<()> {
    let range = json!({ "_id": { "$gte": format!("{upload}/"), "$lt": format!("{upload}0") } });
    let Ok(Value::Document(range)) = ejson::from_json(&range, 0) else { return Ok(()) };
    engine.ensure_collection(PARTS).await?;
    let filter = Filter::parse(&range)?;
    engine.remove(Remove { collection: PARTS.to_owned(), filter, multi: true }).await?;
    Ok(())
}

fn part_id(upload: &str, number: usize) -> String {
    format!("{upload}/{number:05}")
}

fn note_too_large(environment: &Environment, hash: &str, bytes: u64) {
    let megabytes = bytes / 1024 / 1024;
    environment.record(Event::Notice {
        text: format!(
            "The package {hash} ({megabytes} MB) is too large to be handed to other nodes: deploy \
             to each of them. / 代码包 {hash}({megabytes} MB)过大,无法自动同步到其他节点,请分别部署到\
             各个节点。"
        ),
    });
}

fn disk(error: std::io::Error) -> Error {
    let message = format!(
        "A package cannot be handed over: {error}. Check free space and permissions. / 无法传递代码包:\
         {error}。请检查磁盘空间和权限。"
    );
    Error::with_cause(Code::StoreFailed, message, error)
}

fn damaged() -> Error {
    let message = "A package in the store is damaged: deploy the function again. / 存储中的代码包\
                   已损坏,请重新部署云函数。";
    Error::new(Code::StoreFailed, message)
}
