//! Signatures made by the vendors' own SDKs, captured on the wire: every one is accepted, and none
//! any longer once a single thing about it changes.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use base64::Engine as _;
use identity::signature::{
    AccessKeyId, Body, Part, SignatureError, SignedRequest, verify_q_sign, verify_tc3,
    verify_tc3_api,
};
use serde::Deserialize;

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Capture {
    label: String,
    kind: String,
    secret_id: String,
    secret_key: String,
    at_s: i64,
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
    parts: Option<Vec<CapturedPart>>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CapturedPart {
    name: String,
    base64: String,
    is_binary: bool,
}

fn captures() -> Vec<Capture> {
    serde_json::from_str(include_str!("data/signatures.json")).unwrap()
}

impl Capture {
    fn header(&mut self, name: &str) -> &mut String {
        let found = self.headers.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name));
        &mut found.unwrap().1
    }

    fn verify(&self) -> Result<AccessKeyId, SignatureError> {
        self.verify_with(self.at_s, |id| (id == self.secret_id).then_some(&self.secret_key))
    }

    fn verify_with<'a>(
        &'a self,
        now_s: i64,
        secret_of: impl FnOnce(&str) -> Option<&'a String>,
    ) -> Result<AccessKeyId, SignatureError> {
        let bytes: Vec<Vec<u8>> = self.parts.iter().flatten().map(CapturedPart::bytes).collect();
        let parts: Vec<Part<'_>> = self
            .parts
            .iter()
            .flatten()
            .zip(&bytes)
            .map(|(part, value)| Part { name: &part.name, value, is_binary: part.is_binary })
            .collect();
        let body = match &self.body {
            Some(text) if text.is_empty() => Body::Raw(b""),
            Some(text) => Body::Json(text),
            None => Body::Multipart(&parts),
        };
        let (path, raw_query) = self.url.split_once('?').unwrap_or((&self.url, ""));
        let header = |wanted: &str| {
            let found = self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map_or("", |(_, value)| value)
        };
        let request = SignedRequest {
            method: &self.method,
            host: header("host"),
            path,
            raw_query,
            headers: &self.headers,
            body,
            content_type: header("content-type"),
        };
        match self.kind.as_str() {
            "tc3" => verify_tc3(&request, secret_of, now_s),
            "tc3-api" => {
                let secret = secret_of(&self.secret_id);
                let secret_of = |_: &str| secret;
                let by_form = verify_tc3_api(&request, secret_of, now_s);
                assert_eq!(verify_tc3(&request, secret_of, now_s), by_form, "{}", self.label);
                by_form
            }
            "q-sign" => verify_q_sign(&request, secret_of, now_s),
            other => panic!("unknown kind {other}"),
        }
    }
}

impl CapturedPart {
    fn bytes(&self) -> Vec<u8> {
        base64::engine::general_purpose::STANDARD.decode(&self.base64).unwrap()
    }
}

#[test]
fn every_captured_signature_is_accepted() {
    let captures = captures();
    for capture in &captures {
        let accepted = capture.verify();
        assert_eq!(accepted, Ok(AccessKeyId(capture.secret_id.clone())), "{}", capture.label);
    }
    let count = |kind: &str| captures.iter().filter(|capture| capture.kind == kind).count();
    assert!(count("tc3") >= 29 && count("tc3-api") >= 8 && count("q-sign") >= 10);
}

#[test]
fn a_signature_fits_one_request_one_key_and_one_time_only() {
    type Change = fn(&mut Capture);
    let changes: [(&str, Change, SignatureError); 4] = [
        ("secret", |capture| capture.secret_key.push('x'), SignatureError::Mismatch),
        ("user agent", |capture| capture.header("user-agent").push('x'), SignatureError::Mismatch),
        (
            "body",
            |capture| match (&mut capture.body, &mut capture.parts) {
                (Some(body), _) if body.is_empty() => *body = "{\"added\":1}".to_owned(),
                (Some(body), _) => {
                    *body = body.replacen("\"env", "\"bad", 1).replacen("\"a\"", "\"b\"", 1);
                    *body = body.replacen("cloud://", "cloud:/x", 1).replacen("d/x", "d/y", 1);
                    *body = body.replacen("client_c", "client_d", 1);
                }
                (None, parts) => {
                    let env = parts.iter_mut().flatten().find(|part| part.name == "envName");
                    env.unwrap().base64 = "eA==".to_owned();
                }
            },
            SignatureError::Mismatch,
        ),
        ("key", |capture| capture.secret_id.push('x'), SignatureError::UnknownKey),
    ];
    for original in captures() {
        for (name, change, expected) in &changes {
            let mut changed = original.clone();
            change(&mut changed);
            if changed.kind == "tc3-api" && *name == "key" {
                continue; // the helper hands its secret to any key there
            }
            assert_eq!(changed.verify().unwrap_err(), *expected, "{} {name}", original.label);
        }
        for now_s in [original.at_s + 901, original.at_s - 1000] {
            let outdated = original.verify_with(now_s, |_| Some(&original.secret_key));
            assert_eq!(outdated.unwrap_err(), SignatureError::OutOfDate, "{}", original.label);
        }
    }
}

#[test]
fn address_and_query_are_signed_by_tc3() {
    for original in captures().into_iter().filter(|capture| capture.kind.starts_with("tc3")) {
        for url in [format!("{}&x=1", original.url), original.url.replacen('/', "/x", 1)] {
            let changed = Capture { url, ..original.clone() };
            assert_eq!(changed.verify().unwrap_err(), SignatureError::Mismatch, "{}", changed.url);
        }
    }
}

#[test]
fn what_is_no_signature_is_named() {
    let original = captures().remove(0);
    let rows: [(&str, SignatureError); 7] = [
        ("", SignatureError::Missing),
        ("Bearer abc", SignatureError::Missing),
        ("TC3-HMAC-SHA256", SignatureError::Missing),
        ("TC3-HMAC-SHA256 x", SignatureError::Malformed("Credential")),
        (
            "TC3-HMAC-SHA256 Credential=a/2026-11-20/cos/tc3_request, SignedHeaders=h, Signature=0",
            SignatureError::Malformed("Credential"),
        ),
        (
            "TC3-HMAC-SHA256 Credential=a/2026-11-20/tcb/tc3_request, Signature=0",
            SignatureError::Malformed("SignedHeaders"),
        ),
        (
            "TC3-HMAC-SHA256 Credential=a/2026-11-20/tcb/tc3_request, SignedHeaders=h, Signature=0",
            SignatureError::Malformed("Timestamp"),
        ),
    ];
    for (authorization, expected) in rows {
        let mut changed = original.clone();
        *changed.header("authorization") = authorization.to_owned();
        assert_eq!(changed.verify().unwrap_err(), expected, "{authorization}");
    }
    let unsigned = Capture { kind: "q-sign".to_owned(), ..original };
    assert_eq!(unsigned.verify().unwrap_err(), SignatureError::Missing);
}

#[test]
fn members_that_differ_in_case_only_are_refused() {
    // The signature names members in lower case: two spellings could be signed as one and read as
    // the other.
    let mut capture = captures().remove(0);
    let body = capture.body.as_mut().unwrap();
    *body = body.replacen('{', "{\"Action\":\"functions.invokeFunction\",", 1);
    assert_eq!(capture.verify().unwrap_err(), SignatureError::Malformed("body"));
}
