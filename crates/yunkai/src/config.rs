//! What a running server is made of, resolved: from `dev`'s arguments or from `yunkai.toml`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use gateway::GatewayOptions;
use platform::journal::JournalOptions;
use platform::{StoreOptions, WeChatOptions};
use serde::Deserialize;
use tokio::net::TcpListener;

/// The simulator's AppID for projects without one.
pub const SIMULATED_APP_ID: &str = "wxyunkaidev0000000";

/// Everything `start` needs.
#[derive(Debug)]
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where the console listens, apart from everything else.
    pub console_listen: Option<SocketAddr>,
    /// The data directory.
    pub data: PathBuf,
    /// Where documents are kept.
    pub store: StoreOptions,
    /// The environment of requests that name none.
    pub environment: String,
    /// Further environments.
    pub environments: Vec<String>,
    /// True in `dev`.
    pub is_dev: bool,
    /// The address clients use, when it differs from their Host header.
    pub public_url: Option<String>,
    /// The AppID that the simulator plays; [`SIMULATED_APP_ID`] when absent.
    pub app_id: Option<String>,
    /// How WeChat is reached; the simulator when absent.
    pub wechat: Option<WeChatOptions>,
    /// How many workers functions get, where that is not left to the machine.
    pub functions: FunctionLimits,
    /// How much of what happened is kept.
    pub journal: JournalOptions,
    /// The function that runs under a debugger.
    pub inspect: Option<functions::Inspect>,
}

/// `[functions]` of `yunkai.toml`: what functions may use of this machine.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionLimits {
    /// Workers that wait for a function, started ahead of need.
    waiting_workers: Option<usize>,
    /// Workers that may serve functions at once.
    workers_max: Option<usize>,
    /// The sum of the memory settings of all workers that serve functions.
    memory_budget_mb: Option<u64>,
    /// Calls of one function that may wait for a worker.
    queue_max: Option<usize>,
    /// A worker without a call is stopped after this time.
    idle_seconds: Option<u64>,
    /// Whether functions may have install scripts of their dependencies run, with the rights of
    /// this server.
    install_scripts: Option<bool>,
    /// Whether workers have a network of their own, where the kernel offers it.
    gate: Option<bool>,
    /// Node.js binaries by major version, beside those that are found.
    #[serde(default)]
    node: BTreeMap<String, PathBuf>,
}

impl FunctionLimits {
    fn apply(&self, options: &mut functions::Options) -> Result<()> {
        let wrong = |key: &str, what: &str, said: &str| {
            Err(anyhow!("functions.{key}: {what}. / functions.{key}:{said}。"))
        };
        if self.workers_max == Some(0) {
            return wrong("workers_max", "at least 1 worker is needed", "至少需要 1 个工作进程");
        }
        if self.memory_budget_mb.is_some_and(|budget| budget < 256) {
            return wrong("memory_budget_mb", "at least 256 MB are needed", "至少需要 256 MB");
        }
        options.waiting_workers = self.waiting_workers.unwrap_or(options.waiting_workers);
        options.workers_max = self.workers_max.unwrap_or(options.workers_max);
        options.memory_budget_mb = self.memory_budget_mb.or(options.memory_budget_mb);
        options.queue_max = self.queue_max.unwrap_or(options.queue_max);
        let idle_ms = self.idle_seconds.map(|seconds| seconds.saturating_mul(1000));
        options.idle_ms = idle_ms.unwrap_or(options.idle_ms);
        options.install_scripts = self.install_scripts.unwrap_or(options.install_scripts);
        options.gate = self.gate.unwrap_or(options.gate);
        options.nodes = crate::node::others(&self.node)?;
        Ok(())
    }
}

/// A server that listens but does not serve yet.
#[derive(Debug)]
pub struct Started {
    /// The listener.
    pub listener: TcpListener,
    /// The console's own listener.
    pub console: Option<TcpListener>,
    /// What the platform is made of.
    pub platform: platform::Options,
    /// How the wire presents it.
    pub gateway: GatewayOptions,
    /// `http://host:port`.
    pub url: String,
}

impl Settings {
    /// Takes the port, then resolves what depends on it.
    pub async fn listen(self) -> Result<Started> {
        let bind = |address| async move {
            TcpListener::bind(address).await.map_err(|error| taken(address, &error))
        };
        let listener = bind(self.listen).await?;
        let console = match self.console_listen {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        let address = listener.local_addr()?;
        let url = gateway::local_url(address);
        let public_url = self.public_url.clone();
        let link_base = public_url.clone().unwrap_or_else(|| url.clone());
        let functions = function_options(&self, &url)?;
        let app_id = self.app_id.as_deref().unwrap_or(SIMULATED_APP_ID);
        let wechat = self.wechat.unwrap_or_else(|| WeChatOptions::simulator(app_id, &link_base));
        Ok(Started {
            listener,
            console,
            platform: platform::Options {
                data: self.data,
                store: self.store,
                default_environment: self.environment,
                environments: self.environments,
                lenient_environments: self.is_dev,
                functions,
                wechat,
                journal: self.journal,
            },
            gateway: GatewayOptions {
                public_url,
                local_url: url.clone(),
                has_console: self.is_dev,
                dev_users: if self.is_dev { dev_users() } else { Vec::new() },
            },
            url,
        })
    }
}

/// The people a `dev` server offers for signing in; any other name works too.
fn dev_users() -> Vec<(String, String)> {
    [("alice", "小满"), ("bob", "阿树"), ("carol", "青禾")]
        .map(|(name, nickname)| (name.to_owned(), nickname.to_owned()))
        .to_vec()
}

/// How functions run on this machine.
pub fn function_options(settings: &Settings, url: &str) -> Result<functions::Options> {
    let launcher = std::env::current_exe().context("The program cannot find itself.")?;
    let node = crate::node::find()?;
    let run_dir = run_dir(&settings.data);
    let mut options =
        functions::Options::new(settings.data.join("functions"), run_dir, node, launcher);
    let host = |url: &str| url.split_once("://").map(|(_, host)| host.to_owned());
    options.redirected_hosts = vec![gateway::WORKER_HOST.to_owned()];
    options.redirected_hosts.extend(host(url));
    options.redirected_hosts.extend(settings.public_url.as_deref().and_then(host));
    options.open_loopback = settings.is_dev;
    options.inspect = settings.inspect.clone();
    // A server has the memory; a developer's machine does other things too.
    options.waiting_workers = if settings.is_dev { 1 } else { 2 };
    options.install_scripts = settings.is_dev;
    settings.functions.apply(&mut options)?;
    Ok(options)
}

/// Sockets need a short path that workers of another user may walk, so they lie in the system's
/// folder for temporary files, named after the data directory.
fn run_dir(data: &Path) -> PathBuf {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    std::path::absolute(data).unwrap_or_else(|_| data.to_owned()).hash(&mut hasher);
    std::env::temp_dir().join(format!("yunkai-{:016x}", hasher.finish()))
}

fn taken(address: SocketAddr, error: &std::io::Error) -> anyhow::Error {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => anyhow!(
            "Port {0} is in use by another program: stop it, or choose another port with --port \
             (0 takes a free one). / 端口 {0} 已被其他程序占用:请停止它,或用 --port 指定其他端口\
             (0 表示自动选择)。",
            address.port()
        ),
        std::io::ErrorKind::PermissionDenied => anyhow!(
            "This user may not listen on {address}: choose a port above 1023. / 当前用户无权监听 \
             {address}:请使用 1024 以上的端口。"
        ),
        _ => anyhow!("Cannot listen on {address}: {error}. / 无法监听 {address}:{error}。"),
    }
}
