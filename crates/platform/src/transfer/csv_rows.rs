//! Rows of CSV (RFC 4180): the first record names the fields, dotted names make nested documents.
//!
//! A cell is typed by how it looks: nothing leaves the field out; `true` and `false` are booleans;
//! what looks like a number is one, unless it begins with a superfluous zero or has more digits
//! than a number keeps; an ISO 8601 time with `T` and a zone is a date; what begins with `{` or `[`
//! and is extended JSON is that. Everything else, and every `_id`, is text.

use value::{Document, Value, ejson};

use super::rows::{Row, broken, unreadable};
use crate::error::Result;

/// The longest record, in bytes.
const RECORD_BYTES_MAX: usize = ejson::TEXT_BYTES_MAX;

/// See the module.
#[derive(Debug)]
pub struct CsvRows {
    now_ms: i64,
    header: Option<Vec<String>>,
    cells: Vec<Vec<u8>>,
    cell: Vec<u8>,
    /// Inside quotes; just behind a quote that may have ended them.
    quoted: bool,
    after_quote: bool,
    size: usize,
    line: u64,
    began: u64,
}

impl CsvRows {
    pub(super) fn new(now_ms: i64) -> Self {
        Self {
            now_ms,
            header: None,
            cells: Vec::new(),
            cell: Vec::new(),
            quoted: false,
            after_quote: false,
            size: 0,
            line: 1,
            began: 1,
        }
    }

    pub(super) fn feed(&mut self, bytes: &[u8], rows: &mut Vec<Row>) -> Result<()> {
        for &byte in bytes {
            self.size += 1;
            if self.quoted {
                match byte {
                    b'"' if self.after_quote => {
                        self.cell.push(b'"');
                        self.after_quote = false;
                        continue;
                    }
                    b'"' => {
                        self.after_quote = true;
                        continue;
                    }
                    _ if self.after_quote => {
                        self.quoted = false;
                        self.after_quote = false;
                    }
                    _ => {
                        self.line += u64::from(byte == b'\n');
                        self.cell.push(byte);
                        continue;
                    }
                }
            }
            match byte {
                b'"' if self.cell.is_empty() => self.quoted = true,
                b',' => self.cells.push(std::mem::take(&mut self.cell)),
                b'\n' => {
                    self.line += 1;
                    self.end_record(rows)?;
                }
                byte => self.cell.push(byte),
            }
        }
        if self.size > RECORD_BYTES_MAX {
            let (english, chinese) = ("the record is longer than any document", "该行长度超过上限");
            return Err(unreadable(self.began, english, chinese));
        }
        Ok(())
    }

    pub(super) fn finish(&mut self, rows: &mut Vec<Row>) -> Result<()> {
        if self.quoted && !self.after_quote {
            return Err(unreadable(self.began, "a quoted cell is not closed", "引号未闭合"));
        }
        self.end_record(rows)
    }

    fn end_record(&mut self, rows: &mut Vec<Row>) -> Result<()> {
        if self.cell.last() == Some(&b'\r') {
            self.cell.pop();
        }
        self.cells.push(std::mem::take(&mut self.cell));
        let cells = std::mem::take(&mut self.cells);
        let line = std::mem::replace(&mut self.began, self.line);
        (self.quoted, self.after_quote, self.size) = (false, false, 0);
        if let [only] = &cells[..]
            && only.is_empty()
        {
            return Ok(());
        }
        match &self.header {
            None => self.header = Some(header(line, cells)?),
            Some(header) => {
                rows.push(Row { line, document: document(header, cells, self.now_ms) });
            }
        }
        Ok(())
    }
}

fn header(line: u64, cells: Vec<Vec<u8>>) -> Result<Vec<String>> {
    let mut names = Vec::with_capacity(cells.len());
    for cell in cells {
        let text = String::from_utf8(cell)
            .map_err(|_| unreadable(line, "the header is not UTF-8", "表头不是 UTF-8 编码"))?;
        let name = text.trim_start_matches('\u{feff}').trim().to_owned();
        let clashes = |other: &String| {
            let (short, long) =
                if other.len() < name.len() { (other, &name) } else { (&name, other) };
            long.strip_prefix(short.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if name.split('.').any(str::is_empty) || names.iter().any(clashes) {
            return Err(unreadable(
                line,
                &format!("the column name '{name}' has an empty part, or clashes with another"),
                &format!("列名「{name}」含空段或与其他列冲突"),
            ));
        }
        names.push(name);
    }
    Ok(names)
}

fn document(header: &[String], cells: Vec<Vec<u8>>, now_ms: i64) -> Result<Document> {
    if cells.len() != header.len() {
        return Err(broken(
            &format!("The row has {} cells, the header {}", cells.len(), header.len()),
            &format!("该行有 {} 列,表头有 {} 列", cells.len(), header.len()),
        ));
    }
    let mut document = Document::new();
    for (name, cell) in header.iter().zip(cells) {
        let text = String::from_utf8(cell)
            .map_err(|_| broken("The row is not UTF-8", "该行不是 UTF-8 编码"))?;
        if text.is_empty() {
            continue;
        }
        let value = if name == "_id" { Value::String(text) } else { typed(text, now_ms) };
        put(&mut document, name, value);
    }
    Ok(document)
}

/// Puts a value at a dotted path, making the documents on the way; the header has no clashes.
fn put(document: &mut Document, path: &str, value: Value) {
    let Some((first, rest)) = path.split_once('.') else {
        document.insert(path, value);
        return;
    };
    let mut inner = match document.get(first) {
        Some(Value::Document(inner)) => inner.clone(),
        _ => Document::new(),
    };
    put(&mut inner, rest, value);
    document.insert(first, Value::Document(inner));
}

fn typed(text: String, now_ms: i64) -> Value {
    match text.as_bytes()[0] {
        b't' | b'f' => match text.as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => Value::String(text),
        },
        b'{' | b'[' => ejson::parse(&text, now_ms).unwrap_or(Value::String(text)),
        b'0'..=b'9' | b'-' => number(&text).or_else(|| date(&text)).unwrap_or(Value::String(text)),
        _ => Value::String(text),
    }
}

/// A number whose text would come back the same; longer ones are ids or card numbers.
fn number(text: &str) -> Option<Value> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let superfluous_zero = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    let plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if superfluous_zero || !plain || digits.len() > 16 || !digits.ends_with(|c: char| c != '.') {
        return None;
    }
    if digits.contains('.') {
        return text.parse().ok().map(Value::Double);
    }
    let whole: i64 = text.parse().ok()?;
    Some(i32::try_from(whole).map_or(Value::Int64(whole), Value::Int32))
}

fn date(text: &str) -> Option<Value> {
    let time = text.get(10..)?;
    let zoned = time.starts_with('T') && (time.ends_with('Z') || time.contains(['+', '-']));
    if zoned { ejson::parse_date(text).map(Value::Date) } else { None }
}
