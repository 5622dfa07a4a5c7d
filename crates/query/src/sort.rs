//! In which order documents come. A document's place is one string of bytes, so that comparing two
//! of them is one `memcmp`.

use value::{ArrayView, DocView, Document, RawDoc, View, key};

use crate::Error;
use crate::path::{Path, Segment};

/// Most fields a sort may name; MongoDB's limit.
const FIELDS_MAX: usize = 32;

/// A parsed sort: fields in order of importance, each ascending or descending.
#[derive(Debug, Clone, Default)]
pub struct Sort {
    fields: Vec<Field>,
}

#[derive(Debug, Clone)]
struct Field {
    path: Path,
    descending: bool,
}

/// A document's place in a sort; smaller comes first, whatever the directions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SortKey(Vec<u8>);

impl SortKey {
    /// The place of a number in an ascending order, such as a distance.
    pub(crate) fn of_number(number: f64) -> SortKey {
        let mut bytes = Vec::with_capacity(10);
        key::push_view(&View::Double(number), &mut bytes);
        SortKey(bytes)
    }

    /// Bytes of the key.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Sort {
    /// Reads `{"a": 1, "b": -1}`; the order of the members is the order of importance.
    ///
    /// # Errors
    /// Directions other than 1 and -1, and more than 32 fields.
    pub fn parse(sort: &Document) -> Result<Sort, Error> {
        if sort.len() > FIELDS_MAX {
            return Err(Error::malformed(
                format_args!("A sort may name {FIELDS_MAX} fields; name fewer."),
                format_args!("排序字段不能超过 {FIELDS_MAX} 个,请减少。"),
            ));
        }
        let field = |(name, direction): (&str, &value::Value)| {
            check_name(name, direction)?;
            let descending = parse_direction(direction).ok_or_else(|| {
                Error::malformed(
                    format_args!("The sort direction of '{name}' must be 1 or -1; correct it."),
                    format_args!("'{name}' 的排序方向应为 1 或 -1,请修改。"),
                )
            })?;
            Ok(Field { path: Path::parse(name)?, descending })
        };
        Ok(Sort { fields: sort.iter().map(field).collect::<Result<_, Error>>()? })
    }

    /// No order at all.
    pub fn none() -> Sort {
        Sort { fields: Vec::new() }
    }

    /// Whether no order is asked for.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The fields in order of importance: dotted path, and whether it is descending.
    pub fn fields(&self) -> impl Iterator<Item = (&str, bool)> {
        self.fields.iter().map(|field| (field.path.text(), field.descending))
    }

    /// Where a document belongs. A missing field counts as null; an array counts as its smallest
    /// element, or its largest when descending; an empty array comes before null.
    pub fn key(&self, document: &RawDoc<'_>) -> SortKey {
        self.key_of(&DocView::Raw(*document))
    }

    /// [`Sort::key`] of a document of either origin.
    pub fn key_of(&self, document: &DocView<'_>) -> SortKey {
        let mut bytes = Vec::with_capacity(16 * self.fields.len());
        for field in &self.fields {
            let mut best = Best { descending: field.descending, key: Vec::new() };
            best.visit_document(document, field.path.segments());
            let complement = if field.descending { 0xFF } else { 0 };
            bytes.extend(best.key.iter().map(|byte| byte ^ complement));
        }
        SortKey(bytes)
    }
}

fn check_name(name: &str, direction: &value::Value) -> Result<(), Error> {
    if direction.as_document().is_some_and(|document| document.contains_key("$meta")) {
        return Err(Error::malformed(
            format_args!(
                "$meta at '{name}' needs a full-text index, which this platform does not have; \
                 sort by a field."
            ),
            format_args!("'{name}' 处的 $meta 需要全文索引,本平台不支持,请按字段排序。"),
        ));
    }
    match name.split('.').find(|part| part.is_empty() || part.starts_with('$')) {
        None => Ok(()),
        Some("") => Err(Error::malformed(
            format_args!("The sort path '{name}' has an empty field name; correct it."),
            format_args!("排序路径 '{name}' 中有空字段名,请修改。"),
        )),
        Some(operator) => Err(Error::unknown_operator(operator, name)),
    }
}

/// `Some(true)` for -1, `Some(false)` for 1.
pub(crate) fn parse_direction(direction: &value::Value) -> Option<bool> {
    match direction.as_i64() {
        Some(1) => Some(false),
        Some(-1) => Some(true),
        _ => None,
    }
}

/// The smallest (or largest) of the values a path leads to, as a key.
struct Best {
    descending: bool,
    /// Empty until the first value.
    key: Vec<u8>,
}

impl Best {
    fn offer(&mut self, key: Vec<u8>) {
        let better = if self.descending { key > self.key } else { key < self.key };
        if self.key.is_empty() || better {
            self.key = key;
        }
    }

    fn offer_value(&mut self, value: &View<'_>) {
        let mut encoded = Vec::with_capacity(16);
        key::push_view(value, &mut encoded);
        self.offer(encoded);
    }

    fn visit_document(&mut self, document: &DocView<'_>, segments: &[Segment]) {
        let Some((first, rest)) = segments.split_first() else {
            return;
        };
        match document.get(&first.name) {
            None => self.offer_value(&View::Null),
            Some(value) => self.visit_value(&value, rest),
        }
    }

    fn visit_value(&mut self, value: &View<'_>, segments: &[Segment]) {
        match value {
            View::Array(array) if segments.is_empty() => self.visit_elements(array),
            View::Array(array) => self.visit_array(array, segments),
            value if segments.is_empty() => self.offer_value(value),
            View::Document(document) => self.visit_document(document, segments),
            _ => self.offer_value(&View::Null),
        }
    }

    /// An array at the end of the path stands for its elements.
    fn visit_elements(&mut self, array: &ArrayView<'_>) {
        let mut empty = true;
        for element in array.iter().map_while(Result::ok) {
            empty = false;
            self.offer_value(&element);
        }
        if empty {
            self.offer(vec![key::UNDEFINED]);
        }
    }

    /// An array within the path: a numeric segment picks one element, otherwise its documents are
    /// entered and everything else counts as null.
    fn visit_array(&mut self, array: &ArrayView<'_>, segments: &[Segment]) {
        let picked = segments[0].index.and_then(|index| array.get(index));
        if let Some(element) = picked {
            return self.visit_value(&element, &segments[1..]);
        }
        let mut empty = true;
        for element in array.iter().map_while(Result::ok) {
            empty = false;
            match &element {
                View::Document(document) => self.visit_document(document, segments),
                _ => self.offer_value(&View::Null),
            }
        }
        if empty {
            self.offer_value(&View::Null);
        }
    }
}
