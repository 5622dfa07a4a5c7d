//! One call on one worker: hand it over, wait for its outcome within the time limit, and say in
//! words what happened when there is none.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::IgnoredAny;

use super::Worker;
use crate::error::InvokeError;
use crate::frames::{Broken, Frame};
use crate::pool::{Job, Pool, Version};
use crate::settings::{LogLevel, Outcome, RESULT_BYTES_MAX};

/// Loading a function's modules, in the first call of a worker, has its own limit.
const LOAD_TIME_MAX: Duration = Duration::from_secs(20);
/// A process that closed its line usually ends within this time, with a reason.
const END_TIME_MAX: Duration = Duration::from_millis(500);

/// What a worker does after a call.
pub(super) enum After {
    Continue,
    Leave,
}

/// The frame that begins a call; the event is its body.
#[derive(Serialize)]
struct Invoke<'a> {
    t: &'static str,
    request: &'a str,
    variables: HashMap<&'a str, &'a str>,
}

/// How a call ended, before the caller is told.
enum Ended {
    /// With an outcome or an error of the function; the worker may go on when true.
    Answered(Result<Outcome, InvokeError>, bool),
    /// It never began: its requests would have carried two identities.
    HandedBack,
    TimedOut,
    Broken(Broken),
}

/// What is measured around a call.
struct Clock {
    queued: Duration,
    started: Instant,
    cold: bool,
}

impl Worker {
    pub(super) async fn run(&mut self, pool: &Arc<Pool>, version: &Version, job: Job) -> After {
        let request_id: Arc<str> = Arc::from(job.invocation.request_id.as_str());
        self.invocation = (self.invocation + 1) & 0x00ff_ffff;
        self.ledger.begin(&request_id);
        let clock =
            Clock { queued: job.since.elapsed(), started: Instant::now(), cold: !self.loaded };
        let mut exit_code = None;
        let ended = self.exchange(pool, version, &job, &clock, &mut exit_code).await;
        let (answer, after) = match ended {
            Ended::Answered(answer, may_go_on) => {
                if !self.unsettled {
                    self.ledger.settle();
                }
                (answer, if may_go_on { After::Continue } else { After::Leave })
            }
            Ended::HandedBack => {
                self.unsettled = true;
                self.ledger.withdraw();
                pool.put_back(&self.hall, job);
                return After::Continue;
            }
            Ended::TimedOut => {
                self.process.kill();
                let limit_ms = version.settings.timeout_ms;
                (Err(InvokeError::TimedOut { limit_ms }), After::Leave)
            }
            Ended::Broken(broken) => (Err(self.explain(broken, exit_code).await), After::Leave),
        };
        self.note_failure(&request_id, &answer);
        // A caller that no longer waits needs no answer.
        let _ = job.reply.send(answer);
        after
    }

    async fn exchange(
        &mut self,
        pool: &Arc<Pool>,
        version: &Version,
        job: &Job,
        clock: &Clock,
        exit_code: &mut Option<i32>,
    ) -> Ended {
        let limit = Duration::from_millis(version.settings.timeout_ms);
        let first = if self.loaded { limit } else { limit + LOAD_TIME_MAX };
        let mut deadline = tokio::time::Instant::now() + first;
        let invocation = &job.invocation;
        let variables = invocation.variables.iter().map(|(name, value)| (&**name, &**value));
        let head =
            Invoke { t: "invoke", request: &invocation.request_id, variables: variables.collect() };
        let sent = self.line.send(self.invocation, &head, &invocation.event);
        match tokio::time::timeout_at(deadline, sent).await {
            Ok(Ok(())) => {}
            Ok(Err(broken)) => return Ended::Broken(broken),
            Err(_) => return Ended::TimedOut,
        }
        loop {
            let frame = match tokio::time::timeout_at(deadline, self.line.next()).await {
                Ok(Ok(frame)) => frame,
                Ok(Err(broken)) => return Ended::Broken(broken),
                Err(_) => return Ended::TimedOut,
            };
            match self.judge(&frame, clock, exit_code) {
                Ok(Some(Said::Ended(ended))) => return ended,
                Ok(Some(Said::Loaded)) => {
                    self.loaded = true;
                    deadline = tokio::time::Instant::now() + limit;
                    pool.loaded();
                }
                Ok(None) => {}
                Err(broken) => return Ended::Broken(broken),
            }
        }
    }

    /// What a frame means for the call at work.
    fn judge(
        &mut self,
        frame: &Frame,
        clock: &Clock,
        exit_code: &mut Option<i32>,
    ) -> Result<Option<Said>, Broken> {
        let head = frame.head()?;
        if frame.number != self.invocation {
            return self.take_note(frame).map(|()| None);
        }
        match &*head.t {
            "loaded" => Ok(Some(Said::Loaded)),
            "back" => Ok(Some(Said::Ended(Ended::HandedBack))),
            "exit" => {
                *exit_code = head.code;
                Ok(None)
            }
            "result" => {
                let text = frame.body()?;
                serde_json::from_str::<IgnoredAny>(text).map_err(|error| {
                    Broken::Garbage(format!("a result that is not JSON: {error}"))
                })?;
                if text.len() > RESULT_BYTES_MAX {
                    return Err(Broken::Garbage("a result over the limit".to_owned()));
                }
                self.unsettled = head.pending > 0;
                let outcome = Outcome {
                    result: text.to_owned(),
                    duration_us: micros(clock.started.elapsed()),
                    queued_us: micros(clock.queued),
                    cold: clock.cold,
                    memory_mb: head.memory.map(|bytes| bytes.div_ceil(1024 * 1024)),
                };
                Ok(Some(Said::Ended(Ended::Answered(Ok(outcome), true))))
            }
            "error" => {
                self.unsettled = head.pending > 0;
                let error = if head.kind == "too_large" {
                    let limit_bytes = RESULT_BYTES_MAX as u64;
                    InvokeError::TooLarge { what: "result", bytes: head.bytes, limit_bytes }
                } else {
                    let (message, stack) = (head.message.into_owned(), head.stack.into_owned());
                    InvokeError::Threw { message, stack }
                };
                Ok(Some(Said::Ended(Ended::Answered(Err(error), !head.last))))
            }
            _ => self.take_note(frame).map(|()| None),
        }
    }

    /// Why there is no result although the time limit has not passed.
    async fn explain(&mut self, broken: Broken, exit_code: Option<i32>) -> InvokeError {
        let grace = if matches!(broken, Broken::Closed) { END_TIME_MAX } else { Duration::ZERO };
        let end = self.process.end(grace).await;
        let out_of_memory = end.last_words.contains("heap out of memory")
            || end.last_words.contains("Allocation failed - ");
        if out_of_memory {
            return InvokeError::OutOfMemory { limit_mb: self.memory_mb };
        }
        let explanation = match (&broken, exit_code, end.signal) {
            (Broken::Garbage(what), _, _) => format!(
                "The function wrote to file descriptor 3, which belongs to the platform \
                 ({what}). / \
                 云函数向平台占用的文件描述符 3 写入了数据。"
            ),
            (Broken::Closed, Some(code), _) => format!(
                "The function ended its process with code {code} before returning. Return or \
                 throw instead of \
                 calling process.exit. / 云函数在返回结果前退出了进程(代码 {code}),请使用 return 或 throw。"
            ),
            (Broken::Closed, None, Some(signal)) if !end.killed => format!(
                "The function's process was ended by signal {signal} before returning. / \
                 云函数进程在返回结果前被信号 {signal} 终止。"
            ),
            (Broken::Closed, None, None) => format!(
                "The function's process ended with code {} before returning. / \
                 云函数进程在返回结果前退出(代码 {})。",
                end.code.unwrap_or_default(),
                end.code.unwrap_or_default()
            ),
            (Broken::Closed, None, Some(_)) => {
                "The function closed file descriptor 3, which belongs to the platform. / \
                 云函数关闭了平台占用的文件描述符 3。"
                    .to_owned()
            }
        };
        let signal = end.signal.filter(|_| !end.killed);
        InvokeError::Exited { code: exit_code.or(end.code), signal, explanation }
    }

    /// Failures belong in the function's own log too.
    fn note_failure(&self, request_id: &str, answer: &Result<Outcome, InvokeError>) {
        let Err(error) = answer else { return };
        let text = match error {
            InvokeError::Threw { message, stack } if stack.is_empty() => message.clone(),
            InvokeError::Threw { stack, .. } => stack.clone(),
            other => other.to_string(),
        };
        self.author.reports(Some(request_id), LogLevel::Error, text);
    }
}

/// A frame that changes the course of a call.
enum Said {
    Loaded,
    Ended(Ended),
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
