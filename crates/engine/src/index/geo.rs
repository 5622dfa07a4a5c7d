//! Keys of places on the earth: one per cell that a place lies in, null where there is none. What
//! is there and is no place on the earth is refused, as in MongoDB, so that a search through the
//! index cannot miss a document.

use query::bounds::cell_key;
use query::geo::Geometry;
use value::{RawArray, RawDoc, RawValue, Value, View, key};

use super::{Index, IndexField, Segment};
use crate::Error;

/// The keys of a document's places.
pub(crate) fn keys(
    index: &Index,
    document: &RawDoc<'_>,
    field: &IndexField,
) -> Result<Vec<Vec<u8>>, Error> {
    let mut cells = Vec::new();
    let is_fine = follow(*document, &field.segments, &mut cells)?;
    if !is_fine {
        return Err(Error::PlaceRefused {
            index: index.spec.name.clone(),
            path: field.path.clone(),
        });
    }
    cells.sort_unstable();
    cells.dedup();
    let mut keys: Vec<Vec<u8>> = cells.into_iter().map(cell_key).collect();
    if keys.is_empty() {
        keys.push(key::encode(&Value::Null));
    }
    Ok(keys)
}

/// Whether everything at the end of the path is a place.
fn follow(document: RawDoc<'_>, path: &[Segment], cells: &mut Vec<u64>) -> Result<bool, Error> {
    let Some((first, rest)) = path.split_first() else { return Ok(true) };
    match document.get(&first.name) {
        Some(value) if rest.is_empty() => place(value, cells),
        Some(RawValue::Document(inner)) => follow(inner, rest, cells),
        Some(RawValue::Array(array)) => enter(array, rest, cells),
        _ => Ok(true),
    }
}

/// An array within the path: its documents, and the element a number picks.
fn enter(array: RawArray<'_>, path: &[Segment], cells: &mut Vec<u64>) -> Result<bool, Error> {
    let mut is_fine = true;
    for (at, element) in array.iter().enumerate() {
        let element = element?;
        if let RawValue::Document(inner) = element {
            is_fine &= follow(inner, path, cells)?;
        }
        if let Some((first, rest)) = path.split_first()
            && first.index == Some(at)
        {
            is_fine &= match element {
                element if rest.is_empty() => place(element, cells)?,
                RawValue::Document(inner) => follow(inner, rest, cells)?,
                RawValue::Array(inner) => enter(inner, rest, cells)?,
                _ => true,
            };
        }
    }
    Ok(is_fine)
}

/// A place, or a list of places.
fn place(value: RawValue<'_>, cells: &mut Vec<u64>) -> Result<bool, Error> {
    if matches!(value, RawValue::Null) {
        return Ok(true);
    }
    if let Ok(geometry) = Geometry::parse_view(&View::from(value)) {
        cells.extend(geometry.cells());
        return Ok(true);
    }
    let RawValue::Array(array) = value else { return Ok(false) };
    for element in array.iter() {
        match Geometry::parse_view(&View::from(element?)) {
            Ok(geometry) => cells.extend(geometry.cells()),
            Err(_) => return Ok(false),
        }
    }
    Ok(true)
}
