//! What can go wrong with a file, named by what the caller should do about it.

use std::io;

/// The error of this room. Messages are meant for people and say what to do, in both languages.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Choose another path or id; nothing was touched.
    #[error("{reason} Choose another file path. / {chinese}请换一个文件路径。")]
    InvalidPath {
        /// The rule that is broken, an English sentence.
        reason: &'static str,
        /// The same in Chinese.
        chinese: &'static str,
    },
    /// Write the id as `cloud://env.bucket/path`.
    #[error(
        "The file id {0:?} is not of the form cloud://env.bucket/path. / \
         文件 ID {0:?} 格式不正确，应为 cloud://env.bucket/path。"
    )]
    InvalidFileId(String),
    /// Send less: the body went over the limit and was thrown away.
    #[error("The file is larger than {max_bytes} bytes. / 文件超过 {max_bytes} 字节的上限。")]
    TooLarge {
        /// The limit that applied, in bytes.
        max_bytes: u64,
    },
    /// Ask for something else: there is no such file (any more).
    #[error("The file {0:?} does not exist. / 文件 {0:?} 不存在。")]
    NotFound(String),
    /// Send again: the sender stopped in the middle.
    #[error("The upload broke off: {0}. Send it again. / 上传中断（{0}），请重新上传。")]
    Interrupted(#[source] io::Error),
    /// Free space, then try again; no half file was kept.
    #[error(
        "The disk is full: free space in the data directory and try again. / \
         磁盘已满，请清理数据目录所在磁盘后重试。"
    )]
    DiskFull,
    /// Make the data directory writable, then try again.
    #[error(
        "The data directory cannot be written: check that it is not read-only and who owns it. / \
         数据目录不可写，请检查是否只读以及目录权限。"
    )]
    ReadOnly,
    /// Look at the cause; the disk refused in some other way.
    #[error("The disk failed: {0}. / 磁盘读写失败：{0}。")]
    Disk(#[source] io::Error),
    /// Look at the cause: the document store refused.
    #[error("{0}")]
    Engine(#[from] engine::Error),
    /// Serve the original bytes, or say so: this is not a picture that can be read.
    #[error("The file is not a readable picture: {0}. / 该文件不是可处理的图片：{0}。")]
    NotAPicture(String),
    /// Serve the original bytes, or say so: making this variant would need too much memory.
    #[error(
        "The picture or its result is too large to process ({width} x {height}). / \
         图片或处理结果尺寸过大（{width} x {height}），无法处理。"
    )]
    PictureTooLarge {
        /// Pixels across.
        width: u64,
        /// Pixels down.
        height: u64,
    },
    /// A defect of this program, or it is shutting down: log it, answer with "internal error".
    #[error("The work on the file was cut short: {0}. / 文件处理被中断：{0}。")]
    Stopped(String),
}

impl From<io::Error> for Error {
    /// Sorts a disk error by what the operator can do about it.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => Self::ReadOnly,
            _ => Self::Disk(error),
        }
    }
}

impl From<tokio::task::JoinError> for Error {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Stopped(error.to_string())
    }
}
