//! MongoDB's regular expressions (PCRE2 in UTF mode) rewritten for fancy-regex.
//!
//! Rewritten: `\w \d \s \b \h \v` are ASCII, `$` and `\Z` also match before a final newline,
//! `\Q…\E` is literal, any escaped punctuation is itself, `[` and set operators inside a class are
//! literal, a `{` that starts no quantifier is literal, `\R \N \e \cX \o{…}` and octal numbers are
//! spelled out, every spelling of a named group or reference becomes one. Everything else is passed
//! on, and what fancy-regex does not know (recursion, conditions but on groups before, `\X`) is
//! refused.

mod escape;

use std::iter::Peekable;
use std::str::Chars;

const WORD: &str = "0-9A-Za-z_";
const DIGIT: &str = "0-9";
const SPACE: &str = r"\t\n\x0B\f\r\x20";
const BLANK: &str = r"\t\x20";
/// Ends of lines, as `\v` has them.
const VERTICAL: &str = r"\n\x0B\f\r\x{85}\x{2028}\x{2029}";
/// `\R`: one end of a line.
const LINE_END: &str = r"(?>\r\n|[\n\x0B\f\r\x{85}\x{2028}\x{2029}])";
/// End of text, or before the newline that ends it.
const END: &str = r"(?=\n?\z)";
const BOUNDARY: &str =
    concat!("(?:(?<=[0-9A-Za-z_])(?![0-9A-Za-z_])", "|(?<![0-9A-Za-z_])(?=[0-9A-Za-z_]))");
const NO_BOUNDARY: &str =
    concat!("(?:(?<=[0-9A-Za-z_])(?=[0-9A-Za-z_])", "|(?<![0-9A-Za-z_])(?![0-9A-Za-z_]))");

/// The pattern in fancy-regex's dialect; `multi_line` and `extended` are the options `m` and `x`.
pub(crate) fn translate(pattern: &str, multi_line: bool, extended: bool) -> String {
    let mut translator = Translator {
        rest: pattern.chars().peekable(),
        out: String::with_capacity(pattern.len() + 16),
        scopes: vec![Flags { multi_line, extended }],
        groups: 0,
        all_groups: count_groups(pattern),
    };
    while let Some(next) = translator.rest.next() {
        translator.outside(next);
    }
    translator.out
}

#[derive(Clone, Copy)]
struct Flags {
    multi_line: bool,
    extended: bool,
}

struct Translator<'a> {
    rest: Peekable<Chars<'a>>,
    out: String,
    /// One per open group; the outermost is never closed.
    scopes: Vec<Flags>,
    /// Groups that capture, opened so far.
    groups: usize,
    /// All of them.
    all_groups: usize,
}

impl Translator<'_> {
    fn flags(&self) -> Flags {
        *self.scopes.last().expect("the outermost scope stays")
    }

    /// A character outside a class.
    fn outside(&mut self, next: char) {
        match next {
            '\\' => self.escape(),
            '[' => self.class(),
            '(' => self.open_group(),
            ')' => {
                if self.scopes.len() > 1 {
                    self.scopes.pop();
                }
                self.out.push(')');
            }
            '$' if !self.flags().multi_line => self.out.push_str(END),
            '{' if !self.is_quantifier() => self.out.push_str(r"\{"),
            '#' if self.flags().extended => {
                self.out.push('#');
                while let Some(comment) = self.rest.next_if(|c| *c != '\n') {
                    self.out.push(comment);
                }
            }
            other => self.out.push(other),
        }
    }

    /// What follows a backslash outside a class.
    fn escape(&mut self) {
        match self.rest.next() {
            None => self.out.push('\\'),
            Some('Q') => self.quoted(),
            Some('E') => {}
            Some('b') => self.out.push_str(BOUNDARY),
            Some('B') => self.out.push_str(NO_BOUNDARY),
            Some('Z') => self.out.push_str(END),
            Some('R') => self.out.push_str(LINE_END),
            Some('N') => self.out.push_str(r"[^\n]"),
            Some('g') => self.reference(true),
            Some('k') => self.reference(false),
            Some(digit @ '1'..='9') => self.number(digit),
            Some(letter) => match set(letter) {
                Some((negated, ranges)) => self.push_class(negated, ranges),
                None => self.plain_escape(letter),
            },
        }
    }

    fn push_class(&mut self, negated: bool, ranges: &str) {
        self.out.push_str(if negated { "[^" } else { "[" });
        self.out.push_str(ranges);
        self.out.push(']');
    }

    /// `\Q…\E`, or to the end of the pattern.
    fn quoted(&mut self) {
        while let Some(next) = self.rest.next() {
            if next == '\\' && self.rest.next_if_eq(&'E').is_some() {
                return;
            }
            self.literal(next);
        }
    }

    /// A character that stands for itself, in or outside a class and in verbose mode.
    fn literal(&mut self, character: char) {
        match character {
            ' ' => self.out.push_str(r"\x20"),
            '\n' => self.out.push_str(r"\n"),
            '\t' => self.out.push_str(r"\t"),
            // The two that fancy-regex reads as word edges when escaped.
            '<' | '>' => self.out.push(character),
            _ => {
                if character.is_ascii_punctuation() {
                    self.out.push('\\');
                }
                self.out.push(character);
            }
        }
    }

    /// `(`, with the flags it may set: `(?m)`, `(?m-i:…)`; comments are dropped.
    fn open_group(&mut self) {
        let mut ahead = self.rest.clone();
        if ahead.next() == Some('?') {
            if ahead.peek() == Some(&'#') {
                while self.rest.next().is_some_and(|c| c != ')') {}
                return;
            }
            if ahead.peek() == Some(&'R') {
                // Recursion; fancy-regex would read a flag that PCRE does not have.
                return self.out.push_str("(?recursion:");
            }
            if ahead.peek() == Some(&'(') {
                return self.condition();
            }
            if self.named_group(ahead.clone()) {
                return;
            }
            let mut flags = self.flags();
            let mut on = true;
            while let Some(letter) = ahead.next_if(|c| c.is_ascii_alphabetic() || *c == '-') {
                match letter {
                    '-' => on = false,
                    'm' => flags.multi_line = on,
                    'x' => flags.extended = on,
                    _ => {}
                }
            }
            match ahead.next() {
                Some(')') => {
                    // The group closes itself; its flags hold for the one around it.
                    if let Some(scope) = self.scopes.last_mut() {
                        *scope = flags;
                    }
                }
                Some(':') => {
                    self.scopes.push(flags);
                    return self.out.push('(');
                }
                _ => {}
            }
        }
        if self.rest.peek() != Some(&'?') {
            self.groups += 1;
        }
        self.scopes.push(self.flags());
        self.out.push('(');
    }

    /// `(?(1)yes|no)`: whether a group took part. Groups that are not open yet are refused, as are
    /// other conditions: fancy-regex does not survive a condition on a group that is not there.
    fn condition(&mut self) {
        let behind: String = self.rest.clone().skip("?(".len()).collect();
        let number = behind.split_once(')').map(|(number, _)| number);
        let is_number = |text: &&str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
        let group = number.filter(is_number).and_then(|number| number.parse::<usize>().ok());
        match (number, group) {
            (Some(text), Some(group)) if (1..=self.groups).contains(&group) => {
                for _ in 0.."?()".len() + text.len() {
                    self.rest.next();
                }
                self.scopes.push(self.flags());
                self.out.push_str(&format!("(?({group})"));
            }
            _ => self.out.push_str("(?condition:"),
        }
    }

    /// `(?<name>`, `(?'name'`, `(?P<name>` open a group, `(?P=name)` refers to one. `ahead` is
    /// behind the question mark.
    fn named_group(&mut self, mut ahead: Peekable<Chars<'_>>) -> bool {
        let is_python = ahead.next_if_eq(&'P').is_some();
        let end = match ahead.next() {
            Some('<') => '>',
            Some('\'') if !is_python => '\'',
            Some('=') if is_python => ')',
            _ => return false,
        };
        if matches!(ahead.peek(), Some('=' | '!')) && end == '>' {
            return false;
        }
        let name: String = ahead.by_ref().take_while(|letter| *letter != end).collect();
        for _ in 0..self.rest.clone().count() - ahead.count() {
            self.rest.next();
        }
        if end == ')' {
            self.refer(&name);
        } else {
            self.groups += 1;
            self.scopes.push(self.flags());
            self.out.push_str(&format!("(?P<{name}>"));
        }
        true
    }

    /// Whether what follows a `{` is `3}`, `3,}` or `3,5}`.
    fn is_quantifier(&self) -> bool {
        let mut ahead = self.rest.clone();
        let mut digits = 0;
        while ahead.next_if(char::is_ascii_digit).is_some() {
            digits += 1;
        }
        if ahead.next_if_eq(&',').is_some() {
            while ahead.next_if(char::is_ascii_digit).is_some() {}
        }
        digits > 0 && ahead.next() == Some('}')
    }

    /// A class from after its `[` to its `]`.
    fn class(&mut self) {
        self.out.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        if self.rest.next_if_eq(&']').is_some() {
            self.out.push_str(r"\]");
        }
        while let Some(next) = self.rest.next() {
            match next {
                ']' => return self.out.push(']'),
                '\\' => self.class_escape(),
                '[' if self.posix_class() => {}
                '-' if self.before_no_range() => self.out.push_str(r"\-"),
                '[' | '&' | '~' | ' ' | '#' | '\n' | '\t' => self.literal(next),
                other => self.out.push(other),
            }
        }
    }

    fn class_escape(&mut self) {
        match self.rest.next() {
            None => self.out.push('\\'),
            Some('Q') => self.quoted(),
            Some('E') => {}
            Some('b') => self.out.push_str(r"\x08"),
            Some(digit @ '1'..='7') => {
                let code = self.octal(digit.to_digit(8).unwrap_or(0), 2);
                self.push_code(code);
            }
            Some(letter) => match set(letter) {
                Some((negated, ranges)) => {
                    self.push_class(negated, ranges);
                    // `[\w-.]`: a set cannot begin a range.
                    if self.rest.next_if_eq(&'-').is_some() {
                        self.out.push_str(r"\-");
                    }
                }
                None => self.plain_escape(letter),
            },
        }
    }

    /// Copies `[:alpha:]` when that is what follows.
    fn posix_class(&mut self) -> bool {
        let mut ahead = self.rest.clone();
        if ahead.next() != Some(':') {
            return false;
        }
        let mut name = String::from("[:");
        while let Some(next) = ahead.next_if(|c| c.is_ascii_lowercase() || *c == '^') {
            name.push(next);
        }
        if ahead.next() != Some(':') || ahead.next() != Some(']') {
            return false;
        }
        self.out.push_str(&name);
        self.out.push_str(":]");
        self.rest = ahead;
        true
    }

    /// Whether the `-` just read stands for itself because a `-` or a set follows.
    fn before_no_range(&self) -> bool {
        let mut ahead = self.rest.clone();
        match ahead.next() {
            Some('-') => true,
            Some('\\') => ahead.next().is_some_and(|letter| set(letter).is_some()),
            _ => false,
        }
    }
}

/// How many groups of a pattern capture, nearly: classes and comments are not looked at closely.
fn count_groups(pattern: &str) -> usize {
    let bytes = pattern.as_bytes();
    let mut groups = 0;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'(' => {
                let rest = &pattern[at + 1..];
                let named = ["?<", "?P<", "?'"].iter().any(|open| rest.starts_with(open));
                let looks = ["?<=", "?<!"].iter().any(|open| rest.starts_with(open));
                groups += usize::from(!rest.starts_with(['?', '*']) || (named && !looks));
            }
            _ => {}
        }
        at += 1;
    }
    groups
}

/// The ASCII set an escape letter stands for, and whether it is its complement.
fn set(letter: char) -> Option<(bool, &'static str)> {
    Some(match letter {
        'w' => (false, WORD),
        'W' => (true, WORD),
        'd' => (false, DIGIT),
        'D' => (true, DIGIT),
        's' => (false, SPACE),
        'S' => (true, SPACE),
        'h' => (false, BLANK),
        'H' => (true, BLANK),
        'v' => (false, VERTICAL),
        'V' => (true, VERTICAL),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
