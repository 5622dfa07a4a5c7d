//! One environment: its engine, accounts, files, permissions, functions and log, and nothing of
//! another.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use engine::{Clock, Engine, Position};
use files::Files;
use functions::Functions;
use identity::{Identity, Keys};
use serde_json::value::RawValue;
use store::Store;
use wechat::WeChat;

use crate::access::Access;
use crate::error::Result;
use crate::http::{self, RouteTable, Servers};
use crate::invocations::{InvocationContext, Invocations};
use crate::journal::{Event, Follower, Journal, Page, Query};
use crate::metrics::Metrics;
use crate::metrics::usage::Usage;
use crate::push::Pushes;
use crate::records::Record;
use crate::releases::{Releases, Secrets};
use crate::services;
use crate::sockets::Connections;
use crate::transactions::Transactions;
use crate::triggers::Triggers;

/// What the environments of one server share.
#[derive(Clone)]
pub struct Shared {
    /// The worker pool.
    pub functions: Functions,
    /// WeChat's servers or the simulator.
    pub wechat: WeChat,
    /// Where events are noted.
    pub journal: Arc<Journal>,
    /// Running invocations; request ids are unique across environments.
    pub invocations: Arc<Invocations>,
    /// Told when packages may have become useless.
    pub tidy: Arc<tokio::sync::Notify>,
    /// The time.
    pub clock: Clock,
}

/// One environment of the server.
pub struct Environment {
    id: String,
    keys: Keys,
    engine: Engine,
    /// Where the change log ended when it was opened.
    opened_at: Position,
    identity: Identity,
    files: Files,
    access: Access,
    transactions: Transactions,
    triggers: Triggers,
    releases: Releases,
    secrets: Secrets,
    /// The folder of what is not a document.
    folder: PathBuf,
    pushes: Pushes,
    /// Held while the indexes of a project's file are applied.
    index_turn: tokio::sync::Mutex<()>,
    /// Held while a site is put in the place of another.
    hosting_turn: tokio::sync::Mutex<()>,
    hosting: RwLock<Option<PathBuf>>,
    routes: RwLock<Arc<RouteTable>>,
    services: services::Directory,
    connections: Connections,
    servers: Servers,
    /// Why the latest deployment of a function was refused, by name: callers are told, too.
    refusals: Mutex<HashMap<String, String>>,
    metrics: Metrics,
    usage: Usage,
    shared: Shared,
}

impl Environment {
    /// Opens an environment over its store, creating what is missing; files lie in `folder`.
    pub async fn with_store(
        store: Store,
        folder: &Path,
        keys: Keys,
        shared: Shared,
    ) -> Result<Self> {
        let id = keys.env_id.clone();
        crate::deploy::clean_uploads(folder);
        let is_shared = store.is_shared();
        let engine = Engine::open(store, shared.clock.clone()).await?;
        // Before anything is read: what changes from now on is learnt from the change log.
        let opened_at = engine.newest_change().await?;
        let identity = Identity::open(engine.clone(), keys.clone(), shared.clock.clone()).await?;
        let bucket = files::bucket(&id, Some(shared.wechat.app_id()));
        let link_key = keys.link_key();
        let files =
            Files::open(folder.join("files"), engine.clone(), link_key, &id, &bucket).await?;
        let access = Access::open(engine.clone()).await?;
        let routes = http::read(&engine).await?;
        let services = services::Directory::read(&engine).await?;
        let triggers = Triggers::open(&engine, is_shared).await?;
        crate::open_api::open(&engine).await?;
        let releases = Releases::open(engine.clone()).await?;
        let secrets = Secrets::open(engine.clone(), keys.derive("function secrets")).await?;
        crate::pay::open(&engine).await?;
        let pushes = Pushes::open(&engine).await?;
        Ok(Self {
            id,
            keys,
            engine,
            opened_at,
            identity,
            files,
            access,
            transactions: Transactions::default(),
            triggers,
            releases,
            secrets,
            folder: folder.to_owned(),
            pushes,
            index_turn: tokio::sync::Mutex::default(),
            hosting_turn: tokio::sync::Mutex::default(),
            hosting: RwLock::default(),
            routes: RwLock::new(Arc::new(routes)),
            services,
            connections: Connections::default(),
            servers: Servers::default(),
            refusals: Mutex::default(),
            metrics: Metrics::default(),
            usage: Usage::default(),
            shared,
        })
    }

    /// The environment's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The keys of server SDKs.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The AppID that users sign in with.
    pub fn app_id(&self) -> &str {
        self.shared.wechat.app_id()
    }

    /// The WeChat servers or the simulator.
    pub fn wechat(&self) -> &WeChat {
        &self.shared.wechat
    }

    /// The folder of the hosted site, when there is one.
    pub fn hosting(&self) -> Option<PathBuf> {
        self.hosting.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Which functions answer which paths.
    pub fn routes(&self) -> Arc<RouteTable> {
        Arc::clone(&self.routes.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_routes(&self, table: RouteTable) {
        *self.routes.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(table);
    }

    /// Notes an event of this environment.
    pub fn record(&self, event: Event) {
        self.shared.journal.record(&self.id, self.now_ms(), event);
    }

    /// Counts and notes an invocation that began earlier and has settled.
    pub(crate) fn settled(&self, began_ms: i64, mut record: Record) {
        self.metrics.note(self, &mut record, self.now_ms());
        self.usage.call(&record);
        let event = Event::Invocation(Box::new(record));
        self.shared.journal.record(&self.id, began_ms, event);
    }

    /// The figures of its functions.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// What it uses.
    pub fn usage(&self) -> &Usage {
        &self.usage
    }

    /// What its journal takes on the disk, in bytes.
    pub fn journal_bytes(&self) -> u64 {
        self.shared.journal.bytes(&self.id)
    }

    /// Searches what happened in this environment, newest first.
    ///
    /// # Errors
    /// Nothing is kept.
    pub async fn search_journal(&self, query: Query) -> Result<Page> {
        self.shared.journal.search(&self.id, query).await
    }

    /// The newest entries asked for and what follows them.
    ///
    /// # Errors
    /// Nothing is kept.
    pub async fn follow_journal(&self, query: Query) -> Result<(Vec<Box<RawValue>>, Follower)> {
        self.shared.journal.tail(&self.id, query).await
    }

    /// The time, ms since 1970.
    pub fn now_ms(&self) -> i64 {
        self.shared.clock.now_ms()
    }

    /// On whose behalf an invocation runs, while it runs and for a moment after.
    pub fn invocation(&self, request_id: &str) -> Option<Arc<InvocationContext>> {
        self.shared.invocations.get(request_id)
    }

    pub(crate) fn set_refusal(&self, function: &str, reason: Option<String>) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        match reason {
            Some(reason) => refusals.insert(function.to_owned(), reason),
            None => refusals.remove(function),
        };
    }

    pub(crate) fn refusal(&self, function: &str) -> Option<String> {
        let refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.get(function).cloned()
    }

    pub(crate) fn set_hosting(&self, folder: Option<PathBuf>) {
        *self.hosting.write().unwrap_or_else(PoisonError::into_inner) = folder;
    }

    /// Whether other nodes may use the same store.
    pub(crate) fn is_shared(&self) -> bool {
        self.triggers.is_shared()
    }

    pub(crate) fn opened_at(&self) -> Position {
        self.opened_at
    }

    pub(crate) fn servers(&self) -> &Servers {
        &self.servers
    }

    pub(crate) fn connections(&self) -> &Connections {
        &self.connections
    }

    pub(crate) fn services(&self) -> &services::Directory {
        &self.services
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(crate) fn files(&self) -> &Files {
        &self.files
    }

    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    pub(crate) fn transactions(&self) -> &Transactions {
        &self.transactions
    }

    pub(crate) fn triggers(&self) -> &Triggers {
        &self.triggers
    }

    pub(crate) fn pushes(&self) -> &Pushes {
        &self.pushes
    }

    pub(crate) fn releases(&self) -> &Releases {
        &self.releases
    }

    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn hosting_turn(&self) -> &tokio::sync::Mutex<()> {
        &self.hosting_turn
    }

    /// Has packages removed that no version uses any more, some time soon.
    pub(crate) fn tidy_packages(&self) {
        self.shared.tidy.notify_one();
    }

    pub(crate) fn index_turn(&self) -> &tokio::sync::Mutex<()> {
        &self.index_turn
    }

    pub(crate) fn functions(&self) -> &Functions {
        &self.shared.functions
    }

    pub(crate) fn invocations(&self) -> &Invocations {
        &self.shared.invocations
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Environment").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A fresh request id in the form of a UUID, as the vendor's logs show them.
pub fn new_request_id() -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(36);
    for (place, byte) in rand::random::<[u8; 16]>().into_iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}
