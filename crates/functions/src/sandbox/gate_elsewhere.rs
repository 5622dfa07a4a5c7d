//! Where there are no network namespaces there is no gate: what functions may reach is decided in
//! Node alone, and `doctor` says so.

use std::io;
use std::sync::Arc;

use tokio::net::UnixStream;

use super::network::Policy;
use crate::logs::Author;

/// Never made.
#[derive(Debug)]
pub(crate) struct Gate {
    pub policy: Arc<Policy>,
}

impl Gate {
    #[allow(clippy::unused_async, reason = "elsewhere it waits")]
    pub(crate) async fn open(
        _line: &UnixStream,
        _open_loopback: bool,
        _author: Arc<Author>,
    ) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
