//! The keys a document has in an index, read from its bytes in place. An array on a path stands
//! for its elements, and fields below the same array go together element by element, as in
//! MongoDB. Every document has at least one key. Keys too long for a store are cut and hashed.

use sha2::{Digest, Sha256};
use value::{RawArray, RawDoc, RawValue, Value, View, key};

use super::{Flags, Index, IndexField, IndexKind, Segment};
use crate::Error;

/// Longest key: with the longest key of an `_id` it fits every store.
const KEY_BYTES_MAX: usize = 900;

/// What is kept of a longer one, before the hash of all of it.
pub(crate) const KEY_BYTES_KEPT: usize = 864;

/// The keys of one document.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Keys {
    /// Ascending, each once.
    pub(crate) keys: Vec<Vec<u8>>,
    pub(crate) flags: Flags,
}

/// Reads the keys of a document.
///
/// # Errors
///
/// [`Error::ParallelArrays`], and broken BSON.
pub(crate) fn keys(index: &Index, document: &RawDoc<'_>) -> Result<Keys, Error> {
    let places = index.fields.iter().map(|field| match field.kind {
        IndexKind::Geo => Ok(Place::Keys(super::geo::keys(index, document, field)?)),
        _ => Ok(follow(*document, &field.segments)),
    });
    let places = places.collect::<Result<Vec<_>, Error>>()?;
    let mut out = Keys::default();
    for (at, place) in places.iter().enumerate() {
        // Several cells of one place make several entries, as an array does.
        if matches!(place, Place::Keys(cells) if cells.len() > 1) {
            out.flags.multikey |= 1 << at;
        }
    }
    let mut extraction = Extraction { index, out: &mut out };
    extraction.expand(places)?;
    out.keys.sort_unstable();
    out.keys.dedup();
    Ok(out)
}

/// The values behind the first key of a document, for messages.
pub(crate) fn printed(index: &Index, document: &RawDoc<'_>) -> String {
    let value = |field: &IndexField| match follow(*document, &field.segments) {
        Place::Value(value) => value.to_value().unwrap_or(Value::Null),
        Place::Array(array, _) => Value::Array(array.to_vec().unwrap_or_default()),
        Place::Keys(_) => Value::Null,
    };
    let values: Vec<Value> = index.fields.iter().map(value).collect();
    index.printed_key(&values)
}

/// Where following a path has come.
#[derive(Clone, Debug)]
enum Place<'a, 'i> {
    /// A value that is taken as a whole.
    Value(RawValue<'a>),
    /// An array, to be entered with the rest of the path.
    Array(RawArray<'a>, &'i [Segment]),
    /// Ready keys, any of them.
    Keys(Vec<Vec<u8>>),
}

impl Place<'_, '_> {
    /// Whether an array is to be entered by a number.
    fn is_numbered(&self) -> bool {
        match self {
            Place::Array(_, rest) => rest.first().is_some_and(|first| first.index.is_some()),
            _ => false,
        }
    }
}

/// Goes along a path until its end or an array.
fn follow<'a, 'i>(mut document: RawDoc<'a>, mut path: &'i [Segment]) -> Place<'a, 'i> {
    while let Some((first, rest)) = path.split_first() {
        match document.get(&first.name) {
            Some(RawValue::Array(array)) => return Place::Array(array, rest),
            Some(value) if rest.is_empty() => return Place::Value(value),
            Some(RawValue::Document(inner)) => (document, path) = (inner, rest),
            _ => break,
        }
    }
    Place::Value(RawValue::Null)
}

/// What an element of an array means to the rest of a path.
fn enter<'a, 'i>(element: RawValue<'a>, rest: &'i [Segment]) -> Place<'a, 'i> {
    match element {
        element if rest.is_empty() => Place::Value(element),
        RawValue::Document(document) => follow(document, rest),
        _ => Place::Value(RawValue::Null),
    }
}

struct Extraction<'i, 'o> {
    index: &'i Index,
    out: &'o mut Keys,
}

impl<'i> Extraction<'i, '_> {
    fn expand<'a>(&mut self, places: Vec<Place<'a, 'i>>) -> Result<(), Error> {
        let Some(array) = self.shared_array(&places)? else {
            self.combine(&places, 0, Vec::with_capacity(32));
            return Ok(());
        };
        if places.iter().any(Place::is_numbered) {
            return self.expand_numbered(&places);
        }
        let mut is_empty = true;
        for element in array.iter() {
            let element = element?;
            is_empty = false;
            let entered = places.iter().map(|place| match place {
                Place::Array(_, rest) => enter(element, rest),
                other => other.clone(),
            });
            self.expand(entered.collect())?;
        }
        if is_empty {
            self.expand(places.into_iter().map(emptied).collect())?;
        }
        Ok(())
    }

    /// The array all fields stopped at, noting them; `None` when none did.
    fn shared_array<'a>(
        &mut self,
        places: &[Place<'a, 'i>],
    ) -> Result<Option<RawArray<'a>>, Error> {
        let mut shared: Option<(usize, RawArray<'a>)> = None;
        for (at, place) in places.iter().enumerate() {
            let Place::Array(array, _) = place else { continue };
            self.out.flags.multikey |= 1 << at;
            match shared {
                // The same bytes at the same place, not merely equal ones.
                Some((_, other)) if other.bytes().as_ptr() == array.bytes().as_ptr() => {}
                Some((other, _)) => {
                    let path = |at: usize| self.index.fields[at].path.clone();
                    return Err(Error::ParallelArrays {
                        index: self.index.spec.name.clone(),
                        first: path(other),
                        second: path(at),
                    });
                }
                None => shared = Some((at, *array)),
            }
        }
        Ok(shared.map(|(_, array)| array))
    }

    /// A number in a path both picks an element and names a field of the elements, so each field
    /// is followed on its own and all combinations are keys.
    fn expand_numbered<'a>(&mut self, places: &[Place<'a, 'i>]) -> Result<(), Error> {
        let mut separate = Vec::with_capacity(places.len());
        for place in places {
            let Place::Array(array, rest) = place else {
                separate.push(place.clone());
                continue;
            };
            let mut keys = Vec::new();
            collect(*array, rest, &mut keys)?;
            if keys.is_empty() {
                keys.push(key::encode(&Value::Null));
            }
            separate.push(Place::Keys(keys));
        }
        self.combine(&separate, 0, Vec::new());
        Ok(())
    }

    /// Puts the parts of a key together, for every combination of ready parts.
    fn combine(&mut self, places: &[Place<'_, 'i>], at: usize, key: Vec<u8>) {
        let Some(place) = places.get(at) else {
            return self.finish(key);
        };
        let is_descending = self.index.fields[at].is_descending();
        let mut push = |part: &dyn Fn(&mut Vec<u8>), mut key: Vec<u8>| {
            let begin = key.len();
            part(&mut key);
            if is_descending {
                key[begin..].iter_mut().for_each(|byte| *byte = !*byte);
            }
            self.combine(places, at + 1, key);
        };
        match place {
            Place::Value(value) => {
                push(&|key| key::push_view(&View::from(*value), key), key);
            }
            Place::Keys(keys) => {
                for part in keys {
                    push(&|key| key.extend_from_slice(part), key.clone());
                }
            }
            Place::Array(..) => {}
        }
    }

    fn finish(&mut self, mut key: Vec<u8>) {
        if key.len() > KEY_BYTES_MAX {
            let hash = Sha256::digest(&key);
            key.truncate(KEY_BYTES_KEPT);
            key.extend_from_slice(&hash);
            self.out.flags.is_cut = true;
        }
        self.out.keys.push(key);
    }
}

/// What an empty array means: at the end of a path its own mark, within the path nothing.
fn emptied<'a, 'i>(place: Place<'a, 'i>) -> Place<'a, 'i> {
    match place {
        Place::Array(_, []) => Place::Keys(vec![vec![key::UNDEFINED]]),
        Place::Array(..) => Place::Value(RawValue::Null),
        other => other,
    }
}

/// The keys of every value a path leads to below an array.
fn collect(array: RawArray<'_>, path: &[Segment], out: &mut Vec<Vec<u8>>) -> Result<(), Error> {
    let Some((first, rest)) = path.split_first() else {
        let mut is_empty = true;
        for element in array.iter() {
            is_empty = false;
            push(element?, out);
        }
        if is_empty {
            out.push(vec![key::UNDEFINED]);
        }
        return Ok(());
    };
    for (index, element) in array.iter().enumerate() {
        let element = element?;
        if let RawValue::Document(document) = element {
            collect_place(follow(document, path), out)?;
        }
        if first.index == Some(index) {
            match element {
                RawValue::Array(inner) => collect(inner, rest, out)?,
                element => collect_place(enter(element, rest), out)?,
            }
        }
    }
    Ok(())
}

fn collect_place(place: Place<'_, '_>, out: &mut Vec<Vec<u8>>) -> Result<(), Error> {
    match place {
        Place::Value(value) => push(value, out),
        Place::Array(array, rest) => collect(array, rest, out)?,
        Place::Keys(keys) => out.extend(keys),
    }
    Ok(())
}

fn push(value: RawValue<'_>, out: &mut Vec<Vec<u8>>) {
    let mut encoded = Vec::with_capacity(16);
    key::push_view(&View::from(value), &mut encoded);
    out.push(encoded);
}
