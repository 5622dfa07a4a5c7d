//! `yunkai serve`: the server of `yunkai.toml`, and what `dev` shares with it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use gateway::Gateway;
use platform::journal::JournalOptions;
use platform::{Platform, StoreOptions};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use crate::arguments;
use crate::client;
use crate::config::{FunctionLimits, Settings, Started};
use crate::terminal;
use crate::wechat_toml::WeChatToml;

/// `yunkai.toml` as far as this version understands it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Toml {
    #[serde(default = "default_listen")]
    listen: SocketAddr,
    /// Where the console and `/_api` listen, apart from hosted pages.
    console_listen: Option<SocketAddr>,
    public_url: Option<String>,
    data: PathBuf,
    /// `fjall`, or the `postgres://` address of a database.
    store: Option<String>,
    /// The default environment's id.
    #[serde(default = "default_environment")]
    environment: String,
    /// Further environments, wholly apart.
    #[serde(default)]
    environments: Vec<String>,
    wechat: Option<WeChatToml>,
    /// What functions may use.
    #[serde(default)]
    functions: FunctionLimits,
    #[serde(default)]
    journal: JournalToml,
}

/// `[journal]`: how much of what happened is kept, for each environment.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct JournalToml {
    days: Option<u32>,
    megabytes: Option<u64>,
}

impl JournalToml {
    fn options(&self) -> Result<JournalOptions> {
        let default = JournalOptions::default();
        let options = JournalOptions {
            days: self.days.unwrap_or(default.days),
            megabytes: self.megabytes.unwrap_or(default.megabytes),
        };
        if options.days == 0 || options.megabytes == 0 {
            return Err(anyhow!(
                "journal: days and megabytes are at least 1. / journal:days 与 megabytes 至少为 1。"
            ));
        }
        Ok(options)
    }
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 9527))
}

fn default_environment() -> String {
    "default".to_owned()
}

/// What a server without `[wechat]` says at its start.
const SIMULATED: &str = "WeChat is simulated: whoever reaches this server can sign in as anybody (code dev-<name>). \
     Set app_id and app_secret under [wechat] before strangers reach it. / 当前使用微信模拟器:能访问本服务的人\
     都可以用 dev-<名字> 登录为任意用户。对外开放前请在 [wechat] 中设置 app_id 与 app_secret。";

/// Serves until the process is told to stop.
pub async fn run(arguments: arguments::Serve) -> Result<()> {
    let path = arguments.config.display().to_string();
    let text = std::fs::read_to_string(&arguments.config)
        .map_err(|error| anyhow!("{path} cannot be read: {error}. / 无法读取 {path}:{error}。"))?;
    let toml: Toml = toml::from_str(&text).map_err(|error| {
        anyhow!("{path} cannot be understood:\n{error} / {path} 有误:\n{error}")
    })?;
    let store = StoreOptions::parse(toml.store.as_deref().unwrap_or("fjall"))
        .map_err(|error| anyhow!("{path}: store: {error}"))?;
    let settings = Settings {
        listen: toml.listen,
        console_listen: toml.console_listen,
        data: toml.data,
        store,
        environment: toml.environment,
        environments: toml.environments,
        is_dev: false,
        public_url: toml.public_url.map(|url| url.trim_end_matches('/').to_owned()),
        app_id: None,
        wechat: toml.wechat.map(WeChatToml::options).transpose()?,
        functions: toml.functions,
        journal: toml.journal.options().map_err(|error| anyhow!("{path}: {error}"))?,
        inspect: None,
    };
    let is_simulated = settings.wechat.is_none();
    let server = Server::start(settings.listen().await?).await?;
    if is_simulated {
        terminal::error(SIMULATED);
    }
    server.announce();
    server.run().await;
    Ok(())
}

/// A server that is ready to answer.
pub struct Server {
    /// The platform behind it.
    pub platform: Arc<Platform>,
    url: String,
    address: PathBuf,
    stop: CancellationToken,
    serving: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Starts the platform and the wire on a listener.
    pub async fn start(started: Started) -> Result<Self> {
        let address = client::address_file(&started.platform.data);
        let platform = Platform::start(started.platform).await?;
        let gateway = Gateway::new(Arc::clone(&platform), started.gateway);
        let stop = CancellationToken::new();
        if let Some(listener) = started.console {
            let address = listener.local_addr()?;
            terminal::line(&format!("console  {}/_console", gateway::local_url(address)));
            tokio::spawn(gateway::serve_console(Arc::clone(&gateway), listener, stop.clone()));
        }
        let serving = tokio::spawn(gateway::serve(gateway, started.listener, stop.clone()));
        Ok(Self { platform, url: started.url, address, stop, serving })
    }

    /// `http://host:port`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Says, for people and programs, that requests are answered now.
    ///
    /// The address is left in the data directory, where commands look for it.
    pub fn announce(&self) {
        let address = serde_json::json!({ "url": self.url }).to_string();
        if let Err(error) = std::fs::write(&self.address, address) {
            tracing::warn!(%error, "the address could not be left in the data directory");
        }
        terminal::line(&format!("ready {}", self.url));
    }

    /// Serves until the process is told to stop, then finishes requests in progress.
    pub async fn run(self) {
        told_to_stop().await;
        let _ = std::fs::remove_file(&self.address);
        self.stop.cancel();
        let _ = self.serving.await;
        self.platform.stop().await;
    }
}

async fn told_to_stop() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupt.await;
}
