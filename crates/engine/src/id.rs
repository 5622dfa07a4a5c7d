//! `_id`: what may be one, how one is made, how one becomes part of a key.

use bytes::Bytes;
use value::Value;

use crate::catalogue::Collection;
use crate::{Error, layout};

/// Longest `_id` in bytes of its key: what every store's index pages can hold.
const ID_KEY_BYTES_MAX: usize = 1_024;

/// A new `_id`: 32 lower-case hexadecimal digits, the first eight of them the seconds since
/// 1970, so that neighbours in time are neighbours in the store; the rest is chance.
pub fn new_id(now_ms: i64) -> String {
    // The seconds wrap in 2106; ids stay unique because of the 96 random bits.
    let seconds = now_ms.div_euclid(1_000) & 0xffff_ffff;
    let chance = rand::random::<u128>() >> 32;
    format!("{seconds:08x}{chance:024x}")
}

/// Key of the document with this `_id`.
///
/// # Errors
///
/// [`Error::IdRefused`] unless it is a string, a number or an ObjectId of acceptable length.
pub(crate) fn document_key(collection: Collection, id: &Value) -> Result<Bytes, Error> {
    match id {
        Value::String(_)
        | Value::Int32(_)
        | Value::Int64(_)
        | Value::Double(_)
        | Value::Decimal128(_)
        | Value::ObjectId(_) => {}
        _ => {
            return Err(Error::IdRefused {
                reason: "it must be a string, a number or an ObjectId",
                reason_zh: "只能是字符串、数字或 ObjectId",
            });
        }
    }
    let id_key = value::key::encode(id);
    if id_key.len() > ID_KEY_BYTES_MAX {
        return Err(Error::IdRefused {
            reason: "it is longer than 1024 bytes",
            reason_zh: "长度超过 1024 字节",
        });
    }
    Ok(layout::document_key(collection.number, &id_key))
}

/// An `_id` as error messages print it.
pub(crate) fn printed(id: &Value) -> String {
    value::ejson::canonical_value(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_ids_are_hex_ordered_by_second_and_distinct() {
        let rows = [(0, "00000000"), (1_700_000_000_999, "6553f100"), (-1, "ffffffff")];
        for (now_ms, prefix) in rows {
            let ids = [new_id(now_ms), new_id(now_ms)];
            assert_ne!(ids[0], ids[1]);
            for id in ids {
                assert_eq!(id.len(), 32, "{id}");
                assert!(id.starts_with(prefix), "{id}");
                assert!(id.bytes().all(|digit| b"0123456789abcdef".contains(&digit)), "{id}");
            }
        }
    }
}
