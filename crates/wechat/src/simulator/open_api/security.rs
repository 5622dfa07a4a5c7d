//! Content checks: a text or file is risky exactly when it holds one of the configured words.

use serde_json::json;

use super::{Answer, Arguments, Call, Refusal, ok_with, random_id};
use crate::error::code;

/// The largest picture that `imgSecCheck` takes, in bytes.
const IMAGE_BYTES_MAX: usize = 1024 * 1024;
/// The label of risky content in version 2: politics, the first of WeChat's list.
const LABEL_RISKY: i64 = 20_001;
/// The label of content that passes.
const LABEL_PASS: i64 = 100;

/// `security.msgSecCheck`. Version 1 refuses risky texts; version 2 describes them.
pub(super) fn check_text(call: &Call<'_>, arguments: &Arguments) -> Answer {
    let content = arguments.required_text("content", code::EMPTY_CONTENT)?;
    let risky_word = risky_word(call, content.as_bytes());
    let is_version_2 = arguments.number("version") == Some(2);
    if is_version_2 {
        arguments.required_text("openid", code::INVALID_OPENID)?;
    }
    record(call, "text", risky_word.as_deref());
    if !is_version_2 {
        return if risky_word.is_some() { Err(risky()) } else { ok_with(json!({})) };
    }
    let (suggest, label) = match risky_word {
        Some(_) => ("risky", LABEL_RISKY),
        None => ("pass", LABEL_PASS),
    };
    let mut detail = json!({
        "strategy": "content_model", "errcode": 0, "suggest": suggest, "label": label, "prob": 90,
    });
    if let Some(word) = risky_word {
        detail["keyword"] = word.into();
    }
    ok_with(json!({
        "trace_id": random_id(),
        "result": { "suggest": suggest, "label": label },
        "detail": [detail],
    }))
}

/// `security.imgSecCheck`.
pub(super) fn check_image(call: &Call<'_>, arguments: &Arguments) -> Answer {
    let Some(file) = arguments.file.as_ref().filter(|file| !file.is_empty()) else {
        return Err(Refusal::new(code::MEDIA_MISSING, "media data missing"));
    };
    if file.len() > IMAGE_BYTES_MAX {
        return Err(Refusal::new(code::INVALID_MEDIA_SIZE, "invalid media size: at most 1 MB"));
    }
    let risky_word = risky_word(call, file);
    record(call, "image", risky_word.as_deref());
    if risky_word.is_some() { Err(risky()) } else { ok_with(json!({})) }
}

/// `security.mediaCheckAsync`: only the acceptance; the result is a pushed message on the platform.
pub(super) fn check_media_later(call: &Call<'_>, arguments: &Arguments) -> Answer {
    let url = arguments.required_text("media_url", code::INVALID_ARGUMENTS)?;
    let trace_id = random_id();
    call.record(
        "content-check",
        format!("Asynchronous check of {url}"),
        json!({ "trace_id": trace_id }),
    );
    ok_with(json!({ "trace_id": trace_id }))
}

/// The first configured word that `content` holds.
fn risky_word(call: &Call<'_>, content: &[u8]) -> Option<String> {
    let holds = |word: &&String| {
        !word.is_empty() && content.windows(word.len()).any(|part| part == word.as_bytes())
    };
    call.simulator.options.risky_words.iter().find(holds).cloned()
}

fn record(call: &Call<'_>, what: &str, risky_word: Option<&str>) {
    let verdict = if risky_word.is_some() { "risky" } else { "passes" };
    call.record(
        "content-check",
        format!("Content check: {what} {verdict}"),
        json!({ "risky_word": risky_word }),
    );
}

fn risky() -> Refusal {
    Refusal::new(code::RISKY_CONTENT, "risky content")
}
