//! The HTTP client against a server that behaves as WeChat's does: one valid access token at a
//! time, refusals as HTTP 200 with an `errcode`, pictures on success, labels that do not fit the
//! content.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Multipart, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use wechat::{Field, HttpOptions, OpenApiCall, WeChat, code};

const SECRET: &str = "the-app-secret";
const JPEG: &[u8] = b"\xff\xd8\xff\xe0 a picture";

/// What the server knows.
#[derive(Default)]
struct Servers {
    tokens_given: AtomicU64,
    valid_token: Mutex<String>,
    /// What a call with another token is answered.
    refusal: AtomicI64,
    /// No token is good enough.
    refuses_all: AtomicBool,
    /// Calls answered, refused ones included.
    calls: AtomicU64,
    /// When not 0: how often `/cgi-bin/token` still answers "busy".
    busy: AtomicU64,
}

type Arguments = Query<BTreeMap<String, String>>;
type Shared = State<Arc<Servers>>;

impl Servers {
    /// The refusal of a call whose token is not the valid one.
    fn refuse(&self, arguments: &BTreeMap<String, String>) -> Option<Response> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let is_valid = arguments.get("access_token") == Some(&*self.valid_token.lock().unwrap());
        let errcode = self.refusal.load(Ordering::SeqCst);
        let refuses = !is_valid || self.refuses_all.load(Ordering::SeqCst);
        refuses.then(|| refusal(errcode, "access_token is invalid or not latest"))
    }

    fn expire_token(&self, errcode: i64) {
        "nobody has this one".clone_into(&mut self.valid_token.lock().unwrap());
        self.refusal.store(errcode, Ordering::SeqCst);
    }

    fn counts(&self) -> (u64, u64) {
        (self.tokens_given.load(Ordering::SeqCst), self.calls.load(Ordering::SeqCst))
    }
}

fn refusal(errcode: i64, errmsg: &str) -> Response {
    // The real servers label some JSON as text.
    let body = json!({ "errcode": errcode, "errmsg": errmsg }).to_string();
    ([("content-type", "text/plain")], body).into_response()
}

fn is_known(arguments: &BTreeMap<String, String>) -> bool {
    arguments["appid"] == "wx-test" && arguments["secret"] == SECRET
}

async fn token(State(servers): Shared, Query(arguments): Arguments) -> Response {
    assert_eq!(arguments["grant_type"], "client_credential");
    if !is_known(&arguments) {
        return refusal(40125, "invalid appsecret");
    }
    if servers.busy.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
        return refusal(-1, "system error");
    }
    let number = servers.tokens_given.fetch_add(1, Ordering::SeqCst) + 1;
    let token = format!("token {number} +/=&");
    servers.valid_token.lock().unwrap().clone_from(&token);
    axum::Json(json!({ "access_token": token, "expires_in": 7200 })).into_response()
}

async fn session(Query(arguments): Arguments) -> Response {
    assert_eq!(arguments["grant_type"], "authorization_code");
    if !is_known(&arguments) {
        return refusal(40125, "invalid appsecret");
    }
    let body = match arguments["js_code"].as_str() {
        "good&code" => json!({ "openid": "oGood", "session_key": "a2V5", "unionid": "u1" }),
        "no-union" => json!({ "openid": "oGood", "session_key": "a2V5", "errcode": 0 }),
        "nothing" => json!({}),
        "used" => return refusal(40163, "code been used, rid: 1"),
        _ => return refusal(40029, "invalid code, rid: 2"),
    };
    ([("content-type", "text/plain")], body.to_string()).into_response()
}

async fn code_image(State(servers): Shared, Query(arguments): Arguments, body: Bytes) -> Response {
    if let Some(refused) = servers.refuse(&arguments) {
        return refused;
    }
    let body: Value = serde_json::from_slice(&body).unwrap();
    match body["scene"].as_str() {
        Some("id=1") => ([("content-type", "image/jpeg")], JPEG).into_response(),
        _ => refusal(40169, "invalid scene"),
    }
}

async fn echo_json(State(servers): Shared, Query(arguments): Arguments, body: String) -> Response {
    if let Some(refused) = servers.refuse(&arguments) {
        return refused;
    }
    axum::Json(json!({ "errcode": 0, "errmsg": "ok", "body": body, "query": arguments }))
        .into_response()
}

async fn echo_form(
    State(servers): Shared,
    Query(arguments): Arguments,
    mut form: Multipart,
) -> Response {
    if let Some(refused) = servers.refuse(&arguments) {
        return refused;
    }
    let mut parts = Vec::new();
    while let Some(field) = form.next_field().await.unwrap() {
        let name = field.name().unwrap().to_owned();
        let file_name = field.file_name().map(str::to_owned);
        let content_type = field.content_type().map(str::to_owned);
        let bytes = field.bytes().await.unwrap().len();
        parts.push(json!([name, file_name, content_type, bytes]));
    }
    axum::Json(json!({ "errcode": 0, "parts": parts, "query": arguments })).into_response()
}

async fn start() -> (Arc<Servers>, String) {
    let servers = Arc::new(Servers::default());
    let router = Router::new()
        .route("/prefix/cgi-bin/token", get(token))
        .route("/prefix/sns/jscode2session", get(session))
        .route("/prefix/wxa/getwxacodeunlimit", post(code_image))
        .route("/prefix/wxa/img_sec_check", post(echo_form))
        .route("/prefix/cgi-bin/media/upload", post(echo_form))
        .route("/prefix/cgi-bin/message/subscribe/send", post(echo_json))
        .route("/prefix/wxaapi/newtmpl/gettemplate", get(echo_json))
        .route("/prefix/wxa/business/anything", post(echo_json))
        .route("/prefix/wxa/msg_sec_check", post(|| async { StatusCode::BAD_GATEWAY }))
        .with_state(servers.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/prefix/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (servers, base_url)
}

fn client(base_url: &str, app_secret: &str) -> WeChat {
    let mut options = HttpOptions::new("wx-test", app_secret);
    base_url.clone_into(&mut options.base_url);
    WeChat::http(options).unwrap()
}

fn call(name: &str, fields: Vec<Field>) -> OpenApiCall {
    OpenApiCall { name: name.to_owned(), fields, caller_openid: None }
}

fn code_call() -> OpenApiCall {
    call("wxacode.getUnlimited", vec![Field::json("scene", &json!("id=1"))])
}

#[tokio::test]
async fn sign_in_codes_become_sessions_or_wechats_own_errors() {
    let (servers, base_url) = start().await;
    let wechat = client(&base_url, SECRET);
    let session = wechat.session("good&code").await.unwrap();
    assert_eq!((session.openid.as_str(), session.session_key.as_str()), ("oGood", "a2V5"));
    assert_eq!(session.unionid.as_deref(), Some("u1"));
    assert_eq!(wechat.session("no-union").await.unwrap().unionid, None);
    for (given, errcode) in [
        ("used", code::CODE_USED),
        ("dev-alice", code::INVALID_CODE),
        ("", code::INVALID_CODE),
        ("nothing", code::UNREADABLE_REPLY),
    ] {
        assert_eq!(wechat.session(given).await.unwrap_err().errcode, errcode, "{given}");
    }
    assert_eq!(client(&base_url, "wrong").session("good&code").await.unwrap_err().errcode, 40125);
    assert_eq!(servers.counts(), (0, 0), "sign-in needs no access token");
}

#[tokio::test]
async fn pictures_and_json_are_told_apart() {
    let (_, base_url) = start().await;
    let wechat = client(&base_url, SECRET);
    let reply = wechat.open_api(code_call()).await.unwrap();
    assert_eq!((reply.content_type.as_str(), reply.errcode), ("image/jpeg", 0));
    assert_eq!(&*reply.body, JPEG);

    let refused = call("wxacode.getUnlimited", vec![Field::json("scene", &json!("bad"))]);
    let reply = wechat.open_api(refused).await.unwrap();
    assert_eq!((reply.content_type.as_str(), reply.errcode), ("application/json", 40169));
    assert_eq!(reply.errmsg, "invalid scene");
}

#[tokio::test]
async fn arguments_travel_as_each_api_wants_them() {
    let (_, base_url) = start().await;
    let wechat = client(&base_url, SECRET);
    let json_fields = vec![
        Field { key: "n".into(), value: "1.50".into(), ..Field::default() },
        Field::json("data", &json!({ "thing1": { "value": "云" } })),
    ];
    let media = || Field::media("media", "photo.png", &b"\x89PNG\r\n\x1a\nrest"[..]);
    let kind = || Field::json("type", &json!("image"));
    let token = "token 1 +/=&";
    let rows = [
        (
            call("subscribeMessage.send", json_fields.clone()),
            json!({ "body": "{\"n\":1.50,\"data\":{\"thing1\":{\"value\":\"云\"}}}",
                    "query": { "access_token": token } }),
        ),
        (
            call("/wxa/business/anything?lang=zh", json_fields),
            json!({ "body": "{\"n\":1.50,\"data\":{\"thing1\":{\"value\":\"云\"}}}",
                    "query": { "access_token": token, "lang": "zh" } }),
        ),
        (
            call("subscribeMessage.getTemplateList", vec![kind()]),
            json!({ "body": "", "query": { "access_token": token, "type": "image" } }),
        ),
        (
            call("security.imgSecCheck", vec![media()]),
            json!({ "parts": [["media", "photo.png", "image/png", 12]],
                    "query": { "access_token": token } }),
        ),
        (
            call("/cgi-bin/media/upload", vec![kind(), media()]),
            json!({ "parts": [["media", "photo.png", "image/png", 12]],
                    "query": { "access_token": token, "type": "image" } }),
        ),
    ];
    for (call, expected) in rows {
        let name = call.name.clone();
        let reply = wechat.open_api(call).await.unwrap();
        let reply: Value = serde_json::from_slice(&reply.body).unwrap();
        for (member, value) in expected.as_object().unwrap() {
            assert_eq!(&reply[member], value, "{name} {member}");
        }
    }
}

#[tokio::test]
async fn one_token_serves_everybody_until_wechat_refuses_it() {
    let (servers, base_url) = start().await;
    let wechat = client(&base_url, SECRET);
    let crowd = |number: usize| {
        let wechat = wechat.clone();
        async move {
            let mut callers = tokio::task::JoinSet::new();
            for _ in 0..number {
                let wechat = wechat.clone();
                callers.spawn(async move { wechat.open_api(code_call()).await.unwrap().errcode });
            }
            assert!(callers.join_all().await.iter().all(|errcode| *errcode == 0));
        }
    };
    crowd(20).await;
    assert_eq!(servers.counts(), (1, 20));
    for (round, errcode) in [40001, 42001, 40014].into_iter().enumerate() {
        servers.expire_token(errcode);
        crowd(20).await;
        assert_eq!(servers.counts().0, 2 + round as u64, "one new token after {errcode}");
    }
}

#[tokio::test]
async fn a_token_refused_twice_is_the_callers_answer() {
    let (servers, base_url) = start().await;
    let wechat = client(&base_url, SECRET);
    wechat.open_api(code_call()).await.unwrap();
    servers.expire_token(40001);
    servers.refuses_all.store(true, Ordering::SeqCst);
    let reply = wechat.open_api(code_call()).await.unwrap();
    assert_eq!((reply.errcode, reply.content_type.as_str()), (40001, "application/json"));
    assert_eq!(servers.counts(), (2, 3), "one new token, one retry, and no more");
}

#[tokio::test]
async fn a_missing_token_is_an_error_and_is_asked_for_again() {
    let (servers, base_url) = start().await;
    let wechat = client(&base_url, SECRET);
    servers.busy.store(1, Ordering::SeqCst);
    let error = wechat.open_api(code_call()).await.unwrap_err();
    assert_eq!((error.errcode, error.is_transient()), (code::BUSY, true));
    assert_eq!(wechat.open_api(code_call()).await.unwrap().errcode, 0);

    let error = client(&base_url, "wrong").open_api(code_call()).await.unwrap_err();
    assert_eq!((error.errcode, error.is_transient()), (40125, false));
}

#[tokio::test]
async fn faults_on_the_way_say_what_to_do_and_keep_the_secret() {
    let (_, base_url) = start().await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let unreachable = client(&format!("http://{nobody}"), SECRET);
    let wechat = client(&base_url, SECRET);
    let text = || vec![Field::json("content", &json!("hello"))];
    let errors = [
        (unreachable.session("x").await.map(drop).unwrap_err(), code::NETWORK),
        (unreachable.open_api(code_call()).await.map(drop).unwrap_err(), code::NETWORK),
        (
            wechat.open_api(call("security.msgSecCheck", text())).await.map(drop).unwrap_err(),
            code::NETWORK,
        ),
        (
            wechat.open_api(call("no.suchApi", text())).await.map(drop).unwrap_err(),
            code::API_NOT_FOUND,
        ),
    ];
    for (error, errcode) in errors {
        assert_eq!(error.errcode, errcode, "{error}");
        assert!(!error.to_string().contains(SECRET), "{error}");
        assert!(error.errmsg.contains(" / "), "both languages: {error}");
    }
}

#[test]
fn options_that_cannot_work_are_refused_at_the_start() {
    for (app_id, app_secret, base_url) in
        [("", "s", ""), ("wx", " ", ""), ("wx", "s", "api.weixin.qq.com"), ("wx", "s", "ftp://x")]
    {
        let mut options = HttpOptions::new(app_id, app_secret);
        base_url.clone_into(&mut options.base_url);
        assert_eq!(WeChat::http(options).unwrap_err().errcode, code::CONFIGURATION);
    }
    let wechat = client("", SECRET);
    assert_eq!((wechat.app_id(), wechat.is_simulator()), ("wx-test", false));
    assert!(!format!("{wechat:?}").contains(SECRET));
}
