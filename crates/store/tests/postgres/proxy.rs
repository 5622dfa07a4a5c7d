//! Stands between a store and the server, and breaks connections in the middle of a commit: before
//! the server has read it, or after it has but before its answers came back.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

/// What happens to the next commit that passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mischief {
    None = 0,
    /// The server never reads it.
    BeforeTheServer = 1,
    /// The server carries it out, and nobody hears of it.
    BeforeTheAnswer = 2,
    /// As the first, and the server reads it much later, when the store has long gone on.
    Late = 3,
    /// As the second, and the server cannot be reached until the proxy is told otherwise.
    Gone = 4,
}

pub struct Proxy {
    folder: tempfile::TempDir,
    mischief: Arc<AtomicU8>,
    is_gone: Arc<AtomicBool>,
}

impl Proxy {
    /// Listens beside a server that is reached through `socket_folder`.
    pub fn start(socket_folder: &Path) -> Proxy {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
        let server: PathBuf = socket_folder.join(".s.PGSQL.5432");
        let mischief = Arc::new(AtomicU8::new(0));
        let is_gone = Arc::new(AtomicBool::new(false));
        let of_task = (Arc::clone(&mischief), Arc::clone(&is_gone));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if of_task.1.load(Ordering::SeqCst) {
                    continue;
                }
                let server = UnixStream::connect(&server).await.unwrap();
                let (mischief, is_gone) = of_task.clone();
                tokio::spawn(carry(client, server, mischief, is_gone));
            }
        });
        Proxy { folder, mischief, is_gone }
    }

    /// The folder to reach the server through.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What happens to the next commit.
    pub fn plan(&self, mischief: Mischief) {
        self.mischief.store(mischief as u8, Ordering::SeqCst);
    }

    /// Lets connections through again.
    pub fn come_back(&self) {
        self.is_gone.store(false, Ordering::SeqCst);
    }

    /// Whether what was planned has happened.
    pub fn is_done(&self) -> bool {
        self.mischief.load(Ordering::SeqCst) == 0
    }
}

async fn carry(
    mut client: UnixStream,
    mut server: UnixStream,
    mischief: Arc<AtomicU8>,
    is_gone: Arc<AtomicBool>,
) {
    let (mut asked, mut said) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(length @ 1..) = read else { return };
                let bytes = &asked[..length];
                let commits = bytes.windows(7).any(|bytes| bytes == b"commit\0");
                let planned = if commits { mischief.swap(0, Ordering::SeqCst) } else { 0 };
                if planned == Mischief::BeforeTheServer as u8 {
                    return;
                }
                if planned == Mischief::Late as u8 {
                    drop(client);
                    // Until the store has learnt what became of it, and ended this connection.
                    let _ = server.read(&mut said).await;
                    let _ = server.write_all(bytes).await;
                    return;
                }
                if server.write_all(bytes).await.is_err() {
                    return;
                }
                if planned == Mischief::Gone as u8 {
                    is_gone.store(true, Ordering::SeqCst);
                }
                if planned == Mischief::BeforeTheAnswer as u8 || planned == Mischief::Gone as u8 {
                    // The server answers once it is done.
                    let mut heard = Vec::new();
                    while !heard.windows(7).any(|bytes| bytes == b"COMMIT\0") {
                        match server.read_buf(&mut heard).await {
                            Ok(1..) => {}
                            _ => return,
                        }
                    }
                    return;
                }
            }
            read = server.read(&mut said) => {
                let Ok(length @ 1..) = read else { return };
                if client.write_all(&said[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}
