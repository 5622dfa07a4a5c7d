//! What an environment used, by day: counted in memory, added to the durable documents of
//! `system.usage` every minute and when the server stops. A crash loses at most that minute; the
//! days are those of UTC+8, and what is counted around midnight may land on the next one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::gigabyte_seconds;
use crate::caller::{Caller, Context};
use crate::environment::Environment;
use crate::error::{Code, Error, Result};
use crate::records::{Part, Record};
use crate::server::Platform;
use crate::shelf::Shelf;

const DAYS: Shelf<Json> = Shelf::new("system.usage");
/// How often what was counted is made durable.
const PAUSE: Duration = Duration::from_secs(60);
const UTC_8_MS: i64 = 8 * 3_600_000;
/// The most days one answer tells of.
pub const DAYS_MAX: u64 = 1_000;

/// The members of a day's document, in the order of [`Usage`]'s counters.
const MEMBERS: [&str; 6] =
    ["calls", "errors", "megabyteUs", "outboundBytes", "databaseReads", "databaseWrites"];

/// What was counted since the start, and how much of it is durable.
#[derive(Debug, Default)]
pub struct Usage {
    counters: [AtomicU64; MEMBERS.len()],
    durable: tokio::sync::Mutex<[u64; MEMBERS.len()]>,
}

impl Usage {
    fn add(&self, at: usize, count: u64) {
        self.counters[at].fetch_add(count, Ordering::Relaxed);
    }

    /// Counts a settled invocation, of which the metrics have looked up what it costs.
    pub(crate) fn call(&self, record: &Record) {
        // A server is no call: its requests are.
        if record.part != Part::Server {
            self.add(0, 1);
            self.add(1, u64::from(record.error.is_some()));
        }
        self.add(2, record.megabyte_us());
        self.outbound(record.result_bytes as u64);
    }

    /// Counts bytes that were sent to a client.
    pub fn outbound(&self, bytes: u64) {
        self.add(3, bytes);
    }

    /// Counts an operation that reads documents.
    pub(crate) fn read(&self) {
        self.add(4, 1);
    }

    /// Counts an operation that writes documents.
    pub(crate) fn write(&self) {
        self.add(5, 1);
    }

    /// What was counted since the start, by name.
    pub(crate) fn totals(&self) -> [(&'static str, u64); MEMBERS.len()] {
        std::array::from_fn(|at| (MEMBERS[at], self.counters[at].load(Ordering::Relaxed)))
    }

    /// Makes what was counted durable; what fails is tried again the next time.
    pub(crate) async fn flush(&self, environment: &Environment) {
        let mut durable = self.durable.lock().await;
        let counted = self.totals().map(|(_, count)| count);
        if counted == *durable {
            return;
        }
        let more = std::array::from_fn(|at| counted[at] - durable[at]);
        match add(environment, more).await {
            Ok(()) => *durable = counted,
            Err(error) => {
                tracing::warn!(environment = environment.id(), %error, "usage is not durable yet");
            }
        }
    }
}

/// Makes what is counted durable, every minute, until the server is gone.
pub(crate) async fn keep(platform: std::sync::Weak<Platform>) {
    loop {
        tokio::time::sleep(PAUSE).await;
        let Some(platform) = platform.upgrade() else { return };
        for environment in platform.environments() {
            environment.usage().flush(&environment).await;
        }
    }
}

async fn add(environment: &Environment, more: [u64; MEMBERS.len()]) -> Result<()> {
    DAYS.open(environment.engine()).await?;
    let day = crate::journal::date(environment.now_ms().saturating_add(UTC_8_MS));
    let counts: Map<String, Json> =
        MEMBERS.iter().zip(more).map(|(name, count)| ((*name).to_owned(), count.into())).collect();
    DAYS.put(environment.engine(), &day, &json!({ "$inc": counts })).await
}

/// The days from one to another (`2026-01-31`, both included), oldest first.
///
/// # Errors
/// Callers other than the administrator; a day that is none; what the store reports.
pub async fn days(context: &Context, from: Option<&str>, to: Option<&str>) -> Result<Vec<Json>> {
    if !matches!(context.caller, Caller::Administrator) {
        return Err(Error::new(
            Code::NotSignedIn,
            "Only the operator sees what was used. / 仅管理员可查看用量。",
        ));
    }
    let environment = &context.environment;
    environment.usage().flush(environment).await;
    let mut bounds = Map::new();
    for (operator, day) in [("$gte", from), ("$lte", to)] {
        if let Some(day) = day {
            bounds.insert(operator.to_owned(), checked(day)?.into());
        }
    }
    let filter = if bounds.is_empty() { json!({}) } else { json!({ "_id": bounds }) };
    DAYS.open(environment.engine()).await?;
    let found = DAYS.find(environment.engine(), &filter, "-_id", DAYS_MAX).await?;
    Ok(found.iter().rev().map(day_as_json).collect())
}

fn day_as_json(day: &Json) -> Json {
    let count = |name: &str| day[name].as_u64().unwrap_or(0);
    json!({
        "day": day["_id"],
        "calls": count("calls"),
        "errors": count("errors"),
        "gigabyteSeconds": gigabyte_seconds(count("megabyteUs")),
        "outboundBytes": count("outboundBytes"),
        "databaseReads": count("databaseReads"),
        "databaseWrites": count("databaseWrites"),
    })
}

fn checked(day: &str) -> Result<&str> {
    let fits = day.len() == 10
        && day.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    fits.then_some(day).ok_or_else(|| {
        Error::new(
            Code::InvalidParameter,
            format!("'{day}' is no day: write it like 2026-01-31. / 「{day}」不是日期,格式如 2026-01-31。"),
        )
    })
}
