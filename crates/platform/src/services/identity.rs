//! The headers by which a service knows who asks, and the signature that proves that this server
//! wrote them.
//!
//! `docs/reference/services.md` tells operators of services how to verify it; a change here is a
//! change of that contract.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::caller::{Caller, Context};

/// The moment of signing, seconds since 1970.
const TIMESTAMP: &str = "x-yunkai-timestamp";
/// `v1=` and the signature in lower-case hexadecimal.
const SIGNATURE: &str = "x-yunkai-signature";
/// The headers that are signed, in this order; an absent one counts as empty.
const SIGNED: [&str; 9] = [
    "x-wx-appid",
    "x-wx-call-id",
    "x-wx-env",
    "x-wx-openid",
    "x-wx-service",
    "x-wx-source",
    "x-wx-unionid",
    "x-yunkai-function",
    "x-yunkai-uid",
];

/// What is signed beside the identity.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// In capitals.
    pub method: &'a str,
    /// Path and query as the service sees them.
    pub target: &'a str,
    /// The whole body.
    pub body: &'a [u8],
    /// Seconds since 1970.
    pub now_s: i64,
}

/// Whether only this server may write the header: what a client sends under it is dropped.
pub fn is_reserved(name: &HeaderName) -> bool {
    let name = name.as_str();
    let forwarding = ["forwarded", "via", "x-real-ip", "x-cloudbase-credentials"];
    ["x-wx-", "x-yunkai-", "x-forwarded-"].iter().any(|it| name.starts_with(it))
        || forwarding.contains(&name)
}

/// Adds who asks, and the signature over it.
pub fn write(
    headers: &mut HeaderMap,
    context: &Context,
    service: &str,
    signed: Signed<'_>,
    secret: &str,
) {
    introduce(headers, context, service);
    set(headers, TIMESTAMP, Some(&signed.now_s.to_string()));
    let text = canonical(headers, signed);
    let signature = identity::hmac_sha256_hex(secret.as_bytes(), text.as_bytes());
    set(headers, SIGNATURE, Some(&format!("v1={signature}")));
}

/// Adds who asks, on whose behalf.
pub fn introduce(headers: &mut HeaderMap, context: &Context, service: &str) {
    let (user, source, function) = match &context.caller {
        Caller::User(user) => (Some(user), "wx_client".to_owned(), None),
        Caller::Function(invocation) => (
            invocation.user.as_ref(),
            format!("{},scf", invocation.source),
            Some(invocation.function.as_str()),
        ),
        Caller::Administrator | Caller::Nobody => (None, "wx_unknown".to_owned(), None),
    };
    let of_user = |field: fn(&crate::User) -> Option<&str>| user.and_then(field);
    let pairs = [
        ("x-wx-appid", Some(context.environment.app_id())),
        ("x-wx-call-id", Some(context.request_id.as_str())),
        ("x-wx-env", Some(context.environment.id())),
        ("x-wx-openid", of_user(|user| user.openid.as_deref())),
        ("x-wx-service", Some(service)),
        ("x-wx-source", Some(source.as_str())),
        ("x-wx-unionid", of_user(|user| user.unionid.as_deref())),
        ("x-yunkai-function", function),
        ("x-yunkai-uid", of_user(|user| Some(&user.uid))),
    ];
    for (name, value) in pairs {
        set(headers, name, value);
    }
    let ip = context.client_ip.map(|ip| ip.to_string());
    set(headers, "x-forwarded-for", ip.as_deref());
}

/// The text that is signed: version, time, method, target, hash of the body, then the headers.
fn canonical(headers: &HeaderMap, signed: Signed<'_>) -> String {
    let hash = identity::sha256_hex(signed.body);
    let mut text = format!("v1\n{}\n{}\n{}\n{hash}\n", signed.now_s, signed.method, signed.target);
    for name in SIGNED {
        let value = headers.get(name).map(HeaderValue::as_bytes).unwrap_or_default();
        text.push_str(name);
        text.push(':');
        text.push_str(&String::from_utf8_lossy(value));
        text.push('\n');
    }
    text
}

fn set(headers: &mut HeaderMap, name: &'static str, value: Option<&str>) {
    if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signed_text_is_what_the_documentation_says() {
        let mut headers = HeaderMap::new();
        set(&mut headers, "x-wx-openid", Some("o1"));
        set(&mut headers, "x-wx-env", Some("e"));
        set(&mut headers, "x-other", Some("not signed"));
        let signed = Signed { method: "POST", target: "/a?b=1", body: b"{}", now_s: 1_700_000_000 };
        let expected = "v1\n1700000000\nPOST\n/a?b=1\n\
            44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\n\
            x-wx-appid:\nx-wx-call-id:\nx-wx-env:e\nx-wx-openid:o1\nx-wx-service:\n\
            x-wx-source:\nx-wx-unionid:\nx-yunkai-function:\nx-yunkai-uid:\n";
        assert_eq!(canonical(&headers, signed), expected);
    }

    #[test]
    fn nobody_but_this_server_says_who_asks() {
        for (name, reserved) in [
            ("x-wx-openid", true),
            ("x-yunkai-signature", true),
            ("x-forwarded-for", true),
            ("forwarded", true),
            ("x-real-ip", true),
            ("accept", false),
            ("x-wxopenid", false),
        ] {
            assert_eq!(is_reserved(&HeaderName::from_static(name)), reserved, "{name}");
        }
    }
}
