//! Accounts as documents of `system.accounts`, keyed by uid.
//!
//! A uid is a hash of what identifies the user. So two first sign-ins at once try to insert the
//! same document, the engine keeps one, and the other finds it: no lock and no second account.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use engine::{Change, Clock, Engine, Filter, Modify, Update};
use sha2::{Digest, Sha256};
use value::{Document, Value};

use crate::error::Error;

const COLLECTION: &str = "system.accounts";
/// The longest AppID, openid or unionid, in bytes; real ones have 18 and 28.
const IDENTITY_BYTES_MAX: usize = 128;
/// How long the secret of an anonymous user must be, in bytes.
const ANONYMOUS_UUID_BYTES: std::ops::RangeInclusive<usize> = 16..=128;

/// How an account was signed in to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginType {
    /// By a WeChat sign-in code.
    WeChat,
    /// Without any identity.
    Anonymous,
}

impl LoginType {
    /// The vendor's word for it (protocol 04 §6.1): `WECHAT`, `ANONYMOUS`.
    pub fn name(self) -> &'static str {
        match self {
            Self::WeChat => "WECHAT",
            Self::Anonymous => "ANONYMOUS",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::WeChat, Self::Anonymous].into_iter().find(|known| known.name() == name)
    }
}

impl std::fmt::Display for LoginType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Somebody who signed in at least once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// 32 lower-case hexadecimal digits, unique in the environment. Public.
    pub uid: String,
    /// The WeChat id of this user for `appid`.
    pub openid: Option<String>,
    /// The AppID the openid belongs to.
    pub appid: Option<String>,
    /// The WeChat id across the AppIDs of one owner.
    pub unionid: Option<String>,
    /// How the account is signed in to.
    pub login_type: LoginType,
    /// The first sign-in, in milliseconds since 1970.
    pub created_at_ms: i64,
    /// What continues an anonymous account at its next sign-in, like a password. Only there right
    /// after an anonymous sign-in.
    pub anonymous_uuid: Option<String>,
}

/// The accounts of one environment.
#[derive(Clone, Debug)]
pub(crate) struct Accounts {
    engine: Engine,
    clock: Clock,
}

impl Accounts {
    pub(crate) async fn open(engine: Engine, clock: Clock) -> Result<Self, Error> {
        engine.ensure_collection(COLLECTION).await?;
        Ok(Self { engine, clock })
    }

    pub(crate) async fn of_wechat(
        &self,
        appid: &str,
        openid: &str,
        unionid: Option<&str>,
    ) -> Result<Account, Error> {
        check_identity("appid", appid)?;
        check_identity("openid", openid)?;
        let unionid = unionid.filter(|unionid| !unionid.is_empty());
        unionid.map_or(Ok(()), |unionid| check_identity("unionid", unionid))?;
        let uid = uid_of(&["wechat", appid, openid]);
        let account = self
            .find_or_create(Account {
                uid,
                openid: Some(openid.to_owned()),
                appid: Some(appid.to_owned()),
                unionid: unionid.map(str::to_owned),
                login_type: LoginType::WeChat,
                created_at_ms: self.clock.now_ms(),
                anonymous_uuid: None,
            })
            .await?;
        match unionid {
            // The AppID was bound to an owner after the first sign-in, or to another one.
            Some(unionid) if account.unionid.as_deref() != Some(unionid) => {
                self.set_unionid(account, unionid).await
            }
            _ => Ok(account),
        }
    }

    pub(crate) async fn of_anonymous(
        &self,
        anonymous_uuid: Option<&str>,
    ) -> Result<Account, Error> {
        let uuid = anonymous_uuid
            .filter(|uuid| ANONYMOUS_UUID_BYTES.contains(&uuid.len()))
            .map_or_else(|| URL_SAFE_NO_PAD.encode(rand::random::<[u8; 24]>()), str::to_owned);
        let account = self
            .find_or_create(Account {
                uid: uid_of(&["anonymous", &uuid]),
                openid: None,
                appid: None,
                unionid: None,
                login_type: LoginType::Anonymous,
                created_at_ms: self.clock.now_ms(),
                anonymous_uuid: None,
            })
            .await?;
        Ok(Account { anonymous_uuid: Some(uuid), ..account })
    }

    pub(crate) async fn by_uid(&self, uid: &str) -> Result<Option<Account>, Error> {
        let found = self.engine.get(COLLECTION, &Value::from(uid)).await?;
        found.map(|bytes| read(&bytes)).transpose()
    }

    async fn find_or_create(&self, account: Account) -> Result<Account, Error> {
        if let Some(known) = self.by_uid(&account.uid).await? {
            return Ok(known);
        }
        match self.engine.insert(COLLECTION, vec![document_of(&account)]).await {
            Ok(_) => Ok(account),
            Err(engine::Error::DuplicateKey { .. }) => {
                // Somebody else's first sign-in was faster; accounts are never removed in between.
                let known = self.by_uid(&account.uid).await?;
                known.ok_or(Error::Damaged { collection: COLLECTION })
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn set_unionid(&self, account: Account, unionid: &str) -> Result<Account, Error> {
        let set = Document::from_iter([("unionid".to_owned(), Value::from(unionid))]);
        let update = Document::from_iter([("$set".to_owned(), Value::Document(set))]);
        let by_uid = Document::from_iter([("_id".to_owned(), Value::from(account.uid.as_str()))]);
        self.engine
            .modify(Modify {
                collection: COLLECTION.to_owned(),
                filter: Filter::parse(&by_uid).map_err(engine::Error::from)?,
                change: Change::Operators(Update::parse(&update).map_err(engine::Error::from)?),
                multi: false,
                upsert: false,
            })
            .await?;
        Ok(Account { unionid: Some(unionid.to_owned()), ..account })
    }
}

fn check_identity(part: &'static str, text: &str) -> Result<(), Error> {
    if text.is_empty() || text.len() > IDENTITY_BYTES_MAX {
        return Err(Error::InvalidIdentity(part));
    }
    Ok(())
}

/// The uid of whoever these parts identify; parts cannot run into each other.
fn uid_of(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex::encode(&hash.finalize()[..16])
}

fn document_of(account: &Account) -> Document {
    let mut document = Document::new();
    document.insert("_id", account.uid.as_str());
    document.insert("loginType", account.login_type.name());
    let texts =
        [("appid", &account.appid), ("openid", &account.openid), ("unionid", &account.unionid)];
    for (name, text) in texts {
        if let Some(text) = text {
            document.insert(name, text.as_str());
        }
    }
    document.insert("createdAt", Value::Date(account.created_at_ms));
    document
}

fn read(bytes: &[u8]) -> Result<Account, Error> {
    let damaged = Error::Damaged { collection: COLLECTION };
    let document = Document::from_bytes(bytes).map_err(|_| damaged.clone())?;
    let text = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
    let login_type = text("loginType").as_deref().and_then(LoginType::from_name);
    let (Some(uid), Some(login_type), Some(Value::Date(created_at_ms))) =
        (text("_id"), login_type, document.get("createdAt"))
    else {
        return Err(damaged);
    };
    Ok(Account {
        uid,
        openid: text("openid"),
        appid: text("appid"),
        unionid: text("unionid"),
        login_type,
        created_at_ms: *created_at_ms,
        anonymous_uuid: None,
    })
}
