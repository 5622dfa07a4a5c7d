//! MongoDB's order across kinds: MinKey, null, numbers, strings, objects, arrays, binary, object
//! ids, booleans, dates, timestamps, regular expressions, MaxKey.

use std::cmp::Ordering;

use crate::{ArrayView, DocView, Value, View, key, number};

/// Orders two values. Numbers compare by value across kinds, exactly, with NaN lowest; strings by
/// their bytes; documents field by field by (kind, name, value); arrays element by element.
pub fn compare(a: &Value, b: &Value) -> Ordering {
    compare_views(&View::from(a), &View::from(b))
}

/// Whether two values mean the same: `1` equals `1.0`, NaN equals NaN.
pub fn equals(a: &Value, b: &Value) -> bool {
    compare(a, b) == Ordering::Equal
}

/// [`compare`] without owning the values. Broken BSON bytes end a document or array early.
pub fn compare_views(a: &View<'_>, b: &View<'_>) -> Ordering {
    if let Some(order) = number::compare(a, b) {
        return order;
    }
    match (a, b) {
        (View::Bool(a), View::Bool(b)) => a.cmp(b),
        (View::String(a), View::String(b)) => a.as_bytes().cmp(b.as_bytes()),
        (View::Document(a), View::Document(b)) => compare_documents(a, b),
        (View::Array(a), View::Array(b)) => compare_arrays(a, b),
        (
            View::Binary { subtype: a_subtype, bytes: a },
            View::Binary { subtype: b_subtype, bytes: b },
        ) => (a.len(), a_subtype, a).cmp(&(b.len(), b_subtype, b)),
        (View::ObjectId(a), View::ObjectId(b)) => a.cmp(b),
        (View::Date(a), View::Date(b)) => a.cmp(b),
        (
            View::Regex { pattern: a, options: a_options },
            View::Regex { pattern: b, options: b_options },
        ) => (a.as_bytes(), a_options.as_bytes()).cmp(&(b.as_bytes(), b_options.as_bytes())),
        (View::Timestamp(a), View::Timestamp(b)) => a.cmp(b),
        _ => key::kind_byte(a).cmp(&key::kind_byte(b)),
    }
}

fn compare_documents(a: &DocView<'_>, b: &DocView<'_>) -> Ordering {
    let mut b_fields = b.iter().map_while(Result::ok);
    for (a_name, a_value) in a.iter().map_while(Result::ok) {
        let Some((b_name, b_value)) = b_fields.next() else {
            return Ordering::Greater;
        };
        let order = key::kind_byte(&a_value)
            .cmp(&key::kind_byte(&b_value))
            .then_with(|| a_name.as_bytes().cmp(b_name.as_bytes()))
            .then_with(|| compare_views(&a_value, &b_value));
        if order.is_ne() {
            return order;
        }
    }
    if b_fields.next().is_some() { Ordering::Less } else { Ordering::Equal }
}

fn compare_arrays(a: &ArrayView<'_>, b: &ArrayView<'_>) -> Ordering {
    let mut b_elements = b.iter().map_while(Result::ok);
    for a_value in a.iter().map_while(Result::ok) {
        let Some(b_value) = b_elements.next() else {
            return Ordering::Greater;
        };
        let order = compare_views(&a_value, &b_value);
        if order.is_ne() {
            return order;
        }
    }
    if b_elements.next().is_some() { Ordering::Less } else { Ordering::Equal }
}
