//! Calling a function as its operator, or as one of its users.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::Response;
use platform::calls::{self, Answer, Call};
use platform::{Caller, Code, Context, Error, Result, sign_in, triggers};
use serde_json::{Value as Json, json};

use super::text;
use crate::api::{answer, read_json};
use crate::server::Gateway;

/// What another part of the product adds here; until then it is refused, not ignored.
const NOT_YET: &[&str] = &["push"];

/// `POST NAME/invoke {data, as, qualifier, async}`; what `async` accepts is run at least once.
/// `{timer}` runs it as that timer of its does, now.
pub async fn invoke(
    State(gateway): State<Arc<Gateway>>,
    Path(name): Path<String>,
    request: Request,
) -> Response<Body> {
    answer(async {
        let (context, body) = read_json(&gateway, request).await?;
        if let Some(member) = NOT_YET.iter().find(|it| !matches!(body[**it], Json::Null)) {
            return Err(not_yet(member));
        }
        if let Some(timer) = text(&body, "timer")? {
            let answer = fire(&context, &name, timer, &body).await?;
            return Ok(format!(r#"{{"result":{}}}"#, answer.result));
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
            return Ok(json!({ "requestId": id }).to_string());
        }
        let request_id = context.request_id.clone();
        let result = calls::call_function(&context, call).await?.result;
        Ok(format!(r#"{{"requestId":"{request_id}","result":{result}}}"#))
    })
    .await
}

async fn fire(context: &Context, name: &str, timer: &str, body: &Json) -> Result<Answer> {
    let others = ["data", "as", "qualifier", "async"];
    if others.iter().any(|it| !matches!(body[*it], Json::Null | Json::Bool(false))) {
        return Err(Error::new(
            Code::InvalidParameter,
            "'timer' stands alone: its event, its user and its version are the timer's own. / \
             「timer」不能与 data、as、qualifier、async 同时使用。",
        ));
    }
    triggers::fire(context, name, timer).await
}

fn not_yet(member: &str) -> Error {
    Error::new(
        Code::Unsupported,
        format!("'{member}' is not supported by this version. / 当前版本不支持「{member}」。"),
    )
}
