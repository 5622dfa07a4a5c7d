//! Starts a worker process: its slot, its socket, its line, its environment.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::variables::Variables;
use super::{REGION, Worker};
use crate::connection::{Ledger, WorkerConnection};
use crate::frames::Line;
use crate::hall::Hall;
use crate::job::Make;
use crate::logs::Author;
use crate::process::Process;
use crate::sandbox::{
    Begins, Entry, FRAMES_DESCRIPTOR, Gate, Measures, Mounts, SMALL_LAUNCHER, Scale,
};
use crate::settings::LogLevel;
use crate::slot::Slot;

/// A start takes a third of a second; this is for a machine in trouble.
const START_TIME_MAX: Duration = Duration::from_secs(30);

/// The vendor gives a function 512 MB of scratch space.
const TMP_MB: u64 = 512;

/// Starts a worker and waits until its bootstrap says that it is ready.
///
/// # Errors
/// A bilingual sentence: why there is no worker, and what to look at.
pub(super) async fn start(
    hall: &Arc<Hall>,
    number: u64,
    memory_mb: u64,
    make: Make,
    hurry: bool,
) -> Result<Worker, String> {
    let mut worker = spawn(hall, number, memory_mb, make, hurry).await?;
    let ready = tokio::time::timeout(START_TIME_MAX, worker.line.next()).await;
    let said_ready = match &ready {
        Ok(Ok(frame)) => frame.head().is_ok_and(|head| head.t == "ready"),
        _ => false,
    };
    if said_ready {
        worker.process.watched.started();
        return Ok(worker);
    }
    let end = worker.process.end(Duration::from_millis(200)).await;
    let words = end.last_words.trim().to_owned();
    worker.leave().await;
    let why = match (ready.is_err(), words.is_empty()) {
        (true, _) => format!("it was not ready within {} s", START_TIME_MAX.as_secs()),
        (false, false) => words,
        (false, true) => format!("it ended (code {:?}, signal {:?})", end.code, end.signal),
    };
    Err(format!(
        "A function worker could not start: {why}. Run `yunkai doctor`. / \
         云函数工作进程无法启动:{why}。请运行 `yunkai doctor` 检查环境。"
    ))
}

async fn spawn(
    hall: &Arc<Hall>,
    number: u64,
    memory_mb: u64,
    make: Make,
    hurry: bool,
) -> Result<Worker, String> {
    let show = |error: &dyn std::fmt::Display| {
        format!("A function worker could not start: {error}. / 云函数工作进程无法启动:{error}。")
    };
    let (slot, listener) = Slot::create(&hall.options.run_dir, number, hall.measures.uid)
        .map_err(|error| show(&error))?;
    let (ours, theirs) = line_ends().map_err(|error| show(&error))?;
    let program = make.node.as_ref().unwrap_or(&hall.options.node).clone();
    let memory = Memory::of(memory_mb, &program).await.map_err(|error| show(&error))?;
    let measures = measures(hall, &make);
    let low = Some(hall.watcher.scale).filter(|scale| !hurry && scale.returns());
    let aside = low.is_some() && hall.watcher.somebody_harms();
    let command = command(hall, &slot, &memory, (&program, &measures), (low, aside), theirs);
    let mut child = hall
        .spawner
        .spawn(command)
        .await
        .map_err(|error| show(&format!("{}: {error}", hall.options.launcher.display())))?;
    let ledger = Arc::new(Ledger::default());
    let (sink, function) = (hall.logs.clone(), OnceLock::new());
    let author = Arc::new(Author { sink, function, ledger: Arc::clone(&ledger) });
    let words = read_pipes(&mut child, &author);
    let begins = Begins { low: low.is_some(), aside };
    let process = Process::new(child, words, &hall.watcher, memory_mb, begins);
    let process = process.map_err(|error| show(&error))?;
    hall.remember(number, &process.watched);
    let (jobs, inbox) = mpsc::unbounded_channel();
    let door =
        tokio::spawn(answer_door(Arc::clone(hall), listener, process.group, Arc::clone(&ledger)));
    // A worker that ended before it sent its sockets leaves its words.
    let gate = match measures.network {
        true => Gate::open(&ours, hall.options.open_loopback, Arc::clone(&author)).await.ok(),
        false => None,
    };
    Ok(Worker {
        hall: Arc::clone(hall),
        number,
        memory_mb,
        make,
        line: Line::new(ours),
        process,
        slot,
        author,
        ledger,
        door,
        gate,
        variables: Variables::default(),
        alarm: Box::pin(tokio::time::sleep(Duration::ZERO)),
        jobs,
        inbox,
        invocation: 0,
        last_number: 0,
        ahead: VecDeque::new(),
        pool: None,
        revision: 0,
        loaded: false,
        given_up: false,
        assigned_in: Duration::ZERO,
        memory_seen_mb: None,
        unsettled: false,
        held_up: false,
    })
}

/// Both ends of a line: the server's, and the one the process inherits.
fn line_ends() -> std::io::Result<(UnixStream, OwnedFd)> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    Ok((UnixStream::from_std(ours)?, theirs.into()))
}

/// Has what the process writes read; its last words come when standard error ends.
fn read_pipes(child: &mut Child, author: &Arc<Author>) -> JoinHandle<String> {
    let stdout = child.stdout.take().expect("standard output was asked for");
    let stderr = child.stderr.take().expect("standard error was asked for");
    tokio::spawn(Arc::clone(author).read_pipe(stdout, LogLevel::Info));
    tokio::spawn(Arc::clone(author).read_pipe(stderr, LogLevel::Error))
}

/// Hands connections on the private socket to the platform, if they come from this very worker.
async fn answer_door(
    hall: Arc<Hall>,
    listener: UnixListener,
    group: nix::unistd::Pid,
    ledger: Arc<Ledger>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        let pid = stream.peer_cred().ok().and_then(|peer| peer.pid());
        let of_group = pid.is_some_and(|pid| {
            nix::unistd::getpgid(Some(nix::unistd::Pid::from_raw(pid))) == Ok(group)
        });
        if !of_group {
            tracing::warn!(?pid, "a process that is not the worker tried its socket");
            continue;
        }
        let is_node = pid.is_some_and(|pid| crate::sandbox::is_node(pid, group, &hall.measures));
        let connection = WorkerConnection::new(stream, Arc::clone(&ledger), is_node);
        if hall.connections.send(connection).await.is_err() {
            return;
        }
    }
}

/// What a function is given, and what its Node.js takes without using it.
struct Memory {
    given_mb: u64,
    reserved_mb: u64,
}

impl Memory {
    async fn of(given_mb: u64, program: &Path) -> Result<Self, tokio::task::JoinError> {
        let asked = program.to_owned();
        let reserved_mb = tokio::task::spawn_blocking(move || crate::sandbox::reserved_mb(&asked));
        Ok(Self { given_mb, reserved_mb: reserved_mb.await? })
    }
}

/// Those that were found to work, but for what this worker is to go without.
fn measures(hall: &Hall, make: &Make) -> Measures {
    let measures = hall.measures.clone();
    Measures { network: measures.network && !make.direct, ..measures }
}

fn command(
    hall: &Hall,
    slot: &Slot,
    memory: &Memory,
    (node, measures): (&Path, &Measures),
    (low, aside): (Option<Scale>, bool),
    line: OwnedFd,
) -> Command {
    let options = &hall.options;
    let settings = serde_json::json!({
        "fd": FRAMES_DESCRIPTOR,
        "hosts": options.redirected_hosts,
        "socketPath": slot.socket(),
        "openLoopback": options.open_loopback,
        "hasGate": measures.network,
        "sdk": hall.preloaded,
    });
    let entry = Entry {
        probe: false,
        inside: false,
        measures: measures.clone(),
        node: node.to_owned(),
        node_arguments: [
            node_flags(memory.given_mb),
            vec![
                hall.runtime.join("bootstrap.js").to_string_lossy().into_owned(),
                settings.to_string(),
            ],
        ]
        .concat(),
        slot: slot.path.clone(),
        runtime: hall.runtime.clone(),
        memory_mb: memory.given_mb + memory.reserved_mb,
        tmp_mb: TMP_MB,
        server_pid: nix::unistd::getpid().as_raw(),
        server_uid: nix::unistd::geteuid().as_raw(),
        server_gid: nix::unistd::getegid().as_raw(),
        low,
        aside,
        uid: slot.uid,
        inspect_port: options.inspect.as_ref().map(|inspect| inspect.port),
    };
    let entry = serde_json::to_string(&entry).expect("paths were checked to be UTF-8 at start");
    let mut command = Command::new(&options.launcher);
    command
        .arg("worker-enter")
        .arg(entry)
        .env_clear()
        .envs(environment(hall, slot, node))
        .envs([SMALL_LAUNCHER])
        .stdin(Stdio::from(line))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// What Node.js is told before its program. Code that was compiled ahead fits these flags only.
pub(crate) fn node_flags(memory_mb: u64) -> Vec<String> {
    vec![format!("--max-old-space-size={memory_mb}")]
}

/// The process environment before any function is known (protocol 02 §3.3).
fn environment(hall: &Hall, slot: &Slot, node: &Path) -> Vec<(&'static str, OsString)> {
    let code = slot.code();
    let tmp = match hall.measures.mounts {
        Mounts::Shared => slot.tmp(),
        Mounts::Root | Mounts::User => "/tmp".into(),
    };
    let mut root = code.clone().into_os_string();
    root.push("/");
    let node_path = std::env::join_paths([code.clone(), code.join("node_modules")]);
    let bin = node.parent().map(Path::to_owned);
    let system = ["/usr/local/bin", "/usr/bin", "/bin"].map(std::path::PathBuf::from);
    let paths = std::env::join_paths(bin.into_iter().chain(system)).unwrap_or_default();
    let mut variables: Vec<(&'static str, OsString)> = vec![
        ("PATH", paths),
        ("HOME", tmp.clone().into()),
        ("TMPDIR", tmp.into()),
        ("LANG", "C.UTF-8".into()),
        ("TZ", "UTC".into()),
        ("NODE_PATH", node_path.unwrap_or_default()),
        ("USER_CODE_ROOT", root),
        ("TENCENTCLOUD_RUNENV", "SCF".into()),
        ("TENCENTCLOUD_REGION", REGION.into()),
        ("SCF_RUNTIME", "Nodejs".into()),
        ("_SCF_TCB_LOG", "1".into()),
    ];
    if let Some(host) = hall.options.redirected_hosts.first() {
        let endpoint = serde_json::json!({ "URL": format!("http://{host}/admin") });
        variables.push(("TCB_CONTEXT_CNFG", endpoint.to_string().into()));
    }
    variables
}
