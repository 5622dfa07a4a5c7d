//! Messages carry both languages; a terminal shows the one that `LANG` asks for.

/// Stands between the two sentences of a message.
const SEPARATOR: &str = " / ";

/// The sentence of a bilingual message ("English. / 中文。") that fits `LANG`.
///
/// Without `LANG`, or when the message has one language only, the whole message.
pub fn localized(message: &str) -> String {
    let wanted = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    match wanted.as_deref() {
        Some(language) if language.starts_with("zh") => pick(message, true),
        Some(language) if language.starts_with("en") => pick(message, false),
        _ => message.to_owned(),
    }
}

fn pick(message: &str, chinese: bool) -> String {
    // The separator is the last one before the first Chinese character.
    let english = &message[..message.find(is_chinese).unwrap_or(0)];
    let split = english.rfind(SEPARATOR).map(|at| (at, SEPARATOR));
    match split {
        Some((at, separator)) if chinese => message[at + separator.len()..].to_owned(),
        Some((at, _)) => message[..at].to_owned(),
        None => message.to_owned(),
    }
}

fn is_chinese(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_language_is_picked_and_single_ones_stay() {
        let message = "The path /a / b is taken. / 路径 /a / b 已被占用。";
        assert_eq!(pick(message, false), "The path /a / b is taken.");
        assert_eq!(pick(message, true), "路径 /a / b 已被占用。");
        assert_eq!(pick("Plain.", true), "Plain.");
    }
}
