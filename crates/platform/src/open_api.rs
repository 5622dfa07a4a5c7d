//! `cloud.openapi.*` of functions: which call, for whom, to WeChat or its simulator.

use wechat::OpenApiCall;
pub use wechat::{Field, OpenApiReply};

use crate::caller::{Caller, Context};
use crate::error::{Code, Error, Result};

/// Sends an open API call of a function, or of an administrator, to WeChat.
pub async fn call(context: &Context, name: &str, fields: Vec<Field>) -> Result<OpenApiReply> {
    let caller_openid = match &context.caller {
        Caller::Function(invocation) => {
            invocation.user.as_ref().and_then(|user| user.openid.clone())
        }
        Caller::Administrator => None,
        Caller::User(_) | Caller::Nobody => {
            return Err(for_functions_only());
        }
    };
    let call = OpenApiCall { name: name.to_owned(), fields, caller_openid };
    context.environment.wechat().open_api(call).await.map_err(|error| {
        let number = error.errcode();
        Error::from_room(Code::WeChatRefused, error).numbered(number)
    })
}

/// The error for clients: open API calls carry the power of the AppSecret.
pub fn for_functions_only() -> Error {
    Error::new(
        Code::InvalidContext,
        "Open API calls are for cloud functions only. / 开放接口只能在云函数中调用。",
    )
}
