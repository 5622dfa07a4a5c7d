//! Workers come, work and go: limits, crashes, many calls, new versions.

use std::time::Duration;

use functions::{Ended, InvokeError, Settings};
use serde_json::{Value, json};

use crate::ground::{ENVIRONMENT, Ground, eventually};

const SLEEP: &str =
    "exports.main = ({ ms, value }) => new Promise((yes) => setTimeout(yes, ms, value))";

/// JavaScript for a process that is known by "namespace/number": the numbers of a worker are its
/// own.
const NAMES: &str =
    "const named = (pid) => require('fs').readlinkSync('/proc/self/ns/pid') + '/' + pid
    const me = () => named(process.pid)\n";

fn is_alive(name: &Value) -> bool {
    let (namespace, number) = name.as_str().unwrap().split_once('/').unwrap();
    std::fs::read_dir("/proc").unwrap().flatten().any(|process| {
        let path = process.path();
        let of_namespace = std::fs::read_link(path.join("ns/pid"))
            .is_ok_and(|link| link.to_str() == Some(namespace));
        let status = std::fs::read_to_string(path.join("status")).unwrap_or_default();
        let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
        let is_it = numbers.and_then(|all| all.split_whitespace().last()) == Some(number);
        // A zombie waits for its parent, it does not run.
        of_namespace && is_it && !status.contains("\nState:\tZ")
    })
}

fn with_names(code: &str) -> String {
    format!("{NAMES}{code}")
}

pub async fn the_time_limit_kills_the_whole_group() {
    let ground = Ground::new().await;
    let code = r#"
        const { spawn } = require('child_process')
        exports.main = async ({ spin }) => {
          const program = ['-e', 'setInterval(() => {}, 1000)']
          const child = spawn(process.execPath, program, { detached: true, stdio: 'ignore' })
          console.log(JSON.stringify([process.pid, child.pid].map(named)))
          if (spin) for (;;);
          await new Promise(() => {}) }"#;
    let code = with_names(code);
    ground.deploy_with("slow", &code, |settings| settings.timeout_ms = 300).await;
    for spin in [false, true] {
        let answer = ground.invoke("slow", json!({ "spin": spin })).await;
        assert_eq!(answer, Err(InvokeError::TimedOut { limit_ms: 300 }));
        let line = ground.log_line(|line| line.text.starts_with('[')).await;
        ground.logs.lock().unwrap().clear();
        let pids: Vec<Value> = serde_json::from_str(&line.text).unwrap();
        for pid in pids {
            eventually("the end of the group", || (!is_alive(&pid)).then_some(())).await;
        }
    }
}

pub async fn broken_workers_are_explained_and_replaced() {
    let ground = Ground::with(|options| options.workers_max = 1).await;
    let code = r#"
        const fs = require('fs')
        exports.main = async ({ how }) => {
          if (how === 'exit') process.exit(3)
          if (how === 'garbage') fs.writeSync(3, 'hello, hello, hello')
          if (how === 'frame') fs.writeSync(3, Buffer.from('\x02\0\0\0\0\0\0\0{\n', 'latin1'))
          if (how === 'close') { fs.closeSync(3); await new Promise(() => {}) }
          if (how === 'kill') process.kill(process.pid, 'SIGKILL')
          if (how) await new Promise((yes) => setTimeout(yes, 60000))
          return 'well' }"#;
    ground.deploy("break", code).await;
    let rows = [
        ("exit", "process.exit"),
        ("garbage", "descriptor 3"),
        ("frame", "descriptor 3"),
        ("close", "descriptor 3"),
        ("kill", "signal 9"),
    ];
    for (how, words) in rows {
        match ground.invoke("break", json!({ "how": how })).await {
            Err(InvokeError::Exited { code, explanation, .. }) => {
                assert!(explanation.contains(words), "{how}: {explanation}");
                assert!(how != "exit" || code == Some(3), "{how}: {code:?}");
            }
            answer => panic!("{how}: {answer:?}"),
        }
        assert_eq!(ground.call("break", json!({})).await, "well", "after {how}");
    }
}

pub async fn a_waiting_worker_serves_the_first_call() {
    let ground = Ground::with(|options| options.waiting_workers = 1).await;
    ground.deploy("first", "exports.main = () => process.cwd().split('/').at(-2)").await;
    let ready = || (ground.functions.waiting_workers() == 1).then_some(());
    eventually("a waiting worker", ready).await;
    let slots: Vec<_> = std::fs::read_dir(ground.folder.path().join("run"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let Ended { result, figures } = ground.run("first", json!({})).await;
    let slot: String = serde_json::from_str(&result.unwrap()).unwrap();
    assert!(slots.contains(&slot), "{slot} was there before: {slots:?}");
    assert!(figures.cold && figures.start_us > 0 && figures.memory_mb > Some(20), "{figures:?}");
    let warm = ground.run("first", json!({})).await.figures;
    assert!(!warm.cold && warm.start_us == 0 && warm.worker == figures.worker, "{warm:?}");
    assert_eq!(warm.version, "$LATEST");
    eventually("the next waiting worker", ready).await;
}

pub async fn sixty_four_calls_at_once() {
    let ground = Ground::with(|options| options.workers_max = 8).await;
    ground.deploy("sleep", SLEEP).await;
    let calls: Vec<_> = (0..64)
        .map(|number| {
            let invocation =
                ground.invocation("sleep", &json!({ "ms": number % 7, "value": number }));
            let functions = ground.functions.clone();
            tokio::spawn(async move { functions.invoke(invocation).await.result.unwrap() })
        })
        .collect();
    for (number, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.unwrap(), number.to_string());
    }
    assert!(ground.functions.get(ENVIRONMENT, "sleep").unwrap().workers <= 8);
}

/// Calls that hold their worker while others wait make the pool grow, up to the limit.
pub async fn calls_of_calls_do_not_starve() {
    let ground = Ground::with(|options| options.workers_max = 4).await;
    ground.deploy("a", SLEEP).await;
    ground.deploy("b", SLEEP).await;
    for name in ["a", "b"] {
        // Each function in turn needs all four workers: those of the other are sent home.
        let calls: Vec<_> = (0..4)
            .map(|_| {
                let invocation = ground.invocation(name, &json!({ "ms": 1500, "value": 1 }));
                let functions = ground.functions.clone();
                tokio::spawn(async move { functions.invoke(invocation).await.result.unwrap() })
            })
            .collect();
        eventually("four workers", || {
            (ground.functions.get(ENVIRONMENT, name).unwrap().workers == 4).then_some(())
        })
        .await;
        for call in calls {
            call.await.unwrap();
        }
    }
}

pub async fn a_redeploy_lets_running_calls_finish() {
    let ground = Ground::new().await;
    let folder = |version: u32| {
        let code = format!(
            "{NAMES}exports.main = ({{ ms }}) => new Promise((yes) => {{\n \
             console.log(JSON.stringify(me()))\n \
             setTimeout(() => yes([{version}, require('./late.js')]), ms) }})"
        );
        let late = format!("module.exports = {version}");
        ground.folder(&[("index.js", &code), ("late.js", &late)])
    };
    ground.try_deploy("f", &folder(1), Settings::default()).await.unwrap();
    let invocation = ground.invocation("f", &json!({ "ms": 1500 }));
    let functions = ground.functions.clone();
    let running = tokio::spawn(async move { functions.invoke(invocation).await.result.unwrap() });
    let old: Value = ground.log_line(|_| true).await.text.parse().unwrap();
    let report = ground.try_deploy("f", &folder(2), Settings::default()).await.unwrap();
    assert_eq!((report.revision, report.changed), (2, true));
    assert_eq!(ground.call("f", json!({ "ms": 1 })).await, json!([2, 2]));
    assert_eq!(running.await.unwrap(), "[1,1]");
    eventually("the old worker's end", || (!is_alive(&old)).then_some(())).await;
}

pub async fn idle_workers_leave() {
    let ground = Ground::with(|options| options.idle_ms = 50).await;
    ground.deploy("f", &with_names("exports.main = me")).await;
    let pid = ground.call("f", json!({})).await;
    eventually("the idle worker's end", || (!is_alive(&pid)).then_some(())).await;
    assert_ne!(ground.call("f", json!({})).await, pid);
}

pub async fn the_queue_has_an_end() {
    let ground = Ground::with(|options| (options.workers_max, options.queue_max) = (1, 2)).await;
    let code = SLEEP.replace("=> new", "=> console.log('begun') || new");
    ground.deploy("f", &code).await;
    let call = || {
        let invocation = ground.invocation("f", &json!({ "ms": 1000, "value": 1 }));
        let functions = ground.functions.clone();
        tokio::spawn(async move { functions.invoke(invocation).await.result })
    };
    let running = call();
    ground.log_line(|line| line.text == "begun").await;
    let (mut answered, mut full) = (0, 0);
    for call in [running, call(), call(), call(), call()] {
        match call.await.unwrap() {
            Ok(result) => answered += result.parse::<u32>().unwrap(),
            Err(error) => {
                assert_eq!(error, InvokeError::QueueFull { name: "f".to_owned() });
                full += 1;
            }
        }
    }
    assert_eq!((answered, full), (3, 2));
}

pub async fn shutdown_ends_every_worker() {
    let ground = Ground::new().await;
    let code = "exports.main = ({ ms }) => new Promise((yes) => {\n \
        console.log(JSON.stringify(me())); setTimeout(yes, ms, 'done') })";
    ground.deploy("f", &with_names(code)).await;
    let [short, long] = [200, 60_000].map(|ms| {
        let invocation = ground.invocation("f", &json!({ "ms": ms }));
        let functions = ground.functions.clone();
        tokio::spawn(async move { functions.invoke(invocation).await.result })
    });
    eventually("both calls", || {
        (ground.logs.lock().unwrap().iter().filter(|line| line.request_id.is_some()).count() == 2)
            .then_some(())
    })
    .await;
    tokio::time::timeout(Duration::from_secs(20), ground.functions.shutdown()).await.unwrap();
    assert_eq!(short.await.unwrap().unwrap(), "\"done\"");
    assert!(long.await.unwrap().is_err());
    let pids: Vec<Value> =
        ground.logs.lock().unwrap().iter().filter_map(|line| line.text.parse().ok()).collect();
    assert_eq!(pids.len(), 2);
    assert!(pids.iter().all(|pid| !is_alive(pid)));
    assert_eq!(ground.invoke("f", json!({})).await, Err(InvokeError::ShuttingDown));
}

pub async fn memory_has_a_limit() {
    let ground = Ground::new().await;
    let code = "exports.main = ({ mb }) => { const all = []\n \
        for (let i = 0; i < mb; i++) all.push(new Array(131072).fill(i))\n return all.length }";
    ground.deploy_with("eat", code, |settings| settings.memory_mb = 128).await;
    assert_eq!(ground.call("eat", json!({ "mb": 20 })).await, 20);
    let answer = ground.invoke("eat", json!({ "mb": 2000 })).await;
    assert_eq!(answer, Err(InvokeError::OutOfMemory { limit_mb: 128 }));
    assert_eq!(ground.call("eat", json!({ "mb": 20 })).await, 20);
}

/// A server of its own, for the test below: prints the processes of its workers and waits.
pub async fn serve_until_killed() -> std::process::ExitCode {
    let ground = Ground::new().await;
    ground.deploy("f", &with_names("exports.main = me")).await;
    let busy = "exports.main = () => { console.log(JSON.stringify(me())); for (;;); }";
    ground.deploy("busy", &with_names(busy)).await;
    let idle = ground.call("f", json!({})).await;
    let invocation = ground.invocation("busy", &json!({}));
    let functions = ground.functions.clone();
    tokio::spawn(async move { functions.invoke(invocation).await });
    let busy = ground.log_line(|line| line.function == "busy").await.text;
    println!("[{idle},{busy}]");
    std::future::pending().await
}

pub async fn no_worker_survives_the_server() {
    let mut server = tokio::process::Command::new(std::env::current_exe().unwrap())
        .arg("serve-until-killed")
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = tokio::io::BufReader::new(server.stdout.take().unwrap());
    tokio::io::AsyncBufReadExt::read_line(&mut output, &mut line).await.unwrap();
    let pids: Vec<Value> = serde_json::from_str(&line).unwrap();
    assert!(pids.len() == 2 && pids.iter().all(is_alive), "{line}");
    server.kill().await.unwrap();
    for pid in pids {
        eventually("the end of a worker", || (!is_alive(&pid)).then_some(())).await;
    }
}
