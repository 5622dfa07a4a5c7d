//! The door of this room: start, deploy, invoke, shut down.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use crate::assets;
use crate::connection::WorkerConnection;
use crate::error::{Error, InvokeError};
use crate::hall::{Hall, Parts};
use crate::job::{Job, Version};
use crate::logs::{LINES_WAITING_MAX, LogSink};
use crate::package::{Built, Workshop};
use crate::pool::Pool;
use crate::prepared::{Place, Prepared};
use crate::process::Spawner;
use crate::sandbox::{self, Measures};
use crate::settings::{
    DeployReport, Ended, Figures, Invocation, LATEST, LogLine, Options, Package, RESULT_BYTES_MAX,
    Settings, Stored,
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
    pub(crate) hall: Arc<Hall>,
    pub(crate) workshop: Arc<Workshop>,
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
        let watcher =
            sandbox::Watcher::start().map_err(Error::disk("start a thread in", &runtime))?;
        let hall = Hall::new(Parts {
            options,
            measures,
            runtime,
            preloaded,
            spawner,
            watcher,
            connections,
            logs,
        });
        hall.expect_size(memory_mb);
        let functions = Self { hall, workshop: Arc::new(workshop), deploys: Arc::default() };
        Ok((functions, Streams { connections: connections_out, logs: logs_out }))
    }

    /// Checks a package, keeps it, and sends new calls to it. Running calls finish on the old one.
    ///
    /// # Errors
    /// [`Error::MendPackage`] and [`Error::InstallDependencies`] say what to mend; what was
    /// deployed before stays deployed. A numbered version that exists is never changed.
    pub async fn deploy(&self, package: Package) -> Result<DeployReport, Error> {
        let prepared = self.prepare(package).await?;
        self.serve(prepared).await
    }

    /// Checks a package and keeps it; nobody is served by it yet.
    ///
    /// # Errors
    /// As [`Self::deploy`].
    pub async fn prepare(&self, mut package: Package) -> Result<Prepared, Error> {
        let inspect = self.hall.options.inspect.as_ref();
        if inspect.is_some_and(|inspect| inspect.function == package.name) {
            under_debugger(&mut package.settings);
        }
        if self.hall.closing.is_cancelled() {
            return Err(Error::ShuttingDown);
        }
        check_label(&package.version)?;
        let built = self.workshop.build(&package).await?;
        let Package { environment, name, version, settings, source: _ } = package;
        Ok(Prepared { place: Place { environment, name, version }, settings, built })
    }

    /// Sends new calls to what was prepared. Running calls finish on the old one.
    ///
    /// # Errors
    /// A numbered version that exists with other code.
    pub async fn serve(&self, prepared: Prepared) -> Result<DeployReport, Error> {
        let Prepared { place, settings, built } = prepared;
        let turn = self.deploys.turn(&place.environment, &place.name);
        let _turn = turn.lock().await;
        let (report, pool) = self.install(place, settings, built)?;
        if report.changed {
            self.hall.prepare(&pool);
        }
        Ok(report)
    }

    /// Serves a package that an earlier process deployed, as it was built then.
    ///
    /// # Errors
    /// [`Error::MendPackage`] when the package is not there: deploy the function again.
    pub async fn restore(&self, stored: Stored) -> Result<(), Error> {
        let turn = self.deploys.turn(&stored.environment, &stored.name);
        let _turn = turn.lock().await;
        if self.hall.closing.is_cancelled() {
            return Err(Error::ShuttingDown);
        }
        check_label(&stored.version)?;
        let Stored { environment, name, version, content_hash, settings } = stored;
        let workshop = Arc::clone(&self.workshop);
        let found = tokio::task::spawn_blocking(move || {
            workshop.find(&content_hash, &settings).map(|built| (built, settings))
        });
        let (built, settings) = found.await.map_err(|_| Error::ShuttingDown)??;
        let (_, pool) = self.install(Place { environment, name, version }, settings, built)?;
        pool.keep_ready(&self.hall);
        Ok(())
    }

    /// Removes packages of the data directory that no version uses, and installed dependencies that
    /// no package came from. Once the versions of an earlier process are restored, what is left
    /// belongs to nobody; what is named in `kept` stays although it is not served.
    ///
    /// # Errors
    /// [`Error::Disk`].
    pub async fn tidy(&self, kept: BTreeSet<String>) -> Result<(), Error> {
        let workshop = Arc::clone(&self.workshop);
        let tidied = tokio::task::spawn_blocking(move || workshop.tidy(&kept)).await;
        tidied.map_err(|_| Error::ShuttingDown)?
    }

    fn install(
        &self,
        place: Place,
        settings: Settings,
        built: Built,
    ) -> Result<(DeployReport, Arc<Pool>), Error> {
        let Built { tree, content_hash, carried, node, notices, unsupported, bundle } = built;
        let Place { environment, name, version: label } = place;
        let carried_sdk = carried.as_ref().map(|sdk| sdk.version.to_string());
        let pool = self.hall.pool(&environment, &name, &label);
        let make = self.hall.make_for(&name, &settings, node);
        let before = pool.as_ref().and_then(|pool| pool.version());
        let mut report = DeployReport {
            version: label.clone(),
            revision: before.as_ref().map_or(0, |before| before.revision),
            content_hash: content_hash.clone(),
            notices,
            changed: false,
            carried_sdk,
            unsupported,
            bundle,
        };
        if let Some(before) = &before {
            let is_same = before.content_hash == content_hash
                && before.settings == settings
                && before.carried == carried
                && before.make == make;
            // Settings may come to mean something else: a secret was given another value.
            if label != LATEST && before.content_hash != content_hash {
                return Err(exists(&name, &label));
            }
            if let Some(pool) = pool.clone().filter(|_| is_same) {
                return Ok((report, pool));
            }
        }
        report.changed = true;
        report.revision += 1;
        let (memory_mb, revision) = (settings.memory_mb, report.revision);
        tree.keep();
        let version =
            Arc::new(Version { revision, label, content_hash, settings, tree, carried, make });
        let pool = if let Some(pool) = pool {
            pool.replace(version);
            pool
        } else {
            let label = version.label.clone();
            let pool = Arc::new(Pool::new(environment.clone(), name.clone(), version));
            let mut pools = self.hall.pools.write().unwrap_or_else(PoisonError::into_inner);
            let functions = pools.entry(environment).or_default();
            functions.entry(name).or_default().insert(label, Arc::clone(&pool));
            pool
        };
        self.hall.expect_size(memory_mb);
        Ok((report, pool))
    }

    /// Takes one version out of service. Running calls finish; waiting ones are answered
    /// `NotFound`.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub async fn withdraw(
        &self,
        environment: &str,
        name: &str,
        version: &str,
    ) -> Result<(), Error> {
        let turn = self.deploys.turn(environment, name);
        let _turn = turn.lock().await;
        let withdrawn = {
            let mut pools = self.hall.pools.write().unwrap_or_else(PoisonError::into_inner);
            let functions = pools.get_mut(environment);
            functions.and_then(|functions| {
                let versions = functions.get_mut(name)?;
                let pool = versions.remove(version);
                if versions.is_empty() {
                    functions.remove(name);
                }
                pool
            })
        };
        let Some(pool) = withdrawn else {
            let (environment, name) = (environment.to_owned(), format!("{name}:{version}"));
            return Err(Error::NotFound { environment, name });
        };
        pool.close(&InvokeError::NotFound { name: name.to_owned() });
        pool.withdrawn();
        Ok(())
    }

    /// Removes a function with all its versions. Running calls finish; waiting ones are answered
    /// `NotFound`.
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
        let Some(versions) = removed else {
            let (environment, name) = (environment.to_owned(), name.to_owned());
            return Err(Error::NotFound { environment, name });
        };
        for pool in versions.values() {
            pool.close(&InvokeError::NotFound { name: name.to_owned() });
            pool.withdrawn();
        }
        Ok(())
    }

    /// Calls a function and waits for its end. Dropping the future does not stop the call.
    ///
    /// The result may be any [`InvokeError`]; the function's own are `Threw`, `TimedOut`,
    /// `Exited`, `OutOfMemory`.
    pub async fn invoke(&self, invocation: Invocation) -> Ended {
        let (reply, answer) = oneshot::channel();
        let refused = match self.admit(&invocation) {
            Ok(pool) => pool.submit(&self.hall, Job { invocation, reply, since: Instant::now() }),
            Err(error) => {
                let version = invocation.qualifier.unwrap_or_else(|| LATEST.to_owned());
                let figures = Figures { version, ..Figures::default() };
                return Ended { result: Err(error), figures };
            }
        };
        if let Err((job, error)) = refused {
            let version = job.invocation.qualifier.clone();
            job.refuse(version.as_deref().unwrap_or(LATEST), error);
        }
        answer.await.unwrap_or_else(|_| Ended {
            result: Err(InvokeError::ShuttingDown),
            figures: Figures::default(),
        })
    }

    /// Who serves a call, if it may be made at all.
    fn admit(&self, invocation: &Invocation) -> Result<Arc<Pool>, InvokeError> {
        let bytes = invocation.event.len();
        if bytes > RESULT_BYTES_MAX {
            let limit_bytes = RESULT_BYTES_MAX as u64;
            return Err(InvokeError::TooLarge { what: "event", bytes: bytes as u64, limit_bytes });
        }
        if self.hall.closing.is_cancelled() {
            return Err(InvokeError::ShuttingDown);
        }
        debug_assert!(invocation.request_id.len() <= REQUEST_ID_BYTES_MAX);
        let Invocation { environment, function, qualifier, .. } = invocation;
        let label = qualifier.as_deref().unwrap_or(LATEST);
        self.hall.pool(environment, function, label).ok_or_else(|| {
            let name = match label {
                LATEST => function.clone(),
                label => format!("{function}:{label}"),
            };
            InvokeError::NotFound { name }
        })
    }

    /// Stops taking calls, lets running ones finish for 3 s, and ends every worker.
    pub async fn shutdown(&self) {
        self.hall.shut_down(SHUTDOWN_GRACE).await;
    }
}

/// `$LATEST`, or the text of a number.
fn check_label(label: &str) -> Result<(), Error> {
    let is_number = (1..=10).contains(&label.len())
        && !label.starts_with('0')
        && label.bytes().all(|byte| byte.is_ascii_digit());
    if label == LATEST || is_number {
        return Ok(());
    }
    Err(Error::MendPackage(format!(
        "{label:?} is not a version; it is $LATEST or a number. / 版本 {label:?} 不合法,应为 $LATEST \
         或数字。"
    )))
}

fn exists(name: &str, label: &str) -> Error {
    Error::MendPackage(format!(
        "Version {label} of function \"{name}\" exists with other code, and a numbered \
         version never changes. Publish a new one. / 云函数“{name}”的版本 {label} 已存在且不可修改,\
         请发布新版本。"
    ))
}

impl Deploys {
    fn turn(&self, environment: &str, name: &str) -> Turn {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(turns.entry((environment.to_owned(), name.to_owned())).or_default())
    }
}

/// One worker, there before the first call, that stays: a debugger is attached to it.
fn under_debugger(settings: &mut Settings) {
    const DAY_MS: u64 = 86_400_000;
    settings.min_instances = 1;
    settings.max_instances = Some(1);
    settings.idle_ms = Some(365 * DAY_MS);
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
    let (node_major, _) = sandbox::node_version(&options.node).map_err(Error::MendSetup)?;
    let measures = if options.confine { find_measures(&options)? } else { Measures::NONE };
    let carried = assets::carried_sdks(&runtime);
    if carried.is_empty() {
        tracing::warn!("{}", assets::CARRIED_MISSING);
    }
    let workshop = Workshop::open(&options, node_major, &runtime, carried)?;
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
    let probed = sandbox::probe(&options.launcher, &entry, options.gate).map_err(|reason| {
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
