//! TC3-HMAC-SHA256 in its two forms: over named body members (protocol 01 §4.1), and over the whole
//! body as the vendor's cloud API has it (§4.2).

use super::members::{self, Member, trim};
use super::{AccessKeyId, Body, SignatureError, SignedRequest};
use crate::mac;

const ALGORITHM: &str = "TC3-HMAC-SHA256";
const SERVICE: &str = "tcb";
/// How old a signature may be, and how far ahead the signer's clock may go, in seconds. The header
/// `X-Signature-Expires` can only shorten it: it is not signed itself.
const AGE_MAX_S: i64 = 600;
/// SHA-256 of `{}`: old signers hash it for requests without a body.
const EMPTY_OBJECT: &[u8] = b"{}";

/// Checks a TC3 signature in the `Authorization` header, in whichever of its two forms it comes.
/// `secret_of` gives the secret key of a secret id.
///
/// # Errors
/// [`SignatureError`], by what is wrong.
pub fn verify<S: AsRef<str>>(
    request: &SignedRequest<'_>,
    secret_of: impl FnOnce(&str) -> Option<S>,
    now_s: i64,
) -> Result<AccessKeyId, SignatureError> {
    let authorization = Authorization::read(request)?;
    let Some(signed_params) = authorization.signed_params else {
        return verify_api(request, secret_of, now_s);
    };
    let timestamp = request
        .header("x-timestamp")
        .and_then(|text| text.trim().parse().ok())
        .ok_or(SignatureError::Malformed("X-Timestamp"))?;
    let lifetime_s =
        request.header("x-signature-expires").and_then(|text| text.trim().parse().ok());
    let members = members::read(&request.body)?;
    let payload = payload(&members, signed_params);
    let url = format!("//{}{}", request.host, request.path);
    let method = request.method.to_ascii_lowercase();
    let canonical = authorization.canonical(request, &method, &url, &mac::sha256_hex(&payload))?;
    let secret = secret_of(authorization.key_id).ok_or(SignatureError::UnknownKey)?;
    check_age(timestamp, lifetime_s, now_s)?;
    authorization.check(secret.as_ref(), timestamp, &[canonical])
}

/// Checks a TC3 signature of the cloud-API form: the whole body, the path without host, the time in
/// the `Authorization` header itself.
///
/// # Errors
/// [`SignatureError`], by what is wrong.
pub fn verify_api<S: AsRef<str>>(
    request: &SignedRequest<'_>,
    secret_of: impl FnOnce(&str) -> Option<S>,
    now_s: i64,
) -> Result<AccessKeyId, SignatureError> {
    let authorization = Authorization::read(request)?;
    let timestamp = authorization
        .timestamp
        .and_then(|text| text.parse().ok())
        .ok_or(SignatureError::Malformed("Timestamp"))?;
    let body = match request.body {
        Body::Json(text) => text.as_bytes(),
        Body::Raw(bytes) => bytes,
        // The form's own bytes are gone once it is parsed, and no SDK signs one this way.
        Body::Multipart(_) => return Err(SignatureError::Malformed("body")),
    };
    let method = request.method.to_ascii_uppercase();
    let mut candidates = Vec::with_capacity(2);
    for body in [body, EMPTY_OBJECT] {
        let payload_hash = mac::sha256_hex(body);
        candidates.push(authorization.canonical(request, &method, request.path, &payload_hash)?);
        if !request.body.is_empty() {
            break;
        }
    }
    let secret = secret_of(authorization.key_id).ok_or(SignatureError::UnknownKey)?;
    check_age(timestamp, None, now_s)?;
    authorization.check(secret.as_ref(), timestamp, &candidates)
}

impl Body<'_> {
    fn is_empty(&self) -> bool {
        match self {
            Body::Json(text) => text.is_empty(),
            Body::Raw(bytes) => bytes.is_empty(),
            Body::Multipart(parts) => parts.is_empty(),
        }
    }
}

/// The parts of the `Authorization` header.
struct Authorization<'a> {
    key_id: &'a str,
    date: &'a str,
    signed_params: Option<&'a str>,
    signed_headers: &'a str,
    signature: &'a str,
    timestamp: Option<&'a str>,
}

impl<'a> Authorization<'a> {
    fn read(request: &SignedRequest<'a>) -> Result<Self, SignatureError> {
        let header = request.header("authorization").ok_or(SignatureError::Missing)?.trim();
        let fields = header
            .strip_prefix(ALGORITHM)
            .filter(|rest| rest.starts_with(' '))
            .ok_or(SignatureError::Missing)?;
        let field = |name: &str| {
            fields.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
        };
        let credential = field("Credential").ok_or(SignatureError::Malformed("Credential"))?;
        let mut scope = credential.rsplitn(4, '/');
        let (ending, service, date, key_id) =
            (scope.next(), scope.next(), scope.next(), scope.next());
        let (Some("tc3_request"), Some(SERVICE), Some(date), Some(key_id)) =
            (ending, service, date, key_id)
        else {
            return Err(SignatureError::Malformed("Credential"));
        };
        Ok(Self {
            key_id,
            date,
            signed_params: field("SignedParams"),
            signed_headers: field("SignedHeaders")
                .ok_or(SignatureError::Malformed("SignedHeaders"))?,
            signature: field("Signature").ok_or(SignatureError::Malformed("Signature"))?,
            timestamp: field("Timestamp"),
        })
    }

    fn canonical(
        &self,
        request: &SignedRequest<'_>,
        method: &str,
        url: &str,
        payload_hash: &str,
    ) -> Result<String, SignatureError> {
        let mut headers = String::new();
        for name in self.signed_headers.split(';') {
            let value = request.header(name).ok_or(SignatureError::Mismatch)?;
            headers.push_str(name);
            headers.push(':');
            if name == "content-type" {
                let is_form = value.starts_with("multipart/form-data");
                headers.push_str(if is_form { "multipart/form-data" } else { value });
            } else {
                headers.push_str(&trim(value).to_lowercase());
            }
            headers.push('\n');
        }
        let (query, signed_headers) = (request.raw_query, self.signed_headers);
        Ok(format!("{method}\n{url}\n{query}\n{headers}\n{signed_headers}\n{payload_hash}"))
    }

    /// Whether the signature fits one of the canonical requests.
    fn check(
        &self,
        secret: &str,
        timestamp_s: i64,
        canonical_requests: &[String],
    ) -> Result<AccessKeyId, SignatureError> {
        if self.date != date_of(timestamp_s) {
            return Err(SignatureError::Malformed("Credential date"));
        }
        let scope = format!("{}/{SERVICE}/tc3_request", self.date);
        let key = mac::hmac_sha256(format!("TC3{secret}").as_bytes(), self.date.as_bytes());
        let key = mac::hmac_sha256(&key, SERVICE.as_bytes());
        let key = mac::hmac_sha256(&key, b"tc3_request");
        let fits = canonical_requests.iter().any(|canonical| {
            let hash = mac::sha256_hex(canonical.as_bytes());
            let text = format!("{ALGORITHM}\n{timestamp_s}\n{scope}\n{hash}");
            let signature = hex::encode(mac::hmac_sha256(&key, text.as_bytes()));
            mac::is_same(signature.as_bytes(), self.signature.as_bytes())
        });
        if fits { Ok(AccessKeyId(self.key_id.to_owned())) } else { Err(SignatureError::Mismatch) }
    }
}

/// The signed members in the order of `signed_params`, empty and missing ones left out.
fn payload(
    members: &std::collections::HashMap<String, Member<'_>>,
    signed_params: &str,
) -> Vec<u8> {
    let mut payload = Vec::new();
    for name in signed_params.split(';') {
        let value = match members.get(name) {
            None => continue,
            Some(Member::Text(text)) => trim(text).as_bytes(),
            Some(Member::Null) => b"null",
            Some(Member::Json(raw)) => raw.as_bytes(),
            Some(Member::Binary(bytes)) => bytes,
        };
        if value.is_empty() {
            continue;
        }
        for piece in [b"&", name.as_bytes(), b"=", value, b"\r\n"] {
            payload.extend_from_slice(piece);
        }
    }
    payload
}

fn check_age(timestamp_s: i64, lifetime_s: Option<i64>, now_s: i64) -> Result<(), SignatureError> {
    let age_s = now_s.saturating_sub(timestamp_s);
    let lifetime_s = lifetime_s.unwrap_or(AGE_MAX_S).min(AGE_MAX_S);
    if (-AGE_MAX_S..=lifetime_s).contains(&age_s) { Ok(()) } else { Err(SignatureError::OutOfDate) }
}

/// The UTC date of a moment, `YYYY-MM-DD`.
fn date_of(timestamp_s: i64) -> String {
    let (year, month, day) = value::calendar::date_of_days(timestamp_s.div_euclid(86_400));
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (timestamp_s, date) in [
            (0, "1970-01-01"),
            (951_782_399, "2000-02-28"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_795_161_406, "2026-11-20"),
            (4_107_542_399, "2100-02-28"),
            (4_107_542_400, "2100-03-01"),
        ] {
            assert_eq!(date_of(timestamp_s), date);
        }
    }

    #[test]
    fn a_signature_lives_ten_minutes_or_less() {
        for (timestamp_s, lifetime_s, is_fresh) in [
            (1000, None, true),
            (400, None, true),
            (399, None, false),
            (1600, None, true),
            (1601, None, false),
            (950, Some(50), true),
            (949, Some(50), false),
            (399, Some(86_400), false),
            (i64::MIN, None, false),
        ] {
            let fresh = check_age(timestamp_s, lifetime_s, 1000).is_ok();
            assert_eq!(fresh, is_fresh, "{timestamp_s} {lifetime_s:?}");
        }
    }
}
