//! `yunkai database export`: documents stream into a file beside the wanted one, which takes its
//! name when everything has arrived; half an export is never taken for a whole.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Method;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::{import::format_of, question_body};
use crate::arguments::{Export, FileFormat};
use crate::client::Client;
use crate::language::localized;
use crate::terminal;

/// Runs the command.
pub async fn run(client: &Client, export: Export) -> Result<()> {
    let file = export.file.filter(|file| file != Path::new("-"));
    let told = export.format.or_else(|| file.as_deref().map(format_of));
    let mut body = question_body(&export.question);
    match told.unwrap_or(FileFormat::Json) {
        FileFormat::Json => body["format"] = "json".into(),
        FileFormat::Csv => {
            body["format"] = "csv".into();
            body["fields"] = export.question.fields.clone().into();
        }
        FileFormat::Bson => bail!(
            "Exports are JSON Lines or CSV: choose --format json. / 仅支持导出 JSON Lines 或 CSV:\
             请使用 --format json。"
        ),
    }
    let path = ["collections", &export.collection, "export"];
    let request = client.request(Method::POST, &path, &[]).json(&body);
    let mut response = client.send(request).await?;
    let mut target = Target::open(file).await?;
    let bar = ProgressBar::no_length();
    let style = ProgressStyle::with_template("{spinner} {bytes} {binary_bytes_per_sec}");
    let bar = if let Ok(style) = style { bar.with_style(style) } else { bar };
    while let Some(bytes) = response.chunk().await.map_err(|error| client.unreachable(&error))? {
        target.write(&bytes).await?;
        bar.inc(bytes.len() as u64);
    }
    bar.finish_and_clear();
    target.finish().await
}

/// Where the text goes.
struct Target {
    writer: Box<dyn AsyncWrite + Send + Unpin>,
    /// The wanted file and the one beside it that is written first.
    files: Option<(PathBuf, PathBuf)>,
}

impl Target {
    async fn open(file: Option<PathBuf>) -> Result<Self> {
        let Some(file) = file else {
            return Ok(Self { writer: Box::new(tokio::io::stdout()), files: None });
        };
        let mut beside = file.clone().into_os_string();
        beside.push(".part");
        let beside = PathBuf::from(beside);
        let writer =
            tokio::fs::File::create(&beside).await.map_err(|error| unwritable(&beside, &error))?;
        Ok(Self { writer: Box::new(writer), files: Some((beside, file)) })
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let path = self.files.as_ref().map_or(Path::new("-"), |(beside, _)| beside);
        self.writer.write_all(bytes).await.map_err(|error| unwritable(path, &error))
    }

    async fn finish(mut self) -> Result<()> {
        let path = self.files.as_ref().map_or(Path::new("-"), |(beside, _)| beside);
        self.writer.shutdown().await.map_err(|error| unwritable(path, &error))?;
        drop(self.writer);
        if let Some((beside, file)) = self.files {
            tokio::fs::rename(&beside, &file).await.map_err(|error| unwritable(&file, &error))?;
            let file = file.display();
            terminal::line(&localized(&format!("Written: {file}. / 已写入 {file}。")));
        }
        Ok(())
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> anyhow::Error {
    let path = path.display();
    anyhow!("{path} cannot be written: {error}. / 无法写入 {path}:{error}。")
}
