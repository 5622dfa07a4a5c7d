//! Dotted paths, and MongoDB's way of following them through arrays when matching.

use value::{ArrayView, DEPTH_MAX, DocView, View, parse_index};

use crate::Error;

/// A parsed dotted path; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    text: String,
    segments: Vec<Segment>,
}

/// One step of a path: a field name that may also be an array index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Segment {
    pub(crate) name: String,
    pub(crate) index: Option<usize>,
}

impl Path {
    /// Splits at the dots. Empty names are allowed here: a stored field may have one.
    ///
    /// # Errors
    /// More segments than a document can be deep.
    pub(crate) fn parse(text: &str) -> Result<Path, Error> {
        let segments: Vec<Segment> = text
            .split('.')
            .take(DEPTH_MAX + 1)
            .map(|name| Segment { name: name.to_owned(), index: parse_index(name) })
            .collect();
        if segments.len() > DEPTH_MAX {
            return Err(Error::Value(value::Error::TooDeep));
        }
        Ok(Path { text: text.to_owned(), segments })
    }

    /// The path as written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }
}

/// What to do with an array at the very end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaf {
    /// Visit its elements, then the array itself: comparisons.
    Expand,
    /// Visit only the array itself: `$size`, `$elemMatch`.
    Whole,
}

/// Shows `visit` every value the path leads to (`None` where it leads nowhere) until it says yes;
/// returns whether it did. Follows `ElementPath` of MongoDB, including that an array of scalars in
/// the middle of a path shows nothing at all, not even a missing value.
pub(crate) fn any<'a, V>(
    document: &DocView<'a>,
    segments: &[Segment],
    leaf: Leaf,
    visit: &mut V,
) -> Result<bool, Error>
where
    V: FnMut(Option<&View<'a>>) -> Result<bool, Error>,
{
    let Some((first, rest)) = segments.split_first() else {
        return Ok(false);
    };
    match document.get(&first.name) {
        None => visit(None),
        Some(value) if rest.is_empty() => any_leaf(&value, leaf, visit),
        Some(View::Document(inner)) => any(&inner, rest, leaf, visit),
        Some(View::Array(array)) => any_in_array(&array, rest, leaf, visit),
        Some(_) => visit(None),
    }
}

/// The end of a path.
pub(crate) fn any_leaf<'a, V>(value: &View<'a>, leaf: Leaf, visit: &mut V) -> Result<bool, Error>
where
    V: FnMut(Option<&View<'a>>) -> Result<bool, Error>,
{
    if let (View::Array(array), Leaf::Expand) = (value, leaf) {
        for element in array.iter() {
            if visit(Some(&element?))? {
                return Ok(true);
            }
        }
    }
    visit(Some(value))
}

/// An array in the middle of a path: its documents are entered, and a numeric segment also picks
/// one element.
fn any_in_array<'a, V>(
    array: &ArrayView<'a>,
    segments: &[Segment],
    leaf: Leaf,
    visit: &mut V,
) -> Result<bool, Error>
where
    V: FnMut(Option<&View<'a>>) -> Result<bool, Error>,
{
    let Some((first, rest)) = segments.split_first() else {
        return Ok(false);
    };
    for (index, element) in array.iter().enumerate() {
        let element = element?;
        if let View::Document(inner) = &element
            && any(inner, segments, leaf, visit)?
        {
            return Ok(true);
        }
        if first.index != Some(index) {
            continue;
        }
        let found = match &element {
            _ if rest.is_empty() => visit(Some(&element))?,
            View::Document(inner) => any(inner, rest, leaf, visit)?,
            View::Array(inner) => any_in_array(inner, rest, leaf, visit)?,
            _ => false,
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}
