//! Whose call it is: in the process environment, on requests to the platform, after the result.

use functions::{DeployReport, Invocation, Settings};
use serde_json::{Value, json};

use crate::ground::{Ground, Request, eventually};

fn from(mut invocation: Invocation, openid: &str) -> Invocation {
    let pairs = [
        ("WX_CONTEXT_KEYS", "WX_OPENID,WX_APPID"),
        ("WX_OPENID", openid),
        ("WX_APPID", "wx1"),
        ("TCB_CONTEXT_KEYS", "TCB_ENV,TCB_SOURCE"),
        ("TCB_ENV", "env-test"),
        ("TCB_SOURCE", "wx_client"),
        ("TENCENTCLOUD_SECRETID", "id"),
        ("TENCENTCLOUD_SECRETKEY", "key"),
        ("TENCENTCLOUD_SESSIONTOKEN", openid),
    ];
    invocation.variables =
        pairs.map(|(name, value)| (name.to_owned().into(), value.to_owned().into())).into();
    invocation
}

pub async fn variables_of_one_call_are_gone_in_the_next() {
    let ground = Ground::with(|options| options.workers_max = 1).await;
    let code =
        "exports.main = () => ['A', 'B', 'OWN', 'TZ'].map((name) => process.env[name] ?? null)";
    let own =
        |settings: &mut Settings| settings.variables = vec![("OWN".to_owned(), "own".to_owned())];
    ground.deploy_with("env", code, own).await;
    let rows: [(&[(&str, &str)], Value); 5] = [
        (&[("A", "1"), ("OWN", "call")], json!(["1", null, "call", "UTC"])),
        (&[("B", "2"), ("TZ", "Asia/Tokyo")], json!([null, "2", "own", "Asia/Tokyo"])),
        (&[("A", "3"), ("B", "2")], json!(["3", "2", "own", "UTC"])),
        (&[("A", "3"), ("B", "4")], json!(["3", "4", "own", "UTC"])),
        (&[], json!([null, null, "own", "UTC"])),
    ];
    for (variables, expected) in rows {
        let mut invocation = ground.invocation("env", &json!({}));
        invocation.variables = variables
            .iter()
            .map(|(n, v)| ((*n).to_owned().into(), (*v).to_owned().into()))
            .collect();
        let result = ground.functions.invoke(invocation).await.result.unwrap();
        assert_eq!(serde_json::from_str::<Value>(&result).unwrap(), expected);
    }
}

/// `process.env` is not Node's own in a worker; nobody should notice.
pub async fn the_environment_behaves_like_that_of_node() {
    let ground = Ground::with(|options| options.workers_max = 1).await;
    let code = r#"
        const { execFileSync } = require('child_process'), { Worker } = require('worker_threads')
        exports.main = async () => {
          const { env } = process, had = env.A
          const ofThread = await new Promise((yes) => new Worker(
            'require("worker_threads").parentPort.postMessage(process.env.A)', { eval: true })
            .on('message', yes))
          env.A = 'changed'
          env.NUMBER = 5
          env.TZ = 'Asia/Tokyo'
          const hour = new Date(0).getHours()
          env.TZ = 'UTC'
          const ofProgram = execFileSync('/bin/sh', ['-c', 'echo $A $NUMBER']).toString().trim()
          const text = typeof env.NUMBER
          delete env.NUMBER
          return [had, ofThread, ofProgram, text, hour, 'NUMBER' in env, { ...env }.A,
            Object.keys(env).includes('A'), (await import('node:process')).env.A] }"#;
    ground.deploy("env", code).await;
    // What a call changed is as given in the next, also when that one is given the same.
    for value in ["1", "2", "2"] {
        let mut invocation = ground.invocation("env", &json!({}));
        invocation.variables = vec![("A".into(), value.to_owned().into())];
        let result = ground.functions.invoke(invocation).await.result.unwrap();
        let expected =
            json!([value, value, "changed 5", "string", 9, false, "changed", true, "changed"]);
        assert_eq!(serde_json::from_str::<Value>(&result).unwrap(), expected);
    }
}

pub async fn requests_carry_their_invocation() {
    let ground = Ground::new().await;
    let code = r#"
        const http = require('http'), https = require('https')
        const get = (lib, url, more) => new Promise((yes, no) => {
          const request = lib.request(url, { ...more }, (response) => {
            let text = ''
            response.on('data', (part) => { text += part })
            response.on('end', () => yes(JSON.parse(text).data.invocation)) })
          request.on('error', no); request.end() })
        const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
        exports.main = () => Promise.all([
          get(http, 'http://127.0.0.1:9527/a'),
          get(http, 'http://127.0.0.1:9527/b', { agent }),
          get(http, 'http://127.0.0.1:9527/c', { agent }),
          get(http, 'http://127.0.0.1:9527/d', { headers: ['host', '127.0.0.1:9527', 'x-a', '1'] }),
          get(http, 'http://tcb-admin.tencentyun.com/e'),
          get(http, 'http://env-1.internal.ap-shanghai.tcb-api.tencentcloudapi.com/f'),
          get(https, 'https://env-1.ap-shanghai.tcb-api.tencentcloudapi.com/g'),
          ...['http://127.0.0.1:9527/h', 'https://env-1.tcb-api.tencentcloudapi.com/i'].map((url) =>
            fetch(url).then((response) => response.json())
              .then(({ data }) => data.invocation)) ])"#;
    ground.deploy("ask", code).await;
    for _ in 0..3 {
        let invocation = ground.invocation("ask", &json!({}));
        let id = invocation.request_id.clone();
        let result = ground.functions.invoke(invocation).await.result.unwrap();
        assert_eq!(serde_json::from_str::<Vec<String>>(&result).unwrap(), vec![id; 9]);
    }
    let requests = ground.requests.lock().unwrap().clone();
    assert!(requests.iter().all(|request| request.header.is_some()), "{requests:?}");

    let code = "exports.main = ({ host }) => new Promise((yes) => {\n \
        require('net').connect(1, host).on('error', (error) => yes(error.code)) })";
    ground.deploy("reach", code).await;
    for (host, code) in [
        ("localhost", "EACCES"),
        ("127.0.0.1", "EACCES"),
        ("::1", "EACCES"),
        ("169.254.169.254", "EACCES"),
        ("metadata.tencentyun.com", "ECONNREFUSED"),
    ] {
        assert_eq!(ground.call("reach", json!({ "host": host })).await, code, "{host}");
    }
}

/// The second call of a worker begins only when the requests of the first are answered.
pub async fn unawaited_requests_finish_before_the_next_call() {
    let ground = Ground::with(|options| options.workers_max = 1).await;
    let code = r#"
        const http = require('http')
        const post = (path) => new Promise((yes) => {
          const url = 'http://127.0.0.1:9527' + path
          const request = http.request(url, { method: 'POST' }, (r) => r.resume().on('end', yes))
          request.end(process.env.TENCENTCLOUD_SESSIONTOKEN) })
        exports.main = async ({ slow }) => {
          post(slow ? '/slow/1' : '/1').then(() => post('/2')).then(() => post('/3'))
          return process.env.TENCENTCLOUD_SESSIONTOKEN }"#;
    ground.deploy("later", code).await;
    let mut calls = Vec::new();
    for number in 0..6 {
        let invocation = ground.invocation("later", &json!({ "slow": number % 3 == 0 }));
        let id = invocation.request_id.clone();
        let invocation = from(invocation, &id);
        let functions = ground.functions.clone();
        calls.push((id, tokio::spawn(async move { functions.invoke(invocation).await.result })));
    }
    for (id, call) in calls {
        assert_eq!(call.await.unwrap().unwrap(), format!("\"{id}\""));
    }
    let requests = eventually("the last un-awaited request", || {
        let requests = ground.requests.lock().unwrap();
        (requests.len() == 18).then(|| requests.clone())
    })
    .await;
    for Request { line, header, invocation, body } in requests {
        assert_eq!(
            header.as_ref(),
            Some(&body),
            "{line}: identity in the environment and in the header"
        );
        assert_eq!(invocation, Some(body), "{line}");
    }
}

pub async fn a_worker_speaks_only_for_its_own_calls() {
    let ground = Ground::new().await;
    let code = r#"
        const net = require('net')
        exports.main = ({ claim }) => new Promise((yes) => {
          let text = ''
          const header = claim ? 'x-yunkai-invocation: ' + claim + '\r\n' : ''
          const socket = net.connect(9527, '127.0.0.1')
          socket.write('GET / HTTP/1.1\r\n' + header + '\r\n')
          socket.on('data', (part) => {
            text += part
            if (!text.endsWith('}')) return
            socket.destroy()
            yes(JSON.parse(text.split('\r\n\r\n')[1]).data.invocation) }) })"#;
    ground.deploy("claimer", code).await;
    ground.deploy("other", "exports.main = () => 1").await;
    let theirs = ground.invocation("other", &json!({}));
    let theirs_id = theirs.request_id.clone();
    ground.functions.invoke(theirs).await.result.unwrap();
    let first = ground.invocation("claimer", &json!({}));
    let first_id = first.request_id.clone();
    let said = ground.functions.invoke(first).await.result.unwrap();
    assert_eq!(said, format!("\"{first_id}\""), "without a header: the running one");
    assert_eq!(ground.call("claimer", json!({ "claim": theirs_id })).await, Value::Null);
    assert_eq!(ground.call("claimer", json!({ "claim": "made-up" })).await, Value::Null);
    assert_eq!(
        ground.call("claimer", json!({ "claim": first_id })).await,
        json!(first_id),
        "its own, a moment ago"
    );
}

pub async fn the_vendor_sdk_works_unmodified() {
    let ground = Ground::with(|options| options.workers_max = 1).await;
    let code = r#"
        const cloud = require('wx-server-sdk')
        cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
        const db = cloud.database()
        exports.main = async ({ wait }) => {
          const data = { by: cloud.getWXContext().OPENID }
          const adding = db.collection('c').add({ data }).catch(() => {})
          if (wait) await adding
          return { version: cloud.version, ...cloud.getWXContext() } }"#;
    let manifest = |range: &str| json!({ "dependencies": { "wx-server-sdk": range } }).to_string();
    for (range, version) in [("latest", "4.0.2"), ("~2.6.3", "2.6.3"), ("^4.0.0", "4.0.2")] {
        let name = format!("sdk{}", version.replace('.', "_"));
        let folder = ground.folder(&[("index.js", code), ("package.json", &manifest(range))]);
        let DeployReport { carried_sdk, notices, .. } =
            ground.try_deploy(&name, &folder, Settings::default()).await.unwrap();
        assert_eq!((carried_sdk.as_deref(), notices.len()), (Some(version), 0), "{notices:?}");
        for wait in [true, false, false] {
            let invocation = ground.invocation(&name, &json!({ "wait": wait }));
            let id = invocation.request_id.clone();
            let openid = format!("o-{id}");
            let result = ground.functions.invoke(from(invocation, &openid)).await.result.unwrap();
            let expected = json!({
                "version": version, "OPENID": openid, "APPID": "wx1", "ENV": "env-test",
                "SOURCE": "wx_client",
            });
            assert_eq!(serde_json::from_str::<Value>(&result).unwrap(), expected);
            let request = eventually("the SDK's request", || {
                ground
                    .requests
                    .lock()
                    .unwrap()
                    .iter()
                    .find(|request| request.body.contains(&openid))
                    .cloned()
            })
            .await;
            assert!(request.line.starts_with("POST /admin?"), "{}", request.line);
            assert_eq!(request.invocation, Some(id));
        }
    }
}

pub async fn an_unanswered_request_costs_the_worker() {
    let ground = Ground::with(|options| options.workers_max = 1).await;
    let code = "let calls = 0\nexports.main = () => {\n \
        require('http').get('http://127.0.0.1:9527/silent').on('error', () => {})\n return ++calls }";
    ground.deploy("stuck", code).await;
    // The second call finds the only worker stuck, waits, and is served by its successor.
    assert_eq!(ground.call("stuck", json!({})).await, 1);
    assert_eq!(ground.call("stuck", json!({})).await, 1);
    ground.log_line(|line| line.from_platform && line.text.contains("still unanswered")).await;
}
