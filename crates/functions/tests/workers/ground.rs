//! What every test stands on: a runtime in throw-away folders, functions written as text, a
//! stand-in for the platform that answers the connections of workers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use functions::{
    DeployReport, Ended, Error, Functions, Invocation, InvokeError, LATEST, LogLine, Options,
    Package, Settings, Source, WorkerConnection,
};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

pub const ENVIRONMENT: &str = "env-test";
pub const PLATFORM: &str = "127.0.0.1:9527";

/// A request that a function made to the platform.
#[derive(Debug, Clone)]
pub struct Request {
    pub line: String,
    pub header: Option<String>,
    /// What the worker's connection said it belongs to.
    pub invocation: Option<String>,
    pub body: String,
}

/// A running runtime. Everything it wrote is gone when it is dropped.
pub struct Ground {
    pub functions: Functions,
    pub logs: Arc<Mutex<Vec<LogLine>>>,
    pub requests: Arc<Mutex<Vec<Request>>>,
    pub folder: tempfile::TempDir,
    counter: AtomicU64,
}

impl Ground {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o711);
        fs::set_permissions(folder.path(), open).unwrap();
        let launcher = std::env::current_exe().unwrap();
        let mut options = Options::new(path("data"), path("run"), node(), launcher);
        options.redirected_hosts = vec![PLATFORM.to_owned()];
        options.prepares_deployed = false;
        change(&mut options);
        let (functions, mut streams) = Functions::start(options).await.unwrap();
        let logs: Arc<Mutex<Vec<LogLine>>> = Arc::default();
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let kept = Arc::clone(&logs);
        tokio::spawn(async move {
            while let Some(line) = streams.logs.recv().await {
                kept.lock().unwrap().push(line);
            }
        });
        let kept = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Some(connection) = streams.connections.recv().await {
                tokio::spawn(answer(connection, Arc::clone(&kept)));
            }
        });
        Self { functions, logs, requests, folder, counter: AtomicU64::new(1) }
    }

    /// Writes the files of a function into a new folder.
    pub fn folder(&self, files: &[(&str, &str)]) -> PathBuf {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        let folder = self.folder.path().join(format!("source-{number}"));
        for (path, text) in files {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    pub async fn try_deploy(
        &self,
        name: &str,
        folder: &Path,
        settings: Settings,
    ) -> Result<DeployReport, Error> {
        let (environment, name) = (ENVIRONMENT.to_owned(), name.to_owned());
        let source = Source::Folder(folder.to_owned());
        let version = LATEST.to_owned();
        self.functions.deploy(Package { environment, name, version, source, settings }).await
    }

    /// Deploys a function of one file.
    pub async fn deploy(&self, name: &str, index: &str) -> DeployReport {
        self.deploy_with(name, index, |_| {}).await
    }

    pub async fn deploy_with(
        &self,
        name: &str,
        index: &str,
        change: impl FnOnce(&mut Settings),
    ) -> DeployReport {
        let mut settings = Settings::default();
        change(&mut settings);
        let folder = self.folder(&[("index.js", index)]);
        self.try_deploy(name, &folder, settings).await.unwrap()
    }

    pub fn invocation(&self, name: &str, event: &Value) -> Invocation {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        Invocation {
            environment: ENVIRONMENT.to_owned(),
            function: name.to_owned(),
            qualifier: None,
            event: event.to_string(),
            request_id: format!("request-{number}"),
            variables: vec![],
        }
    }

    pub async fn invoke(&self, name: &str, event: Value) -> Result<String, InvokeError> {
        self.run(name, event).await.result
    }

    /// A call with its figures.
    pub async fn run(&self, name: &str, event: Value) -> Ended {
        self.functions.invoke(self.invocation(name, &event)).await
    }

    /// The result of a call that must succeed.
    pub async fn call(&self, name: &str, event: Value) -> Value {
        let result = self.invoke(name, event).await.unwrap();
        serde_json::from_str(&result).unwrap()
    }

    /// Waits until the log holds a line that `fits`.
    pub async fn log_line(&self, fits: impl Fn(&LogLine) -> bool) -> LogLine {
        eventually("a log line", || {
            self.logs.lock().unwrap().iter().find(|line| fits(line)).cloned()
        })
        .await
    }
}

/// Polls for something that happens outside this process; gives up after a generous time.
pub async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..3000 {
        if let Some(found) = look() {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{what} did not come");
}

/// Node, as the PATH has it.
pub fn node() -> PathBuf {
    let paths = std::env::var_os("PATH").unwrap();
    let found =
        std::env::split_paths(&paths).map(|path| path.join("node")).find(|path| path.is_file());
    found.expect("the tests need Node.js 20 or newer in PATH")
}

/// The SDK bundles are made from npm once; `npm ci` needs the registry or its cache.
pub fn build_carried_sdks() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("carried");
    if folder.join("dist/wx-server-sdk-4.0.2/index.js").is_file() {
        return;
    }
    let run = |program: &str, arguments: &[&str]| {
        let status = Command::new(program).args(arguments).current_dir(&folder).status().unwrap();
        assert!(status.success(), "{program} {arguments:?} failed in {}", folder.display());
    };
    run("npm", &["ci", "--no-audit", "--no-fund"]);
    run("node", &["build.mjs"]);
}

/// Answers HTTP requests of a worker. `/silent` is never answered; `/slow` after a while.
async fn answer(connection: WorkerConnection, requests: Arc<Mutex<Vec<Request>>>) {
    let (stream, owner) = connection.into_parts();
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        let (mut header, mut length, mut chunked) = (None, 0, false);
        loop {
            let mut field = String::new();
            reader.read_line(&mut field).await.unwrap();
            let Some((name, value)) = field.trim_end().split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                functions::INVOCATION_HEADER => header = Some(value.trim().to_owned()),
                "content-length" => {
                    length = value.trim().parse().unwrap_or_else(|_| panic!("{line}: {field}"));
                }
                "transfer-encoding" => chunked = true,
                _ => {}
            }
        }
        assert!(!chunked, "the stand-in reads plain bodies only");
        let mut body = vec![0; length];
        reader.read_exact(&mut body).await.unwrap();
        let body = String::from_utf8_lossy(&body).into_owned();
        let invocation = owner.invocation(header.as_deref());
        let line = line.trim_end().to_owned();
        let data = json!({ "list": [], "line": line, "invocation": invocation });
        let answered = json!({ "requestId": "r", "data": data });
        let (silent, slow) = (line.contains("/silent"), line.contains("/slow"));
        requests.lock().unwrap().push(Request { line, header, invocation, body });
        if silent {
            continue;
        }
        if slow {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        }
        let text = answered.to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            text.len()
        );
        if writer.write_all((head + &text).as_bytes()).await.is_err() {
            return;
        }
    }
}
