//! What a developer reads on the terminal. It passes on no control sequences but colours: what
//! functions log and throw comes from strangers, too.

use std::borrow::Cow;
use std::io::{IsTerminal, Write};

use std::sync::{Arc, LazyLock};

use platform::journal::{Entry, Event};

use crate::language::localized;

/// Prints a line; a closed terminal is no reason to stop serving.
pub fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{}", harmless(text));
    let _ = out.flush();
}

/// Prints an error in the reader's language.
pub fn error(message: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", harmless(&localized(message)));
}

/// Prints why a command failed: what happened and its causes, each in the reader's language.
pub fn failure(why: &anyhow::Error) {
    let causes: Vec<_> = why.chain().map(|cause| localized(&cause.to_string())).collect();
    error(&causes.join(": "));
}

/// The text with control characters shown as pictures (`␛`), but for line ends, tabs and colours.
fn harmless(text: &str) -> Cow<'_, str> {
    let is_harmful = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(is_harmful) {
        shown.push_str(&rest[..at]);
        rest = &rest[at..];
        let colour = colour_length(rest);
        if colour > 0 {
            shown.push_str(&rest[..colour]);
            rest = &rest[colour..];
        } else if let Some(control) = rest.chars().next() {
            shown.push(picture(control));
            rest = &rest[control.len_utf8()..];
        }
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

/// How long the colour is that the text begins with; 0 for none.
fn colour_length(text: &str) -> usize {
    let Some(numbers) = text.strip_prefix("\u{1b}[") else { return 0 };
    let end = numbers.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(numbers.len());
    if numbers[end..].starts_with('m') { "\u{1b}[".len() + end + 1 } else { 0 }
}

fn picture(control: char) -> char {
    match u32::from(control) {
        code @ 0..0x20 => char::from_u32(0x2400 + code).unwrap_or('\u{fffd}'),
        0x7f => '\u{2421}',
        _ => '\u{fffd}',
    }
}

/// Prints entries of the journal with one write: under load there are thousands a second.
pub fn entries(entries: &[Arc<Entry>]) {
    let text: Vec<String> = entries.iter().flat_map(|entry| lines(entry)).collect();
    if !text.is_empty() {
        line(&text.join("\n"));
    }
}

/// The lines of an entry.
fn lines(entry: &Entry) -> Vec<String> {
    let time = time_of_day(entry.at_ms);
    match &entry.event {
        Event::Log { request_id, function, level, text, .. } => {
            let id = if request_id.is_empty() { "-" } else { request_id };
            let head = format!("{time} {} {id} {}", bold(function), tint(level.name()));
            text.lines().map(|text| format!("{head} {text}")).collect()
        }
        Event::Invocation(record) => {
            let cold = if record.cold { " cold" } else { "" };
            let ms = record.total_us / 1_000;
            let outcome = match &record.error {
                None => format!("done {ms} ms{cold}"),
                Some(error) => {
                    format!("{} {ms} ms{cold} {}", tint("error"), localized(&error.message))
                }
            };
            vec![format!("{time} {} {} {outcome}", bold(&record.function), record.request_id)]
        }
        Event::Deployment { subject, succeeded, text } => {
            let outcome = if *succeeded { "deployed" } else { "not deployed" };
            let text =
                if text.is_empty() { String::new() } else { format!(": {}", localized(text)) };
            vec![format!("{time} {} {outcome}{text}", bold(subject))]
        }
        Event::WeChat { title, .. } => vec![format!("{time} wechat {title}")],
        Event::Notice { text } | Event::Dropped { text, .. } => {
            vec![format!("{time} {}", localized(text))]
        }
    }
}

/// A moment, ms since 1970, as date and time in UTC.
pub fn time(at_ms: i64) -> String {
    format!("{} {}", platform::journal::date(at_ms), time_of_day(at_ms))
}

fn time_of_day(at_ms: i64) -> String {
    let in_day = at_ms.rem_euclid(86_400_000);
    let (hours, minutes) = (in_day / 3_600_000, in_day / 60_000 % 60);
    format!("{hours:02}:{minutes:02}:{:02}.{:03}Z", in_day / 1_000 % 60, in_day % 1_000)
}

/// Bold where the terminal can.
pub fn bold(text: &str) -> String {
    styled("1", text)
}

/// A level in its colour, where the terminal can.
pub fn tint(level: &str) -> String {
    match level {
        "error" => styled("31", level),
        "warn" => styled("33", level),
        _ => level.to_owned(),
    }
}

fn styled(code: &str, text: &str) -> String {
    /// Asked once: a line of a call must not cost a system call more.
    static IS_TERMINAL: LazyLock<bool> = LazyLock::new(|| std::io::stdout().is_terminal());
    if *IS_TERMINAL { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// A text as it is, anything else as JSON.
pub fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Columns as wide as what is in them.
pub fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) {
    let head = head.map(str::to_owned);
    let width = |column: usize| {
        let cells = std::iter::once(&head).chain(rows).map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    for row in std::iter::once(&head).chain(rows) {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        line(cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn colours_pass_and_other_control_sequences_are_shown() {
        let rows = [
            ("云开\tok\nnext", "云开\tok\nnext"),
            ("\u{1b}[31mred\u{1b}[0m", "\u{1b}[31mred\u{1b}[0m"),
            ("\u{1b}[2J\u{1b}]0;title\u{7}", "␛[2J␛]0;title␇"),
            ("a\rb\u{7f}\u{9b}31m", "a␍b␡\u{fffd}31m"),
            ("\u{1b}[31", "␛[31"),
        ];
        for (text, expected) in rows {
            assert_eq!(harmless(text), expected, "{text:?}");
        }
    }
}
