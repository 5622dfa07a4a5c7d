//! What `yunkai doctor` says about functions on this machine, in words.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use super::{Entry, Measures, Mounts, Probed, Scale, probe};
use crate::assets;
use crate::settings::{Check, CheckState, Options};

/// The oldest Node.js that works.
pub(crate) const NODE_MAJOR_MIN: u32 = 20;

/// What confinement this machine offers, and whether Node and the carried SDKs are usable.
///
/// Starts Node and the launcher once or a few times; needs no running runtime.
#[must_use]
pub fn doctor(options: &Options) -> Vec<Check> {
    let options = &crate::functions::with_programs(options.clone());
    let mut checks = vec![check_node(&options.node)];
    checks.extend(options.nodes.iter().map(|(major, path)| check_other_node(*major, path)));
    checks.push(check_carried());
    if !options.confine {
        let why = "Switched off in the configuration: functions run with the rights of the \
        server. / \
                   配置中已关闭:云函数以服务器进程的权限运行。";
        checks.push(check("confinement", CheckState::Off, why));
        return checks;
    }
    match probe_in_scratch(options) {
        Ok(probed) => {
            checks.extend(describe(&probed));
            checks.push(check_network(options, &probed));
        }
        Err(reason) => {
            let why = format!("It could not be tried: {reason} / 无法检测:{reason}");
            checks.push(check("confinement", CheckState::Off, &why));
        }
    }
    checks.push(check_share());
    checks
}

/// The major version of a Node binary, and its full version text.
///
/// # Errors
/// A bilingual sentence when it cannot be started or is no Node.js.
pub(crate) fn version_of(node: &Path) -> Result<(u32, String), String> {
    let output = Command::new(node).arg("--version").output().map_err(|error| {
        format!(
            "Node.js cannot be started as {}: {error}. Install Node.js {NODE_MAJOR_MIN} or \
             newer. / \
             无法启动 Node.js({}),请安装 {NODE_MAJOR_MIN} 或更高版本。",
            node.display(),
            node.display()
        )
    })?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let major = text.strip_prefix('v').and_then(|rest| rest.split('.').next()?.parse().ok());
    major.map(|major| (major, text.clone())).ok_or_else(|| too_old(node, &text))
}

/// What a Node.js lays hands on and does not use, in MB: from 23 on, V8 reserves room for code that
/// a limit on data counts. Starts the program once.
pub(crate) fn reserved_mb(node: &Path) -> u64 {
    static KNOWN: Mutex<BTreeMap<PathBuf, u64>> = Mutex::new(BTreeMap::new());
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(reserved) = known().get(node) {
        return *reserved;
    }
    let reserved = version_of(node).map_or(0, |(major, _)| if major >= 23 { 512 } else { 0 });
    known().insert(node.to_owned(), reserved);
    reserved
}

/// The same, of a Node.js that is new enough to be the usual one.
///
/// # Errors
/// A bilingual sentence when it cannot be started or is too old.
pub(crate) fn node_version(node: &Path) -> Result<(u32, String), String> {
    let (major, text) = version_of(node)?;
    if NODE_MAJOR_MIN <= major { Ok((major, text)) } else { Err(too_old(node, &text)) }
}

fn too_old(node: &Path, text: &str) -> String {
    format!(
        "Node.js {NODE_MAJOR_MIN} or newer is needed; {} says \"{text}\". / \
         需要 Node.js {NODE_MAJOR_MIN} 或更高版本,当前为“{text}”。",
        node.display()
    )
}

fn check_node(node: &Path) -> Check {
    match node_version(node) {
        Ok((_, version)) => check("node", CheckState::On, &format!("{} {version}", node.display())),
        Err(why) => check("node", CheckState::Off, &why),
    }
}

/// Whether the user of a worker could start this program, when workers have users of their own.
pub(crate) fn is_reachable(program: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| path.metadata().map_or(0, |metadata| metadata.permissions().mode());
    let program = program.canonicalize().unwrap_or_else(|_| program.to_owned());
    !nix::unistd::geteuid().is_root()
        || (mode(&program) & 0o005 == 0o005
            && program.ancestors().skip(1).all(|folder| mode(folder) & 0o001 != 0))
}

/// One that functions may ask for.
fn check_other_node(major: u32, path: &Path) -> Check {
    let name = format!("node {major}");
    match version_of(path) {
        Ok((found, version)) if found == major && !is_reachable(path) => {
            let why = format!(
                "{} {version} lies where the users of functions cannot reach it: move it out of \
                 private folders. / {} 位于私有目录,云函数用户无法访问,请移至公共目录。",
                path.display(),
                path.display()
            );
            check(&name, CheckState::Off, &why)
        }
        Ok((found, version)) if found == major => {
            check(&name, CheckState::On, &format!("{} {version}", path.display()))
        }
        Ok((_, version)) => {
            let why = format!(
                "{} is Node.js {version}: functions that ask for {major} run on another one. / {} 是 \
                 Node.js {version},要求 {major} 的云函数将使用其他版本。",
                path.display(),
                path.display()
            );
            check(&name, CheckState::Off, &why)
        }
        Err(why) => check(&name, CheckState::Off, &why),
    }
}

fn check_carried() -> Check {
    let sdks = assets::carried_sdks(Path::new(""));
    if sdks.is_empty() {
        return check("carried-sdk", CheckState::Off, assets::CARRIED_MISSING);
    }
    let versions: Vec<String> = sdks.iter().map(|sdk| sdk.version.to_string()).collect();
    check("carried-sdk", CheckState::On, &format!("wx-server-sdk {}", versions.join(", ")))
}

/// What keeps a busy function from taking the processor from its neighbours.
fn check_share() -> Check {
    let scale = Scale::found();
    let (state, why) = match scale {
        Scale::Sessions { .. } => (
            CheckState::On,
            "The processor is shared by worker, not by process; workers that keep it busy, and \
             those that start ahead of need, stand back for the others. / CPU 按工作进程分配;\
             长时间占用 CPU 与预先启动的工作进程会让出优先级。",
        ),
        Scale::Threads { returns: true, .. } => (
            CheckState::Partly,
            "Workers that keep the processor busy, and those that start ahead of need, get higher \
             nice values; a function with many processes still takes more than one with few. / \
             长时间占用 CPU 的工作进程会降低优先级(nice),但进程多的云函数仍会占用更多 CPU。",
        ),
        Scale::Threads { returns: false, .. } => (
            CheckState::Partly,
            "Workers that keep the processor busy get higher nice values, which the server may not \
             lower again: they are replaced. CAP_SYS_NICE or `LimitNICE=+0` (systemd) allows it; \
             without control groups, so does `sysctl kernel.sched_autogroup_enabled=1`. / 长时间\
             占用 CPU 的工作进程会降低优先级(nice)且无法恢复,之后会被更换;可授予 CAP_SYS_NICE \
             或设置 LimitNICE=+0。",
        ),
    };
    check("cpu-share", state, why)
}

/// What holds functions to the addresses they may reach.
fn check_network(options: &Options, probed: &Probed) -> Check {
    let mut why = String::new();
    let state = if probed.measures.network {
        why.push_str(
            "Workers have no network but a gate of the server: closed addresses and the lists of a \
             function hold for every program it starts. ",
        );
        CheckState::On
    } else {
        let reason = match failure(probed, "network") {
            "" if options.gate => "needs mounts",
            "" => "functions.gate is false",
            reason => reason,
        };
        let _ = write!(
            why,
            "Closed addresses and the lists of a function are kept inside Node, not by the kernel \
             ({reason}): native addons and programs a function starts are not held back. "
        );
        CheckState::Partly
    };
    if options.open_loopback {
        why.push_str(
            "`yunkai dev` leaves this machine's own services open; `yunkai serve` closes them. ",
        );
    }
    why.push_str(if probed.measures.network {
        "/ 工作进程只能经由服务器访问网络,地址限制对云函数启动的所有程序有效。"
    } else {
        "/ 地址限制仅在 Node 内生效,对原生扩展和云函数启动的其他程序无效。"
    });
    if options.open_loopback {
        why.push_str("dev 允许访问本机服务,serve 不允许。");
    }
    check("network", state, &why)
}

/// Why a measure does not work; empty when it does, or was not tried.
fn failure<'a>(probed: &'a Probed, name: &str) -> &'a str {
    let found = probed.failures.iter().find(|(failed, _)| failed == name);
    found.map_or("", |(_, reason)| reason.as_str())
}

fn probe_in_scratch(options: &Options) -> Result<Probed, String> {
    let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
    let slot = scratch.path().join("slot");
    std::fs::create_dir_all(slot.join("tmp")).map_err(|error| error.to_string())?;
    let runtime = scratch.path().join("runtime");
    assets::write_out(&runtime).map_err(|error| error.to_string())?;
    open_up(scratch.path()).map_err(|error| error.to_string())?;
    probe(&options.launcher, &trial_entry(options, slot, runtime), options.gate)
}

/// The probe runs as another user, who must be able to pass through.
fn open_up(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o711))
}

/// The entry of a trial worker.
pub(crate) fn trial_entry(
    options: &Options,
    slot: std::path::PathBuf,
    runtime: std::path::PathBuf,
) -> Entry {
    Entry {
        probe: true,
        inside: false,
        measures: Measures::NONE,
        node: options.node.clone(),
        node_arguments: Vec::new(),
        slot,
        runtime,
        memory_mb: 256,
        tmp_mb: 512,
        server_pid: nix::unistd::getpid().as_raw(),
        server_uid: nix::unistd::geteuid().as_raw(),
        server_gid: nix::unistd::getegid().as_raw(),
        low: None,
        aside: false,
        uid: crate::slot::FIRST_UID,
        inspect_port: None,
    }
}

fn describe(probed: &Probed) -> Vec<Check> {
    let measures = &probed.measures;
    let state = |on: bool| if on { CheckState::On } else { CheckState::Off };
    let mounts = match measures.mounts {
        Mounts::Shared => (
            CheckState::Partly,
            "/tmp is refused to functions; os.tmpdir() works and is their own. / 云函数不能写 /tmp,\
             请使用 os.tmpdir()。",
        ),
        _ => (CheckState::On, "/tmp is each worker's own. / 每个工作进程有独立的 /tmp。"),
    };
    let rows = [
        (
            "limits",
            state(measures.limits),
            "Memory, files and processes are limited. / 限制内存、文件与进程数。",
        ),
        ("mounts", mounts.0, mounts.1),
        (
            "tmp",
            state(measures.tmp),
            "/tmp has a size limit; needs mounts. / /tmp 有大小限制,需要 mounts。",
        ),
        (
            "processes",
            state(measures.processes),
            "A worker sees and signals its own processes only, and nothing it starts outlives it; \
             needs mounts and an unmasked /proc. / 工作进程只能看到自己的进程,\
             且其启动的进程不会残留。",
        ),
        (
            "uid",
            state(measures.uid),
            "Workers run as users of their own; needs a server started as root, and folders that \
             others can \
             reach. / 以独立用户运行,需要 root 启动且目录可达。",
        ),
        (
            "landlock",
            state(measures.landlock),
            "The kernel shows a worker its own folder and system software only. / \
             内核仅允许访问自身目录与系统软件。",
        ),
        (
            "seccomp",
            state(measures.seccomp),
            "System calls no function needs are refused. / 拒绝云函数不需要的系统调用。",
        ),
    ];
    rows.into_iter()
        .map(|(name, state, text)| {
            let why = failure(probed, name);
            let more = if why.is_empty() { String::new() } else { format!(" ({why})") };
            check(name, state, &format!("{text}{more}"))
        })
        .collect()
}

fn check(name: &str, state: CheckState, explanation: &str) -> Check {
    Check { name: name.to_owned(), state, explanation: explanation.to_owned() }
}
