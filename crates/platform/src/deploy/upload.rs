//! What is sent to be deployed: a temporary file of the environment while it arrives, gone when the
//! deploy is over. Nothing of it is held in memory, and nothing is written past the limit.

use std::path::{Path, PathBuf};

use functions::Zip;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use crate::caller::Context;
use crate::database::check_privileged;
use crate::error::{Code, Error, Result};

/// The largest package or site, zipped, in bytes.
pub const UPLOAD_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// The folder of uploads; emptied when the environment is opened.
const FOLDER: &str = "uploads";

/// A zip that is arriving.
#[derive(Debug)]
pub struct Upload {
    file: File,
    kept: Uploaded,
    bytes: u64,
}

/// A zip that has arrived; its file goes when this is dropped.
#[derive(Debug)]
pub struct Uploaded {
    path: PathBuf,
}

impl Upload {
    /// Begins an upload; only for privileged callers.
    ///
    /// # Errors
    /// [`Code::DatabasePermissionDenied`]; [`Code::StoreFailed`] when the disk cannot be written.
    pub async fn begin(context: &Context) -> Result<Self> {
        check_privileged(context)?;
        let folder = context.environment.folder().join(FOLDER);
        let path = folder.join(format!("{}.zip", hex::encode(rand::random::<[u8; 12]>())));
        tokio::fs::create_dir_all(&folder).await.map_err(|error| failed(&folder, error))?;
        let file = File::create_new(&path).await.map_err(|error| failed(&path, error))?;
        Ok(Self { file, kept: Uploaded { path }, bytes: 0 })
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`Code::PayloadTooLarge`] past [`UPLOAD_BYTES_MAX`].
    pub async fn write(&mut self, chunk: &[u8]) -> Result<()> {
        self.bytes += chunk.len() as u64;
        if self.bytes > UPLOAD_BYTES_MAX {
            return Err(Error::new(
                Code::PayloadTooLarge,
                format!(
                    "The zip is over {UPLOAD_BYTES_MAX} bytes: leave out what is not needed, or have \
                     the dependencies installed here. / 上传的 zip 超过 {UPLOAD_BYTES_MAX} 字节:请去除\
                     不需要的文件,或改为在服务器上安装依赖。"
                ),
            ));
        }
        let written = self.file.write_all(chunk).await;
        written.map_err(|error| failed(&self.kept.path, error))
    }

    /// All has arrived.
    ///
    /// # Errors
    /// [`Code::StoreFailed`] when the disk cannot be written.
    pub async fn finish(mut self) -> Result<Uploaded> {
        self.file.flush().await.map_err(|error| failed(&self.kept.path, error))?;
        Ok(self.kept)
    }
}

impl Uploaded {
    /// The zip, while this lives.
    #[must_use]
    pub fn zip(&self) -> Zip {
        Zip::File(self.path.clone())
    }
}

impl Drop for Uploaded {
    fn drop(&mut self) {
        // What stays behind goes at the next start.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Removes what an earlier process had not finished.
pub(crate) fn clean(environment_folder: &Path) {
    // Usually there is nothing.
    let _ = std::fs::remove_dir_all(environment_folder.join(FOLDER));
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    let message = format!(
        "The upload cannot be kept in {0}: {error}. Check free space and permissions. / 无法保存上传\
         内容到 {0}:{error}。请检查磁盘空间和权限。",
        path.display()
    );
    Error::with_cause(Code::StoreFailed, message, error)
}
