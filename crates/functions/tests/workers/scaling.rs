//! How many workers a function gets and keeps, and which of its versions they serve.

use std::time::Duration;

use functions::{Functions, InvokeError, LATEST, Options, Package, Settings, Source, Stored};
use serde_json::{Value, json};
use tokio::task::{JoinHandle, JoinSet};

use crate::ground::{ENVIRONMENT, Ground, eventually, node};

const SLEEP: &str =
    "exports.main = ({ ms, value }) => new Promise((yes) => setTimeout(yes, ms, value))";

fn workers(ground: &Ground, name: &str) -> usize {
    ground.functions.get(ENVIRONMENT, name).unwrap().workers
}

async fn until_workers(ground: &Ground, name: &str, count: usize) {
    eventually("the workers", || (workers(ground, name) == count).then_some(())).await;
}

fn start(ground: &Ground, name: &str, ms: u64) -> JoinHandle<Result<String, InvokeError>> {
    let invocation = ground.invocation(name, &json!({ "ms": ms, "value": 1 }));
    let functions = ground.functions.clone();
    tokio::spawn(async move { functions.invoke(invocation).await.result })
}

/// Ends only where a call fails.
fn keep_calling(ground: &Ground, name: &str, ms: u64) -> impl Future<Output = InvokeError> + use<> {
    let functions = ground.functions.clone();
    let invocation = ground.invocation(name, &json!({ "ms": ms, "value": 1 }));
    async move {
        loop {
            if let Err(error) = functions.invoke(invocation.clone()).await.result {
                return error;
            }
        }
    }
}

pub async fn workers_are_kept_ready() {
    let ground = Ground::new().await;
    let code = "exports.main = () => process.kill(process.pid, 'SIGKILL')";
    let settings = |settings: &mut Settings| {
        (settings.min_instances, settings.idle_ms) = (2, Some(1));
    };
    ground.deploy_with("ready", code, settings).await;
    until_workers(&ground, "ready", 2).await;
    assert!(ground.invoke("ready", json!({})).await.is_err());
    until_workers(&ground, "ready", 2).await;
    ground.deploy_with("ready", "exports.main = () => 1", settings).await;
    until_workers(&ground, "ready", 2).await;
    assert_eq!(ground.call("ready", json!({})).await, 1);
    assert_eq!(workers(&ground, "ready"), 2, "idle for longer than its idle time");
}

pub async fn a_function_has_a_most() {
    let ground = Ground::new().await;
    ground.deploy_with("few", SLEEP, |settings| settings.max_instances = Some(2)).await;
    let calls: Vec<_> = (0..8).map(|_| start(&ground, "few", 100)).collect();
    until_workers(&ground, "few", 2).await;
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), "1");
        assert!(workers(&ground, "few") <= 2);
    }
}

/// All workers are busy with one function for as long as calls of it come; another one gets its
/// turn nevertheless.
pub async fn who_holds_all_gives_way() {
    for limit in ["workers", "memory"] {
        let ground = Ground::with(|options| match limit {
            "workers" => options.workers_max = 2,
            _ => options.memory_budget_mb = Some(2 * 256),
        })
        .await;
        ground.deploy("greedy", SLEEP).await;
        ground.deploy("modest", SLEEP).await;
        // It never comes to an end by itself: for each call that ends another one comes.
        let mut greedy: JoinSet<_> = (0..40).map(|_| keep_calling(&ground, "greedy", 20)).collect();
        until_workers(&ground, "greedy", 2).await;
        assert_eq!(start(&ground, "modest", 1).await.unwrap().unwrap(), "1", "{limit}");
        assert!(greedy.try_join_next().is_none(), "{limit}: a call was refused");
    }
}

pub async fn a_deploy_prepares_a_worker() {
    let ground = Ground::with(|options| options.prepares_deployed = true).await;
    let code = "console.log('loaded')\nexports.main = () => process.env.TCB_ENV";
    ground.deploy("soon", code).await;
    ground.log_line(|line| line.text == "loaded" && line.request_id.is_none()).await;
    let ended = ground.run("soon", json!({})).await;
    assert_eq!(ended.result.unwrap(), json!(ENVIRONMENT).to_string());
}

/// A request of a module belongs to the call that loads it; nobody else could be asked for.
pub async fn code_that_asks_while_it_loads_is_not_loaded_ahead() {
    let ground = Ground::with(|options| options.prepares_deployed = true).await;
    let code = r#"
        console.log('loading')
        const asked = fetch('http://127.0.0.1:9527/config')
          .then((response) => response.json()).then(({ data }) => data.invocation)
        exports.main = () => asked"#;
    ground.deploy("asks", code).await;
    ground.log_line(|line| line.text == "loading").await;
    let invocation = ground.invocation("asks", &json!({}));
    let id = invocation.request_id.clone();
    let result = ground.functions.invoke(invocation).await.result;
    assert_eq!(result.unwrap(), json!(id).to_string());
}

pub async fn slow_calls_get_a_worker_each() {
    let ground = Ground::with(|options| options.workers_max = 6).await;
    ground.deploy("slow", SLEEP).await;
    // So that the time of a call is known.
    ground.call("slow", json!({ "ms": 300 })).await;
    let calls: Vec<_> = (0..6).map(|_| start(&ground, "slow", 5000)).collect();
    until_workers(&ground, "slow", 6).await;
    assert!(calls.iter().all(|call| !call.is_finished()));
    for call in calls {
        call.await.unwrap().unwrap();
    }
}

/// A function that is usually quick has few workers, and calls wait inside of them. Those that wait
/// for something themselves, more of them than there are processors, hold up nobody.
pub async fn slow_calls_hold_up_no_quick_ones() {
    let slow_calls = std::thread::available_parallelism().unwrap().get() + 2;
    let ground = Ground::with(|options| {
        (options.workers_max, options.queue_max) = (slow_calls + 2, 1_000);
    })
    .await;
    let code = "exports.main = ({ ms }) => ms > 0 ? new Promise((yes) => setTimeout(yes, ms)) : 1";
    ground.deploy_with("mixed", code, |settings| settings.timeout_ms = 120_000).await;
    // So that it is known to be quick.
    for _ in 0..20 {
        start(&ground, "mixed", 0).await.unwrap().unwrap();
    }
    let (mut quick, mut slow) = (Vec::new(), Vec::new());
    for _ in 0..slow_calls {
        quick.extend((0..60).map(|_| start(&ground, "mixed", 0)));
        slow.push(start(&ground, "mixed", 100_000));
        quick.extend((0..60).map(|_| start(&ground, "mixed", 0)));
    }
    for call in quick {
        assert_eq!(call.await.unwrap().unwrap(), "1");
    }
    assert!(slow.iter().all(|call| !call.is_finished()), "quick calls waited for slow ones");
}

fn package(ground: &Ground, version: &str, code: &str) -> Package {
    Package {
        environment: ENVIRONMENT.to_owned(),
        name: "f".to_owned(),
        version: version.to_owned(),
        source: Source::Folder(ground.folder(&[("index.js", code)])),
        settings: Settings::default(),
    }
}

const SAYS_VERSION: &str = "exports.main = (event, context) => context.function_version";

pub async fn versions_are_served_side_by_side() {
    let ground = Ground::new().await;
    for version in [LATEST, "1", "2"] {
        let report = ground.functions.deploy(package(&ground, version, SAYS_VERSION)).await;
        assert_eq!((report.unwrap().revision, version), (1, version));
    }
    let call = async |version: &str| {
        let mut invocation = ground.invocation("f", &json!({}));
        invocation.qualifier = Some(version.to_owned());
        let ended = ground.functions.invoke(invocation).await;
        assert_eq!(ended.figures.version, version);
        ended.result
    };
    for version in [LATEST, "1", "2"] {
        assert_eq!(call(version).await, Ok(json!(version).to_string()));
    }
    assert_eq!(ground.functions.list(ENVIRONMENT).len(), 1);
    assert_eq!(ground.functions.versions(ENVIRONMENT, "f").len(), 3);
    for (version, words) in [("1", "never changes"), ("01", "not a version"), ("a", "$LATEST")] {
        let refused = ground.functions.deploy(package(&ground, version, SLEEP)).await.unwrap_err();
        assert!(refused.to_string().contains(words), "{version}: {refused}");
    }
    ground.functions.withdraw(ENVIRONMENT, "f", "1").await.unwrap();
    assert!(ground.functions.withdraw(ENVIRONMENT, "f", "1").await.is_err());
    assert_eq!(call("1").await, Err(InvokeError::NotFound { name: "f:1".to_owned() }));
    assert_eq!(call("2").await, Ok("\"2\"".to_owned()));
    ground.functions.remove(ENVIRONMENT, "f").await.unwrap();
    assert!(call("2").await.is_err() && call(LATEST).await.is_err());
}

pub async fn packages_outlive_the_process() {
    let ground = Ground::new().await;
    let first = ground.functions.deploy(package(&ground, "1", SAYS_VERSION)).await.unwrap();
    ground.functions.deploy(package(&ground, LATEST, SLEEP)).await.unwrap();
    ground.functions.shutdown().await;
    let path = |name: &str| ground.folder.path().join(name);
    let launcher = std::env::current_exe().unwrap();
    let options = Options::new(path("data"), path("run"), node(), launcher);
    let (functions, _streams) = Functions::start(options).await.unwrap();
    let stored = |content_hash: &str| Stored {
        environment: ENVIRONMENT.to_owned(),
        name: "f".to_owned(),
        version: "1".to_owned(),
        content_hash: content_hash.to_owned(),
        settings: Settings::default(),
    };
    functions.restore(stored(&first.content_hash)).await.unwrap();
    assert!(functions.restore(stored(&"0".repeat(64))).await.is_err());
    functions.tidy([].into()).await.unwrap();
    let kept = std::fs::read_dir(path("data/packages")).unwrap().count();
    assert_eq!(kept, 1, "what nobody restored is gone");
    let mut invocation = ground.invocation("f", &json!({}));
    invocation.qualifier = Some("1".to_owned());
    assert_eq!(functions.invoke(invocation).await.result, Ok("\"1\"".to_owned()));
    functions.shutdown().await;
}

pub async fn nothing_is_left_in_the_run_folder() {
    let ground = Ground::new().await;
    ground.deploy("f", "exports.main = () => process.pid").await;
    let _pid: Value = ground.call("f", json!({})).await;
    let shutdown = ground.functions.shutdown();
    tokio::time::timeout(Duration::from_secs(20), shutdown).await.unwrap();
    assert!(!ground.folder.path().join("run").exists());
}
