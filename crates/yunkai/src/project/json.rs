//! Reading JSON files of a project, with errors that name file, line and column.

use std::path::Path;

use anyhow::{Result, anyhow};
use serde::de::DeserializeOwned;

/// Reads a JSON file; `None` when there is none.
///
/// Comments are not JSON, but a byte order mark, as some editors write it, is taken.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(anyhow!(
                "{0} cannot be read: {error}. / 无法读取 {0}:{error}。",
                path.display()
            ));
        }
    };
    let text = text.trim_start_matches('\u{feff}');
    serde_json::from_str(text).map(Some).map_err(|error| misunderstood(path, &error))
}

/// What is wrong and where; the cause may be in both languages itself.
fn misunderstood(path: &Path, error: &serde_json::Error) -> anyhow::Error {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let cause = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
    let (english, chinese) = cause.split_once(" / ").unwrap_or((cause, cause));
    let (english, chinese) = (english.trim_end_matches('.'), chinese.trim_end_matches('。'));
    anyhow!(
        "{0} cannot be understood at line {line} column {column}: {english}. Correct it there. / {0} \
         有误:{chinese}(第 {line} 行第 {column} 列)。请在该处修改。",
        path.display()
    )
}
