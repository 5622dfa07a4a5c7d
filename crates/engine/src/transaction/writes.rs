//! What a transaction writes, kept in its view until the commit. Each call takes effect wholly or
//! not at all; nothing here reaches the store.

use std::collections::HashSet;

use bytes::Bytes;
use value::{Document, Value};

use super::view::{Own, View};
use crate::changes::ChangeKind;
use crate::intent::{self, Prepared, Target};
use crate::{Change, Error, Inner, Modified, Modify, Remove, write};

/// A document that a call is about to write.
struct Planned {
    key: Bytes,
    was: Option<Bytes>,
    now: Option<Bytes>,
    kind: ChangeKind,
}

pub(crate) async fn insert(
    inner: &Inner,
    view: &mut View,
    target: &Target,
    documents: Vec<Document>,
) -> Result<Vec<Value>, Error> {
    let prepared: Vec<Prepared> = documents
        .into_iter()
        .map(|document| write::prepare(inner, target, document))
        .collect::<Result<_, _>>()?;
    let ids: Vec<Value> = prepared.iter().map(|document| document.id.clone()).collect();
    let found = view.get_many(target.collection, &ids).await?;
    let mut seen = HashSet::new();
    let mut planned = Vec::with_capacity(prepared.len());
    for (Prepared { id, key, bytes }, found) in prepared.into_iter().zip(found) {
        if found.is_some() || !seen.insert(key.clone()) {
            return Err(target.duplicate(&id));
        }
        planned.push(Planned { key, was: None, now: Some(bytes), kind: ChangeKind::Insert });
    }
    apply(inner, view, target, planned)?;
    Ok(ids)
}

pub(crate) async fn modify(
    inner: &Inner,
    view: &mut View,
    target: &Target,
    modify: Modify,
) -> Result<Modified, Error> {
    let Modify { filter, change, multi, upsert, .. } = modify;
    let limit = if multi { most(inner) } else { 1 };
    let found = view.matching(target.collection, &filter, Some(limit)).await?;
    if found.is_empty() && upsert {
        let document = write::upsert_document(&filter, &change)?;
        return self::upsert(inner, view, target, document, multi).await;
    }
    let mut done = Modified { matched: found.len() as u64, ..Modified::default() };
    let kind = match change {
        Change::Operators(_) => ChangeKind::Update,
        Change::Replace(_) => ChangeKind::Replace,
    };
    let mut planned = Vec::new();
    for (key, current) in found {
        let changed = intent::apply(&change, &current, &filter)?;
        if !multi {
            done.document = Some(changed.clone().unwrap_or_else(|| current.clone()));
        }
        if let Some(now) = changed {
            done.modified += 1;
            planned.push(Planned { key, was: Some(current), now: Some(now), kind });
        }
    }
    apply(inner, view, target, planned)?;
    Ok(done)
}

async fn upsert(
    inner: &Inner,
    view: &mut View,
    target: &Target,
    document: Document,
    multi: bool,
) -> Result<Modified, Error> {
    let ids = insert(inner, view, target, vec![document]).await?;
    let found = view.get_many(target.collection, &ids).await?;
    let document = found.into_iter().next().flatten().filter(|_| !multi);
    Ok(Modified { upserted_id: ids.into_iter().next(), document, ..Modified::default() })
}

pub(crate) async fn remove(
    inner: &Inner,
    view: &mut View,
    target: &Target,
    remove: Remove,
) -> Result<u64, Error> {
    let limit = if remove.multi { most(inner) } else { 1 };
    let found = view.matching(target.collection, &remove.filter, Some(limit)).await?;
    let removed = found.len() as u64;
    let planned = |(key, was)| Planned { key, was: Some(was), now: None, kind: ChangeKind::Remove };
    apply(inner, view, target, found.into_iter().map(planned).collect())?;
    Ok(removed)
}

/// One document more than may be written: enough to know that there are too many.
fn most(inner: &Inner) -> u64 {
    inner.options.transaction_writes as u64 + 1
}

/// Takes the writes over when the transaction stays within its limits.
fn apply(
    inner: &Inner,
    view: &mut View,
    target: &Target,
    planned: Vec<Planned>,
) -> Result<(), Error> {
    let size = |now: Option<&Bytes>| now.map_or(0, Bytes::len);
    let own: usize = view.own.values().map(|own| size(own.now.as_ref())).sum();
    let more: usize = planned.iter().map(|planned| size(planned.now.as_ref())).sum();
    let new = planned.iter().filter(|planned| !view.own.contains_key(&planned.key)).count();
    if view.own.len() + new > inner.options.transaction_writes
        || own + more > inner.options.transaction_bytes
    {
        return Err(Error::TransactionTooLarge { what: "writes", what_zh: "写入" });
    }
    // The commit stands on what each of them was.
    let keys = planned.iter().map(|planned| planned.key.clone());
    view.reads.note_keys(target.collection, keys)?;
    for Planned { key, was, now, kind } in planned {
        match view.own.entry(key) {
            std::collections::btree_map::Entry::Occupied(mut own) => {
                let own = own.get_mut();
                (own.now, own.kind) = (now, kind);
            }
            std::collections::btree_map::Entry::Vacant(own) => {
                own.insert(Own { target: target.clone(), was, now, kind });
            }
        }
    }
    Ok(())
}
