//! Log lines on their way to the reader. Never waits for the reader, and never drops a line without
//! saying so: the next line that fits is preceded by one that counts what was lost.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::mpsc;

use crate::connection::Ledger;
use crate::settings::{LogLevel, LogLine};

/// Lines that may wait for the reader.
pub(crate) const LINES_WAITING_MAX: usize = 8192;
/// Longest text of one line, in bytes.
const TEXT_BYTES_MAX: usize = 32 * 1024;
/// How much one call may write to standard output, and to standard error; the rest is dropped, and
/// said so.
const CALL_BYTES_MAX: usize = 1024 * 1024;
const CALL_LINES_MAX: usize = 4096;
/// A pipe over its limit is looked at again after this many lines.
const DROPPED_LINES: usize = 4096;
/// How much of a process's last words is kept to explain its end.
const TAIL_BYTES_MAX: usize = 8 * 1024;

/// Where lines go.
#[derive(Debug, Clone)]
pub(crate) struct LogSink {
    lines: mpsc::Sender<LogLine>,
    lost: Arc<AtomicU64>,
}

impl LogSink {
    pub(crate) fn new(lines: mpsc::Sender<LogLine>) -> Self {
        Self { lines, lost: Arc::default() }
    }

    pub(crate) fn send(&self, line: LogLine) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let notice = LogLine {
                level: LogLevel::Warn,
                text: format!(
                    "{lost} log lines were dropped: the reader is slower than the functions. / \
                     日志写入过快,已丢弃 {lost} 行。"
                ),
                from_platform: true,
                request_id: None,
                ..line.clone()
            };
            if self.lines.try_send(notice).is_err() {
                self.lost.fetch_add(lost, Ordering::Relaxed);
            }
        }
        if self.lines.try_send(line).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Whose lines one worker writes; the function is unknown while it waits.
#[derive(Debug)]
pub(crate) struct Author {
    pub sink: LogSink,
    pub function: OnceLock<(String, String)>,
    pub ledger: Arc<Ledger>,
}

impl Author {
    /// A line the function wrote, of the invocation it names when this worker ran that one.
    pub(crate) fn wrote(&self, request: Option<&str>, level: LogLevel, time_ms: i64, text: String) {
        let request_id = request.and_then(|id| self.ledger.find(Some(id)));
        self.sink.send(self.line(request_id, level, time_ms, text));
    }

    /// A line the platform writes into the function's log.
    pub(crate) fn reports(&self, request: Option<&str>, level: LogLevel, text: String) {
        let line = self.line(request.map(str::to_owned), level, now_ms(), text);
        self.sink.send(LogLine { from_platform: true, ..line });
    }

    fn line(
        &self,
        request_id: Option<String>,
        level: LogLevel,
        time_ms: i64,
        text: String,
    ) -> LogLine {
        let (environment, function) = self.function.get().cloned().unwrap_or_default();
        LogLine { environment, function, request_id, level, time_ms, text, from_platform: false }
    }

    /// Reads a pipe of the process until it closes; returns its last words.
    pub(crate) async fn read_pipe(
        self: Arc<Self>,
        pipe: impl AsyncRead + Unpin,
        level: LogLevel,
    ) -> String {
        let mut reader = BufReader::new(pipe);
        let mut tail = String::new();
        let mut bytes = Vec::new();
        let mut share = Share::default();
        while let Ok(whole) = read_line(&mut reader, &mut bytes).await {
            let text = String::from_utf8_lossy(&bytes);
            let text = text.trim_end_matches(['\n', '\r']);
            tail.push_str(text);
            tail.push('\n');
            if tail.len() > 2 * TAIL_BYTES_MAX {
                let from = tail.ceil_char_boundary(tail.len() - TAIL_BYTES_MAX);
                tail.drain(..from);
            }
            if !share.takes(bytes.len(), || self.ledger.latest()) {
                continue;
            }
            if share.is_full() {
                let notice = "This call wrote more than its share to its output; the rest is \
                              dropped. / 本次调用输出过多,其余内容已丢弃。";
                self.reports(share.request.as_deref(), LogLevel::Warn, notice.to_owned());
                continue;
            }
            let more = if whole { "" } else { " … (continues / 未完)" };
            let text = format!("{text}{more}");
            self.sink.send(self.line(share.request.clone(), level, now_ms(), text));
        }
        tail
    }
}

/// What one call may still write to one pipe.
#[derive(Debug, Default)]
struct Share {
    request: Option<String>,
    lines: usize,
    bytes: usize,
    dropped: usize,
}

impl Share {
    /// Counts a line; false when it is to be dropped in silence. `latest` says whose it is.
    fn takes(&mut self, bytes: usize, latest: impl FnOnce() -> Option<String>) -> bool {
        if self.dropped.is_multiple_of(DROPPED_LINES) {
            let request = latest();
            if request != self.request {
                *self = Self { request, ..Self::default() };
            }
        }
        self.lines += 1;
        self.bytes += bytes;
        if self.is_full() {
            self.dropped += 1;
        }
        self.dropped <= 1
    }

    fn is_full(&self) -> bool {
        self.lines > CALL_LINES_MAX || self.bytes > CALL_BYTES_MAX
    }
}

/// Reads up to a line feed or the limit; true when the line is whole.
async fn read_line<R: AsyncRead + Unpin>(
    reader: &mut BufReader<R>,
    line: &mut Vec<u8>,
) -> std::io::Result<bool> {
    line.clear();
    loop {
        let chunk = reader.fill_buf().await?;
        if chunk.is_empty() {
            let ended = std::io::ErrorKind::UnexpectedEof;
            return if line.is_empty() { Err(ended.into()) } else { Ok(true) };
        }
        let room = TEXT_BYTES_MAX - line.len();
        let end = chunk.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        let take = end.unwrap_or(chunk.len()).min(room);
        line.extend_from_slice(&chunk[..take]);
        let whole = end == Some(take);
        reader.consume(take);
        if whole || line.len() == TEXT_BYTES_MAX {
            return Ok(whole);
        }
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The level a worker names.
pub(crate) fn level_of(name: &str) -> LogLevel {
    match name {
        "debug" => LogLevel::Debug,
        "warn" => LogLevel::Warn,
        "error" => LogLevel::Error,
        _ => LogLevel::Info,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_call_writes_has_an_end_and_the_next_call_begins_anew() {
        let mut share = Share::default();
        let one = || Some("one".to_owned());
        let sent = (0..3 * CALL_LINES_MAX).filter(|_| share.takes(10, one)).count();
        assert_eq!(sent, CALL_LINES_MAX + 1, "the last one becomes the notice");
        let two = || Some("two".to_owned());
        assert!(share.takes(10, two) && !share.is_full());
        assert!(share.takes(CALL_BYTES_MAX, two) && share.is_full());
    }
}
