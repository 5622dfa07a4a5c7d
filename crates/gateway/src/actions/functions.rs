//! `functions.*`: calling cloud functions (protocol 02 §1).

use platform::calls::{self, Call};
use platform::{Context, Result};
use serde_json::Value as Json;

use crate::envelope::{Envelope, invalid};
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
        cloud_ids: cloud_ids(envelope)?,
    };
    let answer = calls::call_function(context, call).await?;
    Ok(Some(Reply::Data(response_data(&answer.result))))
}

/// `{"response_data": "<JSON as text>"}`.
fn response_data(result: &str) -> String {
    const BEGIN: &[u8] = br#"{"response_data":"#;
    // Room for some quotes to be escaped; the way through `Display` is many small writes.
    let mut text = Vec::with_capacity(BEGIN.len() + result.len() + result.len() / 4 + 16);
    text.extend_from_slice(BEGIN);
    serde_json::to_writer(&mut text, result).expect("text is written to memory");
    text.push(b'}');
    String::from_utf8(text).expect("JSON is UTF-8")
}

/// `cloud_ids` of our own client library: the members of the data that are CloudIDs.
fn cloud_ids(envelope: &Envelope) -> Result<Vec<(String, String)>> {
    let expected = || invalid("cloud_ids", "an object of CloudIDs by member", "CloudID 对象");
    let Some(given) = envelope.json("cloud_ids") else { return Ok(Vec::new()) };
    let members = given.as_object().ok_or_else(expected)?;
    let id = |(name, id): (&String, &Json)| {
        Ok((name.clone(), id.as_str().ok_or_else(expected)?.to_owned()))
    };
    members.iter().map(id).collect()
}
