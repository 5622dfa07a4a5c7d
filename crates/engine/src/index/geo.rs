//! Keys of places on the earth.

use value::RawDoc;

use super::IndexField;
use crate::Error;

/// The keys of the cells a document's place lies in.
pub(crate) fn keys(_document: &RawDoc<'_>, _field: &IndexField) -> Result<Vec<Vec<u8>>, Error> {
    Ok(vec![value::key::encode(&value::Value::Null)])
}
