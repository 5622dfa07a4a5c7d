//! The record of one invocation: who called, how it went, what it cost. Built once, when the call
//! has settled, from what is known anyway; it holds neither the event nor any variable, so no
//! secret is in it that the function did not return or throw itself.

use std::borrow::Cow;

use functions::{Figures, InvokeError};
use serde::Serialize;

use crate::caller::User;
use crate::calls::Trigger;

/// How much of a result is kept, in bytes.
pub const RESULT_BYTES_KEPT: usize = 4 * 1024;
/// How much of an error's message, and of its stack, is kept, in bytes.
pub const ERROR_BYTES_KEPT: usize = 4 * 1024;

/// One settled invocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Its id.
    pub request_id: String,
    /// The function's name.
    pub function: String,
    /// The version that served it; empty when none did.
    pub version: String,
    /// What made it run; [`Trigger::name`].
    pub trigger: &'static str,
    /// The chain of sources, e.g. `wx_client,scf`.
    pub source: String,
    /// The openid it ran for, if any.
    pub openid: Option<String>,
    /// The account it ran for, if any.
    pub uid: Option<String>,
    /// True when its worker had to be given the function first.
    pub cold: bool,
    /// Waiting for a worker, in µs.
    pub queued_us: u64,
    /// Giving a worker the function and loading it, in µs; 0 when it was warm.
    pub start_us: u64,
    /// Running, in µs.
    pub duration_us: u64,
    /// From dispatch to answer, in µs.
    pub total_us: u64,
    /// The memory setting of the function, in MB, which usage is counted by.
    pub memory_limit_mb: u64,
    /// The most memory its worker was seen to take, in MB, where it was sampled.
    pub memory_mb: Option<u64>,
    /// The length of the result, in bytes; 0 when it failed.
    pub result_bytes: usize,
    /// The result's JSON text, cut to [`RESULT_BYTES_KEPT`]; none when it failed.
    pub result: Option<String>,
    /// Why there is no result.
    pub error: Option<RecordError>,
    /// What of an invocation it tells of.
    #[serde(skip)]
    pub part: Part,
}

/// What a record tells of. A function's own server is one invocation, which takes memory and time,
/// in which many requests are answered, which are what is called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Part {
    /// A call and what it cost.
    #[default]
    Whole,
    /// A request that a server answered.
    Request,
    /// The server.
    Server,
}

/// Why an invocation has no result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordError {
    /// One of [`ERROR_KINDS`].
    pub kind: &'static str,
    /// The sentence, cut to [`ERROR_BYTES_KEPT`].
    pub message: String,
    /// The stack, cut likewise; empty when there is none.
    pub stack: String,
}

impl RecordError {
    /// What is kept of an error.
    #[must_use]
    pub fn of(error: &InvokeError, redacted: impl Fn(&str) -> Cow<'_, str>) -> Self {
        let kept = |text: &str| cut(&redacted(text), ERROR_BYTES_KEPT);
        let stack = match error {
            InvokeError::Threw { stack, .. } => kept(stack),
            _ => String::new(),
        };
        let message = match error {
            InvokeError::Threw { message, .. } => kept(message),
            other => kept(&other.to_string()),
        };
        Self { kind: kind_of(error), message, stack }
    }
}

/// The names of errors in records and metrics.
pub const ERROR_KINDS: [&str; 11] = [
    "not-found",
    "threw",
    "timed-out",
    "exited",
    "out-of-memory",
    "too-large",
    "queue-full",
    "start-failed",
    "shutting-down",
    HTTP_5XX,
    "failed",
];

/// The kind of a request that a function's own server answered with a status from 500 on.
pub(crate) const HTTP_5XX: &str = "http-5xx";

fn kind_of(error: &InvokeError) -> &'static str {
    match error {
        InvokeError::NotFound { .. } => "not-found",
        InvokeError::Threw { .. } => "threw",
        InvokeError::TimedOut { .. } => "timed-out",
        InvokeError::Exited { .. } => "exited",
        InvokeError::OutOfMemory { .. } => "out-of-memory",
        InvokeError::TooLarge { .. } => "too-large",
        InvokeError::QueueFull { .. } => "queue-full",
        InvokeError::StartFailed { .. } => "start-failed",
        InvokeError::ShuttingDown => "shutting-down",
        _ => "failed",
    }
}

impl Record {
    /// A record of an invocation that has not run yet; the rest is filled in when it has.
    #[must_use]
    pub fn of(
        trigger: Trigger,
        request_id: String,
        function: String,
        source: String,
        user: Option<&User>,
    ) -> Self {
        Self {
            request_id,
            function,
            version: String::new(),
            trigger: trigger.name(),
            source,
            openid: user.and_then(|user| user.openid.clone()),
            uid: user.map(|user| user.uid.clone()),
            cold: false,
            queued_us: 0,
            start_us: 0,
            duration_us: 0,
            total_us: 0,
            memory_limit_mb: 0,
            memory_mb: None,
            result_bytes: 0,
            result: None,
            error: None,
            part: Part::Whole,
        }
    }

    /// Notes what was measured.
    pub fn measured(&mut self, figures: Figures) {
        self.version = figures.version;
        self.cold = figures.cold;
        self.queued_us = figures.queued_us;
        self.start_us = figures.start_us;
        self.duration_us = figures.duration_us;
        self.memory_mb = figures.memory_mb;
    }

    /// Notes how it ended. What must not be kept is taken out of the whole texts, before they are
    /// cut: half of a secret would not be known for one.
    pub fn ended(
        &mut self,
        result: Result<&str, &InvokeError>,
        redacted: impl Fn(&str) -> Cow<'_, str>,
    ) {
        match result {
            Ok(text) => {
                self.result_bytes = text.len();
                self.result = Some(cut(&redacted(text), RESULT_BYTES_KEPT));
            }
            Err(error) => self.error = Some(RecordError::of(error, redacted)),
        }
    }

    /// What it counts for: its memory setting times its running time, in MB·µs.
    #[must_use]
    pub fn megabyte_us(&self) -> u64 {
        self.memory_limit_mb.saturating_mul(self.duration_us)
    }

    /// About how much memory its texts take, in bytes.
    pub(crate) fn size(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let error = self.error.as_ref().map_or(0, |it| it.message.len() + it.stack.len());
        self.request_id.len()
            + self.function.len()
            + self.source.len()
            + text(&self.openid)
            + text(&self.uid)
            + text(&self.result)
            + error
    }
}

/// The beginning of a text, at most so many bytes, marked when there was more.
pub(crate) fn cut(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(bytes_max)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_cut_between_characters() {
        let mut record =
            Record::of(Trigger::Call, "r".into(), "f".into(), "wx_client".into(), None);
        let long = "云".repeat(RESULT_BYTES_KEPT);
        record.ended(Ok(&long), as_it_is);
        let kept = record.result.as_deref().unwrap();
        assert!(kept.ends_with('…') && kept.len() <= RESULT_BYTES_KEPT + 3, "{}", kept.len());
        assert_eq!(record.result_bytes, long.len());
        let threw = InvokeError::Threw { message: "no".into(), stack: "at x".into() };
        record.ended(Err(&threw), as_it_is);
        let error = record.error.unwrap();
        assert_eq!((error.kind, &*error.message, &*error.stack), ("threw", "no", "at x"));
    }

    fn as_it_is(text: &str) -> Cow<'_, str> {
        Cow::Borrowed(text)
    }

    #[test]
    fn no_half_of_a_secret_is_left_at_the_cut() {
        let mut record =
            Record::of(Trigger::Call, "r".into(), "f".into(), "wx_client".into(), None);
        let text = format!("{}correct-horse", "x".repeat(RESULT_BYTES_KEPT - 7));
        record.ended(Ok(&text), |text| Cow::Owned(text.replace("correct-horse", "[secret]")));
        assert!(!record.result.unwrap().contains("correct"));
    }
}
