//! Open data: what WeChat tells about a user only through the user's own client (phone number,
//! steps, profile, the group a page was shared to). A client holds a CloudID of it; the platform
//! exchanges CloudIDs for the data.
//!
//! Three kinds of CloudIDs are told apart by their text: WeChat's own (exchanged by WeChat), those
//! of the simulator (`dev-…`), and *sealed* ones, made by our client library from the
//! `encryptedData` and `iv` that `wx.getWeRunData` and others give, which open with the user's
//! session key. It refuses data that was sealed for another AppID.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::cipher;
use crate::error::Error;

/// What a sealed CloudID starts with; `sealed:<iv>:<encryptedData>` follows WeChat's base64 texts.
pub const SEALED_PREFIX: &str = "sealed:";

/// On whose behalf open data is asked for.
#[derive(Clone, Default)]
pub struct OpenDataUser {
    /// The user's openid; without one nothing is given.
    pub openid: Option<String>,
    /// The session key of the user's last sign-in (base64); sealed CloudIDs need it.
    pub session_key: Option<String>,
}

impl std::fmt::Debug for OpenDataUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenDataUser").field("openid", &self.openid).finish_non_exhaustive()
    }
}

/// What became of one CloudID.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenData {
    /// The CloudID as it was given.
    pub cloud_id: String,
    /// The data, or why there is none.
    pub outcome: Result<Value, Error>,
}

impl OpenData {
    /// `{"cloudID", "data"}`, or `{"cloudID", "errCode", "errMsg"}`, as functions see it.
    pub fn shown(&self) -> Value {
        match &self.outcome {
            Ok(data) => json!({ "cloudID": self.cloud_id, "data": data }),
            Err(error) => json!({
                "cloudID": self.cloud_id, "errCode": error.errcode, "errMsg": error.errmsg,
            }),
        }
    }
}

/// Numbers of failed exchanges (protocol 01 §7.2).
pub(crate) mod failure {
    use crate::error::Error;

    pub(crate) fn invalid() -> Error {
        Error::new(-601_005, "invalid cloudID")
    }

    pub(crate) fn expired() -> Error {
        Error::new(-601_006, "cloudID expired")
    }

    pub(crate) fn of_another_user() -> Error {
        Error::new(-601_007, "cloudID and calling user does not match")
    }
}

/// Opens a sealed CloudID; `None` when it is not sealed.
pub(crate) fn open_sealed(
    cloud_id: &str,
    user: &OpenDataUser,
    app_id: &str,
) -> Option<Result<Value, Error>> {
    let (iv, data) = cloud_id.strip_prefix(SEALED_PREFIX)?.split_once(':')?;
    // Without the key, or with a newer one, it is past its time: the client must sign in anew.
    let Some(session_key) = user.session_key.as_deref() else {
        return Some(Err(failure::expired()));
    };
    Some(decrypt(session_key, iv, data, app_id))
}

/// Decrypts `encryptedData`: AES-128-CBC with the session key, all three in base64.
///
/// # Errors
/// `-601006` when it does not open with this key, `-601005` when it is not WeChat's or of another
/// AppID.
pub fn decrypt(session_key: &str, iv: &str, data: &str, app_id: &str) -> Result<Value, Error> {
    let bytes = |text: &str| STANDARD.decode(text.trim()).map_err(|_| failure::invalid());
    let text = cipher::open_128(&bytes(session_key)?, &bytes(iv)?, &bytes(data)?)
        .ok_or_else(failure::expired)?;
    let value: Value = serde_json::from_slice(&text).map_err(|_| failure::expired())?;
    match value["watermark"]["appid"].as_str() {
        Some(of) if of == app_id => Ok(value),
        _ => Err(failure::invalid()),
    }
}

/// The signature of `wx.joinVoIPChat`: HMAC-SHA256 over the four texts, sorted and joined.
pub fn voip_signature(
    app_id: &str,
    group_id: &str,
    nonce: &str,
    timestamp_s: u32,
    session_key: &str,
) -> String {
    let timestamp = timestamp_s.to_string();
    let mut parts = [app_id, group_id, nonce, &timestamp];
    parts.sort_unstable();
    hmac_hex(session_key.as_bytes(), parts.concat().as_bytes())
}

/// HMAC-SHA256 in hexadecimal.
pub(crate) fn hmac_hex(key: &[u8], text: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text);
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of WeChat's documentation of encrypted data.
    const SESSION_KEY: &str = "tiihtNczf5v6AKRyjwEUhQ==";
    const IV: &str = "r7BXXKkLb8qrSNn05n0qiA==";
    const DATA: &str = concat!(
        "CiyLU1Aw2KjvrjMdj8YKliAjtP4gsMZMQmRzooG2xrDcvSnxIMXFufNstNGTyaGS9uT5geRa0W4oTOb1WT7fJlAC",
        "+oNPdbB+3hVbJSRgv+4lGOETKUQz6OYStslQ142dNCuabNPGBzlooOmB231qMM85d2/fV6ChevvXvQP8Hkue1poO",
        "FtnEtpyxVLW1zAo6/1Xx1COxFvrc2d7UL/lmHInNlxuacJXwu0fjpXfz/YqYzBIBzD6WUfTIF9GRHpOn/Hz7saL8",
        "xz+W//FRAUid1OksQaQx4CMs8LOddcQhULW4ucetDf96JcR3g0gfRK4PC7E/r7Z6xNrXd2UIeorGj5Ef7b1pJAYB",
        "6Y5anaHqZ9J6nKEBvB4DnNLIVWSgARns/8wR2SiRS7MNACwTyrGvt9ts8p12PKFdlqYTopNHR1Vf7XjfhQlVsAJd",
        "NiKdYmYVoKlaRv85IfVunYzO0IKXsyl7JCUjCpoG20f0a04COwfneQAGGwd5oa+T8yO5hzuyDb/XcxxmK01EpqOy",
        "uxINew==",
    );
    const APP_ID: &str = "wx4f4bc4dec97d474b";

    #[test]
    fn the_example_of_the_documentation_opens() {
        let user = OpenDataUser { openid: None, session_key: Some(SESSION_KEY.to_owned()) };
        let cloud_id = format!("{SEALED_PREFIX}{IV}:{DATA}");
        let value = open_sealed(&cloud_id, &user, APP_ID).unwrap().unwrap();
        assert_eq!(value["nickName"], "Band");
        assert_eq!(value["openId"], "oGZUI0egBJY1zhBYw2KhdUfwVJJE");
    }

    #[test]
    fn data_of_another_key_user_or_app_stays_closed() {
        let number = |outcome: Result<Value, Error>| outcome.unwrap_err().errcode;
        assert_eq!(number(decrypt(SESSION_KEY, IV, DATA, "wx-other")), -601_005);
        assert_eq!(number(decrypt("AAAAAAAAAAAAAAAAAAAAAA==", IV, DATA, APP_ID)), -601_006);
        assert_eq!(number(decrypt(SESSION_KEY, "no base64!", DATA, APP_ID)), -601_005);
        assert_eq!(number(decrypt(SESSION_KEY, IV, "AAAA", APP_ID)), -601_006);
        let nobody = OpenDataUser::default();
        let sealed = format!("{SEALED_PREFIX}{IV}:{DATA}");
        assert_eq!(number(open_sealed(&sealed, &nobody, APP_ID).unwrap()), -601_006);
        assert!(open_sealed("12_abc", &nobody, APP_ID).is_none());
    }

    #[test]
    fn the_voice_signature_of_the_documentation() {
        let (app_id, group_id) = ("wx20afc706a711eefc", "1559129713_672975982");
        let key = "gDyVgzwa0mFz9uUP7M6GQQ==";
        assert_eq!(
            voip_signature(app_id, group_id, "8AP6DT9ybtniUJfb", 1_559_129_714, key),
            "b002b824688dd8593a6079e11d8c5e8734fbcb39a6d5906eb347bfbcad79c617"
        );
    }
}
