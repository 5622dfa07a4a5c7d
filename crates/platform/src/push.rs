//! Messages that WeChat pushes: verified, run once each, answered in time.
//!
//! A message is claimed durably before its function runs, so that WeChat's repetitions (three, five
//! seconds apart) find the claim. A run that fails gives the claim up: the next repetition tries
//! again. Refused requests are counted and told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::Engine;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
pub use wechat::push::{Format, Message, Query, Refusal};

use crate::caller::User;
use crate::calls::{self, Run, Trigger};
use crate::environment::{Environment, new_request_id};
use crate::error::{Code, Error, Result};
use crate::journal::Event;
use crate::shelf::Shelf;
use crate::triggers::TriggerSpec;

/// WeChat waits five seconds; a function that takes longer goes on behind an answered message.
const ANSWERED_WITHIN: Duration = Duration::from_millis(4_500);
/// How long a claim is remembered, in ms.
const REMEMBERED_MS: i64 = 60 * 60 * 1_000;

/// A trigger for pushed messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PushSpec {
    /// Its name, unique within the function.
    pub name: String,
    /// `text`, `image`, `event` …; every type when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub msg_type: Option<String>,
    /// The name of an event; every event when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
}

impl PushSpec {
    /// Whether the message is one that this trigger wants.
    #[must_use]
    pub fn wants(&self, message: &Message) -> bool {
        let fits = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|it| it == is);
        fits(&self.msg_type, message.msg_type()) && fits(&self.event, message.event())
    }
}

/// Claimed messages: `{_id: identity, process?, at, reply?}`.
const CLAIMS: Shelf<Json> = Shelf::new("system.pushes");

/// What is remembered of pushed messages.
#[derive(Debug)]
pub(crate) struct Pushes {
    /// This process: claims of an earlier one are nobody's.
    process: String,
    refused: Mutex<BTreeMap<&'static str, u64>>,
}

impl Pushes {
    pub(crate) async fn open(engine: &Engine) -> Result<Self> {
        CLAIMS.open(engine).await?;
        Ok(Self { process: new_request_id(), refused: Mutex::default() })
    }

    fn refuse(&self, reason: &'static str) -> u64 {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let count = refused.entry(reason).or_default();
        *count += 1;
        *count
    }

    /// Claims a message, or says how its repetition is answered.
    async fn claim(&self, engine: &Engine, id: &str, now_ms: i64) -> Result<Option<Json>> {
        let claim = json!({ "_id": id, "process": self.process, "at": now_ms });
        if CLAIMS.add(engine, &claim).await? {
            return Ok(None);
        }
        let Some(known) = CLAIMS.get(engine, id).await? else { return Ok(None) };
        if known.get("reply").is_some() || known["process"] == self.process.as_str() {
            return Ok(Some(known["reply"].clone()));
        }
        // The process that claimed it has ended before its function did.
        CLAIMS.replace(engine, &claim).await?;
        Ok(None)
    }
}

/// How many requests were refused since the start, by reason.
pub fn refused(environment: &Environment) -> BTreeMap<&'static str, u64> {
    environment.pushes().refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// The answer to a message: a body and its content type.
#[derive(Debug)]
pub struct Answer {
    /// `success`, or a passive reply.
    pub body: String,
    /// How the message came.
    pub format: Format,
}

/// Answers the check of the console (`GET` with `echostr`).
///
/// # Errors
/// [`Code::Unsupported`] without `[wechat.push]`; [`Code::SignatureInvalid`] for strangers.
pub fn echo(environment: &Environment, query: &Query, echostr: &str) -> Result<String> {
    let push = configured(environment)?;
    push.echo(query, echostr, environment.now_ms() / 1_000).map_err(|it| note(environment, it))
}

/// Takes a message (`POST`), runs the functions that want it, and says what to answer.
///
/// # Errors
/// As [`echo`]; [`Code::FunctionFailed`] when a function failed in time, so that WeChat sends the
/// message again.
pub async fn receive(environment: &Arc<Environment>, query: &Query, body: &str) -> Result<Answer> {
    let push = configured(environment)?;
    let now_s = environment.now_ms() / 1_000;
    let message = push.read(query, body, now_s).map_err(|it| note(environment, it))?;
    let reply = match deliver_once(environment, &message).await? {
        Json::Null => None,
        reply => Some(reply),
    };
    let body = push.reply(&message, reply.as_ref(), now_s);
    Ok(Answer { body, format: message.format })
}

/// Runs a function with a simulated message, as the console of WeChat would have it pushed.
///
/// # Errors
/// As a call of the function.
pub async fn simulate(
    environment: &Environment,
    function: &str,
    members: serde_json::Map<String, Json>,
) -> Result<calls::Answer> {
    let message = Message { format: Format::Json, is_sealed: false, members };
    run(environment, function, &message).await
}

async fn deliver_once(environment: &Arc<Environment>, message: &Message) -> Result<Json> {
    let pushes = environment.pushes();
    let (id, now_ms) = (message.identity(), environment.now_ms());
    if let Some(reply) = pushes.claim(environment.engine(), &id, now_ms).await? {
        return Ok(reply);
    }
    let old = json!({ "at": { "$lt": now_ms - REMEMBERED_MS } });
    let forgotten = CLAIMS.remove(environment.engine(), &old).await;
    if let Err(error) = forgotten {
        tracing::warn!(%error, "old pushed messages could not be forgotten");
    }
    let (environment, message) = (Arc::clone(environment), message.clone());
    // Goes on when WeChat no longer waits.
    let work = tokio::spawn(async move {
        let outcome = deliver(&environment, &message).await;
        let engine = environment.engine();
        let noted = match &outcome {
            Ok(reply) => {
                CLAIMS.replace(engine, &json!({ "_id": id, "reply": reply, "at": now_ms })).await
            }
            Err(_) => CLAIMS.remove(engine, &json!({ "_id": id })).await.map(drop),
        };
        noted.and(outcome)
    });
    match tokio::time::timeout(ANSWERED_WITHIN, work).await {
        Err(_) => Ok(Json::Null),
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(Error::new(
            Code::Internal,
            "A pushed message could not be handled. / 消息推送处理失败。",
        )),
    }
}

/// Runs every function that wants the message; the first passive reply is the answer.
async fn deliver(environment: &Environment, message: &Message) -> Result<Json> {
    let functions = environment.triggers().wanting(|spec| match spec {
        TriggerSpec::Push(push) => push.wants(message),
        _ => false,
    });
    let (kind, event) = (message.msg_type(), message.event());
    let name = if event.is_empty() { kind } else { event };
    let to = match functions.is_empty() {
        true => "no function: add a trigger of type push".to_owned(),
        false => functions.join(", "),
    };
    environment.record(Event::WeChat {
        what: "push".to_owned(),
        title: format!("Pushed message {name} for {to}"),
        detail: Json::Object(message.members.clone()),
    });
    let mut reply = Json::Null;
    for function in functions {
        let answer = run(environment, &function, message).await?;
        let given: Json = serde_json::from_str(&answer.result).unwrap_or_default();
        if reply.is_null() && given.get("MsgType").is_some_and(Json::is_string) {
            reply = given;
        }
    }
    Ok(reply)
}

async fn run(
    environment: &Environment,
    function: &str,
    message: &Message,
) -> Result<calls::Answer> {
    let event = Json::Object(message.members.clone()).to_string();
    let mut run = Run::new(Trigger::Push, function.to_owned(), event);
    // The function speaks to whoever sent the message: getWXContext() knows the openid.
    run.user = message.from_openid().map(|openid| User {
        uid: openid.to_owned(),
        openid: Some(openid.to_owned()),
        appid: Some(environment.app_id().to_owned()),
        unionid: None,
        login_type: "WECHAT".to_owned(),
    });
    calls::run(environment, run).await
}

fn configured(environment: &Environment) -> Result<&wechat::push::Push> {
    environment.wechat().push().ok_or_else(|| {
        Error::new(
            Code::Unsupported,
            "Pushed messages are not configured: set [wechat.push] token. / 未配置消息推送:请设置 \
             [wechat.push] token。",
        )
    })
}

fn note(environment: &Environment, refusal: Refusal) -> Error {
    let count = environment.pushes().refuse(refusal.name());
    // The first tells; a flood of them is a number.
    if count == 1 || count.is_multiple_of(100) {
        environment.record(Event::Notice {
            text: format!("A pushed message was refused ({count}): {refusal}"),
        });
    }
    let code = match refusal {
        Refusal::Unreadable => Code::InvalidParameter,
        _ => Code::SignatureInvalid,
    };
    Error::from_room(code, refusal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trigger_wants_its_type_and_event() {
        let message = |text: &str| Message::parse(text).unwrap();
        let spec = |msg_type: Option<&str>, event: Option<&str>| PushSpec {
            name: "p".to_owned(),
            msg_type: msg_type.map(str::to_owned),
            event: event.map(str::to_owned),
        };
        let text = message(r#"{"MsgType":"text"}"#);
        let check = message(r#"{"MsgType":"event","Event":"wxa_media_check"}"#);
        for (spec, wants_text, wants_check) in [
            (spec(None, None), true, true),
            (spec(Some("text"), None), true, false),
            (spec(Some("event"), None), false, true),
            (spec(Some("event"), Some("wxa_media_check")), false, true),
            (spec(None, Some("wxa_media_check")), false, true),
            (spec(Some("event"), Some("other")), false, false),
        ] {
            assert_eq!((spec.wants(&text), spec.wants(&check)), (wants_text, wants_check));
        }
    }
}
