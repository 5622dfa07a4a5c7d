//! Secrets: variables of functions that are kept encrypted and never shown again.
//!
//! A document of `system.secrets` holds a nonce and the value under AES-256-GCM; its name is
//! authenticated with it, so that no two values can change places. The key is derived from the
//! environment's own (`keys.json`, mode 0600): a copy of the documents alone tells nothing.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock};

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use engine::Engine;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::restore;
use crate::caller::Context;
use crate::database::check_privileged;
use crate::deploy::{VARIABLES_BYTES_MAX, check_variable_name};
use crate::environment::Environment;
use crate::error::{Code, Error, Result};
use crate::shelf::Shelf;

/// Where they are kept.
pub(super) const COLLECTION: &str = "system.secrets";
const SECRETS: Shelf<Kept> = Shelf::new(COLLECTION);
const NONCE_BYTES: usize = 12;

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    #[serde(rename = "_id")]
    name: String,
    sealed: String,
}

/// The secrets of one environment.
pub struct Secrets {
    engine: Engine,
    cipher: Aes256Gcm,
    values: RwLock<BTreeMap<String, String>>,
}

impl Secrets {
    /// Reads and decrypts what was set before; what another key encrypted is left out.
    pub async fn open(engine: Engine, key: [u8; 32]) -> Result<Self> {
        SECRETS.open(&engine).await?;
        let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from(key));
        let secrets = Self { engine, cipher, values: RwLock::default() };
        *secrets.values.write().unwrap_or_else(PoisonError::into_inner) = secrets.read().await?;
        Ok(secrets)
    }

    async fn read(&self) -> Result<BTreeMap<String, String>> {
        let mut values = BTreeMap::new();
        for Kept { name, sealed } in SECRETS.all(&self.engine).await? {
            match unseal(&self.cipher, &name, &sealed) {
                Some(value) => drop(values.insert(name, value)),
                None => tracing::error!(name, "a secret cannot be decrypted: set it again"),
            }
        }
        Ok(values)
    }

    /// The value of a secret.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.values.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// The text without the values of secrets, also where they stand escaped, as in JSON.
    pub(crate) fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let values = self.values.read().unwrap_or_else(PoisonError::into_inner);
        functions::redact(text, values.values().map(String::as_str))
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Secrets").finish_non_exhaustive()
    }
}

fn seal(cipher: &Aes256Gcm, name: &str, value: &str) -> Option<String> {
    let nonce: [u8; NONCE_BYTES] = rand::random();
    let payload = Payload { msg: value.as_bytes(), aad: name.as_bytes() };
    let sealed = cipher.encrypt(&Nonce::from(nonce), payload).ok()?;
    Some(hex::encode([&nonce[..], &sealed].concat()))
}

fn unseal(cipher: &Aes256Gcm, name: &str, sealed: &str) -> Option<String> {
    let bytes = hex::decode(sealed).ok()?;
    let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>()?;
    let payload = Payload { msg: sealed, aad: name.as_bytes() };
    String::from_utf8(cipher.decrypt(&Nonce::from(*nonce), payload).ok()?).ok()
}

/// The names of the secrets, and the functions that use each; only for privileged callers.
pub fn list(context: &Context) -> Result<Vec<(String, Vec<String>)>> {
    check_privileged(context)?;
    let secrets = context.environment.secrets();
    let values = secrets.values.read().unwrap_or_else(PoisonError::into_inner);
    let users = |name: &String| (name.clone(), users_of(&context.environment, name));
    Ok(values.keys().map(users).collect())
}

/// Sets a secret; the functions that use it have the new value from their next worker on. Only for
/// privileged callers.
///
/// # Errors
/// [`Code::InvalidParameter`] for a name that is no variable's or a value over 4 KB.
pub async fn set(context: &Context, name: &str, value: &str) -> Result<()> {
    check_privileged(context)?;
    check_variable_name(name).map_err(|message| Error::new(Code::InvalidParameter, message))?;
    if value.is_empty() || value.len() > VARIABLES_BYTES_MAX || value.contains('\0') {
        return Err(Error::new(
            Code::InvalidParameter,
            "A secret is 1 to 4,096 bytes without NUL. / 密钥内容须为 1 到 4096 字节,且不含 NUL。",
        ));
    }
    let environment = &context.environment;
    let secrets = environment.secrets();
    let sealed = seal(&secrets.cipher, name, value)
        .ok_or_else(|| Error::new(Code::Internal, "Cannot encrypt. / 加密失败。"))?;
    let kept = Kept { name: name.to_owned(), sealed };
    SECRETS.replace(&secrets.engine, &kept).await?;
    {
        let mut values = secrets.values.write().unwrap_or_else(PoisonError::into_inner);
        values.insert(name.to_owned(), value.to_owned());
    }
    for function in users_of(environment, name) {
        restore::serve_again(environment, &function).await;
    }
    Ok(())
}

/// Takes over what another node has set; functions have it from their next worker on.
pub(super) async fn learn(environment: &Environment) -> Result<()> {
    let secrets = environment.secrets();
    let after = secrets.read().await?;
    let before = {
        let mut values = secrets.values.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *values, after.clone())
    };
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for name in names.into_iter().filter(|name| before.get(*name) != after.get(*name)) {
        for function in users_of(environment, name) {
            restore::serve_again(environment, &function).await;
        }
    }
    Ok(())
}

/// Deletes a secret that no function uses; only for privileged callers.
///
/// # Errors
/// [`Code::InvalidParameter`] when there is none, or when functions use it.
pub async fn delete(context: &Context, name: &str) -> Result<()> {
    check_privileged(context)?;
    let environment = &context.environment;
    let users = users_of(environment, name).join(", ");
    if !users.is_empty() {
        return Err(Error::new(
            Code::InvalidParameter,
            format!(
                "The secret '{name}' is used by {users}: take it out of their settings and deploy \
                 them first. / 密钥「{name}」正被云函数 {users} 使用:请先在其配置中移除并重新部署。"
            ),
        ));
    }
    let secrets = environment.secrets();
    if secrets.get(name).is_none() {
        let message = format!("There is no secret '{name}'. / 密钥「{name}」不存在。");
        return Err(Error::new(Code::InvalidParameter, message));
    }
    SECRETS.remove(&secrets.engine, &json!({ "_id": name })).await?;
    secrets.values.write().unwrap_or_else(PoisonError::into_inner).remove(name);
    Ok(())
}

/// The functions with a version that names a secret.
fn users_of(environment: &Environment, secret: &str) -> Vec<String> {
    let uses = |settings: &crate::deploy::FunctionSettings| {
        settings.secrets.iter().any(|name| name == secret)
    };
    let entries = environment.releases().list();
    let users = entries.iter().filter(|it| it.releases().any(|(_, it)| uses(&it.settings)));
    users.map(|entry| entry.name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_under_its_own_name_and_key_only() {
        let cipher = |byte: u8| Aes256Gcm::new(&Key::<Aes256Gcm>::from([byte; 32]));
        let sealed = seal(&cipher(1), "TOKEN", "s3cret-value").unwrap();
        assert!(!sealed.contains(&hex::encode("s3cret")));
        assert_ne!(sealed, seal(&cipher(1), "TOKEN", "s3cret-value").unwrap());
        assert_eq!(unseal(&cipher(1), "TOKEN", &sealed).as_deref(), Some("s3cret-value"));
        assert_eq!(unseal(&cipher(1), "OTHER", &sealed), None);
        assert_eq!(unseal(&cipher(2), "TOKEN", &sealed), None);
        assert_eq!(unseal(&cipher(1), "TOKEN", "00"), None);
    }
}
