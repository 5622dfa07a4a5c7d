//! What the recorder wrote down (`recorder.c` says how), read back; and directories as tapes, so
//! that a recording can begin where an earlier one lost its power.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// One change of the files, or a mark.
#[derive(Clone, Debug)]
pub enum Record {
    /// A file or folder was opened under a new handle.
    Open {
        /// The handle.
        handle: u32,
        /// Whether the file came into being.
        created: bool,
        /// Whether it lost its contents.
        truncated: bool,
        /// Path below the root; empty for the root itself.
        path: String,
    },
    /// Bytes were written.
    Write {
        /// Where to.
        handle: u32,
        /// From which byte on.
        offset: u64,
        /// What.
        bytes: Vec<u8>,
    },
    /// A file was cut, or made longer with zeros.
    Truncate {
        /// Which.
        handle: u32,
        /// Bytes it has now.
        length: u64,
    },
    /// Data of a file, or entries of a folder, are on the disk.
    Sync {
        /// Which.
        handle: u32,
    },
    /// A folder was made.
    MakeFolder(String),
    /// A file or an empty folder is gone.
    Remove(String),
    /// A file or folder has another name.
    Rename(String, String),
    /// The process says something.
    Mark(String),
}

/// Reads a log.
///
/// # Errors
///
/// A log that the recorder cannot have written.
pub fn parse(log: &[u8]) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    let mut rest = log;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n').context("a line without an end")?;
        let line = std::str::from_utf8(&rest[..end])?;
        rest = &rest[end + 1..];
        let (word, arguments) = line.split_once(' ').context("a line of one word")?;
        let mut take = |length: &str| -> Result<Vec<u8>> {
            let length = length.parse()?;
            let bytes = rest.get(..length).context("the log ends early")?;
            rest = &rest[length..];
            Ok(bytes.to_vec())
        };
        let fields: Vec<&str> = arguments.splitn(4, ' ').collect();
        let record = match (word, fields.as_slice()) {
            ("open", [handle, created, truncated, path]) => Record::Open {
                handle: handle.parse()?,
                created: *created == "1",
                truncated: *truncated == "1",
                path: (*path).to_owned(),
            },
            ("write", [handle, offset, length]) => Record::Write {
                handle: handle.parse()?,
                offset: offset.parse()?,
                bytes: take(length)?,
            },
            ("truncate", [handle, length]) => {
                Record::Truncate { handle: handle.parse()?, length: length.parse()? }
            }
            ("sync", [handle]) => Record::Sync { handle: handle.parse()? },
            ("mkdir", _) => Record::MakeFolder(arguments.to_owned()),
            ("unlink" | "rmdir", _) => Record::Remove(arguments.to_owned()),
            ("rename", [length]) => {
                let names = String::from_utf8(take(length)?)?;
                let (from, to) = names.split_once('\0').context("a rename of one name")?;
                Record::Rename(from.to_owned(), to.to_owned())
            }
            ("mark", [length]) => Record::Mark(String::from_utf8(take(length)?)?),
            _ => bail!("a line nobody knows: {line}"),
        };
        records.push(record);
    }
    Ok(records)
}

/// Handles of [`of_directory`]: above all that the recorder gives.
const FIRST_HANDLE: u32 = 1 << 30;

/// The contents of a directory as a tape that made and synced them.
///
/// # Errors
///
/// What the operating system reports.
pub fn of_directory(root: &Path) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    let open = |records: &mut Vec<Record>, path: &str, created| {
        let handle = FIRST_HANDLE + u32::try_from(records.len()).unwrap_or(0);
        records.push(Record::Open { handle, created, truncated: false, path: path.to_owned() });
        handle
    };
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        if !folder.is_empty() {
            records.push(Record::MakeFolder(folder.clone()));
        }
        for entry in fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let name = entry.file_name().into_string().ok().context("a name that is no text")?;
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            if entry.file_type()?.is_dir() {
                folders.push(path);
                continue;
            }
            let handle = open(&mut records, &path, true);
            let length = entry.metadata()?.len();
            let mut bytes = fs::read(entry.path())?;
            bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
            records.push(Record::Write { handle, offset: 0, bytes });
            records.push(Record::Truncate { handle, length });
            records.push(Record::Sync { handle });
        }
        // Entries of the folder itself; those of its parent are synced with the parent's.
        let handle = open(&mut records, &folder, false);
        records.push(Record::Sync { handle });
    }
    // Folders were made after their parents were synced.
    let folders: Vec<String> = records
        .iter()
        .filter_map(|record| match record {
            Record::MakeFolder(path) => Some(path.rsplit_once('/').map_or("", |(up, _)| up)),
            _ => None,
        })
        .map(str::to_owned)
        .collect();
    for folder in folders {
        let handle = open(&mut records, &folder, false);
        records.push(Record::Sync { handle });
    }
    Ok(records)
}
