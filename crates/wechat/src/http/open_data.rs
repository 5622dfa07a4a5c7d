//! Open data and signatures of users, asked of WeChat.

use serde_json::{Value, json};

use super::{Client, unreadable};
use crate::error::Error;
use crate::open_api::{Field, OpenApiCall};
use crate::open_data::{OpenData, OpenDataUser, failure, open_sealed};

impl Client {
    /// Sealed CloudIDs are opened here; WeChat is asked about the others at once.
    pub(crate) async fn open_data(
        &self,
        user: &OpenDataUser,
        cloud_ids: Vec<String>,
    ) -> Result<Vec<OpenData>, Error> {
        let mut answers: Vec<OpenData> = cloud_ids
            .into_iter()
            .map(|cloud_id| {
                let opened = open_sealed(&cloud_id, user, &self.app_id);
                OpenData { cloud_id, outcome: opened.unwrap_or(Err(failure::invalid())) }
            })
            .collect();
        let is_own =
            |data: &&mut OpenData| !data.cloud_id.starts_with(crate::open_data::SEALED_PREFIX);
        let own: Vec<&mut OpenData> = answers.iter_mut().filter(is_own).collect();
        if own.is_empty() {
            return Ok(answers);
        }
        let Some(openid) = &user.openid else {
            own.into_iter().for_each(|data| data.outcome = Err(failure::of_another_user()));
            return Ok(answers);
        };
        let list: Vec<&str> = own.iter().map(|data| data.cloud_id.as_str()).collect();
        let fields = vec![Field::json("cloudid_list", &json!(list))];
        let reply = self.of_user("/wxa/getopendata", openid, fields).await?;
        let list = reply["data_list"].as_array().cloned().unwrap_or_default();
        for data in own {
            let found = list.iter().find(|it| it["cloud_id"] == data.cloud_id.as_str());
            if let Some(found) = found {
                data.outcome = outcome_of(&found["json"]);
            }
        }
        Ok(answers)
    }

    pub(crate) async fn voip_sign(
        &self,
        user: &OpenDataUser,
        group_id: &str,
        timestamp_s: u32,
        nonce: &str,
    ) -> Result<String, Error> {
        let openid = user.openid.as_deref().unwrap_or_default();
        let fields = vec![
            Field::json("group_id", &group_id.into()),
            Field::json("timestamp", &timestamp_s.into()),
            Field::json("nonce", &nonce.into()),
        ];
        let reply = self.of_user("/wxa/getvoipsign", openid, fields).await?;
        let signature = reply["signature"].as_str();
        signature.map(str::to_owned).ok_or_else(|| unreadable("no signature"))
    }

    /// A call whose address names the user.
    async fn of_user(&self, path: &str, openid: &str, fields: Vec<Field>) -> Result<Value, Error> {
        let openid =
            percent_encoding::utf8_percent_encode(openid, percent_encoding::NON_ALPHANUMERIC);
        let name = format!("{path}?openid={openid}");
        let call = OpenApiCall { name, fields, caller_openid: None };
        let reply = self.open_api(&call).await?;
        if reply.errcode != 0 {
            return Err(Error::new(reply.errcode, reply.errmsg));
        }
        serde_json::from_slice(&reply.body).map_err(|_| unreadable("the reply is not JSON"))
    }
}

/// `{"cloudID", "data"}` or `{"cloudID", "errCode", "errMsg"}`, as text or as it is.
fn outcome_of(json: &Value) -> Result<Value, Error> {
    let parsed = json.as_str().and_then(|text| serde_json::from_str(text).ok());
    let value: &Value = parsed.as_ref().unwrap_or(json);
    if let Some(number) = value["errCode"].as_i64().filter(|number| *number != 0) {
        return Err(Error::new(number, value["errMsg"].as_str().unwrap_or_default()));
    }
    value.get("data").cloned().ok_or_else(failure::invalid)
}
