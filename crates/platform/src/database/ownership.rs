//! Whose a document is: `_openid` is written by the server alone, and `{openid}` stands for the
//! caller in conditions and data.

use value::{Document, Value};

use crate::error::{Code, Error, Result};

/// The field that says whose document it is.
pub(super) const OWNER_FIELD: &str = "_openid";
/// What clients write where they mean their own openid.
const OPENID_PLACEHOLDER: &str = "{openid}";

pub(super) fn refuse_owner_field(document: &Document) -> Result<()> {
    if document.contains_key(OWNER_FIELD) { Err(owner_is_ours()) } else { Ok(()) }
}

/// `_openid` may stand neither in a replacement nor as the target of any operator.
pub(super) fn refuse_owner_change(data: &Document, merge: bool) -> Result<()> {
    refuse_owner_field(data)?;
    if !merge {
        return Ok(());
    }
    let names_owner = |name: &str| name == OWNER_FIELD || name.starts_with("_openid.");
    for (operator, fields) in data.iter() {
        let Value::Document(fields) = fields else { continue };
        for (name, value) in fields.iter() {
            let target = if let Value::String(target) = value { target.as_str() } else { "" };
            if names_owner(name) || operator == "$rename" && names_owner(target) {
                return Err(owner_is_ours());
            }
        }
    }
    Ok(())
}

fn owner_is_ours() -> Error {
    Error::new(
        Code::DatabasePermissionDenied,
        "_openid is written by the server alone: leave it out. / _openid 由服务端写入,请不要在\
         客户端数据中携带。",
    )
}

/// Puts the caller's id in the place of the string `{openid}`, wherever it stands.
pub(super) fn fill_openid(document: &mut Document, owner_id: &str) {
    *document = std::mem::take(document)
        .into_iter()
        .map(|(name, value)| (name, filled_openid(value, owner_id)))
        .collect();
}

fn filled_openid(value: Value, owner_id: &str) -> Value {
    match value {
        Value::String(text) if text == OPENID_PLACEHOLDER => Value::String(owner_id.to_owned()),
        Value::Document(mut document) => {
            fill_openid(&mut document, owner_id);
            Value::Document(document)
        }
        Value::Array(items) => {
            Value::Array(items.into_iter().map(|item| filled_openid(item, owner_id)).collect())
        }
        other => other,
    }
}
