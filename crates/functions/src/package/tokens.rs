//! Cuts JavaScript into words, texts and signs, with their lines: enough to find calls by name.
//!
//! It never fails. Comments are left out. Where a `/` could divide or begin a regular expression it
//! decides by what stands before; a wrong guess spoils one line, not the file.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An identifier or keyword.
    Name,
    /// A text in quotes; the token holds what is between them.
    Text,
    /// A piece of a template.
    Template,
    /// A number or a regular expression.
    Value,
    /// One character of punctuation; `?.` counts as `.`.
    Sign,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub kind: Kind,
    pub text: &'a str,
    /// From 1.
    pub line: u32,
}

impl Token<'_> {
    pub(super) fn is_sign(&self, sign: &str) -> bool {
        self.kind == Kind::Sign && self.text == sign
    }

    pub(super) fn is_name(&self, name: &str) -> bool {
        self.kind == Kind::Name && self.text == name
    }
}

/// After these words an expression begins, so `/` begins a regular expression.
const BEFORE_EXPRESSION: &[&str] = &[
    "return",
    "typeof",
    "case",
    "in",
    "of",
    "delete",
    "void",
    "throw",
    "new",
    "do",
    "else",
    "instanceof",
    "await",
    "yield",
];
/// The brackets after these are followed by a statement.
const BEFORE_CONDITION: &[&str] = &["if", "while", "for", "with"];

/// Cuts `source` up.
pub(super) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut cutter = Cutter {
        source,
        bytes: source.as_bytes(),
        at: 0,
        line: 1,
        tokens: Vec::with_capacity(source.len() / 6),
        brackets: Vec::new(),
        braces: Vec::new(),
        after_condition: false,
    };
    if source.starts_with("#!") {
        cutter.skip_line();
    }
    while cutter.step() {}
    cutter.tokens
}

struct Cutter<'a> {
    source: &'a str,
    bytes: &'a [u8],
    at: usize,
    line: u32,
    tokens: Vec<Token<'a>>,
    /// Open round brackets: whether each holds a condition.
    brackets: Vec<bool>,
    /// Open braces: whether each is a hole of a template.
    braces: Vec<bool>,
    /// The last token closed a condition.
    after_condition: bool,
}

impl<'a> Cutter<'a> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// Takes one token, comment or space. False at the end.
    fn step(&mut self) -> bool {
        let Some(byte) = self.bytes.get(self.at).copied() else { return false };
        match byte {
            b'\n' => {
                self.line += 1;
                self.at += 1;
            }
            b' ' | b'\t' | b'\r' => self.at += 1,
            b'/' if self.peek(1) == b'/' => self.skip_line(),
            b'/' if self.peek(1) == b'*' => self.comment(),
            b'/' if self.begins_expression() => self.regular_expression(),
            b'"' | b'\'' => self.text(byte),
            b'`' => {
                self.at += 1;
                self.template();
            }
            b'0'..=b'9' => self.word(Kind::Value),
            byte if is_word(byte) => self.word(Kind::Name),
            _ => self.sign(byte),
        }
        true
    }

    fn push(&mut self, kind: Kind, from: usize, to: usize, line: u32) {
        let text = self.source.get(from..to).unwrap_or("");
        self.tokens.push(Token { kind, text, line });
    }

    fn skip_line(&mut self) {
        while self.at < self.bytes.len() && self.bytes[self.at] != b'\n' {
            self.at += 1;
        }
    }

    fn comment(&mut self) {
        let rest = &self.source.as_bytes()[self.at + 2..];
        let length = rest.windows(2).position(|pair| pair == b"*/").unwrap_or(rest.len());
        self.count_lines(self.at, self.at + 2 + length);
        self.at = (self.at + length + 4).min(self.bytes.len());
    }

    fn count_lines(&mut self, from: usize, to: usize) {
        let lines = self.bytes[from..to].iter().filter(|byte| **byte == b'\n').count();
        self.line = self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
    }

    fn word(&mut self, kind: Kind) {
        let from = self.at;
        let fraction = |cutter: &Self| kind == Kind::Value && cutter.peek(0) == b'.';
        while is_word(self.peek(0)) || fraction(self) {
            self.at += 1;
        }
        self.push(kind, from, self.at, self.line);
        self.after_condition = false;
    }

    /// A text ends with its line, unless that is escaped.
    fn text(&mut self, quote: u8) {
        let (from, line) = (self.at + 1, self.line);
        self.at = from;
        while self.at < self.bytes.len() && self.peek(0) != quote && self.peek(0) != b'\n' {
            if self.peek(0) == b'\\' {
                self.line += u32::from(self.peek(1) == b'\n');
                self.at += 1;
            }
            self.at += 1;
        }
        let to = self.at.min(self.bytes.len());
        self.push(Kind::Text, from, to, line);
        self.at = to + usize::from(self.peek(0) == quote);
        self.after_condition = false;
    }

    /// From the inside of a template to its end or its next hole.
    fn template(&mut self) {
        let (from, line) = (self.at, self.line);
        loop {
            match self.peek(0) {
                _ if self.at >= self.bytes.len() => break,
                b'`' => break,
                b'$' if self.peek(1) == b'{' => break,
                b'\\' => {
                    self.line += u32::from(self.peek(1) == b'\n');
                    self.at += 2;
                }
                byte => {
                    self.line += u32::from(byte == b'\n');
                    self.at += 1;
                }
            }
        }
        let to = self.at.min(self.bytes.len());
        self.push(Kind::Template, from, to, line);
        self.at = to + 1;
        if self.bytes.get(to) == Some(&b'$') {
            self.at = to + 2;
            self.braces.push(true);
        }
        self.after_condition = false;
    }

    fn sign(&mut self, byte: u8) {
        self.after_condition = false;
        if byte == b'}' && self.braces.pop() == Some(true) {
            self.at += 1;
            return self.template();
        }
        match byte {
            b'(' => {
                let names = |token: &Token<'_>| BEFORE_CONDITION.iter().any(|it| token.is_name(it));
                self.brackets.push(self.tokens.last().is_some_and(names));
            }
            b')' => self.after_condition = self.brackets.pop().unwrap_or(false),
            b'{' => self.braces.push(false),
            // `a?.b` reads as `a.b`; `a ? .5 : 1` does not.
            b'?' if self.peek(1) == b'.' && !self.peek(2).is_ascii_digit() => self.at += 1,
            _ => {}
        }
        self.push(Kind::Sign, self.at, self.at + 1, self.line);
        self.at += 1;
    }

    fn begins_expression(&self) -> bool {
        let Some(last) = self.tokens.last() else { return true };
        match last.kind {
            Kind::Name => BEFORE_EXPRESSION.contains(&last.text),
            Kind::Text | Kind::Template | Kind::Value => false,
            Kind::Sign => match last.text {
                ")" => self.after_condition,
                "]" => false,
                _ => true,
            },
        }
    }

    fn regular_expression(&mut self) {
        let (from, mut in_class) = (self.at, false);
        self.at += 1;
        while self.at < self.bytes.len() && self.peek(0) != b'\n' {
            match self.peek(0) {
                b'\\' => self.at += 1,
                b'[' => in_class = true,
                b']' => in_class = false,
                b'/' if !in_class => break,
                _ => {}
            }
            self.at += 1;
        }
        self.at = (self.at + 1).min(self.bytes.len());
        while is_word(self.peek(0)) {
            self.at += 1;
        }
        self.push(Kind::Value, from, self.at, self.line);
        self.after_condition = false;
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'#' | b'\\') || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::tokens;

    fn words(source: &str) -> String {
        let tokens = tokens(source);
        let shown: Vec<String> =
            tokens.iter().map(|token| format!("{}:{}", token.line, token.text)).collect();
        shown.join(" ")
    }

    #[test]
    fn code_is_cut_into_words_with_their_lines() {
        let rows = [
            ("#!/usr/bin/env node\na.b(1)", "2:a 2:. 2:b 2:( 2:1 2:)"),
            ("a // b\n/* c\n */ d", "1:a 3:d"),
            ("x = 'it\\'s' + \"/*\"", "1:x 1:= 1:it\\'s 1:+ 1:/*"),
            ("`a${b(`c`)}d\n` e", "1:a 1:b 1:( 1:c 1:) 1:d\n 2:e"),
            ("if (a) /'/.test(b)", "1:if 1:( 1:a 1:) 1:/'/ 1:. 1:test 1:( 1:b 1:)"),
            ("(a) / b / c", "1:( 1:a 1:) 1:/ 1:b 1:/ 1:c"),
            ("return /[/'\"]/g", "1:return 1:/[/'\"]/g"),
            ("cloud?.ai()", "1:cloud 1:. 1:ai 1:( 1:)"),
            ("变量.值", "1:变量 1:. 1:值"),
            ("'unclosed\nnext", "1:unclosed 2:next"),
            ("`unclosed", "1:unclosed"),
            ("/* unclosed", ""),
        ];
        for (source, expected) in rows {
            assert_eq!(words(source), expected, "{source}");
        }
    }
}
