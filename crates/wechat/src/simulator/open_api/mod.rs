//! The open APIs that the simulator answers: some with the checks, numbers and effects of the real
//! one, all others of the table of routes with an example of the documented reply. A name that is
//! not in the table is refused.

mod arguments;
mod codes;
mod documented;
mod messages;
mod security;

use serde_json::{Value, json};

use super::{Simulator, code_image, invalid_code, is_name, random_id};
use crate::error::{Error, code};
use crate::open_api::{OpenApiCall, OpenApiReply};
use crate::routes;
use arguments::Arguments;

pub(super) use messages::Templates;

/// A refusal as WeChat words it: a number and a message, sent as an ordinary reply.
struct Refusal {
    errcode: i64,
    errmsg: String,
}

impl Refusal {
    fn new(errcode: i64, errmsg: impl Into<String>) -> Self {
        Self { errcode, errmsg: errmsg.into() }
    }
}

/// What an API gives: its reply, or why it refuses.
type Answer = Result<OpenApiReply, Refusal>;

/// Answers a call.
pub(super) fn answer(simulator: &Simulator, call: &OpenApiCall) -> Result<OpenApiReply, Error> {
    let name = match routes::by_path(&call.name) {
        Some(route) => route.name,
        None => call.name.as_str(),
    };
    let Some(api) = api_of(name) else {
        return Err(not_simulated(simulator, name));
    };
    let call = Call { simulator, name, call };
    let answer = Arguments::read(call.call).and_then(|arguments| api(&call, &arguments));
    Ok(answer.unwrap_or_else(|refusal| {
        let title = format!("{name} refused: {} {}", refusal.errcode, refusal.errmsg);
        call.record("refused", title, json!({ "errcode": refusal.errcode }));
        json_reply(&json!({ "errcode": refusal.errcode, "errmsg": refusal.errmsg }))
    }))
}

type Api = fn(&Call<'_>, &Arguments) -> Answer;

fn api_of(name: &str) -> Option<Api> {
    let api: Api = match name {
        "customerServiceMessage.send" => messages::send_customer_service,
        "customerServiceMessage.setTyping" => messages::set_typing,
        "customerServiceMessage.uploadTempMedia" => messages::upload_media,
        "phonenumber.getPhoneNumber" => phone_number,
        "security.imgSecCheck" => security::check_image,
        "security.mediaCheckAsync" => security::check_media_later,
        "security.msgSecCheck" => security::check_text,
        "shortlink.generate" => codes::short_link,
        "subscribeMessage.addTemplate" | "templateMessage.addTemplate" => messages::add_template,
        "subscribeMessage.deleteTemplate" | "templateMessage.deleteTemplate" => {
            messages::delete_template
        }
        "subscribeMessage.getTemplateList" | "templateMessage.getTemplateList" => {
            messages::list_templates
        }
        "subscribeMessage.send" => messages::send_subscribe,
        "templateMessage.send" => messages::send_template,
        "uniformMessage.send" => messages::send_uniform,
        "urllink.generate" => codes::url_link,
        "urlscheme.generate" => codes::url_scheme,
        "wxacode.createQRCode" | "wxacode.get" => codes::path_code,
        "wxacode.getUnlimited" => codes::scene_code,
        _ if documented::is_documented(name) => documented::answer,
        _ => return None,
    };
    Some(api)
}

/// One call on its way through the simulator.
struct Call<'a> {
    simulator: &'a Simulator,
    name: &'a str,
    call: &'a OpenApiCall,
}

impl Call<'_> {
    fn now_ms(&self) -> i64 {
        self.simulator.options.clock.now_ms()
    }

    /// Shows what happened, with the arguments of the call.
    fn record(&self, kind: &'static str, title: String, mut detail: Value) {
        detail["api"] = self.name.into();
        detail["arguments"] = arguments::shown(self.call);
        if let Some(openid) = &self.call.caller_openid {
            detail["caller_openid"] = openid.as_str().into();
        }
        self.simulator.events.record(self.now_ms(), kind, title, detail);
    }
}

/// A JSON reply.
fn json_reply(value: &Value) -> OpenApiReply {
    OpenApiReply::json(value.to_string().into(), value)
}

/// `{"errcode":0,"errmsg":"ok"}` with `members` added.
fn ok_with(members: Value) -> Answer {
    let mut reply = json!({ "errcode": 0, "errmsg": "ok" });
    if let (Some(reply), Value::Object(members)) = (reply.as_object_mut(), members) {
        reply.extend(members);
    }
    Ok(json_reply(&reply))
}

/// The phone number of a simulated user: the code is `dev-<name>`, the number follows from the
/// name.
fn phone_number(call: &Call<'_>, arguments: &Arguments) -> Answer {
    let given = arguments.text("code").unwrap_or_default();
    let name = given.strip_prefix(super::CODE_PREFIX).filter(|name| is_name(name));
    let Some(name) = name else {
        return Err(Refusal::new(code::INVALID_CODE, invalid_code(given).errmsg));
    };
    let simulator = call.simulator;
    let mut phone = simulator.phone_of(&simulator.openid(name));
    phone["watermark"] = json!({ "timestamp": call.now_ms() / 1000, "appid": simulator.app_id() });
    call.record("phone-number", format!("Phone number of {name}"), phone.clone());
    ok_with(json!({ "phone_info": phone }))
}

fn not_simulated(simulator: &Simulator, name: &str) -> Error {
    let error = Error::api_not_found(name);
    simulator.events.record(
        simulator.options.clock.now_ms(),
        "refused",
        format!("{name}: API not found"),
        json!({ "api": name, "errcode": error.errcode }),
    );
    error
}
