//! The simulator answers as WeChat would, and shows what it did.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};
use wechat::{
    Clock, CodeContent, Field, OpenApiCall, OpenApiReply, SimulatorOptions, WeChat, code,
};

fn simulator() -> WeChat {
    WeChat::simulator(SimulatorOptions::new("wx01234567"))
}

async fn call(wechat: &WeChat, name: &str, arguments: Value) -> OpenApiReply {
    let fields = arguments.as_object().unwrap();
    let fields = fields.iter().map(|(key, value)| Field::json(key, value)).collect();
    let call = OpenApiCall { name: name.to_owned(), fields, caller_openid: None };
    wechat.open_api(call).await.unwrap()
}

async fn upload(wechat: &WeChat, name: &str, bytes: Vec<u8>) -> OpenApiReply {
    let fields = vec![Field::media("media", "media.png", bytes)];
    let call = OpenApiCall { name: name.to_owned(), fields, caller_openid: None };
    wechat.open_api(call).await.unwrap()
}

fn body(reply: &OpenApiReply) -> Value {
    assert_eq!(reply.content_type, "application/json");
    serde_json::from_slice(&reply.body).unwrap()
}

/// What a scanner reads from a picture.
fn scan(jpeg: &[u8]) -> String {
    let picture = image::load_from_memory_with_format(jpeg, image::ImageFormat::Jpeg).unwrap();
    let picture = picture.to_luma8();
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let mut scanner = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| {
        picture.get_pixel(x as u32, y as u32).0[0]
    });
    let codes = scanner.detect_grids();
    assert_eq!(codes.len(), 1, "one code in the picture");
    codes[0].decode().unwrap().1
}

#[tokio::test]
async fn a_name_is_one_openid_per_app_and_looks_real() {
    let wechat = simulator();
    let alice = wechat.session("dev-alice").await.unwrap();
    assert_eq!((alice.openid.len(), alice.openid.as_bytes()[0]), (28, b'o'));
    assert!(alice.openid.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)));
    assert_eq!(alice.unionid, None);
    assert_eq!(simulator().session("dev-alice").await.unwrap().openid, alice.openid);
    let bob = wechat.session("dev-小明").await.unwrap();
    assert_ne!(bob.openid, alice.openid);
    assert_eq!(bob.openid[..6], alice.openid[..6], "openids of one app share their beginning");

    let mut other_app = SimulatorOptions::new("wx-other");
    other_app.gives_unionid = true;
    let other = WeChat::simulator(other_app.clone()).session("dev-alice").await.unwrap();
    assert_ne!(other.openid, alice.openid);
    other_app.app_id = "wx-third".to_owned();
    let third = WeChat::simulator(other_app).session("dev-alice").await.unwrap();
    assert!(third.unionid.is_some() && third.unionid == other.unionid);
}

#[tokio::test]
async fn codes_that_mean_nobody_are_refused() {
    let wechat = simulator();
    let long = format!("dev-{}", "x".repeat(65));
    for given in ["", "dev-", "dev-a b", "dev-<x>", "alice", "0a3000ABC", &long] {
        let error = wechat.session(given).await.unwrap_err();
        assert_eq!(error.errcode, code::INVALID_CODE, "{given}");
    }
    assert!(wechat.events().recent().iter().all(|event| event.kind == "refused"));
}

#[tokio::test]
async fn one_time_codes_work_once_and_for_five_minutes() {
    let now_ms = Arc::new(AtomicI64::new(1_000_000));
    let mut options = SimulatorOptions::new("wx1");
    let clock = now_ms.clone();
    options.clock = Clock::from_fn(move || clock.load(Ordering::SeqCst));
    let wechat = WeChat::simulator(options);
    let simulator = wechat.as_simulator().unwrap();

    let first = simulator.issue_code("alice").unwrap();
    assert_eq!(first.len(), 32);
    let session = wechat.session(&first).await.unwrap();
    assert_eq!(session.openid, wechat.session("dev-alice").await.unwrap().openid);
    assert_eq!(wechat.session(&first).await.unwrap_err().errcode, code::CODE_USED);

    let second = simulator.issue_code("alice").unwrap();
    assert_ne!(first, second);
    now_ms.fetch_add(5 * 60 * 1000, Ordering::SeqCst);
    assert_eq!(wechat.session(&second).await.unwrap_err().errcode, code::INVALID_CODE);
    assert_eq!(simulator.issue_code("a b").unwrap_err().errcode, code::INVALID_CODE);
}

#[tokio::test]
async fn mini_program_codes_can_be_scanned() {
    let wechat = simulator();
    let rows = [
        (
            "wxacode.getUnlimited",
            json!({ "scene": "a=1&b=x!", "page": "pages/a/b", "width": 430 }),
            "yunkai-sim://wxacode?appid=wx01234567&page=pages%2Fa%2Fb&scene=a%3D1%26b%3Dx%21",
        ),
        (
            "/wxa/getwxacodeunlimit",
            json!({ "scene": "~".repeat(32), "width": 10 }),
            "yunkai-sim://wxacode?appid=wx01234567&page=&scene=~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~",
        ),
        (
            "wxacode.get",
            json!({ "path": "pages/a?id=云", "width": "99999" }),
            "yunkai-sim://wxacode?appid=wx01234567&page=pages%2Fa&query=id%3D%E4%BA%91&scene=",
        ),
        (
            "wxacode.createQRCode",
            json!({ "path": "pages/a" }),
            "yunkai-sim://wxacode?appid=wx01234567&page=pages%2Fa&scene=",
        ),
    ];
    for (name, arguments, expected) in rows {
        let reply = call(&wechat, name, arguments).await;
        assert_eq!((reply.content_type.as_str(), reply.errcode), ("image/jpeg", 0), "{name}");
        assert_eq!(scan(&reply.body), expected, "{name}");
        let event = wechat.events().recent().pop().unwrap();
        assert_eq!((event.kind, &event.detail["text"]), ("mini-program-code", &json!(expected)));
    }
}

#[tokio::test]
async fn the_platform_decides_what_a_code_says() {
    let mut options = SimulatorOptions::new("wx1");
    options.code_text =
        Arc::new(|content: &CodeContent| format!("http://127.0.0.1:9527/?scene={}", content.scene));
    let wechat = WeChat::simulator(options);
    let reply = call(&wechat, "wxacode.getUnlimited", json!({ "scene": "k3J9" })).await;
    assert_eq!(scan(&reply.body), "http://127.0.0.1:9527/?scene=k3J9");
}

#[tokio::test]
async fn refusals_are_wechats_own() {
    let wechat = simulator();
    let template = json!({ "touser": "o1", "template_id": "t", "data": { "thing1": {} } });
    let rows = [
        ("wxacode.getUnlimited", json!({}), code::INVALID_SCENE),
        ("wxacode.getUnlimited", json!({ "scene": "" }), code::INVALID_SCENE),
        ("wxacode.getUnlimited", json!({ "scene": 12 }), code::INVALID_SCENE),
        ("wxacode.getUnlimited", json!({ "scene": "x".repeat(33) }), code::INVALID_SCENE),
        ("wxacode.getUnlimited", json!({ "scene": "a b" }), code::INVALID_SCENE),
        ("wxacode.getUnlimited", json!({ "scene": "云" }), code::INVALID_SCENE),
        ("wxacode.getUnlimited", json!({ "scene": "a", "page": "/p" }), code::INVALID_PAGE),
        ("wxacode.getUnlimited", json!({ "scene": "a", "page": "p?a=1" }), code::INVALID_PAGE),
        ("wxacode.get", json!({ "path": "" }), code::INVALID_PATH),
        ("wxacode.get", json!({ "path": "x".repeat(1025) }), code::INVALID_PATH),
        ("security.msgSecCheck", json!({ "content": "" }), code::EMPTY_CONTENT),
        ("security.msgSecCheck", json!({ "content": "so RISKY!" }), code::RISKY_CONTENT),
        ("security.msgSecCheck", json!({ "content": "这是违规测试" }), code::RISKY_CONTENT),
        ("security.msgSecCheck", json!({ "content": "x", "version": 2 }), code::INVALID_OPENID),
        ("security.imgSecCheck", json!({}), code::MEDIA_MISSING),
        ("subscribeMessage.send", json!({ "template_id": "t" }), code::INVALID_OPENID),
        ("subscribeMessage.send", json!({ "touser": "o1" }), code::INVALID_TEMPLATE),
        (
            "subscribeMessage.send",
            json!({ "touser": "o1", "template_id": "t" }),
            code::INVALID_TEMPLATE_ARGUMENT,
        ),
        ("subscribeMessage.send", template, code::INVALID_TEMPLATE_ARGUMENT),
        (
            "customerServiceMessage.send",
            json!({ "touser": "o1", "msgtype": "text" }),
            code::INVALID_ARGUMENTS,
        ),
        ("templateMessage.deleteTemplate", json!({ "template_id": "x" }), code::INVALID_TEMPLATE),
        ("phonenumber.getPhoneNumber", json!({ "code": "x" }), code::INVALID_CODE),
    ];
    for (name, arguments, errcode) in rows {
        let reply = call(&wechat, name, arguments.clone()).await;
        assert_eq!(reply.errcode, errcode, "{name} {arguments}");
        let body = body(&reply);
        assert_eq!(body["errcode"], errcode);
        assert!(body["errmsg"].as_str().is_some_and(|errmsg| !errmsg.is_empty()));
        assert_eq!(wechat.events().recent().pop().unwrap().detail["errcode"], errcode);
    }
}

#[tokio::test]
async fn unknown_apis_are_not_found() {
    let wechat = simulator();
    for name in ["no.suchApi", "/wxa/no_such_api"] {
        let call = OpenApiCall { name: name.to_owned(), ..OpenApiCall::default() };
        let error = wechat.open_api(call).await.unwrap_err();
        assert_eq!(error.errcode, code::API_NOT_FOUND);
        assert!(error.errmsg.starts_with("API not found"), "{error}");
        assert_eq!(wechat.events().recent().pop().unwrap().kind, "refused");
    }
}

#[tokio::test]
async fn the_rest_of_the_table_is_answered_by_examples_that_say_so() {
    let wechat = simulator();
    let dates = json!({ "begin_date": "20260101", "end_date": "20260101" });
    let page = body(&call(&wechat, "analysis.getVisitPage", dates).await);
    assert_eq!(page["list"][0]["page_path"], "pages/index/index");
    assert_eq!(wechat.events().recent().pop().unwrap().kind, "example");
    let without = body(&call(&wechat, "analysis.getVisitPage", json!({})).await);
    assert_eq!(without["errcode"], code::INVALID_ARGUMENTS);
    assert_eq!(without["errmsg"], "invalid args: begin_date is missing");

    let blind = body(&call(&wechat, "ocr.idcard", json!({})).await);
    assert_eq!(blind["errcode"], code::MEDIA_MISSING);
    let card = json!({ "img_url": "https://example.com/a.jpg" });
    assert_eq!(body(&call(&wechat, "ocr.idcard", card).await)["type"], "Front");
    assert_eq!(body(&upload(&wechat, "/cv/ocr/idcard", vec![1]).await)["errcode"], 0);
    let media = call(&wechat, "customerServiceMessage.getTempMedia", json!({ "media_id": "m" }));
    assert_eq!(media.await.content_type, "image/jpeg");
}

#[tokio::test]
async fn content_is_risky_by_its_words() {
    let wechat = simulator();
    assert_eq!(
        call(&wechat, "security.msgSecCheck", json!({ "content": "fine" })).await.errcode,
        0
    );
    for (content, suggest, label) in [("fine", "pass", 100), ("RISKY", "risky", 20_001)] {
        let arguments = json!({ "content": content, "version": 2, "openid": "o1", "scene": 2 });
        let reply = body(&call(&wechat, "security.msgSecCheck", arguments).await);
        assert_eq!(reply["errcode"], 0);
        assert_eq!(reply["result"], json!({ "suggest": suggest, "label": label }));
    }
    let rows: [(Vec<u8>, i64); 3] = [
        (b"\xff\xd8\xff picture".to_vec(), 0),
        ("\u{1}违规测试\u{2}".as_bytes().to_vec(), code::RISKY_CONTENT),
        (vec![0; 1024 * 1024 + 1], code::INVALID_MEDIA_SIZE),
    ];
    for (bytes, errcode) in rows {
        assert_eq!(upload(&wechat, "security.imgSecCheck", bytes).await.errcode, errcode);
    }
    let kinds: Vec<_> = wechat.events().recent().iter().map(|event| event.kind).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "content-check").count(), 5);
}

#[tokio::test]
async fn messages_become_events_that_subscribers_hear() {
    let wechat = simulator();
    let mut heard = wechat.events().subscribe();
    let data = json!({ "thing1": { "value": "新评论" } });
    let fields = vec![
        Field::json("touser", &json!("o1")),
        Field::json("template_id", &json!("t1")),
        Field::json("page", &json!("x".repeat(400))),
        Field::json("data", &data),
    ];
    let name = "subscribeMessage.send".to_owned();
    let call_of_bob = OpenApiCall { name, fields, caller_openid: Some("oBob".to_owned()) };
    assert_eq!(wechat.open_api(call_of_bob).await.unwrap().errcode, 0);
    let event = heard.try_recv().unwrap();
    assert_eq!((event.number, event.kind), (1, "subscribe-message"));
    assert_eq!(event.detail["touser"], "o1");
    assert_eq!(event.detail["data"], data);
    assert_eq!(event.detail["caller_openid"], "oBob");
    assert_eq!(event.detail["api"], "subscribeMessage.send");
    let shown = event.detail["arguments"]["page"].as_str().unwrap().chars().count();
    assert_eq!(shown, 301, "long texts are cut");
    assert_eq!(wechat.events().recent(), [event]);

    let text = json!({ "touser": "o1", "msgtype": "text", "text": { "content": "收到：hi" } });
    assert_eq!(call(&wechat, "customerServiceMessage.send", text).await.errcode, 0);
    assert_eq!(heard.try_recv().unwrap().detail["content"]["content"], "收到：hi");
    let media = body(&upload(&wechat, "customerServiceMessage.uploadTempMedia", vec![1]).await);
    assert!(media["media_id"].as_str().is_some_and(|id| !id.is_empty()));
}

#[tokio::test]
async fn templates_are_added_listed_used_and_deleted() {
    let wechat = simulator();
    let added = call(&wechat, "templateMessage.addTemplate", json!({ "id": "AT0002" })).await;
    let id = body(&added)["template_id"].as_str().unwrap().to_owned();
    let list = body(&call(&wechat, "templateMessage.getTemplateList", json!({})).await);
    assert_eq!(list["list"][0]["template_id"], id);
    let send = json!({ "touser": "o1", "template_id": id, "form_id": "f", "data": {} });
    assert_eq!(call(&wechat, "templateMessage.send", send).await.errcode, 0);
    let delete = json!({ "template_id": id });
    assert_eq!(call(&wechat, "templateMessage.deleteTemplate", delete).await.errcode, 0);
    let list = body(&call(&wechat, "templateMessage.getTemplateList", json!({})).await);
    assert_eq!(list["list"], json!([]));
}

#[tokio::test]
async fn phone_numbers_and_links_look_real() {
    let wechat = simulator();
    let code = json!({ "code": "dev-alice" });
    let phone = body(&call(&wechat, "phonenumber.getPhoneNumber", code.clone()).await);
    let number = phone["phone_info"]["purePhoneNumber"].as_str().unwrap();
    assert!(number.len() == 11 && number.chars().all(|c| c.is_ascii_digit()));
    let again = body(&call(&wechat, "/wxa/business/getuserphonenumber", code).await);
    assert_eq!(again["phone_info"]["purePhoneNumber"], number);
    for (name, arguments, member, start) in [
        ("urllink.generate", json!({}), "url_link", "https://wxaurl.cn/"),
        ("urlscheme.generate", json!({}), "openlink", "weixin://dl/business/?t="),
        ("shortlink.generate", json!({ "page_url": "p" }), "link", "#小程序://"),
    ] {
        let reply = body(&call(&wechat, name, arguments).await);
        assert!(reply[member].as_str().unwrap().starts_with(start), "{name}");
    }
}

#[tokio::test]
async fn the_list_of_events_is_bounded_and_numbered_without_gaps() {
    let wechat = simulator();
    for number in 0..600 {
        wechat.session(&format!("dev-u{number}")).await.unwrap();
    }
    let numbers: Vec<_> = wechat.events().recent().iter().map(|event| event.number).collect();
    assert_eq!(numbers, (101..=600).collect::<Vec<u64>>());
}
