//! Escapes: what follows a backslash, spelled out for fancy-regex.

use super::Translator;

impl Translator<'_> {
    /// An escape both dialects share, with its braces; escaped punctuation is itself.
    pub(super) fn plain_escape(&mut self, letter: char) {
        match letter {
            'e' => self.out.push_str(r"\x1B"),
            'c' => match self.rest.next() {
                // PCRE turns over one bit of the letter in upper case.
                Some(letter) if letter.is_ascii() => {
                    self.push_code(u32::from(letter.to_ascii_uppercase()) ^ 0x40);
                }
                _ => self.out.push_str(r"\c"),
            },
            '0' => {
                let code = self.octal(0, 2);
                self.push_code(code);
            }
            'o' if self.rest.peek() == Some(&'{') => {
                let digits = self.braced();
                match u32::from_str_radix(&digits, 8) {
                    Ok(code) => self.push_code(code),
                    Err(_) => self.out.push_str(r"\o"),
                }
            }
            'p' | 'P' => self.property(letter == 'P'),
            letter if letter.is_ascii_alphanumeric() => {
                self.out.push('\\');
                self.out.push(letter);
                if "xu".contains(letter) && self.rest.peek() == Some(&'{') {
                    let inner = self.braced();
                    self.out.push_str(&format!("{{{inner}}}"));
                } else if letter == 'x' {
                    self.short_hex();
                }
            }
            letter => self.literal(letter),
        }
    }

    /// `\x` takes at most two digits, and none at all is NUL.
    fn short_hex(&mut self) {
        let mut digits = String::new();
        while digits.len() < 2
            && let Some(digit) = self.rest.next_if(char::is_ascii_hexdigit)
        {
            digits.push(digit);
        }
        self.out.push_str(&format!("{digits:0>2}"));
    }

    pub(super) fn push_code(&mut self, code: u32) {
        self.out.push_str(&format!("\\x{{{code:X}}}"));
    }

    /// Up to so many more octal digits.
    pub(super) fn octal(&mut self, mut code: u32, most: usize) -> u32 {
        for _ in 0..most {
            match self.rest.next_if(|digit| ('0'..='7').contains(digit)) {
                Some(digit) => code = code * 8 + digit.to_digit(8).unwrap_or(0),
                None => break,
            }
        }
        code
    }

    /// What stands in the braces that follow.
    fn braced(&mut self) -> String {
        self.rest.next();
        self.rest.by_ref().take_while(|inner| *inner != '}').collect()
    }

    /// `\pL`, `\p{Han}`, `\p{^Lu}`, `\p{L&}`.
    fn property(&mut self, negated: bool) {
        let name = match self.rest.peek() {
            Some('{') => self.braced(),
            _ => self.rest.next().map(String::from).unwrap_or_default(),
        };
        let (negated, name) = match name.strip_prefix('^') {
            Some(name) => (!negated, name),
            None => (negated, name.as_str()),
        };
        match name {
            "L&" => self.push_class(negated, r"\p{Lu}\p{Ll}\p{Lt}"),
            "Xan" => self.push_class(negated, r"\p{L}\p{N}"),
            "Xwd" => self.push_class(negated, r"\p{L}\p{N}_"),
            "Xps" | "Xsp" => self.push_class(negated, r"\p{Z}\t\n\x0B\f\r"),
            name => {
                self.out.push_str(if negated { r"\P{" } else { r"\p{" });
                self.out.push_str(name);
                self.out.push('}');
            }
        }
    }

    /// A number behind a backslash: a group's content, or in octal when there is no such group.
    pub(super) fn number(&mut self, first: char) {
        let mut digits = String::from(first);
        let mut ahead = self.rest.clone();
        while let Some(digit) = ahead.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        let number: usize = digits.parse().unwrap_or(usize::MAX);
        if number < 10 || number <= self.all_groups {
            self.rest = ahead;
            return self.refer(&number.to_string());
        }
        match first.to_digit(8) {
            Some(code) => {
                let code = self.octal(code, 2);
                self.push_code(code);
            }
            None => self.out.push(first),
        }
    }

    /// `\g1`, `\g{-1}`, `\g{name}`, `\k<name>`, `\k'name'`, `\k{name}`; `\g<name>` is a call, which
    /// is passed on.
    pub(super) fn reference(&mut self, may_be_number: bool) {
        let name: String = match self.rest.peek() {
            Some('{') => self.braced(),
            Some('\'') if !may_be_number => {
                self.rest.next();
                self.rest.by_ref().take_while(|inner| *inner != '\'').collect()
            }
            Some('<') if !may_be_number => {
                self.rest.next();
                self.rest.by_ref().take_while(|inner| *inner != '>').collect()
            }
            Some(digit) if may_be_number && (digit.is_ascii_digit() || *digit == '-') => {
                let mut digits: String = self.rest.next().into_iter().collect();
                while let Some(digit) = self.rest.next_if(char::is_ascii_digit) {
                    digits.push(digit);
                }
                digits
            }
            _ => return self.out.push_str(if may_be_number { r"\g" } else { r"\k" }),
        };
        match name.strip_prefix('-').map(str::parse::<usize>) {
            Some(Ok(back)) if (1..=self.groups).contains(&back) => {
                self.refer(&(self.groups + 1 - back).to_string());
            }
            _ => self.refer(&name),
        }
    }

    /// The content of a group, so that a digit may follow.
    pub(super) fn refer(&mut self, name: &str) {
        if name.bytes().all(|byte| byte.is_ascii_digit()) {
            self.out.push_str(&format!("(?:\\{name})"));
        } else {
            self.out.push_str(&format!("\\k<{name}>"));
        }
    }
}
