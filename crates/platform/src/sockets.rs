//! WebSockets whose events functions handle: which function a path belongs to, who is connected,
//! and how functions send to a connection.
//!
//! A connection lives on one server and is forgotten with it. What is sent waits in a bounded line;
//! a reader that is too slow is told to the sender, never buffered without end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::caller::{Caller, Context};
use crate::calls::{self, Answer, Run, Trigger};
use crate::environment::Environment;
use crate::error::{Code, Error, Result};
use crate::http;

/// How many connections an environment may have at once.
pub const CONNECTIONS_MAX: usize = 2_000;
/// The largest message, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 256 * 1024;
/// How many messages may wait for a client to read.
const WAITING_MAX: usize = 64;

/// What is sent to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Bytes),
    /// The end of the connection.
    Close,
}

/// Who is connected to one environment.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    lines: Mutex<HashMap<String, mpsc::Sender<Outgoing>>>,
}

impl Connections {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, mpsc::Sender<Outgoing>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection; forgotten when dropped.
#[derive(Debug)]
pub struct Connection {
    id: String,
    environment: Arc<Environment>,
    outgoing: mpsc::Receiver<Outgoing>,
}

impl Connection {
    /// Takes a new connection in.
    ///
    /// # Errors
    /// [`Code::Overloaded`] when the environment has [`CONNECTIONS_MAX`].
    pub fn open(environment: &Arc<Environment>) -> Result<Self> {
        let id = hex::encode(rand::random::<[u8; 16]>());
        let (line, outgoing) = mpsc::channel(WAITING_MAX);
        let mut lines = environment.connections().lock();
        if lines.len() >= CONNECTIONS_MAX {
            return Err(Error::new(
                Code::Overloaded,
                format!(
                    "{CONNECTIONS_MAX} WebSockets are open already: try again later. / WebSocket \
                     连接数已达上限 {CONNECTIONS_MAX},请稍后重试。"
                ),
            ));
        }
        lines.insert(id.clone(), line);
        drop(lines);
        Ok(Self { id, environment: Arc::clone(environment), outgoing })
    }

    /// What functions call it by; nobody can guess it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What is to be sent next.
    pub async fn next(&mut self) -> Option<Outgoing> {
        self.outgoing.recv().await
    }

    /// What is to be sent and waits already.
    pub fn take_waiting(&mut self) -> Option<Outgoing> {
        self.outgoing.try_recv().ok()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.environment.connections().lock().remove(&self.id);
    }
}

/// The function that handles the WebSockets of a path: of several triggers the longest prefix.
pub fn find(environment: &Environment, path: &str) -> Option<String> {
    let table = crate::triggers::sockets(environment);
    let covering = table.into_iter().filter(|(prefix, _)| http::covers(prefix, path));
    covering.max_by_key(|(prefix, _)| prefix.len()).map(|(_, function)| function)
}

/// Runs the function for an event of a connection.
///
/// # Errors
/// Everything that [`calls::run`] reports.
pub async fn run(context: &Context, function: &str, event: String) -> Result<Answer> {
    let demand = http::run_of(context, function.to_owned(), event);
    let request_id = crate::environment::new_request_id();
    let demand = Run { trigger: Trigger::WebSocket, request_id, ..demand };
    calls::run(&context.environment, demand).await
}

/// Sends to a connection of the caller's environment; functions only.
///
/// # Errors
/// [`Code::NotSignedIn`] for anybody else; [`Code::InvalidParameter`] for a connection that is not
/// (or no longer) here and for a message that is too large; [`Code::Overloaded`] when the client
/// reads too slowly.
pub fn send(context: &Context, id: &str, message: Outgoing) -> Result<()> {
    if !matches!(context.caller, Caller::Function(_)) {
        return Err(crate::sign_in::not_signed_in());
    }
    let bytes = match &message {
        Outgoing::Text(text) => text.len(),
        Outgoing::Binary(bytes) => bytes.len(),
        Outgoing::Close => 0,
    };
    if bytes > MESSAGE_BYTES_MAX {
        return Err(Error::new(
            Code::InvalidParameter,
            format!(
                "A message of {bytes} bytes is over {MESSAGE_BYTES_MAX}: send it in parts. / 消息\
                 长度 {bytes} 超过 {MESSAGE_BYTES_MAX} 字节,请分段发送。"
            ),
        ));
    }
    let line = context.environment.connections().lock().get(id).cloned();
    let gone = || {
        Error::new(
            Code::InvalidParameter,
            "This connection does not exist (any more). / 该连接不存在或已关闭。",
        )
    };
    line.ok_or_else(gone)?.try_send(message).map_err(|error| match error {
        mpsc::error::TrySendError::Closed(_) => gone(),
        mpsc::error::TrySendError::Full(_) => Error::new(
            Code::Overloaded,
            format!(
                "{WAITING_MAX} messages wait for this client to read: send less. / 该客户端有 \
                 {WAITING_MAX} 条消息未读取,请降低发送频率。"
            ),
        ),
    })
}
