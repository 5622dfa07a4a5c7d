//! The journal of one environment on the disk: segments, the oldest removed when there are too
//! many bytes or they are too old. Writes are batches and never synced: a crash of the machine may
//! lose the last of them, a crash of the process what was not handed over yet.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::entry::Entry;
use super::segment::{Segment, Span};

const DAY_MS: i64 = 86_400_000;
/// A segment is closed at this size, or at an eighth of what may be kept.
const SEGMENT_BYTES: u64 = 4 * 1024 * 1024;
const SEGMENT_BYTES_MIN: u64 = 64 * 1024;
/// How much memory for the text of batches is kept between them.
const LINES_BYTES_KEPT: usize = 2 * 1024 * 1024;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalOptions {
    /// Records older than this are removed; to within a day.
    pub days: u32,
    /// When an environment's records take more than this on the disk, the oldest go, in MB.
    pub megabytes: u64,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self { days: 7, megabytes: 256 }
    }
}

impl JournalOptions {
    fn bytes(&self) -> u64 {
        self.megabytes.saturating_mul(1024 * 1024)
    }

    fn segment_bytes(&self) -> u64 {
        SEGMENT_BYTES.min(self.bytes() / 8).max(SEGMENT_BYTES_MIN)
    }
}

/// The archive of one environment.
#[derive(Debug)]
pub(crate) struct Archive {
    folder: PathBuf,
    options: JournalOptions,
    /// Oldest first. Held while files are written or removed, not while they are searched.
    segments: Mutex<Vec<Segment>>,
    /// The text of a batch while it is written. Kept: fresh memory costs more than the text.
    lines: Mutex<Vec<u8>>,
}

impl Archive {
    /// Opens the folder, making it when it is missing. What is damaged there is passed over.
    ///
    /// # Errors
    /// The folder cannot be made or listed.
    pub fn open(folder: &Path, options: JournalOptions) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mut paths: Vec<_> = std::fs::read_dir(folder)?
            .filter_map(|file| Some(file.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|it| it == "journal"))
            .collect();
        paths.sort();
        let last = paths.last().cloned();
        let look = |path: &PathBuf| {
            // Only the last one can have an end that a crash tore off.
            if Some(path) == last.as_ref() { Segment::open(path) } else { Segment::skim(path) }
        };
        let open = |path: &PathBuf| match look(path) {
            Ok(segment) => Some(segment),
            Err(error) => {
                let path = path.display();
                tracing::warn!(%path, %error, "a part of the journal is passed over");
                None
            }
        };
        let segments = paths.iter().filter_map(open).collect();
        Ok(Self {
            folder: folder.to_owned(),
            options,
            segments: Mutex::new(segments),
            lines: Mutex::default(),
        })
    }

    /// The number of the newest entry; 0 when there is none.
    pub fn newest(&self) -> u64 {
        self.lock().iter().filter_map(|segment| Some(segment.span?.last)).max().unwrap_or(0)
    }

    /// Its segments, oldest first, as they are now.
    pub fn segments(&self) -> Vec<Segment> {
        self.lock().clone()
    }

    /// What it takes on the disk, in bytes.
    pub fn bytes(&self) -> u64 {
        self.lock().iter().map(|segment| segment.bytes).sum()
    }

    /// Writes entries, in their order, as one block, and removes what is too much.
    ///
    /// # Errors
    /// What the disk says; then none of them is kept.
    pub fn append<'a>(
        &self,
        entries: impl Iterator<Item = &'a Entry>,
        now_ms: i64,
    ) -> io::Result<()> {
        let mut kept = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = &mut *kept;
        lines.clear();
        let mut span: Option<Span> = None;
        for entry in entries {
            serde_json::to_writer(&mut *lines, entry).map_err(io::Error::other)?;
            lines.push(b'\n');
            let own = Span::of(entry.number, entry.at_ms);
            span = Some(span.map_or(own, |before| before.with(own)));
        }
        let Some(span) = span else { return Ok(()) };
        let mut segments = self.lock();
        let goes_on = segments.last().is_some_and(|it| {
            it.bytes < self.options.segment_bytes()
                && it.span.is_none_or(|it| now_ms - it.from_ms < DAY_MS)
        });
        if !goes_on {
            segments.push(Segment::create(&self.folder, span.first)?);
        }
        let last = segments.last_mut().expect("one was made when there was none");
        last.append(lines, span)?;
        lines.clear();
        lines.shrink_to(LINES_BYTES_KEPT);
        self.trim(&mut segments, now_ms);
        Ok(())
    }

    /// Removes what is too old, also when nothing new is written.
    pub fn expire(&self, now_ms: i64) {
        self.trim(&mut self.lock(), now_ms);
    }

    fn trim(&self, segments: &mut Vec<Segment>, now_ms: i64) {
        let oldest_ms = now_ms.saturating_sub(i64::from(self.options.days) * DAY_MS);
        let mut bytes: u64 = segments.iter().map(|segment| segment.bytes).sum();
        while let Some(segment) = segments.first() {
            let too_old = segment.span.is_some_and(|span| span.to_ms < oldest_ms);
            let too_much = bytes > self.options.bytes() && segments.len() > 1;
            if !too_old && !too_much {
                return;
            }
            bytes -= segment.bytes;
            if let Err(error) = std::fs::remove_file(&segment.path)
                && error.kind() != io::ErrorKind::NotFound
            {
                let path = segment.path.display();
                tracing::warn!(%path, %error, "an old part of the journal stays behind");
            }
            segments.remove(0);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Segment>> {
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::Event;
    use super::*;

    fn notices(numbers: std::ops::Range<u64>, at_ms: i64) -> Vec<Entry> {
        let text = |number: u64| number.to_string().repeat(200);
        let event = |number| Event::Notice { text: text(number) };
        let environment = || "e".to_owned();
        numbers
            .map(|number| Entry { number, at_ms, environment: environment(), event: event(number) })
            .collect()
    }

    #[test]
    fn the_oldest_go_by_size_and_by_age_and_a_restart_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let options = JournalOptions { days: 2, megabytes: 1 };
        let archive = Archive::open(folder.path(), options).unwrap();
        // Numbers repeat within a line, so a line takes little once it is compressed.
        for round in 0..2_000 {
            archive.append(notices(round * 40 + 1..round * 40 + 41, 0).iter(), 0).unwrap();
        }
        assert!(archive.bytes() <= 1024 * 1024, "{}", archive.bytes());
        assert_eq!(archive.newest(), 80_000);
        assert!(archive.segments()[0].span.unwrap().first > 1);
        drop(archive);

        let archive = Archive::open(folder.path(), options).unwrap();
        assert_eq!(archive.newest(), 80_000);
        archive.append(notices(80_001..80_002, 3 * DAY_MS).iter(), 3 * DAY_MS).unwrap();
        assert_eq!(archive.segments().len(), 1);
        archive.expire(6 * DAY_MS);
        assert_eq!(archive.segments().len(), 0);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
