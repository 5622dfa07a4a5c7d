//! The event of an SDK's call, as the function sees it.

use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use crate::caller::{Caller, Context};
use crate::error::{Code, Error, Result};

/// The event as the function sees it: the caller's data, and for a user's call `userInfo`.
///
/// `userInfo.openId` and `.appId` are the server's word and cannot be chosen by a client; other
/// members that the client put there stay.
pub(super) fn of_call(context: &Context, data: String) -> Result<String> {
    let data = if data.trim().is_empty() { "{}".to_owned() } else { data };
    let Caller::User(user) = &context.caller else {
        serde_json::from_str::<&RawValue>(&data).map_err(not_json)?;
        return Ok(data);
    };
    if !data.trim_start().starts_with('{') {
        serde_json::from_str::<&RawValue>(&data).map_err(not_json)?;
        return Ok(data);
    }
    let mut event: Map<String, Json> = serde_json::from_str(&data).map_err(not_json)?;
    let mut info = match event.remove("userInfo") {
        Some(Json::Object(info)) => info,
        _ => Map::new(),
    };
    info.insert("appId".into(), user.appid.clone().unwrap_or_default().into());
    info.insert("openId".into(), user.openid.clone().unwrap_or_default().into());
    event.insert("userInfo".into(), Json::Object(info));
    serde_json::to_string(&event).map_err(not_json)
}

fn not_json(error: serde_json::Error) -> Error {
    Error::with_cause(
        Code::InvalidParameter,
        format!(
            "The data of a function call is not JSON: {error}. / 云函数调用参数不是合法的 JSON:{error}"
        ),
        error,
    )
}
