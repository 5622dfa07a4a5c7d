//! What can go wrong below the documents, named by what the caller should do. Messages carry
//! both languages and say how to get out; they never carry a backtrace of the adapter's insides.

use std::io;
use std::path::{Path, PathBuf};

use fjall::LsmError;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process (or another handle of this one) has the directory open.
    #[error(
        "The data directory {path} is in use by another process; stop that process or choose \
         another directory. / 数据目录 {path} 正被另一个进程使用；请先停止该进程，或换一个目录。",
        path = .path.display()
    )]
    StoreLocked {
        /// The store's directory.
        path: PathBuf,
    },

    /// The directory cannot be written.
    #[error(
        "The data directory {path} cannot be written ({reason}); give this user write permission \
         or choose another directory. / 数据目录 {path} 不可写（{reason}）；请为当前用户授予写权限，\
         或换一个目录。",
        path = .path.display()
    )]
    StoreReadOnly {
        /// The store's directory.
        path: PathBuf,
        /// What the operating system said.
        reason: String,
    },

    /// No space left. Nothing of the failed write is kept or acknowledged.
    #[error(
        "The disk that holds the data is full; free some space and restart. Reads still work and \
         nothing acknowledged is lost. / 数据所在磁盘已满；请释放空间后重启。读取仍可进行，\
         已确认的数据不会丢失。"
    )]
    DiskFull,

    /// The contents fail their checksums or end before what was once acknowledged.
    #[error(
        "The stored data is damaged ({detail}); restore a backup, or move the directory away to \
         start empty. Nothing was changed. / 存储的数据已损坏（{detail}）；请恢复备份，\
         或移走该目录后以空库启动。未做任何修改。"
    )]
    StoreDamaged {
        /// What was found.
        detail: String,
    },

    /// The directory was written by a version this one cannot read.
    #[error(
        "The stored data has a format this version cannot read; start the version that wrote it. \
         / 存储数据的格式无法被当前版本读取；请使用写入它的版本启动。"
    )]
    FormatUnknown,

    /// An earlier write failed, so no further write can be trusted until the process restarts.
    #[error(
        "An earlier write to disk failed, so writes are refused; check the disk and its free \
         space, then restart. Reads still work and nothing acknowledged is lost. / 之前的一次磁盘\
         写入失败，因此拒绝继续写入；请检查磁盘及剩余空间后重启。读取仍可进行，已确认的数据不会丢失。"
    )]
    RestartNeeded,

    /// The store was closed.
    #[error("The store is closed. / 存储已关闭。")]
    Closed,

    /// Somebody else committed since the turn began. Nothing of the batch was kept.
    #[error(
        "Another node committed in between; judge again on the newest contents. / 另一个节点在此\
         期间已提交；请基于最新内容重新判断。"
    )]
    Outdated,

    /// The snapshot's versions were reclaimed; what it showed is gone.
    #[error(
        "This read took so long that the contents it began with were reclaimed; begin it again. \
         / 本次读取耗时过长，起始时的内容版本已被回收；请重新开始读取。"
    )]
    SnapshotTooOld,

    /// The address of a database is not understood.
    #[error(
        "The address of the database is not understood at `{detail}`; it reads \
         postgres://user:password@host:5432/database?schema=name. / 数据库地址无法识别：`{detail}`；\
         正确写法为 postgres://user:password@host:5432/database?schema=name。"
    )]
    AddressRefused {
        /// Which part.
        detail: String,
    },

    /// The database does not answer, or is busy beyond measure. Nothing was written.
    #[error(
        "The database cannot be reached ({detail}); check that it runs and that the address is \
         right, then try again. / 无法连接数据库（{detail}）；请检查数据库是否运行、地址是否正确，\
         然后重试。"
    )]
    StoreUnreachable {
        /// What the driver or the database said.
        detail: String,
    },

    /// The database refused a statement. Nothing was written.
    #[error(
        "The database refused the request: {detail}. Check the rights of its user, its free space \
         and its log. / 数据库拒绝了请求：{detail}。请检查数据库用户权限、剩余空间及数据库日志。"
    )]
    DatabaseRefused {
        /// What the database said.
        detail: String,
    },

    /// The connection broke during a commit, and the database did not come back to say whether it
    /// took place. It did or did not, wholly; it will not take place later than a newer commit.
    #[error(
        "The database went away during a commit ({detail}), so it is not known whether it took \
         place; read again before repeating it. / 提交过程中数据库断开（{detail}），无法确认该提交\
         是否生效；请重新读取后再决定是否重试。"
    )]
    CommitUnknown {
        /// What the driver or the database said last.
        detail: String,
    },

    /// The database is older than what the store needs.
    #[error(
        "The database is PostgreSQL {version}; version 15 or newer is needed. / 数据库版本为 \
         PostgreSQL {version}；需要 15 或更高版本。"
    )]
    ServerTooOld {
        /// What it says it is.
        version: String,
    },

    /// A key that breaks the rules of [`crate::Batch`]; a defect of the caller.
    #[error("A key was refused: {reason}. / 键被拒绝：{reason}。")]
    KeyRefused {
        /// Which rule.
        reason: &'static str,
    },

    /// The operating system refused for another reason.
    #[error("Reading or writing the data failed: {0}. / 读写数据失败：{0}。")]
    Io(#[from] io::Error),
}

impl Error {
    /// Turns an IO error met while preparing the directory into the variant that says what to do.
    pub(crate) fn from_io(error: io::Error, path: &Path) -> Error {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::DiskFull,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Error::StoreReadOnly { path: path.to_path_buf(), reason: error.to_string() }
            }
            io::ErrorKind::InvalidData => Error::StoreDamaged { detail: error.to_string() },
            _ => Error::Io(error),
        }
    }

    /// Turns fjall's errors into ours; `path` is the store's directory.
    pub(crate) fn from_fjall(error: fjall::Error, path: &Path) -> Error {
        use fjall::Error as F;
        match error {
            F::Locked => Error::StoreLocked { path: path.to_path_buf() },
            F::Poisoned | F::KeyspaceDeleted => Error::RestartNeeded,
            F::InvalidVersion(_) => Error::FormatUnknown,
            F::Io(error) | F::Storage(LsmError::Io(error)) => Error::from_io(error, path),
            F::Storage(LsmError::InvalidVersion(_)) => Error::FormatUnknown,
            other => Error::StoreDamaged { detail: other.to_string() },
        }
    }
}
