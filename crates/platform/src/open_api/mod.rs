//! `cloud.openapi.*` of functions: which call, for whom, to WeChat or its simulator.

mod open_data;
mod permissions;

use std::sync::Arc;

use wechat::OpenApiCall;
pub use wechat::{Field, OpenApiReply};

use crate::caller::{Caller, Context};
use crate::environment::Environment;
use crate::error::{Code, Error, Result};
use crate::invocations::InvocationContext;
use crate::journal::Event;
use crate::triggers;

pub use open_data::{cloud_call_sign, open_data, open_event, voip_sign};
pub(crate) use open_data::{keep_session_key, open};

/// Sends an open API call of a function, or of an administrator, to WeChat. `app_id` names another
/// mini program (`cloud.openapi({appid})`); empty means this server's own.
///
/// # Errors
/// With WeChat's number where the SDK shows one: -604101 when the function's `config.json` does not
/// name the API, -601018 for another AppID, -604100 for an API nobody answers.
pub async fn call(
    context: &Context,
    app_id: &str,
    name: &str,
    fields: Vec<Field>,
) -> Result<OpenApiReply> {
    let function = running_function(context)?;
    own_app_id(context, app_id)?;
    if let Some(function) = &function {
        permissions::check(&context.environment, function, name)?;
    }
    if triggers::is_delayed_call(name) {
        return triggers::call_delayed(&context.environment, &fields).await;
    }
    let user = function.as_ref().and_then(|it| it.user.as_ref());
    let caller_openid = user.and_then(|user| user.openid.clone());
    let call = OpenApiCall { name: name.to_owned(), fields, caller_openid };
    context.environment.wechat().open_api(call).await.map_err(refused)
}

/// The function that asks; none for an administrator.
fn running_function(context: &Context) -> Result<Option<Arc<InvocationContext>>> {
    match &context.caller {
        Caller::Function(invocation) => Ok(Some(Arc::clone(invocation))),
        Caller::Administrator => Ok(None),
        Caller::User(_) | Caller::Nobody => Err(for_functions_only()),
    }
}

fn own_app_id(context: &Context, app_id: &str) -> Result<()> {
    /// "Unauthorized API", as WeChat numbers it.
    const UNAUTHORIZED: i64 = -601_018;
    let own = context.environment.app_id();
    if app_id.is_empty() || app_id == own {
        return Ok(());
    }
    let message = format!(
        "This server speaks for {own} only, not for {app_id}: leave appid out. / 本服务器只配置了 \
         {own},不能代 {app_id} 调用:请去掉 appid。"
    );
    Err(Error::new(Code::WeChatRefused, message).numbered(UNAUTHORIZED))
}

/// A refusal of which SDKs show the number alone: the sentence goes to the terminal.
fn refused_aloud(environment: &Environment, error: wechat::Error) -> Error {
    environment.record(Event::Notice { text: error.errmsg.clone() });
    refused(error)
}

fn refused(error: wechat::Error) -> Error {
    let number = error.errcode();
    let message = error.errmsg.clone();
    Error::with_cause(Code::WeChatRefused, message, error).numbered(number)
}

/// The error for a service of WeChat's that has no form outside WeChat's own cloud.
pub fn not_served(context: &Context, name: &str) -> Error {
    told(
        context,
        format!(
            "{name} is a service inside WeChat's own cloud and is not served here. / {name} 是微信\
             云开发的内部服务,本服务器不支持。"
        ),
    )
}

/// The error for `new cloud.Cloud({ resourceAppid, resourceEnv })`.
pub fn no_shared_environments(context: &Context) -> Error {
    told(
        context,
        "Environments are not shared between mini programs (resourceAppid, resourceEnv): use \
         cloud.init and this server's own environment. / 不支持跨账号环境共享(resourceAppid、\
         resourceEnv):请使用 cloud.init 与本服务器的环境。"
            .to_owned(),
    )
}

/// "API not found", with the sentence in the terminal, because SDKs show the number alone.
fn told(context: &Context, message: String) -> Error {
    const API_NOT_FOUND: i64 = -604_100;
    context.environment.record(Event::Notice { text: message.clone() });
    Error::new(Code::WeChatRefused, message).numbered(API_NOT_FOUND)
}

/// The error for clients: open API calls carry the power of the AppSecret.
pub fn for_functions_only() -> Error {
    Error::new(
        Code::InvalidContext,
        "Open API calls are for cloud functions only. / 开放接口只能在云函数中调用。",
    )
}
