//! What a project says of a consumer.

use serde::{Deserialize, Serialize};

/// The longest name of a stream, in characters.
const NAME_CHARS_MAX: usize = 60;
/// The most records of one batch.
const BATCH_MAX: u32 = 1_000;
/// The longest time a batch may wait to become full, in ms.
const WINDOW_MS_MAX: u64 = 300_000;
/// The most retries of a batch.
const RETRIES_MAX: u32 = 100;

/// A trigger for records of a stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct StreamSpec {
    /// Its name, unique within the function.
    pub name: String,
    /// The stream.
    pub stream: String,
    /// How many records a batch has at most, 1 to 1,000.
    #[serde(default = "batch")]
    pub batch_size: u32,
    /// How long a batch may wait to become full, in ms, up to five minutes.
    #[serde(default)]
    pub window_ms: u64,
    /// How often a batch that failed is tried again, up to 100, before it becomes a dead letter.
    #[serde(default = "retries")]
    pub retries: u32,
}

fn batch() -> u32 {
    100
}

fn retries() -> u32 {
    3
}

impl StreamSpec {
    /// What is wrong with it: the field and a sentence.
    pub(in crate::triggers) fn check(&self) -> Result<(), (&'static str, String)> {
        if !is_name(&self.stream) {
            let reason = format!(
                "use 1 to {NAME_CHARS_MAX} letters, digits, - and _ / 请使用 1 到 {NAME_CHARS_MAX} \
                 个字母、数字、- 或 _"
            );
            return Err(("stream", reason));
        }
        let between = |from: u64, to: u64| format!("use {from} to {to} / 取值范围 {from} 到 {to}");
        if self.batch_size == 0 || self.batch_size > BATCH_MAX {
            return Err(("batchSize", between(1, BATCH_MAX.into())));
        }
        if self.window_ms > WINDOW_MS_MAX {
            return Err(("windowMs", between(0, WINDOW_MS_MAX)));
        }
        if self.retries > RETRIES_MAX {
            return Err(("retries", between(0, RETRIES_MAX.into())));
        }
        Ok(())
    }
}

/// Whether this can be the name of a stream.
fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !name.is_empty() && name.len() <= NAME_CHARS_MAX && name.chars().all(fits)
}
