//! Signatures of server SDKs over their requests, checked exactly as the SDKs make them
//! (protocol 01 §4): TC3 with signed parameters, TC3 as the vendor's cloud API has it, and q-sign.
//!
//! Refuses signatures older than ten minutes and compares in constant time. What is *not* signed
//! (headers and body members beside the named ones) it cannot vouch for.

mod members;
mod q_sign;
mod tc3;

pub use q_sign::verify as verify_q_sign;
pub use tc3::{verify as verify_tc3, verify_api as verify_tc3_api};

/// A request as it arrived.
#[derive(Debug, Clone, Copy)]
pub struct SignedRequest<'a> {
    /// `POST`.
    pub method: &'a str,
    /// The `Host` header, port included.
    pub host: &'a str,
    /// The path as sent, percent-encoding kept.
    pub path: &'a str,
    /// Everything after `?` as sent, a leading `&` included; empty without a query.
    pub raw_query: &'a str,
    /// All headers; names in any case.
    pub headers: &'a [(String, String)],
    /// The body.
    pub body: Body<'a>,
    /// The `Content-Type` header as sent; empty when there is none.
    pub content_type: &'a str,
}

/// The body of a signed request.
#[derive(Debug, Clone, Copy)]
pub enum Body<'a> {
    /// JSON, character for character as sent.
    Json(&'a str),
    /// The parts of a form.
    Multipart(&'a [Part<'a>]),
    /// Anything else, or nothing.
    Raw(&'a [u8]),
}

/// One part of a form.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// The part's name.
    pub name: &'a str,
    /// Its bytes.
    pub value: &'a [u8],
    /// True for files and bytes (a part with a content type of its own); false for texts.
    pub is_binary: bool,
}

/// The key that a request was signed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKeyId(pub String);

/// Why a signature was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The request carries no signature of this kind.
    #[error(
        "The request is not signed: configure secretId and secretKey. \
         / 请求未签名，请配置 secretId 和 secretKey。"
    )]
    Missing,
    /// The signature's text cannot be read; the part is named.
    #[error(
        "The signature is malformed ({0}): use an official SDK. / 签名格式错误（{0}），请使用官方 SDK。"
    )]
    Malformed(&'static str),
    /// Signed with a key that is not ours.
    #[error(
        "The secretId is not known here: take it from credentials.json. \
         / secretId 不存在，请使用 credentials.json 中的值。"
    )]
    UnknownKey,
    /// Signed too long ago, or in the future.
    #[error(
        "The signature is out of date: set this machine's clock. / 签名已过期，请校准本机时间。"
    )]
    OutOfDate,
    /// Signed with another secret, or changed on the way.
    #[error("The signature does not fit: check the secretKey. / 签名不匹配，请检查 secretKey。")]
    Mismatch,
}

impl<'a> SignedRequest<'a> {
    /// The value of a header, by its name in lower case.
    fn header(&self, name: &str) -> Option<&'a str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        match (found, name) {
            (Some((_, value)), _) => Some(value),
            (None, "host") => Some(self.host),
            (None, "content-type") if !self.content_type.is_empty() => Some(self.content_type),
            (None, _) => None,
        }
    }
}
