//! Open data of users: CloudIDs exchanged for what is behind them, and signatures with a user's
//! session key. Keys are kept per openid from the last sign-in; they never leave this room.

use engine::Engine;
use serde_json::{Map, Value as Json, json};
use wechat::open_data::{OpenData, OpenDataUser};

use super::{own_app_id, refused_aloud, running_function};
use crate::caller::{Context, User};
use crate::environment::Environment;
use crate::error::{Code, Error, Result};
use crate::shelf::Shelf;

/// How many CloudIDs one call may carry (protocol 02 §3.5).
pub const CLOUD_IDS_MAX: usize = 5;

/// The session keys of users: `{_id: openid, key}`.
const SESSION_KEYS: Shelf<Json> = Shelf::new("system.session_keys");

/// Opens what is kept of sign-ins.
pub(crate) async fn open(engine: &Engine) -> Result<()> {
    SESSION_KEYS.open(engine).await
}

/// Keeps the session key of a sign-in; an earlier one is worth nothing from now on.
pub(crate) async fn keep_session_key(engine: &Engine, openid: &str, key: &str) -> Result<()> {
    SESSION_KEYS.replace(engine, &json!({ "_id": openid, "key": key })).await
}

async fn open_data_user(engine: &Engine, user: Option<&User>) -> Result<OpenDataUser> {
    let Some(openid) = user.and_then(|user| user.openid.clone()) else {
        return Ok(OpenDataUser::default());
    };
    let record = SESSION_KEYS.get(engine, &openid).await?;
    let session_key = record.and_then(|it| it["key"].as_str().map(str::to_owned));
    Ok(OpenDataUser { openid: Some(openid), session_key })
}

async fn exchange(
    environment: &Environment,
    user: Option<&User>,
    cloud_ids: Vec<String>,
) -> Result<Vec<OpenData>> {
    let user = open_data_user(environment.engine(), user).await?;
    let answer = environment.wechat().open_data(&user, cloud_ids).await;
    answer.map_err(|error| refused_aloud(environment, error))
}

/// `getOpenData`: each CloudID with what functions see of it, as JSON text.
///
/// # Errors
/// For clients, and when WeChat could not be asked; CloudIDs that do not fit are answers.
pub async fn open_data(
    context: &Context,
    app_id: &str,
    cloud_ids: Vec<String>,
) -> Result<Vec<(String, String)>> {
    let function = running_function(context)?;
    own_app_id(context, app_id)?;
    let user = function.as_ref().and_then(|it| it.user.as_ref());
    let list = exchange(&context.environment, user, cloud_ids).await?;
    Ok(list.into_iter().map(|it| (it.cloud_id.clone(), it.shown().to_string())).collect())
}

/// `getVoIPSign`: the signature for `wx.joinVoIPChat` of the function's user.
///
/// # Errors
/// For clients; WeChat's number when it refuses.
pub async fn voip_sign(
    context: &Context,
    group_id: &str,
    timestamp_s: u32,
    nonce: &str,
) -> Result<String> {
    let function = running_function(context)?;
    let user = function.as_ref().and_then(|it| it.user.as_ref());
    let user = open_data_user(context.environment.engine(), user).await?;
    let wechat = context.environment.wechat();
    let signature = wechat.voip_sign(&user, group_id, timestamp_s, nonce).await;
    signature.map_err(|error| refused_aloud(&context.environment, error))
}

/// `getCloudCallSign`: a signature over the parameters, by the simulator alone.
///
/// # Errors
/// For clients; -604100 with the real servers.
pub fn cloud_call_sign(context: &Context, parameters: &[String]) -> Result<String> {
    running_function(context)?;
    let signature = context.environment.wechat().cloud_call_sign(parameters);
    signature.map_err(|error| refused_aloud(&context.environment, error))
}

/// The data of a client's call with its CloudIDs, named by their members, exchanged for
/// `{cloudID, data}` or `{cloudID, errCode, errMsg}`.
///
/// # Errors
/// More than five CloudIDs; data that is no JSON object.
pub async fn open_event(
    environment: &Environment,
    user: Option<&User>,
    data: &str,
    cloud_ids: Vec<(String, String)>,
) -> Result<String> {
    if cloud_ids.len() > CLOUD_IDS_MAX {
        return Err(Error::new(
            Code::InvalidParameter,
            format!(
                "A call carries at most {CLOUD_IDS_MAX} CloudIDs. / 单次调用最多携带 \
                 {CLOUD_IDS_MAX} 个 CloudID。"
            ),
        ));
    }
    let mut event: Map<String, Json> = serde_json::from_str(data).map_err(|error| {
        let message = "The data of a call with CloudIDs must be a JSON object. / 携带 CloudID 的调用\
                       参数必须是 JSON 对象。";
        Error::with_cause(Code::InvalidParameter, message, error)
    })?;
    let (members, ids): (Vec<_>, Vec<_>) = cloud_ids.into_iter().unzip();
    let fails = |id: &String, error: &Error| {
        let number = error.number().unwrap_or(-601_003);
        json!({ "cloudID": id, "errCode": number, "errMsg": error.message() })
    };
    // The call takes place even when WeChat cannot be reached: the function sees why.
    let shown: Vec<Json> = match exchange(environment, user, ids.clone()).await {
        Ok(list) => list.iter().map(OpenData::shown).collect(),
        Err(error) => ids.iter().map(|id| fails(id, &error)).collect(),
    };
    event.extend(members.into_iter().zip(shown));
    Ok(Json::Object(event).to_string())
}
