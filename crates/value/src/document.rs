//! An ordered document: names and values in the order they were written.

use crate::{Error, RawDoc, Value, bson};

/// Ordered fields. Names are unique as long as they enter through [`Document::insert`];
/// lookups are linear, which beats hashing for the few dozen fields a document has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    fields: Vec<(String, Value)>,
}

impl Document {
    /// An empty document.
    pub fn new() -> Document {
        Document::default()
    }

    /// An empty document with room for `fields` fields.
    pub fn with_capacity(fields: usize) -> Document {
        Document { fields: Vec::with_capacity(fields) }
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value)
    }

    /// The value of a field, to be changed in place.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.fields.iter_mut().find(|(field, _)| field == name).map(|(_, value)| value)
    }

    /// Sets a field: in its place when it exists, else at the end. Returns the old value.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) -> Option<Value> {
        let (name, value) = (name.into(), value.into());
        if let Some(old) = self.get_mut(&name) {
            return Some(std::mem::replace(old, value));
        }
        self.fields.push((name, value));
        None
    }

    /// Sets a field at the front, so that `_id` can lead as in stored documents. Returns the old
    /// value.
    pub fn insert_first(
        &mut self,
        name: impl Into<String>,
        value: impl Into<Value>,
    ) -> Option<Value> {
        let name = name.into();
        let old = self.remove(&name);
        self.fields.insert(0, (name, value.into()));
        old
    }

    /// Adds a field the caller knows to be new, without looking for it: copying a document field by
    /// field stays linear however many fields it has.
    pub fn append(&mut self, name: String, value: Value) {
        self.fields.push((name, value));
    }

    /// Takes a field out, keeping the order of the others.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let position = self.fields.iter().position(|(field, _)| field == name)?;
        Some(self.fields.remove(position).1)
    }

    /// Whether the field exists.
    pub fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Fields in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &Value)> + ExactSizeIterator {
        self.fields.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Names in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator {
        self.fields.iter().map(|(name, _)| name.as_str())
    }

    /// Number of fields.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The first field.
    pub fn first(&self) -> Option<(&str, &Value)> {
        self.iter().next()
    }

    /// Follows a dotted path through documents by name and through arrays by index:
    /// `get_path("a.b.0")`.
    pub fn get_path(&self, path: &str) -> Option<&Value> {
        let mut segments = path.split('.');
        let mut value = self.get(segments.next()?)?;
        for segment in segments {
            value = match value {
                Value::Document(document) => document.get(segment)?,
                Value::Array(elements) => elements.get(parse_index(segment)?)?,
                _ => return None,
            };
        }
        Some(value)
    }

    /// The document as BSON bytes. A name cannot hold the NUL character in BSON; [`crate::ejson`]
    /// refuses such names, and a name built in code loses it here.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128);
        bson::write_document(self, &mut bytes);
        bytes
    }

    /// Reads BSON bytes whole.
    ///
    /// # Errors
    /// Bytes that are no BSON document, that are larger or nested deeper than the limits, or that
    /// hold a kind [`Value`] has no place for (JavaScript code, symbols, pointers).
    pub fn from_bytes(bytes: &[u8]) -> Result<Document, Error> {
        RawDoc::new(bytes)?.to_document()
    }

    /// Checks a document built in code against the limits that reading enforces.
    ///
    /// # Errors
    /// [`Error::TooDeep`] and [`Error::TooLarge`].
    pub fn check_limits(&self) -> Result<(), Error> {
        let bytes = bson::measure_document(self, 1)?;
        if bytes > crate::DOCUMENT_BYTES_MAX {
            return Err(Error::TooLarge { bytes });
        }
        Ok(())
    }
}

/// A path segment as an array index: decimal digits without leading zeros.
pub fn parse_index(segment: &str) -> Option<usize> {
    let bytes = segment.as_bytes();
    let plain = !bytes.is_empty()
        && bytes.iter().all(u8::is_ascii_digit)
        && (bytes.len() == 1 || bytes[0] != b'0');
    if plain { segment.parse().ok() } else { None }
}

impl<N: Into<String>, V: Into<Value>> FromIterator<(N, V)> for Document {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Document {
        let mut document = Document::new();
        document.extend(fields);
        document
    }
}

impl<N: Into<String>, V: Into<Value>> Extend<(N, V)> for Document {
    fn extend<I: IntoIterator<Item = (N, V)>>(&mut self, fields: I) {
        for (name, value) in fields {
            self.insert(name, value);
        }
    }
}

impl IntoIterator for Document {
    type Item = (String, Value);
    type IntoIter = std::vec::IntoIter<(String, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.fields.into_iter()
    }
}
