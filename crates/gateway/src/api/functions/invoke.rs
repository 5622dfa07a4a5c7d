//! Calling a function as its operator, or as one of its users.

use axum::extract::Path;
use platform::calls::{self, Answer, Call};
use platform::{Caller, Code, Context, Error, Result, push, sign_in, triggers};
use serde_json::{Map, Value as Json, json};

use super::text;
use crate::api::asked::{Answer as Reply, Said, told};

/// `POST NAME/invoke {data, as, qualifier, async}`; what `async` accepts is run at least once.
/// `{timer}` runs it as that timer of its does, now; `{push: true, data}` for a message that WeChat
/// might push.
pub async fn invoke(Path(name): Path<String>, Said(context, body): Said<Json>) -> Reply {
    if let Some(timer) = text(&body, "timer")? {
        let answer = fire(&context, &name, timer, &body).await?;
        return told(format!(r#"{{"result":{}}}"#, answer.result));
    }
    if body["push"] == true {
        let message = message(&body)?;
        let answer = push::simulate(&context.environment, &name, message).await?;
        return told(format!(r#"{{"result":{}}}"#, answer.result));
    }
    let caller = match text(&body, "as")? {
        Some(who) => Caller::User(sign_in::named(&context, who).await?),
        None => Caller::Administrator,
    };
    let context = Context { caller, ..context };
    let call = Call {
        name,
        qualifier: text(&body, "qualifier")?.map(str::to_owned),
        data: match &body["data"] {
            Json::Null => String::new(),
            data => data.to_string(),
        },
        cloud_ids: Vec::new(),
    };
    if body["async"] == true {
        let id = calls::call_later(&context, call, 0).await?;
        return told(json!({ "requestId": id }));
    }
    let request_id = context.request_id.clone();
    let result = calls::call_function(&context, call).await?.result;
    told(format!(r#"{{"requestId":"{request_id}","result":{result}}}"#))
}

async fn fire(context: &Context, name: &str, timer: &str, body: &Json) -> Result<Answer> {
    stands_alone(body, "timer", &["data", "as", "qualifier", "async", "push"])?;
    triggers::fire(context, name, timer).await
}

fn message(body: &Json) -> Result<Map<String, Json>> {
    stands_alone(body, "push", &["as", "qualifier", "async"])?;
    body["data"].as_object().cloned().ok_or_else(|| {
        Error::new(
            Code::InvalidParameter,
            "'data' is the message: an object such as {\"MsgType\":\"text\",\"Content\":\"…\"}. / \
             「data」应为消息对象,例如 {\"MsgType\":\"text\",\"Content\":\"…\"}。",
        )
    })
}

/// Refuses what would otherwise be ignored.
fn stands_alone(body: &Json, member: &str, others: &[&str]) -> Result<()> {
    let is_there = |it: &&&str| !matches!(body[**it], Json::Null | Json::Bool(false));
    let Some(other) = others.iter().find(is_there) else { return Ok(()) };
    Err(Error::new(
        Code::InvalidParameter,
        format!(
            "'{member}' stands without '{other}': its event, its user and its version are its own. \
             / 「{member}」不能与「{other}」同时使用。"
        ),
    ))
}
