//! q-sign: HMAC-SHA1 in the body member `authorization`, as tcb-admin-node, manager-node and the
//! CloudBase CLI sign (protocol 01 §4.3).

use super::members::{self, Member, encode};
use super::{AccessKeyId, SignatureError, SignedRequest};
use crate::mac;

/// How far the signer's clock may be ahead of ours, in seconds.
const SKEW_S: i64 = 600;
/// The longest period a signature may name, in seconds; SDKs name 900.
const PERIOD_MAX_S: i64 = 24 * 3600;

/// Checks the q-sign signature inside the body. `secret_of` gives the secret key of a secret id.
/// The signed method and path are always `post` and `/admin`, whatever address was used.
///
/// # Errors
/// [`SignatureError`], by what is wrong.
pub fn verify<S: AsRef<str>>(
    request: &SignedRequest<'_>,
    secret_of: impl FnOnce(&str) -> Option<S>,
    now_s: i64,
) -> Result<AccessKeyId, SignatureError> {
    let members = members::read(&request.body)?;
    let Some(Member::Text(authorization)) = members.get("authorization") else {
        return Err(SignatureError::Missing);
    };
    let field = |name: &'static str| {
        authorization
            .split('&')
            .find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
            .ok_or(SignatureError::Malformed(name))
    };
    if field("q-sign-algorithm")? != "sha1" {
        return Err(SignatureError::Malformed("q-sign-algorithm"));
    }
    let (sign_time, key_time) = (field("q-sign-time")?, field("q-key-time")?);
    let key_id = field("q-ak")?;
    let secret = secret_of(key_id).ok_or(SignatureError::UnknownKey)?;
    check_period("q-sign-time", sign_time, now_s)?;
    check_period("q-key-time", key_time, now_s)?;

    let params = named(field("q-url-param-list")?, |name| {
        members.get(name).map(|member| match member {
            Member::Text(text) => encode(text),
            Member::Null => String::new(),
            Member::Json(raw) => encode(raw),
            Member::Binary(bytes) => encode(&String::from_utf8_lossy(bytes)),
        })
    })?;
    let headers = named(field("q-header-list")?, |name| request.header(name).map(encode))?;
    let format = format!("post\n/admin\n{params}\n{headers}\n");
    let text = format!("sha1\n{sign_time}\n{}\n", mac::sha1_hex(format.as_bytes()));
    let key = hex::encode(mac::hmac_sha1(secret.as_ref().as_bytes(), key_time.as_bytes()));
    let signature = hex::encode(mac::hmac_sha1(key.as_bytes(), text.as_bytes()));
    if mac::is_same(signature.as_bytes(), field("q-signature")?.as_bytes()) {
        Ok(AccessKeyId(key_id.to_owned()))
    } else {
        Err(SignatureError::Mismatch)
    }
}

/// `name=value` joined by `&`, in the order of the list; a name the request lacks cannot have been
/// signed.
fn named(list: &str, value_of: impl Fn(&str) -> Option<String>) -> Result<String, SignatureError> {
    let mut pairs = Vec::new();
    for name in list.split(';').filter(|name| !name.is_empty()) {
        let value = value_of(name).ok_or(SignatureError::Mismatch)?;
        pairs.push(format!("{}={value}", encode(name)));
    }
    Ok(pairs.join("&"))
}

/// Whether now lies inside `start;end`.
fn check_period(name: &'static str, period: &str, now_s: i64) -> Result<(), SignatureError> {
    let (start, end) = period.split_once(';').ok_or(SignatureError::Malformed(name))?;
    let (Ok(start), Ok(end)) = (start.parse::<i64>(), end.parse::<i64>()) else {
        return Err(SignatureError::Malformed(name));
    };
    let is_open = now_s >= start.saturating_sub(SKEW_S) && now_s < end;
    if is_open && end.saturating_sub(start) <= PERIOD_MAX_S {
        Ok(())
    } else {
        Err(SignatureError::OutOfDate)
    }
}
