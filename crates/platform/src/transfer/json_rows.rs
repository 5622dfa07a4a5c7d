//! Rows of extended JSON: one per line, or the elements of one array. Which of the two the first
//! character says; a broken line of JSON Lines costs that line alone.

use value::{Document, Value, ejson};

use super::rows::{Row, broken, unreadable};
use crate::error::Result;

/// The longest row, in bytes of text: the largest document with its wrappers.
const ROW_BYTES_MAX: usize = ejson::TEXT_BYTES_MAX;

/// What the stream turned out to be.
#[derive(Debug, PartialEq, Eq)]
enum Shape {
    Unknown,
    Lines,
    /// Inside the array; `Ended` after its closing bracket.
    Array,
    Ended,
}

/// See the module.
#[derive(Debug)]
pub struct JsonRows {
    now_ms: i64,
    shape: Shape,
    /// The row in progress.
    open: Vec<u8>,
    /// The line being read, and the one at which the open row began.
    line: u64,
    began: u64,
    /// In an array: open brackets, whether inside a string, whether after a backslash.
    depth: usize,
    in_text: bool,
    escaped: bool,
}

impl JsonRows {
    /// A reader at the beginning of a stream.
    pub(super) fn new(now_ms: i64) -> Self {
        Self {
            now_ms,
            shape: Shape::Unknown,
            open: Vec::new(),
            line: 1,
            began: 1,
            depth: 0,
            in_text: false,
            escaped: false,
        }
    }

    pub(super) fn feed(&mut self, bytes: &[u8], rows: &mut Vec<Row>) -> Result<()> {
        let mut rest = bytes;
        while self.shape == Shape::Unknown {
            let Some((&byte, after)) = rest.split_first() else { return Ok(()) };
            match byte {
                // A byte order mark, as some editors write it.
                0xEF | 0xBB | 0xBF | b' ' | b'\t' | b'\r' => rest = after,
                b'\n' => {
                    self.line += 1;
                    rest = after;
                }
                b'[' => {
                    self.shape = Shape::Array;
                    rest = after;
                }
                _ => self.shape = Shape::Lines,
            }
        }
        if self.shape == Shape::Lines { self.lines(rest, rows) } else { self.array(rest, rows) }
    }

    fn lines(&mut self, bytes: &[u8], rows: &mut Vec<Row>) -> Result<()> {
        let mut pieces = bytes.split(|byte| *byte == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            self.open.extend_from_slice(piece);
            self.check_length(self.line)?;
            if pieces.peek().is_some() {
                self.end_row(self.line, rows);
                self.line += 1;
            }
        }
        Ok(())
    }

    fn array(&mut self, bytes: &[u8], rows: &mut Vec<Row>) -> Result<()> {
        for &byte in bytes {
            if byte == b'\n' {
                self.line += 1;
            }
            if self.shape == Shape::Ended {
                if byte.is_ascii_whitespace() {
                    continue;
                }
                return Err(unreadable(
                    self.line,
                    "there is something behind the array's end",
                    "数组结束后还有内容",
                ));
            }
            if self.depth == 0 && !self.in_text {
                match byte {
                    b',' | b']' => {
                        self.end_row(self.began, rows);
                        if byte == b']' {
                            self.shape = Shape::Ended;
                        }
                        continue;
                    }
                    _ if byte.is_ascii_whitespace() && self.open.is_empty() => continue,
                    _ => {}
                }
            }
            if self.open.is_empty() {
                self.began = self.line;
            }
            self.open.push(byte);
            self.track(byte);
        }
        self.check_length(self.began)
    }

    /// Follows strings and brackets, to see where an element ends.
    fn track(&mut self, byte: u8) {
        if self.in_text {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_text = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => self.in_text = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }

    fn check_length(&self, line: u64) -> Result<()> {
        if self.open.len() <= ROW_BYTES_MAX {
            return Ok(());
        }
        Err(unreadable(line, "the row is longer than any document", "该行长度超过文档上限"))
    }

    fn end_row(&mut self, line: u64, rows: &mut Vec<Row>) {
        let text = self.open.trim_ascii();
        if !text.is_empty() {
            rows.push(Row { line, document: self.read(text) });
        }
        self.open.clear();
    }

    fn read(&self, text: &[u8]) -> Result<Document> {
        let text = std::str::from_utf8(text)
            .map_err(|_| broken("The row is not UTF-8", "该行不是 UTF-8 编码"))?;
        match ejson::parse(text, self.now_ms) {
            Ok(Value::Document(document)) => Ok(document),
            Ok(_) => Err(broken("The row is not an object", "该行不是对象")),
            Err(error) => Err(crate::Error::from_room(crate::Code::InvalidParameter, error)),
        }
    }

    pub(super) fn finish(&mut self, rows: &mut Vec<Row>) -> Result<()> {
        match self.shape {
            Shape::Unknown | Shape::Ended => Ok(()),
            Shape::Lines => {
                self.end_row(self.line, rows);
                Ok(())
            }
            Shape::Array => {
                Err(unreadable(self.line, "the array has no closing ]", "数组缺少结尾的 ]"))
            }
        }
    }
}
