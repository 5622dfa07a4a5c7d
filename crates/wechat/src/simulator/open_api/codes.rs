//! Mini-program codes and links: `wxacode.*`, `urllink`, `urlscheme`, `shortlink`.

use serde_json::{Value, json};

use super::code_image::{self, CodeContent};
use super::{Answer, Arguments, Call, Refusal, ok_with, random_id};
use crate::error::code;
use crate::open_api::OpenApiReply;

/// The longest scene, in characters.
const SCENE_CHARS_MAX: usize = 32;
/// The longest path of `wxacode.get`, in bytes.
const PATH_BYTES_MAX: usize = 1024;
/// What a scene may hold beside letters and digits.
const SCENE_PUNCTUATION: &str = "!#$&'()*+,/:;=?@-._~";

/// `wxacode.getUnlimited`: any number of codes, told apart by a short scene.
pub(super) fn scene_code(call: &Call<'_>, arguments: &Arguments) -> Answer {
    // A number as scene is a common slip that WeChat answers with the same refusal.
    let scene = arguments.text("scene").unwrap_or_default();
    let allowed = |c: char| c.is_ascii_alphanumeric() || SCENE_PUNCTUATION.contains(c);
    if scene.is_empty() || scene.chars().count() > SCENE_CHARS_MAX || !scene.chars().all(allowed) {
        return Err(Refusal::new(
            code::INVALID_SCENE,
            "invalid scene: 1 to 32 visible characters are required, other ones must be encoded. \
             / scene 不合法：须为 1 到 32 个可见字符。",
        ));
    }
    let page = arguments.text("page").unwrap_or_default();
    if page.starts_with('/') || page.contains('?') {
        return Err(Refusal::new(
            code::INVALID_PAGE,
            "invalid page: write it as in app.json, without leading / and without a query; \
             put arguments into scene. / page 不合法：开头不能有 /，不能带参数，参数请放在 scene 中。",
        ));
    }
    draw(call, arguments, page, "", scene)
}

/// `wxacode.get` and `wxacode.createQRCode`: a page with its query string.
pub(super) fn path_code(call: &Call<'_>, arguments: &Arguments) -> Answer {
    let path = arguments.text("path").unwrap_or_default();
    if path.is_empty() || path.len() > PATH_BYTES_MAX {
        return Err(Refusal::new(
            code::INVALID_PATH,
            "invalid path: 1 to 1024 bytes are required. / path 不能为空，且长度不能大于 1024 字节。",
        ));
    }
    let (page, query) = path.split_once('?').unwrap_or((path, ""));
    draw(call, arguments, page.trim_start_matches('/'), query, "")
}

fn draw(call: &Call<'_>, arguments: &Arguments, page: &str, query: &str, scene: &str) -> Answer {
    let content = CodeContent {
        app_id: call.simulator.app_id().to_owned(),
        page: page.to_owned(),
        query: query.to_owned(),
        scene: scene.to_owned(),
        env_version: arguments.text("env_version").unwrap_or("release").to_owned(),
    };
    let text = (call.simulator.options.code_text)(&content);
    let width_px = arguments
        .number("width")
        .and_then(|width| u32::try_from(width).ok())
        .unwrap_or(code_image::WIDTH_DEFAULT_PX);
    let jpeg = code_image::draw(&text, width_px)
        .map_err(|error| Refusal::new(error.errcode, error.errmsg))?;
    call.record(
        "mini-program-code",
        format!("Mini-program code: {text}"),
        json!({ "text": text, "page": page, "query": query, "scene": scene }),
    );
    Ok(OpenApiReply {
        content_type: "image/jpeg".to_owned(),
        body: jpeg,
        errcode: 0,
        errmsg: "ok".to_owned(),
    })
}

/// `urllink.generate`.
pub(super) fn url_link(call: &Call<'_>, _: &Arguments) -> Answer {
    link(call, "url_link", format!("https://wxaurl.cn/{}", &random_id()[..11]))
}

/// `urlscheme.generate`.
pub(super) fn url_scheme(call: &Call<'_>, _: &Arguments) -> Answer {
    link(call, "openlink", format!("weixin://dl/business/?t={}", &random_id()[..11]))
}

/// `shortlink.generate`.
pub(super) fn short_link(call: &Call<'_>, arguments: &Arguments) -> Answer {
    arguments.required_text("page_url", code::INVALID_ARGUMENTS)?;
    link(call, "link", format!("#小程序://{}", &random_id()[..11]))
}

fn link(call: &Call<'_>, member: &str, link: String) -> Answer {
    call.record("link", format!("{}: {link}", call.name), json!({ "link": link }));
    let mut reply = json!({});
    reply[member] = Value::String(link);
    ok_with(reply)
}
