//! `cloud.openapi.cloudbase.addDelayedFunctionTask`: the vendor's way to call a function later,
//! answered here by the queue of asynchronous calls.

use serde_json::Value as Json;
use wechat::{Field, OpenApiReply};

use super::accept;
use crate::calls::{Run, Trigger};
use crate::environment::Environment;
use crate::error::{Code, Error, Result};

/// The delays that the vendor allows, in seconds: six seconds to thirty days.
const DELAY_S: std::ops::RangeInclusive<f64> = 6.0..=2_592_000.0;
/// "Invalid arguments", as WeChat numbers it.
const INVALID_ARGUMENTS: i64 = 40_097;

/// Whether an open API call of this name is answered here: by its name or by its address.
pub(crate) fn is_delayed_call(name: &str) -> bool {
    matches!(name, "cloudbase.addDelayedFunctionTask" | "/tcb/adddelayedfunctiontask")
}

/// Accepts the call. It runs as nobody, at the beginning of a chain of its own.
pub(crate) async fn call_delayed(
    environment: &Environment,
    fields: &[Field],
) -> Result<OpenApiReply> {
    let argument = |name: &str| -> Option<Json> {
        let field = fields.iter().find(|field| field.key == name)?;
        serde_json::from_slice(&field.value).ok()
    };
    let function = argument("function_name");
    let function =
        function.as_ref().and_then(Json::as_str).ok_or_else(|| invalid("functionName"))?;
    let delay_s = argument("delay_time").and_then(|it| it.as_f64());
    let delay_s = delay_s.filter(|it| DELAY_S.contains(it));
    let delay_s = delay_s.ok_or_else(|| invalid("delayTime (6 – 2592000)"))?;
    let data = argument("data");
    let data = data.as_ref().and_then(Json::as_str).ok_or_else(|| invalid("data"))?;
    serde_json::from_str::<Json>(data).map_err(|_| invalid("data"))?;
    let run = Run::new(Trigger::Call, function.to_owned(), data.to_owned());
    #[expect(clippy::cast_possible_truncation, reason = "at most thirty days")]
    let delay_ms = (delay_s * 1_000.0) as i64;
    accept(environment, run, delay_ms).await?;
    Ok(OpenApiReply {
        content_type: "application/json".to_owned(),
        body: r#"{"errcode":0,"errmsg":"ok"}"#.into(),
        errcode: 0,
        errmsg: "ok".to_owned(),
    })
}

fn invalid(argument: &str) -> Error {
    let message = format!("invalid args: {argument} / 参数有误:{argument}");
    Error::new(Code::WeChatRefused, message).numbered(INVALID_ARGUMENTS)
}
