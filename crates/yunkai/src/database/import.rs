//! `yunkai database import`: a file goes up as one stream, and the server tells row by row what it
//! refused. Every row is written or told.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use futures_util::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::{Body, Method};
use serde_json::{Value as Json, json};
use tokio::io::AsyncRead;
use tokio_util::io::ReaderStream;

use crate::arguments::{Conflict, FileFormat, Import};
use crate::client::Client;
use crate::language::localized;
use crate::terminal;

/// How many refused rows are printed; the report holds all.
const PRINTED_MAX: u64 = 20;
/// How much of the file is read at once, in bytes.
const PIECE_BYTES: usize = 256 * 1024;

/// Runs the command; refused rows make it fail after everything else is written.
pub async fn run(client: &Client, import: Import) -> Result<()> {
    let format = match import.format.unwrap_or_else(|| format_of(&import.file)) {
        FileFormat::Json => "json",
        FileFormat::Csv => "csv",
        FileFormat::Bson => "bson",
    };
    let mode = if import.mode == Conflict::Upsert { "upsert" } else { "insert" };
    let (file, length) = open(&import.file).await?;
    let mut report = match &import.report {
        None => None,
        Some(path) => Some(std::fs::File::create(path).with_context(|| unwritable(path))?),
    };
    let bar = bar(length);
    let sent = bar.clone();
    let pieces = ReaderStream::with_capacity(file, PIECE_BYTES).inspect(move |piece| {
        if let Ok(piece) = piece {
            sent.inc(piece.len() as u64);
        }
    });
    let create = if import.create { "true" } else { "false" };
    let query = [("format", format), ("mode", mode), ("create", create)];
    let request = client
        .request(Method::POST, &["collections", &import.collection, "import"], &query)
        .body(Body::wrap_stream(pieces));
    let mut response = client.send(request).await?;
    let mut outcome = Outcome::default();
    let mut open = Vec::new();
    let broken = loop {
        match response.chunk().await {
            Ok(Some(bytes)) => {
                open.extend_from_slice(&bytes);
                while let Some(end) = open.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = open.drain(..=end).collect();
                    let line = serde_json::from_slice(&line).context("the server's answer")?;
                    outcome.take(&line, report.as_mut(), &bar)?;
                }
            }
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    bar.finish_and_clear();
    match broken {
        Some(error) => Err(client.unreachable(&error).context(outcome.so_far())),
        None => outcome.end(import.json),
    }
}

/// What the server has told so far.
#[derive(Default)]
struct Outcome {
    written: u64,
    refused: u64,
    told: u64,
    done: bool,
    failed: Option<String>,
}

impl Outcome {
    fn take(
        &mut self,
        line: &Json,
        report: Option<&mut std::fs::File>,
        bar: &ProgressBar,
    ) -> Result<()> {
        if let Some(row) = line.get("row") {
            self.told += 1;
            if let Some(report) = report {
                writeln!(report, "{row}").context("report")?;
            }
            if self.told <= PRINTED_MAX {
                let reason = localized(row["message"].as_str().unwrap_or_default());
                bar.suspend(|| terminal::error(&format!("{}: {reason}", row["line"])));
            }
            return Ok(());
        }
        self.written = line["written"].as_u64().unwrap_or(self.written);
        self.refused = line["refused"].as_u64().unwrap_or(self.refused);
        self.done |= line["done"] == true;
        self.failed = line["failed"]["message"].as_str().map(str::to_owned);
        bar.set_message(format!("{} + {}", self.written, self.refused));
        Ok(())
    }

    fn so_far(&self) -> String {
        let Self { written, refused, .. } = self;
        localized(&format!(
            "Broken off: of the file's rows the first {0} are settled ({written} written, {refused} \
             refused); the next ones may be written or not. Repeat with --mode upsert. / 导入中断:\
             前 {0} 行已处理(写入 {written},拒绝 {refused}),其后的行可能已写入也可能未写入。\
             请使用 --mode upsert 重新导入。",
            written + refused
        ))
    }

    fn end(self, json: bool) -> Result<()> {
        let Self { written, refused, .. } = self;
        if json {
            let done = self.done;
            let outcome = json!({ "written": written, "refused": refused, "complete": done });
            terminal::line(&outcome.to_string());
        }
        if let Some(failed) = &self.failed {
            return Err(anyhow!("{}", localized(failed)).context(self.so_far()));
        }
        if !self.done {
            bail!("{}", self.so_far());
        }
        if refused > 0 {
            bail!(
                "{written} rows written, {refused} refused; --report FILE keeps every reason. / \
                 已写入 {written} 行,拒绝 {refused} 行;用 --report FILE 保存全部原因。"
            );
        }
        if !json {
            let done = format!("{written} rows written. / 已写入 {written} 行。");
            terminal::line(&localized(&done));
        }
        Ok(())
    }
}

/// The format that a file's name tells; JSON when it tells none.
pub fn format_of(path: &Path) -> FileFormat {
    match path.extension().and_then(|it| it.to_str()).map(str::to_ascii_lowercase).as_deref() {
        Some("csv") => FileFormat::Csv,
        Some("bson") => FileFormat::Bson,
        _ => FileFormat::Json,
    }
}

type Source = Box<dyn AsyncRead + Send + Unpin>;

/// The file and its length, where it has one.
async fn open(path: &Path) -> Result<(Source, Option<u64>)> {
    if path == Path::new("-") {
        return Ok((Box::new(tokio::io::stdin()), None));
    }
    let file = tokio::fs::File::open(path).await.map_err(|error| {
        anyhow!("{0} cannot be read: {error}. / 无法读取 {0}:{error}。", path.display())
    })?;
    let length = file.metadata().await.ok().map(|it| it.len());
    Ok((Box::new(file), length))
}

fn bar(length: Option<u64>) -> ProgressBar {
    let (bar, template) = match length {
        Some(length) => (
            ProgressBar::new(length),
            "{bar:30} {bytes}/{total_bytes} {binary_bytes_per_sec} {eta} {msg}",
        ),
        None => (ProgressBar::no_length(), "{spinner} {bytes} {binary_bytes_per_sec} {msg}"),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn unwritable(path: &Path) -> String {
    let path = path.display();
    localized(&format!("{path} cannot be written. / 无法写入 {path}。"))
}
