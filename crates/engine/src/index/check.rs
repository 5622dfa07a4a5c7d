//! Whether indexes say what the documents say. Every document's keys are looked up, and all
//! entries are counted: an entry too many or too few cannot hide. It repairs nothing.

use std::sync::Arc;

use bytes::Bytes;
use value::RawDoc;

use super::{Index, entry, extract};
use crate::Error;
use crate::layout::{self, Span};
use crate::reading::Reading;
use crate::scan::Pages;

const PAGE_KEYS: usize = 512;

/// Most differences told of one index.
const TOLD_MAX: usize = 10;

/// One sentence per difference.
pub(crate) async fn check(reading: &Reading) -> Result<Vec<String>, Error> {
    let mut told = Vec::new();
    for index in reading.indexes.iter() {
        let mut of_index = Vec::new();
        let expected = compare(reading, index, &mut of_index).await?;
        let stored = count(reading, index).await?;
        if stored != expected {
            of_index.push(format!("it has {stored} entries, not {expected}"));
        }
        of_index.truncate(TOLD_MAX);
        let name = &index.spec.name;
        told.extend(of_index.into_iter().map(|difference| format!("index {name}: {difference}")));
    }
    Ok(told)
}

/// Looks every key up; returns how many there are.
async fn compare(
    reading: &Reading,
    index: &Arc<Index>,
    told: &mut Vec<String>,
) -> Result<usize, Error> {
    let span = Span::documents(reading.collection.number);
    let mut pages = Pages::new(span, PAGE_KEYS);
    let mut count = 0;
    while let Some(page) = pages.next(&reading.snapshot).await? {
        let mut wanted: Vec<(Bytes, Bytes)> = Vec::new();
        for (key, document) in &page {
            let keys = extract::keys(index, &RawDoc::new(document)?)?;
            if index.flags.with(keys.flags) != index.flags {
                told.push("its flags do not cover a document".to_owned());
            }
            let id_key = layout::id_key(key);
            wanted.extend(keys.keys.iter().map(|key| entry::entry(index, key, id_key)));
        }
        count += wanted.len();
        let keys: Vec<&[u8]> = wanted.iter().map(|(key, _)| &key[..]).collect();
        let found = reading.snapshot.get_many(&keys).await?;
        for ((key, value), found) in wanted.iter().zip(found) {
            match found {
                Some(found) if found == value => {}
                Some(_) => told.push(format!("the entry {key:?} belongs to another document")),
                None => told.push(format!("the entry {key:?} is missing")),
            }
        }
    }
    Ok(count)
}

async fn count(reading: &Reading, index: &Arc<Index>) -> Result<usize, Error> {
    let mut count = 0;
    for span in entry::spans_of(index.number) {
        let mut pages = Pages::new(span, PAGE_KEYS);
        while let Some(page) = pages.next(&reading.snapshot).await? {
            count += page.len();
        }
    }
    Ok(count)
}
