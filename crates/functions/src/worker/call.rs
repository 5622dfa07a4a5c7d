//! One call on one worker: hand it over, wait for its outcome within the time limit, and say in
//! words what happened when there is none.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::IgnoredAny;

use super::variables::Changes;
use super::{Sent, Word, Worker};
use crate::error::InvokeError;
use crate::frames::{Broken, Frame};
use crate::job::{Job, Version};
use crate::pool::Pool;
use crate::sandbox::Verdict;
use crate::scaler::PATIENCE;
use crate::settings::{Ended, Figures, Kind, LogLevel, RESULT_BYTES_MAX};

/// Loading a function's modules, in the first call of a worker, has its own limit.
const LOAD_TIME_MAX: Duration = Duration::from_secs(20);
/// Whoever steps through a function takes their time.
const UNDER_DEBUGGER: Duration = Duration::from_secs(365 * 24 * 3_600);
/// A function with a server of its own serves for this long at most, then with another worker.
const SERVER_TIME_MAX: Duration = Duration::from_secs(24 * 3_600);
/// How many processors a call may keep busy for all of its time.
const PROCESSORS: u32 = 2;
/// With so many left, more are sent.
const AHEAD_MIN: usize = 1;
/// What V8 throws when the system gives no memory for a buffer: the limit on data was met.
const NO_BUFFER: &str = "Array buffer allocation failed";
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
    #[serde(flatten)]
    variables: Changes<'a>,
}

/// How a call ended, before the caller is told.
enum Turnout {
    /// With a result or an error of the function; the worker may go on when true.
    Answered(Result<String, InvokeError>, bool),
    /// It never began: its requests would have carried two identities.
    HandedBack,
    TimedOut,
    Broken(Broken),
}

/// What is measured around a call.
struct Clock {
    queued: Duration,
    /// Giving the worker its function, and then loading it.
    start: Duration,
    started: Instant,
    cold: bool,
}

impl Worker {
    /// Gives a call its number for frames.
    pub(super) fn numbered(&mut self, job: Job) -> Sent {
        self.last_number = (self.last_number + 1) & 0x00ff_ffff;
        let request_id = Arc::from(job.invocation.request_id.as_str());
        Sent { number: self.last_number, request_id, job }
    }

    /// Runs one call to its end. `is_there`: the process has it already.
    pub(super) async fn run(
        &mut self,
        pool: &Arc<Pool>,
        version: &Version,
        sent: Sent,
        is_there: bool,
    ) -> After {
        let Sent { number, request_id, job } = sent;
        self.invocation = number;
        self.ledger.begin(&request_id);
        let mut clock = self.clock(&job);
        let mut exit_code = None;
        let inspect = self.hall.options.inspect.as_ref();
        let limit = match version.settings.kind {
            _ if inspect.is_some_and(|it| it.function == pool.name) => UNDER_DEBUGGER,
            Kind::Event => Duration::from_millis(version.settings.timeout_ms),
            // A server is one call that lasts; its requests have the limit.
            Kind::Http => SERVER_TIME_MAX,
        };
        let loading = if self.loaded { Duration::ZERO } else { LOAD_TIME_MAX };
        self.process.watched.begin((limit + loading) * PROCESSORS);
        let ended = match self.hand_over(pool, version, &job, is_there, limit).await {
            Ok(()) => self.exchange(pool, limit, &mut clock, &mut exit_code).await,
            Err(ended) => ended,
        };
        self.process.watched.end();
        let duration = clock.started.elapsed();
        let (result, after) = match ended {
            Turnout::Answered(answer, may_go_on) => {
                if !self.unsettled {
                    self.ledger.settle();
                }
                pool.took(duration);
                (answer, if may_go_on { After::Continue } else { After::Leave })
            }
            Turnout::HandedBack => {
                self.unsettled = true;
                self.ledger.withdraw();
                pool.put_back(&self.hall, job);
                return After::Continue;
            }
            Turnout::TimedOut => {
                if self.process.watched.is_heavy() {
                    pool.standing.did_harm(Instant::now());
                }
                self.process.kill();
                let limit_ms = version.settings.timeout_ms;
                (Err(InvokeError::TimedOut { limit_ms }), After::Leave)
            }
            Turnout::Broken(broken) => (Err(self.explain(broken, exit_code).await), After::Leave),
        };
        let ended_itself = matches!(after, After::Leave)
            && matches!(result, Err(InvokeError::Exited { .. } | InvokeError::OutOfMemory { .. }));
        if ended_itself {
            pool.standing.did_harm(Instant::now());
        }
        self.note_failure(&request_id, &result);
        let figures = Figures {
            version: version.label.clone(),
            cold: clock.cold,
            queued_us: micros(clock.queued),
            start_us: micros(clock.start),
            duration_us: micros(duration),
            memory_mb: self.memory_seen_mb.max(self.process.watched.peak_mb()),
            worker: Some(self.number),
        };
        // A caller that no longer waits needs no answer.
        let _ = job.reply.send(Ended { result, figures });
        after
    }

    /// Begins to measure. Who waited for a cold worker did not wait in line while it was given
    /// its function.
    fn clock(&self, job: &Job) -> Clock {
        let cold = !self.loaded;
        let waited = job.since.elapsed();
        let start = if cold { self.assigned_in.min(waited) } else { Duration::ZERO };
        Clock { queued: waited - start, start, started: Instant::now(), cold }
    }

    /// Sends the call, unless it is there, and with it some that may wait behind it.
    async fn hand_over(
        &mut self,
        pool: &Arc<Pool>,
        version: &Version,
        job: &Job,
        is_there: bool,
        limit: Duration,
    ) -> Result<(), Turnout> {
        if !is_there {
            self.queue_frame(self.invocation, job).map_err(Turnout::Broken)?;
        }
        // Several at once: a write of its own for each would cost more than the call.
        let refills = self.loaded && self.ahead.len() <= AHEAD_MIN;
        let next = |held| refills.then(|| pool.ahead(version.revision, held)).flatten();
        while let Some(job) = next(self.ahead.len()) {
            let sent = self.numbered(job);
            self.queue_frame(sent.number, &sent.job).map_err(Turnout::Broken)?;
            self.ledger.expect(&sent.request_id);
            self.ahead.push_back(sent);
        }
        match tokio::time::timeout(limit, self.line.flush()).await {
            Ok(flushed) => flushed.map_err(Turnout::Broken),
            Err(_) => Err(Turnout::TimedOut),
        }
    }

    fn queue_frame(&mut self, number: u32, job: &Job) -> Result<(), Broken> {
        let invocation = &job.invocation;
        let variables = self.variables.changes(&invocation.variables);
        let head = Invoke { t: "invoke", request: &invocation.request_id, variables };
        self.line.queue(number, &head, &invocation.event)?;
        self.variables.sent(&invocation.variables);
        Ok(())
    }

    async fn exchange(
        &mut self,
        pool: &Pool,
        limit: Duration,
        clock: &mut Clock,
        exit_code: &mut Option<i32>,
    ) -> Turnout {
        let first = if self.loaded { limit } else { limit + LOAD_TIME_MAX };
        let mut deadline = tokio::time::Instant::now() + first;
        let mut asks_at = self.loaded.then(|| clock.started + PATIENCE);
        loop {
            let earliest = asks_at.map_or(deadline, |time| deadline.min(time.into()));
            let frame = match self.next_before(earliest).await {
                Some(Ok(frame)) => frame,
                Some(Err(broken)) => return Turnout::Broken(broken),
                None if earliest == deadline => return Turnout::TimedOut,
                None => match self.ask(pool, clock.started, deadline).await {
                    Ok(again_at) => {
                        asks_at = again_at;
                        continue;
                    }
                    Err(ended) => return ended,
                },
            };
            match self.judge(&frame, exit_code) {
                Ok(Some(Said::Ended(ended))) => return ended,
                Ok(Some(Said::Loaded)) => {
                    self.has_loaded();
                    clock.start += clock.started.elapsed();
                    clock.started = Instant::now();
                    deadline = tokio::time::Instant::now() + limit;
                    asks_at = Some(clock.started + PATIENCE);
                }
                Ok(None) => {}
                Err(broken) => return Turnout::Broken(broken),
            }
        }
    }

    /// Asks a call that takes much longer than its fellows whether it waits for something: so that
    /// nobody waits for it. Returns when to come again.
    async fn ask(
        &mut self,
        pool: &Pool,
        started: Instant,
        deadline: tokio::time::Instant,
    ) -> Result<Option<Instant>, Turnout> {
        let Some(unlike) = pool.unlike().filter(|_| !self.held_up) else { return Ok(None) };
        let passed = started.elapsed();
        if passed < unlike {
            return Ok(Some(started + unlike));
        }
        let ask = self.line.send(self.invocation, &Word { t: "ask" }, "");
        match tokio::time::timeout_at(deadline, ask).await {
            // Who is at work does not answer, and is left alone for longer and longer.
            Ok(Ok(())) => Ok(Some(started + passed * 2)),
            Ok(Err(broken)) => Err(Turnout::Broken(broken)),
            Err(_) => Err(Turnout::TimedOut),
        }
    }

    /// The next frame; nothing when the time has come. One alarm serves many calls: it is set again
    /// when it rings, not for every call.
    async fn next_before(&mut self, time: tokio::time::Instant) -> Option<Result<Frame, Broken>> {
        let Self { line, alarm, .. } = self;
        loop {
            if alarm.is_elapsed() || alarm.deadline() > time {
                alarm.as_mut().reset(time);
            }
            tokio::select! {
                biased;
                frame = line.next() => return Some(frame),
                () = alarm.as_mut() => {
                    if tokio::time::Instant::now() >= time {
                        return None;
                    }
                }
            }
        }
    }

    /// What a frame means for the call at work.
    fn judge(
        &mut self,
        frame: &Frame,
        exit_code: &mut Option<i32>,
    ) -> Result<Option<Said>, Broken> {
        let head = frame.head()?;
        if frame.number != self.invocation {
            return self.take_note(frame).map(|()| None);
        }
        if let (Some(busy), Some(pool)) = (head.busy, &self.pool) {
            pool.worked(busy);
        }
        match &*head.t {
            "loaded" => Ok(Some(Said::Loaded)),
            "back" => Ok(Some(Said::Ended(Turnout::HandedBack))),
            "lasts" => {
                self.is_held_up(true);
                Ok(None)
            }
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
                self.saw_memory(head.memory);
                Ok(Some(Said::Ended(Turnout::Answered(Ok(text.to_owned()), true))))
            }
            "error" => {
                self.unsettled = head.pending > 0;
                self.saw_memory(head.memory);
                let is_last = head.last;
                let error = if head.message == NO_BUFFER {
                    InvokeError::OutOfMemory { limit_mb: self.memory_mb }
                } else if head.kind == "too_large" {
                    let limit_bytes = RESULT_BYTES_MAX as u64;
                    InvokeError::TooLarge { what: "result", bytes: head.bytes, limit_bytes }
                } else {
                    let (message, stack) = (head.message.into_owned(), head.stack.into_owned());
                    InvokeError::Threw { message, stack }
                };
                // One that met its limit keeps what it could not use: the next call has a new one.
                let may_go_on = !matches!(error, InvokeError::OutOfMemory { .. }) && !is_last;
                Ok(Some(Said::Ended(Turnout::Answered(Err(error), may_go_on))))
            }
            _ => self.take_note(frame).map(|()| None),
        }
    }

    fn saw_memory(&mut self, bytes: Option<u64>) {
        let seen = bytes.map(|bytes| bytes.div_ceil(1024 * 1024));
        self.memory_seen_mb = self.memory_seen_mb.max(seen);
    }

    /// Why there is no result although the time limit has not passed.
    async fn explain(&mut self, broken: Broken, exit_code: Option<i32>) -> InvokeError {
        let grace = if matches!(broken, Broken::Closed) { END_TIME_MAX } else { Duration::ZERO };
        let end = self.process.end(grace).await;
        let out_of_memory = end.last_words.contains("heap out of memory")
            || end.last_words.contains("Allocation failed - ");
        match self.process.watched.verdict() {
            Some(Verdict::Processor { limit_ms }) => {
                return InvokeError::CpuTimeExceeded { limit_ms };
            }
            Some(Verdict::Memory) => {
                return InvokeError::OutOfMemory { limit_mb: self.memory_mb };
            }
            Some(Verdict::Idle) | None if out_of_memory => {
                return InvokeError::OutOfMemory { limit_mb: self.memory_mb };
            }
            Some(Verdict::Idle) | None => {}
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
    fn note_failure(&self, request_id: &str, result: &Result<String, InvokeError>) {
        let Err(error) = result else { return };
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
    Ended(Turnout),
}

/// A duration in the unit of [`Figures`].
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
