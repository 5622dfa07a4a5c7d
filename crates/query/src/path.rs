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

impl Segment {
    /// The segment that picks an element.
    pub(crate) fn of_index(index: usize) -> Segment {
        Segment { name: index.to_string(), index: Some(index) }
    }
}

impl Path {
    /// Splits at the dots. Empty names are allowed here: a stored field may have one.
    ///
    /// # Errors
    /// More segments than a document can be deep, and NUL, which no stored name can hold.
    pub(crate) fn parse(text: &str) -> Result<Path, Error> {
        if text.contains('\0') {
            return Err(Error::malformed(
                "A field name cannot hold the NUL character; correct the path.",
                "字段名不能包含 NUL 字符,请修改路径。",
            ));
        }
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

    /// A path of these segments, at least one.
    pub(crate) fn from_segments(segments: Vec<Segment>) -> Path {
        let names: Vec<&str> = segments.iter().map(|segment| segment.name.as_str()).collect();
        Path { text: names.join("."), segments }
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
    Walk { leaf, visit, element: None }.document(document, segments)
}

/// [`any`] at the end of a path.
pub(crate) fn any_leaf<'a, V>(value: &View<'a>, leaf: Leaf, visit: &mut V) -> Result<bool, Error>
where
    V: FnMut(Option<&View<'a>>) -> Result<bool, Error>,
{
    Walk { leaf, visit, element: None }.leaf(value)
}

/// [`any`] that tells on yes which element of the outermost array it went through, when it went
/// through one without being told the index.
pub(crate) fn any_element<'a, V>(
    document: &DocView<'a>,
    segments: &[Segment],
    leaf: Leaf,
    visit: &mut V,
) -> Result<Option<Option<usize>>, Error>
where
    V: FnMut(Option<&View<'a>>) -> Result<bool, Error>,
{
    let mut walk = Walk { leaf, visit, element: None };
    Ok(walk.document(document, segments)?.then_some(walk.element))
}

/// A walk along a path.
struct Walk<'v, V> {
    leaf: Leaf,
    visit: &'v mut V,
    /// The element of the outermost array the walk is in.
    element: Option<usize>,
}

impl<'a, V: FnMut(Option<&View<'a>>) -> Result<bool, Error>> Walk<'_, V> {
    fn document(&mut self, document: &DocView<'a>, segments: &[Segment]) -> Result<bool, Error> {
        let Some((first, rest)) = segments.split_first() else {
            return Ok(false);
        };
        match document.get(&first.name) {
            None => (self.visit)(None),
            Some(value) if rest.is_empty() => self.leaf(&value),
            Some(View::Document(inner)) => self.document(&inner, rest),
            Some(View::Array(array)) => self.array(&array, rest),
            Some(_) => (self.visit)(None),
        }
    }

    /// The end of the path.
    fn leaf(&mut self, value: &View<'a>) -> Result<bool, Error> {
        if let (View::Array(array), Leaf::Expand) = (value, self.leaf) {
            for (index, element) in array.iter().enumerate() {
                let element = element?;
                if self.within(index, |walk| (walk.visit)(Some(&element)))? {
                    return Ok(true);
                }
            }
        }
        (self.visit)(Some(value))
    }

    /// Looks into an element, and remembers it when that was a success.
    fn within(
        &mut self,
        index: usize,
        look: impl FnOnce(&mut Self) -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        let outer = self.element;
        self.element = outer.or(Some(index));
        let found = look(self)?;
        if !found {
            self.element = outer;
        }
        Ok(found)
    }

    /// An array in the middle of a path: its documents are entered, and a numeric segment also
    /// picks one element.
    fn array(&mut self, array: &ArrayView<'a>, segments: &[Segment]) -> Result<bool, Error> {
        let Some((first, rest)) = segments.split_first() else {
            return Ok(false);
        };
        for (index, element) in array.iter().enumerate() {
            let element = element?;
            if let View::Document(inner) = &element
                && self.within(index, |walk| walk.document(inner, segments))?
            {
                return Ok(true);
            }
            if first.index != Some(index) {
                continue;
            }
            let found = match &element {
                _ if rest.is_empty() => (self.visit)(Some(&element))?,
                View::Document(inner) => self.document(inner, rest)?,
                View::Array(inner) => self.array(inner, rest)?,
                _ => false,
            };
            if found {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
