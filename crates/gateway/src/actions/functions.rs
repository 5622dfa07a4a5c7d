//! `functions.*`: calling cloud functions (protocol 02 §1).

use platform::calls::{self, Call};
use platform::{Context, Result};
use serde_json::{Value as Json, json};

use crate::envelope::Envelope;
use crate::reply::Reply;

/// Runs the action, or `None` when there is none of that name.
pub async fn run(context: &Context, action: &str, envelope: &Envelope) -> Result<Option<Reply>> {
    if action != "invokeFunction" {
        return Ok(None);
    }
    let data = match envelope.json("request_data") {
        None => String::new(),
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let call = Call {
        name: envelope.required_text("function_name")?.to_owned(),
        qualifier: envelope.text("qualifier").map(str::to_owned),
        data,
    };
    let answer = calls::call_function(context, call).await?;
    Ok(Some(Reply::data(&json!({ "response_data": answer.result }))))
}
