//! The handler contract of protocol 02 §3.1–3.3, as rows.

use functions::{InvokeError, LogLevel};
use serde_json::{Value, json};

use crate::ground::Ground;

/// Body of index.js; the result as JSON text, or how the error's message and stack begin.
type Row = (&'static str, Result<&'static str, (&'static str, &'static str)>);

const ROWS: &[Row] = &[
    ("exports.main = () => 1", Ok("1")),
    ("exports.main = () => ({ a: [1, 'é', null] })", Ok(r#"{"a":[1,"é",null]}"#)),
    ("exports.main = async () => 'text'", Ok(r#""text""#)),
    ("exports.main = async () => {}", Ok("null")),
    ("exports.main = () => undefined", Ok("null")),
    ("exports.main = () => null", Ok("null")),
    ("exports.main = () => false", Ok("false")),
    ("exports.main = async () => () => 1", Ok("null")),
    ("exports.main = () => new Promise((yes) => setTimeout(yes, 5, 7))", Ok("7")),
    ("exports.main = (event) => event", Ok(r#"{"n":1}"#)),
    ("exports.main = (e, c, callback) => { callback(null, 'called') }", Ok(r#""called""#)),
    ("exports.main = (e, c, callback) => { setTimeout(callback, 5, null, 2) }", Ok("2")),
    ("exports.main = (e, c, callback) => { callback(null, 1); callback(null, 2) }", Ok("1")),
    ("exports.main = (e, c) => { setTimeout(() => c.succeed({ ok: 1 }), 5) }", Ok(r#"{"ok":1}"#)),
    ("exports.main = (e, c) => { c.done(null, 3); setInterval(() => {}, 9) }", Ok("3")),
    (
        "exports.main = (e, c, cb) => { c.callbackWaitsForEmptyEventLoop = false\n \
         setInterval(() => {}, 9); cb(null, 4) }",
        Ok("4"),
    ),
    ("implicit = 5; exports.main = () => implicit", Ok("5")),
    ("exports.main = () => new Date(0)", Ok(r#""1970-01-01T00:00:00.000Z""#)),
    ("exports.main = () => new Date(0).getHours()", Ok("0")),
    ("process.env.TZ = 'Asia/Shanghai'; exports.main = () => new Date(0).getHours()", Ok("8")),
    ("exports.main = () => { throw new TypeError('bad') }", Err(("bad", "TypeError: bad"))),
    ("exports.main = () => { throw 'a string' }", Err(("a string", ""))),
    ("exports.main = async () => { throw { errCode: 7 } }", Err((r#"{"errCode":7}"#, ""))),
    ("exports.main = () => Promise.reject()", Err(("undefined", ""))),
    ("exports.main = (e, c, callback) => callback(new Error('no'))", Err(("no", "Error: no"))),
    ("exports.main = (e, c) => { c.fail('failed') }", Err(("failed", ""))),
    (
        "exports.main = () => { setTimeout(() => { throw new Error('later') })\n \
         return new Promise(() => {}) }",
        Err(("later", "Error: later")),
    ),
    (
        "const a = {}; a.a = a; exports.main = () => a",
        Err(("The result cannot be turned into JSON", "")),
    ),
    ("exports.main = () => 1n", Err(("The result cannot be turned into JSON", ""))),
    ("throw new Error('at load')", Err(("at load", "Error: at load"))),
    (
        "exports.other = 1",
        Err(("index.js exports no function \"main\"", "Error: index.js exports")),
    ),
    (
        "require('request-promise')",
        Err((
            "Cannot find module 'request-promise'. Add \"request-promise\"",
            "Error: Cannot find module",
        )),
    ),
    (
        "exports.main = () => require('@a/b/c')",
        Err(("Cannot find module '@a/b/c'. Add \"@a/b\"", "Error: Cannot find module")),
    ),
];

pub async fn handlers_answer_by_the_table() {
    let ground = Ground::with(|options| options.workers_max = 4).await;
    for (number, (code, expected)) in ROWS.iter().enumerate() {
        let name = format!("row{number}");
        ground.deploy(&name, code).await;
        // Twice: an error must leave a worker that still answers the same.
        for _ in 0..2 {
            match (ground.invoke(&name, json!({ "n": 1 })).await, expected) {
                (Ok(result), Ok(text)) => assert_eq!(&result, text, "{code}"),
                (Err(InvokeError::Threw { message, stack }), Err((begin, first))) => {
                    assert!(message.starts_with(begin), "{code}: {message}");
                    assert!(
                        stack.starts_with(first) && (stack.is_empty() == first.is_empty()),
                        "{code}: {stack}"
                    );
                }
                (answer, _) => panic!("{code}: {answer:?}"),
            }
        }
    }
    ground.deploy("big", "exports.main = ({ n }) => 'x'.repeat(n)").await;
    let limit = 6 * 1024 * 1024;
    assert_eq!(ground.invoke("big", json!({ "n": limit - 2 })).await.unwrap().len(), limit);
    let over = ground.invoke("big", json!({ "n": limit - 1 })).await;
    assert!(matches!(over, Err(InvokeError::TooLarge { what: "result", .. })), "{over:?}");
    let over = ground.invoke("big", json!({ "text": "x".repeat(limit) })).await;
    assert!(matches!(over, Err(InvokeError::TooLarge { what: "event", .. })), "{over:?}");
}

pub async fn context_has_what_sdks_read() {
    let ground = Ground::new().await;
    let code = "exports.main = (event, context) => (\
        { context, own: context.getContext(), env: process.env })";
    ground
        .deploy_with("look", code, |settings| {
            settings.variables = vec![("MINE".to_owned(), "yes".to_owned())];
            settings.timeout_ms = 5000;
        })
        .await;
    let mut invocation = ground.invocation("look", &json!({}));
    invocation.request_id = "id-1".to_owned();
    invocation.variables = vec![("WX_OPENID".into(), "o,1".into())];
    let result = ground.functions.invoke(invocation).await.result.unwrap();
    let seen: Value = serde_json::from_str(&result).unwrap();
    for side in ["context", "own"] {
        let context = &seen[side];
        let environment: Value =
            serde_json::from_str(context["environment"].as_str().unwrap()).unwrap();
        assert_eq!(environment, json!({ "MINE": "yes", "WX_OPENID": "o,1" }));
        for (field, value) in [
            ("function_name", json!("look")),
            ("function_version", json!("$LATEST")),
            ("request_id", json!("id-1")),
            ("memory_limit_in_mb", json!(256)),
            ("time_limit_in_ms", json!(5000)),
            ("environ", json!("")),
            ("namespace", json!("env-test")),
            ("tencentcloud_region", json!("ap-shanghai")),
        ] {
            assert_eq!(context[field], value, "{side}.{field}");
        }
    }
    assert_eq!(seen["context"]["callbackWaitsForEmptyEventLoop"], true);
    for (name, value) in [
        ("TENCENTCLOUD_RUNENV", "SCF"),
        ("TCB_CONTEXT_CNFG", r#"{"URL":"http://127.0.0.1:9527/admin"}"#),
        ("SCF_NAMESPACE", "env-test"),
        ("SCF_FUNCTIONNAME", "look"),
        ("_SCF_TCB_LOG", "1"),
        ("TZ", "UTC"),
        ("MINE", "yes"),
        ("WX_OPENID", "o,1"),
    ] {
        assert_eq!(seen["env"][name], value, "process.env.{name}");
    }
    assert_eq!(
        seen["env"]["CARGO_MANIFEST_DIR"],
        Value::Null,
        "the server's environment stays outside"
    );
}

pub async fn files_of_the_function_are_found() {
    let ground = Ground::new().await;
    let entry = "const u = require('util.js'), day = require('project/day.js')\n\
        const relative = require('../util.js') === u\n\
        const text = require('fs').readFileSync('./data.txt', 'utf8')\n\
        exports.run = () => ({ u, day, relative, text,\n\
        root: process.env.USER_CODE_ROOT === process.cwd() + '/' })";
    let folder = ground.folder(&[
        ("src/entry.js", entry),
        ("util.js", "module.exports = 'util'"),
        ("project/day.js", "module.exports = 'day'"),
        ("data.txt", "数据"),
    ]);
    let settings =
        functions::Settings { handler: "src/entry.run".to_owned(), ..Default::default() };
    ground.try_deploy("files", &folder, settings).await.unwrap();
    let expected =
        json!({ "u": "util", "day": "day", "relative": true, "text": "数据", "root": true });
    assert_eq!(ground.call("files", json!({})).await, expected);
    let folder = ground.folder(&[(
        "index.mjs",
        "export const main = async () => import.meta.url.endsWith('index.mjs')",
    )]);
    ground.try_deploy("module", &folder, functions::Settings::default()).await.unwrap();
    assert_eq!(ground.call("module", json!({})).await, json!(true));
}

pub async fn logs_come_before_the_result() {
    let ground = Ground::new().await;
    let code = "exports.main = async () => {\n console.log('a %d', 1, { b: 2 })\n \
        console.warn('w'); console.error(new Error('e').message); console.__baseLog__('{\"base\":1}')\n \
        console.debug('x'.repeat(40000))\n await null; process.stdout.write('raw\\n')\n \
        console.log('several\\nlines') }";
    ground.deploy("talk", code).await;
    let invocation = ground.invocation("talk", &json!({}));
    let id = invocation.request_id.clone();
    ground.functions.invoke(invocation).await.result.unwrap();
    ground.log_line(|line| line.text == "raw" && line.request_id.as_ref() == Some(&id)).await;
    ground.log_line(|line| line.text == "several\nlines").await;
    let logs = ground.logs.lock().unwrap().clone();
    let lines: Vec<_> = logs.iter().filter(|line| line.text != "raw").collect();
    let told: Vec<_> = lines
        .iter()
        .map(|line| (line.level, line.text.chars().take(9).collect::<String>()))
        .collect();
    let expected = [
        (LogLevel::Info, "a 1 { b: "),
        (LogLevel::Warn, "w"),
        (LogLevel::Error, "e"),
        (LogLevel::Info, "{\"base\":1"),
        (LogLevel::Debug, "xxxxxxxxx"),
        (LogLevel::Info, "several\nl"),
    ];
    assert_eq!(told, expected.map(|(level, text)| (level, text.to_owned())));
    assert!(
        lines.iter().all(|line| line.request_id.as_ref() == Some(&id) && line.function == "talk")
    );
    assert!(
        lines[4].text.contains("7232 more characters were cut"),
        "{}",
        &lines[4].text[32_000..]
    );

    ground
        .deploy("chatter", "exports.main = () => { for (let i = 0; i < 5000; i++) console.log(i) }")
        .await;
    ground.invoke("chatter", json!({})).await.unwrap();
    ground.log_line(|line| line.function == "chatter" && line.text.contains("log was cut")).await;
    let count =
        ground.logs.lock().unwrap().iter().filter(|line| line.function == "chatter").count();
    assert_eq!(count, 4097);
}

pub async fn callback_waits_for_the_event_loop() {
    let ground = Ground::new().await;
    let code = "let done = false\nexports.main = (event, context, callback) => {\n \
        if (event.look) return done\n context.callbackWaitsForEmptyEventLoop = event.wait\n \
        done = false; setTimeout(() => { done = true }, 1000); callback(null, 'answer') }";
    // What one call left is looked at by the next: both on the same worker.
    ground.deploy_with("wait", code, |settings| settings.max_instances = Some(1)).await;
    for wait in [true, false] {
        assert_eq!(ground.call("wait", json!({ "wait": wait })).await, json!("answer"));
        assert_eq!(ground.call("wait", json!({ "look": true })).await, json!(wait));
    }
}
