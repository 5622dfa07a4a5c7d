//! What a project says of its triggers: in `yunkai.json`, in a function's `config.json`, in
//! `cloudbaserc.json`. Plain data, checked; whoever stores or runs them gets checked ones.

use std::collections::BTreeSet;

use query::Filter;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use value::{Value, ejson};

use super::cron::Schedule;
use super::streams::StreamSpec;
use crate::error::{Code, Error, Result};
use crate::push::PushSpec;

/// The most triggers of one kind that a function may have.
pub const TRIGGERS_PER_KIND_MAX: usize = 10;
/// The longest name of a trigger, in characters.
const NAME_CHARS_MAX: usize = 60;
/// The longest message of a timer, in bytes.
const MESSAGE_BYTES_MAX: usize = 4 * 1024;

/// One trigger of a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum TriggerSpec {
    /// Runs it by the clock.
    Timer(TimerSpec),
    /// Runs it for changes of documents.
    Database(DatabaseSpec),
    /// Runs it for files that came or went.
    Storage(StorageSpec),
    /// Runs it for records of a stream.
    Stream(StreamSpec),
    /// Runs it for the events of WebSockets.
    WebSocket(SocketSpec),
    /// Runs it for messages that WeChat pushes.
    Push(PushSpec),
}

/// A timer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimerSpec {
    /// Its name, unique within the function.
    pub name: String,
    /// When: cron in UTC+8.
    pub config: String,
    /// What the event carries as `Message`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// What becomes of ticks that passed while no server ran.
    #[serde(default)]
    pub missed: Missed,
    /// What becomes of a run whose server died.
    #[serde(default)]
    pub interrupted: Interrupted,
}

/// What becomes of ticks that passed while no server ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Missed {
    /// They are noted and not made up for.
    Skip,
    /// One run makes up for all of them.
    #[default]
    Once,
}

/// What becomes of a run whose server died.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interrupted {
    /// It is noted as interrupted.
    #[default]
    Skip,
    /// It is run again.
    Again,
}

/// A trigger for changes of documents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSpec {
    /// Its name, unique within the function.
    pub name: String,
    /// The collection.
    pub collection: String,
    /// Which changes; all of them when absent.
    #[serde(default = "ChangeEvent::all")]
    pub events: Vec<ChangeEvent>,
    /// Only documents that match: judged on the document after the change, for removals on the
    /// document before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Json>,
}

/// A kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeEvent {
    /// A new document.
    Insert,
    /// A document was changed or replaced.
    Update,
    /// A document was removed.
    Delete,
}

/// A trigger for files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageSpec {
    /// Its name, unique within the function.
    pub name: String,
    /// Which events; all of them when absent.
    #[serde(default = "FileEvent::all")]
    pub events: Vec<FileEvent>,
    /// Only files whose path begins so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
}

/// A trigger for WebSockets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SocketSpec {
    /// Its name, unique within the function.
    pub name: String,
    /// The prefix on which WebSockets are accepted, as of a route.
    pub path: String,
}

/// What happens to files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileEvent {
    /// A file was uploaded, also over another.
    Created,
    /// A file was deleted.
    Removed,
}

impl ChangeEvent {
    fn all() -> Vec<Self> {
        vec![Self::Insert, Self::Update, Self::Delete]
    }

    /// Its name in events.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

impl FileEvent {
    fn all() -> Vec<Self> {
        vec![Self::Created, Self::Removed]
    }
}

impl TriggerSpec {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Timer(timer) => &timer.name,
            Self::Database(database) => &database.name,
            Self::Storage(storage) => &storage.name,
            Self::Stream(stream) => &stream.name,
            Self::WebSocket(socket) => &socket.name,
            Self::Push(push) => &push.name,
        }
    }

    /// Its kind as files and the API write it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Timer(_) => "timer",
            Self::Database(_) => "database",
            Self::Storage(_) => "storage",
            Self::Stream(_) => "stream",
            Self::WebSocket(_) => "websocket",
            Self::Push(_) => "push",
        }
    }

    fn check(&self) -> std::result::Result<(), (&'static str, String)> {
        let name = self.name();
        let is_name = !name.is_empty()
            && name.chars().count() <= NAME_CHARS_MAX
            && name.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
        if !is_name {
            return Err((
                "name",
                format!(
                    "use 1 to {NAME_CHARS_MAX} letters, digits, - and _ / 请使用 1 到 \
                     {NAME_CHARS_MAX} 个字母、数字、- 或 _"
                ),
            ));
        }
        match self {
            Self::Timer(timer) => timer.check(),
            Self::Database(database) => database.check(),
            Self::Storage(storage) if storage.events.is_empty() => Err(no_events()),
            Self::Storage(_) | Self::Push(_) => Ok(()),
            Self::Stream(stream) => stream.check(),
            Self::WebSocket(socket) => {
                crate::http::check_path(&socket.path).map_err(|reason| ("path", reason))
            }
        }
    }
}

impl TimerSpec {
    /// A timer as the vendors' files have it: a name and a cron expression.
    #[must_use]
    pub fn new(name: &str, config: &str) -> Self {
        Self {
            name: name.to_owned(),
            config: config.to_owned(),
            message: String::new(),
            missed: Missed::default(),
            interrupted: Interrupted::default(),
        }
    }

    fn check(&self) -> std::result::Result<(), (&'static str, String)> {
        Schedule::parse(&self.config).map_err(|reason| ("config", reason))?;
        if self.message.len() > MESSAGE_BYTES_MAX {
            return Err(("message", "a message has at most 4 KB / 消息不能超过 4 KB".to_owned()));
        }
        Ok(())
    }
}

impl DatabaseSpec {
    fn check(&self) -> std::result::Result<(), (&'static str, String)> {
        if self.events.is_empty() {
            return Err(no_events());
        }
        crate::database::check_name(&self.collection)
            .map_err(|error| ("collection", error.message().to_owned()))?;
        self.condition().map(|_| ()).map_err(|reason| ("filter", reason))
    }

    /// The condition; none when every document counts.
    pub(super) fn condition(&self) -> std::result::Result<Option<Filter>, String> {
        let Some(filter) = &self.filter else { return Ok(None) };
        // A condition that asks for the time would change its mind when a record is read again.
        let filter = match ejson::from_json(filter, 0) {
            Ok(Value::Document(filter)) => filter,
            Ok(_) => return Err("a condition is an object / 条件须为对象".to_owned()),
            Err(error) => return Err(error.to_string()),
        };
        Filter::parse_unordered(&filter).map(Some).map_err(|error| error.to_string())
    }
}

fn no_events() -> (&'static str, String) {
    ("events", "name at least one event, or leave it out / 请至少指定一个事件,或省略".to_owned())
}

/// Checks the triggers of one function.
///
/// # Errors
/// What is wrong, with the function's name and the field.
pub fn check(function: &str, specs: &[TriggerSpec]) -> Result<()> {
    let refuse = |name: &str, field: &str, reason: &str| {
        let place = format!("functions.{function}.triggers '{name}': {field}");
        let message = match reason.rsplit_once(" / ") {
            Some((english, chinese)) => format!("{place}: {english} / {place}:{chinese}"),
            None => format!("{place}: {reason}"),
        };
        Error::new(Code::InvalidParameter, message)
    };
    let mut names = BTreeSet::new();
    for spec in specs {
        spec.check().map_err(|(field, reason)| refuse(spec.name(), field, &reason))?;
        if !names.insert(spec.name()) {
            return Err(refuse(
                spec.name(),
                "name",
                "two triggers have this name / 触发器名称重复",
            ));
        }
        let of_kind = specs.iter().filter(|it| it.kind() == spec.kind()).count();
        if of_kind > TRIGGERS_PER_KIND_MAX {
            let reason = format!(
                "a function has at most {TRIGGERS_PER_KIND_MAX} triggers of one kind / 每个云函数\
                 同类触发器最多 {TRIGGERS_PER_KIND_MAX} 个"
            );
            return Err(refuse(spec.name(), "type", &reason));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> std::result::Result<Vec<TriggerSpec>, String> {
        let specs: Vec<TriggerSpec> =
            serde_json::from_str(text).map_err(|error| error.to_string())?;
        check("f", &specs).map_err(|error| error.to_string())?;
        Ok(specs)
    }

    #[test]
    fn the_vendors_timers_are_read_and_written_back() {
        let text = r#"[{"name":"myTrigger","type":"timer","config":"0 0 2 1 * * *"}]"#;
        let specs = parse(text).unwrap();
        let TriggerSpec::Timer(timer) = &specs[0] else { panic!("{specs:?}") };
        assert_eq!((timer.missed, timer.interrupted), (Missed::Once, Interrupted::Skip));
        let again = serde_json::to_string(&specs).unwrap();
        assert_eq!(parse(&again).unwrap(), specs);
    }

    #[test]
    fn mistakes_name_the_trigger_and_the_field() {
        let many: Vec<_> = (0..11)
            .map(|n| format!(r#"{{"name":"t{n}","type":"timer","config":"0 2 * * *"}}"#))
            .collect();
        let many = format!("[{}]", many.join(","));
        for (text, words) in [
            (r#"[{"name":"t","type":"timer","config":"0 0 25 * * * *"}]"#, "'t': config"),
            (r#"[{"name":"t","type":"timer","config":"0 0 25 * * * *"}]"#, "'hour'"),
            (r#"[{"name":"t","type":"timer"}]"#, "missing field `config`"),
            (r#"[{"name":"t","type":"timer","config":"0 2 * * *","cron":1}]"#, "`cron`"),
            (r#"[{"name":"t","type":"clock"}]"#, "clock"),
            (r#"[{"name":"t","type":"timer","config":"0 2 * * *","missed":"all"}]"#, "all"),
            (r#"[{"name":"","type":"timer","config":"0 2 * * *"}]"#, "name"),
            (r#"[{"name":"a/b","type":"timer","config":"0 2 * * *"}]"#, "name"),
            (
                r#"[{"name":"d","type":"database","collection":"c","filter":{"n":{"$x":1}}}]"#,
                "'d': filter",
            ),
            (r#"[{"name":"d","type":"database","collection":"system.x"}]"#, "'d': collection"),
            (r#"[{"name":"d","type":"database","collection":"c","events":[]}]"#, "'d': events"),
            (r#"[{"name":"s","type":"storage","events":["moved"]}]"#, "moved"),
            (many.as_str(), "at most 10"),
            (
                r#"[{"name":"t","type":"storage"},{"name":"t","type":"timer","config":"0 2 * * *"}]"#,
                "two triggers",
            ),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
