//! MongoDB's regular expressions (PCRE2 in UTF mode) rewritten for fancy-regex.
//!
//! Rewritten: `\w \d \s \b \h` are ASCII, `$` and `\Z` also match before a final newline, `\Q…\E`
//! is literal, any escaped punctuation is itself, `[` and set operators inside a class are literal,
//! a `{` that starts no quantifier is literal. Everything else is passed on.

use std::iter::Peekable;
use std::str::Chars;

const WORD: &str = "0-9A-Za-z_";
const DIGIT: &str = "0-9";
const SPACE: &str = r"\t\n\x0B\f\r\x20";
const BLANK: &str = r"\t\x20";
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

    /// An escape both dialects share, with its braces; escaped punctuation is itself.
    fn plain_escape(&mut self, letter: char) {
        if !letter.is_ascii_alphanumeric() {
            return self.literal(letter);
        }
        self.out.push('\\');
        self.out.push(letter);
        if "pPxugko".contains(letter) && self.rest.peek() == Some(&'{') {
            for inner in self.rest.by_ref() {
                self.out.push(inner);
                if inner == '}' {
                    break;
                }
            }
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
        self.scopes.push(self.flags());
        self.out.push('(');
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
                '[' | '&' | '~' | ' ' | '#' => self.literal(next),
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
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::pattern::Pattern;

    /// What PCRE2 answers for each of these.
    #[test]
    fn agrees_with_pcre() {
        for (source, options, text, expected) in [
            (r"^\w+$", "", "abc_1", true),
            (r"^\w+$", "", "中文", false),
            (r"^\W+$", "", "中文", true),
            (r"^\d+$", "", "٣", false),
            (r"^[\w-.]+$", "", "a-b.c", true),
            (r"^[\d\W]$", "", "中", true),
            (r"[a-\d]", "", "-", true),
            (r"\bcat\b", "", "a cat sat", true),
            (r"\bcat\b", "", "concat", false),
            (r"\bcat\b", "", "中cat文", true),
            (r"a\Bb", "", "ab", true),
            (r"^a$", "", "a\n", true),
            (r"^a$", "", "a\nb", false),
            (r"^a$", "m", "b\na\nc", true),
            (r"(?m)^a$", "", "b\na\nc", true),
            (r"(?m:^a$)|c$", "", "b\na\nc", true),
            (r"((?m)x)a$", "", "xa\nb", false),
            (r"a\Z", "", "a\n", true),
            (r"\Qa.b\E+", "", "a.bb", true),
            (r"\Qa.b\E", "", "axb", false),
            (r"\Q(*", "", "x(*y", true),
            (r"[\Q]^\E]", "", "^", true),
            (r"http:\/\/x\-y\<\>\中", "", "http://x-y<>中", true),
            (r"[[]", "", "[", true),
            (r"[]a]", "", "]", true),
            (r"[^]a]", "", "]", false),
            (r"[a&&b]", "", "&", true),
            (r"[[:digit:]x]", "", "7", true),
            (r"[\b]", "", "\u{8}", true),
            (r"a{b", "", "a{b", true),
            (r"a{,2}", "", "a{,2}", true),
            (r"^a{2,3}$", "", "aaa", true),
            (r"(?#note)a", "", "a", true),
            ("a b # note $\n c", "x", "abc", true),
            (r"[ #]a", "x", "#a", true),
            (r"^a.c$", "s", "a\nc", true),
            (r"^a.c$", "", "a\nc", false),
            (r"HELLO", "i", "hello", true),
            (r"É", "i", "é", true),
            (r"[\u4e00-\u9fa5]+", "", "中文", true),
            (r"^\p{Han}+$", "", "中文", true),
            (r"(a)\1", "", "aa", true),
            (r"(?<y>\d{4})-\k<y>", "", "2020-2020", true),
            (r"a(?=b)", "", "ab", true),
            (r"(?<!a)b", "", "ab", false),
            (r"^(?>a+)a", "", "aaa", false),
            (r"a++b", "", "aab", true),
            (r"\s", "", "\u{a0}", false),
            (r"\x41\x{4e2d}", "", "A中", true),
            (r"", "", "anything", true),
            (r"x", "gu", "x", true),
        ] {
            let pattern = Pattern::compile(source, options).unwrap();
            assert_eq!(pattern.is_match(text), Ok(expected), "/{source}/{options} on {text:?}");
        }
    }

    #[test]
    fn refuses_broken_patterns() {
        for (source, options) in [("(", ""), ("[", ""), ("*", ""), ("a", "q"), (r"\", "")] {
            assert!(Pattern::compile(source, options).is_err(), "/{source}/{options}");
        }
    }

    #[test]
    fn catastrophic_patterns_end() {
        let text = "a".repeat(40) + "!";
        assert_eq!(Pattern::compile(r"^(a+)+$", "").unwrap().is_match(&text), Ok(false));
        assert!(Pattern::compile(r"^(a|a)+\1$", "").unwrap().is_match(&text).is_err());
    }
}
