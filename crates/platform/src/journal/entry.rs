//! What can happen, as terminal, console and archive tell it. Plain data: nothing here decides.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::records::Record;

/// One thing that happened.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Rises by one per entry; a gap at a reader means missed entries.
    pub number: u64,
    /// When, ms since 1970; of an invocation, when it began.
    pub at_ms: i64,
    /// The environment it happened in.
    pub environment: String,
    /// What it is.
    #[serde(flatten)]
    pub event: Event,
}

/// What kinds of things happen.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Event {
    /// A line written by a function.
    Log {
        /// The invocation that wrote it; empty for lines outside any.
        request_id: String,
        /// The function's name.
        function: String,
        /// The openid the invocation ran for, if any.
        openid: Option<String>,
        /// How serious it is.
        level: Level,
        /// The line.
        text: String,
    },
    /// An invocation has settled.
    Invocation(Box<Record>),
    /// A function or the project was deployed, or could not be.
    Deployment {
        /// The function's name, or what else was deployed.
        subject: String,
        /// True when it is live now.
        succeeded: bool,
        /// What to tell the developer.
        text: String,
    },
    /// Something the WeChat simulator did.
    WeChat {
        /// `sign-in`, `code`, `subscribe-message` ….
        what: String,
        /// One line.
        title: String,
        /// All of it.
        detail: serde_json::Value,
    },
    /// A remark for the operator.
    Notice {
        /// The remark.
        text: String,
    },
    /// The archive could not keep up: so many records are missing here.
    Dropped {
        /// How many.
        count: u64,
        /// The same in words.
        text: String,
    },
}

/// How serious an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For whoever looks closely.
    Debug,
    /// What is normal.
    Info,
    /// What should be looked at.
    Warn,
    /// What failed.
    Error,
}

impl Level {
    /// Reads `debug`, `info`, `warn` or `error`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Level::Debug, Level::Info, Level::Warn, Level::Error]
            .into_iter()
            .find(|level| level.name() == name)
    }

    /// `debug`, `info`, `warn` or `error`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }
}

impl From<functions::LogLevel> for Level {
    fn from(level: functions::LogLevel) -> Self {
        match level {
            functions::LogLevel::Debug => Level::Debug,
            functions::LogLevel::Info => Level::Info,
            functions::LogLevel::Warn => Level::Warn,
            functions::LogLevel::Error => Level::Error,
        }
    }
}

impl Event {
    /// A word for how many entries are missing.
    #[must_use]
    pub fn dropped(count: u64) -> Self {
        let text = format!(
            "{count} records were dropped: more was logged than the journal could take. / 日志过多,\
             已丢弃 {count} 条记录。"
        );
        Event::Dropped { count, text }
    }

    /// About how much memory it takes, in bytes.
    pub(crate) fn size(&self) -> usize {
        /// The entry itself and what the allocator adds.
        const FRAME: usize = 200;
        FRAME
            + match self {
                Event::Log { request_id, function, text, .. } => {
                    request_id.len() + function.len() + text.len()
                }
                Event::Invocation(record) => record.size(),
                Event::Deployment { subject, text, .. } => subject.len() + text.len(),
                // The simulator's details are small forms.
                Event::WeChat { title, .. } => title.len() + 1_024,
                Event::Notice { text } | Event::Dropped { text, .. } => text.len(),
            }
    }
}

/// The parts of an entry that a search looks at: of one in memory, or of one read from the archive.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Look<'a> {
    pub number: u64,
    pub at_ms: i64,
    #[serde(borrow)]
    pub kind: Cow<'a, str>,
    #[serde(borrow)]
    pub request_id: Cow<'a, str>,
    #[serde(borrow)]
    pub function: Cow<'a, str>,
    pub level: Option<Level>,
    #[serde(borrow)]
    pub openid: Option<Cow<'a, str>>,
    pub cold: bool,
    pub succeeded: Option<bool>,
    #[serde(borrow)]
    pub text: Cow<'a, str>,
    #[serde(borrow)]
    pub title: Cow<'a, str>,
    #[serde(borrow)]
    pub subject: Cow<'a, str>,
    #[serde(borrow)]
    pub result: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub error: Option<Failure<'a>>,
}

/// An invocation's error as a search looks at it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Failure<'a> {
    #[serde(borrow)]
    pub message: Cow<'a, str>,
    #[serde(borrow)]
    pub stack: Cow<'a, str>,
}

impl<'a> From<&'a Entry> for Look<'a> {
    fn from(entry: &'a Entry) -> Self {
        let look = Look { number: entry.number, at_ms: entry.at_ms, ..Look::default() };
        match &entry.event {
            Event::Log { request_id, function, openid, level, text } => Look {
                kind: "log".into(),
                openid: openid.as_deref().map(Cow::from),
                request_id: request_id.into(),
                function: function.into(),
                level: Some(*level),
                text: text.into(),
                ..look
            },
            Event::Invocation(record) => Look {
                kind: "invocation".into(),
                request_id: (&record.request_id).into(),
                function: (&record.function).into(),
                openid: record.openid.as_deref().map(Cow::from),
                cold: record.cold,
                result: record.result.as_deref().map(Cow::from),
                error: record.error.as_ref().map(|error| Failure {
                    message: (&error.message).into(),
                    stack: (&error.stack).into(),
                }),
                ..look
            },
            Event::Deployment { subject, succeeded, text } => Look {
                kind: "deployment".into(),
                subject: subject.into(),
                succeeded: Some(*succeeded),
                text: text.into(),
                ..look
            },
            Event::WeChat { title, .. } => {
                Look { kind: "we-chat".into(), title: title.into(), ..look }
            }
            Event::Notice { text } => Look { kind: "notice".into(), text: text.into(), ..look },
            Event::Dropped { text, .. } => {
                Look { kind: "dropped".into(), text: text.into(), ..look }
            }
        }
    }
}

impl Look<'_> {
    /// How serious the entry is; what failed is an error.
    pub fn level(&self) -> Level {
        match (self.level, &self.error, self.succeeded) {
            (Some(level), _, _) => level,
            (None, Some(_), _) | (None, _, Some(false)) => Level::Error,
            _ if self.kind == "dropped" => Level::Warn,
            _ => Level::Info,
        }
    }
}
