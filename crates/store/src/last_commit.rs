//! The commit number outside the journal: a small file next to the tables that says how far the
//! store had come. fjall takes a damaged record in the middle of a journal for a torn tail and
//! drops what follows; a recovered number below the noted one turns that silence into a refusal.
//!
//! The file is replaced atomically and only ever holds numbers that are already durable, so a
//! missed update weakens the check and never refuses a healthy store. It is written at most
//! every two seconds, by a thread of its own that sleeps while there are no commits.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::Error;

const FILE_NAME: &str = "last-commit";
const FILE_NAME_NEW: &str = "last-commit.new";

/// How long a number may be newer than the file.
const DELAY: Duration = Duration::from_secs(2);

/// Reads the noted number; 0 when none was ever noted.
///
/// # Errors
///
/// [`Error::StoreDamaged`] when the file does not read as one of ours.
pub(crate) fn read(directory: &Path) -> Result<u64, Error> {
    let text = match fs::read_to_string(directory.join(FILE_NAME)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(Error::from_io(error, directory)),
    };
    parse(&text).ok_or_else(|| Error::StoreDamaged {
        detail: format!("the file {FILE_NAME} is not readable"),
    })
}

fn parse(text: &str) -> Option<u64> {
    let number = text.strip_prefix("commit ")?.split_once('\n')?.0.parse().ok()?;
    (text == render(number)).then_some(number)
}

fn render(number: u64) -> String {
    format!("commit {number}\ncheck {:016x}\n", check(number))
}

/// FNV-1a over the number: enough to notice a flipped bit.
fn check(number: u64) -> u64 {
    number.to_be_bytes().iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Replaces the file atomically.
fn write(directory: &Path, number: u64) -> io::Result<()> {
    let new = directory.join(FILE_NAME_NEW);
    let mut file = File::create(&new)?;
    file.write_all(render(number).as_bytes())?;
    file.sync_data()?;
    fs::rename(&new, directory.join(FILE_NAME))
}

#[derive(Default)]
struct State {
    /// Durable number that the file does not hold yet.
    pending: Option<u64>,
    stopped: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps the file a little behind the commits.
pub(crate) struct LastCommit {
    directory: PathBuf,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl LastCommit {
    pub(crate) fn start(directory: &Path) -> io::Result<LastCommit> {
        let shared = Arc::new(Shared::default());
        let (of_thread, path) = (Arc::clone(&shared), directory.to_path_buf());
        let thread = std::thread::Builder::new()
            .name("last-commit".to_owned())
            .spawn(move || keep(&of_thread, &path))?;
        Ok(LastCommit {
            directory: directory.to_path_buf(),
            shared,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Tells that `number` is durable.
    pub(crate) fn note(&self, number: u64) {
        let mut state = self.shared.lock();
        // While a number is pending the thread is awake already.
        if state.pending.replace(number).is_none() {
            self.shared.wake.notify_one();
        }
    }

    /// Stops the thread and writes `number` at once, for a clean close.
    pub(crate) fn finish(&self, number: u64) -> io::Result<()> {
        self.stop();
        write(&self.directory, number)?;
        File::open(&self.directory)?.sync_all()
    }

    fn stop(&self) {
        self.shared.lock().stopped = true;
        self.shared.wake.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that notes commit numbers panicked");
        }
    }
}

impl Drop for LastCommit {
    fn drop(&mut self) {
        self.stop();
    }
}

fn keep(shared: &Shared, directory: &Path) {
    let mut state = shared.lock();
    while !state.stopped {
        if state.pending.is_none() {
            state = shared.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        let delayed = shared.wake.wait_timeout_while(state, DELAY, |state| !state.stopped);
        state = delayed.unwrap_or_else(PoisonError::into_inner).0;
        let Some(number) = state.pending.take() else { continue };
        drop(state);
        if let Err(error) = write(directory, number) {
            // The file still holds an older number that is true.
            tracing::warn!(%error, "could not note the commit number");
        }
        state = shared.lock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_reads_back_and_refuses_every_flipped_byte() {
        for number in [0, 1, 4_711, u64::MAX] {
            let text = render(number);
            assert_eq!(parse(&text), Some(number));
            for at in 0..text.len() {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= 1;
                let flipped = String::from_utf8(bytes).unwrap();
                assert_eq!(parse(&flipped), None, "{flipped:?}");
            }
        }
    }
}
