//! Known mistakes of the vendor's SDKs, recognised and put right (protocol 03 §5). Everything here
//! exists because a released SDK sends it; nothing here guesses.

use value::{Document, Value};

use crate::Error;

/// The operator document behind what some SDKs put inside `$elemMatch` instead of it:
/// `{"operator": "gt", "operands": [1], "fieldName": {}}` means `{"$gt": 1}`. `None` for any other
/// value.
///
/// # Errors
/// The literal of an operator that does not exist.
fn literal(value: &Value) -> Result<Option<Document>, Error> {
    let Value::Document(literal) = value else {
        return Ok(None);
    };
    let parts = (literal.get("operator"), literal.get("operands"), literal.get("fieldName"));
    let (Some(Value::String(name)), Some(Value::Array(operands)), Some(Value::Document(field))) =
        parts
    else {
        return Ok(None);
    };
    if literal.len() != 3 || !field.is_empty() {
        return Ok(None);
    }
    let operator = match name.as_str() {
        "neq" => "$ne".to_owned(),
        "eq" | "gt" | "gte" | "lt" | "lte" | "in" | "nin" | "exists" | "size" | "mod" | "all" => {
            format!("${name}")
        }
        other => return Err(Error::unknown_operator(&format!("${other}"), "$elemMatch")),
    };
    let operand = match (name.as_str(), operands.as_slice()) {
        // The list is the operands, except where it came wrapped in another one.
        ("in" | "nin" | "mod" | "all", [Value::Array(list)]) => Value::Array(list.clone()),
        ("in" | "nin" | "mod" | "all", list) => Value::Array(list.to_vec()),
        (_, [operand, ..]) => operand.clone(),
        (_, []) => Value::Null,
    };
    Ok(Some(Document::from_iter([(operator, operand)])))
}

/// The condition of an `$elemMatch` with every such literal put right, itself or its fields.
pub(crate) fn elem_match(condition: &Document) -> Result<Document, Error> {
    if let Some(operators) = literal(&Value::Document(condition.clone()))? {
        return Ok(operators);
    }
    let mut repaired = Document::with_capacity(condition.len());
    for (name, value) in condition.iter() {
        let value = literal(value)?.map_or_else(|| value.clone(), Value::Document);
        repaired.append(name.to_owned(), value);
    }
    Ok(repaired)
}

/// The list behind `$addToSet: {"each": […]}`, which SDKs send without the `$`.
pub(crate) fn each(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Document(document) if document.len() == 1 => {
            document.get("each").and_then(Value::as_array)
        }
        _ => None,
    }
}

/// `_.mod(10, 1)` arrives as `$mod: 10` from Families A and REST: the remainder is lost on the way,
/// so it counts as 0, as it does in MongoDB when it is left out.
pub(crate) fn modulus(value: &Value) -> Option<[Value; 2]> {
    value.is_number().then(|| [value.clone(), Value::Int32(0)])
}
