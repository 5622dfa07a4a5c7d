//! WeChat Pay over HTTP against a server that behaves as the real one does: signed XML in and out,
//! refusals as HTTP 200, bills as plain text.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use serde_json::{Map, Value, json};
use wechat::pay::{Mode, PayCall, PayOptions, PayReply, SignType, sign};
use wechat::{HttpOptions, WeChat, code};

const KEY: &str = "192006250b4c09247ec02edce69f6a2d";

/// What the server saw last, by path.
type Seen = Arc<Mutex<BTreeMap<&'static str, Map<String, Value>>>>;

/// The flat elements of a request.
fn fields_of(body: &str) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut rest = body.strip_prefix("<xml>").unwrap().strip_suffix("</xml>").unwrap();
    while let Some(end) = rest.find('>') {
        let name = &rest[1..end];
        let close = format!("</{name}>");
        let at = rest.find(&close).unwrap();
        let text = &rest[end + 1..at];
        let text =
            text.strip_prefix("<![CDATA[").map_or(text, |it| it.strip_suffix("]]>").unwrap());
        fields.insert(name.to_owned(), text.into());
        rest = &rest[at + close.len()..];
    }
    fields
}

fn signed(value: &Value, key: &str) -> String {
    let mut fields = value.as_object().cloned().unwrap();
    let signature = sign(&fields, key, SignType::Md5);
    fields.insert("sign".to_owned(), signature.into());
    let element = |(name, value): (&String, &Value)| {
        format!("<{name}><![CDATA[{}]]></{name}>", value.as_str().unwrap())
    };
    format!("<xml>{}</xml>", fields.iter().map(element).collect::<String>())
}

fn note(seen: &Seen, path: &'static str, body: &str) -> Map<String, Value> {
    let fields = fields_of(body);
    let kind = fields.get("sign_type").and_then(Value::as_str).unwrap_or("MD5");
    let expected = sign(&fields, KEY, SignType::parse(kind).unwrap());
    assert_eq!(fields["sign"], expected, "a request is signed");
    seen.lock().unwrap().insert(path, fields.clone());
    fields
}

async fn order(State(seen): State<Seen>, body: String) -> String {
    let fields = note(&seen, "order", &body);
    match fields["out_trade_no"].as_str().unwrap() {
        "T1" => signed(
            &json!({
                "return_code": "SUCCESS", "return_msg": "OK", "result_code": "SUCCESS",
                "prepay_id": "wx2017033010242291fcfe0db70013231072", "trade_type": "JSAPI",
            }),
            KEY,
        ),
        "paid" => signed(
            &json!({
                "return_code": "SUCCESS", "result_code": "FAIL", "err_code": "ORDERPAID",
            }),
            KEY,
        ),
        "forged" => signed(
            &json!({ "return_code": "SUCCESS", "result_code": "SUCCESS", "prepay_id": "x" }),
            "another key",
        ),
        _ => {
            "<xml><return_code>FAIL</return_code><return_msg>签名错误</return_msg></xml>".to_owned()
        }
    }
}

async fn query(State(seen): State<Seen>, body: String) -> String {
    note(&seen, "query", &body);
    signed(
        &json!({
            "return_code": "SUCCESS", "result_code": "SUCCESS", "trade_state": "SUCCESS",
            "total_fee": "88", "coupon_fee_0": "8", "coupon_count": "1", "out_trade_no": "T1",
        }),
        KEY,
    )
}

async fn servers() -> (Seen, String) {
    let seen = Seen::default();
    let router = Router::new()
        .route("/pay/unifiedorder", post(order))
        .route("/pay/orderquery", post(query))
        .route("/pay/downloadbill", post(|| async { "交易时间,总金额\r\n`2026,`0.88" }))
        .with_state(Arc::clone(&seen));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (seen, base_url)
}

fn client(base_url: &str, mode: Mode, sign_type: SignType) -> WeChat {
    let mut options = HttpOptions::new("wx-own", "secret");
    options.pay = Some(PayOptions {
        mch_id: "10000100".into(),
        key: KEY.into(),
        mode,
        sign_type,
        certificate: None,
        base_url: base_url.to_owned(),
    });
    WeChat::http(options).unwrap()
}

fn call(name: &str, arguments: &Value) -> PayCall {
    PayCall {
        name: name.to_owned(),
        arguments: arguments.as_object().cloned().unwrap(),
        openid: Some("oAlice".to_owned()),
        notify_url: "https://example.com/_wechat/pay/default".to_owned(),
    }
}

fn an_order(number: &str) -> PayCall {
    let arguments = json!({
        "body": "云 & <开>", "out_trade_no": number, "spbill_create_ip": "127.0.0.1",
        "total_fee": 88, "env_id": "e", "function_name": "paid", "sub_mch_id": "10000100",
    });
    call("unifiedOrder", &arguments)
}

async fn fields(wechat: &WeChat, call: &PayCall) -> Map<String, Value> {
    let outcome = wechat.pay(call).await.unwrap();
    assert!(outcome.notification.is_none(), "WeChat Pay tells by itself");
    match outcome.reply {
        PayReply::Fields(fields) => fields,
        PayReply::Bytes(_) => panic!("not fields"),
    }
}

#[tokio::test]
async fn an_order_is_signed_sent_and_becomes_a_payment() {
    let (seen, base_url) = servers().await;
    for sign_type in [SignType::Md5, SignType::HmacSha256] {
        let wechat = client(&base_url, Mode::Merchant, sign_type);
        let reply = fields(&wechat, &an_order("T1")).await;
        let package = "prepay_id=wx2017033010242291fcfe0db70013231072";
        assert_eq!(reply["payment"]["package"], package);
        assert_eq!(reply["payment"]["signType"], sign_type.name());
        let sent = seen.lock().unwrap()["order"].clone();
        for (name, value) in [
            ("appid", "wx-own"),
            ("mch_id", "10000100"),
            ("openid", "oAlice"),
            ("body", "云 & <开>"),
            ("total_fee", "88"),
            ("trade_type", "JSAPI"),
            ("notify_url", "https://example.com/_wechat/pay/default"),
        ] {
            assert_eq!(sent[name], value, "{name}");
        }
        assert!(!sent.contains_key("function_name") && !sent.contains_key("sub_mch_id"));
    }
}

#[tokio::test]
async fn a_provider_orders_for_its_sub_merchant() {
    let (seen, base_url) = servers().await;
    let mode = Mode::Provider { app_id: "wx-provider".into() };
    let wechat = client(&base_url, mode, SignType::Md5);
    fields(&wechat, &an_order("T1")).await;
    let sent = seen.lock().unwrap()["order"].clone();
    assert_eq!((&sent["appid"], &sent["sub_appid"]), (&json!("wx-provider"), &json!("wx-own")));
    assert_eq!((&sent["sub_mch_id"], &sent["sub_openid"]), (&json!("10000100"), &json!("oAlice")));
}

#[tokio::test]
async fn refusals_are_replies_and_forged_replies_are_errors() {
    let (_, base_url) = servers().await;
    let wechat = client(&base_url, Mode::Merchant, SignType::Md5);
    assert_eq!(fields(&wechat, &an_order("paid")).await["err_code"], "ORDERPAID");
    assert_eq!(fields(&wechat, &an_order("other")).await["return_msg"], "签名错误");
    let forged = wechat.pay(&an_order("forged")).await.unwrap_err();
    assert_eq!(forged.errcode, code::UNREADABLE_REPLY);
    let query = fields(&wechat, &call("queryOrder", &json!({ "out_trade_no": "T1" }))).await;
    assert_eq!((&query["total_fee"], &query["coupon_fee_0"]), (&json!(88), &json!(8)));
    let bill = call("downloadBill", &json!({ "bill_date": "20260101", "bill_type": "ALL" }));
    let PayReply::Bytes(bill) = wechat.pay(&bill).await.unwrap().reply else { panic!("no bill") };
    assert!(String::from_utf8_lossy(&bill).contains("0.88"));
}

#[tokio::test]
async fn what_is_not_configured_or_unknown_is_said_without_the_key() {
    let (_, base_url) = servers().await;
    let wechat = client(&base_url, Mode::Merchant, SignType::Md5);
    let refund = call("refund", &json!({ "out_trade_no": "T1", "out_refund_no": "R1" }));
    let errors = [
        (wechat.pay(&refund).await.unwrap_err(), code::CONFIGURATION),
        (wechat.pay(&call("nothing", &json!({}))).await.unwrap_err(), code::API_NOT_FOUND),
        (
            WeChat::http(HttpOptions::new("wx", "s")).unwrap().pay(&refund).await.unwrap_err(),
            code::CONFIGURATION,
        ),
        (
            client("http://127.0.0.1:1", Mode::Merchant, SignType::Md5)
                .pay(&an_order("T1"))
                .await
                .unwrap_err(),
            code::NETWORK,
        ),
    ];
    for (error, number) in errors {
        assert_eq!(error.errcode, number, "{error}");
        assert!(!error.to_string().contains(KEY));
    }
}
