//! What can go wrong, named by what the caller should do about it.
//!
//! [`Error`] is for people who deploy and operate; [`InvokeError`] is for one call and is what a
//! wire turns into the vendor's codes. Neither knows status numbers.

use std::path::PathBuf;

/// Why a deploy, a start or a look-up did not happen. Every message is bilingual and says what to
/// do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The package itself is wrong: the person who wrote the function mends it.
    #[error("{0}")]
    MendPackage(String),
    /// Dependencies could not be installed: npm's own words are inside.
    #[error("{0}")]
    InstallDependencies(String),
    /// There is no such function in this environment.
    #[error(
        "Function \"{name}\" does not exist in environment \"{environment}\"; deploy it first. / \
         环境“{environment}”中没有云函数“{name}”,请先部署。"
    )]
    NotFound {
        /// The environment that was asked.
        environment: String,
        /// The function that is missing.
        name: String,
    },
    /// The machine or the configuration does not allow functions to run.
    #[error("{0}")]
    MendSetup(String),
    /// A file operation of the platform's own failed (disk full, permissions).
    #[error(
        "Cannot {action} {path}: {source}. Check free space and permissions. / \
         无法处理 {path}:{source}。请检查磁盘空间和权限。"
    )]
    Disk {
        /// What was being done, as a verb: "write", "copy", "list".
        action: &'static str,
        /// The file or folder it was done to.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The runtime is being shut down and takes nothing new.
    #[error(
        "The function runtime is shutting down; try again later. / 云函数运行时正在关闭,请稍后再试。"
    )]
    ShuttingDown,
}

impl Error {
    /// An adapter for `map_err`: remembers what was done to which path.
    pub(crate) fn disk(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Disk { action, path, source }
    }
}

/// Why one invocation has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvokeError {
    /// No such function, or no such version of it (`qualifier`).
    #[error(
        "Function \"{name}\" was not found. Deploy it first. / 找不到云函数“{name}”,请先部署。"
    )]
    NotFound {
        /// Name, with `:qualifier` when a version was asked for.
        name: String,
    },
    /// The handler threw or rejected, or its module could not be loaded.
    #[error("{message}")]
    Threw {
        /// The thrown error's message, or the thrown value as text.
        message: String,
        /// The stack as Node prints it (first line: name and message); empty for non-errors.
        stack: String,
    },
    /// The time limit passed; the worker and everything it started were killed.
    #[error(
        "Invoking the function timed out after {limit_ms} ms. Raise its timeout or make it \
         faster. / \
         云函数执行超过 {limit_ms} 毫秒被终止,请调大超时时间或优化代码。"
    )]
    TimedOut {
        /// The limit that was passed, in milliseconds.
        limit_ms: u64,
    },
    /// The call used more processor time than two processors give in its time limit.
    #[error(
        "The function used more than {limit_ms} ms of processor time in one call. Look for busy \
         loops and processes it starts, or raise its timeout. / 云函数单次调用使用的 CPU 时间超过 {limit_ms} \
         毫秒,请检查死循环与启动的子进程,或调大超时时间。"
    )]
    CpuTimeExceeded {
        /// The limit that was passed, in milliseconds.
        limit_ms: u64,
    },
    /// The worker process ended, or spoke nonsense and was ended, before there was a result.
    #[error("{explanation}")]
    Exited {
        /// Exit code, when the process ended by itself.
        code: Option<i32>,
        /// Signal number, when a signal ended it.
        signal: Option<i32>,
        /// Bilingual: what happened and what to look at.
        explanation: String,
    },
    /// The memory limit was passed.
    #[error(
        "The function used more than its {limit_mb} MB of memory. Raise memorySize or use less. / \
         云函数内存超过 {limit_mb} MB,请调大 memorySize 或减少占用。"
    )]
    OutOfMemory {
        /// The function's memory setting, in MB.
        limit_mb: u64,
    },
    /// The event or the result is over the 6 MiB limit (protocol 02 §3.1).
    #[error(
        "The {what} is {bytes} bytes, more than the {limit_bytes} allowed. Send less, or use \
         files. / \
         数据大小 {bytes} 字节,超过上限 {limit_bytes} 字节,请减小数据或改用云存储。"
    )]
    TooLarge {
        /// "event" or "result".
        what: &'static str,
        /// Its size in bytes.
        bytes: u64,
        /// The limit in bytes.
        limit_bytes: u64,
    },
    /// More calls of this function wait than `queue_max` allows.
    #[error(
        "Too many calls are waiting for function \"{name}\"; try again. / 云函数“{name}”排队已满,请稍后重试。"
    )]
    QueueFull {
        /// The function.
        name: String,
    },
    /// No worker could be started for this call.
    #[error("{message}")]
    StartFailed {
        /// Bilingual: why, and what to do.
        message: String,
    },
    /// The runtime is being shut down.
    #[error("The function runtime is shutting down. / 云函数运行时正在关闭。")]
    ShuttingDown,
}
