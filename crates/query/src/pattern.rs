//! A compiled regular expression of a filter, with bounded work per match.

use std::sync::Arc;

use fancy_regex::{Regex, RegexBuilder};

use crate::{Error, dialect};

/// Longest pattern in bytes; MongoDB's limit.
const PATTERN_BYTES_MAX: usize = 32_764;
/// Steps of backtracking after which a match is given up: a few milliseconds.
const BACKTRACK_STEPS_MAX: usize = 100_000;
/// Memory a compiled expression may take.
const COMPILED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A match and its groups, each from a byte to a byte; `None` for a group that took no part.
pub(crate) type Groups = Vec<Option<(usize, usize)>>;

/// A compiled expression; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    source: String,
    options: String,
    regex: Arc<Regex>,
}

impl Pattern {
    /// Compiles MongoDB's dialect. Options: `i`, `m`, `s`, `x`; JavaScript's `g`, `u`, `y`, `d` say
    /// nothing about a single match and are ignored.
    ///
    /// # Errors
    /// Unknown options and patterns that do not compile.
    pub(crate) fn compile(source: &str, options: &str) -> Result<Pattern, Error> {
        if let Some(unknown) = options.chars().find(|letter| !"imsxguyd".contains(*letter)) {
            return Err(broken(source, &format!("unknown option {unknown:?}")));
        }
        if source.len() > PATTERN_BYTES_MAX {
            return Err(broken("…", &format!("longer than {PATTERN_BYTES_MAX} bytes")));
        }
        let has = |letter| options.contains(letter);
        let regex = RegexBuilder::new(&dialect::translate(source, has('m'), has('x')))
            .case_insensitive(has('i'))
            .multi_line(has('m'))
            .dot_matches_new_line(has('s'))
            .verbose_mode(has('x'))
            .backtrack_limit(BACKTRACK_STEPS_MAX)
            .delegate_size_limit(COMPILED_BYTES_MAX)
            .build()
            .map_err(|error| broken(source, &error.to_string()))?;
        Ok(Pattern { source: source.to_owned(), options: options.to_owned(), regex: regex.into() })
    }

    /// The expression as written.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// Its options as written.
    pub(crate) fn options(&self) -> &str {
        &self.options
    }

    /// Whether the text matches.
    ///
    /// # Errors
    /// A match given up because it takes too many steps.
    pub(crate) fn is_match(&self, text: &str) -> Result<bool, Error> {
        self.regex.is_match(text).map_err(|_| self.too_slow())
    }

    fn too_slow(&self) -> Error {
        Error::malformed(
            format_args!("The regular expression /{}/ takes too long; simplify it.", self.source),
            format_args!("正则表达式 /{}/ 匹配耗时过长,请简化。", self.source),
        )
    }

    /// The first match at or after a byte: the whole and its groups, each as bytes from and to.
    ///
    /// # Errors
    /// As [`Pattern::is_match`].
    pub(crate) fn find_at(&self, text: &str, from: usize) -> Result<Option<Groups>, Error> {
        let captures = self.regex.captures_from_pos(text, from).map_err(|_| self.too_slow())?;
        Ok(captures.map(|captures| {
            captures.iter().map(|group| group.map(|found| (found.start(), found.end()))).collect()
        }))
    }

    /// Whether this is the same expression, as a value.
    pub(crate) fn is(&self, source: &str, options: &str) -> bool {
        self.source == source && self.options == options
    }
}

fn broken(source: &str, why: &str) -> Error {
    let why = why.lines().next().unwrap_or_default();
    Error::malformed(
        format_args!("The regular expression /{source}/ is not valid ({why}); correct it."),
        format_args!("正则表达式 /{source}/ 无效({why}),请修改。"),
    )
}
