//! The open APIs of which the simulator knows no more than the documented reply: each gives an
//! example of the documented shape once its required arguments are there. Nothing is remembered
//! between calls, and every event says that the reply is an example.

use std::sync::LazyLock;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{Answer, Arguments, Call, Refusal, code_image, ok_with};
use crate::error::code;
use crate::open_api::OpenApiReply;

/// By name: `needs`, the arguments that must be there; `media`, a file or one of these arguments;
/// `reply`, the members beside `errcode`; `file`, when the reply is a picture.
static DOCUMENTED: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("documented.json")).expect("the file is a JSON object")
});

/// True when this is one of them.
pub(super) fn is_documented(name: &str) -> bool {
    DOCUMENTED.contains_key(name)
}

/// The example of this API.
pub(super) fn answer(call: &Call<'_>, arguments: &Arguments) -> Answer {
    let example = DOCUMENTED.get(call.name).unwrap_or(&Value::Null);
    let texts = |member: &str| {
        let list = example[member].as_array().into_iter().flatten();
        list.filter_map(Value::as_str).collect::<Vec<_>>()
    };
    if let Some(name) = texts("needs").into_iter().find(|name| arguments.get(name).is_none()) {
        let message = format!("invalid args: {name} is missing");
        return Err(Refusal::new(code::INVALID_ARGUMENTS, message));
    }
    let media = texts("media");
    let has_file = arguments.file.as_ref().is_some_and(|file| !file.is_empty());
    if !media.is_empty() && !has_file && media.iter().all(|name| arguments.get(name).is_none()) {
        return Err(Refusal::new(code::MEDIA_MISSING, "media data missing"));
    }
    call.record("example", format!("{}: an example is the reply", call.name), json!({}));
    match example["file"].as_bool() {
        Some(true) => picture(call.name),
        _ => ok_with(example["reply"].clone()),
    }
}

/// A picture that says which API it comes from.
fn picture(name: &str) -> Answer {
    let body: Bytes = code_image::draw(name, code_image::WIDTH_DEFAULT_PX)
        .map_err(|error| Refusal::new(error.errcode, error.errmsg))?;
    let content_type = "image/jpeg".to_owned();
    Ok(OpenApiReply { content_type, body, errcode: 0, errmsg: "ok".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes;
    use crate::simulator::open_api::api_of;

    #[test]
    fn every_route_is_answered_and_every_example_has_a_route() {
        // The platform keeps delayed calls by itself, with and without WeChat.
        let elsewhere = "cloudbase.addDelayedFunctionTask";
        for name in routes::names().filter(|name| *name != elsewhere) {
            assert!(api_of(name).is_some(), "{name} is in the table and has no answer");
        }
        for name in DOCUMENTED.keys() {
            assert!(routes::by_name(name).is_some(), "{name} has an example and no route");
        }
    }
}
