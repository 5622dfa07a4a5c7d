//! Worker processes: started, killed with all they started, and asked for their last words.
//!
//! They are started by one thread that lives as long as the runtime: a worker dies with the thread
//! that started it, and threads of an async runtime come and go.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::sandbox::{Begins, Watched, Watcher};

/// How long the pipes of an ended process may stay open before they are abandoned.
const LAST_WORDS_TIME_MAX: Duration = Duration::from_millis(500);

/// The thread that starts processes.
#[derive(Debug, Clone)]
pub(crate) struct Spawner {
    requests: mpsc::Sender<Request>,
}

#[derive(Debug)]
struct Request {
    command: Command,
    reply: oneshot::Sender<io::Result<Child>>,
}

impl Spawner {
    /// Starts the thread; it ends when the last handle is dropped.
    pub(crate) fn start() -> io::Result<Self> {
        let (requests, inbox) = mpsc::channel::<Request>();
        let runtime = Handle::current();
        std::thread::Builder::new().name("worker-spawner".to_owned()).spawn(move || {
            let _inside = runtime.enter();
            for mut request in inbox {
                // A caller that went away takes the child with it: it is killed on drop.
                let _ = request.reply.send(request.command.spawn());
            }
        })?;
        Ok(Self { requests })
    }

    pub(crate) async fn spawn(&self, command: Command) -> io::Result<Child> {
        let (reply, answer) = oneshot::channel();
        let gone = || io::Error::other("the spawning thread is gone");
        self.requests.send(Request { command, reply }).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

/// A worker process and its group. Killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pub group: Pid,
    pub watched: Arc<Watched>,
    words: Option<JoinHandle<String>>,
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct End {
    pub code: Option<i32>,
    pub signal: Option<i32>,
    /// What it last wrote to standard error.
    pub last_words: String,
    /// It was still running and had to be killed.
    pub killed: bool,
}

impl Process {
    /// `words` reads the standard error of the child to its end.
    pub(crate) fn new(
        child: Child,
        words: JoinHandle<String>,
        watcher: &Watcher,
        memory_mb: u64,
        begins: Begins,
    ) -> io::Result<Self> {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        let id = id.ok_or_else(|| io::Error::other("the worker ended at once"))?;
        // Its first act is to lead a session, and so a group, of its own.
        let group = Pid::from_raw(id);
        let watched = watcher.watch(group, memory_mb, begins);
        Ok(Self { child, group, watched, words: Some(words) })
    }

    /// Kills the process and everything it started, at once.
    pub(crate) fn kill(&self) {
        // Not reaped yet, so the number still means this group. It may be gone already.
        if self.child.id().is_some() {
            self.watched.kill();
            // In its first moment it has no group of its own yet.
            let _ = kill(self.group, Signal::SIGKILL);
        }
    }

    /// Waits up to `grace` for the process to end by itself, kills what is left, and reports.
    pub(crate) async fn end(&mut self, grace: Duration) -> End {
        let ended = tokio::time::timeout(grace, self.child.wait()).await;
        let killed = ended.is_err();
        self.kill();
        // What it started may outlive it. A group keeps its number as long as it has members.
        self.watched.kill();
        let status = self.child.wait().await.unwrap_or_else(|_| ExitStatus::from_raw(0));
        let last_words = match self.words.take() {
            Some(words) => {
                let ended = tokio::time::timeout(LAST_WORDS_TIME_MAX, words).await;
                ended.ok().and_then(Result::ok).unwrap_or_default()
            }
            None => String::new(),
        };
        End { code: status.code(), signal: status.signal(), last_words, killed }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
