//! Keyed hashes and comparisons that take the same time whatever they find.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// HMAC-SHA256.
pub(crate) fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// HMAC-SHA256 in lower-case hexadecimal.
pub fn hmac_sha256_hex(key: &[u8], message: &[u8]) -> String {
    hex::encode(hmac_sha256(key, message))
}

/// HMAC-SHA1; only for q-sign, which prescribes it.
pub(crate) fn hmac_sha1(key: &[u8], message: &[u8]) -> [u8; 20] {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// SHA-256 in lower-case hexadecimal.
pub fn sha256_hex(message: &[u8]) -> String {
    hex::encode(Sha256::digest(message))
}

/// SHA-1 in lower-case hexadecimal; only for q-sign.
pub(crate) fn sha1_hex(message: &[u8]) -> String {
    hex::encode(Sha1::digest(message))
}

/// Whether two secrets are equal, without telling by its duration where they differ. Both are
/// hashed first, so that not even their lengths show.
pub(crate) fn is_same(a: &[u8], b: &[u8]) -> bool {
    let (a, b) = (Sha256::digest(a), Sha256::digest(b));
    a.iter().zip(b.iter()).fold(0, |differing, (a, b)| differing | (a ^ b)) == 0
}
