//! One server: environments by id, the shared worker pool, and the tasks that carry logs to the
//! journal.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use engine::Clock;
use functions::{Functions, Streams};
use store::{FjallOptions, PostgresOptions, Store};
use tokio::sync::mpsc;
use wechat::{HttpOptions, SimulatorEvent, SimulatorOptions, WeChat};

use crate::background::Background;
use crate::deploy;
use crate::directory::DataDirectory;
use crate::environment::{Environment, Shared};
use crate::error::{Code, Error, Result};
use crate::invocations::Invocations;
use crate::journal::{Event, Journal, JournalOptions};
use crate::metrics::usage;
use crate::releases;
use crate::triggers;

/// How the server reaches WeChat.
#[derive(Debug, Clone)]
pub enum WeChatOptions {
    /// The real servers, or another server that speaks like them.
    Http(HttpOptions),
    /// The simulator built in.
    Simulator(SimulatorOptions),
}

impl WeChatOptions {
    /// The simulator, whose mini-program codes lead to pages of the site at `link_base`.
    pub fn simulator(app_id: &str, link_base: &str) -> Self {
        let mut options = SimulatorOptions::new(app_id);
        let base = link_base.to_owned();
        options.code_text = Arc::new(move |content: &wechat::CodeContent| {
            let page = content.page.trim_start_matches('/');
            format!("{base}/#/{page}?scene={}", content.scene)
        });
        WeChatOptions::Simulator(options)
    }
}

/// Where the documents of every environment are kept.
#[derive(Debug, Clone, Default)]
pub enum StoreOptions {
    /// In the data directory, by the embedded store.
    #[default]
    Fjall,
    /// In a PostgreSQL database, one schema per environment.
    Postgres(Box<PostgresOptions>),
}

impl StoreOptions {
    /// Reads `fjall` or a `postgres://` address.
    ///
    /// # Errors
    /// What is not understood, by its part.
    pub fn parse(text: &str) -> Result<Self> {
        if text == "fjall" {
            return Ok(Self::Fjall);
        }
        Ok(Self::Postgres(Box::new(PostgresOptions::parse(text)?)))
    }

    /// Opens the store of one environment.
    async fn open(&self, id: &str, folder: &Path) -> Result<Store> {
        match self {
            Self::Fjall => Ok(Store::fjall(folder.join("store"), FjallOptions::default())?),
            Self::Postgres(options) => {
                let mut options = PostgresOptions::clone(options);
                options.schema = format!("{}-{id}", options.schema);
                Ok(Store::postgres(options).await?)
            }
        }
    }
}

/// What a server is made of.
#[derive(Debug)]
pub struct Options {
    /// The data directory.
    pub data: PathBuf,
    /// Where documents are kept.
    pub store: StoreOptions,
    /// The environment of requests that name none.
    pub default_environment: String,
    /// Further environments to open.
    pub environments: Vec<String>,
    /// True in `dev`: an unknown environment id means the default one.
    pub lenient_environments: bool,
    /// How functions run.
    pub functions: functions::Options,
    /// How WeChat is reached.
    pub wechat: WeChatOptions,
    /// How much of what happened is kept.
    pub journal: JournalOptions,
}

/// One server.
pub struct Platform {
    directory: DataDirectory,
    default_environment: Arc<Environment>,
    environments: RwLock<HashMap<String, Arc<Environment>>>,
    /// Unknown ids that were taken for the default environment, each noticed once.
    noticed: Mutex<HashMap<String, ()>>,
    lenient: bool,
    shared: Shared,
    background: Background,
    connections: Mutex<Option<mpsc::Receiver<functions::WorkerConnection>>>,
}

impl Platform {
    /// Opens the data directory and every environment, and starts the worker pool.
    pub async fn start(options: Options) -> Result<Arc<Self>> {
        let directory = DataDirectory::open(&options.data)?;
        let clock = Clock::system();
        let wechat = match options.wechat {
            WeChatOptions::Http(http) => WeChat::http(http)
                .map_err(|error| Error::from_room(Code::InvalidParameter, error))?,
            WeChatOptions::Simulator(simulator) => WeChat::simulator(simulator),
        };
        let (functions, streams) = Functions::start(options.functions)
            .await
            .map_err(|error| Error::from_room(Code::Internal, error))?;
        let journal = Arc::new(Journal::new(clock.clone()));
        let invocations = Arc::new(Invocations::default());
        let tidy = Arc::new(tokio::sync::Notify::new());
        let shared = Shared { functions, wechat, journal, invocations, tidy, clock };
        let mut environments = HashMap::new();
        let ids = std::iter::once(&options.default_environment).chain(&options.environments);
        for id in ids {
            check_id(id)?;
            let keys = directory.keys(id)?;
            let folder = directory.environment(id)?;
            shared.journal.keep(id, &folder.join("journal"), options.journal)?;
            let store = options.store.open(id, &folder).await?;
            let environment = Environment::with_store(store, &folder, keys, shared.clone()).await?;
            releases::restore(&environment).await;
            deploy::restore_site(&environment);
            environments.insert(id.clone(), Arc::new(environment));
        }
        let default_environment = environments
            .get(&options.default_environment)
            .cloned()
            .expect("the default environment was opened first");
        directory.write_credentials(default_environment.keys())?;
        let Streams { connections, logs, .. } = streams;
        let platform = Arc::new(Self {
            directory,
            default_environment,
            environments: RwLock::new(environments),
            noticed: Mutex::default(),
            lenient: options.lenient_environments,
            shared,
            background: Background::default(),
            connections: Mutex::new(Some(connections)),
        });
        for environment in platform.environments() {
            platform.background.start(&environment);
        }
        tokio::spawn(Journal::write_out(Arc::downgrade(&platform.shared.journal)));
        tokio::spawn(usage::keep(Arc::downgrade(&platform)));
        tokio::spawn(carry_logs(Arc::downgrade(&platform), logs));
        tokio::spawn(carry_wechat_events(Arc::downgrade(&platform)));
        tokio::spawn(tidy_packages(Arc::downgrade(&platform)));
        Ok(platform)
    }

    /// The environment of requests that name none.
    pub fn default_environment(&self) -> &Arc<Environment> {
        &self.default_environment
    }

    /// The environment a request names; an empty name means the default one.
    pub fn environment(&self, id: &str) -> Result<Arc<Environment>> {
        if id.is_empty() || id == self.default_environment.id() {
            return Ok(Arc::clone(&self.default_environment));
        }
        let environments = self.environments.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(environment) = environments.get(id) {
            return Ok(Arc::clone(environment));
        }
        if self.lenient {
            self.notice_unknown(id);
            return Ok(Arc::clone(&self.default_environment));
        }
        Err(Error::new(
            Code::UnknownEnvironment,
            format!(
                "This server has no environment '{id}': check the env in init(). / 本服务器没有\
                 环境「{id}」:请检查 init() 中的 env。"
            ),
        ))
    }

    /// The environment of an SDK call that a function makes: its own, however it spells it.
    ///
    /// A function holds no keys of other environments, so another known id is refused.
    pub fn environment_for_function(
        &self,
        own: &str,
        named: Option<&str>,
    ) -> Result<Arc<Environment>> {
        let environment = self.environment(named.unwrap_or(own))?;
        if environment.id() == own {
            return Ok(environment);
        }
        // In dev an unknown id stands for the default environment; a function's is its own.
        let is_known = named.is_some_and(|id| environment.id() == id);
        if self.lenient && !is_known {
            return self.environment(own);
        }
        Err(Error::new(
            Code::UnknownEnvironment,
            format!(
                "A function of the environment '{own}' may not reach into '{0}'. / 环境「{own}」的\
                 云函数不能访问环境「{0}」。",
                environment.id()
            ),
        ))
    }

    /// Every environment of the server.
    pub fn environments(&self) -> Vec<Arc<Environment>> {
        let environments = self.environments.read().unwrap_or_else(PoisonError::into_inner);
        environments.values().cloned().collect()
    }

    /// The journal of all environments.
    pub fn journal(&self) -> &Journal {
        &self.shared.journal
    }

    /// WeChat, real or simulated.
    pub fn wechat(&self) -> &WeChat {
        &self.shared.wechat
    }

    /// The data directory.
    pub fn directory(&self) -> &DataDirectory {
        &self.directory
    }

    /// The SDK connections of workers, to be served by the wire; handed out once.
    pub fn take_worker_connections(&self) -> Option<mpsc::Receiver<functions::WorkerConnection>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Ends workers and closes the stores; everything acknowledged is durable already.
    pub async fn stop(&self) {
        self.background.ask_to_end();
        self.shared.functions.shutdown().await;
        self.background.ended().await;
        self.shared.journal.flush().await;
        for environment in self.environments() {
            environment.usage().flush(&environment).await;
            triggers::end(&environment).await;
            if let Err(error) = environment.engine().close().await {
                tracing::error!(environment = environment.id(), %error, "closing the store failed");
            }
        }
    }

    /// A line of a function's log without the secrets of its environment.
    fn redacted(&self, environment: &str, text: String) -> String {
        let environments = self.environments.read().unwrap_or_else(PoisonError::into_inner);
        let Some(environment) = environments.get(environment) else { return text };
        let redacted = match environment.secrets().redact(&text) {
            std::borrow::Cow::Owned(redacted) => Some(redacted),
            std::borrow::Cow::Borrowed(_) => None,
        };
        redacted.unwrap_or(text)
    }

    fn notice_unknown(&self, id: &str) {
        /// More ids than any honest program hard-codes; the map must not grow with hostile ones.
        const NOTICED_MAX: usize = 100;
        let mut noticed = self.noticed.lock().unwrap_or_else(PoisonError::into_inner);
        if noticed.len() >= NOTICED_MAX || noticed.insert(id.to_owned(), ()).is_some() {
            return;
        }
        let default = &self.default_environment;
        default.record(Event::Notice {
            text: format!(
                "The environment '{id}' is not known here; '{0}' is used in its place. / 未找到\
                 环境「{id}」,已使用「{0}」代替。",
                default.id()
            ),
        });
    }
}

impl std::fmt::Debug for Platform {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Platform").finish_non_exhaustive()
    }
}

/// Environment ids become folder names and parts of file ids.
fn check_id(id: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if !id.is_empty() && id.len() <= 40 && id.chars().all(fits) {
        return Ok(());
    }
    Err(Error::new(
        Code::InvalidParameter,
        format!(
            "'{id}' cannot be an environment id: use 1 to 40 of a-z, 0-9, - and _. / 环境 ID「{id}」\
             不合法:请使用 1 到 40 位小写字母、数字、- 或 _。"
        ),
    ))
}

async fn carry_logs(
    platform: std::sync::Weak<Platform>,
    mut logs: mpsc::Receiver<functions::LogLine>,
) {
    while let Some(line) = logs.recv().await {
        let Some(platform) = platform.upgrade() else { return };
        let request_id = line.request_id.unwrap_or_default();
        let invocation = platform.shared.invocations.get(&request_id);
        let event = Event::Log {
            request_id,
            function: line.function,
            openid: invocation.and_then(|it| it.user.as_ref()?.openid.clone()),
            level: line.level.into(),
            text: platform.redacted(&line.environment, line.text),
        };
        // A worker without a function has no environment either.
        let environment = match &*line.environment {
            "" => platform.default_environment.id(),
            environment => environment,
        };
        platform.shared.journal.record(environment, line.time_ms, event);
    }
}

/// Removes the packages that no version of any environment uses: once at the start, and after
/// deploys.
async fn tidy_packages(platform: std::sync::Weak<Platform>) {
    let Some(notified) = platform.upgrade().map(|it| Arc::clone(&it.shared.tidy)) else { return };
    loop {
        let Some(platform) = platform.upgrade() else { return };
        let environments = platform.environments();
        let kept = environments.iter().flat_map(|it| it.releases().content_hashes()).collect();
        if let Err(error) = platform.shared.functions.tidy(kept).await {
            tracing::warn!(%error, "packages stay behind");
        }
        for environment in &environments {
            if let Err(error) = releases::tidy(environment).await {
                tracing::warn!(%error, "packages stay behind in the store");
            }
        }
        drop((environments, platform));
        notified.notified().await;
    }
}

async fn carry_wechat_events(platform: std::sync::Weak<Platform>) {
    let Some(mut events) = platform.upgrade().map(|it| it.shared.wechat.events().subscribe())
    else {
        return;
    };
    loop {
        use tokio::sync::broadcast::error::RecvError;
        let event: SimulatorEvent = match events.recv().await {
            Ok(event) => event,
            Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        let Some(platform) = platform.upgrade() else { return };
        let environment = platform.default_environment.id();
        let what = event.kind.to_string();
        let event_ms = event.at_ms;
        let event = Event::WeChat { what, title: event.title, detail: event.detail };
        platform.shared.journal.record(environment, event_ms, event);
    }
}
