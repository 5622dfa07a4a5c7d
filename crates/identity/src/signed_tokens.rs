//! Tokens that carry what they say: JSON Web Tokens, HS256, one derived key per kind, so that a
//! token of one kind is never taken for another. Checked against the injected clock, without any
//! read.

use engine::Clock;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::accounts::{Account, LoginType};
use crate::error::{Error, TokenError};
use crate::keys::Keys;

/// How long an access token works: 2 hours, as on the platform.
pub const ACCESS_TOKEN_LIFETIME_S: i64 = 7200;
/// How long a provider token works: 10 minutes.
pub const PROVIDER_TOKEN_LIFETIME_S: i64 = 600;
/// The longest text that is looked at, in bytes; ours stay below 1 KB.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// Who an access token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// The account.
    pub uid: String,
    /// The WeChat id of this user for `appid`.
    pub openid: Option<String>,
    /// The AppID the openid belongs to.
    pub appid: Option<String>,
    /// The WeChat id across the AppIDs of one owner.
    pub unionid: Option<String>,
    /// How the user signed in.
    pub login_type: LoginType,
    /// The environment the token is for.
    pub env: String,
    /// When it ends, in seconds since 1970.
    pub expires_at_s: i64,
}

/// Which WeChat user a provider token stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderClaims {
    /// The AppID the openid belongs to.
    pub appid: String,
    /// The WeChat id of this user.
    pub openid: String,
    /// The WeChat id across the AppIDs of one owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unionid: Option<String>,
}

/// What every token holds beside its own members, under the names of RFC 7519.
#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    /// The environment.
    aud: String,
    iat: i64,
    exp: i64,
    #[serde(flatten)]
    content: T,
}

/// Signed tokens for short errands, each kind with its own key.
#[derive(Clone, Debug)]
pub struct ShortTokens {
    keys: Keys,
    clock: Clock,
}

impl ShortTokens {
    pub(crate) fn new(keys: &Keys, clock: Clock) -> Self {
        Self { keys: keys.clone(), clock }
    }

    /// A token of this kind that says `content` for `lifetime_s` seconds. The content can be read
    /// by anybody; it must be a JSON object without members `aud`, `iat` and `exp`.
    pub fn sign<T: Serialize>(&self, kind: &str, content: &T, lifetime_s: i64) -> String {
        sign(&self.encoding_key(kind), &self.keys.env_id, self.now_s(), lifetime_s, content)
    }

    /// What a token of this kind says.
    ///
    /// # Errors
    /// [`TokenError::Expired`] after its end; [`TokenError::Invalid`] for a wrong signature,
    /// another kind, another environment, or members that do not fit `T`.
    pub fn verify<T: DeserializeOwned>(&self, kind: &str, token: &str) -> Result<T, TokenError> {
        let key = self.decoding_key(kind);
        Ok(verify::<T>(&key, &self.keys.env_id, self.now_s(), token)?.content)
    }

    pub(crate) fn provider_token(
        &self,
        appid: &str,
        openid: &str,
        unionid: Option<&str>,
    ) -> Result<String, Error> {
        for (part, text) in [("appid", appid), ("openid", openid)] {
            if text.is_empty() {
                return Err(Error::InvalidIdentity(part));
            }
        }
        let claims = ProviderClaims {
            appid: appid.to_owned(),
            openid: openid.to_owned(),
            unionid: unionid.map(str::to_owned),
        };
        Ok(self.sign("provider token", &claims, PROVIDER_TOKEN_LIFETIME_S))
    }

    pub(crate) fn verify_provider_token(&self, token: &str) -> Result<ProviderClaims, TokenError> {
        self.verify("provider token", token)
    }

    fn now_s(&self) -> i64 {
        self.clock.now_ms().div_euclid(1000)
    }

    fn encoding_key(&self, kind: &str) -> EncodingKey {
        EncodingKey::from_secret(&self.keys.derive(kind))
    }

    fn decoding_key(&self, kind: &str) -> DecodingKey {
        DecodingKey::from_secret(&self.keys.derive(kind))
    }
}

/// The members of an access token. SDKs read some of them: `sub`, `user_id`, `scope`, `project_id`
/// (protocol 04 §6.3).
#[derive(Serialize, Deserialize)]
struct AccessContent {
    sub: String,
    user_id: String,
    project_id: String,
    scope: String,
    login_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    openid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    appid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unionid: Option<String>,
}

/// Access tokens: the one kind that is checked at every request, so its keys are kept ready.
#[derive(Clone)]
pub(crate) struct AccessTokens {
    tokens: ShortTokens,
    encoding_key: EncodingKey,
    decoding_key: DecodingKey,
}

impl AccessTokens {
    pub(crate) fn new(tokens: ShortTokens) -> Self {
        let encoding_key = tokens.encoding_key("access token");
        let decoding_key = tokens.decoding_key("access token");
        Self { tokens, encoding_key, decoding_key }
    }

    /// A token for this account, and the time it was made, in seconds since 1970.
    pub(crate) fn issue(&self, account: &Account) -> (String, i64) {
        let env_id = &self.tokens.keys.env_id;
        let scope = match account.login_type {
            LoginType::Anonymous => "anonymous",
            LoginType::WeChat => "user",
        };
        let content = AccessContent {
            sub: account.uid.clone(),
            user_id: account.uid.clone(),
            project_id: env_id.clone(),
            scope: scope.to_owned(),
            login_type: account.login_type.name().to_owned(),
            openid: account.openid.clone(),
            appid: account.appid.clone(),
            unionid: account.unionid.clone(),
        };
        let now_s = self.tokens.now_s();
        let token = sign(&self.encoding_key, env_id, now_s, ACCESS_TOKEN_LIFETIME_S, &content);
        (token, now_s)
    }

    pub(crate) fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        let env_id = &self.tokens.keys.env_id;
        let now_s = self.tokens.now_s();
        let envelope = verify::<AccessContent>(&self.decoding_key, env_id, now_s, token)?;
        let content = envelope.content;
        let login_type = LoginType::from_name(&content.login_type).ok_or(TokenError::Invalid)?;
        Ok(Claims {
            uid: content.sub,
            openid: content.openid,
            appid: content.appid,
            unionid: content.unionid,
            login_type,
            env: envelope.aud,
            expires_at_s: envelope.exp,
        })
    }
}

impl std::fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccessTokens")
    }
}

fn sign<T: Serialize>(
    key: &EncodingKey,
    env_id: &str,
    now_s: i64,
    lifetime_s: i64,
    content: &T,
) -> String {
    let envelope =
        Envelope { aud: env_id.to_owned(), iat: now_s, exp: now_s + lifetime_s, content };
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &envelope, key)
        .expect("the content of our tokens serialises as a JSON object")
}

fn verify<T: DeserializeOwned>(
    key: &DecodingKey,
    env_id: &str,
    now_s: i64,
    token: &str,
) -> Result<Envelope<T>, TokenError> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(TokenError::Invalid);
    }
    let mut rules = Validation::new(Algorithm::HS256);
    rules.set_audience(&[env_id]);
    rules.set_required_spec_claims(&["exp", "aud"]);
    // The library would ask the system clock; ours is injected and asked below.
    rules.validate_exp = false;
    let data =
        jsonwebtoken::decode::<Envelope<T>>(token, key, &rules).map_err(|_| TokenError::Invalid)?;
    if data.claims.exp <= now_s {
        return Err(TokenError::Expired);
    }
    Ok(data.claims)
}
