//! Messages to users and their templates. Nothing is delivered: a message becomes an event.

use serde_json::{Value, json};

use super::{Answer, Arguments, Call, Refusal, ok_with, random_id};
use crate::error::code;
use std::sync::PoisonError;

/// How many templates an AppID may add, as on the platform.
const TEMPLATES_MAX: usize = 50;

/// The templates added so far: id and title.
#[derive(Default)]
pub(in crate::simulator) struct Templates(Vec<(String, String)>);

/// `subscribeMessage.send`.
pub(super) fn send_subscribe(call: &Call<'_>, arguments: &Arguments) -> Answer {
    let touser = arguments.required_text("touser", code::INVALID_OPENID)?;
    let template = arguments.required_text("template_id", code::INVALID_TEMPLATE)?;
    let data = arguments.get("data").and_then(Value::as_object);
    let Some(data) = data.filter(|data| !data.is_empty()) else {
        return Err(bad_argument("data: an object of {\"thing1\": {\"value\": …}} is required"));
    };
    if let Some((name, _)) = data.iter().find(|(_, item)| item.get("value").is_none()) {
        return Err(bad_argument(&format!("data.{name}.value is empty")));
    }
    call.record(
        "subscribe-message",
        format!("Subscribe message to {touser}"),
        json!({ "touser": touser, "template_id": template, "data": data }),
    );
    ok_with(json!({ "msgid": message_number() }))
}

/// `templateMessage.send`.
pub(super) fn send_template(call: &Call<'_>, arguments: &Arguments) -> Answer {
    let touser = arguments.required_text("touser", code::INVALID_OPENID)?;
    let template = arguments.required_text("template_id", code::INVALID_TEMPLATE)?;
    call.record(
        "message",
        format!("Template message to {touser}"),
        json!({ "touser": touser, "template_id": template, "data": arguments.get("data") }),
    );
    ok_with(json!({}))
}

/// `uniformMessage.send`.
pub(super) fn send_uniform(call: &Call<'_>, arguments: &Arguments) -> Answer {
    let touser = arguments.required_text("touser", code::INVALID_OPENID)?;
    call.record("message", format!("Uniform message to {touser}"), json!({ "touser": touser }));
    ok_with(json!({}))
}

/// `customerServiceMessage.send`.
pub(super) fn send_customer_service(call: &Call<'_>, arguments: &Arguments) -> Answer {
    let touser = arguments.required_text("touser", code::INVALID_OPENID)?;
    let kind = arguments.required_text("msgtype", code::INVALID_ARGUMENTS)?;
    let Some(content) = arguments.get(kind) else {
        return Err(Refusal::new(
            code::INVALID_ARGUMENTS,
            format!("invalid args: {kind} is missing"),
        ));
    };
    call.record(
        "message",
        format!("Customer service message ({kind}) to {touser}"),
        json!({ "touser": touser, "msgtype": kind, "content": content }),
    );
    ok_with(json!({}))
}

/// `customerServiceMessage.setTyping`.
pub(super) fn set_typing(call: &Call<'_>, arguments: &Arguments) -> Answer {
    let touser = arguments.required_text("touser", code::INVALID_OPENID)?;
    call.record("message", format!("Typing shown to {touser}"), json!({ "touser": touser }));
    ok_with(json!({}))
}

/// `customerServiceMessage.uploadTempMedia`.
pub(super) fn upload_media(call: &Call<'_>, arguments: &Arguments) -> Answer {
    let Some(file) = arguments.file.as_ref().filter(|file| !file.is_empty()) else {
        return Err(Refusal::new(code::MEDIA_MISSING, "media data missing"));
    };
    let media_id = random_id();
    call.record(
        "media",
        format!("Media of {} bytes uploaded", file.len()),
        json!({ "media_id": media_id }),
    );
    ok_with(json!({
        "type": arguments.text("type").unwrap_or("image"),
        "media_id": media_id,
        "created_at": call.now_ms() / 1000,
    }))
}

/// `subscribeMessage.addTemplate`, `templateMessage.addTemplate`.
pub(super) fn add_template(call: &Call<'_>, arguments: &Arguments) -> Answer {
    let title = ["tid", "id"].into_iter().find_map(|name| arguments.get(name));
    let Some(title) = title else {
        return Err(Refusal::new(code::INVALID_TEMPLATE, "invalid template id: tid is missing"));
    };
    let title = title.as_str().map_or_else(|| title.to_string(), str::to_owned);
    let id = random_id();
    let mut templates = call.simulator.templates.lock().unwrap_or_else(PoisonError::into_inner);
    if templates.0.len() >= TEMPLATES_MAX {
        return Err(Refusal::new(200_012, "the number of templates has reached its limit"));
    }
    templates.0.push((id.clone(), title));
    drop(templates);
    call.record("template", format!("Template {id} added"), json!({ "template_id": id }));
    ok_with(json!({ "priTmplId": id, "template_id": id }))
}

/// `subscribeMessage.deleteTemplate`, `templateMessage.deleteTemplate`.
pub(super) fn delete_template(call: &Call<'_>, arguments: &Arguments) -> Answer {
    let id = ["pri_tmpl_id", "priTmplId", "template_id"]
        .into_iter()
        .find_map(|name| arguments.text(name))
        .unwrap_or_default();
    let mut templates = call.simulator.templates.lock().unwrap_or_else(PoisonError::into_inner);
    let before = templates.0.len();
    templates.0.retain(|(known, _)| known != id);
    if templates.0.len() == before {
        return Err(Refusal::new(code::INVALID_TEMPLATE, "invalid template id"));
    }
    drop(templates);
    call.record("template", format!("Template {id} deleted"), json!({ "template_id": id }));
    ok_with(json!({}))
}

/// `subscribeMessage.getTemplateList`, `templateMessage.getTemplateList`.
pub(super) fn list_templates(call: &Call<'_>, _: &Arguments) -> Answer {
    let templates = call.simulator.templates.lock().unwrap_or_else(PoisonError::into_inner);
    let list: Vec<Value> = templates
        .0
        .iter()
        .map(|(id, title)| {
            json!({
                "priTmplId": id, "template_id": id, "title": title, "content": "", "example": "",
            })
        })
        .collect();
    let member = if call.name.starts_with("subscribe") { "data" } else { "list" };
    let mut reply = json!({});
    reply[member] = list.into();
    ok_with(reply)
}

/// Numbers as WeChat gives them to messages: large, but exact in JavaScript.
fn message_number() -> u64 {
    u64::from(rand::random::<u32>()) + 1_000_000_000_000
}

fn bad_argument(what: &str) -> Refusal {
    Refusal::new(code::INVALID_TEMPLATE_ARGUMENT, format!("argument invalid! {what}"))
}
