//! The line between the server and a worker: frames over a socket pair, descriptor 3 in the worker.
//!
//! ```text
//! 0        4        8                    a line feed
//! ├────────┼────────┼─────────────────────┼───────────────┤
//! │ length │ number │ head: one JSON line │ body: text    │
//! └────────┴────────┴─────────────────────┴───────────────┘
//! length  u32 LE, bytes of head, line feed and body, at most 16 MiB
//! number  u32 LE: the invocation in the low 24 bits; the format in the top byte (0 = JSON)
//! ```
//!
//! Event and result travel as bodies, outside the head, so text from a caller can never become a
//! field of a head. What a worker sends is not trusted: anything odd is [`Broken::Garbage`].

use std::borrow::Cow;

use bytes::{Buf, BytesMut};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

const HEADER_BYTES: usize = 8;
const PAYLOAD_BYTES_MAX: usize = 16 * 1024 * 1024;
const NUMBER_MASK: u32 = 0x00ff_ffff;

/// Why nothing more can be read from a worker.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The worker closed the line, or its process ended.
    Closed,
    /// What came is not a frame.
    Garbage(String),
}

/// What a worker says. Only the fields of its kind `t` are present.
#[derive(Debug, Deserialize)]
pub(crate) struct Head<'a> {
    #[serde(borrow)]
    pub t: Cow<'a, str>,
    #[serde(default)]
    pub pending: u64,
    #[serde(default)]
    pub memory: Option<u64>,
    /// Which part of the time of this call its process was at work and did not wait.
    #[serde(default)]
    pub busy: Option<f64>,
    #[serde(default)]
    pub last: bool,
    #[serde(default)]
    pub bytes: u64,
    #[serde(default)]
    pub code: Option<i32>,
    #[serde(borrow, default)]
    pub kind: Cow<'a, str>,
    #[serde(borrow, default)]
    pub message: Cow<'a, str>,
    #[serde(borrow, default)]
    pub stack: Cow<'a, str>,
    #[serde(borrow, default)]
    pub request: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub level: Cow<'a, str>,
    #[serde(default)]
    pub time: i64,
    #[serde(default)]
    pub platform: bool,
    /// What is told did harm to others' calls.
    #[serde(default)]
    pub harm: bool,
}

/// A frame that has arrived whole.
#[derive(Debug)]
pub(crate) struct Frame {
    /// The invocation it is about; 0 for none.
    pub number: u32,
    payload: BytesMut,
    head_end: usize,
}

impl Frame {
    /// The head, borrowing from the frame.
    pub(crate) fn head(&self) -> Result<Head<'_>, Broken> {
        serde_json::from_slice(&self.payload[..self.head_end])
            .map_err(|error| Broken::Garbage(error.to_string()))
    }

    /// The body as text.
    pub(crate) fn body(&self) -> Result<&str, Broken> {
        std::str::from_utf8(&self.payload[self.head_end + 1..])
            .map_err(|error| Broken::Garbage(error.to_string()))
    }
}

/// The server's end of the line.
#[derive(Debug)]
pub(crate) struct Line {
    stream: UnixStream,
    inbox: BytesMut,
    outbox: Vec<u8>,
}

impl Line {
    pub(crate) fn new(stream: UnixStream) -> Self {
        Self { stream, inbox: BytesMut::with_capacity(16 * 1024), outbox: Vec::new() }
    }

    /// The next frame. Safe to abandon: nothing is lost when the future is dropped.
    pub(crate) async fn next(&mut self) -> Result<Frame, Broken> {
        loop {
            if let Some(frame) = self.split()? {
                return Ok(frame);
            }
            match self.stream.read_buf(&mut self.inbox).await {
                Ok(0) | Err(_) => return Err(Broken::Closed),
                Ok(_) => {}
            }
        }
    }

    /// Sends one frame. `head` must not contain line breaks, which JSON never does.
    pub(crate) async fn send(
        &mut self,
        number: u32,
        head: &impl Serialize,
        body: &str,
    ) -> Result<(), Broken> {
        self.queue(number, head, body)?;
        self.flush().await
    }

    /// Prepares a frame for the next [`Self::flush`]; several leave with one write.
    pub(crate) fn queue(
        &mut self,
        number: u32,
        head: &impl Serialize,
        body: &str,
    ) -> Result<(), Broken> {
        let start = self.outbox.len();
        self.outbox.extend_from_slice(&[0; HEADER_BYTES]);
        serde_json::to_writer(&mut self.outbox, head).map_err(|_| Broken::Closed)?;
        self.outbox.push(b'\n');
        self.outbox.extend_from_slice(body.as_bytes());
        let length = u32::try_from(self.outbox.len() - start - HEADER_BYTES)
            .expect("events are limited to 6 MiB before they come here");
        let number = number & NUMBER_MASK;
        self.outbox[start..start + 4].copy_from_slice(&length.to_le_bytes());
        self.outbox[start + 4..start + HEADER_BYTES].copy_from_slice(&number.to_le_bytes());
        Ok(())
    }

    /// Sends what was queued. After an error, or when abandoned, the line is of no more use.
    pub(crate) async fn flush(&mut self) -> Result<(), Broken> {
        let sent = self.stream.write_all(&self.outbox).await.map_err(|_| Broken::Closed);
        self.outbox.clear();
        sent
    }

    fn split(&mut self) -> Result<Option<Frame>, Broken> {
        if self.inbox.len() < HEADER_BYTES {
            return Ok(None);
        }
        let word = |at: usize| {
            let bytes = &self.inbox[at..at + 4];
            u32::from_le_bytes(bytes.try_into().expect("four bytes were sliced"))
        };
        let (length, number) = (word(0) as usize, word(4));
        if length > PAYLOAD_BYTES_MAX || number & !NUMBER_MASK != 0 {
            return Err(Broken::Garbage(format!("a header of {length} bytes, number {number}")));
        }
        if self.inbox.len() < HEADER_BYTES + length {
            self.inbox.reserve(HEADER_BYTES + length - self.inbox.len());
            return Ok(None);
        }
        self.inbox.advance(HEADER_BYTES);
        let payload = self.inbox.split_to(length);
        let head_end = payload.iter().position(|byte| *byte == b'\n');
        let head_end = head_end.ok_or_else(|| Broken::Garbage("no end of the head".to_owned()))?;
        Ok(Some(Frame { number, payload, head_end }))
    }
}
