//! The secrets of one environment. They are compared in constant time and never printed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::distr::{Alphanumeric, SampleString};
use serde::{Deserialize, Serialize};

use crate::mac;

/// The secrets of one environment; `{envId, secretId, secretKey, apiKey, tokenKey}` when
/// serialised.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Keys {
    /// The environment they belong to.
    pub env_id: String,
    /// Names the key pair of server SDKs; `AKID` and 32 characters.
    pub secret_id: String,
    /// Signs requests of server SDKs; 32 characters.
    pub secret_key: String,
    /// Bearer key of server SDKs and of the command line.
    pub api_key: String,
    /// Signs everything this environment hands to clients; base64url of 32 bytes. Whoever knows it
    /// is everybody; changing it ends all access tokens and links.
    pub token_key: String,
}

impl Keys {
    /// New random keys for an environment.
    pub fn generate(env_id: impl Into<String>) -> Self {
        let mut chance = rand::rng();
        Self {
            env_id: env_id.into(),
            secret_id: format!("AKID{}", Alphanumeric.sample_string(&mut chance, 32)),
            secret_key: Alphanumeric.sample_string(&mut chance, 32),
            api_key: format!("yk_{}", Alphanumeric.sample_string(&mut chance, 43)),
            token_key: URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()),
        }
    }

    /// Whether this is the API key.
    pub fn is_api_key(&self, offered: &str) -> bool {
        // An empty key in a damaged file must not open the door to an empty header.
        !self.api_key.is_empty() && mac::is_same(self.api_key.as_bytes(), offered.as_bytes())
    }

    /// The secret key of this secret id, for [`crate::signature`].
    pub fn secret_of(&self, secret_id: &str) -> Option<&str> {
        let is_ours = mac::is_same(self.secret_id.as_bytes(), secret_id.as_bytes());
        (is_ours && !self.secret_key.is_empty()).then_some(self.secret_key.as_str())
    }

    /// A key of its own for each purpose, so that nothing signed for one is taken for another.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let message = [self.env_id.as_bytes(), b"\0", purpose.as_bytes()].concat();
        mac::hmac_sha256(self.token_key.as_bytes(), &message)
    }

    /// Signs temporary links of files.
    pub fn link_key(&self) -> [u8; 32] {
        self.derive("file links")
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys")
            .field("env_id", &self.env_id)
            .field("secret_id", &self.secret_id)
            .finish_non_exhaustive()
    }
}
