//! Triggers: listing them with what comes next, what became of their ticks, firing one by hand.

use axum::extract::Path;
use axum::http::Uri;
use platform::triggers::{self, Claim, ClaimState, Listed, TriggerSpec, iso};
use serde_json::{Value as Json, json};

use super::asked::{Answer, Operator, number, told};

/// Claims listed when the request names no number.
const CLAIMS_DEFAULT: u64 = 20;
/// The most claims listed at once.
const CLAIMS_MAX: u64 = 10_000;

/// `GET /_api/triggers`.
pub async fn list(Operator(context): Operator) -> Answer {
    let listed: Vec<_> = triggers::list(&context).await?.iter().map(trigger).collect();
    told(json!({ "triggers": listed }))
}

/// `GET /_api/triggers/FUNCTION/NAME/claims?limit=N`.
pub async fn claims(
    Operator(context): Operator,
    Path((function, name)): Path<(String, String)>,
    uri: Uri,
) -> Answer {
    let limit = number(&uri, "limit")?.unwrap_or(CLAIMS_DEFAULT).min(CLAIMS_MAX);
    let claims = triggers::claims(&context, &function, &name, limit).await?;
    let claims: Vec<_> = claims.iter().map(claim).collect();
    told(json!({ "claims": claims }))
}

/// `POST /_api/triggers/FUNCTION/NAME/fire`: runs a timer's function now; answers what it returned.
pub async fn fire(
    Operator(context): Operator,
    Path((function, name)): Path<(String, String)>,
) -> Answer {
    let answer = triggers::fire(&context, &function, &name).await?;
    told(format!(r#"{{"result":{}}}"#, answer.result))
}

/// `GET /_api/streams`: how far each consumer is.
pub async fn streams(Operator(context): Operator) -> Answer {
    let consumers: Vec<_> = platform::triggers::streams::progress(&context)
        .await?
        .into_iter()
        .map(|it| {
            json!({
                "function": it.function,
                "name": it.name,
                "stream": it.stream,
                "checkpoint": it.checkpoint,
                "unread": it.unread,
                "attempts": it.attempts,
                "error": it.error,
            })
        })
        .collect();
    told(json!({ "consumers": consumers }))
}

fn trigger(listed: &Listed) -> Json {
    let mut json = serde_json::to_value(&listed.spec).unwrap_or_default();
    json["function"] = listed.function.clone().into();
    if matches!(listed.spec, TriggerSpec::Timer(_)) {
        json["next"] = listed.next_ms.iter().map(|next| iso(*next)).collect();
        json["latest"] = listed.latest.as_ref().map(claim).into();
    }
    json
}

fn claim(claim: &Claim) -> Json {
    let state = match claim.state {
        ClaimState::Running => "running",
        ClaimState::Done => "done",
        ClaimState::Failed => "failed",
        ClaimState::Interrupted => "interrupted",
        ClaimState::Again => "again",
        ClaimState::Missed => "missed",
    };
    let mut json = json!({
        "tick": iso(claim.tick),
        "state": state,
        "attempts": claim.attempts,
        "requestId": claim.request_id,
    });
    if let Some(from) = claim.from {
        json["from"] = iso(from).into();
    }
    if let Some(error) = &claim.error {
        json["error"] = error.as_str().into();
    }
    json
}
