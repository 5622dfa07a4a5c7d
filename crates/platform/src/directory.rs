//! The data directory: its format number, its lock, its keys.
//!
//! ```text
//! DATA/format.json          {"format":1}; a newer number is refused, an older one upgraded
//! DATA/lock                 locked while a server uses the directory
//! DATA/credentials.json     {envId, secretId, secretKey, apiKey}, default environment, mode 0600
//! DATA/environments/        mode 0700
//! DATA/environments/ID/     keys.json (0600) · store/ · files/ · journal/
//! DATA/functions/           packages
//! ```

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use identity::Keys;
use serde::{Deserialize, Serialize};

use crate::error::{Code, Error, Result};

/// The format this release writes.
pub const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Format {
    format: u32,
}

/// An opened and locked data directory.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    /// Held for its lock; the system releases it when the process ends, however it ends.
    _lock: File,
}

impl DataDirectory {
    /// Opens or creates the directory and locks it.
    ///
    /// Refuses a directory in use by another process, of a newer format, or that cannot be written.
    pub fn open(path: &Path) -> Result<Self> {
        std::fs::create_dir_all(path).map_err(|error| unusable(path, error))?;
        let lock = lock(path)?;
        check_format(path)?;
        for folder in ["environments", "functions"] {
            std::fs::create_dir_all(path.join(folder)).map_err(|error| unusable(path, error))?;
        }
        keep_private(&path.join("environments"));
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The folder of one environment, created when absent.
    pub fn environment(&self, id: &str) -> Result<PathBuf> {
        let path = self.path.join("environments").join(id);
        std::fs::create_dir_all(&path).map_err(|error| unusable(&path, error))?;
        Ok(path)
    }

    /// The keys of an environment, made at its first use.
    pub fn keys(&self, id: &str) -> Result<Keys> {
        let path = self.environment(id)?.join("keys.json");
        if let Ok(text) = std::fs::read_to_string(&path) {
            return serde_json::from_str(&text).map_err(|error| {
                Error::with_cause(
                    Code::StoreFailed,
                    format!(
                        "{} is damaged: restore it from a backup. / 密钥文件已损坏,请从备份恢复:{}",
                        path.display(),
                        path.display()
                    ),
                    error,
                )
            });
        }
        let keys = Keys::generate(id);
        write_secret(&path, &keys)?;
        Ok(keys)
    }

    /// Writes `credentials.json` for server SDKs of the default environment.
    pub fn write_credentials(&self, keys: &Keys) -> Result<PathBuf> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Credentials<'a> {
            env_id: &'a str,
            secret_id: &'a str,
            secret_key: &'a str,
            api_key: &'a str,
        }
        let path = self.path.join("credentials.json");
        let credentials = Credentials {
            env_id: &keys.env_id,
            secret_id: &keys.secret_id,
            secret_key: &keys.secret_key,
            api_key: &keys.api_key,
        };
        write_secret(&path, &credentials)?;
        Ok(path)
    }
}

fn lock(path: &Path) -> Result<File> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path.join("lock"))
        .map_err(|error| unusable(path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::new(
            Code::StoreFailed,
            format!(
                "The data directory {0} is in use by another yunkai process: stop that one, or \
                 choose another directory with --data. / 数据目录 {0} 正被另一个 yunkai 进程使用:\
                 请先停止它,或用 --data 指定其他目录。",
                path.display()
            ),
        )),
        Err(TryLockError::Error(error)) => Err(unusable(path, error)),
    }
}

fn check_format(path: &Path) -> Result<()> {
    let file = path.join("format.json");
    match std::fs::read_to_string(&file) {
        Ok(text) => {
            let found: Format = serde_json::from_str(&text).map_err(|error| {
                Error::with_cause(
                    Code::StoreFailed,
                    format!(
                        "{0} cannot be read, so this may not be a data directory: choose another \
                         with --data. / 无法识别 {0},这可能不是数据目录:请用 --data 指定其他目录。",
                        file.display()
                    ),
                    error,
                )
            })?;
            if found.format > FORMAT {
                return Err(Error::new(
                    Code::StoreFailed,
                    format!(
                        "The data directory {0} was written by a newer yunkai (format {1}, this \
                         one knows {FORMAT}): run that version, or choose another directory. / \
                         数据目录 {0} 由更新版本的 yunkai 写入(格式 {1},本程序支持 {FORMAT}):\
                         请使用新版本,或指定其他目录。",
                        path.display(),
                        found.format
                    ),
                ));
            }
            Ok(())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            write_durably(&file, &Format { format: FORMAT }, 0o644)
        }
        Err(error) => Err(unusable(path, error)),
    }
}

/// Documents and files are for the server's user alone. Packages are not: workers may run as users
/// of their own.
fn keep_private(folder: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // A file system without modes has none to set.
        let _ = std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700));
    }
    #[cfg(not(unix))]
    let _ = folder;
}

fn write_secret(path: &Path, value: &impl Serialize) -> Result<()> {
    write_durably(path, value, 0o600)
}

/// Writes beside the target and renames, so that a crash leaves the old file or the new one.
fn write_durably(path: &Path, value: &impl Serialize, mode: u32) -> Result<()> {
    let text = serde_json::to_vec_pretty(value)
        .map_err(|error| Error::with_cause(Code::Internal, "Cannot encode. / 编码失败。", error))?;
    let beside = path.with_extension("new");
    let written = (|| {
        let mut options = OpenOptions::new();
        options.create(true).truncate(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
        #[cfg(not(unix))]
        let _ = mode;
        let mut file = options.open(&beside)?;
        file.write_all(&text)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    })();
    written.map_err(|error| unusable(path, error))
}

fn unusable(path: &Path, error: std::io::Error) -> Error {
    let message = format!(
        "The data directory cannot be used: {0}: {error}. Check that the path is a directory this \
         user may write to and that the disk is not full or read-only, or choose another with \
         --data. / 数据目录不可用:{0}({error})。请检查路径是否为可写目录、磁盘是否已满或只读,\
         或用 --data 指定其他目录。",
        path.display()
    );
    Error::with_cause(Code::StoreFailed, message, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_user_of_the_directory_is_refused_until_the_first_leaves() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataDirectory::open(folder.path()).unwrap();
        let error = DataDirectory::open(folder.path()).unwrap_err();
        assert!(error.message().contains("another yunkai process"), "{error}");
        drop(first);
        DataDirectory::open(folder.path()).unwrap();
    }

    #[test]
    fn a_newer_format_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("format.json"), r#"{"format":2}"#).unwrap();
        let error = DataDirectory::open(folder.path()).unwrap_err();
        assert!(error.message().contains("newer yunkai"), "{error}");
    }

    #[test]
    fn keys_are_kept_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let directory = DataDirectory::open(folder.path()).unwrap();
        let keys = directory.keys("env-a").unwrap();
        assert_eq!(directory.keys("env-a").unwrap().secret_key, keys.secret_key);
        assert_ne!(directory.keys("env-b").unwrap().secret_key, keys.secret_key);
        let credentials = directory.write_credentials(&keys).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            for (path, expected) in
                [(credentials.clone(), 0o600), (folder.path().join("environments"), 0o700)]
            {
                let mode = std::fs::metadata(path).unwrap().permissions().mode();
                assert_eq!(mode & 0o777, expected);
            }
        }
        let text = std::fs::read_to_string(credentials).unwrap();
        assert!(text.contains("\"envId\": \"env-a\""), "{text}");
    }
}
