//! A PostgreSQL for tests: made from the machine's own programs in a temporary folder, reached
//! over a Unix socket only, and gone when the process that asked for it is, even when that was
//! killed. It refuses to skip: without PostgreSQL on the machine it panics and says what to
//! install. Nothing here is for data anybody wants to keep.
//!
//! [`fresh_address`] is what most tests need: a schema of their own in one server per process.
//! Where [`ADDRESS_VARIABLE`] names a server that is running already, that one is used, so that a
//! runner with a process per test does not start one per test. [`Cluster::start`] gives a server
//! of one's own, to crash for instance.

mod programs;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use programs::Programs;

/// Environment variable with the address of a running throw-away server.
pub const ADDRESS_VARIABLE: &str = "YUNKAI_TEST_POSTGRES";

/// What a server does with `fsync`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disk {
    /// Commits wait for the disk, as in production.
    Durable,
    /// Commits do not wait: quick, for tests that do not test durability.
    Quick,
}

/// A running server; dropping it stops it and removes its files.
#[derive(Debug)]
pub struct Cluster {
    folder: String,
    supervisor: Child,
    /// The supervisor lives until this is closed.
    orders: Option<ChildStdin>,
    ready: Mutex<mpsc::Receiver<String>>,
}

impl Cluster {
    /// Makes and starts a server, and waits until it takes connections.
    ///
    /// # Panics
    ///
    /// When PostgreSQL is not installed or does not start; the text says what to do.
    pub fn start(disk: Disk) -> Cluster {
        let programs = Programs::find();
        let folder = tempfile::Builder::new().prefix("yunkai-pg-").tempdir();
        let folder = folder.expect("a temporary folder can be made").keep();
        programs.make_cluster(&folder);
        let mut command = Command::new("sh");
        command.args(["-c", include_str!("supervise.sh"), "supervise"]).arg(&folder);
        command.args(programs.server(&folder, disk));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        // Out of the way of signals meant for the tests, so that it can clear up after them.
        let mut supervisor = command.process_group(0).spawn().expect("a shell can be started");
        let orders = supervisor.stdin.take();
        let log = supervisor.stderr.take().expect("its standard error is a pipe");
        let (sender, ready) = mpsc::channel();
        std::thread::spawn(move || watch(BufReader::new(log), &sender));
        let folder = folder.to_str().expect("temporary folders have plain names").to_owned();
        let cluster = Cluster { folder, supervisor, orders, ready: Mutex::new(ready) };
        cluster.wait_until_ready();
        cluster
    }

    /// `postgres://…` of its one database, whose owner the user is.
    pub fn address(&self) -> String {
        let host = self.folder.replace('/', "%2F");
        format!("postgres://yunkai@/postgres?host={host}")
    }

    /// Kills the server as a power cut would (what was not synced may be lost) and starts it
    /// again.
    pub fn crash_and_restart(&self) {
        let mut orders = self.orders.as_ref().expect("present until it is dropped");
        orders.write_all(b"crash\n").expect("the supervisor listens");
        self.wait_until_ready();
    }

    fn wait_until_ready(&self) {
        let ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match ready {
            Ok(text) if text.is_empty() => {}
            Ok(text) => panic!("PostgreSQL did not start:\n{text}"),
            Err(_) => panic!("PostgreSQL ended without a word"),
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.orders = None;
        // When waiting fails there is nobody left to wait for.
        let _ = self.supervisor.wait();
    }
}

/// Sends an empty text whenever the server says that it is ready, and what it said when it ends.
fn watch(log: impl BufRead, sender: &mpsc::Sender<String>) {
    let mut said = Vec::new();
    for line in log.lines().map_while(Result::ok) {
        let is_ready = line.contains("database system is ready to accept connections");
        // Nobody listens once the cluster is being dropped.
        if is_ready && sender.send(String::new()).is_err() {
            return;
        }
        let keep_from = said.len().saturating_sub(50);
        said.drain(..keep_from);
        said.push(line);
    }
    let _ = sender.send(said.join("\n"));
}

/// The address of the server that this process's tests share; started when first asked for.
///
/// # Panics
///
/// As [`Cluster::start`].
pub fn shared_address() -> String {
    static SHARED: OnceLock<String> = OnceLock::new();
    let address = SHARED.get_or_init(|| match std::env::var(ADDRESS_VARIABLE) {
        Ok(address) if !address.is_empty() => address,
        _ => {
            static CLUSTER: OnceLock<Cluster> = OnceLock::new();
            CLUSTER.get_or_init(|| Cluster::start(Disk::Quick)).address()
        }
    });
    address.clone()
}

/// The shared server's address with a schema that nobody has used yet.
///
/// # Panics
///
/// As [`Cluster::start`].
pub fn fresh_address() -> String {
    with_fresh_schema(&shared_address())
}

/// This address with a schema that nobody has used yet.
pub fn with_fresh_schema(address: &str) -> String {
    static SCHEMAS: AtomicU64 = AtomicU64::new(0);
    let number = SCHEMAS.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    let separator = if address.contains('?') { '&' } else { '?' };
    format!("{address}{separator}schema=t{now:x}_{}_{number}", std::process::id())
}

/// Whether the folder of an address is still there; for tests of this crate.
pub fn leaves_something(address: &str) -> bool {
    let host = address.split("host=").nth(1).unwrap_or_default();
    Path::new(&host.split('&').next().unwrap_or_default().replace("%2F", "/")).exists()
}
