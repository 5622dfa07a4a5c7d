//! Calls that nobody waits for, and dead letters: accepting, listing, trying again, deleting.

use axum::extract::Path;
use axum::http::Uri;
use platform::calls::{self, Call};
use platform::triggers::{self, DeadLetter, LaterCall, LaterState};
use platform::{Code, Error, Result};
use serde_json::{Value as Json, json};

use super::asked::{Answer, Operator, Said, done, number, parameter, told};
use crate::envelope::{Envelope, invalid};

/// Rows listed when the request names no number.
const ROWS_DEFAULT: u64 = 100;
/// The most rows listed at once.
const ROWS_MAX: u64 = 10_000;
/// The longest delay of a call, in seconds: thirty days, as the vendor.
const DELAY_S_MAX: f64 = 30.0 * 86_400.0;

/// `POST /_api/async {function, data, qualifier?, delaySeconds?}`; answers once that is durable.
pub async fn call(Said(context, body): Said<Envelope>) -> Answer {
    let delay_s = match body.json("delaySeconds") {
        None => 0.0,
        Some(delay) => delay
            .as_f64()
            .filter(|delay| (0.0..=DELAY_S_MAX).contains(delay))
            .ok_or_else(|| invalid("delaySeconds", "0 to 2592000 seconds", "0 到 2592000 秒"))?,
    };
    let call = Call {
        name: body.required_text("function")?.to_owned(),
        qualifier: body.text("qualifier").map(str::to_owned),
        data: body.json("data").map(Json::to_string).unwrap_or_default(),
        ..Call::default()
    };
    #[expect(clippy::cast_possible_truncation, reason = "at most thirty days")]
    let delay_ms = (delay_s * 1_000.0) as i64;
    let id = calls::call_later(&context, call, delay_ms).await?;
    told(json!({ "id": id }))
}

/// `GET /_api/async?state=waiting|running|done|dead&limit=N`.
pub async fn list(Operator(context): Operator, uri: Uri) -> Answer {
    let state = match parameter(&uri, "state") {
        None => None,
        Some(name) => Some(state_named(&name)?),
    };
    let calls = triggers::later_calls(&context, state, limit(&uri)?).await?;
    let calls: Vec<_> = calls.iter().map(later_call).collect();
    told(json!({ "calls": calls }))
}

/// `GET /_api/async/ID`.
pub async fn one(Operator(context): Operator, Path(id): Path<String>) -> Answer {
    told(later_call(&triggers::later_call(&context, &id).await?))
}

/// `GET /_api/dead-letters?limit=N`.
pub async fn dead_letters(Operator(context): Operator, uri: Uri) -> Answer {
    let letters = triggers::dead_letters(&context, limit(&uri)?).await?;
    let letters: Vec<_> = letters.iter().map(dead_letter).collect();
    told(json!({ "deadLetters": letters }))
}

/// `POST /_api/dead-letters/ID/retry`; answers the id of the call that it has become.
pub async fn retry_dead_letter(Operator(context): Operator, Path(id): Path<String>) -> Answer {
    let call = triggers::retry_dead_letter(&context, &id).await?;
    told(json!({ "id": call }))
}

/// `DELETE /_api/dead-letters/ID`.
pub async fn delete_dead_letter(Operator(context): Operator, Path(id): Path<String>) -> Answer {
    triggers::delete_dead_letter(&context, &id).await?;
    done()
}

fn limit(uri: &Uri) -> Result<u64> {
    Ok(number(uri, "limit")?.unwrap_or(ROWS_DEFAULT).min(ROWS_MAX))
}

const STATES: [(LaterState, &str); 4] = [
    (LaterState::Waiting, "waiting"),
    (LaterState::Running, "running"),
    (LaterState::Done, "done"),
    (LaterState::Dead, "dead"),
];

fn state_named(name: &str) -> Result<LaterState> {
    let found = STATES.iter().find(|(_, known)| *known == name);
    found.map(|(state, _)| *state).ok_or_else(|| {
        Error::new(
            Code::InvalidParameter,
            "state is one of waiting, running, done, dead. / state 须为 waiting、running、done 或 \
             dead。",
        )
    })
}

fn later_call(call: &LaterCall) -> Json {
    let state = STATES.iter().find(|(state, _)| *state == call.state);
    let mut json = json!({
        "id": call.id,
        "function": call.what.function,
        "trigger": call.what.trigger,
        "state": state.map_or("", |(_, name)| name),
        "attempts": call.attempts,
        "acceptedAt": call.accepted_at,
    });
    for (name, value) in [
        ("due", call.due.map(Json::from)),
        ("requestId", call.request_id.clone().map(Json::from)),
        ("endedAt", call.ended_at.map(Json::from)),
        ("error", call.error.clone().map(Json::from)),
    ] {
        if let Some(value) = value {
            json[name] = value;
        }
    }
    json
}

fn dead_letter(letter: &DeadLetter) -> Json {
    json!({
        "id": letter.id,
        "of": letter.of,
        "function": letter.what.function,
        "trigger": letter.what.trigger,
        "event": letter.what.event,
        "attempts": letter.attempts,
        "error": letter.error,
        "at": letter.at,
    })
}
