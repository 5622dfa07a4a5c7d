//! The door of this room: start, deploy, invoke, shut down.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use crate::assets;
use crate::connection::WorkerConnection;
use crate::error::{Error, InvokeError};
use crate::hall::{Hall, Parts};
use crate::logs::{LINES_WAITING_MAX, LogSink};
use crate::package::{Built, Workshop};
use crate::pool::{Job, Pool, Version};
use crate::process::Spawner;
use crate::sandbox::{self, Measures};
use crate::settings::{
    DeployReport, FunctionInfo, Invocation, LogLine, Options, Outcome, Package, RESULT_BYTES_MAX,
};
use crate::slot;

/// Connections that may wait for the platform to serve them.
const CONNECTIONS_WAITING_MAX: usize = 256;
const REQUEST_ID_BYTES_MAX: usize = 128;
/// How long running calls may take to finish at shutdown.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(3);

/// What comes out of the workers, for the platform to serve. Both streams are bounded.
#[derive(Debug)]
pub struct Streams {
    /// Connections that functions made to the platform.
    pub connections: mpsc::Receiver<WorkerConnection>,
    /// Log lines. When the reader is too slow, lines are dropped and a later line says how many.
    pub logs: mpsc::Receiver<LogLine>,
}

/// The function runtime. Cloning it gives another handle to the same one.
#[derive(Debug, Clone)]
pub struct Functions {
    hall: Arc<Hall>,
    workshop: Arc<Workshop>,
    deploys: Arc<Deploys>,
}

type Turn = Arc<tokio::sync::Mutex<()>>;

/// Deploys of one function happen one after the other.
#[derive(Debug, Default)]
struct Deploys {
    turns: Mutex<HashMap<(String, String), Turn>>,
}

impl Functions {
    /// Starts the runtime: prepares its folders, finds out which confinement works, and starts the
    /// waiting workers. `options.run_dir` is emptied.
    ///
    /// # Errors
    /// [`Error::MendSetup`] when Node is missing or too old, or the launcher does not work;
    /// [`Error::Disk`] when the folders cannot be made.
    pub async fn start(options: Options) -> Result<(Self, Streams), Error> {
        let prepared = tokio::task::spawn_blocking(move || prepare(options)).await;
        let (options, measures, workshop) = prepared.map_err(|_| Error::ShuttingDown)??;
        let (connections, connections_out) = mpsc::channel(CONNECTIONS_WAITING_MAX);
        let (lines, logs_out) = mpsc::channel(LINES_WAITING_MAX);
        let runtime = options.run_dir.join("runtime");
        let preloaded = assets::carried_sdks(&runtime).into_iter().next().map(|sdk| sdk.folder);
        let spawner = Spawner::start().map_err(Error::disk("start a thread in", &runtime))?;
        let memory_mb = crate::Settings::default().memory_mb;
        let logs = LogSink::new(lines);
        let hall =
            Hall::new(Parts { options, measures, runtime, preloaded, spawner, connections, logs });
        hall.expect_size(memory_mb);
        let functions = Self { hall, workshop: Arc::new(workshop), deploys: Arc::default() };
        Ok((functions, Streams { connections: connections_out, logs: logs_out }))
    }

    /// Checks a package, keeps it, and sends new calls to it. Running calls finish on the old one.
    ///
    /// # Errors
    /// [`Error::MendPackage`] and [`Error::InstallDependencies`] say what to mend; what was
    /// deployed
    /// before stays deployed.
    pub async fn deploy(&self, package: Package) -> Result<DeployReport, Error> {
        let turn = self.deploys.turn(&package.environment, &package.name);
        let _turn = turn.lock().await;
        if self.hall.closing.is_cancelled() {
            return Err(Error::ShuttingDown);
        }
        let built = self.workshop.build(&package).await?;
        Ok(self.install(package, built))
    }

    fn install(&self, package: Package, built: Built) -> DeployReport {
        let Built { tree, content_hash, carried, notices } = built;
        let Package { environment, name, settings, source: _ } = package;
        let carried_sdk = carried.as_ref().map(|sdk| sdk.version.to_string());
        let pool = self.hall.pool(&environment, &name);
        let before = pool.as_ref().and_then(|pool| pool.version());
        if let Some(before) = &before
            && before.content_hash == content_hash
            && before.settings == settings
            && before.carried == carried
        {
            let version = before.number;
            return DeployReport { version, content_hash, notices, changed: false, carried_sdk };
        }
        let number = before.map_or(0, |before| before.number) + 1;
        let memory_mb = settings.memory_mb;
        let hash = content_hash.clone();
        let version = Arc::new(Version { number, content_hash: hash, settings, tree, carried });
        match pool {
            Some(pool) => pool.replace(version),
            None => {
                let pool = Arc::new(Pool::new(environment.clone(), name.clone(), version));
                let mut pools = self.hall.pools.write().unwrap_or_else(PoisonError::into_inner);
                pools.entry(environment).or_default().insert(name, pool);
            }
        }
        self.hall.expect_size(memory_mb);
        DeployReport { version: number, content_hash, notices, changed: true, carried_sdk }
    }

    /// Removes a function. Running calls finish; waiting ones are answered `NotFound`.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub async fn remove(&self, environment: &str, name: &str) -> Result<(), Error> {
        let turn = self.deploys.turn(environment, name);
        let _turn = turn.lock().await;
        let removed = {
            let mut pools = self.hall.pools.write().unwrap_or_else(PoisonError::into_inner);
            pools.get_mut(environment).and_then(|pools| pools.remove(name))
        };
        let Some(pool) = removed else {
            let (environment, name) = (environment.to_owned(), name.to_owned());
            return Err(Error::NotFound { environment, name });
        };
        pool.close(&InvokeError::NotFound { name: name.to_owned() });
        Ok(())
    }

    /// The functions of an environment, by name.
    #[must_use]
    pub fn list(&self, environment: &str) -> Vec<FunctionInfo> {
        let pools = self.hall.pools.read().unwrap_or_else(PoisonError::into_inner);
        pools.get(environment).into_iter().flatten().map(|(_, pool)| pool.info()).collect()
    }

    /// How many waiting workers are ready to be given a function.
    #[must_use]
    pub fn waiting_workers(&self) -> usize {
        self.hall.ready_workers()
    }

    /// One function.
    #[must_use]
    pub fn get(&self, environment: &str, name: &str) -> Option<FunctionInfo> {
        self.hall.pool(environment, name).map(|pool| pool.info())
    }

    /// Calls a function and waits for its result. Dropping the future does not stop the call.
    ///
    /// # Errors
    /// Every [`InvokeError`]; the function's own are `Threw`, `TimedOut`, `Exited`, `OutOfMemory`.
    pub async fn invoke(&self, invocation: Invocation) -> Result<Outcome, InvokeError> {
        let bytes = invocation.event.len();
        if bytes > RESULT_BYTES_MAX {
            let limit_bytes = RESULT_BYTES_MAX as u64;
            return Err(InvokeError::TooLarge { what: "event", bytes: bytes as u64, limit_bytes });
        }
        if self.hall.closing.is_cancelled() {
            return Err(InvokeError::ShuttingDown);
        }
        debug_assert!(invocation.request_id.len() <= REQUEST_ID_BYTES_MAX);
        let pool = self.hall.pool(&invocation.environment, &invocation.function);
        let pool = pool.filter(|pool| serves(pool, invocation.qualifier.as_deref()));
        let Some(pool) = pool else {
            let name = match &invocation.qualifier {
                Some(qualifier) => format!("{}:{qualifier}", invocation.function),
                None => invocation.function,
            };
            return Err(InvokeError::NotFound { name });
        };
        let (reply, answer) = oneshot::channel();
        pool.submit(&self.hall, Job { invocation, reply, since: Instant::now() })?;
        answer.await.unwrap_or(Err(InvokeError::ShuttingDown))
    }

    /// Stops taking calls, lets running ones finish for 3 s, and ends every worker.
    pub async fn shutdown(&self) {
        self.hall.shut_down(SHUTDOWN_GRACE).await;
    }
}

/// Only the newest version of a function is kept.
fn serves(pool: &Pool, qualifier: Option<&str>) -> bool {
    match qualifier {
        None | Some("" | "$LATEST" | "$DEFAULT") => true,
        Some(number) => pool.version().is_some_and(|version| version.number.to_string() == number),
    }
}

impl Deploys {
    fn turn(&self, environment: &str, name: &str) -> Turn {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(turns.entry((environment.to_owned(), name.to_owned())).or_default())
    }
}

/// Folders, Node, confinement: everything that blocks.
fn prepare(options: Options) -> Result<(Options, Measures, Workshop), Error> {
    let mut options = with_programs(options);
    for folder in [&options.data_dir, &options.run_dir] {
        fs::create_dir_all(folder).map_err(Error::disk("create", folder))?;
    }
    let absolute = |path: &Path| fs::canonicalize(path).map_err(Error::disk("find", path));
    options.data_dir = absolute(&options.data_dir)?;
    options.run_dir = absolute(&options.run_dir)?;
    if options.run_dir.to_str().is_none() {
        return Err(Error::MendSetup(
            "The run folder's path is not UTF-8. / 运行目录的路径不是 UTF-8。".to_owned(),
        ));
    }
    slot::check_run_dir(&options.run_dir)?;
    empty(&options.run_dir)?;
    let runtime = options.run_dir.join("runtime");
    assets::write_out(&runtime)?;
    sandbox::node_version(&options.node).map_err(Error::MendSetup)?;
    let measures = if options.confine { find_measures(&options)? } else { Measures::NONE };
    let carried = assets::carried_sdks(&runtime);
    if carried.is_empty() {
        tracing::warn!("{}", assets::CARRIED_MISSING);
    }
    let workshop = Workshop::open(&options.data_dir, &runtime, &options.node, carried)?;
    Ok((options, measures, workshop))
}

/// The options with absolute paths of Node and the launcher.
pub(crate) fn with_programs(mut options: Options) -> Options {
    options.node = find_program(options.node);
    options.launcher = find_program(options.launcher);
    options
}

/// The absolute path of a program that may be given by its name alone, as a shell would find it.
fn find_program(program: PathBuf) -> PathBuf {
    if program.components().count() > 1 {
        return std::path::absolute(&program).unwrap_or(program);
    }
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&paths).map(|path| path.join(&program)).find(|path| path.is_file());
    found.unwrap_or(program)
}

fn find_measures(options: &Options) -> Result<Measures, Error> {
    // A container's root may lack the right to give files away; then workers share its user.
    let is_root = nix::unistd::geteuid().is_root();
    let (slot, _door) = slot::Slot::create(&options.run_dir, 0, is_root)
        .or_else(|_| slot::Slot::create(&options.run_dir, 0, false))?;
    let entry = sandbox::trial_entry(options, slot.path.clone(), options.run_dir.join("runtime"));
    let probed = sandbox::probe(&options.launcher, &entry).map_err(|reason| {
        Error::MendSetup(format!(
            "The confinement of functions could not be tried: {reason}. Run `yunkai doctor`. / \
             无法检测云函数的隔离能力:{reason}。请运行 `yunkai doctor`。"
        ))
    })?;
    for (measure, reason) in &probed.failures {
        tracing::warn!(measure, reason, "functions run without this confinement");
    }
    Ok(probed.measures)
}

/// Removes what an earlier process left: slots (numbers) and the runtime folder.
fn empty(run_dir: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    let passable = fs::Permissions::from_mode(0o711);
    fs::set_permissions(run_dir, passable).map_err(Error::disk("share", run_dir))?;
    for entry in fs::read_dir(run_dir).map_err(Error::disk("list", run_dir))? {
        let entry = entry.map_err(Error::disk("list", run_dir))?;
        let name = entry.file_name();
        let ours =
            name == "runtime" || name.to_str().is_some_and(|name| name.parse::<u64>().is_ok());
        if ours {
            fs::remove_dir_all(entry.path()).map_err(Error::disk("remove", entry.path()))?;
        }
    }
    Ok(())
}
