//! Messages carry both languages; a terminal shows the one that `LANG` asks for.

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
    // The separator stands between the last ASCII sentence and the first Chinese one.
    let split = message.match_indices(" / ").find(|(at, separator)| {
        let after = &message[at + separator.len()..];
        after.chars().take(40).any(is_chinese) && !message[..*at].chars().any(is_chinese)
    });
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
