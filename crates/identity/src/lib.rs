//! Who is calling: accounts, the ways to sign in, tokens, and the signatures of server SDKs.
//!
//! [`Identity`] is the register of one environment. Accounts and refresh tokens are documents of
//! the engine, so signing in and out is durable; access tokens are signed and checked without a
//! read. [`Keys`] are the environment's secrets, [`signature`] checks what server SDKs sign with
//! them.
//!
//! This room refuses to know WeChat (an openid arrives here already proven), permissions, and wire
//! formats. It never stores a refresh token in the clear and never logs a secret.

mod accounts;
mod error;
mod keys;
mod mac;
mod refresh_tokens;
pub mod signature;
mod signed_tokens;

pub use accounts::{Account, LoginType};
pub use error::{Error, TokenError};
pub use keys::Keys;
pub use mac::{hmac_sha256_hex, sha256_hex};
pub use refresh_tokens::{Credentials, REFRESH_TOKEN_LIFETIME_S};
pub use signed_tokens::{
    ACCESS_TOKEN_LIFETIME_S, Claims, PROVIDER_TOKEN_LIFETIME_S, ProviderClaims, ShortTokens,
};

use engine::{Clock, Engine};

use accounts::Accounts;
use refresh_tokens::RefreshTokens;
use signed_tokens::AccessTokens;

/// The register of one environment: who exists, who is signed in. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Identity {
    accounts: Accounts,
    refresh_tokens: RefreshTokens,
    access_tokens: AccessTokens,
    short_tokens: ShortTokens,
}

impl Identity {
    /// Opens the register in `engine`; creates its collections (`system.accounts`, `system.tokens`)
    /// at first use.
    ///
    /// # Errors
    /// What the engine reports.
    pub async fn open(engine: Engine, keys: Keys, clock: Clock) -> Result<Self, Error> {
        let accounts = Accounts::open(engine.clone(), clock.clone()).await?;
        let refresh_tokens = RefreshTokens::open(engine, clock.clone()).await?;
        let short_tokens = ShortTokens::new(&keys, clock);
        let access_tokens = AccessTokens::new(short_tokens.clone());
        Ok(Self { accounts, refresh_tokens, access_tokens, short_tokens })
    }

    /// The account of this WeChat user, created at the first sign-in. One account per pair of AppID
    /// and openid, also when many first sign-ins come at once. A unionid learnt later is kept.
    ///
    /// # Errors
    /// [`Error::InvalidIdentity`] for an empty AppID or openid; what the engine reports.
    pub async fn sign_in_wechat(
        &self,
        appid: &str,
        openid: &str,
        unionid: Option<&str>,
    ) -> Result<Account, Error> {
        self.accounts.of_wechat(appid, openid, unionid).await
    }

    /// An account without any identity. The same `anonymous_uuid` (16 to 128 characters, as handed
    /// out in [`Account::anonymous_uuid`]) continues the same account; it works like a password, so
    /// it is never derived from the public uid and not stored. Anything else begins a new account.
    ///
    /// # Errors
    /// What the engine reports.
    pub async fn sign_in_anonymously(
        &self,
        anonymous_uuid: Option<&str>,
    ) -> Result<Account, Error> {
        self.accounts.of_anonymous(anonymous_uuid).await
    }

    /// The account with this uid.
    ///
    /// # Errors
    /// What the engine reports.
    pub async fn account(&self, uid: &str) -> Result<Option<Account>, Error> {
        self.accounts.by_uid(uid).await
    }

    /// A new pair of tokens for this account. The refresh token is durable when this returns.
    ///
    /// # Errors
    /// What the engine reports.
    pub async fn issue(&self, account: &Account) -> Result<Credentials, Error> {
        let (refresh_token, ends_at_s) = self.refresh_tokens.issue(&account.uid).await?;
        Ok(self.credentials(account, refresh_token, ends_at_s))
    }

    /// A new access token for a refresh token, which stays the same: clients refresh from several
    /// pages at once, and only one of them could keep a changing one.
    ///
    /// # Errors
    /// [`Error::SignInAgain`] when the refresh token has ended, was revoked or never existed; what
    /// the engine reports.
    pub async fn refresh(&self, refresh_token: &str) -> Result<(Account, Credentials), Error> {
        let (uid, ends_at_s) = self.refresh_tokens.read(refresh_token).await?;
        let account = self.account(&uid).await?.ok_or(TokenError::Invalid)?;
        let credentials = self.credentials(&account, refresh_token.to_owned(), ends_at_s);
        Ok((account, credentials))
    }

    /// Makes a refresh token worthless, durably. Unknown tokens are fine. An access token made with
    /// it works until it ends by itself, at most [`ACCESS_TOKEN_LIFETIME_S`] later.
    ///
    /// # Errors
    /// What the engine reports.
    pub async fn revoke(&self, refresh_token: &str) -> Result<(), Error> {
        self.refresh_tokens.revoke(refresh_token).await
    }

    /// Makes all refresh tokens of an account worthless; returns how many.
    ///
    /// # Errors
    /// What the engine reports.
    pub async fn revoke_all(&self, uid: &str) -> Result<u64, Error> {
        self.refresh_tokens.revoke_all(uid).await
    }

    /// Who an access token stands for. Reads nothing but the token.
    ///
    /// # Errors
    /// [`TokenError::Expired`] when a refresh helps, [`TokenError::Invalid`] when only a new
    /// sign-in does.
    pub fn verify_access(&self, access_token: &str) -> Result<Claims, TokenError> {
        self.access_tokens.verify(access_token)
    }

    /// First step of the two-step openid sign-in (protocol 04 §6.4): a signed token of ten minutes
    /// that says which WeChat user its holder is. No account exists yet.
    ///
    /// # Errors
    /// [`Error::InvalidIdentity`] for an empty AppID or openid.
    pub fn provider_token(
        &self,
        appid: &str,
        openid: &str,
        unionid: Option<&str>,
    ) -> Result<String, Error> {
        self.short_tokens.provider_token(appid, openid, unionid)
    }

    /// Second step: which WeChat user a provider token stands for.
    ///
    /// # Errors
    /// [`TokenError`], also for tokens of any other kind.
    pub fn verify_provider_token(&self, token: &str) -> Result<ProviderClaims, TokenError> {
        self.short_tokens.verify_provider_token(token)
    }

    /// Signed tokens for short errands of the platform's own.
    pub fn short_tokens(&self) -> &ShortTokens {
        &self.short_tokens
    }

    fn credentials(
        &self,
        account: &Account,
        refresh_token: String,
        refresh_ends_at_s: i64,
    ) -> Credentials {
        let (access_token, now_s) = self.access_tokens.issue(account);
        Credentials {
            access_token,
            access_expires_in_s: ACCESS_TOKEN_LIFETIME_S,
            refresh_token,
            refresh_expires_in_s: (refresh_ends_at_s - now_s).max(0),
        }
    }
}
