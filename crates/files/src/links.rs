//! Temporary links and upload tickets: who holds one may do exactly one thing until it expires.
//!
//! Both are HMAC-SHA256 under the environment's link key, compared in constant time. A download
//! link signs environment, path and expiry, not the processing parameters: clients append those
//! themselves (protocol 04 §4). An upload ticket carries what it allows in readable JSON; nothing
//! in it is secret. Neither can be withdrawn before it expires. Seconds are Unix time, given by
//! the caller.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// Why a link or ticket is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Ask for a new one.
    #[error("The link has expired: ask for a new one. / 链接已过期，请重新获取。")]
    Expired,
    /// It was altered, or made for another file or server.
    #[error("The signature of the link is wrong. / 链接签名错误。")]
    Bad,
    /// There is no signature at all.
    #[error("The link carries no signature. / 链接缺少签名。")]
    Missing,
}

/// What an upload ticket allows: one path, one owner, so many bytes, until then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadTicket {
    /// Where the bytes go.
    #[serde(rename = "p")]
    pub path: String,
    /// Who will own the file: openid or uid, `None` for an administrator.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The largest body, in bytes.
    #[serde(rename = "m")]
    pub max_bytes: u64,
    /// Unix seconds after which it is void.
    #[serde(rename = "t")]
    pub expires_s: u64,
}

/// Signs and verifies for one environment.
pub(crate) struct LinkKey {
    key: [u8; 32],
    env_id: String,
}

impl LinkKey {
    pub(crate) fn new(key: [u8; 32], env_id: String) -> Self {
        Self { key, env_id }
    }

    /// The purpose comes first and the parts are length-prefixed, so that no signature of one
    /// thing can be read as a signature of another.
    fn mac(&self, purpose: &str, parts: &[&str]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes any key length");
        for part in [purpose, &self.env_id].iter().chain(parts) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac
    }

    pub(crate) fn sign_download(&self, path: &str, max_age_s: u64, now_s: u64) -> String {
        let expiry = now_s.saturating_add(max_age_s).to_string();
        let signature = self.mac("download", &[path, &expiry]).finalize().into_bytes();
        format!("sign={}&t={expiry}", hex::encode(signature))
    }

    pub(crate) fn verify_download(
        &self,
        path: &str,
        query: &str,
        now_s: u64,
    ) -> Result<(), LinkError> {
        // The first of each counts; what clients append behind cannot replace the signature.
        let find = |name: &str| {
            query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
        };
        let (Some(sign), Some(expiry)) = (find("sign"), find("t")) else {
            return Err(LinkError::Missing);
        };
        let signature = hex::decode(sign).map_err(|_| LinkError::Bad)?;
        self.mac("download", &[path, expiry])
            .verify_slice(&signature)
            .map_err(|_| LinkError::Bad)?;
        let expires_s: u64 = expiry.parse().map_err(|_| LinkError::Bad)?;
        if now_s > expires_s { Err(LinkError::Expired) } else { Ok(()) }
    }

    pub(crate) fn sign_upload(&self, ticket: &UploadTicket) -> String {
        let body = serde_json::to_string(ticket).expect("a ticket is plain JSON");
        let signature = self.mac("upload", &[&body]).finalize().into_bytes();
        format!("{}.{}", URL_SAFE_NO_PAD.encode(&body), URL_SAFE_NO_PAD.encode(signature))
    }

    pub(crate) fn verify_upload(&self, token: &str, now_s: u64) -> Result<UploadTicket, LinkError> {
        if token.is_empty() {
            return Err(LinkError::Missing);
        }
        let (body, signature) = token.split_once('.').ok_or(LinkError::Bad)?;
        let decode = |text| URL_SAFE_NO_PAD.decode(text).map_err(|_| LinkError::Bad);
        let body = String::from_utf8(decode(body)?).map_err(|_| LinkError::Bad)?;
        self.mac("upload", &[&body])
            .verify_slice(&decode(signature)?)
            .map_err(|_| LinkError::Bad)?;
        let ticket: UploadTicket = serde_json::from_str(&body).map_err(|_| LinkError::Bad)?;
        if now_s > ticket.expires_s { Err(LinkError::Expired) } else { Ok(ticket) }
    }
}
