//! Open data of simulated users. `dev-<kind>` is a CloudID of the caller's own data, and
//! `dev-<kind>-<name>` one of that user's: it is refused to anybody else, as WeChat refuses it.
//! `dev-expired` is past its time. The data follows from the name, so that tests may compare it.

use serde_json::{Value, json};

use super::{CODE_PREFIX, Simulator, url_safe_hash};
use crate::error::Error;
use crate::open_data::{OpenData, OpenDataUser, failure, hmac_hex, open_sealed, voip_signature};

const DAY_S: i64 = 24 * 60 * 60;
/// Steps are told for this many days, as WeChat does.
const STEP_DAYS: i64 = 31;

impl Simulator {
    /// Exchanges CloudIDs for the data behind them.
    pub(crate) fn open_data(&self, user: &OpenDataUser, cloud_ids: Vec<String>) -> Vec<OpenData> {
        let exchange = |cloud_id: String| {
            let outcome = open_sealed(&cloud_id, user, self.app_id())
                .unwrap_or_else(|| self.open_dev(&cloud_id, user));
            let data = OpenData { cloud_id, outcome };
            let title = match &data.outcome {
                Ok(_) => format!("Open data of {}", data.cloud_id),
                Err(error) => format!("Open data refused: {} {}", error.errcode, error.errmsg),
            };
            self.events.record(self.now_ms(), "open-data", title, data.shown());
            data
        };
        cloud_ids.into_iter().map(exchange).collect()
    }

    /// The signature for `wx.joinVoIPChat`; without a session key, one of the simulator's own.
    pub(crate) fn voip_sign(
        &self,
        user: &OpenDataUser,
        group_id: &str,
        timestamp_s: u32,
        nonce: &str,
    ) -> String {
        let key = user.session_key.as_deref().unwrap_or("simulated session key");
        let signature = voip_signature(self.app_id(), group_id, nonce, timestamp_s, key);
        let detail = json!({ "group_id": group_id, "signature": signature });
        let title = format!("Voice chat signature for {group_id}");
        self.events.record(self.now_ms(), "signature", title, detail);
        signature
    }

    /// The signature of `getCloudCallSign`: stable, and worth nothing to WeChat.
    pub(crate) fn cloud_call_sign(&self, parameters: &[String]) -> String {
        let text = serde_json::Value::from(parameters).to_string();
        let signature = hmac_hex(self.app_id().as_bytes(), text.as_bytes());
        let detail = json!({ "parameters": parameters, "signature": signature });
        self.events.record(self.now_ms(), "signature", "Cloud call signature".to_owned(), detail);
        signature
    }

    fn open_dev(&self, cloud_id: &str, user: &OpenDataUser) -> Result<Value, Error> {
        let openid = user.openid.as_deref().ok_or_else(failure::of_another_user)?;
        let rest = cloud_id.strip_prefix(CODE_PREFIX).ok_or_else(failure::invalid)?;
        let (kind, name) = rest.split_once('-').map_or((rest, None), |(k, n)| (k, Some(n)));
        if name.is_some_and(|name| self.openid(name) != openid) {
            return Err(failure::of_another_user());
        }
        let mut data = match kind {
            "phone" => self.phone_of(openid),
            "werun" => json!({ "stepInfoList": self.steps_of(openid) }),
            "userinfo" => self.profile_of(openid),
            "share" | "group" => {
                json!({ "openGId": format!("tG{}", &url_safe_hash(&["group", openid])[..26]) })
            }
            "expired" => return Err(failure::expired()),
            _ => return Err(failure::invalid()),
        };
        data["watermark"] = json!({ "timestamp": self.now_ms() / 1000, "appid": self.app_id() });
        Ok(data)
    }

    /// The phone number of an openid: the same as `phonenumber.getPhoneNumber` gives.
    pub(super) fn phone_of(&self, openid: &str) -> Value {
        let hash = url_safe_hash(&["phone number of user", openid]);
        let digits = hash.bytes().take(8).map(|byte| char::from(b'0' + byte % 10));
        let number: String = "138".chars().chain(digits).collect();
        json!({
            "phoneNumber": number, "purePhoneNumber": number, "countryCode": "86",
        })
    }

    fn steps_of(&self, openid: &str) -> Vec<Value> {
        let today_s = self.now_ms() / 1000 / DAY_S * DAY_S;
        let day = |ago: i64| {
            let timestamp = today_s - ago * DAY_S;
            let hash = url_safe_hash(&["steps", openid, &timestamp.to_string()]);
            let step: u64 = hash.bytes().take(4).map(|byte| u64::from(byte) * 40).sum();
            json!({ "timestamp": timestamp, "step": step })
        };
        (0..STEP_DAYS).rev().map(day).collect()
    }

    fn profile_of(&self, openid: &str) -> Value {
        json!({
            "openId": openid, "nickName": format!("用户{}", &url_safe_hash(&["nickname", openid])[..4]),
            "gender": 0, "language": "zh_CN", "city": "", "province": "", "country": "",
            "avatarUrl": "",
        })
    }

    fn now_ms(&self) -> i64 {
        self.options.clock.now_ms()
    }
}
