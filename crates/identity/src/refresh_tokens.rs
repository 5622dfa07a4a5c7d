//! Refresh tokens as documents of `system.tokens`, keyed by the SHA-256 of the token: whoever reads
//! the database can sign in as nobody. Ended ones are cleared away once a day, by a sign-in.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use engine::{Clock, Engine, Filter, Remove};
use value::{Document, Value};

use crate::error::{Error, TokenError};
use crate::mac;

const COLLECTION: &str = "system.tokens";
/// How long a refresh token works: 30 days.
pub const REFRESH_TOKEN_LIFETIME_S: i64 = 30 * 24 * 3600;
/// The longest text that is looked up at all, in bytes; ours have 43.
const TOKEN_BYTES_MAX: usize = 256;
/// How often ended tokens are cleared away.
const CLEARING_PERIOD_MS: i64 = 24 * 3600 * 1000;

/// What a signed-in client holds.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Says who calls; a signed token.
    pub access_token: String,
    /// How long the access token works from now, in seconds.
    pub access_expires_in_s: i64,
    /// Gives new access tokens; an opaque text.
    pub refresh_token: String,
    /// How long the refresh token works from now, in seconds.
    pub refresh_expires_in_s: i64,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("access_expires_in_s", &self.access_expires_in_s)
            .field("refresh_expires_in_s", &self.refresh_expires_in_s)
            .finish_non_exhaustive()
    }
}

/// The refresh tokens of one environment.
#[derive(Clone, Debug)]
pub(crate) struct RefreshTokens {
    engine: Engine,
    clock: Clock,
    next_clearing_ms: Arc<AtomicI64>,
}

impl RefreshTokens {
    pub(crate) async fn open(engine: Engine, clock: Clock) -> Result<Self, Error> {
        engine.ensure_collection(COLLECTION).await?;
        Ok(Self { engine, clock, next_clearing_ms: Arc::default() })
    }

    /// A new token of the account and its end, in seconds since 1970.
    pub(crate) async fn issue(&self, uid: &str) -> Result<(String, i64), Error> {
        let token = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        let now_ms = self.clock.now_ms();
        // Of several sign-ins at once only one finds the clearing due.
        let is_due = self
            .next_clearing_ms
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |due_ms| {
                (due_ms <= now_ms).then_some(now_ms + CLEARING_PERIOD_MS)
            })
            .is_ok();
        if is_due {
            self.forget_ended(now_ms).await?;
        }
        let ends_at_ms = now_ms + REFRESH_TOKEN_LIFETIME_S * 1000;
        let mut document = Document::new();
        document.insert("_id", mac::sha256_hex(token.as_bytes()));
        document.insert("uid", uid);
        document.insert("createdAt", Value::Date(now_ms));
        document.insert("endsAt", Value::Date(ends_at_ms));
        self.engine.insert(COLLECTION, vec![document]).await?;
        Ok((token, ends_at_ms / 1000))
    }

    /// The account of a token and its end, in seconds since 1970.
    pub(crate) async fn read(&self, token: &str) -> Result<(String, i64), Error> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Invalid.into());
        }
        let id = Value::from(mac::sha256_hex(token.as_bytes()));
        let bytes = self.engine.get(COLLECTION, &id).await?.ok_or(TokenError::Invalid)?;
        let damaged = Error::Damaged { collection: COLLECTION };
        let document = Document::from_bytes(&bytes).map_err(|_| damaged.clone())?;
        let uid = document.get("uid").and_then(Value::as_str);
        let (Some(uid), Some(Value::Date(ends_at_ms))) = (uid, document.get("endsAt")) else {
            return Err(damaged);
        };
        if *ends_at_ms <= self.clock.now_ms() {
            return Err(TokenError::Expired.into());
        }
        Ok((uid.to_owned(), ends_at_ms / 1000))
    }

    pub(crate) async fn revoke(&self, token: &str) -> Result<(), Error> {
        if token.len() > TOKEN_BYTES_MAX {
            return Ok(());
        }
        let id = Value::from(mac::sha256_hex(token.as_bytes()));
        self.remove("_id", id, false).await.map(drop)
    }

    pub(crate) async fn revoke_all(&self, uid: &str) -> Result<u64, Error> {
        self.remove("uid", Value::from(uid), true).await
    }

    async fn forget_ended(&self, now_ms: i64) -> Result<u64, Error> {
        let ended = Document::from_iter([("$lte".to_owned(), Value::Date(now_ms))]);
        self.remove("endsAt", Value::Document(ended), true).await
    }

    async fn remove(&self, field: &str, condition: Value, multi: bool) -> Result<u64, Error> {
        let condition = Document::from_iter([(field.to_owned(), condition)]);
        let filter = Filter::parse(&condition).map_err(engine::Error::from)?;
        Ok(self.engine.remove(Remove { collection: COLLECTION.to_owned(), filter, multi }).await?)
    }
}
